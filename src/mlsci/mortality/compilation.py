"""Weekly deaths by region as others compiled them: The Economist's tracker of excess deaths.

It sums Istat's towns to weeks of seven days from 1 January, for all ages and sexes together. It was
made from an earlier copy of the release, by other people with other code: an independent check of
what is summed here. Trentino-Alto Adige is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import AGAIN, RecordError, parse_table, read_content, refuse_rows, whole_counts
from .records import WeeklyDeaths
from .regions import REGIONS, positions

_COLUMNS = (
    "country", "region", "region_code", "start_date", "end_date", "year", "week", "population",
    "total_deaths", "covid_deaths", "expected_deaths",
)  # fmt: skip
_ITALIAN = {
    "Lombardy": "Lombardia", "Tuscany": "Toscana", "Sicily": "Sicilia", "Sardinia": "Sardegna",
}  # fmt: skip
_NATION = "Italy"


@dataclass(frozen=True, eq=False)
class Compilation:
    """Deaths in weeks of seven days, the first from 1 January of each year.

    Attributes
    ----------
    regions : tuple of str, (region,)
    years : tuple of int, (year,)
    deaths : ndarray of float64, (region, year, week)
    """

    regions: tuple[str, ...]
    years: tuple[int, ...]
    deaths: np.ndarray

    def until(self, day: np.ndarray) -> np.ndarray:
        """Return deaths from 1 January to a day of each year, (region, year).

        Parameters
        ----------
        day : ndarray, (year,)
            Number of days since the year began. Within a week deaths count as spread evenly.

        Raises
        ------
        ValueError
            If that is after the last week.
        """
        ends = 7 * np.arange(self.deaths.shape[-1] + 1)
        if (day > ends[-1]).any():
            raise ValueError(f"day {day.max()} of a year is after the last week's end, {ends[-1]}")
        sums = np.cumsum(self.deaths, axis=-1)
        sums = np.concatenate([np.zeros((*sums.shape[:-1], 1)), sums], axis=-1)
        return np.array(
            [[np.interp(d, ends, row) for d, row in zip(day, region)] for region in sums]
        )

    def compare(self, records: WeeklyDeaths) -> np.ndarray:
        """Return our deaths over theirs, less one, (region, year), to the last common week.

        Parameters
        ----------
        records : WeeklyDeaths
            Of these years and at least these regions; the order of regions is that of `regions`.
        """
        ours = records.select(regions=self.regions, years=self.years).total("age", "sex")
        ends = np.cumsum(ours.days, axis=1)
        last = int((ends <= 7 * self.deaths.shape[-1]).all(0).sum())
        summed = ours.deaths[:, 0, 0, :, :last].sum(-1)
        return np.asarray(summed / self.until(ends[:, last - 1]) - 1)


def read_compilation(path: Path) -> Compilation:
    """Read The Economist's table of weekly deaths.

    Raises
    ------
    RecordError
        If its columns are others, a region or a count is none, a week has not seven days, or one
        is missing.
    """
    file = path.name
    table = parse_table(read_content(path), file, _COLUMNS)
    table = table[table.region != _NATION].reset_index(drop=True)
    refuse = partial(refuse_rows, file, table)
    region = positions(table.region.replace(_ITALIAN))
    refuse(region < 0, "there is no such region")
    deaths = whole_counts(table[["total_deaths"]])[:, 0]
    refuse(np.isnan(deaths), "total_deaths is no whole number from 0")
    start, end = (pd.to_datetime(table[f"{which}_date"]) for which in ("start", "end"))
    refuse(np.asarray((end - start).dt.days != 6), "the week has not seven days")
    week, rest = np.divmod(np.asarray(start.dt.day_of_year) - 1, 7)
    refuse(rest != 0, "the week does not count from 1 January")
    year = np.asarray(start.dt.year)
    years, regions = np.unique(year), np.unique(region)
    found = np.full((len(regions), len(years), week.max() + 1), np.nan)
    found[np.searchsorted(regions, region), np.searchsorted(years, year), week] = deaths
    if np.isnan(found).any() or len(table) != found.size:
        raise RecordError(file, None, "a week of a region is missing, or there twice", AGAIN)
    return Compilation(tuple(REGIONS[r] for r in regions), tuple(int(y) for y in years), found)
