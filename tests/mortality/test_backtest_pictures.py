"""Figures of back-tests show what they are given, in steady colours, and say what it is."""

from __future__ import annotations

import io
from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mlsci.mortality import backtest_pictures as pictures
from mlsci.mortality.classical import LABELS

MODELS = list(LABELS.values())
SOURCE = "synthetic country, seed 0"
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Draw without a screen, and leave no figure open."""
    with mpl.rc_context():
        plt.switch_backend("Agg")
        yield
        plt.close("all")


def figures() -> dict[str, Figure]:
    some = {model: (float(k + 1), 0.5) for k, model in enumerate(MODELS)}
    rates = {m: (RNG.random((2, 4)), RNG.random((2, 4))) for m in MODELS[:2]}
    spread = {m: RNG.normal(0, 0.1, 30) for m in MODELS}
    ends = [f"01-{11 + k}" for k in range(9)]
    ages = ["0-9", "10-19"]
    return {
        "bars": pictures.score_bars({"a": some, "b": some}, SOURCE),
        "reliability": pictures.reliability_curves(
            [0.2, 0.8], {"week": {m: [0.1, 0.9] for m in MODELS}}, SOURCE
        ),
        "departures": pictures.departures(
            {MODELS[1]: (RNG.normal(0, 1, (2, 5)), RNG.normal(0, 1, (2, 5)))}, [2015, 2016], SOURCE
        ),
        "years": pictures.held_out_years(RNG.random((2, 9)), rates, [2015, 2016], ends, SOURCE),
        "ages": pictures.by_age(
            ages, {"x": {m: [1.0, 2.0] for m in MODELS[::2]}}, SOURCE, levels={"x": 1.5}
        ),
        "recovery": pictures.recovered_excess({"calm": spread, "winters": spread}, SOURCE),
    }


def test_every_figure_says_what_its_data_are() -> None:
    for name, figure in figures().items():
        assert figure.get_suptitle() == SOURCE, name
        figure.savefig(io.BytesIO(), format="png")


def test_bars_are_as_long_as_the_scores() -> None:
    axes = figures()["bars"].axes
    assert [axis.get_xlabel() for axis in axes] == ["a", "b"]
    assert [bar.get_width() for bar in axes[0].patches] == [1, 2, 3, 4, 5, 6]
    assert [text.get_text() for text in axes[0].get_yticklabels()] == MODELS


def test_a_model_has_one_colour_wherever_it_is() -> None:
    drawn = figures()
    third = [f"C{MODELS.index(m)}" for m in MODELS[::2]]
    lines = [line for line in drawn["ages"].axes[0].lines if line.get_label() in MODELS]
    assert [to_hex(line.get_color()) for line in lines] == [to_hex(c) for c in third]
    bars = drawn["bars"].axes[0].patches
    assert to_hex(bars[2].get_facecolor()) == to_hex(third[1])


def test_later_weeks_are_drawn_where_they_are() -> None:
    figure = figures()["years"]
    assert [axis.get_title() for axis in figure.axes] == ["2015", "2016"]
    predicted = next(line for line in figure.axes[0].lines if line.get_label() == MODELS[0])
    np.testing.assert_array_equal(predicted.get_xdata(), [5, 6, 7, 8])
