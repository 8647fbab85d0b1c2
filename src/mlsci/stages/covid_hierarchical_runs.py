"""What the stages of `mlsci.stages.covid_hierarchical` compute."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsci.mortality import hyperposterior, italy, scores, simulate, weeks
from mlsci.mortality.counterfactual import Calendar
from mlsci.mortality.coverage_checks import goal_chances, held_by_draws
from mlsci.mortality.hierarchical import (
    FittedHierarchy,
    HierarchicalMortality,
    HierarchicalPosterior,
    Inference,
)
from mlsci.mortality.hierarchical_calibration import calibrate, rank
from mlsci.mortality.hierarchical_prior import NAMES, Layout
from mlsci.mortality.predictive import Ensemble
from mlsci.mortality.records import WeeklyDeaths
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job

LEVELS = (0.68, 0.95)
QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
# Kinds of numbers: sums over these axes of a year's deaths (ages, regions, weeks).
KINDS: dict[str, tuple[int, ...]] = {
    "weekly": (0,), "total": (0, 2), "nation_weekly": (0, 1), "nation": (0, 1, 2),
    "age_weekly": (1,), "age_total": (1, 2), "cell_weekly": (), "cell_total": (2,),
}  # fmt: skip
# What is asked of coverages: kinds taken together, probability of the intervals, least and most.
GOALS: dict[str, tuple[tuple[str, ...], float, float, float]] = {
    "weekly_68": (("weekly",), 0.68, 0.66, 0.72),
    "weekly_95": (("weekly",), 0.95, 0.93, 0.97),
    "totals_95": (("total", "nation"), 0.95, 0.90, 0.98),
    "age_weekly_68": (("age_weekly",), 0.68, 0.66, 0.72),
    "age_weekly_95": (("age_weekly",), 0.95, 0.93, 0.97),
    "age_total_95": (("age_total",), 0.95, 0.90, 0.98),
    "cell_weekly_68": (("cell_weekly",), 0.68, 0.66, 0.72),
    "cell_weekly_95": (("cell_weekly",), 0.95, 0.93, 0.97),
    "cell_total_95": (("cell_total",), 0.95, 0.90, 0.98),
}
REGIONAL = ("weekly_68", "weekly_95", "totals_95")


def records_of(params: Any, last: str) -> WeeklyDeaths:
    """Return records by ten years of age, both sexes together, to the week that ends on `last`."""
    if params["records"] == "synthetic":
        records = simulate.simulate(params["seed"]).deaths
    else:
        records = italy.deaths(params["records"])
    records = records.select(regions=params["regions"], weeks=(records.week_ends[0], last))
    return records.age_bins().total("sex")


def by_age(records: WeeklyDeaths) -> np.ndarray:
    """Return the deaths ``(ages, regions, years, weeks)``."""
    return records.deaths[:, :, 0].swapaxes(0, 1)


def infer_year(
    records: WeeklyDeaths, year: int, controls: list[int], shown: int, inference: Inference
) -> HierarchicalPosterior:
    """Return the posterior for a year whose first `shown` weeks are known, from control years."""
    one, many = records.select(years=[year]), records.select(years=controls)
    calendar = Calendar(np.array(controls), year, many.days, one.days[0])
    model = HierarchicalMortality(calendar, records.regions, records.ages, inference)
    fitted: FittedHierarchy = model.fit(by_age(many) / many.days)
    return fitted.posterior(by_age(one)[:, :, 0, :shown] / one.days[0, :shown])


@dataclass(frozen=True)
class HeldOut:
    """Draws ``(n, ages, regions, weeks)`` of one year's deaths, and the deaths ``(ages, ...)``."""

    year: int
    draws: np.ndarray
    truth: np.ndarray

    def crps(self) -> np.ndarray:
        """Return the scores of regions' weeks, all ages together, in deaths."""
        return Ensemble(self.draws.sum(1)).crps(self.truth.sum(0))

    def ranks(self, seed: int) -> dict[str, np.ndarray]:
        """Return where each kind of number lies among its draws, in [0, 1].

        Regions' weeks and totals of all weeks; the same of the nation; and by age the nation's
        weeks and totals, regions' weeks and totals.
        """
        generator = np.random.default_rng([seed, self.year])
        return {
            kind: rank(self.drawn(kind), self.truth.sum(over), generator)
            for kind, over in KINDS.items()
        }

    def drawn(self, kind: str) -> np.ndarray:
        """Return draws ``(n, ...)`` of a kind of number."""
        return self.draws.sum(tuple(axis + 1 for axis in KINDS[kind]))


def backtest(job: Job) -> None:
    """Leave out each ordinary year; keep scores, ranks, regions' totals and the nation's weeks."""
    p = job.params
    records = records_of(p, p["last"]).select(years=p["years"])
    shown = records.week_ends.index(p["shown_to"]) + 1
    start = time.process_time()
    tests, described = [], []
    for k, year in enumerate(p["years"]):
        controls = [other for other in p["years"] if other != year]
        inference = Inference(**p["inference"], seed=job.seed + k)
        posterior = infer_year(records, year, controls, shown, inference)
        draws = posterior.predict().draws * posterior.days
        tests.append(HeldOut(year, draws, by_age(records)[:, :, k, shown:]))
        described.append(learned(posterior))
        print(f"{year} predicted after {time.process_time() - start:.0f} s of CPU")
    seconds = time.process_time() - start
    parts = {"all": tests} | {str(test.year): [test] for test in tests}
    parts["tuned"] = [test for test in tests if test.year in p["tuned"]]
    metrics = {
        "source": records.source,
        "synthetic": records.synthetic,
        "regions": list(records.regions),
        "weeks": list(records.week_ends[shown:]),
        "years": p["years"],
        "tuned": p["tuned"],
        "scores": {name: scored(part, job.seed) for name, part in parts.items()},
        "ages": {age: scored_age(tests, a) for a, age in enumerate(records.ages)},
        "by_chance": by_chance(tests, [t for t in tests if t.year not in p["tuned"]], job.seed),
        "hyper": described,
        "cpu_seconds": seconds,
    }
    files.write_json(job.out / "metrics.json", metrics)
    write_arrays(job.out / "arrays.npz", pictured(tests, job.seed))


def learned(posterior: HierarchicalPosterior) -> dict[str, Any]:
    """Return what is learned of the log hyperparameters, and how well it is computed."""
    return {
        "mean": posterior.hyper.mean.tolist(),
        "deviation": posterior.hyper.deviation.tolist(),
        "pareto_k": posterior.hyper.pareto_k,
        "effective": posterior.hyper.effective,
    }


def scored(tests: list[HeldOut], seed: int) -> dict[str, Any]:
    """Return errors and ranked probability scores of regions' weeks, and coverage of all kinds."""
    truth = np.array([test.truth.sum(0) for test in tests])
    mean = np.array([test.draws.mean(0).sum(0) for test in tests])
    ranks = [test.ranks(seed) for test in tests]
    return {
        "nrmse": scores.nrmse(truth, mean),
        "crps": scores.relative_crps(truth, np.array([test.crps() for test in tests])),
        "noise": float(np.sqrt((1 / truth.mean(-1)).mean())),
        "total_nrmse": scores.nrmse(truth.sum(-1)[..., None], mean.sum(-1)[..., None]),
        "nation_error": (mean.sum((1, 2)) / truth.sum((1, 2)) - 1).tolist(),
        "nation_deviation": [
            float(test.draws.sum((1, 2, 3)).std() / test.truth.sum()) for test in tests
        ],
        "coverage": {
            kind: {f"{100 * level:.0f}": inside([rank_[kind] for rank_ in ranks], level)
                   for level in LEVELS}
            for kind in ranks[0]
        },
        "counted": {kind: int(sum(rank_[kind].size for rank_ in ranks)) for kind in ranks[0]},
    }  # fmt: skip


def by_chance(tests: list[HeldOut], clean: list[HeldOut], seed: int) -> dict[str, dict[str, float]]:
    """Return how often a model that is exactly right would reach each of `GOALS`.

    Each draw in turn plays the truth. In all years, and in the clean ones; "regional" is all goals
    for regions and nation at once, "every" all there are.
    """
    generator = np.random.default_rng([seed, 3])
    held = {test.year: _held(test, generator) for test in tests}
    bounds = {name: (low, high) for name, (_, _, low, high) in GOALS.items()}
    return {
        part: goal_chances(
            [held[test.year] for test in years], bounds, {"regional": REGIONAL}, generator
        )
        for part, years in (("all", tests), ("clean", clean))
    }


def _held(test: HeldOut, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Return, for each goal, the coverage ``(n,)`` if each draw in turn were the truth."""
    n = len(test.draws)
    return {
        name: held_by_draws(
            np.concatenate([np.round(test.drawn(kind)).reshape(n, -1) for kind in kinds], axis=1),
            level,
            generator,
        )
        for name, (kinds, level, _, _) in GOALS.items()
    }


def inside(ranks: list[np.ndarray], level: float) -> float:
    """Return the share of ranks within the central interval of a probability."""
    every = np.concatenate([np.ravel(values) for values in ranks])
    return float((np.abs(every - 0.5) <= 0.5 * level).mean())


def scored_age(tests: list[HeldOut], age: int) -> dict[str, float]:
    """Return errors of one age's deaths in all years: the nation's weeks, and regions' totals."""
    truth = np.array([test.truth[age] for test in tests])
    draws = [test.draws[:, age] for test in tests]
    mean = np.array([drawn.mean(0) for drawn in draws])
    nation = np.array([Ensemble(d.sum(1)).crps(t.sum(0)) for d, t in zip(draws, truth)])
    return {
        "deaths": float(truth.sum((1, 2)).mean()),
        "nation_nrmse": scores.nrmse(truth.sum(1), mean.sum(1)),
        "nation_crps": scores.relative_crps(truth.sum(1), nation),
        "noise": float(np.sqrt((1 / truth.sum(1).mean(-1)).mean())),
    }


def pictured(tests: list[HeldOut], seed: int) -> dict[str, np.ndarray]:
    """Return what the figures show, a year in each row: weeks of the nation, totals, ranks."""
    nation = [test.draws.sum((1, 2)) for test in tests]
    totals = [test.draws.sum((1, 3)) for test in tests]
    ranks = [test.ranks(seed) for test in tests]
    return {
        "nation_truth": np.array([test.truth.sum((0, 1)) for test in tests]),
        "nation_quantiles": np.array([np.quantile(d, QUANTILES, axis=0) for d in nation]),
        "total_truth": np.array([test.truth.sum((0, 2)) for test in tests]),
        "total_quantiles": np.array([np.quantile(d, QUANTILES, axis=0) for d in totals]),
        **{
            f"ranks_{kind}": np.array([found[kind] for found in ranks])
            for kind in ("weekly", "total", "age_weekly", "nation_weekly")
        },
    }


def spring(job: Job) -> None:
    """Predict 2020 from all ordinary years; keep excess deaths, and draws of sums."""
    p = job.params
    records = records_of(p, p["last"])
    shown = records.week_ends.index(p["shown_to"]) + 1
    controls = [year for year in records.years if year < 2020]
    start = time.process_time()
    posterior = infer_year(
        records, 2020, controls, shown, Inference(**p["inference"], seed=job.seed)
    )
    draws = np.round(posterior.predict().draws * posterior.days)
    seconds = time.process_time() - start
    observed = by_age(records)[:, :, records.years.index(2020), shown:]
    excess = observed - draws
    # What is drawn of one cell is one draw of all: sums of draws are draws of sums.
    cumulative = np.cumsum(excess.sum(1), axis=-1)
    files.write_json(
        job.out / "metrics.json",
        {
            "source": records.source,
            "synthetic": records.synthetic,
            "regions": list(records.regions),
            "ages": list(records.ages),
            "weeks": list(records.week_ends[shown:]),
            "days": posterior.days.tolist(),
            "hyper": learned(posterior),
            "cpu_seconds": seconds,
        },
    )
    kept = draws[: p["kept"]]
    write_arrays(
        job.out / "arrays.npz",
        {
            "observed": observed.astype(np.int32),
            "expected": draws.mean(0).astype(np.float32),
            "expected_deviation": draws.std(0).astype(np.float32),
            "region_week_draws": kept.sum(1).astype(np.int32),
            "age_week_draws": kept.sum(2).astype(np.int32),
            "excess_region": np.quantile(cumulative, QUANTILES, axis=0),
            "excess_nation": np.quantile(cumulative.sum(1), QUANTILES, axis=0),
            "excess_age": np.quantile(np.cumsum(excess.sum(2), -1), QUANTILES, axis=0),
        },
    )


def chain(job: Job) -> None:
    """Sample one year's hyperparameters by NUTS; keep the chain and the weighted draws."""
    p = job.params
    records = records_of(p, p["last"])
    shown = records.week_ends.index(p["shown_to"]) + 1
    controls = [year for year in records.years if year < p["year"]]
    posterior = infer_year(
        records, p["year"], controls, shown, Inference(**p["inference"], seed=job.seed)
    )
    start = time.process_time()
    found = hyperposterior.nuts(
        lambda theta: posterior.likelihood.log_posterior(theta, posterior.seen),
        posterior.peak,
        draws=p["draws"],
        warmup=p["warmup"],
        seed=job.seed,
    )
    files.write_json(
        job.out / "metrics.json",
        {
            "source": records.source,
            "synthetic": records.synthetic,
            "year": p["year"],
            "names": list(NAMES),
            "weighted": learned(posterior),
            "mean": found.draws.mean(0).tolist(),
            "deviation": found.draws.std(0, ddof=1).tolist(),
            "effective": np.minimum(found.effective, len(found.draws)).tolist(),
            "accepted": found.accepted,
            "divergent": found.divergent,
            "leapfrogs": found.leapfrogs,
            "cpu_seconds": time.process_time() - start,
        },
    )
    write_arrays(
        job.out / "arrays.npz",
        {
            "chain": found.draws.astype(np.float32),
            "draws": posterior.hyper.draws.astype(np.float32),
            "weights": posterior.hyper.weights.astype(np.float32),
            "mode": posterior.peak.mode,
            "covariance": posterior.peak.covariance,
        },
    )


def calibration(job: Job) -> None:
    """Fit simulated countries whose hyperparameters are known; keep the truths' ranks."""
    p = job.params
    ends = weeks.axis(10)
    years = np.arange(2015, 2020)
    days = weeks.days(ends, years.tolist()).astype(np.float64)
    middle = (np.cumsum(days, axis=1) - 0.5 * days).mean(0) / 7
    layout = Layout(
        macro=np.array([0, 0, 1, 1, 2]),
        decades=np.array([-2.0, -1.0, 0.0, 1.0]),
        middle=middle - middle[0],
        years=years,
        baseline=(3.0, 0.5, 0.5, 0.2),
    )
    start = time.process_time()
    inference = Inference(**p["inference"], seed=job.seed)
    ranks = calibrate(layout, days, 5, p["simulations"], inference)
    metrics = {
        "simulations": p["simulations"],
        "names": list(NAMES),
        "cpu_seconds": time.process_time() - start,
        "pareto_k_high": float((ranks.pareto_k > 0.7).mean()),
        "coverage": {
            kind: {f"{100 * level:.0f}": inside([values], level) for level in LEVELS}
            for kind, values in ranks._asdict().items()
            if kind != "pareto_k"
        },
    }
    files.write_json(job.out / "metrics.json", metrics)
    write_arrays(
        job.out / "arrays.npz",
        {kind: array.astype(np.float32) for kind, array in ranks._asdict().items()},
    )
