"""The regional tables: weekly deaths, coverage, populations, official counts, March."""

from __future__ import annotations

import gzip

import numpy as np
import openpyxl
import pytest

from mlsci.mortality.errors import RecordError
from mlsci.mortality.march import read_march
from mlsci.mortality.official import ISS_COLUMNS, read_official, read_official_ages
from mlsci.mortality.populations import read_coverage, read_populations
from mlsci.mortality.records import TEN_YEARS
from mlsci.mortality.regions import REGIONS
from mlsci.mortality.weekly import read_regional_weekly

from .conftest import table_text, weekly_rows


def test_weekly_table_is_read_by_its_labels(written) -> None:
    rows = weekly_rows()
    text = table_text(rows)
    deaths = read_regional_weekly(written("w.tsv.gz", gzip.compress(text.encode())), "made up")
    assert deaths.regions == ("Trentino-Alto Adige", "Marche")
    assert deaths.years == (2019, 2020)
    assert deaths.week_ends == ("01-11", "01-18")
    np.testing.assert_array_equal(deaths.days, [[11, 7]] * 2)
    last = rows[-1]
    assert deaths.deaths[0, -1, :, 1, 1].tolist() == [last["male"], last["female"]]
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    again = read_regional_weekly(written("w.tsv", table_text(shuffled)), "made up")
    np.testing.assert_array_equal(again.deaths, deaths.deaths)


DAMAGE = {
    "male and female do not add up": {"male": 1000.0},
    "no whole number from 0": {"female": -1.0, "total": -1.0},
    "age_group is not": {"age_group": 22},
    "its week does not read": {"week": "second"},
    "not on the published axis": {"week": "13/01/2020-19/01/2020"},
    "there is no such region": {"region": "Atlantis"},
    "there twice": {"age_group": 20},
}


@pytest.mark.parametrize("cause", list(DAMAGE))
def test_a_damaged_row_is_named(cause: str, written) -> None:
    rows = weekly_rows()
    rows[-1] = rows[-1] | DAMAGE[cause]
    with pytest.raises(RecordError) as caught:
        read_regional_weekly(written("w.tsv", table_text(rows)), "made up")
    assert cause in caught.value.cause
    expected = len(rows) - 1 if cause == "there twice" else len(rows)
    assert caught.value.row == expected


def test_permuted_columns_missing_rows_and_truncation_are_noticed(written) -> None:
    rows = weekly_rows()
    permuted = [{name: row[name] for name in reversed(row)} for row in rows]
    with pytest.raises(RecordError, match="its columns are"):
        read_regional_weekly(written("w.tsv", table_text(permuted)), "made up")
    with pytest.raises(RecordError, match=r"a row is missing: Trentino.* week to 01-18 of 2020"):
        read_regional_weekly(written("w.tsv", table_text(rows[:-1])), "made up")
    whole = gzip.compress(table_text(rows).encode())
    with pytest.raises(RecordError, match="truncated"):
        read_regional_weekly(written("w.tsv.gz", whole[:-9]), "made up")
    with pytest.raises(RecordError, match="cannot be read"):
        read_regional_weekly(written("w.tsv", "").with_name("absent.tsv"), "made up")


def coverage_rows() -> list[dict]:
    return [
        {"REG": n, "region": region, "total_commune": 10, "mortality_commune": 4}
        | {"total_population": 1000.0, "mortality_population": 100.0 * (1 + n % 5)}
        for n, region in enumerate(reversed(REGIONS))
    ]


def test_coverage(written) -> None:
    coverage = read_coverage(written("c.tsv", table_text(coverage_rows())))
    assert coverage.regions == REGIONS
    assert coverage.factor[-1] == 10.0
    assert coverage.factor[-2] == 5.0
    rows = coverage_rows()
    rows[3] |= {"mortality_population": 1001}
    with pytest.raises(RecordError, match=r"c.tsv, row 4: more than all"):
        read_coverage(written("c.tsv", table_text(rows)))
    with pytest.raises(RecordError, match="not each of the 20 regions once"):
        read_coverage(written("c.tsv", table_text(coverage_rows()[1:])))


def test_populations(written) -> None:
    ages = [*(f"{age} years" for age in list(TEN_YEARS)[:-1]), "90-109 years"]
    row = {"region": "Friuli Venezia Giulia"} | {age: 100 + k for k, age in enumerate(ages)}
    read = read_populations(written("p.tsv", table_text([row], index=False)))
    assert read["Friuli-Venezia Giulia"].tolist() == list(range(100, 110))
    with pytest.raises(RecordError, match=r"row 2: there is no region 'Atlantis'"):
        read_populations(
            written("p.tsv", table_text([row, row | {"region": "Atlantis"}], index=False))
        )
    with pytest.raises(RecordError, match="a region is there twice"):
        read_populations(written("p.tsv", table_text([row, row], index=False)))


def official_rows() -> list[dict]:
    names = [r for r in REGIONS if not r.startswith("Trentino")] + ["P.A. Trento", "P.A. Bolzano"]
    return [
        {"date": f"2020-02-2{day}T18:00:00", "region": name, "death": 10 * day + n}
        | {"total_cases": 30 * day, "swabs": 50 * day}
        for day in (4, 5, 6)
        for n, name in enumerate(names)
    ]


def test_official_counts(written) -> None:
    path = written("o.tsv", table_text(official_rows()))
    counts = read_official(path)
    trentino, last = REGIONS.index("Trentino-Alto Adige"), REGIONS.index("Sardegna")
    assert counts.deaths[trentino].tolist() == [40 + 40 + 19 + 20, 139, 159]
    assert read_official(path, ["P.A. Bolzano"]).deaths[trentino].tolist() == [59, 69, 79]
    assert counts.deaths_by(["2020-02-01", "2020-02-25"])[last].tolist() == [0, 68]
    weekly = counts.weekly_deaths(("02-15", "02-22"))
    np.testing.assert_array_equal(weekly, 0)
    np.testing.assert_allclose(counts.positivity("2020-02-25"), 0.6)
    with pytest.raises(ValueError, match="official counts end on 2020-02-26"):
        counts.deaths_by(["2020-02-27"])
    with pytest.raises(RecordError, match=r"Valle d'Aosta has 0 rows on 2020-02-25"):
        read_official(written("o.tsv", table_text(official_rows()[:22] + official_rows()[23:])))
    with pytest.raises(RecordError, match="has no column swabs"):
        read_official(written("o.tsv", table_text(official_rows()).replace("swabs", "tests")))


def test_official_ages(written) -> None:
    first = {"date": "2020-05-01"} | dict.fromkeys(ISS_COLUMNS, 0)
    first |= {"deaths_male_70-79": 10, "deaths_female_80-89": 10}
    second = first | {"date": "2020-05-11", "deaths_female_90-": 20}
    path = written("i.csv", table_text([first, second], ",", index=False))
    ages = read_official_ages(path)
    np.testing.assert_allclose(ages.shares("2020-05-01")[-3:], [0.5, 0.5, 0.0])
    np.testing.assert_allclose(ages.shares("2020-05-06")[-3:], [1 / 3, 1 / 3, 1 / 3])
    with pytest.raises(ValueError, match="bulletins are from 2020-05-01 to 2020-05-11"):
        ages.shares("2020-05-12")
    with pytest.raises(RecordError, match="row 2: this bulletin is not later"):
        read_official_ages(written("i.csv", table_text([second, first], ",", index=False)))


def test_march_table(written, tmp_path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Totale per periodo"
    sheet.append(["totale decessi"])
    header = ["REG", "PROV", "NOME_REGIONE", "NOME_PROVINCIA", "NOME_COMUNE", "COD_PROVCOM"]
    sheet.append([*header, *["01/03 -31/03"] * 6])
    for province, mean, deaths in (("Bergamo", 1.4, 10), ("Bergamo", 2.0, 2), ("Torino", 3, 8)):
        sheet.append(["03", "016", "Lombardia", province, "x", "1", 0.8, 1.6, mean, 1, 1, deaths])
    sheet.append([None] * 12)
    book.save(tmp_path / "m.xlsx")
    table = read_march(tmp_path / "m.xlsx")
    assert table.excess("Bergamo") == (2, pytest.approx(8.6))
    with pytest.raises(ValueError, match="no town of a province 'Milano'"):
        table.excess("Milano")
    sheet["L4"] = "-"
    book.save(tmp_path / "m.xlsx")
    with pytest.raises(RecordError, match=r"m.xlsx, row 3: deaths in March are no numbers"):
        read_march(tmp_path / "m.xlsx")
    with pytest.raises(RecordError, match="no workbook"):
        read_march(written("m.xlsx", (tmp_path / "m.xlsx").read_bytes()[:500]))
