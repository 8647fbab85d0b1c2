"""Reader of the regional weekly tables."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from . import weeks
from .errors import RecordError
from .records import AGES, SEXES, WeeklyDeaths
from .regions import REGIONS, canonical

COLUMNS = ("week", "region", "age_group", "male", "female", "total")
_WEEK = r"\d{2}/\d{2}/\d{4}-\d{2}/\d{2}/\d{4}"
_AGAIN = "get the file again; it is not the published one"


def read_text(path: Path, encoding: str = "utf-8") -> io.StringIO:
    """Return the text of a file, gzipped or not.

    Raises
    ------
    RecordError
        If the file is not there, truncated or not text in this encoding.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        return io.StringIO(content.decode(encoding))
    except FileNotFoundError:
        raise RecordError(path.name, None, "there is no such file", "run `make data`") from None
    except (OSError, EOFError, zlib.error) as error:
        raise RecordError(path.name, None, f"damaged archive ({error})", _AGAIN) from None
    except UnicodeDecodeError as error:
        raise RecordError(path.name, None, f"not {encoding} text ({error})", _AGAIN) from None


def read_regional_weekly(path: Path, source: str) -> WeeklyDeaths:
    """Read a table of deaths by week, region, class of age and sex.

    Parameters
    ----------
    path : Path
        Tab-separated text, gzipped or not, with the columns week ("01/01/2015-11/01/2015"),
        region, age_group (0 to 21), male, female, total.
    source : str
        The release that the table is made from.

    Returns
    -------
    WeeklyDeaths
        Regions in the order of Istat's codes.

    Raises
    ------
    RecordError
        If the file is damaged, incomplete, or holds what cannot be deaths.
    """
    file = path.name
    try:
        table = pd.read_csv(read_text(path), sep="\t", index_col=0)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise RecordError(file, None, f"not a table ({error})", _AGAIN) from None
    if tuple(table.columns) != COLUMNS:
        raise RecordError(
            file, None, f"its columns are {list(table.columns)}, not {list(COLUMNS)}", _AGAIN
        )

    def refuse(bad: np.ndarray, cause: str) -> None:
        if np.any(bad):
            row = int(np.argmax(bad))
            raise RecordError(file, row + 1, f"{cause} ({table.iloc[row].to_list()})", _AGAIN)

    counts = table[["male", "female", "total"]].apply(pd.to_numeric, errors="coerce").to_numpy()
    refuse(~np.all((counts >= 0) & (counts % 1 == 0), axis=1), "a count is no number from 0")
    refuse(counts[:, 0] + counts[:, 1] != counts[:, 2], "male and female do not add up to total")
    age = pd.to_numeric(table.age_group, errors="coerce").to_numpy()
    refuse(~np.isin(age, np.arange(len(AGES))), f"age_group is not 0 to {len(AGES) - 1}")
    found = table.week.astype(str).str.fullmatch(_WEEK).to_numpy()
    refuse(~found, "its week does not read 01/01/2015-11/01/2015")
    end = (table.week.str[14:16] + "-" + table.week.str[11:13]).to_numpy(str)
    ends = weeks.axis(len(set(end)))
    refuse(~np.isin(end, ends), "its week is not on the published axis")
    year = table.week.str[17:].astype(np.int64).to_numpy()
    years = np.unique(year)
    names = {name: _region(str(name)) for name in table.region.unique()}
    region = table.region.map({name: REGIONS.index(r) for name, r in names.items() if r})
    refuse(region.isna().to_numpy(), "there is no such region")

    shape = (len(REGIONS), len(AGES), len(SEXES), len(years), len(ends))
    cell = (
        region.to_numpy(np.int64),
        age.astype(np.int64),
        np.searchsorted(years, year),
        np.searchsorted(np.array(ends), end),
    )
    times = np.zeros((*shape[:2], *shape[3:]), dtype=np.int64)
    np.add.at(times, cell, 1)
    refuse(times[cell] > 1, "the same week, region and age_group are there twice")
    deaths = np.zeros(shape)
    deaths[cell[0], cell[1], :, cell[2], cell[3]] = counts[:, :2]
    # A region may be absent from a release; within those present nothing may be.
    present = np.unique(cell[0])
    if np.any(times[present] == 0):
        r, a, y, w = (int(i[0]) for i in np.nonzero(times[present] == 0))
        what = f"{REGIONS[present[r]]}, age_group {a}, week to {ends[w]} of {years[y]}"
        raise RecordError(file, None, f"a row is missing: {what}", _AGAIN)
    return WeeklyDeaths(
        deaths=deaths[present],
        days=weeks.days(ends, years.tolist()),
        regions=tuple(REGIONS[i] for i in present),
        ages=AGES,
        sexes=SEXES,
        years=tuple(years.tolist()),
        week_ends=ends,
        source=source,
    )


def _region(name: str) -> str:
    try:
        region = canonical(name)
    except ValueError:
        return ""
    return region if region in REGIONS else ""
