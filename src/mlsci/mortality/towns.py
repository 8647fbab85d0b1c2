"""Daily deaths by town, as Istat published them in 2020, in each of its layouts.

A row is a town, a class of age and a day; its columns are men, women and both in each year. Rows
are sparse: there is one where somebody died in any of the years. Towns without data for 2020, or
without data yet, have 9999 or "n.d." there.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from . import weeks
from .errors import AGAIN, RecordError, parse_table, read_content, refuse_rows
from .records import AGES, SEXES, WeeklyDeaths
from .regions import REGIONS, positions

YEARS = (2015, 2016, 2017, 2018, 2019, 2020)
NOT_OBSERVED = 9999  # or "n.d."
_PLACE = ("REG", "PROV", "NOME_REGIONE", "NOME_PROVINCIA", "NOME_COMUNE")


def _layout(before: Sequence[str], after: Sequence[str], groups: Sequence[str]) -> tuple[str, ...]:
    counts = (f"{group}_{year % 100}" for group in groups for year in YEARS)
    return (*_PLACE, *before, "COD_PROVCOM", *after, "CL_ETA", "GE", *counts)


_LONG, _SHORT = ("MASCHI", "FEMMINE", "TOTALE"), ("M", "F", "T")
# Columns by the release that introduced them.
LAYOUTS = {
    "9 April 2020": _layout((), (), _LONG),
    "16 April 2020": _layout(("DATA_INIZIO_DIFF",), (), _LONG),
    "4 May 2020": _layout((), ("TIPO_COMUNE",), _SHORT),
}


@dataclass(frozen=True, eq=False)
class TownDeaths:
    """Daily deaths by town.

    Attributes
    ----------
    region : ndarray of int64, (rows,)
        Position in `REGIONS`.
    province : ndarray of str, (rows,)
        Its name.
    town : ndarray of int64, (rows,)
        Istat's code.
    age : ndarray of int64, (rows,)
        Position in `AGES`.
    month_day : ndarray of int64, (rows,)
        The day, 100 month + day.
    deaths : ndarray of float64, (rows, sex, year)
        In the order of `SEXES` and `YEARS`; NaN where not observed.
    source : str
        The release.
    """

    region: np.ndarray
    province: np.ndarray
    town: np.ndarray
    age: np.ndarray
    month_day: np.ndarray
    deaths: np.ndarray
    source: str

    def observed(self, until: str) -> np.ndarray:
        """Return codes, int64 (towns,), of towns with data for 2020 on every day to `until`."""
        early = self.month_day <= int(until.replace("-", ""))
        known = ~np.isnan(self.deaths[early][:, 0, -1])
        towns, number = np.unique(self.town[early], return_inverse=True)
        missing = np.bincount(number, weights=~known, minlength=len(towns))
        return np.asarray(towns[missing == 0])

    def weekly(self, until: str, province: str | None = None) -> WeeklyDeaths:
        """Return deaths by week: of all years and of the same towns, those observed in 2020.

        Parameters
        ----------
        until : str
            Last day "MM-DD" of the last week; the towns must be observed up to it.
        province : str, optional
            Sum over this province alone, by its name; by default one sum for each region.

        Raises
        ------
        ValueError
            If that is not the last day of a week, or no town is observed so long.
        """
        ends = weeks.axis(25)
        if until not in ends:
            raise ValueError(f"{until} is not the last day of a week; those are {', '.join(ends)}")
        ends = ends[: ends.index(until) + 1]
        week = weeks.index(self.month_day)
        rows = (week < len(ends)) & np.isin(self.town, self.observed(until))
        if province is not None:
            rows &= self.province == province
        if not rows.any():
            where = "" if province is None else f" of the province {province}"
            raise ValueError(f"no town{where} has data for 2020 to {until} in {self.source}")
        labels = (province,) if province is not None else REGIONS
        place = np.zeros(rows.sum(), np.int64) if province is not None else self.region[rows]
        shape = (len(labels), len(AGES), len(ends))
        cell = np.ravel_multi_index((place, self.age[rows], week[rows]), shape)
        sums = [
            [np.bincount(cell, self.deaths[rows, s, y], np.prod(shape)) for y in range(len(YEARS))]
            for s in range(len(SEXES))
        ]
        deaths = np.reshape(sums, (len(SEXES), len(YEARS), *shape)).transpose(2, 3, 0, 1, 4)
        there = np.unique(place)
        return WeeklyDeaths(
            deaths=deaths[there],
            days=weeks.days(ends, YEARS),
            regions=tuple(labels[i] for i in there),
            ages=AGES,
            sexes=SEXES,
            years=YEARS,
            week_ends=ends,
            source=self.source,
        )

    def increase(self, first: str, last: str, towns: np.ndarray) -> np.ndarray:
        """Return deaths of 2020 over the mean of the years before, from one day to another.

        Parameters
        ----------
        first, last : str
            Days "MM-DD", both included.
        towns : ndarray of int64, (towns,)
            Codes, rising.

        Returns
        -------
        ndarray of float64, (towns,)
            Infinite where nobody died in the years before.
        """
        ends = [int(day.replace("-", "")) for day in (first, last)]
        rows = (self.month_day >= ends[0]) & (self.month_day <= ends[1])
        rows &= np.isin(self.town, towns)
        number = np.searchsorted(towns, self.town[rows])
        both = self.deaths[rows].sum(1)
        sums = np.array([np.bincount(number, year, len(towns)) for year in both.T])
        with np.errstate(divide="ignore"):
            return np.asarray(sums[-1] / sums[:-1].mean(0))

    def daily(self, until: str, province: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a province's deaths by day, in the towns that `weekly` takes.

        Returns
        -------
        tuple of ndarray
            Days (n,) as 100 month + day, from 1 January, and deaths (year, n), with NaN on
            29 February of common years.
        """
        last = int(until.replace("-", ""))
        days = np.array([d for d in weeks.DAYS if d <= last])
        rows = (self.province == province) & np.isin(self.town, self.observed(until))
        rows &= self.month_day <= last
        number = np.searchsorted(days, self.month_day[rows])
        both = self.deaths[rows].sum(1)
        counts = np.array([np.bincount(number, column, len(days)) for column in both.T])
        leap = np.array([weeks.is_leap(year) for year in YEARS])
        counts[np.ix_(~leap, days == 229)] = np.nan
        return days, counts


def read_towns(path: Path, source: str) -> TownDeaths:
    """Read daily deaths by town from any of the releases.

    Parameters
    ----------
    path : Path
        The table as text (Latin-1, commas), in a zip archive or by itself; or as R's `.rds`.
    source : str
        The release.

    Raises
    ------
    RecordError
        If the archive is damaged, the columns are none of `LAYOUTS`, or a row cannot be true.
    """
    file, content = path.name, read_content(path)
    if ".rds" in path.suffixes:
        table = _from_r(content, file)
    else:
        if content.startswith(b"PK"):
            content = _unzipped(content, file)
        table = parse_table(
            content, file, None, encoding="latin-1", dtype=str, keep_default_na=False
        )
    columns = tuple(table.columns)
    if columns not in LAYOUTS.values():
        known = "; ".join(f"{release}: {len(names)}" for release, names in LAYOUTS.items())
        nearest = min(LAYOUTS.values(), key=lambda names: len(set(names) ^ set(columns)))
        odd = sorted(set(nearest) ^ set(columns)) or "all there, in another order"
        cause = f"its {len(columns)} columns are none of the known layouts ({known}): {odd}"
        raise RecordError(file, None, cause, AGAIN)
    return _checked(table, file, source)


def _checked(table: pd.DataFrame, file: str, source: str) -> TownDeaths:
    refuse = partial(refuse_rows, file, table)
    groups = _SHORT if "TIPO_COMUNE" in table.columns else _LONG
    raw = table[[f"{group}_{year % 100}" for group in groups for year in YEARS]]
    shape = (len(table), len(groups), len(YEARS))
    counts = _numbers(raw).reshape(shape)
    hidden = counts == NOT_OBSERVED
    unread = np.isnan(counts)
    if unread.any():
        hidden |= (raw.to_numpy() == "n.d.").reshape(shape)
    counts[hidden] = np.nan
    refuse(
        np.any(hidden[..., :-1], axis=(1, 2)) | (hidden[..., -1].any(1) & ~hidden[..., -1].all(1)),
        "not observed (9999, n.d.) elsewhere than in all of 2020",
    )
    bad = ~((counts >= 0) & (counts % 1 == 0)) & ~hidden
    refuse(np.any(bad, axis=(1, 2)), "a count is no whole number from 0")
    male, female, total = counts.transpose(1, 0, 2)
    refuse(((male + female != total) & ~hidden[:, 0]).any(1), "men and women do not add up")
    region = positions(table.NOME_REGIONE)
    refuse(region < 0, "there is no such region")
    town, age, day = _numbers(table[["COD_PROVCOM", "CL_ETA", "GE"]]).T
    refuse(~(town % 1 == 0), "COD_PROVCOM is no number")
    refuse(~np.isin(age, np.arange(len(AGES))), f"CL_ETA is not 0 to {len(AGES) - 1}")
    refuse(~np.isin(day, weeks.DAYS), "GE is no day of a year (MMDD)")
    common = [not weeks.is_leap(year) for year in YEARS]
    refuse(
        (day == 229) & (np.nan_to_num(total[:, common]) > 0).any(1),
        "deaths on 29 February of a common year",
    )
    key = (town * 100 + age) * 10000 + day
    refuse(pd.Series(key).duplicated().to_numpy(), "town, CL_ETA and GE are there twice")
    return TownDeaths(
        region=region,
        province=table.NOME_PROVINCIA.to_numpy(str),
        town=town.astype(np.int64),
        age=age.astype(np.int64),
        month_day=day.astype(np.int64),
        deaths=np.stack([male, female], axis=1),
        source=source,
    )


def _from_r(content: bytes, file: str) -> pd.DataFrame:
    import rdata  # slow to import, and only one release is in this form

    try:
        table = rdata.conversion.convert(rdata.parser.parse_data(content, extension=".rds"))
    except Exception as error:  # whatever its many decoders raise
        raise RecordError(file, None, f"no data of R ({error})", AGAIN) from None
    if not isinstance(table, pd.DataFrame):
        raise RecordError(file, None, "no table of R", AGAIN)
    return table


def _numbers(table: pd.DataFrame) -> np.ndarray:
    """Return a table's entries as float64, NaN for those that are no numbers."""
    numbers = table.apply(pd.to_numeric, errors="coerce")
    return np.array(numbers.to_numpy(np.float64, na_value=np.nan))


def _unzipped(content: bytes, file: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            tables = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            if len(tables) != 1:
                raise RecordError(file, None, f"{len(tables)} tables in the archive, not 1", AGAIN)
            return archive.read(tables[0])
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise RecordError(file, None, f"damaged archive ({error})", AGAIN) from None
