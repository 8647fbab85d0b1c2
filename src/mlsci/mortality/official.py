"""Official COVID-19 deaths: by region and day (Protezione Civile), by age and sex (ISS)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from .errors import AGAIN, RecordError, parse_table, read_content, refuse_rows, whole_counts
from .records import SEXES, TEN_YEARS
from .regions import REGIONS, positions

_COUNTS = ("death", "total_cases", "swabs")
_ISS_AGES = (*list(TEN_YEARS)[:-1], "90-")
ISS_COLUMNS = tuple(
    f"{what}_{sex}_{age}" for sex in SEXES for what in ("cases", "deaths") for age in _ISS_AGES
)


@dataclass(frozen=True, eq=False)
class OfficialCounts:
    """Cumulative official counts by region and day.

    Attributes
    ----------
    regions : tuple of str, (region,)
    dates : ndarray of datetime64[D], (date,)
        One after the other, without a gap.
    deaths, cases, swabs : ndarray of float64, (region, date)
        Cumulative; 0 before the first date.
    """

    regions: tuple[str, ...]
    dates: np.ndarray
    deaths: np.ndarray
    cases: np.ndarray
    swabs: np.ndarray

    def deaths_by(self, dates: Sequence[str]) -> np.ndarray:
        """Return cumulative deaths (region, n) at the end of dates "YYYY-MM-DD".

        Raises
        ------
        ValueError
            If a date is later than the last one there is.
        """
        position = (np.array(dates, "datetime64[D]") - self.dates[0]).astype(np.int64)
        if np.any(position >= len(self.dates)):
            raise ValueError(f"official counts end on {self.dates[-1]}")
        known = self.deaths[:, np.maximum(position, 0)]
        return np.where(position < 0, 0.0, known)

    def weekly_deaths(self, week_ends: Sequence[str], year: int = 2020) -> np.ndarray:
        """Return deaths (region, week) in each of successive weeks, the first since New Year."""
        ends = [f"{year}-{end}" for end in week_ends]
        return np.diff(self.deaths_by(ends), axis=1, prepend=0.0)

    def positivity(self, until: str) -> np.ndarray:
        """Return the largest share of swabs that found a case, cumulative, to a date: (region,).

        Days with fewer than 100 swabs so far do not count.
        """
        days = self.dates <= np.datetime64(until)
        cases, swabs = self.cases[:, days], self.swabs[:, days]
        share = np.divide(cases, swabs, out=np.zeros_like(cases), where=swabs >= 100)
        return np.asarray(share.max(1))


def read_official(path: Path, leave_out: Collection[str] = ()) -> OfficialCounts:
    """Read the cumulative counts of Protezione Civile; Trento and Bolzano become one region.

    Parameters
    ----------
    path : Path
        Tab-separated text with the columns date, region, death, total_cases, swabs and others.
    leave_out : collection of str
        Names in the file, such as "P.A. Bolzano", whose counts are not added.

    Raises
    ------
    RecordError
        If the file is damaged, a count is none, or a day is missing.
    """
    file = path.name
    table = parse_table(read_content(path), file, None, sep="\t")
    wanted = ("date", "region", *_COUNTS)
    absent = [name for name in wanted if name not in table.columns]
    if absent:
        raise RecordError(file, None, f"it has no column {absent[0]}", AGAIN)
    refuse = partial(refuse_rows, file, table)
    counts = whole_counts(table[list(_COUNTS)])
    refuse(np.isnan(counts).any(1), "a count is no whole number from 0")
    region = positions(table.region)
    refuse(region < 0, "there is no such region")
    counts[table.region.isin(leave_out).to_numpy()] = 0
    text = table.date.astype(str).str[:10]
    refuse(~text.str.fullmatch(r"\d{4}-\d{2}-\d{2}").to_numpy(), "its date is none")
    day = text.to_numpy("datetime64[D]")
    dates = np.arange(day.min(), day.max() + 1)
    cell = region, (day - dates[0]).astype(np.int64)
    sums = np.zeros((len(_COUNTS), len(REGIONS), len(dates)))
    seen = np.zeros(sums.shape[1:], dtype=np.int64)
    np.add.at(seen, cell, 1)
    for total, column in zip(sums, counts.T):
        np.add.at(total, cell, column)
    if np.any(seen != seen[:, :1]) or not np.all(seen):
        place, number = np.argwhere((seen != np.median(seen, axis=1)[:, None]) | (seen == 0))[0]
        what = f"{REGIONS[place]} has {seen[place, number]} rows on {dates[number]}"
        raise RecordError(file, None, what, AGAIN)
    return OfficialCounts(REGIONS, dates, *sums)


@dataclass(frozen=True, eq=False)
class OfficialAges:
    """Official deaths by age and sex, cumulative, from the bulletins of the institute of health.

    Attributes
    ----------
    dates : ndarray of datetime64[D], (date,)
    ages : tuple of str, (age,)
        Ten years each, the labels of `TEN_YEARS`.
    deaths : ndarray of float64, (date, sex, age)
    """

    dates: np.ndarray
    ages: tuple[str, ...]
    deaths: np.ndarray

    def shares(self, date: str) -> np.ndarray:
        """Return each age's share of deaths (age,) at a date "YYYY-MM-DD".

        Between bulletins counts are interpolated linearly.

        Raises
        ------
        ValueError
            If the date is not between the first and the last bulletin.
        """
        when = np.datetime64(date)
        if not self.dates[0] <= when <= self.dates[-1]:
            raise ValueError(f"the bulletins are from {self.dates[0]} to {self.dates[-1]}")
        since = (self.dates - self.dates[0]).astype(np.float64)
        at = float((when - self.dates[0]).astype(np.int64))
        counts = np.array([np.interp(at, since, column) for column in self.deaths.sum(1).T])
        return np.asarray(counts / counts.sum())


def read_official_ages(path: Path) -> OfficialAges:
    """Read the bulletins' deaths by age and sex.

    Raises
    ------
    RecordError
        If the file is damaged, a count is none, or bulletins are not in order.
    """
    file = path.name
    table = parse_table(read_content(path), file, None)
    absent = [name for name in ("date", *ISS_COLUMNS) if name not in table.columns]
    if absent:
        raise RecordError(file, None, f"it has no column {absent[0]}", AGAIN)
    refuse = partial(refuse_rows, file, table)
    names = [f"deaths_{sex}_{age}" for sex in SEXES for age in _ISS_AGES]
    counts = whole_counts(table[names])
    refuse(np.isnan(counts).any(1), "a count is no whole number from 0")
    day = table.date.astype(str)
    refuse(~day.str.fullmatch(r"\d{4}-\d{2}-\d{2}").to_numpy(), "its date is none")
    dates = day.to_numpy("datetime64[D]")
    later = np.diff(dates, prepend=dates[0] - 1) > 0
    refuse(~later, "this bulletin is not later than the one before")
    return OfficialAges(dates, tuple(TEN_YEARS), counts.reshape(-1, len(SEXES), len(TEN_YEARS)))
