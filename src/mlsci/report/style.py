"""One look for all figures, on white pages and on dark ones."""

from __future__ import annotations

from typing import Any

GREY = "#797979"
"""Text and axes: the grey with equal contrast (4.3) on white and on #121212."""

CYCLE = ("#2E55DA", "#DC7B05", "#21A677", "#8B4C7F", "#C11929", "#A084DC")
"""Line colours: apart for colour-blind readers, with contrast of 3 on white and on #121212."""


def settings() -> dict[str, Any]:
    """Return the Matplotlib settings that `use` applies."""
    from cycler import cycler

    return {
        "axes.edgecolor": GREY,
        "axes.facecolor": "none",
        "axes.grid": False,
        "axes.labelcolor": GREY,
        "axes.prop_cycle": cycler(color=CYCLE),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": GREY,
        "axes.titlesize": "medium",
        "figure.constrained_layout.use": True,
        "figure.dpi": 100,
        "figure.facecolor": "none",
        "figure.figsize": (7.0, 4.0),
        "font.size": 11.0,
        "grid.alpha": 0.4,
        "grid.color": GREY,
        "image.cmap": "viridis",
        "legend.frameon": False,
        "legend.labelcolor": GREY,
        "lines.linewidth": 1.8,
        "savefig.dpi": 150,
        "savefig.facecolor": "none",
        "savefig.transparent": True,
        "svg.hashsalt": "mlsci",
        "text.color": GREY,
        "xtick.color": GREY,
        "ytick.color": GREY,
    }


def use() -> None:
    """Make Matplotlib draw in the compendium's style from now on."""
    import matplotlib as mpl

    mpl.rcdefaults()
    for name, value in settings().items():
        mpl.rcParams[name] = value  # type: ignore[index]
