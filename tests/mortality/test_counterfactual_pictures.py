"""Figures of the conditional Gaussian process show what they are given, and say what it is."""

from __future__ import annotations

import io
from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from mlsci.mortality import counterfactual_pictures as pictures
from mlsci.mortality.weeks import axis as week_axis

SOURCE = "synthetic country, seed 0"
ENDS = week_axis(9)
RNG = np.random.default_rng(0)
CONTROL = 100 + RNG.standard_normal((5, 9))


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Draw without a screen, and leave no figure open."""
    with mpl.rc_context():
        plt.switch_backend("Agg")
        yield
        plt.close("all")


def test_every_figure_says_what_its_data_are() -> None:
    prediction = pictures.Continued(np.full(4, 90.0), np.eye(4), 90 + RNG.standard_normal((3, 4)))
    drawn = [
        pictures.components(
            RNG.random((2, 9)), RNG.random((5, 2)), range(2015, 2020), ENDS, SOURCE
        ),
        pictures.kernels({"a": np.eye(9), "b": -2 * np.eye(9)}, 5, ENDS, SOURCE),
        pictures.draws({"a": CONTROL, "b": CONTROL}, CONTROL, ENDS, SOURCE),
        pictures.continued({"a": prediction}, CONTROL, CONTROL[0], ENDS, SOURCE),
    ]
    for figure in drawn:
        assert figure.get_suptitle() == SOURCE
        figure.savefig(io.BytesIO(), format="png")


def test_kernels_share_one_scale_with_white_at_zero() -> None:
    figure = pictures.kernels({"a": np.eye(9), "b": -2 * np.eye(9)}, 5, ENDS, SOURCE)
    limits = {axis.images[0].get_clim() for axis in figure.axes[:2]}
    assert limits == {(-2.0, 2.0)}


def test_a_prediction_is_drawn_after_what_it_is_conditioned_on() -> None:
    prediction = pictures.Continued(np.full(4, 90.0), np.eye(4), np.full((1, 4), 90.0))
    figure = pictures.continued({"a": prediction}, CONTROL, CONTROL[0], ENDS, SOURCE)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_array_equal(lines["as it would have gone on"].get_xdata(), [5, 6, 7, 8])
    np.testing.assert_array_equal(lines["the year itself"].get_ydata(), CONTROL[0])
