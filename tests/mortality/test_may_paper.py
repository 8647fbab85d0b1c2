"""The rule of May 2020 on a made-up country; on the real data where these are at hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlsci.mortality import italy, may_paper, simulate
from mlsci.mortality.records import AGES, TEN_YEARS, WeeklyDeaths


@pytest.fixture(scope="module")
def country() -> simulate.SyntheticCountry:
    return simulate.simulate(4, n_weeks=14)


def part(records: WeeklyDeaths, share: float, weeks: str) -> WeeklyDeaths:
    """Return a constant share of deaths, as if of a part of the towns."""
    records = records.select(weeks=("01-11", weeks))
    return replace(records, deaths=records.deaths * share)


def rule(country: simulate.SyntheticCountry, official: float = 0.0) -> may_paper.MayDeaths:
    deaths = country.deaths.total("age", "sex")
    wide, narrow = part(deaths, 0.5, "03-28"), part(deaths, 0.25, "04-11")
    factors = may_paper.town_factors(wide, narrow, np.full(20, 2.0))
    floors = np.full((20, 1, 7), official)
    return may_paper.deaths_of_may(wide, narrow, factors, floors, np.zeros((20, 1)))


def test_towns_are_scaled_to_the_whole(country) -> None:
    deaths = country.deaths
    wide, narrow = part(deaths, 0.5, "03-28"), part(deaths, 0.25, "04-11")
    first, second = may_paper.town_factors(wide, narrow, np.full(20, 2.0))
    np.testing.assert_allclose(first, 2)
    np.testing.assert_allclose(second, 4)


def test_injected_deaths_are_found(country) -> None:
    found = rule(country)
    true = country.injected[..., 7:].sum((1, 2, 3))
    pull = (found.plain[:, 0] - true) / found.plain_error[:, 0]
    # The paper's model gives too small errors (see the back-tests), so this is generous.
    assert np.sqrt(np.mean(pull**2)) < 4
    hardest = country.deaths.regions.index("Lombardia")
    assert found.plain[hardest, 0] == pytest.approx(true[hardest], rel=0.1)


def test_floors_and_quadrature_do_what_they_are_said_to_do(country) -> None:
    bare, raised = rule(country), rule(country, official=100.0)
    assert (raised.published >= bare.published - 1e-9).all()
    assert (raised.published >= 700 - 1e-9).all()
    np.testing.assert_array_equal(raised.plain, bare.plain)
    np.testing.assert_allclose(bare.published, np.maximum(bare.weekly.weekly, 0).sum(-1))


def test_the_order_of_control_years_is_not_looked_at_but_which_are_is(country) -> None:
    """A permutation of five control years is the same five; another set of years is not."""
    deaths = part(country.deaths.total("age", "sex"), 1.0, "03-28")
    years = deaths.years
    shuffled = deaths.select(years=[*reversed(years[:-1]), 2020])
    fewer = deaths.select(years=[*years[:4], 2020])
    first = may_paper.series_excess(deaths).total()[0]
    np.testing.assert_allclose(may_paper.series_excess(shuffled).total()[0], first)
    assert np.abs(may_paper.series_excess(fewer).total()[0] - first).max() > 10


def test_mixing_weeks_of_control_years_changes_the_result(country) -> None:
    """Weeks of a winter belong together: permuting years within weeks loses that."""
    deaths = part(country.deaths.total("age", "sex"), 1.0, "03-28")
    mixed = deaths.deaths.copy()
    rng = np.random.default_rng(0)
    for week in range(mixed.shape[-1]):
        mixed[..., :-1, week] = mixed[..., rng.permutation(5), week]
    one, other = (may_paper.series_excess(d) for d in (deaths, replace(deaths, deaths=mixed)))
    assert np.abs(one.total()[0] - other.total()[0]).max() > 10


def test_a_province_is_a_region_with_its_own_official_deaths(country) -> None:
    series = country.deaths.total("age", "sex").select(regions=["Lombardia"])
    found = may_paper.province_deaths(part(series, 0.5, "04-11"), 2.0)
    true = country.injected[country.deaths.regions.index("Lombardia"), ..., 7:].sum()
    assert found.plain[0, 0] - 408 == pytest.approx(true, rel=0.1)
    assert found.published.shape == (1, 1)


def test_ages_that_are_left_out() -> None:
    bins = may_paper.without_ages()
    assert set(bins) == set(TEN_YEARS)
    kept = {age for ages in bins.values() for age in ages}
    assert set(AGES) - kept == {"5-9", "100+"}


def test_records_of_two_sexes_or_another_year_are_refused(country) -> None:
    with pytest.raises(ValueError, match="last year is 2020"):
        may_paper.series_excess(country.deaths)
    early = country.deaths.total("sex").select(years=[2015, 2016, 2017, 2018, 2019])
    with pytest.raises(ValueError, match="last year is 2020"):
        may_paper.series_excess(early)


if italy.available():

    def test_table_1_is_reproduced() -> None:
        wide, narrow = (italy.deaths(release) for release in ("may4_cl2", "may4_cl1"))
        factors = may_paper.town_factors(wide, narrow, italy.coverage("may4_cl2").factor)
        floors = italy.official_counts().weekly_deaths(narrow.week_ends)[:, None, 7:]
        counts = italy.official_counts(may_paper.ADDED_WITHOUT)
        dates = [may_paper.LAST_WEEKLY, may_paper.LAST_OFFICIAL]
        added = np.diff(counts.deaths_by(dates), axis=1)
        totals = [records.total("age", "sex") for records in (wide, narrow)]
        found = may_paper.deaths_of_may(*totals, factors, floors, added)
        for region, (deaths, error) in may_paper.TABLE_1.items():
            row = wide.regions.index(region)
            assert int(found.published[row, 0]) == deaths
            assert int(found.published_error[row, 0]) == error

    def test_talk_is_reproduced() -> None:
        records = italy.deaths("april4")
        factor = italy.coverage("april4").factor[:, None]
        total = may_paper.series_excess(records.total("age", "sex"), factor).later(1).total()[0]
        for region, deaths in may_paper.TALK.items():
            assert total[records.regions.index(region), 0] == pytest.approx(deaths, abs=1)

    def test_towns_add_up_to_the_published_weeks() -> None:
        summed, published = italy.town_deaths().weekly("03-28"), italy.deaths("march28")
        np.testing.assert_array_equal(summed.deaths, published.deaths)
