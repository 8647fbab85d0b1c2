"""Figures can be read on white and on dark pages, and by colour-blind readers."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mlsci.report import style

PAGES = ("#ffffff", "#121212")
# Machado, Oliveira & Fernandes 2009, severity 1; they act on linear RGB.
VISION = {
    "trichromat": np.eye(3),
    "protanope": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranope": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanope": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def linear(colour: str) -> np.ndarray:
    value = np.array(to_rgb(colour))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    light, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other)), reverse=True)
    return float((light + 0.05) / (dark + 0.05))


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of linear RGB."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("page", PAGES)
def test_text_and_lines_stand_out(page: str) -> None:
    assert contrast(style.GREY, page) >= 4.3
    for colour in style.CYCLE:
        assert contrast(colour, page) >= 3.0, colour


@pytest.mark.parametrize("vision", VISION)
def test_line_colours_are_told_apart(vision: str) -> None:
    seen = {colour: lab(VISION[vision] @ linear(colour)) for colour in style.CYCLE}
    for one, other in itertools.combinations(style.CYCLE, 2):
        assert np.linalg.norm(seen[one] - seen[other]) >= 25, (one, other)


def test_the_style_is_the_same_whatever_came_before() -> None:
    with mpl.rc_context():
        mpl.rcParams["lines.linewidth"] = 20
        mpl.rcParams["font.family"] = "monospace"
        style.use()
        after = dict(mpl.rcParams)
        mpl.rcParams["xtick.bottom"] = False
        style.use()
        assert dict(mpl.rcParams) == after
        assert mpl.rcParams["savefig.transparent"]
        assert mpl.rcParams["axes.facecolor"] == "none"
