"""Figures of the conditional Gaussian process: components, kernels, draws, a year continued.

Functions take arrays and return a Matplotlib figure; the caller shows or saves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlsci.mortality.record_pictures import label_weeks

GREY, BLUE, RED = "#797979", "#2E55DA", "#C11929"


@dataclass(frozen=True)
class Continued:
    """A year's later weeks under a model.

    Attributes
    ----------
    mean, covariance, draws
        Of deaths a day, ``(later,)``, ``(later, later)`` and ``(n, later)``.
    """

    mean: np.ndarray
    covariance: np.ndarray
    draws: np.ndarray


def components(
    directions: np.ndarray,
    scores: np.ndarray,
    years: Sequence[int],
    ends: Sequence[str],
    source: str,
) -> Figure:
    """Draw the principal components, and how much of each every control year has.

    Parameters
    ----------
    directions, scores
        ``(2, weeks)`` of length 1, and ``(years, 2)`` in deaths a day.
    years, ends
        Numbers of the control years, last days of the weeks.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
    for k, direction in enumerate(directions):
        left.plot(direction, color=f"C{k}", label=f"component {k + 1}")
    left.axhline(0, lw=0.8, color=GREY)
    left.set_ylabel("pattern (length 1)")
    label_weeks(left, ends, 4)
    left.legend()
    right.scatter(scores[:, 0], scores[:, 1], color=BLUE)
    for year, (x, y) in zip(years, scores):
        right.annotate(str(year), (x, y), xytext=(5, 4), textcoords="offset points", color=GREY)
    right.set(xlabel="component 1 (deaths a day)", ylabel="component 2")
    right.margins(0.2)
    return _stamped(figure, source)


def kernels(
    panels: Mapping[str, np.ndarray], shown: int, ends: Sequence[str], source: str
) -> Figure:
    """Draw covariances ``(weeks, weeks)`` as colours, one scale for all.

    Parameters
    ----------
    panels
        Covariances by label, in deaths squared a day squared.
    shown
        Number of weeks that a prediction is conditioned on; lines part them from the others.
    ends
        Last days of the weeks.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.5, 3.6), squeeze=False, layout="constrained"
    )
    reach = max(np.abs(kernel).max() for kernel in panels.values())
    for axis, (title, kernel) in zip(axes.flat, panels.items()):
        image = axis.imshow(kernel, cmap="RdBu_r", vmin=-reach, vmax=reach)
        axis.axhline(shown - 0.5, color=GREY, lw=0.8)
        axis.axvline(shown - 0.5, color=GREY, lw=0.8)
        axis.set_title(title)
        label_weeks(axis, ends, 6)
        axis.set_yticks([])
    figure.colorbar(image, ax=list(axes.flat), label="covariance (deaths a day)²", shrink=0.8)
    return _stamped(figure, source)


def draws(
    panels: Mapping[str, np.ndarray], control: np.ndarray, ends: Sequence[str], source: str
) -> Figure:
    """Draw years ``(n, weeks)`` that models make up beside the control years ``(years, weeks)``."""
    figure, axes = plt.subplots(
        1, 1 + len(panels), figsize=(9.5, 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    axes[0, 0].plot(control.T, color=BLUE, lw=1.2)
    axes[0, 0].set(title="the control years", ylabel="deaths a day")
    for axis, (title, years) in zip(axes[0, 1:], panels.items()):
        axis.plot(years.T, color=GREY, lw=0.8, alpha=0.8)
        axis.plot(control.mean(0), color=BLUE)
        axis.set_title(title)
    for axis in axes.flat:
        label_weeks(axis, ends, 6)
    return _stamped(figure, source)


def continued(
    panels: Mapping[str, Continued],
    control: np.ndarray,
    year: np.ndarray,
    ends: Sequence[str],
    source: str,
) -> Figure:
    """Draw a year, and how models say that it would have gone on.

    Parameters
    ----------
    panels
        Predictions by label; bands hold one and two standard deviations.
    control, year
        Deaths a day ``(years, weeks)`` and ``(weeks,)``.
    ends
        Last days of the weeks.
    source
        Where the deaths are from, or that they are made up.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.5, 3.9), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (title, prediction) in zip(axes.flat, panels.items()):
        axis.plot(control.T, color=GREY, lw=0.7, alpha=0.6)
        _band(axis, prediction, len(year))
        axis.plot(year, color=RED, label="the year itself")
        axis.set(title=title, ylim=(0.7 * control.min(), 1.2 * control.max()))
        label_weeks(axis, ends, 6)
    axes[0, 0].set_ylabel("deaths a day")
    axes[0, 0].legend(fontsize="small", loc="upper left")
    return _stamped(figure, source)


def _band(axis: Axes, prediction: Continued, weeks: int) -> None:
    later = np.arange(weeks - len(prediction.mean), weeks)
    deviation = np.sqrt(np.diag(prediction.covariance))
    for width in (1, 2):
        low, high = prediction.mean - width * deviation, prediction.mean + width * deviation
        axis.fill_between(later, low, high, color=BLUE, alpha=0.2, lw=0)
    axis.plot(later, prediction.draws.T, color=BLUE, lw=0.5, alpha=0.5)
    axis.plot(later, prediction.mean, color=BLUE, lw=2, label="as it would have gone on")


def _stamped(figure: Figure, source: str) -> Figure:
    """Return the figure with the source of its data written on it."""
    figure.suptitle(source, x=0.995, ha="right", fontsize="x-small", color=GREY)
    return figure
