"""What the stage "covid/hierarchical-forms" computes."""

from __future__ import annotations

import time

import numpy as np

from mlsci.mortality import hierarchical_prior as prior
from mlsci.mortality.hierarchical_forms import Form, log_evidence, verdict
from mlsci.mortality.records import WeeklyDeaths
from mlsci.report import files
from mlsci.report.seal import Job
from mlsci.stages.covid_hierarchical_runs import by_age, records_of


def compare(job: Job) -> None:
    """Leave out each year the model was made with; keep each form's log predictive densities."""
    p = job.params
    records = records_of(p, p["last"]).select(years=p["years"])
    shown = records.week_ends.index(p["shown_to"]) + 1
    deaths = np.transpose(by_age(records), (2, 1, 0, 3)).astype(np.float64)
    days = records.days.astype(np.float64)
    layout = layout_of(records)
    start = time.process_time()
    densities: dict[str, np.ndarray] = {}
    for name, changes in p["forms"].items():
        form = Form(**changes)
        whole = log_evidence(form, layout, deaths, days)
        densities[name] = np.empty(len(p["years"]))
        for year in range(len(p["years"])):
            seen = deaths.copy()
            seen[year, :, :, shown:] = np.nan
            densities[name][year] = whole - log_evidence(form, layout, seen, days)
        print(f"{name}: {densities[name].round(1)}, {time.process_time() - start:.0f} s of CPU")
    usual = densities.pop("as it is")
    gains = {name: found - usual for name, found in densities.items()}
    files.write_json(
        job.out / "metrics.json",
        {
            "source": records.source,
            "synthetic": records.synthetic,
            "years": p["years"],
            "numbers": int(deaths[..., shown:].size),
            "least": p["least"],
            "density": usual.tolist(),
            "gain": {
                name: {
                    "years": gain.tolist(),
                    "sum": float(gain.sum()),
                    "error": float(np.sqrt(len(gain)) * gain.std(ddof=1)),
                    "justified": verdict(gain, p["least"]),
                }
                for name, gain in gains.items()
            },
            "cpu_seconds": time.process_time() - start,
        },
    )


def layout_of(records: WeeklyDeaths) -> prior.Layout:
    """Return the layout of records, with no year beside theirs."""
    days = records.days.astype(np.float64)
    middle = (np.cumsum(days, axis=1) - 0.5 * days).mean(0) / 7
    return prior.Layout(
        macro=prior.macro_numbers(records.regions),
        decades=prior.decades(records.ages),
        middle=middle - middle[0],
        years=np.array(records.years),
    )
