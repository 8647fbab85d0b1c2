"""Figures of excess: counterfactuals, sums against official deaths, tables side by side.

Functions take arrays and return a Matplotlib figure; the caller shows or saves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from .record_pictures import BLUE, GREY, RED, label_weeks

Measured = tuple[float, float]


def _grid(regions: Sequence[str], height: float) -> tuple[Figure, np.ndarray]:
    figure, axes = plt.subplots(
        -(-len(regions) // 4), 4, figsize=(9.5, height), squeeze=False, layout="constrained"
    )
    for axis, region in zip(axes.ravel(), regions):
        axis.set_title(region, fontsize="small")
        axis.tick_params(labelsize="x-small")
    for axis in axes.ravel()[len(regions) :]:
        axis.set_axis_off()
    return figure, axes.ravel()


def counterfactuals(
    regions: Sequence[str],
    observed: np.ndarray,
    expected: np.ndarray,
    deviation: np.ndarray,
    ends: Sequence[str],
) -> Figure:
    """Draw, for each region, the control years, 2020, and how 2020 would have gone on.

    Parameters
    ----------
    regions
        Their names.
    observed
        Deaths a day ``(region, year, week)``; the last year is 2020.
    expected, deviation
        Prediction and its standard deviation in the last weeks, ``(region, late week)``.
    ends
        Last days of the weeks.
    """
    figure, axes = _grid(regions, 4.6)
    late = np.arange(len(ends) - expected.shape[1], len(ends))
    for k, axis in enumerate(axes[: len(regions)]):
        axis.plot(observed[k, :-1].T, color=GREY, linewidth=0.8)
        axis.plot(observed[k, -1], color=RED, linewidth=2)
        for width in (1, 2):
            axis.fill_between(
                late,
                expected[k] - width * deviation[k],
                expected[k] + width * deviation[k],
                color=BLUE,
                alpha=0.25,
                linewidth=0,
            )
        axis.plot(late, expected[k], color=BLUE)
        label_weeks(axis, ends, 6)
        axis.set_ylim(0)
    figure.supylabel("deaths a day", fontsize="small")
    return figure


def cumulative(
    regions: Sequence[str],
    sums: np.ndarray,
    deviation: np.ndarray,
    official: np.ndarray,
    ends: Sequence[str],
) -> Figure:
    """Draw cumulative excess with one and two standard deviations, and official deaths.

    Parameters
    ----------
    regions
        Names of regions, or of ages.
    sums, deviation, official
        ``(region, week)``.
    ends
        Last days of the weeks.
    """
    figure, axes = _grid(regions, 2.3 * -(-len(regions) // 4))
    x = np.arange(len(ends))
    for k, axis in enumerate(axes[: len(regions)]):
        for width in (1, 2):
            axis.fill_between(
                x,
                sums[k] - width * deviation[k],
                sums[k] + width * deviation[k],
                color=BLUE,
                alpha=0.25,
                linewidth=0,
            )
        axis.plot(x, sums[k], color=BLUE, label="excess")
        axis.plot(x, official[k], color=RED, linestyle="--", label="official")
        axis.axhline(0, color=GREY, linewidth=0.6)
        label_weeks(axis, ends, 4)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small"
    )
    figure.supylabel("deaths since 23 February", fontsize="small")
    return figure


def side_by_side(series: Mapping[str, Mapping[str, Measured]], reference: str) -> Figure:
    """Draw values with errors over those of a reference, a row for each region.

    Parameters
    ----------
    series
        Value and error by region, by label.
    reference
        The label whose values are 1.
    """
    regions = list(series[reference])
    figure, axis = plt.subplots(figsize=(7.0, 0.55 * len(regions) + 1.2))
    markers = ("o", "s", "D", "^", "v")
    for number, (label, values) in enumerate(series.items()):
        offset = (number - (len(series) - 1) / 2) * 0.16
        base = np.array([series[reference][region][0] for region in regions])
        value, error = np.array([values[region] for region in regions]).T
        axis.errorbar(
            value / base,
            np.arange(len(regions))[::-1] - offset,
            xerr=error / np.abs(base),
            fmt=markers[number],
            markersize=4,
            linewidth=1.2,
            label=label,
        )
    axis.axvline(1, color=GREY, linewidth=0.6, zorder=0)
    axis.set_yticks(np.arange(len(regions))[::-1], regions)
    axis.set_xlabel(f"deaths over {reference}")
    figure.legend(loc="outside upper center", ncols=2, fontsize="small")
    return figure


def age_shares(
    ages: Sequence[str], found: Mapping[str, Sequence[float]], table: Mapping[str, Sequence[float]]
) -> Figure:
    """Draw shares of ages, bars, and published ones, lines across; a panel for each region."""
    figure, axes = plt.subplots(1, len(found), figsize=(8.0, 3.4), sharey=True, squeeze=False)
    x = np.arange(len(ages))
    for axis, (region, shares) in zip(axes.flat, found.items()):
        axis.bar(x, shares, color=BLUE, width=0.7, label="repeated")
        if region in table:
            axis.hlines(table[region], x - 0.45, x + 0.45, color=RED, label="published")
        axis.set_xticks(x, list(ages), fontsize="small")
        axis.set_title(region)
    axes[0, 0].set_ylabel("share of deaths")
    axes[0, 0].legend(loc="upper left", fontsize="small")
    return figure


def by_age(groups: Mapping[str, tuple[float, float, float]]) -> Figure:
    """Draw excess and official deaths by age, and their ratio.

    Parameters
    ----------
    groups
        Excess, its error and official deaths, by label of the age.
    """
    labels = list(groups)
    excess, error, official = np.array(list(groups.values())).T
    x = np.arange(len(labels))
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4))
    left.bar(x - 0.2, excess, 0.4, yerr=error, color=BLUE, label="excess", ecolor=GREY)
    left.bar(x + 0.2, official, 0.4, color=RED, label="official")
    left.set_xticks(x, labels, fontsize="small", rotation=30)
    left.set_ylabel("deaths")
    left.legend(loc="upper left", fontsize="small")
    shown = official > 0
    right.errorbar(
        x[shown], excess[shown] / official[shown], error[shown] / official[shown], fmt="o"
    )
    right.axhline(1, color=GREY, linewidth=0.8)
    right.set_xticks(x, labels, fontsize="small", rotation=30)
    right.set_ylabel("excess over official deaths")
    return figure


def vintages(releases: Mapping[str, Mapping[str, Measured]]) -> Figure:
    """Draw each region's excess to one day as successive releases had it, over the last one's.

    Parameters
    ----------
    releases
        Value and error by region, by label of the release, in order.
    """
    figure, axis = plt.subplots(figsize=(7.0, 3.8))
    labels = list(releases)
    regions = list(releases[labels[-1]])
    for number, region in enumerate(regions):
        value, error = np.array([releases[label][region] for label in labels]).T
        x = np.arange(len(labels)) + (number - (len(regions) - 1) / 2) * 0.07
        axis.errorbar(
            x,
            value / value[-1],
            error / abs(value[-1]),
            marker="osD^vP*X"[number % 8],
            markersize=5,
            linewidth=0.9,
            label=region,
        )
    axis.axhline(1, color=GREY, linewidth=0.6, zorder=0)
    axis.set_xticks(np.arange(len(labels)), labels, fontsize="small")
    axis.set_ylabel("excess over that of the last release")
    figure.legend(loc="outside right upper", fontsize="x-small")
    return figure


# Rows and columns of a map with one square for each region.
_SQUARES = {
    "Trentino-Alto Adige": (0, 2), "Valle d'Aosta": (1, 0), "Lombardia": (1, 1), "Veneto": (1, 2),
    "Friuli-Venezia Giulia": (1, 3), "Piemonte": (2, 0), "Liguria": (2, 1),
    "Emilia-Romagna": (2, 2), "Toscana": (3, 1), "Umbria": (3, 2), "Marche": (3, 3),
    "Lazio": (4, 2), "Abruzzo": (4, 3), "Sardegna": (5, 0), "Campania": (5, 2), "Molise": (5, 3),
    "Puglia": (5, 4), "Basilicata": (6, 3), "Calabria": (7, 3), "Sicilia": (8, 2),
}  # fmt: skip


def region_maps(panels: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw maps of Italy with one square for each region, coloured by its value.

    Parameters
    ----------
    panels
        Values by region, by label of the panel; white is zero.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(4.3 * len(panels), 6.2), squeeze=False)
    for axis, (label, values) in zip(axes.flat, panels.items()):
        picture = np.full((9, 5), np.nan)
        for region, (row, column) in _SQUARES.items():
            picture[row, column] = values[region]
        largest = float(np.nanmax(np.abs(picture)))
        image = axis.imshow(picture, cmap="RdBu_r", vmin=-largest, vmax=largest)
        for region, (row, column) in _SQUARES.items():
            dark = abs(values[region]) > 0.6 * largest
            axis.text(
                column, row, f"{_short(region)}\n{values[region]:.0f}", ha="center", va="center",
                fontsize=7.5, color="white" if dark else "black",
            )  # fmt: skip
        axis.set_axis_off()
        axis.set_title(label)
        figure.colorbar(image, ax=axis, orientation="horizontal", shrink=0.8)
    return figure


def _short(region: str) -> str:
    return {
        "Trentino-Alto Adige": "Trentino", "Friuli-Venezia Giulia": "Friuli",
        "Emilia-Romagna": "Emilia-R.", "Valle d'Aosta": "Aosta",
    }.get(region, region)  # fmt: skip


def lags(found: Mapping[str, tuple[float, float, float, float]]) -> Figure:
    """Draw by how many days official deaths follow the excess, and the factor between them."""
    regions = list(found)
    y = np.arange(len(regions))[::-1]
    lag, lag_error, factor, factor_error = np.array(list(found.values())).T
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.6), sharey=True)
    left.errorbar(lag, y, xerr=lag_error, fmt="o", color=BLUE)
    right.errorbar(factor, y, xerr=factor_error, fmt="o", color=BLUE)
    left.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    right.axvline(1, color=GREY, linewidth=0.6, zorder=0)
    left.set_yticks(y, regions)
    left.set_xlabel("official deaths come later by (days)")
    right.set_xlabel("excess for one official death")
    return figure
