"""Figures of the lensing chapter draw what they are given, and are legible on any page."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from mlsci.lensing import pictures
from mlsci.report import style

ELL = np.geomspace(200, 10000, 8)
ONE = np.ones(8)


@pytest.fixture(autouse=True)
def _style():
    style.use()
    yield
    plt.close("all")


def drawn(figure: Figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=60)
    buffer.seek(0)
    return plt.imread(buffer)


FIGURES = {
    "slabs": lambda: pictures.slabs({"a": np.ones((8, 8)), "b": np.zeros((8, 8))}, 64.0, "bar"),
    "light_cone": lambda: pictures.light_cone(
        np.ones((8, 40)), 8.0, 6.0, 64.0, {0.1: 100.0, 0.2: 200.0}
    ),
    "maps": lambda: pictures.convergence_maps(
        {str(i): np.arange(64.0).reshape(8, 8) + i for i in range(4)}, 2.0, columns=2
    ),
    "spectra": lambda: pictures.spectra(ELL, {"m": (ONE / ELL**2, 0.1 / ELL**2)}, {"t": 1 / ELL}),
    "ratios": lambda: pictures.ratios(
        ELL, {"m": (ONE, 0.1 * ONE)}, y="r", allowed=[(300, 2000, 0.05)], limits=(0.5, 1.5),
        points={"p": ([800], [1.1])},
    ),
    "budget": lambda: pictures.budget(ELL, {str(i): 0.01 * ONE for i in range(7)}),
    "histograms": lambda: pictures.histograms(
        np.linspace(0, 1, 9), {"m": (np.arange(8.0), 0.1 * ONE), "n": (ONE, None)}, x="x", y="y"
    ),
    "curves": lambda: pictures.curves({"c": (ELL, ONE)}, x="x", y="y", log=True),
    "bars": lambda: pictures.bars({"g": {"a": 1.0, "b": 20.0}, "h": {"b": 3.0}}, x="s"),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_labels_and_stays_inside_its_page(name: str) -> None:
    figure = FIGURES[name]()
    image = drawn(figure)
    assert image[..., 3].min() == 0  # no ground of its own: pages are light or dark
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    page = figure.bbox
    for axis in figure.axes:
        for text in (axis.xaxis.label, axis.yaxis.label, axis.title, *axis.texts):
            if text.get_text():
                box = text.get_window_extent(renderer)
                assert min(box.x0 - page.x0, page.x1 - box.x1) > -1, text.get_text()
                assert min(box.y0 - page.y0, page.y1 - box.y1) > -1, text.get_text()
        legend = axis.get_legend()
        if legend is not None:
            box = legend.get_window_extent(renderer)
            assert box.x0 >= axis.get_window_extent(renderer).x1, "the legend hides curves"
            assert box.x1 <= page.x1 + 1


def test_the_colour_bar_is_no_higher_than_the_maps() -> None:
    figure = FIGURES["maps"]()
    figure.draw_without_rendering()
    maps = figure.axes[:4]
    bars = [(axis, bar) for axis in maps for bar in axis.child_axes]
    assert len(bars) == 2  # one a row
    for axis, bar in bars:
        assert bar.get_position().height <= axis.get_position().height * 1.001
        assert bar.get_position().y0 >= axis.get_position().y0 - 1e-3


def test_bars_stand_in_the_order_given() -> None:
    axis = FIGURES["bars"]().axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["g", "h"]
    places = {round(bar.get_width(), 6): bar.get_y() for bar in axis.patches if bar.get_width()}
    assert places[1.0] < places[20.0] < places[3.0]
    assert axis.yaxis_inverted()
