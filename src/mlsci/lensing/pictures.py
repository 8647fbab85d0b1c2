"""Figures of universes and their maps: slabs, light cones, convergence, spectra, histograms, times.

Functions take arrays and return a Matplotlib figure; the caller shows or saves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

Curve = tuple[np.ndarray, np.ndarray | None]  # values and errors
_GREY = "#797979"
_DENSITY = "magma"
_KAPPA = "inferno"


def slabs(images: Mapping[str, np.ndarray], sides: Sequence[float] | float, bar: str) -> Figure:
    """Draw densities ``(x, y)`` over the mean side by side, in logarithmic colours, by label.

    Parameters
    ----------
    sides
        Of each picture, or of all, in Mpc/h.
    bar
        Label of the colour bar.
    """
    every = [sides] * len(images) if isinstance(sides, float) else list(sides)
    width = 9.0 / len(images)
    figure, axes = plt.subplots(
        1, len(images), figsize=(9.0, width + 0.55), squeeze=False, layout="constrained"
    )
    image = None
    for axis, side, (label, density) in zip(axes.flat, every, images.items()):
        image = axis.imshow(
            np.clip(density.T, 0.05, None), origin="lower", cmap=_DENSITY,
            norm=LogNorm(0.1, 60), extent=(0, side, 0, side), interpolation="bilinear",
        )  # fmt: skip
        axis.set(title=label, xlabel="Mpc/h")
        axis.locator_params(nbins=4)
        axis.tick_params(labelsize="small")
    for axis in axes.flat[1:]:
        axis.set_yticklabels([])
    axes[0, 0].set_ylabel("Mpc/h")
    _bar(figure, image, axes[0, -1], bar)
    return figure


def light_cone(
    strip: np.ndarray, cell: float, degrees: float, box: float, redshifts: Mapping[float, float]
) -> Figure:
    """Draw a strip of the light cone, the field's edges in it, and where boxes meet.

    Parameters
    ----------
    strip
        Density over the mean ``(across, depth)``.
    cell
        Side of a cell in Mpc/h.
    degrees
        Width of the field.
    box
        Side of a box in Mpc/h.
    redshifts
        Distance in Mpc/h by redshift, for the upper axis.
    """
    across, depth = (n * cell for n in strip.shape)
    figure, axis = plt.subplots(figsize=(9.0, 2.3), layout="constrained")
    image = axis.imshow(
        np.clip(strip, 0.05, None), origin="lower", cmap=_DENSITY, norm=LogNorm(0.1, 60),
        extent=(0, depth, -across / 2, across / 2), aspect="auto",
    )  # fmt: skip
    edge = np.array([0, depth])
    for sign in (-1, 1):
        axis.plot(edge, sign * np.tan(np.radians(degrees / 2)) * edge, color="#7fd4ff", lw=1.4)
    for wall in np.arange(box, depth, box):
        axis.axvline(wall, color="white", lw=0.7, ls=(0, (2, 3)), alpha=0.8)
    axis.set(xlabel="distance in Mpc/h", ylabel="Mpc/h", xlim=(0, depth))
    axis.set_ylim(-across / 2, across / 2)
    upper = axis.secondary_xaxis("top")
    upper.set_xticks(list(redshifts.values()), [f"{z:g}" for z in redshifts])
    upper.set_xlabel("redshift")
    _bar(figure, image, axis, "density / mean")
    return figure


def convergence_maps(
    maps: Mapping[str, np.ndarray], degrees: float, *, columns: int = 3, top: float | None = None
) -> Figure:
    """Draw maps of convergence ``(y, x)`` by label, in one scale of colours.

    Parameters
    ----------
    degrees
        Side of the field, or of the part that is drawn.
    columns
        In a row.
    top
        The highest value of the scale; by default what one pixel in 300 exceeds.
    """
    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    width = 8.4 / columns
    everything = np.concatenate([kappa.ravel() for kappa in maps.values()])
    low, high = np.quantile(everything, (0.002, 0.9967))
    figure, axes = plt.subplots(
        rows, columns, figsize=(9.0, rows * (width + 0.3) + 0.2), squeeze=False,
        sharex=True, sharey=True, layout="constrained",
    )  # fmt: skip
    image = None
    for axis, (label, kappa) in zip(axes.flat, maps.items()):
        image = axis.imshow(
            kappa, origin="lower", cmap=_KAPPA, vmin=low, vmax=high if top is None else top,
            extent=(0, degrees, 0, degrees), interpolation="antialiased",
        )  # fmt: skip
        axis.set_title(label)
        axis.tick_params(labelsize="small")
        axis.locator_params(nbins=4)
    for axis in axes[-1]:
        axis.set_xlabel("degrees")
    for axis in axes[:, 0]:
        axis.set_ylabel("degrees")
    for row in axes:
        _bar(figure, image, row[-1], "convergence", extend="both")
    return figure


def spectra(
    ell: np.ndarray, measured: Mapping[str, Curve], theory: Mapping[str, np.ndarray]
) -> Figure:
    """Draw spectra as points with errors and theories as lines: ell^2 C / 2 pi over ell."""
    figure, axis = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    scale = ell**2 / (2 * np.pi)
    for k, (label, power) in enumerate(theory.items()):
        axis.plot(ell, scale * power, label=label, color=_GREY, ls=("-", "--", ":")[k % 3], lw=1.4)
    for k, (label, (power, error)) in enumerate(measured.items()):
        axis.errorbar(
            ell, scale * power, None if error is None else scale * error, label=label, fmt="o",
            ms=4, lw=1.2, color=f"C{k}",
        )  # fmt: skip
    axis.set(xscale="log", yscale="log", xlabel=r"multipole $\ell$")
    axis.set_ylabel(r"$\ell^2 C_\ell / 2\pi$")
    _plain(axis)
    _beside(axis)
    return figure


def ratios(
    ell: np.ndarray,
    curves: Mapping[str, Curve],
    *,
    y: str,
    allowed: Sequence[tuple[float, float, float]] = (),
    limits: tuple[float, float] | None = None,
    points: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    x: str = r"multipole $\ell$",
) -> Figure:
    """Draw ratios of spectra over ell with bands of one standard deviation.

    Parameters
    ----------
    curves
        Values and errors ``(bands,)`` by label.
    y
        Label of the vertical axis.
    allowed
        Targets, as grey boxes: from ell, to ell, and how far from 1.
    limits
        Of the vertical axis.
    points
        Published ones: ell and value, by label.
    x
        Label of the horizontal axis.
    """
    figure, axis = plt.subplots(figsize=(7.5, 3.9), layout="constrained")
    for low, high, width in allowed:
        axis.fill_between([low, high], 1 - width, 1 + width, color=_GREY, alpha=0.18, lw=0)
    axis.axhline(1, color=_GREY, lw=0.8)
    for k, (label, (value, error)) in enumerate(curves.items()):
        axis.plot(ell, value, color=f"C{k}", label=label, marker="o", ms=3.5)
        if error is not None:
            axis.fill_between(ell, value - error, value + error, color=f"C{k}", alpha=0.25, lw=0)
    for k, (label, (at, published)) in enumerate((points or {}).items()):
        axis.plot(at, published, "xP"[k % 2], color=f"C{k}", ms=8, label=label, ls="none")
    axis.set(xscale="log", xlabel=x, ylabel=y)
    if limits is not None:
        axis.set_ylim(*limits)
    _plain(axis)
    _beside(axis)
    return figure


def budget(ell: np.ndarray, parts: Mapping[str, np.ndarray]) -> Figure:
    """Draw how much each source of error changes the spectrum, as shares of it, over ell."""
    figure, axis = plt.subplots(figsize=(7.5, 4.0), layout="constrained")
    styles = ("-", "--", "-.", ":")
    for k, (label, share) in enumerate(parts.items()):
        axis.plot(ell, np.abs(share), color=f"C{k}", ls=styles[k % 4], label=label)
    for level in (0.05, 0.1):
        axis.axhline(level, color=_GREY, lw=0.6)
    axis.set(xscale="log", yscale="log", xlabel=r"multipole $\ell$", ylim=(5e-4, 2))
    axis.set_ylabel("share of the spectrum")
    _plain(axis)
    _beside(axis)
    return figure


def histograms(
    edges: np.ndarray, series: Mapping[str, Curve], *, x: str, y: str
) -> Figure:  # fmt: skip
    """Draw histograms as steps, with errors at the middle of bins, on a logarithmic axis."""
    figure, axis = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
    middle = (edges[:-1] + edges[1:]) / 2
    for k, (label, (value, error)) in enumerate(series.items()):
        axis.stairs(value, edges, color=f"C{k}", label=label, lw=1.6)
        if error is not None:
            seen = value > 0
            axis.errorbar(
                middle[seen], value[seen], error[seen], fmt="none", ecolor=f"C{k}", lw=1.2
            )
    some = np.concatenate([value[value > 0] for value, _ in series.values()])
    axis.set(yscale="log", xlabel=x, ylabel=y, ylim=(some.min() / 2, some.max() * 2))
    used = [edge for value, _ in series.values() for edge in edges[:-1][value > 0]]
    axis.set_xlim(min(used), max(used) + edges[1] - edges[0])
    _beside(axis)
    return figure


def curves(
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]], *, x: str, y: str, log: bool = False
) -> Figure:
    """Draw named curves ``(x, y)``; `log` for both axes."""
    figure, axis = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
    for k, (label, (at, value)) in enumerate(lines.items()):
        axis.plot(at, value, label=label, color=f"C{k}", marker="o" if len(at) < 12 else None, ms=4)
    axis.set(xlabel=x, ylabel=y)
    if log:
        axis.set(xscale="log", yscale="log")
        _plain(axis)
    _beside(axis)
    return figure


def bars(groups: Mapping[str, Mapping[str, float]], *, x: str) -> Figure:
    """Draw horizontal bars of several programs, in groups, on a logarithmic axis.

    Parameters
    ----------
    groups
        Values by the program's label, by the group's; a group may lack a program.
    x
        Label of the axis.
    """
    labels = list(dict.fromkeys(label for group in groups.values() for label in group))
    height = 0.8 / len(labels)
    rows = sum(len(group) for group in groups.values())
    figure, axis = plt.subplots(figsize=(7.5, 0.3 * rows + 1.3), layout="constrained")
    for row, group in enumerate(groups.values()):
        for place, (label, value) in enumerate(group.items()):
            at = row - (place - (len(group) - 1) / 2) * -height
            color = f"C{labels.index(label)}"
            axis.barh(at, value, height * 0.9, color=color)
            axis.annotate(
                f"{value:.3g}", (value, at), xytext=(5, 0), textcoords="offset points",
                va="center", fontsize="small",
            )  # fmt: skip
    for k, label in enumerate(labels):
        axis.barh(0, 0, color=f"C{k}", label=label)
    axis.set_yticks(range(len(groups)), list(groups))
    axis.invert_yaxis()
    axis.set(xscale="log", xlabel=x)
    values = [value for group in groups.values() for value in group.values()]
    axis.set_xlim(min(values) / 3, max(values) * 2.5)
    _beside(axis)
    return figure


def _plain(axis: Axes) -> None:
    """Write 200, 500, 1000 along a logarithmic horizontal axis, and no powers of ten."""
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _beside(axis: Axes) -> None:
    """Put the legend beside the axes, where it hides nothing; one label needs none."""
    if len(axis.get_legend_handles_labels()[0]) > 1:
        axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize="small")


def _bar(figure: Figure, image: Any, axis: Axes, label: str, extend: str = "max") -> None:
    """Put a colour bar beside axes, as high as they are."""
    grid = axis.get_subplotspec()
    columns = 1 if grid is None else grid.get_gridspec().ncols
    place = axis.inset_axes((1.02, 0.0, 0.012 * columns, 1.0))
    bar = figure.colorbar(image, cax=place, extend=extend)
    bar.set_label(label, fontsize="small")
    place.tick_params(labelsize="small")
    for spine in place.spines.values():
        spine.set_visible(False)
