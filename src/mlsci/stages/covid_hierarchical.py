"""Stages of the hierarchical model of mortality: back-tests, the spring of 2020, calibration."""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Stage

SOURCES = (
    "mortality/arrowhead.py", "mortality/counterfactual.py", "mortality/hierarchical.py",
    "mortality/hierarchical_calibration.py", "mortality/hierarchical_likelihood.py",
    "mortality/hierarchical_prior.py", "mortality/hyperposterior.py", "mortality/predictive.py",
    "mortality/records.py", "mortality/regions.py", "mortality/weeks.py",
)  # fmt: skip
READERS = ("mortality/simulate.py", "mortality/weekly.py")
SCORED = (*SOURCES, *READERS, "mortality/coverage_checks.py", "mortality/scores.py")

# Others build on the runs of the back-test, which read records by all readers.
RUNS = (
    *SCORED, "mortality/compilation.py", "mortality/errors.py", "mortality/italy.py",
    "mortality/march.py", "mortality/official.py", "mortality/populations.py",
    "mortality/towns.py", "stages/covid_hierarchical_runs.py",
)  # fmt: skip
CHECKED = (*RUNS, "mortality/backtest.py", "mortality/recovery.py")

# Form and priors of the model were fixed on these years.
TUNED = [2015, 2016, 2017, 2018]
SHOWN_TO = "02-22"
ITALY: dict[str, Any] = {"records": "june30", "regions": None, "shown_to": SHOWN_TO}
# Some regions of a made-up country, which is always there.
MADE_UP: dict[str, Any] = {
    "records": "synthetic",
    "regions": ["Piemonte", "Lombardia", "Veneto", "Marche", "Sicilia"],
    "shown_to": SHOWN_TO,
}
INFERENCE: dict[str, dict[str, int]] = {
    "full": {"points": 128, "draws": 2000},
    "smoke": {"points": 64, "draws": 300},
}
MORE = {"points": 256, "draws": 2000}
# The model, and what it is compared with: parameters of `mlsci.mortality.hierarchical_forms.Form`.
FORMS: dict[str, dict[str, float]] = {
    "as it is": {},
    "winters of unequal strength": {"degrees": 4.0},
    "deaths with more chance": {"omega": 0.1},
}


def _params(full: dict[str, Any], smoke: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        "full": {**ITALY, "inference": INFERENCE["full"], "seed": 0, **full},
        "smoke": {**MADE_UP, "inference": INFERENCE["smoke"], "seed": 0, **smoke},
    }


STAGES: tuple[Stage, ...] = (
    Stage(
        name="covid/hierarchical-backtest",
        run="mlsci.stages.covid_hierarchical_runs:backtest",
        params=_params(
            {"last": "04-11", "years": [*TUNED, 2019], "tuned": TUNED},
            {"last": "03-21", "years": [2017, 2018, 2019], "tuned": [2017, 2018]},
        ),
        sources=SCORED,
        datasets={"full": ("italy_mortality",)},
    ),
    Stage(
        name="covid/hierarchical-backtest-june",
        run="mlsci.stages.covid_hierarchical_runs:backtest",
        params=_params(
            # More weeks pin the hyperparameters down further from their prior: more points.
            {"last": "06-27", "years": [*TUNED, 2019], "tuned": TUNED, "inference": MORE},
            {"last": "04-11", "years": [2017, 2018, 2019], "tuned": [2017, 2018]},
        ),
        sources=SCORED,
        datasets={"full": ("italy_mortality",)},
    ),
    Stage(
        name="covid/hierarchical-2020",
        run="mlsci.stages.covid_hierarchical_runs:spring",
        params=_params({"last": "06-27", "kept": 500}, {"last": "03-28", "kept": 100}),
        sources=(*SOURCES, *READERS),
        datasets={"full": ("italy_mortality",)},
    ),
    Stage(
        name="covid/hierarchical-chain",
        run="mlsci.stages.covid_hierarchical_runs:chain",
        params=_params(
            {"last": "04-11", "year": 2019, "draws": 200, "warmup": 60},
            {"last": "03-07", "year": 2019, "draws": 20, "warmup": 10},
        ),
        sources=(*SOURCES, *READERS),
        datasets={"full": ("italy_mortality",)},
    ),
    Stage(
        name="covid/hierarchical-calibration",
        run="mlsci.stages.covid_hierarchical_runs:calibration",
        params={
            "full": {"simulations": 100, "inference": {"points": 128, "draws": 1000}, "seed": 0},
            "smoke": {"simulations": 5, "inference": {"points": 64, "draws": 300}, "seed": 0},
        },
        sources=SOURCES,
    ),
    Stage(
        # Other countries: what stood out in the first hundred, does it stand out again?
        name="covid/hierarchical-calibration-again",
        run="mlsci.stages.covid_hierarchical_runs:calibration",
        params={
            "full": {"simulations": 200, "inference": {"points": 128, "draws": 200}, "seed": 1},
            "smoke": {"simulations": 5, "inference": {"points": 64, "draws": 100}, "seed": 1},
        },
        sources=SOURCES,
    ),
    Stage(
        name="covid/hierarchical-misfit",
        run="mlsci.stages.covid_hierarchical_checks:misfit",
        params=_params(
            {"last": "04-11", "years": TUNED},
            {"last": "03-07", "years": [2016, 2017, 2018]},
        ),
        sources=CHECKED,
        datasets={"full": ("italy_mortality",)},
    ),
    Stage(
        # Heavier tails, for waves or for counts: do the years the model was made with ask for them?
        # Another form is taken if it raises the sum of the log predictive densities of the years
        # that are left out, one at a time, by more than twice that sum's standard error, and by
        # more than `least`, which is odds of twenty to one.
        name="covid/hierarchical-forms",
        run="mlsci.stages.covid_hierarchical_forms:compare",
        params=_params(
            {"last": "04-11", "years": TUNED, "forms": FORMS, "least": 3.0},
            {
                "last": "02-29", "years": [2016, 2017], "forms": FORMS, "least": 3.0,
                "regions": ["Lombardia", "Marche"],
            },
        ),
        sources=(*RUNS, "mortality/hierarchical_forms.py"),
        datasets={"full": ("italy_mortality",)},
    ),
    Stage(
        name="covid/hierarchical-recovery",
        run="mlsci.stages.covid_hierarchical_checks:recovery",
        params={
            "full": {
                "countries": 4, "regions": None, "shown_to": SHOWN_TO, "n_weeks": 14,
                "inference": {"points": 64, "draws": 1000}, "seed": 0,
            },
            "smoke": {
                "countries": 1, "regions": MADE_UP["regions"], "shown_to": SHOWN_TO, "n_weeks": 12,
                "inference": {"points": 32, "draws": 300}, "seed": 0,
            },
        },
        sources=CHECKED,
    ),
    Stage(
        # As many towns as Italy has, and a release that covers part of them: every model.
        name="covid/recovery-towns",
        run="mlsci.stages.covid_recovery_runs:from_towns",
        params={
            "full": {
                "countries": 3, "share": 1.0, "size": 1.0, "shown_to": SHOWN_TO, "last": "04-11",
                "inference": {"points": 64, "draws": 1000}, "seed": 0,
            },
            "smoke": {
                "countries": 1, "share": 0.02, "size": 0.1, "shown_to": SHOWN_TO, "last": "03-28",
                "inference": {"points": 32, "draws": 200}, "seed": 0,
            },
        },
        sources=(
            *CHECKED, "mortality/classical.py", "mortality/conditional_gp.py",
            "mortality/harmonic_regression.py", "mortality/synthetic_control.py",
            "mortality/synthetic_towns.py", "mortality/weekly_trend.py",
            "stages/covid_hierarchical_checks.py",
        ),
    ),
)  # fmt: skip
