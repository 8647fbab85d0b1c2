"""Figures of what gradients are for: forecasts with scores, and parameters found from a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

_GREY = "#797979"


def plateaus(
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]], *, y: str, allowed: float | None = None
) -> Figure:
    """Draw errors of differences over the length of the step, by label, on logarithmic axes.

    Parameters
    ----------
    lines
        Lengths and errors by label.
    y
        Label of the vertical axis.
    allowed
        An error to mark, if any.
    """
    figure, axis = plt.subplots(figsize=(7.5, 4.0), layout="constrained")
    for k, (label, (length, error)) in enumerate(lines.items()):
        axis.loglog(
            length, error, "o" + ("-", "--")[k // 4 % 2], color=f"C{k % 4}", ms=3.5, label=label
        )
    if allowed is not None:
        axis.axhline(allowed, color=_GREY, lw=0.8)
    axis.set(xlabel="length of the step", ylabel=y)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize="small")
    return figure


def fields(images: Mapping[str, np.ndarray], degrees: float) -> Figure:
    """Draw maps of convergence ``(y, x)`` of a field's width by label, NaN where nothing is seen.

    All share one scale of colours, which the first sets.
    """
    first = next(iter(images.values()))
    top = float(np.quantile(np.abs(first), 0.99))
    colors = plt.get_cmap("RdBu_r").with_extremes(bad=_GREY)
    figure, axes = plt.subplots(
        1, len(images), figsize=(9.0, 9.0 / len(images) + 0.5), sharey=True, layout="constrained"
    )
    image: Any = None
    for axis, (label, kappa) in zip(axes, images.items()):
        image = axis.imshow(
            kappa, origin="lower", cmap=colors, vmin=-top, vmax=top,
            extent=(0, degrees, 0, degrees),
        )  # fmt: skip
        axis.set(title=label, xlabel="degrees")
    axes[0].set_ylabel("degrees")
    figure.colorbar(image, ax=axes, shrink=0.8, extend="both").set_label(
        "convergence", fontsize="small"
    )
    return figure


def ellipses(
    covariances: Mapping[str, np.ndarray], points: np.ndarray, truth: Sequence[float],
    labels: Sequence[str],
) -> Figure:  # fmt: skip
    """Draw estimates of two parameters, and the ellipses that should hold 68% and 95% of them.

    Parameters
    ----------
    covariances
        ``(2, 2)`` by label, drawn about the truth.
    points
        Estimates ``(n, 2)``.
    truth
        What they are estimates of.
    labels
        Of the axes.
    """
    figure, axis = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
    around = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(around), np.sin(around)])
    for k, (label, covariance) in enumerate(covariances.items()):
        root = np.linalg.cholesky(covariance)
        for share, style in ((0.68, "-"), (0.95, "--")):
            x, y = np.asarray(truth)[:, None] + np.sqrt(-2 * np.log(1 - share)) * root @ circle
            axis.plot(x, y, style, color=f"C{k}", lw=1.4, label=label if style == "-" else None)
    axis.plot(*points.T, "o", color=_GREY, ms=4, label="compressed maps")
    axis.plot(*truth, "+", color=_GREY, ms=14, mew=2, label="truth")
    axis.set(xlabel=labels[0], ylabel=labels[1])
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize="small")
    return figure


def traces(values: np.ndarray, truth: Sequence[float], labels: Sequence[str]) -> Figure:
    """Draw draws of parameters ``(draws, parameters)`` one after another, and the truths."""
    figure, axes = plt.subplots(
        len(labels), 1, figsize=(7.0, 1.6 * len(labels) + 0.4), sharex=True, layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for k, (axis, label) in enumerate(zip(axes.flat, labels)):
        axis.plot(values[:, k], "o-", ms=3.5, color="C0")
        axis.axhline(truth[k], color=_GREY, ls="--", lw=1.2)
        axis.set_ylabel(label)
    axes[-1, 0].set_xlabel("draw")
    return figure
