"""Figures of a benchmark: a table with shaded cells, and one estimate against another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

Value = tuple[float, float | None]


def shaded_table(
    rows: Mapping[str, Sequence[Value]], columns: Sequence[str], *, low: float, high: float
) -> Figure:
    """Draw a table of numbers, each cell shaded by its value.

    Parameters
    ----------
    rows
        ``(value, error)`` a column, by label of the row.
    columns
        Labels of the columns.
    low, high
        Values of the lightest and the darkest shade.
    """
    values = np.array([[value for value, _ in cells] for cells in rows.values()])
    if values.shape != (len(rows), len(columns)):
        raise ValueError(f"{len(rows)} rows of {len(columns)} columns do not fit {values.shape}")
    figure, axis = plt.subplots(figsize=(9.0, 0.34 * len(rows) + 1.0), layout="constrained")
    axis.imshow(values, aspect="auto", cmap="Blues", vmin=low, vmax=high)
    axis.set_xticks(range(len(columns)), [label.replace(" ", "\n") for label in columns])
    axis.set_yticks(range(len(rows)), list(rows))
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
    middle = 0.5 * (low + high)
    for i, cells in enumerate(rows.values()):
        for j, (value, error) in enumerate(cells):
            text = f"{value:.3f}" if not error else f"{value:.3f} ± {error:.3f}"
            color = "white" if value > middle else "black"
            axis.text(j, i, text, ha="center", va="center", fontsize="small", color=color)
    return figure


def estimates(
    reference: np.ndarray, others: Mapping[str, np.ndarray], *, x: str, y: str, limit: float
) -> Figure:
    """Draw differences from a reference ``(n,)`` against it, a panel for each estimate.

    Differences beyond `limit` are drawn at the edge.
    """
    figure, axes = plt.subplots(
        1, len(others), figsize=(9.0, 3.2), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (label, values) in zip(axes.flat, others.items()):
        difference = np.clip(values - reference, -limit, limit)
        axis.axhspan(-1, 1, color="#797979", alpha=0.25, lw=0)
        axis.axhline(0, lw=0.8, color="#797979")
        axis.scatter(reference, difference, s=10)
        axis.set(title=label, xlabel=x, ylim=(-1.05 * limit, 1.05 * limit))
        axis.locator_params(axis="x", nbins=5)
    axes[0, 0].set_ylabel(y)
    return figure


def points(
    x: np.ndarray, y: np.ndarray, *, x_label: str, y_label: str, levels: Mapping[str, float]
) -> Figure:
    """Draw points ``(n,)`` with a logarithmic vertical axis, and named horizontal lines."""
    figure, axis = plt.subplots(figsize=(7.0, 3.4), layout="constrained")
    axis.scatter(x, y, s=14)
    for k, (label, level) in enumerate(levels.items()):
        axis.axhline(level, ls="--", lw=1.2, color=f"C{k + 1}", label=label)
    axis.set(xlabel=x_label, ylabel=y_label, yscale="log")
    axis.legend()
    return figure


def repeated(
    kinds: Mapping[str, Mapping[float, Sequence[float]]], *, x_label: str, y_label: str
) -> Figure:
    """Draw what several seeds gave at several settings: a colour a kind, a point a seed.

    The lines are the medians over seeds; both axes are logarithmic.
    """
    figure, axis = plt.subplots(figsize=(7.0, 3.8), layout="constrained")
    for k, (label, by_setting) in enumerate(kinds.items()):
        settings = list(by_setting)
        axis.plot(settings, [np.median(v) for v in by_setting.values()], color=f"C{k}", label=label)
        for setting, values in by_setting.items():
            axis.scatter([setting] * len(values), values, s=14, color=f"C{k}")
    axis.set(xlabel=x_label, ylabel=y_label, xscale="log", yscale="log")
    axis.legend()
    return figure
