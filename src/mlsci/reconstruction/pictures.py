"""Figures of reconstructions; arrays in, a Matplotlib figure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

Pair = tuple[float, float]
GREY = "#797979"


def gallery(rows: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Draw images ``(h, w)``, uint8 or in [0, 1], by row and column."""
    columns = list(next(iter(rows.values())))
    figure, axes = plt.subplots(
        len(rows), len(columns), squeeze=False, layout="constrained",
        figsize=(9.0, 0.98 * len(rows) * 9.0 / len(columns) + 0.3),
    )  # fmt: skip
    for line, (name, images) in zip(axes, rows.items()):
        for axis, column in zip(line, columns):
            show(axis, images[column])
        line[0].set_ylabel(name, fontsize="small")
    for axis, column in zip(axes[0], columns):
        axis.set_title(column, fontsize="small")
    return figure


def show(axis: Axes, image: np.ndarray) -> None:
    """Draw one image without axes, black where it is zero."""
    unit = image / 255 if image.dtype == np.uint8 else image
    axis.imshow(unit, cmap="gray", vmin=0, vmax=1)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def modes(
    data: np.ndarray, truth: np.ndarray, images: np.ndarray, weights: Mapping[str, np.ndarray]
) -> Figure:
    """Draw the modes of one posterior, their weights by several methods below.

    Parameters
    ----------
    data, truth
        ``(h, w)``.
    images
        Of the modes, ``(k, h, w)``.
    weights
        ``(k,)`` by method, the reference last, in grey.
    """
    count = len(images)
    figure = plt.figure(figsize=(9.0, 4.6), layout="constrained")
    grid = figure.add_gridspec(2, count + 2, height_ratios=[1, 1.5])
    labelled = {"data": data, "truth": truth}
    labelled |= {f"mode {k + 1}": image for k, image in enumerate(images)}
    for k, (label, image) in enumerate(labelled.items()):
        axis = figure.add_subplot(grid[0, k])
        show(axis, image)
        axis.set_title(label)
    axis = figure.add_subplot(grid[1, :])
    width = 0.8 / len(weights)
    for j, (label, values) in enumerate(weights.items()):
        axis.bar(np.arange(count) + (j - 0.5 * len(weights) + 0.5) * width, values[:count],
                 0.9 * width, label=label,
                 color=GREY if j == len(weights) - 1 else f"C{j}")  # fmt: skip
    axis.set_xticks(np.arange(count), [f"mode {k + 1}" for k in range(count)])
    axis.set_ylabel("posterior weight")
    axis.legend(fontsize="small")
    return figure


def corner(clouds: Mapping[str, np.ndarray], directions: Sequence[int]) -> Figure:
    """Draw draws ``(n, d)`` of several methods over each other, in pairs of directions."""
    k = len(directions)
    figure, axes = plt.subplots(k, k, figsize=(9.0, 9.0), sharex="col", layout="constrained")
    for i, row in enumerate(directions):
        for j, column in enumerate(directions):
            axis = axes[i, j]
            if j > i:
                axis.set_axis_off()
                continue
            for m, (label, cloud) in enumerate(clouds.items()):
                if i == j:
                    axis.hist(cloud[:, row], 30, density=True, histtype="step", lw=1.5,
                              color=f"C{m}", label=label)  # fmt: skip
                else:
                    axis.scatter(cloud[:, column], cloud[:, row], s=4, alpha=0.4, lw=0,
                                 color=f"C{m}")  # fmt: skip
            axis.locator_params(nbins=4)
            if i == j:
                axis.set_yticks([])
            elif j == 0:
                axis.set_ylabel(f"$u_{{{row}}}$")
            if i == k - 1:
                axis.set_xlabel(f"$u_{{{column}}}$")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", bbox_to_anchor=(0.97, 0.97))
    return figure


def calibration(levels: np.ndarray, curves: Mapping[str, np.ndarray], chance: float) -> Figure:
    """Draw expected coverage less credibility, by method; a band of points that chance reaches."""
    figure, axis = plt.subplots(layout="constrained")
    axis.axhspan(-chance, chance, color=GREY, alpha=0.25, lw=0, label="chance (95%)")
    axis.axhline(0, color=GREY, lw=1)
    for label, curve in curves.items():
        axis.plot(100 * levels, 100 * (curve - levels), label=label)
    axis.set(xlabel="credibility (%)", ylabel="coverage less credibility (points)")
    axis.legend(fontsize="small")
    return figure


def rank_curves(ranks: Mapping[str, np.ndarray], draws: int) -> Figure:
    """Draw, a panel a method, how ranks ``(n, d)`` deviate from uniform, a line a direction."""
    figure, axes = plt.subplots(
        1, len(ranks), figsize=(9.0, 2.6), sharey=True, squeeze=False, layout="constrained"
    )
    grid = np.linspace(0, 1, 101)
    for axis, (label, values) in zip(axes.flat, ranks.items()):
        unit = np.sort((values + 0.5) / (draws + 1), axis=0)
        spread = 1.36 / np.sqrt(len(values))
        axis.axhspan(-100 * spread, 100 * spread, color=GREY, alpha=0.25, lw=0)
        for k in range(unit.shape[1]):
            share = np.searchsorted(unit[:, k], grid, side="right") / len(unit)
            axis.plot(100 * grid, 100 * (share - grid), lw=1, color="C0")
        axis.set(title=label, xlabel="rank of the truth (%)")
    axes[0, 0].set_ylabel("excess of ranks below (points)")
    return figure


def coverage(
    groups: Mapping[str, Mapping[str, Pair]], levels: Mapping[str, Pair], *, y: str
) -> Figure:
    """Draw points with errors by group and series; `levels` are bands of what is asked for."""
    figure, axis = plt.subplots(figsize=(9.0, 4.2), layout="constrained")
    series = list(next(iter(groups.values())))
    for low, high in levels.values():
        axis.axhspan(low, high, color="C2", alpha=0.25, lw=0)
    for k, label in enumerate(series):
        place = np.arange(len(groups)) + 0.8 * ((k + 0.5) / len(series) - 0.5)
        values = np.array([group[label] for group in groups.values()])
        axis.errorbar(place, values[:, 0], values[:, 1], fmt="o", ms=5, label=label, capsize=2)
    axis.set_xticks(np.arange(len(groups)), list(groups))
    axis.set_ylabel(y)
    axis.legend(fontsize="small", ncols=2)
    return figure


def scores(panels: Mapping[str, Mapping[str, Pair]], *, log: Sequence[str] = ()) -> Figure:
    """Draw, a panel a score, bars with errors by method; that of "posterior" stands out."""
    labels = list(dict.fromkeys(label for panel in panels.values() for label in panel))
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.0, 0.34 * len(labels) + 1.0), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    place = {label: len(labels) - k for k, label in enumerate(labels)}
    for axis, (title, panel) in zip(axes.flat, panels.items()):
        for label, (value, error) in panel.items():
            axis.barh(place[label], value, xerr=error, height=0.6, ecolor=GREY,
                      color="C1" if label == "posterior" else "C0", capsize=2)  # fmt: skip
        axis.set_title(title, fontsize="small")
        axis.set_yticks(list(place.values()), labels)
        if title in log:
            axis.set_xscale("log")
            axis.xaxis.set_minor_formatter(NullFormatter())
        else:
            axis.locator_params(axis="x", nbins=4)
    return figure
