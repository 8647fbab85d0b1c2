"""Small made-up files in the layouts of the published ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mlsci.mortality.records import AGES
from mlsci.mortality.towns import LAYOUTS, YEARS

Row = dict[str, object]
HIDDEN = {"9 April 2020": "9999", "16 April 2020": "9999", "4 May 2020": "n.d."}


def town_row(layout: str, **given: object) -> Row:
    """Return a row of the by-town file: one man died in 2020 in Bergamo, nobody before."""
    row: Row = dict.fromkeys(LAYOUTS[layout], "0")
    row |= {"NOME_REGIONE": "Lombardia", "NOME_PROVINCIA": "Bergamo", "NOME_COMUNE": "Algua"}
    row |= {"COD_PROVCOM": "16248", "CL_ETA": "18", "GE": "104"}
    if layout == "4 May 2020":
        row |= {"M_20": "1", "T_20": "1", "TIPO_COMUNE": "1"}
    else:
        row |= {"MASCHI_20": "1", "TOTALE_20": "1"}
    return row | given


def group(layout: str, which: int, year: int) -> str:
    """Return the name of the column of men (0), women (1) or both (2) in a year."""
    return LAYOUTS[layout][-3 * len(YEARS) :][which * len(YEARS) + YEARS.index(year)]


def hide_2020(layout: str, row: Row) -> Row:
    """Return the row of a town that is not observed in 2020."""
    return row | {group(layout, which, 2020): HIDDEN[layout] for which in range(3)}


def town_text(layout: str, rows: list[Row]) -> str:
    """Return the text of a by-town file."""
    names = LAYOUTS[layout]
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    return "\n".join(lines) + "\n"


def weekly_rows(regions: tuple[str, ...] = ("Marche", "Trentino-Alto Adige/Südtirol")) -> list[Row]:
    """Return rows of a regional weekly table of two years and two weeks, random counts."""
    rng = np.random.default_rng(3)
    rows: list[Row] = []
    for year in (2019, 2020):
        for week in (f"01/01/{year}-11/01/{year}", f"12/01/{year}-18/01/{year}"):
            for region in regions:
                for age in range(len(AGES)):
                    male, female = rng.integers(0, 9, 2).tolist()
                    rows.append(
                        {"week": week, "region": region, "age_group": age}
                        | {"male": float(male), "female": float(female)}
                        | {"total": float(male + female)}
                    )
    return rows


def table_text(rows: list[Row], sep: str = "\t", index: bool = True) -> str:
    """Return the text of a table, with a first column of row numbers as pandas writes it."""
    names = list(rows[0])
    lines = [sep.join(["", *names] if index else names)]
    for number, row in enumerate(rows):
        values = [str(row[name]) for name in names]
        lines.append(sep.join([str(number), *values] if index else values))
    return "\n".join(lines) + "\n"


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
