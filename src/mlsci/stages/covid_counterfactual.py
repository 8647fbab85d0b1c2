"""The stage on how a conditional Gaussian process continues one region's year."""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Job, Stage

PARAMS: dict[str, Any] = {
    "region": "Lombardia", "shown_to": "02-22", "last": "04-11", "draws": 12, "seed": 0
}  # fmt: skip

STAGES: tuple[Stage, ...] = (
    Stage(
        name="covid/kernel",
        run="mlsci.stages.covid_counterfactual:continue_year",
        params={
            "full": {"records": "june30", **PARAMS},
            # Made-up records, which are always there.
            "smoke": {"records": "synthetic", **PARAMS},
        },
        sources=(
            "mortality/conditional_gp.py", "mortality/counterfactual.py", "mortality/errors.py",
            "mortality/italy.py", "mortality/predictive.py", "mortality/records.py",
            "mortality/simulate.py", "mortality/weekly.py", "mortality/weeks.py",
        ),
        datasets={"full": ("italy_mortality",)},
    ),
)  # fmt: skip


def continue_year(job: Job) -> None:
    """Fit both kernels to a region's control years, draw from them, and condition them on 2020."""
    import numpy as np

    from mlsci.mortality import italy, simulate
    from mlsci.mortality.conditional_gp import (
        COMPONENTS,
        ConditionalGP,
        ppca_covariance,
        principal_components,
        smooth_covariance,
        smooth_residual,
    )
    from mlsci.mortality.counterfactual import GaussianPrediction
    from mlsci.report import files
    from mlsci.report.arrays import write_arrays

    p = job.params
    made_up = p["records"] == "synthetic"
    records = simulate.simulate(job.seed).deaths if made_up else italy.deaths(p["records"])
    records = records.select(regions=[p["region"]], weeks=(records.week_ends[0], p["last"]))
    rates = records.total("age", "sex").rates()[0, 0, 0]
    control, year = rates[:-1], rates[-1]
    shown = records.week_ends.index(p["shown_to"]) + 1
    variances, directions = principal_components(control)
    amplitude, length = smooth_residual(control)
    arrays = {
        "rates": rates,
        "directions": directions[:COMPONENTS],
        "scores": (control - control.mean(0)) @ directions[:COMPONENTS].T,
    }
    kernels = {"white": ppca_covariance(control), "smooth": smooth_covariance(control)}
    for name, kernel in kernels.items():
        model = ConditionalGP("white" if name == "white" else "squared-exponential")
        unconditional = GaussianPrediction(control.mean(0), kernel, np.zeros(()))
        later = model.fit(control).predict(year[:shown])
        arrays |= {
            f"kernel_{name}": kernel,
            f"draws_{name}": unconditional.sample(p["draws"], job.seed),
            f"mean_{name}": later.mean,
            f"covariance_{name}": later.covariance,
            f"later_draws_{name}": later.sample(p["draws"], job.seed + 1),
        }
    write_arrays(job.out / "arrays.npz", arrays)
    noise = variances[COMPONENTS:]
    files.write_json(
        job.out / "metrics.json",
        {
            "source": records.source,
            "region": p["region"],
            "years": list(records.years),
            "week_ends": list(records.week_ends),
            "explained": float(variances[:COMPONENTS].sum() / variances.sum()),
            "amplitude": float(amplitude),
            "length": float(length),
            "noise": float(np.sqrt(noise.mean())),
            "likeliest_noise": float(np.sqrt(noise.sum() / (len(control.T) - COMPONENTS))),
        },
    )
