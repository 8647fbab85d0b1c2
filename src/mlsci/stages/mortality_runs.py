"""What the stages of `mlsci.stages.mortality` compute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlsci.mortality import excess, italy, may_paper, rates, releases, synthetic_releases
from mlsci.mortality.conditional_gp import ConditionalGP
from mlsci.mortality.counterfactual import Counterfactual, HistoricalMean
from mlsci.mortality.excess import Excess
from mlsci.mortality.may_paper import MayDeaths
from mlsci.mortality.records import ALL, TEN_YEARS, WeeklyDeaths
from mlsci.mortality.regions import BERGAMO
from mlsci.mortality.releases import Releases
from mlsci.mortality.towns import TownDeaths
from mlsci.report import files
from mlsci.report.seal import Job

LAST_TOWN_WEEK = "03-28"
SHARES_ON = "2020-05-04"  # the day of the release that the tables rest on
POSITIVITY_TO = "2020-05-02"
MODELS: dict[str, Counterfactual] = {
    "white": ConditionalGP("white"),
    "smooth": ConditionalGP("squared-exponential"),
    "mean": HistoricalMean(),
}
PAPER_REGIONS = tuple(may_paper.TABLE_1)
TABLE_2_REGIONS = tuple(may_paper.TABLE_2)
VINTAGES: tuple[italy.Release, ...] = ("march28", "april4", "may4_cl2", "june30")
EXPLORED = ("mean", "white")
# Ages that have deaths enough in the smallest region.
GROUPS = {"below 50": sum(list(TEN_YEARS.values())[:5], ())} | dict(list(TEN_YEARS.items())[5:])
OLD = ("70-79", "80-89")  # ages that were on board of the Diamond Princess


def read(job: Job) -> Releases:
    """Return the releases of the country that the profile names, and only that one."""
    if job.params["country"] == "Italy":
        found = releases.of_italy()
    else:
        found = synthetic_releases.of_synthetic_country(job.work, job.seed)
    if found.synthetic == (job.profile == "full"):
        raise ValueError(f"the profile {job.profile} must not be computed from these records")
    return found


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
    np.savez_compressed(
        job.out / "records.npz",
        days=days,
        daily=daily.astype(np.float32),
        province_rates=province.rates()[0, 0, 0].astype(np.float32),
        week_days=last.days,
        by_region=last.total("age", "sex").deaths[:, 0, 0].astype(np.float32),
        by_age=ages.deaths[0, :, 0].astype(np.float32),
    )


def _least_increase(towns: TownDeaths) -> float:
    """Return the smallest increase among towns with data: to 21 or to 28 March, what is larger."""
    observed = towns.observed(LAST_TOWN_WEEK)
    both = [towns.increase("03-01", last, observed) for last in ("03-21", "03-28")]
    return float(np.max(both, axis=0).min())


def _covered(country: Releases, name: italy.Release) -> float:
    part = country.coverage[name]
    return float(part.covered_population.sum() / part.population.sum())


@dataclass(frozen=True, eq=False)
class MayInputs:
    """What the rule of May starts from, for all regions."""

    wide: WeeklyDeaths
    narrow: WeeklyDeaths
    factors: tuple[np.ndarray, np.ndarray]
    official: np.ndarray  # (region, 7): weeks to 11 April
    added: np.ndarray  # (region,): 12 April to 9 May

    @classmethod
    def of(cls, country: Releases) -> MayInputs:
        """Collect them."""
        wide, narrow = country.weekly["may4_cl2"], country.weekly["may4_cl1"]
        dates = [may_paper.LAST_WEEKLY, may_paper.LAST_OFFICIAL]
        start = may_paper.PRE_WEEKS + may_paper.BEFORE
        return cls(
            wide,
            narrow,
            may_paper.town_factors(wide, narrow, country.coverage["may4_cl2"].factor),
            country.official.weekly_deaths(narrow.week_ends)[:, start:],
            np.diff(country.official_added.deaths_by(dates), axis=1)[:, 0],
        )

    def totals(self, model: Counterfactual) -> MayDeaths:
        """Return deaths of all ages by region, (region, 1)."""
        wide, narrow = (records.total("age", "sex") for records in (self.wide, self.narrow))
        floors, added = self.official[:, None], self.added[:, None]
        return may_paper.deaths_of_may(wide, narrow, self.factors, floors, added, model)

    def by_age(
        self, regions: tuple[str, ...], bins: dict[str, tuple[str, ...]], shares: np.ndarray
    ) -> MayDeaths:
        """Return deaths by ten years of age, official ones split by `shares` (age,)."""
        rows = [self.wide.regions.index(region) for region in regions]
        wide, narrow = (
            records.select(regions=regions).total("sex").age_bins(bins)
            for records in (self.wide, self.narrow)
        )
        factors = self.factors[0][rows], self.factors[1][rows]
        floors = self.official[rows][:, None] * shares[:, None]
        return may_paper.deaths_of_may(
            wide, narrow, factors, floors, self.added[rows, None] * shares
        )


def repeat_publication(job: Job) -> None:
    """Repeat the tables of May, the talk's numbers, and what the paper derives from them."""
    country = read(job)
    inputs = MayInputs.of(country)
    totals = {name: inputs.totals(model) for name, model in MODELS.items()}
    regions = list(inputs.wide.regions)
    rows = [regions.index(region) for region in PAPER_REGIONS]
    official = country.official.deaths_by([may_paper.LAST_WEEKLY, may_paper.LAST_OFFICIAL])
    ages, age_arrays = _ages(country)
    files.write_json(
        job.out / "published.json",
        {
            "source": inputs.wide.source,
            "synthetic": country.synthetic,
            "regions": list(PAPER_REGIONS),
            "week_ends": list(inputs.narrow.week_ends),
            "table_1": {
                name: {
                    region: {
                        what: float(getattr(found, what)[row, 0])
                        for what in ("published", "published_error", "plain", "plain_error")
                    }
                    for region, row in zip(PAPER_REGIONS, rows)
                }
                for name, found in totals.items()
            },
            "country": {
                name: {"published": float(f.published.sum()), "plain": float(f.plain.sum())}
                for name, f in totals.items()
            },
            "official": {
                region: official[row].tolist() for region, row in zip(PAPER_REGIONS, rows)
            },
            "official_country": official.sum(0).tolist(),
            "table_2": _table_2(country, inputs),
            "talk": _talk(country),
            "vintages": _vintages(country),
            "lag": _lags(country, inputs, totals["white"]),
            "rates": _rates(country, inputs, totals["white"]),
            "bergamo": _bergamo(country),
            "ages": ages,
        },
    )
    arrays: dict[str, Any] = _curves(inputs, totals["white"], rows) | age_arrays
    np.savez_compressed(job.out / "published.npz", **arrays)


def _curves(inputs: MayInputs, found: MayDeaths, rows: list[int]) -> dict[str, np.ndarray]:
    """Return what the figures by region show: deaths a day in towns of class 1, scaled."""
    series = inputs.narrow.total("age", "sex")
    scale = inputs.factors[1][rows]
    observed = series.rates()[rows, 0, 0] * scale[:, None, None]
    days = series.days[-1, may_paper.PRE_WEEKS :]
    over = may_paper.series_excess(series, inputs.factors[1][:, None])
    expected = observed[:, -1, may_paper.PRE_WEEKS :] - over.weekly[rows, 0] / days
    joint = Excess(found.weekly.weekly[rows, 0], found.weekly.covariance[rows, 0])
    sums, deviation = joint.cumulative()
    return {
        "observed": observed,
        "expected": expected,
        "expected_deviation": over.deviation[rows, 0] / days,
        "cumulative": sums,
        "cumulative_deviation": deviation,
        "official_cumulative": np.cumsum(inputs.official[rows], axis=-1),
    }


def _table_2(country: Releases, inputs: MayInputs) -> dict[str, Any]:
    """Return shares of ages by region, with and without the ages that the paper left out."""
    regions = TABLE_2_REGIONS
    variants = {
        "left_out": (may_paper.without_ages(), SHARES_ON),
        "whole": (TEN_YEARS, SHARES_ON),
        "later_bulletin": (may_paper.without_ages(), "2020-05-07"),
    }
    result: dict[str, Any] = {}
    for name, (bins, date) in variants.items():
        found = inputs.by_age(regions, bins, country.official_ages.shares(date)).published
        shares = found / found.sum(1, keepdims=True)
        result[name] = {region: row[3:].tolist() for region, row in zip(regions, shares)}
    return result


def _talk(country: Releases) -> dict[str, Any]:
    """Return excess and error to 28 March from the release of April, by region of the talk."""
    records = country.weekly["april4"]
    factor = country.coverage["april4"].factor[:, None]
    found = may_paper.series_excess(records.total("age", "sex"), factor).later(may_paper.BEFORE)
    total, error = found.total()
    rows = {region: records.regions.index(region) for region in may_paper.TALK}
    return {r: [float(total[row, 0]), float(error[row, 0])] for r, row in rows.items()}


def _vintages(country: Releases) -> dict[str, Any]:
    """Return excess and error to 28 March as each release had it, by region of the paper."""
    result: dict[str, Any] = {}
    for name in VINTAGES:
        records = country.weekly[name].select(weeks=("01-11", LAST_TOWN_WEEK))
        factor = country.coverage[name].factor[:, None]
        found = may_paper.series_excess(records.total("age", "sex"), factor)
        total, error = found.later(may_paper.BEFORE).total()
        result[name] = {
            region: [float(total[row, 0]), float(error[row, 0])]
            for row, region in enumerate(records.regions)
            if region in PAPER_REGIONS
        }
    return result


def _lags(country: Releases, inputs: MayInputs, found: MayDeaths) -> dict[str, Any]:
    """Return by how many days official deaths follow the excess, and the factor between them."""
    first = country.official.dates[0]
    start = may_paper.PRE_WEEKS
    ends = [np.datetime64(f"2020-{end}") for end in inputs.narrow.week_ends[start:]]
    days = (np.array(ends) - first).astype(np.int64)
    result: dict[str, Any] = {}
    for region in PAPER_REGIONS:
        row = inputs.wide.regions.index(region)
        weekly = Excess(found.weekly.weekly[row, 0], found.weekly.covariance[row, 0])
        lag = excess.lag_behind(weekly, days, country.official.deaths[row])
        result[region] = [lag.days, lag.days_error, lag.factor, lag.factor_error]
    return result


def _rates(country: Releases, inputs: MayInputs, found: MayDeaths) -> dict[str, Any]:
    """Return fatality of population and infected, and the share infected, by region."""
    shares = country.official_ages.shares(SHARES_ON)
    old = [list(TEN_YEARS).index(age) for age in OLD]
    of_old = inputs.by_age(PAPER_REGIONS, {age: TEN_YEARS[age] for age in OLD}, shares[old])
    of_all = inputs.by_age(TABLE_2_REGIONS, TEN_YEARS, shares)
    positivity = country.official.positivity(POSITIVITY_TO)
    result: dict[str, Any] = {}
    for number, region in enumerate(PAPER_REGIONS):
        row = inputs.wide.regions.index(region)
        people = country.population[region]
        fatality = rates.population_fatality(found.published[row, 0], people.sum())
        error = rates.population_fatality(found.published_error[row, 0], people.sum())
        infected = rates.infected_share(
            rates.population_fatality(of_old.plain[number], people[old])
        )
        result[region] = {
            "population_fatality": [float(fatality), float(error)],
            "positivity": float(positivity[row]),
            "infection_fatality_bound": [
                rates.infection_fatality_bound(float(f), float(positivity[row]))
                for f in (fatality, error)
            ],
            "infected": [infected.value, infected.low, infected.high],
        }
    for region, deaths in zip(TABLE_2_REGIONS, of_all.plain):
        by_age = rates.population_fatality(deaths, country.population[region])
        result[region]["by_age"] = by_age.tolist()
    return result


def _bergamo(country: Releases) -> dict[str, Any]:
    """Return the province's excess to the end of March: from towns by day, and by month."""
    series = country.towns.weekly(LAST_TOWN_WEEK, BERGAMO).total("age", "sex")
    towns = country.towns
    there = (towns.province == BERGAMO) & (towns.month_day <= int(LAST_TOWN_WEEK.replace("-", "")))
    seen = np.isin(towns.town, towns.observed(LAST_TOWN_WEEK))
    # Populations of single towns are not at hand: deaths of earlier years tell what is covered.
    factor = float(towns.deaths[there, :, :-1].sum() / towns.deaths[there & seen, :, :-1].sum())
    total, error = may_paper.series_excess(series, factor).later(may_paper.BEFORE).total()
    whole = country.march.excess(BERGAMO) if country.march is not None else None
    return {
        "towns": len(np.unique(towns.town[there & seen])),
        "all_towns": len(np.unique(towns.town[there])),
        "factor": factor,
        "excess": [float(total[0, 0]), float(error[0, 0])],
        "population": float(country.population[BERGAMO].sum()),
        "march_towns": whole[0] if whole else None,
        "march_excess": whole[1] if whole else None,
    }


def _ages(country: Releases) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the country's excess by age to 9 May, from the last release; official deaths."""
    records = country.weekly["june30"].select(weeks=("01-11", may_paper.LAST_OFFICIAL[5:]))
    factor = country.coverage["june30"].factor[:, None, None, None, None]
    scaled = replace(records, deaths=records.deaths * factor).total("region", "sex").age_bins()
    found = may_paper.series_excess(scaled).later(may_paper.BEFORE)
    assert scaled.regions == (ALL,)
    total, error = found.total()
    sums, deviation = found.cumulative()
    ends = [f"2020-{end}" for end in records.week_ends[may_paper.PRE_WEEKS + may_paper.BEFORE :]]
    deaths = country.official.deaths_by(ends).sum(0)
    bulletins = country.official_ages.dates
    dates = np.clip(np.array(ends, "datetime64[D]"), bulletins[0], bulletins[-1])
    shares = np.array([country.official_ages.shares(str(date)) for date in dates])
    official = shares.T * deaths
    summary = {
        "ages": list(scaled.ages),
        "week_ends": list(records.week_ends[may_paper.PRE_WEEKS + may_paper.BEFORE :]),
        "excess": total[0].tolist(),
        "error": error[0].tolist(),
        "official": official[:, -1].tolist(),
        "source": records.source,
    }
    arrays = {
        "age_cumulative": sums[0],
        "age_deviation": deviation[0],
        "age_official": official,
    }
    return summary, arrays


def predict_regions(job: Job) -> None:
    """Predict every region and age group to the end of the last release, by two models."""
    country = read(job)
    records = country.weekly["june30"]
    cover = country.coverage["june30"]
    factor = cover.factor[:, None, None, None, None]
    scaled = replace(records, deaths=records.deaths * factor).total("sex").age_bins(GROUPS)
    found = _with_sums(scaled)
    start = may_paper.PRE_WEEKS
    predicted = [_expected(found, MODELS[name]) for name in EXPLORED]
    rates_ = found.rates()[:, :, 0]
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
    np.savez_compressed(
        job.out / "regions.npz",
        observed=rates_[:, :, -1].astype(np.float32),
        usual=np.stack([rates_[:, :, :-1].min(2), rates_[:, :, :-1].max(2)]).astype(np.float32),
        expected=np.stack([mean for mean, _ in predicted]).astype(np.float32),
        deviation=np.stack([sd for _, sd in predicted]).astype(np.float32),
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
