"""What the stage "covid/recovery-towns" computes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlsci.mortality import simulate, weeks
from mlsci.mortality.classical import CLASSICAL
from mlsci.mortality.counterfactual import Calendar, Prediction
from mlsci.mortality.hierarchical import Inference
from mlsci.mortality.records import WeeklyDeaths
from mlsci.mortality.recovery import Recovered, recover_from_part
from mlsci.mortality.synthetic_towns import TownedCountry, in_towns, write_releases
from mlsci.mortality.towns import TownDeaths, read_towns
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.covid_hierarchical_checks import HABITS
from mlsci.stages.covid_hierarchical_runs import by_age, infer_year

HIERARCHICAL = "hierarchical"
WEEKS = weeks.axis(14)  # to 11 April; of 2020, class 1 is known to 15 April


def from_towns(job: Job) -> None:
    """Let every model estimate countries' known excess from the towns that a release covers."""
    p = job.params
    start = time.process_time()
    metrics: dict[str, Any] = {
        "countries": p["countries"], "source": f"{simulate.SYNTHETIC} countries"
    }  # fmt: skip
    arrays: dict[str, np.ndarray] = {}
    covered = []
    for habit, habits in HABITS.items():
        found: dict[str, list[Recovered]] = {name: [] for name in (*CLASSICAL, HIERARCHICAL)}
        for k in range(p["countries"]):
            seed = job.seed + k
            country = simulate.simulate(
                seed, n_weeks=len(WEEKS), habits=replace(habits, size=p["size"])
            )
            made = in_towns(country, seed, p["share"])
            towns = made.towns
            if "file" not in metrics:
                metrics["file"], towns = published(job.work / "towns.csv", made)
            known = towns.weekly(p["last"]).total("sex")
            true = country.injected[..., : len(known.week_ends)].sum((1, 2, 3))
            covered.append(made.coverage.covered_population.sum() / made.coverage.population.sum())
            inference = Inference(**p["inference"], seed=seed)
            for name, part, prediction in predictions(known, p["shown_to"], inference):
                ahead = prediction.mean.shape[-1]
                found[name].append(
                    recover_from_part(
                        true,
                        by_age(part)[:, :, -1, -ahead:],
                        prediction,
                        part.days[-1, -ahead:].astype(np.float64),
                        made.coverage.factor,
                        seed,
                    )
                )
            print(f"{habit} {k}: {time.process_time() - start:.0f} s of CPU")
        metrics[habit] = {name: accuracy(ones) for name, ones in found.items()}
        for name, ones in found.items():
            arrays[f"relative_{habit}_{name}"] = np.array([one.relative for one in ones])
    metrics |= {
        "towns": len(made.classes),
        "known_towns": int((made.classes == 1).sum()),
        "covered": float(np.mean(covered)),
        "cpu_seconds": time.process_time() - start,
    }
    files.write_json(job.out / "metrics.json", metrics)
    write_arrays(job.out / "arrays.npz", arrays)


def published(path: Path, made: TownedCountry) -> tuple[dict[str, Any], TownDeaths]:
    """Write a country's towns as Istat would, and read them as Istat's are read."""
    write_releases(path, made)
    megabytes = path.stat().st_size / 1e6
    towns = read_towns(path, made.towns.source)
    path.unlink()
    same = np.array_equal(towns.deaths, made.towns.deaths, equal_nan=True)
    return {"rows": len(towns.town), "megabytes": megabytes, "same": same}, towns


def predictions(
    known: WeeklyDeaths, shown_to: str, inference: Inference
) -> Iterator[tuple[str, WeeklyDeaths, Prediction]]:
    """Predict the last year by every model: its name, the deaths as it sees them, the prediction.

    Classical models see all ages together, the hierarchical one sees ten years of age each.
    """
    shown = known.week_ends.index(shown_to) + 1
    years, days = known.years, known.days.astype(np.float64)
    everybody = known.total("age")
    rates = everybody.rates()[:, 0, 0]
    calendar = Calendar(np.array(years[:-1]), years[-1], days[:-1], days[-1])
    for name, model in CLASSICAL.items():
        yield name, everybody, model(calendar).fit(rates[:, :-1]).predict(rates[:, -1, :shown])
    tens = known.age_bins()
    posterior = infer_year(tens, years[-1], list(years[:-1]), shown, inference)
    yield HIERARCHICAL, tens, posterior.predict()


def accuracy(found: list[Recovered]) -> dict[str, float]:
    """Return root mean squares over countries: relative error, errors in told deviations."""
    relative = np.array([one.relative for one in found])
    return {
        "relative": float(np.sqrt((relative**2).mean())),
        "bias": float(relative.mean()),
        "nation_z": float(np.sqrt(np.mean([one.nation_z**2 for one in found]))),
        "region_z": float(np.sqrt(np.mean([one.region_z**2 for one in found]))),
    }
