"""The week axis of the published tables.

Weeks have the same calendar dates in every year, "MM-DD" of their last day. The first has 11 days,
1-11 January; the others 7, but for 23-29 February, which has 6 in common years. Deaths are
therefore compared as rates, per day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

_NEW_YEAR = dt.date(2020, 1, 1)  # of a leap year
# Every day of a leap year, 101 to 1231.
DAYS: np.ndarray = np.array(
    [100 * day.month + day.day for day in (_NEW_YEAR + dt.timedelta(d) for d in range(366))]
)


def axis(n: int) -> tuple[str, ...]:
    """Return the last days, "MM-DD", of the first `n` weeks of a year.

    >>> axis(9)[-3:]
    ('02-22', '02-29', '03-07')
    """
    first = _NEW_YEAR + dt.timedelta(10)
    return tuple(f"{first + dt.timedelta(7 * k):%m-%d}" for k in range(n))


def is_leap(year: int) -> bool:
    """Return whether a year has a 29 February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days(week_ends: Sequence[str], years: Sequence[int]) -> np.ndarray:
    """Return the number of days of each week.

    Parameters
    ----------
    week_ends : sequence of str, (weeks,)
        Last days of weeks on the published axis, in any order.
    years : sequence of int, (years,)

    Returns
    -------
    ndarray of int64, (years, weeks)
    """
    table = np.full((len(years), len(week_ends)), 7, dtype=np.int64)
    for w, end in enumerate(week_ends):
        if end == "01-11":
            table[:, w] = 11
        elif end == "02-29":
            table[:, w] = [7 if is_leap(year) else 6 for year in years]
    return table


def index(month_day: np.ndarray) -> np.ndarray:
    """Return the week, counted from 0, that each day of a year falls into.

    Parameters
    ----------
    month_day : ndarray of int, (n,)
        Days as 100 month + day; 229 is 29 February, also where a year has none.

    Returns
    -------
    ndarray of int64, (n,)

    Raises
    ------
    ValueError
        If a number is no day.
    """
    values = np.asarray(month_day, dtype=np.int64)
    strange = ~np.isin(values, DAYS)
    if np.any(strange):
        wrong = int(values[strange].flat[0])
        raise ValueError(f"{wrong} is no day of a year (100 month + day)")
    return np.maximum((np.searchsorted(DAYS, values) - 4) // 7, 0)
