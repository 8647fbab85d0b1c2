"""Istat's table of deaths in March by town, 31 March 2020: 6,866 towns."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import AGAIN, RecordError, read_content

_SHEET = "Totale per periodo"
_HEADER = ("REG", "PROV", "NOME_REGIONE", "NOME_PROVINCIA", "NOME_COMUNE", "COD_PROVCOM")
_MARCH, _MARCH_2020 = 8, 11  # columns: mean of 2015-2019, and 2020


@dataclass(frozen=True, eq=False)
class MarchDeaths:
    """Deaths from 1 to 31 March by town.

    Attributes
    ----------
    province : ndarray of str, (town,)
    mean : ndarray of float64, (town,)
        Of the years 2015 to 2019.
    deaths : ndarray of float64, (town,)
        In 2020.
    """

    province: np.ndarray
    mean: np.ndarray
    deaths: np.ndarray

    def excess(self, province: str) -> tuple[int, float]:
        """Return the number of a province's towns in the table, and their excess over the mean.

        Raises
        ------
        ValueError
            If the province is not in the table.
        """
        rows = self.province == province
        if not rows.any():
            raise ValueError(f"no town of a province {province!r} in the table")
        return int(rows.sum()), float((self.deaths - self.mean)[rows].sum())


def read_march(path: Path) -> MarchDeaths:
    """Read the first sheet of the table.

    Raises
    ------
    RecordError
        If it is no such table, or a count is none.
    """
    import openpyxl  # type: ignore[import-untyped]  # here: slow to import

    file = path.name
    try:
        book = openpyxl.load_workbook(io.BytesIO(read_content(path)), read_only=True)
        rows = list(book[_SHEET].iter_rows(values_only=True))
    except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
        raise RecordError(file, None, f"no workbook with a sheet {_SHEET!r} ({error})", AGAIN)  # noqa: B904
    if len(rows) < 3 or tuple(rows[1][:6]) != _HEADER:
        raise RecordError(file, 1, f"the sheet's columns are not {', '.join(_HEADER)}, …", AGAIN)
    provinces, counts = [], []
    for number, row in enumerate(rows[2:], start=2):
        if row[0] is None:  # the end, filled up with empty rows
            break
        pair = row[_MARCH], row[_MARCH_2020]
        if not all(isinstance(value, int | float) and value >= 0 for value in pair):
            raise RecordError(file, number, f"deaths in March are no numbers: {pair}", AGAIN)
        provinces.append(str(row[3]))
        counts.append(pair)
    mean, deaths = np.array(counts, dtype=np.float64).T
    return MarchDeaths(np.array(provinces), mean, deaths)
