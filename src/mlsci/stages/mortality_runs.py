"""What the stages of `mlsci.stages.mortality` compute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mlsci.mortality import bergamo, countries, italy, may_paper, supply
from mlsci.mortality.conditional_gp import ConditionalGP
from mlsci.mortality.counterfactual import Counterfactual, HistoricalMean
from mlsci.mortality.records import ALL, TEN_YEARS, WeeklyDeaths
from mlsci.mortality.regions import BERGAMO
from mlsci.mortality.releases import Releases
from mlsci.mortality.towns import TownDeaths, read_towns
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job

LAST_TOWN_WEEK = "03-28"
EXPLORED: dict[str, Counterfactual] = {
    "mean": HistoricalMean(),
    "white": ConditionalGP("white"),
}
# Ages that have deaths enough in the smallest region.
GROUPS = {"below 50": sum(list(TEN_YEARS.values())[:5], ())} | dict(list(TEN_YEARS.items())[5:])


def read(job: Job) -> Releases:
    """Return the releases of the country that the profile names, and only that one."""
    return countries.releases_of(
        job.params["country"], job.work, job.seed, real=job.profile == "full"
    )


def summarise_records(job: Job) -> None:
    """Sum deaths by town and day to weeks, compare with published sums, tell what is covered."""
    country = read(job)
    towns = country.towns
    ours, theirs = towns.weekly(LAST_TOWN_WEEK), country.weekly["march28"]
    days, daily = towns.daily(LAST_TOWN_WEEK, BERGAMO)
    province = towns.weekly(LAST_TOWN_WEEK, BERGAMO).total("age", "sex")
    last = country.weekly["june30"]
    last = last.select(weeks=("01-11", last.week_ends[-1]))
    ages = last.age_bins().total("region", "sex")
    files.write_json(
        job.out / "records.json",
        {
            "source": towns.source,
            "synthetic": country.synthetic,
            "rows": len(towns.town),
            "towns": len(np.unique(towns.town)),
            "towns_observed": len(towns.observed(LAST_TOWN_WEEK)),
            "least_increase": _least_increase(towns),
            "deaths_compared": float(theirs.deaths.sum()),
            "largest_difference": float(np.abs(ours.deaths - theirs.deaths).max()),
            "compiled": _compiled(country),
            "releases": {
                name: {
                    "source": records.source,
                    "last_week": records.week_ends[-1],
                    "deaths": float(records.deaths.sum()),
                    "covered": _covered(country, name),
                    "by_region": (1 / country.coverage[name].factor).tolist(),
                }
                for name, records in country.weekly.items()
            },
            "regions": list(last.regions),
            "ages": list(ages.ages),
            "years": list(last.years),
            "week_ends": list(last.week_ends),
        },
    )
    write_arrays(
        job.out / "records.npz",
        {
            "days": days,
            "daily": daily.astype(np.float32),
            "province_rates": province.rates()[0, 0, 0].astype(np.float32),
            "week_days": last.days,
            "by_region": last.total("age", "sex").deaths[:, 0, 0].astype(np.float32),
            "by_age": ages.deaths[0, :, 0].astype(np.float32),
        },
    )


def _least_increase(towns: TownDeaths) -> float:
    """Return the smallest increase among towns with data: to 21 or to 28 March, what is larger."""
    observed = towns.observed(LAST_TOWN_WEEK)
    both = [towns.increase("03-01", last, observed) for last in ("03-21", "03-28")]
    return float(np.max(both, axis=0).min())


def _compiled(country: Releases) -> dict[str, Any]:
    """Return by how much the last release differs from what others compiled, by region and year."""
    compiled = country.compiled
    difference = compiled.compare(country.weekly["june30"])
    ordinary = np.array(compiled.years) < 2020
    return {
        "regions": list(compiled.regions),
        "years": list(compiled.years),
        "ordinary": difference[:, ordinary].tolist(),
        "pandemic": difference[:, ~ordinary][:, 0].tolist(),
    }


def _covered(country: Releases, name: italy.Release) -> float:
    part = country.coverage[name]
    return float(part.covered_population.sum() / part.population.sum())


def predict_regions(job: Job) -> None:
    """Predict every region and age group to the end of the last release, by two models."""
    country = read(job)
    records = country.weekly["june30"]
    cover = country.coverage["june30"]
    factor = cover.factor[:, None, None, None, None]
    scaled = replace(records, deaths=records.deaths * factor).total("sex").age_bins(GROUPS)
    found = _with_sums(scaled)
    start = may_paper.PRE_WEEKS
    predicted = [_expected(found, model) for model in EXPLORED.values()]
    rates = found.rates()[:, :, 0]
    through = found.select(weeks=("01-11", may_paper.LAST_OFFICIAL[5:])).select(ages=[ALL])
    excess_ = may_paper.series_excess(through).later(may_paper.BEFORE)
    usual = through.deaths[:, 0, 0, -1, start + may_paper.BEFORE :].sum(-1)
    total, error = excess_.total()
    files.write_json(
        job.out / "regions.json",
        {
            "source": records.source,
            "synthetic": country.synthetic,
            "regions": list(found.regions),
            "ages": list(found.ages),
            "week_ends": list(found.week_ends),
            "models": list(EXPLORED),
            "excess": total[:, 0].tolist(),
            "error": error[:, 0].tolist(),
            "expected": (usual - total[:, 0]).tolist(),
            "population": [float(cover.population.sum()), *cover.population.tolist()],
        },
    )
    usual_rates = [rates[:, :, :-1].min(2), rates[:, :, :-1].max(2)]
    write_arrays(
        job.out / "regions.npz",
        {
            "observed": rates[:, :, -1].astype(np.float32),
            "usual": np.stack(usual_rates).astype(np.float32),
            "expected": np.stack([mean for mean, _ in predicted]).astype(np.float32),
            "deviation": np.stack([sd for _, sd in predicted]).astype(np.float32),
        },
    )


def _with_sums(records: WeeklyDeaths) -> WeeklyDeaths:
    """Return records with the country before the regions, and all ages before the ages."""
    deaths = np.concatenate([records.total("region").deaths, records.deaths])
    deaths = np.concatenate([deaths.sum(1, keepdims=True), deaths], axis=1)
    return replace(
        records,
        deaths=deaths,
        regions=(ALL, *records.regions),
        ages=(ALL, *records.ages),
    )


def _expected(records: WeeklyDeaths, model: Counterfactual) -> tuple[np.ndarray, np.ndarray]:
    """Return deaths a day and their deviation in the weeks after the first six."""
    late = slice(may_paper.PRE_WEEKS, None)
    found = may_paper.series_excess(records, model=model)
    days = records.days[-1, late]
    return records.rates()[:, :, 0, -1, late] - found.weekly / days, found.deviation / days


def follow_bergamo(job: Job) -> None:
    """Tell the excess of the province of Bergamo from each release that has its towns."""
    country = read(job)
    part = bergamo.covered(country.towns, LAST_TOWN_WEEK)
    total, error = may_paper.series_excess(part.series, part.factor).later(may_paper.BEFORE).total()
    whole = country.march.excess(BERGAMO) if country.march is not None else None
    later = _later_towns(job, country)
    files.write_json(
        job.out / "bergamo.json",
        {
            "source": country.towns.source,
            "synthetic": country.synthetic,
            "towns": part.towns,
            "all_towns": part.all_towns,
            "factor": part.factor,
            "excess": [float(total[0, 0]), float(error[0, 0])],
            "population": float(country.population[BERGAMO].sum()),
            "march_towns": whole[0] if whole else None,
            "march_excess": whole[1] if whole else None,
            "may": _may_bergamo(later) if later is not None else None,
        },
    )


def _later_towns(job: Job, country: Releases) -> TownDeaths | None:
    """Return towns by day to 11 April: the made-up country's, or those that the user supplies."""
    if country.synthetic:
        return country.towns
    given = supply.supplied()
    if given is None:
        return None
    if given.sha256 != job.params["supplied"]:
        raise ValueError(f"{given.path.name} has changed since the start: run again")
    return read_towns(given.path, f"Istat, supplied: {given.path.name}, {given.sha256[:12]}")


def _may_bergamo(towns: TownDeaths) -> dict[str, Any]:
    """Return what stands in table 1 for the province, computed from towns to 11 April."""
    part, found = bergamo.may_deaths(towns)
    return {
        "source": towns.source,
        "towns": part.towns,
        "factor": part.factor,
        **{
            what: float(getattr(found, what)[0, 0])
            for what in ("published", "published_error", "plain", "plain_error")
        },
    }
