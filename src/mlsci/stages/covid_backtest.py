"""Stages on how good counterfactual models of mortality are: back-tests, and known excesses."""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Stage

MODELS = (
    "mortality/classical.py", "mortality/conditional_gp.py", "mortality/counterfactual.py",
    "mortality/harmonic_regression.py", "mortality/predictive.py",
    "mortality/synthetic_control.py", "mortality/weekly_trend.py",
)  # fmt: skip
RECORDS = ("mortality/records.py", "mortality/regions.py", "mortality/weeks.py")

# The weeks to 22 February are shown; scored are those after, to each of these last days.
SHOWN_TO = "02-22"
WINDOWS = {"april": "04-11", "june": "06-27"}
BACKTEST: dict[str, dict[str, Any]] = {
    "full": {"records": "june30", "shown_to": SHOWN_TO, "windows": WINDOWS},
    # Made-up records, which are always there.
    "smoke": {"records": "synthetic", "shown_to": SHOWN_TO, "windows": WINDOWS, "seed": 0},
}
RECOVERY: dict[str, dict[str, Any]] = {
    "full": {"countries": 100, "shown_to": SHOWN_TO, "last": "04-11", "seed": 0},
    "smoke": {"countries": 5, "shown_to": SHOWN_TO, "last": "04-11", "seed": 0},
}

STAGES: tuple[Stage, ...] = (
    Stage(
        name="covid/backtest",
        run="mlsci.stages.covid_backtest_runs:backtest",
        params=BACKTEST,
        sources=(
            *MODELS, *RECORDS, "mortality/backtest.py", "mortality/errors.py",
            "mortality/italy.py", "mortality/scores.py", "mortality/simulate.py",
            "mortality/weekly.py",
        ),
        datasets={"full": ("italy_mortality",)},
    ),
    Stage(
        name="covid/recovery",
        run="mlsci.stages.covid_backtest_runs:recovery",
        params=RECOVERY,
        sources=(
            *MODELS, *RECORDS, "mortality/backtest.py", "mortality/recovery.py",
            "mortality/scores.py", "mortality/simulate.py",
        ),
    ),
)  # fmt: skip
