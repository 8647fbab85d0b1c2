"""Figures of the hierarchical model: held-out years, ranks, coverage, what is learned, 2020.

Functions take arrays and return a Matplotlib figure; the caller shows or saves it. Every figure
says what its data are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlsci.mortality.hierarchical_prior import PRIORS

GREY = "#797979"
# Quantiles are (0.025, 0.16, 0.5, 0.84, 0.975) along an axis in all that follows.
Coverage = Mapping[str, tuple[float, float]]


def held_out_years(
    truth: np.ndarray,
    quantiles: np.ndarray,
    years: Sequence[int],
    week_ends: Sequence[str],
    source: str,
) -> Figure:
    """Draw the nation's deaths a day in each held-out year, and the bands predicted for them.

    Parameters
    ----------
    truth
        Deaths a day ``(years, weeks)``.
    quantiles
        ``(years, 5, weeks)``.
    years, week_ends
        Labels.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axes = plt.subplots(
        1, len(years), figsize=(10.0, 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    weeks = np.arange(truth.shape[1])
    for axis, year, observed, band in zip(axes.flat, years, truth, quantiles):
        _bands(axis, weeks, band)
        axis.plot(weeks, observed, "o", ms=4, color=GREY, label="observed")
        axis.set(title=str(year))
        axis.set_xticks(weeks[::3], [week_ends[w] for w in weeks[::3]])
    axes[0, 0].set_ylabel("deaths a day, all regions")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return _stamped(figure, source)


def rank_histograms(panels: Mapping[str, np.ndarray], source: str, bins: int = 10) -> Figure:
    """Draw histograms of ranks in [0, 1], a panel for each kind of number, 1 where uniform."""
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.0, 3.0), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (title, ranks) in zip(axes.flat, panels.items()):
        axis.hist(np.ravel(ranks), bins=bins, range=(0, 1), density=True, color="C0", alpha=0.7)
        axis.axhline(1, ls="--", lw=1.2, color=GREY)
        axis.set(title=title, xlabel="rank of the truth")
    axes[0, 0].set_ylabel("density")
    return _stamped(figure, source)


def coverage(
    panels: Mapping[str, Mapping[str, Coverage]],
    wanted: Mapping[str, tuple[float, float]],
    source: str,
) -> Figure:
    """Draw how often intervals of 68% and 95% held, by kind of number.

    Parameters
    ----------
    panels
        For each panel, for each series by its label, for each kind of number by its label, the
        shares of 68% and of 95% intervals, in percent.
    wanted
        Kinds of number with the range, in percent, that the share of the 95% intervals is to be in.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.0, 3.8), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axis, (title, series) in zip(axes.flat, panels.items()):
        for k, (label, found) in enumerate(series.items()):
            places = np.arange(len(found))[::-1] + 0.18 * (0.5 * (len(series) - 1) - k)
            for level, marker in ((0, "s"), (1, "o")):
                shares = [pair[level] for pair in found.values()]
                shown = f"{label}, {(68, 95)[level]}% intervals"
                axis.plot(shares, places, marker, color=f"C{k}", label=shown, ms=6)
            for place, kind in zip(places, found):
                if kind in wanted:
                    axis.plot(wanted[kind], [place, place], color=f"C{k}", lw=4, alpha=0.25)
            axis.set_yticks(np.arange(len(found))[::-1], list(found))
        for level in (68, 95):
            axis.axvline(level, ls="--", lw=1.2, color=GREY)
        axis.set(title=title, xlabel="share that they held (%)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return _stamped(figure, source)


def ages(
    labels: Sequence[str],
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    levels: Mapping[str, float],
    source: str,
) -> Figure:
    """Draw numbers against age, a panel for each title; `levels` are dashed, by panel."""
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.0, 3.6), squeeze=False, layout="constrained"
    )
    for axis, (title, curves) in zip(axes.flat, panels.items()):
        if title in levels:
            axis.axhline(levels[title], ls="--", lw=1.2, color=GREY)
        for label, values in curves.items():
            axis.plot(labels, values, marker="o", ms=4, label=label)
        axis.set(xlabel="age", title=title)
        axis.tick_params(axis="x", rotation=60)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.35), ncols=2)
    return _stamped(figure, source)


def learned(posteriors: Mapping[str, tuple[np.ndarray, np.ndarray]], source: str) -> Figure:
    """Draw what is learned of each hyperparameter against what was believed before.

    Parameters
    ----------
    posteriors
        By label, posterior means and deviations ``(15,)`` of the logarithms.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axis = plt.subplots(figsize=(9.0, 5.2), layout="constrained")
    places = np.arange(len(PRIORS))[::-1]
    spread = np.array([prior.spread for prior in PRIORS.values()])
    median = np.log([prior.median for prior in PRIORS.values()])
    axis.barh(
        places, 2 * spread, left=-spread, height=0.8, color=GREY, alpha=0.25, label="prior"
    )  # fmt: skip
    for k, (label, (mean, deviation)) in enumerate(posteriors.items()):
        shifted = places + 0.22 * (0.5 * (len(posteriors) - 1) - k)
        axis.errorbar(
            mean - median, shifted, xerr=deviation, fmt="o", ms=4, color=f"C{k}", label=label
        )
    axis.set_yticks(places, [f"{p.meaning} ({p.median:g})" for p in PRIORS.values()])
    axis.set_xlabel("logarithm of the value over the prior's median")
    axis.tick_params(axis="y", labelsize="small")
    figure.legend(loc="outside lower center", ncols=4)
    return _stamped(figure, source)


def chances(panels: Mapping[str, Mapping[str, float]], marks: Mapping[str, str]) -> Figure:
    """Draw how often a model that is exactly right would reach each goal.

    Parameters
    ----------
    panels
        By label of a set of years, the probability of each goal by its label, in percent.
    marks
        How each set is drawn, by its label: a Matplotlib marker.
    """
    goals = list(next(iter(panels.values())))
    figure, axis = plt.subplots(figsize=(8.0, 0.34 * len(goals) + 1.3), layout="constrained")
    places = np.arange(len(goals))[::-1]
    for k, (label, values) in enumerate(panels.items()):
        axis.plot(list(values.values()), places, marks[label], ms=6, color=f"C{k}", label=label)
    axis.set_yticks(places, goals)
    axis.set(xlim=(-3, 103), xlabel="probability of a model that is exactly right (%)")
    axis.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=len(panels))
    return figure


def recovered_from_towns(panels: Mapping[str, Mapping[str, np.ndarray]], source: str) -> Figure:
    """Draw errors of the excess that is estimated from known towns, a dot for each country.

    Parameters
    ----------
    panels
        For each kind of country, by its label, relative errors ``(countries,)`` by model.
    source
        That the countries are made up.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.0, 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (title, errors) in zip(axes.flat, panels.items()):
        for place, values in zip(np.arange(len(errors))[::-1], errors.values()):
            axis.plot(100 * values, np.full(len(values), place), "o", ms=6, color="C0", alpha=0.7)
        axis.set_yticks(np.arange(len(errors))[::-1], list(errors))
        axis.axvline(0, lw=0.8, color=GREY)
        axis.set(title=title, xlabel="estimated excess minus true (% of it)")
    return _stamped(figure, source)


def spring(
    observed: np.ndarray, quantiles: np.ndarray, week_ends: Sequence[str], source: str
) -> Figure:
    """Draw the nation's weekly deaths against those expected, and the cumulative excess.

    Parameters
    ----------
    observed
        Deaths ``(weeks,)``.
    quantiles
        Of the expected deaths, and of the cumulative excess, ``(2, 5, weeks)``.
    week_ends
        Labels of the weeks.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained")
    weeks = np.arange(len(observed))
    for axis, band in zip(axes, quantiles):
        _bands(axis, weeks, band / 1000)
        axis.set_xticks(weeks[::3], [week_ends[w] for w in weeks[::3]])
        axis.set_xlabel("week to")
    axes[0].plot(weeks, observed / 1000, "o", ms=4, color="C4", label="observed")
    axes[0].set(ylabel="thousand deaths a week")
    axes[1].set(ylabel="excess since 23 February, thousands")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return _stamped(figure, source)


def excess_by_region(
    regions: Sequence[str], quantiles: np.ndarray, expected: np.ndarray, source: str
) -> Figure:
    """Draw each region's excess, relative to what was expected, with its 95% interval.

    Parameters
    ----------
    regions
        Names.
    quantiles
        Of the excess deaths, ``(5, regions)``.
    expected
        Deaths ``(regions,)``.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axis = plt.subplots(figsize=(8.0, 0.24 * len(regions) + 1.4), layout="constrained")
    order = np.argsort(quantiles[2] / expected)
    shares = 100 * quantiles[:, order] / expected[order]
    places = np.arange(len(regions))
    error = np.abs(shares[[0, 4]] - shares[2])
    axis.barh(places, shares[2], xerr=error, height=0.65, color="C0", ecolor=GREY, capsize=2)
    axis.set_yticks(places, [regions[k] for k in order])
    axis.axvline(0, lw=0.8, color=GREY)
    axis.set_xlabel("excess deaths (% of those expected)")
    return _stamped(figure, source)


def _bands(axis: Axes, x: np.ndarray, quantiles: np.ndarray) -> None:
    low, low_inner, middle, high_inner, high = quantiles
    axis.fill_between(x, low, high, color="C0", alpha=0.2, lw=0, label="95%")
    axis.fill_between(x, low_inner, high_inner, color="C0", alpha=0.35, lw=0, label="68%")
    axis.plot(x, middle, color="C0", label="expected")


def _stamped(figure: Figure, source: str) -> Figure:
    """Return the figure with the source of its data written on it."""
    figure.suptitle(source, x=0.995, ha="right", fontsize="x-small", color=GREY)
    return figure
