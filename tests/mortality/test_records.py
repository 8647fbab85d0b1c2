"""Deaths on the week axis: sums, rates, labels."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.mortality import weeks
from mlsci.mortality.records import AGES, SEXES, TEN_YEARS, WeeklyDeaths
from mlsci.mortality.regions import MACRO_AREAS, REGIONS, canonical, macro_area

YEARS = (2015, 2016, 2019, 2020)
ENDS = weeks.axis(14)


def made(deaths: np.ndarray | None = None, source: str = "synthetic country") -> WeeklyDeaths:
    """Return records of three regions, random counts by default."""
    shape = (3, len(AGES), 2, len(YEARS), len(ENDS))
    if deaths is None:
        deaths = np.random.default_rng(1).poisson(5.0, shape)
    return WeeklyDeaths(
        np.broadcast_to(deaths, shape),
        weeks.days(ENDS, YEARS),
        REGIONS[:3],
        AGES,
        SEXES,
        YEARS,
        ENDS,
        source,
    )


def test_constant_daily_deaths_give_flat_weeks() -> None:
    daily = made(3.0 * weeks.days(ENDS, YEARS))
    np.testing.assert_array_equal(daily.rates(), 3.0)


def test_a_year_of_weeks_has_all_its_days() -> None:
    ends = weeks.axis(25)
    assert weeks.days(ends, (2019, 2020)).sum(axis=1).tolist() == [178, 179]  # to 27 June
    assert weeks.days(("02-29", "01-11"), (2019, 2020)).tolist() == [[6, 11], [7, 11]]


def test_every_day_is_in_the_week_that_ends_next() -> None:
    ends = np.array([int(end.replace("-", "")) for end in weeks.axis(25)])
    day = np.array([101, 110, 111, 112, 223, 228, 229, 301, 404, 411, 412, 627])
    np.testing.assert_array_equal(weeks.index(day), np.searchsorted(ends, day))
    with pytest.raises(ValueError, match="230 is no day"):
        weeks.index(np.array([101, 230]))


def test_age_bins_sum_to_totals_and_hold_every_age_once() -> None:
    records = made()
    assert sorted(a for ages in TEN_YEARS.values() for a in ages) == sorted(AGES)
    binned = records.age_bins()
    assert binned.ages[0] == "0-9"
    assert binned.ages[-1] == "90+"
    assert len(binned.ages) == 10
    np.testing.assert_array_equal(binned.total("age").deaths, records.total("age").deaths)
    np.testing.assert_array_equal(
        binned.select(ages=["90+"]).deaths[:, 0], records.deaths[:, AGES.index("90-94") :].sum(1)
    )


def test_totals_keep_axes_and_do_not_depend_on_order() -> None:
    records = made()
    once = records.total("region", "age", "sex")
    assert once.regions == once.ages == once.sexes == ("all",)
    np.testing.assert_array_equal(once.deaths, records.total("sex").total("region", "age").deaths)
    assert once.deaths.sum() == records.deaths.sum()


def test_what_is_not_observed_stays_unknown_in_sums() -> None:
    deaths = np.array(made().deaths)
    deaths[1, 0, 0, -1, -1] = np.nan
    total = made(deaths).total("region", "age", "sex").deaths
    assert np.isnan(total[..., -1, -1]).all()
    assert np.isnan(total).sum() == 1


def test_select_keeps_labels_with_their_numbers() -> None:
    records = made()
    part = records.select(regions=[REGIONS[2]], years=[2020, 2015], weeks=("02-29", "03-14"))
    assert part.week_ends == ("02-29", "03-07", "03-14")
    assert part.years == (2020, 2015)
    np.testing.assert_array_equal(part.deaths[0, :, :, 0], records.deaths[2, :, :, 3, 7:10])
    np.testing.assert_array_equal(part.days[:, 0], [7, 6])
    with pytest.raises(ValueError, match="no region Atlantis"):
        records.select(regions=["Atlantis"])


def test_the_source_stays_with_every_part() -> None:
    records = made()
    parts = (records.select(years=[2020]), records.age_bins(), records.total("region"))
    assert all(part.synthetic and part.source == records.source for part in parts)
    assert not made(source="Istat, 9 April 2020").synthetic
    with pytest.raises(ValueError, match="need a source"):
        made(source="")


def test_records_cannot_be_changed_nor_be_impossible() -> None:
    records = made()
    with pytest.raises(ValueError, match="read-only"):
        records.deaths[0] = 0
    with pytest.raises(ValueError, match="counts from 0"):
        made(np.array(-1.0))


@pytest.mark.parametrize(
    ("spelt", "ours"),
    [
        ("Friuli Venezia Giulia", "Friuli-Venezia Giulia"),
        ("FRIULI-VENEZIA GIULIA", "Friuli-Venezia Giulia"),
        ("Trentino-Alto Adige/Südtirol", "Trentino-Alto Adige"),
        ("Trentino Alto Adige / Südtirol", "Trentino-Alto Adige"),
        ("P.A. Bolzano", "Trentino-Alto Adige"),
        ("Valle d'Aosta/Vallée d'Aoste", "Valle d'Aosta"),
        ("Valle d’Aosta", "Valle d'Aosta"),
    ],
)
def test_one_name_for_each_region(spelt: str, ours: str) -> None:
    assert canonical(spelt) == ours


def test_regions_are_twenty_each_in_one_macro_area() -> None:
    assert len(set(REGIONS)) == 20
    assert sorted(r for members in MACRO_AREAS.values() for r in members) == sorted(REGIONS)
    assert {macro_area(region) for region in REGIONS} == set(MACRO_AREAS)
    with pytest.raises(ValueError, match="no region 'Atlantis'"):
        canonical("Atlantis")
