"""Another compilation of weekly deaths: read strictly, and held against ours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlsci.mortality import italy, simulate
from mlsci.mortality.compilation import Compilation, read_compilation
from mlsci.mortality.errors import RecordError

HEADER = (
    "country,region,region_code,start_date,end_date,year,week,population,total_deaths,"
    "covid_deaths,expected_deaths"
)


def row(region: str, year: int, week: int, deaths: object) -> str:
    first = np.datetime64(f"{year}-01-01") + 7 * week
    return f"Italy,{region},1,{first},{first + 6},{year},{week + 1},1000,{deaths},0,TBC"


def text(*rows: str) -> str:
    return "\n".join((HEADER, *rows)) + "\n"


WHOLE = [
    row(region, year, week, 10 * week + (region == "Tuscany"))
    for region in ("Tuscany", "Veneto", "Italy")
    for year in (2019, 2020)
    for week in range(3)
]


def test_regions_are_ours_and_the_nation_is_left_out(written) -> None:
    found = read_compilation(written("a.csv", text(*WHOLE)))
    assert found.regions == ("Veneto", "Toscana")
    assert found.years == (2019, 2020)
    np.testing.assert_array_equal(found.deaths[:, 1], [[0, 10, 20], [1, 11, 21]])


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([*WHOLE[:-4], row("Atlantis", 2019, 0, 1)], "there is no such region"),
        ([*WHOLE, row("Veneto", 2020, 3, -1)], "no whole number"),
        (WHOLE[1:], "is missing, or there twice"),
        ([*WHOLE, WHOLE[0]], "is missing, or there twice"),
        ([*WHOLE, WHOLE[0].replace("2019-01-07", "2019-01-08")], "row 13: the week has not seven"),
        (
            [*WHOLE, WHOLE[0].replace("01-01", "01-02").replace("01-07", "01-08")],
            "does not count from 1 January",
        ),
    ],
)
def test_a_table_that_cannot_be_true_is_refused(written, rows, match) -> None:
    with pytest.raises(RecordError, match=match):
        read_compilation(written("a.csv", text(*rows)))


def test_sums_to_a_day_are_linear_within_a_week() -> None:
    one = Compilation(("Veneto",), (2019, 2020), np.array([[[7.0, 14.0], [70.0, 0.0]]]))
    np.testing.assert_allclose(one.until(np.array([7, 7])), [[7, 70]])
    np.testing.assert_allclose(one.until(np.array([9, 3])), [[11, 30]])
    with pytest.raises(ValueError, match="day 15 of a year is after the last week's end, 14"):
        one.until(np.array([15, 14]))


def test_what_is_missing_in_one_region_is_told_for_that_region() -> None:
    """The same deaths, cut into other weeks, agree; a twentieth more in one year is seen there."""
    records = simulate.simulate(0, n_weeks=14).ordinary
    daily = np.repeat(records.rates(), records.days[0], axis=-1).sum((1, 2))
    n = daily.shape[-1] // 7
    weeks = daily[..., : 7 * n].reshape(*daily.shape[:2], n, 7).sum(-1)
    theirs = Compilation(records.regions, records.years, weeks)
    more = records.deaths.copy()
    more[3, ..., 2, :] *= 1.05
    found = theirs.compare(replace(records, deaths=more))
    assert found.shape == (20, 6)
    assert found[3, 2] == pytest.approx(0.05, abs=0.01)
    found[3, 2] = 0
    # All years were cut like a common one, so leap years are off by a day of 29 February's week;
    # and of the smallest region a few deaths are a per cent.
    common, large = [0, 2, 3, 4], np.arange(20) != records.regions.index("Valle d'Aosta")
    assert np.abs(found[large][:, common]).max() < 0.01


if italy.available():

    def test_ordinary_years_are_those_of_the_last_release() -> None:
        compiled = italy.compiled_deaths()
        found = compiled.compare(italy.deaths("june30"))
        assert len(compiled.regions) == 19
        assert np.abs(found[:, :-1]).max() < 0.01
        # Deaths of 2020 that were registered late are in ours alone.
        assert (found[:, -1] > 0).all()
