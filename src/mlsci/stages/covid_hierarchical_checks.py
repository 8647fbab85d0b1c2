"""What the stages "covid/hierarchical-misfit" and "covid/hierarchical-recovery" compute."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from mlsci.mortality import simulate
from mlsci.mortality.coverage_checks import held_by_draws, parts, scatter, width_interval
from mlsci.mortality.hierarchical import Inference
from mlsci.mortality.recovery import Recovered
from mlsci.mortality.simulate import SyntheticCountry
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.covid_hierarchical_runs import LEVELS, HeldOut, by_age, infer_year, records_of

KINDS = ("weekly", "total", "nation_weekly", "age_weekly")
HABITS = {"calm": simulate.CALM, "winters": simulate.Habits()}


def misfit(job: Job) -> None:
    """Leave out each year the model was made with; tell what in its predictions is too wide."""
    p = job.params
    records = records_of(p, p["last"]).select(years=p["years"])
    shown = records.week_ends.index(p["shown_to"]) + 1
    start = time.process_time()
    tests = []
    for k, year in enumerate(p["years"]):
        controls = [other for other in p["years"] if other != year]
        inference = Inference(**p["inference"], seed=job.seed + k)
        posterior = infer_year(records, year, controls, shown, inference)
        draws = np.round(posterior.predict().draws * posterior.days)
        tests.append(HeldOut(year, draws, by_age(records)[:, :, k, shown:]))
        print(f"{year} predicted after {time.process_time() - start:.0f} s of CPU")
    split = [parts(test.draws.sum(1), test.truth.sum(0)) for test in tests]
    nation = np.array([part.nation for part in split])
    files.write_json(
        job.out / "metrics.json",
        {
            "source": records.source,
            "synthetic": records.synthetic,
            "years": p["years"],
            "weeks": list(records.week_ends[shown:]),
            "coverage": {kind: _coverage(tests, kind, job.seed) for kind in KINDS},
            "nation_z": nation.tolist(),
            "nation_width": width_interval(nation),
            "own": [float(part.own.mean()) for part in split],
            "own_total": [float(part.own_total.mean()) for part in split],
            "cpu_seconds": time.process_time() - start,
        },
    )


def _coverage(tests: list[HeldOut], kind: str, seed: int) -> dict[str, Any]:
    """Return how often intervals held, and how that would scatter were the model right."""
    generator = np.random.default_rng([seed, 2])
    ranks = np.array([test.ranks(seed)[kind] for test in tests])
    found: dict[str, Any] = {}
    for level in LEVELS:
        held = [held_by_draws(test.drawn(kind), level, generator) for test in tests]
        together = scatter(held, generator)
        found[f"{100 * level:.0f}"] = {
            "held": float((np.abs(ranks - 0.5) <= 0.5 * level).mean()),
            "one_year": float(np.mean([one.std() for one in held])),
            "all_years": float(together.std()),
            "central_90": np.quantile(together, (0.05, 0.95)).tolist(),
        }
    return found


def recovery(job: Job) -> None:
    """Let the hierarchical model estimate the known excess of synthetic countries."""
    p = job.params
    metrics: dict[str, Any] = {
        "countries": p["countries"], "source": f"{simulate.SYNTHETIC} countries"
    }  # fmt: skip
    arrays: dict[str, np.ndarray] = {}
    start = time.process_time()
    for habit, habits in HABITS.items():
        found = []
        for k in range(p["countries"]):
            country = simulate.simulate(job.seed + k, n_weeks=p["n_weeks"], habits=habits)
            inference = Inference(**p["inference"], seed=job.seed + k)
            found.append(recover_by_age(country, p["regions"], p["shown_to"], inference))
            print(f"{habit} {k}: {found[-1].relative:+.3f}, {time.process_time() - start:.0f} s")
        nation = np.array([one.nation_z for one in found])
        regions = np.array([one.region_z for one in found])
        relative = np.array([one.relative for one in found])
        metrics[habit] = {
            "relative": float(np.sqrt((relative**2).mean())),
            "bias": float(relative.mean()),
            "nation_z": float(np.sqrt((nation**2).mean())),
            "region_z": float(np.sqrt((regions**2).mean())),
            "region_95": float((np.abs(regions) < 1.96).mean()),
        }
        arrays |= {f"relative_{habit}": relative, f"region_z_{habit}": regions}
        arrays[f"nation_z_{habit}"] = nation
    metrics["cpu_seconds"] = time.process_time() - start
    files.write_json(job.out / "metrics.json", metrics)
    write_arrays(job.out / "arrays.npz", arrays)


def recover_by_age(
    country: SyntheticCountry, regions: list[str] | None, shown_to: str, inference: Inference
) -> Recovered:
    """Estimate the excess of a country's last year from ten classes of age in each region.

    Parameters
    ----------
    country
        With its control years and its epidemic, which begins after the weeks that are shown.
    regions
        Which; None for all.
    shown_to
        Last day, "MM-DD", of the last week that the model is shown.
    inference
        How much is computed.
    """
    records = country.deaths.select(regions=regions).age_bins().total("sex")
    shown = records.week_ends.index(shown_to) + 1
    rows = [country.deaths.regions.index(region) for region in records.regions]
    true = country.injected[rows].sum((1, 2))
    if true[:, :shown].any():
        raise ValueError(f"the epidemic begins before {shown_to}: show fewer weeks")
    year = records.years[-1]
    posterior = infer_year(records, year, list(records.years[:-1]), shown, inference)
    totals = (posterior.predict().draws * posterior.days).sum((1, 3))
    observed = by_age(records)[:, :, -1, shown:].sum((0, 2))
    return Recovered(
        true=true[:, shown:].sum(1),
        estimate=observed - totals.mean(0),
        deviation=totals.std(0, ddof=1),
        nation_deviation=float(totals.sum(1).std(ddof=1)),
    )
