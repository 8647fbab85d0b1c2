"""The by-town daily file, in every layout, whole and damaged."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from mlsci.mortality.errors import RecordError
from mlsci.mortality.records import AGES
from mlsci.mortality.towns import LAYOUTS, YEARS, read_towns

from .conftest import group, hide_2020, town_row, town_text

EVERY_LAYOUT = pytest.mark.parametrize("layout", list(LAYOUTS))


def days_of_town(layout: str, code: str, every_day: list[str], **given: str) -> list[dict]:
    """Return one death of a man on each day of each year."""
    ones = {group(layout, which, year): "1" for which in (0, 2) for year in YEARS}
    return [
        town_row(layout, COD_PROVCOM=code, GE=day, **(ones | given))  # type: ignore[arg-type]
        for day in every_day
    ]


DAYS = [f"1{d:02d}" for d in range(1, 32)] + [f"2{d:02d}" for d in range(1, 30)]


@EVERY_LAYOUT
def test_one_death_a_day_gives_flat_weeks(layout: str, written) -> None:
    rows = days_of_town(layout, "16001", DAYS)
    for row in rows:
        if row["GE"] == "229":  # there is no such day
            row |= {group(layout, w, y): "0" for w in (0, 2) for y in (2015, 2017, 2018, 2019)}
    deaths = read_towns(written("t.csv", town_text(layout, rows)), "made up").weekly("02-29")
    assert deaths.regions == ("Lombardia",)
    assert deaths.source == "made up"
    np.testing.assert_array_equal(deaths.total("age", "sex").rates(), 1.0)
    assert deaths.select(ages=[AGES[18]]).total("sex").deaths.sum() == deaths.deaths.sum()


@EVERY_LAYOUT
def test_control_years_and_2020_have_the_same_towns(layout: str, written) -> None:
    seen = days_of_town(layout, "16001", ["104", "205"])
    unseen = [hide_2020(layout, row) for row in days_of_town(layout, "16002", ["104", "206"])]
    path = written("t.csv", town_text(layout, seen + unseen))
    towns = read_towns(path, "made up")
    assert towns.observed("01-18").tolist() == [16001]
    np.testing.assert_array_equal(towns.weekly("02-08").deaths.sum((0, 1, 2, 4)), 2.0)


@EVERY_LAYOUT
def test_a_town_whose_data_end_is_observed_until_then(layout: str, written) -> None:
    rows = days_of_town(layout, "16001", ["104", "206"])
    rows[1] = hide_2020(layout, rows[1])
    towns = read_towns(written("t.csv", town_text(layout, rows)), "made up")
    assert towns.weekly("02-01").deaths.sum() == len(YEARS)
    with pytest.raises(ValueError, match="no town has data for 2020 to 02-08"):
        towns.weekly("02-08")


def test_a_province_is_part_of_its_region(written) -> None:
    layout = "9 April 2020"
    bergamo = days_of_town(layout, "16001", ["104", "111", "112"])
    milan = days_of_town(layout, "15146", ["104"], NOME_PROVINCIA="Milano")
    towns = read_towns(written("t.csv", town_text(layout, bergamo + milan)), "made up")
    assert towns.weekly("01-18").deaths[..., -1, :].sum() == 4
    part = towns.weekly("01-18", "Bergamo")
    assert part.regions == ("Bergamo",)
    np.testing.assert_array_equal(part.total("age", "sex").deaths[0, 0, 0, -1], [2, 1])
    days, daily = towns.daily("01-18", "Bergamo")
    assert days[daily[-1] > 0].tolist() == [104, 111, 112]
    with pytest.raises(ValueError, match="province Atlantis"):
        towns.weekly("01-18", "Atlantis")


def test_increase_is_over_the_mean_of_the_years_before(written) -> None:
    layout = "9 April 2020"
    rows = days_of_town(layout, "16001", ["301", "321", "322"])
    rows[1] |= {group(layout, which, 2020): "4" for which in (0, 2)}
    rows += [town_row(layout, COD_PROVCOM="16002", GE="310")]
    towns = read_towns(written("t.csv", town_text(layout, rows)), "made up")
    codes = np.array([16001, 16002])
    assert towns.increase("03-01", "03-21", codes).tolist() == [2.5, np.inf]
    assert towns.increase("03-22", "03-28", codes[:1]).tolist() == [1.0]


def test_text_is_latin_1_and_zip_archives_are_read(written) -> None:
    layout = "4 May 2020"
    text = town_text(layout, [town_row(layout, NOME_COMUNE="Roè Volciano")]).encode("latin-1")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("comune_giorno.csv", text)
        archive.writestr("readme.txt", "record layout")
    whole = buffer.getvalue()
    assert read_towns(written("t.zip", whole), "made up").deaths[0, 0, -1] == 1
    for cut in (len(whole) // 2, len(whole) - 5):
        with pytest.raises(RecordError, match=r"t.zip: damaged archive"):
            read_towns(written("t.zip", whole[:cut]), "made up")


DAMAGE = {
    "men and women do not add up": {"MASCHI_20": "2"},
    "a count is no whole number": {"MASCHI_16": "-1", "TOTALE_16": "-1"},
    "no whole number": {"TOTALE_17": "one"},
    "not observed (9999, n.d.) elsewhere": {"MASCHI_20": "9999"},
    "elsewhere than in all of 2020": {"MASCHI_15": "9999"},
    "there is no such region": {"NOME_REGIONE": "Atlantis"},
    "CL_ETA is not 0 to 21": {"CL_ETA": "22"},
    "GE is no day": {"GE": "231"},
    "COD_PROVCOM is no number": {"COD_PROVCOM": "n.d."},
    "29 February of a common year": {"GE": "229", "MASCHI_15": "1", "TOTALE_15": "1"},
    "there twice": {"COD_PROVCOM": "16001"},
}


@pytest.mark.parametrize("cause", list(DAMAGE))
def test_a_row_that_cannot_be_true_is_named(cause: str, written) -> None:
    layout = "9 April 2020"
    rows = [town_row(layout, COD_PROVCOM="16001"), town_row(layout, **DAMAGE[cause])]
    with pytest.raises(RecordError) as caught:
        read_towns(written("t.csv", town_text(layout, rows)), "made up")
    assert str(caught.value).startswith("t.csv, row 2: ")
    assert cause in caught.value.cause
    assert "Mend: " in str(caught.value)


def test_wrong_columns_are_named(written) -> None:
    layout = "9 April 2020"
    names = list(LAYOUTS[layout])
    text = town_text(layout, [town_row(layout)])
    with pytest.raises(RecordError, match="'GE'"):
        read_towns(written("t.csv", text.replace("CL_ETA,GE", "CL_ETA,DAY")), "made up")
    swapped = ",".join([names[1], names[0], *names[2:]])
    with pytest.raises(RecordError, match="in another order"):
        read_towns(written("t.csv", text.replace(",".join(names), swapped)), "made up")
    with pytest.raises(RecordError, match="not a table"):
        read_towns(written("t.csv", ""), "made up")


def test_data_of_r_that_are_none(written) -> None:
    with pytest.raises(RecordError, match="no data of R"):
        read_towns(written("t.rds", b"\xfd7zXZ\x00 broken off"), "made up")


def test_data_of_r(written) -> None:
    import pandas as pd
    import rdata

    layout = "9 April 2020"
    rows = [town_row(layout), hide_2020(layout, town_row(layout, COD_PROVCOM="16002"))]
    table = pd.DataFrame(rows)[list(LAYOUTS[layout])]
    words = {"NOME_REGIONE", "NOME_PROVINCIA", "NOME_COMUNE"}
    table = table.astype({name: "int32" for name in table if name not in words})
    path = written("t.rds", b"")
    rdata.write_rds(path, table)
    towns = read_towns(path, "made up")
    assert towns.observed("01-11").tolist() == [16248]
    assert towns.weekly("01-11").deaths.sum() == 1
