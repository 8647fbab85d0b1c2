"""Figures of the benchmark show what they were given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot as plt

from mlsci.generative.benchmark_pictures import estimates, points, repeated, shaded_table


def test_a_table_has_every_number() -> None:
    figure = shaded_table(
        {"one": [(0.5, None), (0.75, 0.01)], "two": [(0.25, 0.0), (1.0, None)]},
        ["left", "right"],
        low=0,
        high=1,
    )
    axis = figure.axes[0]
    assert [t.get_text() for t in axis.texts] == ["0.500", "0.750 ± 0.010", "0.250", "1.000"]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["one", "two"]
    plt.close(figure)
    with pytest.raises(ValueError, match="do not fit"):
        shaded_table({"one": [(0.5, None)]}, ["left", "right"], low=0, high=1)


def test_differences_beyond_the_limit_are_at_the_edge() -> None:
    reference = np.array([0.0, 1.0, 2.0])
    figure = estimates(
        reference, {"a": reference + np.array([0, 1, 50]), "b": reference}, x="x", y="y", limit=5
    )
    points = np.asarray(figure.axes[0].collections[-1].get_offsets())
    np.testing.assert_allclose(points, [[0, 0], [1, 1], [2, 5]])
    assert len(figure.axes) == 2
    plt.close(figure)


def test_points_are_all_drawn() -> None:
    x, y = np.linspace(0, 1, 7), np.geomspace(1e-3, 10, 7)
    figure = points(x, y, x_label="x", y_label="y", levels={"one": 1.0})
    (axis,) = figure.axes
    np.testing.assert_allclose(axis.collections[0].get_offsets(), np.stack([x, y], 1))
    assert axis.get_yscale() == "log"
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["one"]


def test_lines_are_medians_over_seeds() -> None:
    figure = repeated({"a": {0.1: [1.0, 5.0, 2.0], 1.0: [4.0]}}, x_label="x", y_label="y")
    (axis,) = figure.axes
    (line,) = axis.lines
    np.testing.assert_allclose(line.get_ydata(), [2, 4])
    assert [len(cloud.get_offsets()) for cloud in axis.collections] == [3, 1]
