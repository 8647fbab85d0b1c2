"""Reader of the regional weekly tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from . import weeks
from .errors import AGAIN, RecordError, parse_table, read_content, refuse_rows, whole_counts
from .records import AGES, SEXES, WeeklyDeaths
from .regions import REGIONS, positions

COLUMNS = ("week", "region", "age_group", "male", "female", "total")
_WEEK = r"\d{2}/\d{2}/\d{4}-\d{2}/\d{2}/\d{4}"


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
    table = parse_table(read_content(path), file, COLUMNS, sep="\t")

    refuse = partial(refuse_rows, file, table)
    counts = whole_counts(table[["male", "female", "total"]])
    refuse(np.isnan(counts).any(axis=1), "a count is no whole number from 0")
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
    region = positions(table.region)
    refuse(region < 0, "there is no such region")

    shape = (len(REGIONS), len(AGES), len(SEXES), len(years), len(ends))
    cell = (
        region,
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
        raise RecordError(file, None, f"a row is missing: {what}", AGAIN)
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
