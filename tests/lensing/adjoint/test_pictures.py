"""Figures show what they are given."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from mlsci.lensing.adjoint import pictures


def test_ellipses_have_the_size_of_their_covariance() -> None:
    covariance = np.array([[4.0, 1.0], [1.0, 1.0]])
    figure = pictures.ellipses({"f": covariance}, np.zeros((3, 2)), (1.0, 2.0), ("a", "b"))
    axis = figure.axes[0]
    line = np.asarray(axis.lines[0].get_xydata())
    offsets = line - [1.0, 2.0]
    distance = np.einsum("ni,ij,nj->n", offsets, np.linalg.inv(covariance), offsets)
    np.testing.assert_allclose(distance, -2 * np.log(0.32))
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("a", "b")
    plt.close(figure)


def test_lines_are_those_of_the_data() -> None:
    h = np.array([1e-2, 1e-4])
    lines = {f"way {i}": (h, i * h + 1e-9) for i in range(6)}
    figure = pictures.plateaus(lines, y="error", allowed=1e-6)
    np.testing.assert_allclose(figure.axes[0].lines[2].get_ydata(), 2 * h + 1e-9)
    plt.close(figure)
    values = np.array([[0.3, 0.8], [0.31, 0.82]])
    figure = pictures.traces(values, (0.3, 0.8), ("a", "b"))
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), values[:, 1])
    plt.close(figure)


def test_maps_share_the_colours_of_the_first() -> None:
    one = np.linspace(-1, 1, 16).reshape(4, 4)
    seen = np.where(one > 0.9, np.nan, 5 * one)
    figure = pictures.fields({"truth": one, "data": seen}, 5.0)
    limits = [axis.images[0].get_clim() for axis in figure.axes[:2]]
    assert limits[0] == limits[1]
    assert limits[0][1] == -limits[0][0] > 0.9
    plt.close(figure)
