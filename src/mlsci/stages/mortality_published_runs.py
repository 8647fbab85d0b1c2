"""What the stage "covid/published" computes: tables of May, the talk, and what follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlsci.mortality import countries, excess, italy, may_paper, rates
from mlsci.mortality.conditional_gp import ConditionalGP
from mlsci.mortality.counterfactual import Counterfactual, HistoricalMean
from mlsci.mortality.excess import Excess
from mlsci.mortality.may_paper import MayDeaths
from mlsci.mortality.records import ALL, TEN_YEARS, WeeklyDeaths
from mlsci.mortality.releases import Releases
from mlsci.report import files
from mlsci.report.arrays import write_arrays
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
OLD = ("70-79", "80-89")  # ages that were on board of the Diamond Princess


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
    country = countries.releases_of(
        job.params["country"], job.work, job.seed, real=job.profile == "full"
    )
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
            "talk_population": _talk_population(country),
            "vintages": _vintages(country),
            "lag": _lags(country, inputs, totals["white"]),
            "rates": _rates(country, inputs, totals["white"]),
            "ages": ages,
        },
    )
    arrays: dict[str, Any] = _curves(inputs, totals["white"], rows) | age_arrays
    write_arrays(job.out / "published.npz", arrays)


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


def _talk_population(country: Releases) -> dict[str, float]:
    """Return by what the talk's excess changes with the population of 2019, relative, by region.

    It is scaled by all over covered people, of the census of 2011; that is the whole difference.
    """
    old, new = country.coverage["april4"], country.coverage_of_2019
    change = dict(zip(old.regions, new.factor / old.factor - 1))
    return {region: float(change[region]) for region in may_paper.TALK}


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
