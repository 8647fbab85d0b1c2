"""Figures of the records: days and weeks, what releases cover, years, ages.

Functions take arrays and return a Matplotlib figure; the caller shows or saves it.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .weeks import DAYS

GREY, BLUE, RED = "0.55", "C0", "C4"


def day_label(month_day: int | str) -> str:
    """Return a day in words: 229 or "02-29" is "29 Feb"."""
    number = int(month_day.replace("-", "")) if isinstance(month_day, str) else month_day
    return f"{number % 100} {calendar.month_abbr[number // 100]}"


def label_weeks(axis: Axes, ends: Sequence[str], every: int) -> None:
    """Mark every so many of the weeks, counted from the last, at x = 0, 1 and so on."""
    ticks = np.arange(len(ends))[::-1][::every]
    axis.set_xticks(ticks, [day_label(ends[k]) for k in ticks])


def days_and_weeks(
    days: np.ndarray, daily: np.ndarray, rates: np.ndarray, week_days: np.ndarray
) -> Figure:
    """Draw deaths by day, points, and deaths a day in each week, steps.

    Parameters
    ----------
    days
        100 month + day, ``(day,)``.
    daily
        Deaths ``(year, day)``; the last year is the one in question.
    rates
        Deaths a day ``(year, week)``.
    week_days
        Lengths of the last year's weeks ``(week,)``.
    """
    figure, axis = plt.subplots(figsize=(7.0, 3.8))
    x = np.searchsorted(DAYS, days)
    edges = np.concatenate([[0], np.cumsum(week_days)])
    for year in daily[:-1]:
        axis.plot(x + 0.5, year, ".", color=GREY, markersize=3, alpha=0.5)
    axis.plot(x + 0.5, daily[-1], ".", color=RED, markersize=6)
    axis.stairs(rates[:-1].mean(0), edges, color=GREY, linewidth=2, label="2015-2019, mean")
    axis.stairs(rates[-1], edges, color=RED, linewidth=2, label="2020")
    axis.set_xticks(edges[1::2] - 0.5, [day_label(int(DAYS[e - 1])) for e in edges[1::2]])
    axis.set_xlim(0, edges[-1])
    axis.set_ylim(0)
    axis.set_ylabel("deaths a day")
    axis.legend(loc="upper left")
    return figure


def coverage(shares: Mapping[str, Sequence[float]], regions: Sequence[str]) -> Figure:
    """Draw which share of each region's people lives in towns with data, by release.

    Parameters
    ----------
    shares
        Shares ``(region,)`` by label of the release.
    regions
        Their names.
    """
    figure, axis = plt.subplots(figsize=(7.0, 5.2))
    y = np.arange(len(regions))[::-1]
    markers = ("o", "s", "D", "^", "v")
    for (label, values), marker in zip(shares.items(), markers):
        axis.plot(values, y, marker, linestyle="none", label=label, markersize=5)
    axis.hlines(y, 0, 1, color=GREY, linewidth=0.5, alpha=0.5, zorder=0)
    axis.set_yticks(y, list(regions), fontsize="small")
    axis.set_xlim(0, 1.01)
    axis.set_xlabel("share of people in towns with data for 2020")
    figure.legend(loc="outside upper center", ncols=3, fontsize="small")
    return figure


def years(
    deaths: np.ndarray, days: np.ndarray, names: Sequence[int], ends: Sequence[str]
) -> Figure:
    """Draw deaths a day by week, one line for each year.

    Parameters
    ----------
    deaths, days
        ``(year, week)``.
    names
        The years; the last is drawn strongly.
    ends
        Last days of the weeks.
    """
    figure, axis = plt.subplots(figsize=(7.0, 3.8))
    rates = deaths / days
    styles = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)))
    for year, row, style in zip(names[:-1], rates[:-1], styles):
        axis.plot(row, color=GREY, linestyle=style, linewidth=1.3, label=str(year))
    axis.plot(rates[-1], color=RED, linewidth=2.4, label=str(names[-1]))
    label_weeks(axis, ends, 3)
    axis.set_ylim(0)
    axis.set_ylabel("deaths a day")
    axis.legend(ncols=3, loc="lower left")
    return figure


def age_ratios(
    deaths: np.ndarray, days: np.ndarray, ages: Sequence[str], ends: Sequence[str]
) -> Figure:
    """Draw the last year's deaths over the mean of the others, by age and week.

    Parameters
    ----------
    deaths
        ``(age, year, week)``.
    days
        ``(year, week)``.
    ages, ends
        Labels.
    """
    rates = deaths / days
    usual = rates[:, :-1].mean(1)
    ratio = np.divide(rates[:, -1], usual, out=np.ones_like(usual), where=usual > 0)
    figure, axis = plt.subplots(figsize=(7.0, 3.8))
    image = axis.imshow(np.log2(ratio), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    axis.set_yticks(np.arange(len(ages)), list(ages))
    axis.invert_yaxis()
    label_weeks(axis, ends, 3)
    axis.set_ylabel("age")
    bar = figure.colorbar(image, ticks=np.log2([0.5, 2 / 3, 1, 1.5, 2]))
    bar.ax.set_yticklabels(["½", "⅔", "1", "1½", "2"])
    bar.set_label("deaths over mean of 2015-2019")
    return figure
