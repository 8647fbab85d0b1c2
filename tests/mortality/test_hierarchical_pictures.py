"""Figures of the hierarchical model show what they are given."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from mlsci.mortality import hierarchical_pictures as pictures


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Draw without a screen, and leave no figure open."""
    with mpl.rc_context():
        plt.switch_backend("Agg")
        yield
        plt.close("all")


def test_chances_are_where_their_goals_are() -> None:
    panels = {"five years": {"narrow": 50.0, "wide": 90.0}, "one": {"narrow": 20.0, "wide": 70.0}}
    axis = pictures.chances(panels, {"five years": "o", "one": "s"}).axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["narrow", "wide"]
    for line, values in zip(axis.lines, panels.values()):
        np.testing.assert_array_equal(line.get_xdata(), list(values.values()))
        assert line.get_ydata()[0] > line.get_ydata()[1]  # the first goal is on top


def test_every_country_is_a_dot_in_its_models_row() -> None:
    errors = {"mean": np.array([0.1, -0.2, 0.3]), "trend": np.array([0.0, 0.1, 0.2])}
    figure = pictures.recovered_from_towns({"calm": errors, "winters": errors}, "synthetic")
    assert figure.get_suptitle() == "synthetic"
    for axis in figure.axes:
        rows = [line for line in axis.lines if len(line.get_xdata()) == 3]
        np.testing.assert_allclose(rows[0].get_xdata(), [10, -20, 30])
        assert [set(row.get_ydata()) for row in rows] == [{1}, {0}]
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert dict(zip(figure.axes[0].get_yticks(), labels)) == {1: "mean", 0: "trend"}
