"""Figures of back-tests: scores, reliability, departures, ages, recovered excesses.

Functions take arrays and return a Matplotlib figure; the caller shows or saves it. Every figure
says what its data are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlsci.mortality.classical import LABELS

GREY = "#797979"
Scored = Mapping[str, tuple[float, float]]


def score_bars(panels: Mapping[str, Scored], source: str) -> Figure:
    """Draw horizontal bars of scores with their errors, a panel for each score.

    Parameters
    ----------
    panels
        For each score, by its label, values and errors by model.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.0, 3.2), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (label, scored) in zip(axes.flat, panels.items()):
        values, errors = np.array(list(scored.values())).T
        places = np.arange(len(scored))[::-1]
        colours = [_colour(model) for model in scored]
        axis.barh(places, values, xerr=errors, height=0.62, color=colours, ecolor=GREY, capsize=3)
        axis.set_yticks(places, list(scored))
        axis.set_xlabel(label)
    return _stamped(figure, source)


def reliability_curves(
    levels: Sequence[float],
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    source: str,
) -> Figure:
    """Draw how often intervals held against how often they should have.

    Parameters
    ----------
    levels
        Probabilities of the intervals, ``(n,)``.
    panels
        For each kind of number, by its label, shares ``(n,)`` by model.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.0, 4.6), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (title, curves) in zip(axes.flat, panels.items()):
        axis.plot([0, 1], [0, 1], ls="--", lw=1.2, color=GREY)
        for label, shares in curves.items():
            axis.plot(levels, shares, color=_colour(label), label=label)
        axis.set(title=title, xlabel="probability of the interval", xlim=(0, 1), ylim=(0, 1))
        axis.set_aspect("equal")
    axes[0, 0].set_ylabel("share that it held")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return _stamped(figure, source)


def departures(
    panels: Mapping[str, tuple[np.ndarray, np.ndarray]], years: Sequence[int], source: str
) -> Figure:
    """Scatter observed against predicted departures of regions' totals from the mean.

    Parameters
    ----------
    panels
        For each model, predicted and observed departures ``(years, regions)``, fractions.
    years
        The held-out years.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.0, 4.6), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    reach = 100 * max(np.abs(pair).max() for pair in panels.values()) * 1.05
    for axis, (title, (predicted, observed)) in zip(axes.flat, panels.items()):
        for year, x, y in zip(years, predicted, observed):
            axis.scatter(100 * x, 100 * y, s=18, lw=0, alpha=0.8, label=str(year))
        axis.plot([-reach, reach], [-reach, reach], ls="--", lw=1.2, color=GREY)
        axis.axhline(0, lw=0.8, color=GREY)
        axis.set(title=title, xlabel="predicted departure from the mean (%)")
        axis.set_aspect("equal")
    axes[0, 0].set_ylabel("observed departure (%)")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(years)
    )
    return _stamped(figure, source)


def held_out_years(
    truth: np.ndarray,
    predictions: Mapping[str, tuple[np.ndarray, np.ndarray]],
    years: Sequence[int],
    week_ends: Sequence[str],
    source: str,
) -> Figure:
    """Draw each held-out year's deaths a day, and what was predicted for its later weeks.

    Parameters
    ----------
    truth
        Observed rates ``(years, weeks)``.
    predictions
        By model, means and standard deviations ``(years, later weeks)``; bands hold 95%.
    years, week_ends
        Labels of the axes of `truth`.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axes = plt.subplots(
        1, len(years), figsize=(10.0, 3.6), sharey=True, squeeze=False, layout="constrained"
    )
    weeks = np.arange(truth.shape[1])
    for k, (axis, year) in enumerate(zip(axes.flat, years)):
        for label, (mean, deviation) in predictions.items():
            colour = _colour(label)
            later = weeks[-mean.shape[1] :]
            low, high = mean[k] - 1.96 * deviation[k], mean[k] + 1.96 * deviation[k]
            axis.fill_between(later, low, high, color=colour, alpha=0.25, lw=0)
            axis.plot(later, mean[k], color=colour, label=label)
        axis.plot(weeks, truth[k], "o", ms=3.5, color=GREY, label="observed")
        axis.set(title=str(year))
        axis.set_xticks(weeks[::6], [week_ends[w] for w in weeks[::6]])
    axes[0, 0].set_ylabel("deaths a day, all regions")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return _stamped(figure, source)


def by_age(
    ages: Sequence[str], panels: Mapping[str, Mapping[str, Sequence[float]]], source: str,
    levels: Mapping[str, float],
) -> Figure:  # fmt: skip
    """Draw scores against age, a panel for each score; `levels` are dashed, by panel."""
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.0, 3.9), squeeze=False, layout="constrained"
    )
    for axis, (title, curves) in zip(axes.flat, panels.items()):
        if title in levels:
            axis.axhline(levels[title], ls="--", lw=1.2, color=GREY)
        for label, values in curves.items():
            axis.plot(ages, values, marker="o", ms=3.5, color=_colour(label), label=label)
        axis.set(xlabel="age", ylabel=title)
        axis.tick_params(axis="x", rotation=60)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return _stamped(figure, source)


def recovered_excess(panels: Mapping[str, Mapping[str, np.ndarray]], source: str) -> Figure:
    """Draw the spread of errors over synthetic countries as boxes, a panel for each kind.

    Parameters
    ----------
    panels
        For each kind of country, by its label, relative errors ``(countries,)`` by model. Boxes
        hold half of the countries, whiskers nine tenths.
    source
        That the countries are made up.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.0, 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (title, errors) in zip(axes.flat, panels.items()):
        _boxes(axis, {label: 100 * e for label, e in errors.items()})
        axis.set_yticks(np.arange(len(errors))[::-1], list(errors))
        axis.axvline(0, lw=0.8, color=GREY)
        axis.set(title=title, xlabel="estimated excess minus true (% of it)")
    return _stamped(figure, source)


def _boxes(axis: Axes, values: Mapping[str, np.ndarray]) -> None:
    drawn = axis.boxplot(
        list(values.values()), positions=np.arange(len(values))[::-1], orientation="horizontal",
        widths=0.55, whis=(5, 95), showfliers=False, patch_artist=True,
    )  # fmt: skip
    for label, box in zip(values, drawn["boxes"]):
        box.set(facecolor=_colour(label), alpha=0.7, edgecolor=GREY)
    for part in ("medians", "whiskers", "caps"):
        for line in drawn[part]:
            line.set(color=GREY)


def _colour(label: str) -> str:
    """Return the colour that a classical model has in every figure, grey for others."""
    known = list(LABELS.values())
    return f"C{known.index(label)}" if label in known else GREY


def _stamped(figure: Figure, source: str) -> Figure:
    """Return the figure with the source of its data written on it."""
    figure.suptitle(source, x=0.995, ha="right", fontsize="x-small", color=GREY)
    return figure
