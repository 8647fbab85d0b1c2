"""What the stages of `mlsci.stages.covid_backtest` compute."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from mlsci.mortality import italy, simulate
from mlsci.mortality.backtest import (
    KINDS,
    Backtest,
    departure_slope,
    leave_one_year_out,
    reliability,
    summary,
)
from mlsci.mortality.classical import CLASSICAL
from mlsci.mortality.records import WeeklyDeaths
from mlsci.mortality.recovery import Recovered, recover
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job

LEVELS = np.linspace(0.05, 0.95, 19)
HABITS = {"calm": simulate.CALM, "winters": simulate.Habits()}


def ordinary_years(params: Any, last: str | None = None) -> WeeklyDeaths:
    """Return the records of ordinary years, both sexes together, to the week that ends on `last`.

    They are those of a release, or, where the parameters say "synthetic", made up.
    """
    if params["records"] == "synthetic":
        records = simulate.simulate(params["seed"]).ordinary
    else:
        records = italy.deaths(params["records"])
    records = records.select(years=[year for year in records.years if year < 2020]).total("sex")
    return records if last is None else records.select(weeks=(records.week_ends[0], last))


def run(records: WeeklyDeaths, model: str, shown: int, by_age: bool = False) -> Backtest:
    """Return a model's back-test on deaths ``(regions, …)``, or ``(ages, regions, …)``."""
    deaths = records.deaths[:, :, 0].swapaxes(0, 1)
    return leave_one_year_out(
        deaths if by_age else deaths.sum(0),
        records.days,
        records.years,
        CLASSICAL[model],
        pre=shown,
        first=shown,
    )


def backtest(job: Job) -> None:
    """Leave out each ordinary year; keep scores, regions' totals and the nation's weeks."""
    p = job.params
    records = {window: ordinary_years(p, last) for window, last in p["windows"].items()}
    april = records["april"]
    shown = april.week_ends.index(p["shown_to"]) + 1
    tests = {
        window: {model: run(part, model, shown) for model in CLASSICAL}
        for window, part in records.items()
    }
    start = time.process_time()
    by_age = {model: run(april, model, shown, by_age=True) for model in CLASSICAL}
    seconds = time.process_time() - start
    tens = april.age_bins()
    by_age = {model: run(tens, model, shown, by_age=True) for model in CLASSICAL}
    result = {
        "source": april.source,
        "synthetic": april.synthetic,
        "years": list(april.years),
        "regions": list(april.regions),
        "weeks": {window: list(part.week_ends[shown:]) for window, part in records.items()},
        "scores": {w: {m: summary(t) for m, t in found.items()} for w, found in tests.items()},
        "ages": {
            model: {age: summary(test, group=g) for g, age in enumerate(tens.ages)}
            for model, test in by_age.items()
        },
        "levels": LEVELS.tolist(),
        "reliability": {
            model: {kind: reliability(test, kind, LEVELS.tolist()).tolist() for kind in KINDS}
            for model, test in tests["april"].items()
        },
        "slope": {
            model: departure_slope(test, tests["april"]["mean"])
            for model, test in tests["april"].items()
            if model != "mean"
        },
        "series": int(np.prod(april.deaths.shape[:2])),
        "cpu_seconds": seconds,
    }
    files.write_json(job.out / "metrics.json", result)
    write_arrays(job.out / "arrays.npz", _shown_arrays(april, tests["april"]))


def _shown_arrays(records: WeeklyDeaths, tests: dict[str, Backtest]) -> dict[str, np.ndarray]:
    """Return what the figures show: regions' totals, and the nation's rates by week."""
    arrays = {
        "nation_rate": records.deaths.sum((0, 1, 2)) / records.days,
        "truth_total": tests["mean"].truth("total"),
    }
    for model, test in tests.items():
        arrays[f"mean_total_{model}"] = test.mean("total")
        arrays[f"deviation_total_{model}"] = test.deviation("total")
        mean, deviation = test.nation_weeks()
        arrays[f"mean_rate_{model}"] = mean / test.days
        arrays[f"deviation_rate_{model}"] = deviation / test.days
    return arrays


def recovery(job: Job) -> None:
    """Let every model estimate the known excess of many synthetic countries."""
    p = job.params
    shown_to, last = p["shown_to"], p["last"]
    ends = simulate.simulate(0).ordinary.week_ends
    shown, n_weeks = ends.index(shown_to) + 1, ends.index(last) + 1
    metrics: dict[str, Any] = {
        "countries": p["countries"],
        "source": f"{simulate.SYNTHETIC} countries",
    }
    arrays: dict[str, np.ndarray] = {}
    for habit, habits in HABITS.items():
        countries = [
            simulate.simulate(job.seed + k, n_weeks=n_weeks, habits=habits)
            for k in range(p["countries"])
        ]
        metrics[habit] = {}
        for model, of in CLASSICAL.items():
            found = [recover(country, of, shown) for country in countries]
            metrics[habit][model] = _accuracy(found)
            arrays[f"relative_{habit}_{model}"] = np.array([one.relative for one in found])
            arrays[f"region_z_{habit}_{model}"] = np.array([one.region_z for one in found])
            arrays[f"nation_z_{habit}_{model}"] = np.array([one.nation_z for one in found])
    metrics["true"] = float(np.mean([c.injected.sum() for c in countries]))
    files.write_json(job.out / "metrics.json", metrics)
    write_arrays(job.out / "arrays.npz", arrays)


def _accuracy(found: list[Recovered]) -> dict[str, float]:
    """Return root mean squares over countries: relative error, errors in told deviations."""
    nation = np.array([one.nation_z for one in found])
    regions = np.array([one.region_z for one in found])
    relative = np.array([one.relative for one in found])
    return {
        "relative": float(np.sqrt((relative**2).mean())),
        "bias": float(relative.mean()),
        "bias_error": float(relative.std(ddof=1) / np.sqrt(len(relative))),
        "nation_z": float(np.sqrt((nation**2).mean())),
        "region_z": float(np.sqrt((regions**2).mean())),
        "nation_95": float((np.abs(nation) < 1.96).mean()),
        "region_95": float((np.abs(regions) < 1.96).mean()),
    }
