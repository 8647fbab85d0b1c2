"""Figures of generative models: grids of images, planes of codes, curves, bars, histograms.

Functions take arrays and return a Matplotlib figure; the caller shows or saves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Value = float | tuple[float, float | None]


def image_grids(
    sets: Mapping[str, np.ndarray], *, rows: int = 6, columns: int = 6, panels: int = 3
) -> Figure:
    """Draw grids of images side by side, each under its label.

    Parameters
    ----------
    sets
        Images ``(n, h, w)``, uint8 or in [0, 1], by label; the first ``rows * columns`` are shown.
    rows, columns
        Of each grid.
    panels
        Number of grids in a row of the figure.
    """
    panels = min(panels, len(sets))
    lines = -(-len(sets) // panels)
    size = 9.0 / panels
    height = size * rows / columns + 0.3
    figure, axes = plt.subplots(
        lines, panels, figsize=(9.0, lines * height), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (label, images) in zip(axes.flat, sets.items()):
        axis.imshow(tiled(images, rows, columns), cmap="gray", vmin=0, vmax=1)
        axis.set_title(label)
    return figure


def tiled(images: np.ndarray, rows: int, columns: int, gap: int = 1) -> np.ndarray:
    """Return one picture in [0, 1] of the first images of ``(n, h, w)``, with grey gaps between.

    Raises
    ------
    ValueError
        For another shape, or fewer than ``rows * columns`` images.
    """
    images = np.asarray(images)
    if images.ndim != 3 or len(images) < rows * columns:
        raise ValueError(f"need {rows * columns} images (n, h, w), got {images.shape}")
    unit = images / 255 if images.dtype == np.uint8 else np.clip(images, 0, 1)
    unit = unit[: rows * columns]
    h, w = unit.shape[1:]
    framed = np.full((rows * columns, h + gap, w + gap), 0.5)
    framed[:, :h, :w] = unit
    framed = framed.reshape(rows, columns, h + gap, w + gap)
    return framed.transpose(0, 2, 1, 3).reshape(rows * (h + gap), columns * (w + gap))[:-gap, :-gap]


def latent_planes(
    clouds: Mapping[str, np.ndarray], plane: tuple[int, int], *, points: int = 1500
) -> Figure:
    """Scatter clouds of codes ``(n, d)`` in one plane of the latent space, a panel each."""
    i, j = plane
    everything = np.concatenate([cloud[:, [i, j]] for cloud in clouds.values()]).astype(float)
    low, high = np.quantile(everything, [0.001, 0.999], axis=0)
    figure, axes = plt.subplots(
        1, len(clouds), figsize=(9.0, 9.0 / len(clouds) + 0.3), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for k, (axis, (label, cloud)) in enumerate(zip(axes.flat, clouds.items())):
        axis.scatter(cloud[:points, i], cloud[:points, j], s=3, alpha=0.5, color=f"C{k}", lw=0)
        axis.set(title=label, xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        axis.set_xlabel(f"$z_{{{i}}}$")
    axes[0, 0].set_ylabel(f"$z_{{{j}}}$")
    return figure


def curves(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    x: str,
    y: str,
    levels: Mapping[str, float] | None = None,
    log_x: bool = False,
    log_y: bool = False,
    markers: bool = False,
) -> Figure:
    """Draw named curves ``(x, y)``; `levels` are dashed horizontal lines."""
    figure, axis = plt.subplots(layout="constrained")
    draw_curves(axis, lines, levels=levels, markers=markers)
    axis.set(xlabel=x, ylabel=y)
    _log(axis, log_x, log_y)
    axis.legend()
    return figure


def draw_curves(
    axis: Axes,
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    levels: Mapping[str, float] | None = None,
    markers: bool = False,
) -> None:
    """Draw named curves into axes."""
    for label, (horizontal, vertical) in lines.items():
        axis.plot(horizontal, vertical, label=label, marker="o" if markers else None, ms=4)
    for k, (label, level) in enumerate((levels or {}).items()):
        axis.axhline(level, ls="--", lw=1.2, color=f"C{len(lines) + k}", label=label)


def bars(
    values: Mapping[str, Value],
    *,
    x: str,
    log: bool = False,
    levels: Mapping[str, float] | None = None,
) -> Figure:
    """Draw horizontal bars of values, or of ``(value, error)``; `levels` are dashed lines."""
    figure, axis = plt.subplots(figsize=(7.0, 0.42 * len(values) + 1.3), layout="constrained")
    labels = list(values)
    pairs = [v if isinstance(v, tuple) else (v, None) for v in values.values()]
    heights = [value for value, _ in pairs]
    errors = [error or 0.0 for _, error in pairs]
    positions = np.arange(len(labels))[::-1]
    axis.barh(positions, heights, xerr=errors, height=0.62, ecolor="#797979", capsize=3)
    axis.set_yticks(positions, labels)
    for position, value, error in zip(positions, heights, errors):
        axis.annotate(
            f"{value:.3g}", (value + error, position), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize="small",
        )  # fmt: skip
    for k, (label, level) in enumerate((levels or {}).items()):
        axis.axvline(level, ls="--", lw=1.2, color=f"C{k + 1}", label=label)
    if levels:
        axis.legend(loc="lower right")
    axis.set_xlabel(x)
    axis.margins(x=0.12)
    _log(axis, log, False)
    return figure


def score_histograms(
    scores: Mapping[str, Mapping[str, np.ndarray]], *, x: str, columns: int = 3
) -> Figure:
    """Draw, a panel each, histograms of a score for several sets of images.

    Parameters
    ----------
    scores
        For each score, arrays ``(n,)`` by the name of the set; panels cut 0.5% of the points at
        either end.
    x
        Label of the horizontal axes.
    columns
        Panels in a row.
    """
    columns = min(columns, len(scores))
    lines = -(-len(scores) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(9.0, 2.7 * lines + 0.2), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(scores) :]:
        axis.set_axis_off()
    for axis, (title, sets) in zip(axes.flat, scores.items()):
        low, high = np.quantile(np.concatenate(list(sets.values())), [0.005, 0.995])
        edges = np.linspace(low, high, 60)
        for label, values in sets.items():
            axis.hist(values, edges, density=True, alpha=0.55, label=label)
        axis.set(title=title, xlabel=x, yticks=[])
        axis.locator_params(axis="x", nbins=4)
    axes[0, 0].legend(fontsize="small", loc="upper left")  # "best" is slow with many points
    return figure


def _log(axis: Axes, x: bool, y: bool) -> None:
    if x:
        axis.set_xscale("log")
    if y:
        axis.set_yscale("log")
