"""Reconstruction scores agree where they must, and differ where they are meant to."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.generative.reconstruction_scores import reconstruction_scores


def test_scores_are_zero_at_perfection_and_fall_from_there() -> None:
    x = np.random.default_rng(0).random((5, 4, 4, 1), dtype=np.float32)
    sigma = np.full((4, 4, 1), 0.1)
    for name, score in reconstruction_scores(x, x, sigma).items():
        np.testing.assert_array_equal(score, 0, err_msg=name)
    near = reconstruction_scores(x, x + 0.1, sigma)
    far = reconstruction_scores(x, x + 0.2, sigma)
    assert all((far[name] < near[name]).all() for name in near)
    # One width for all pixels changes nothing but the unit.
    np.testing.assert_allclose(near["squared error over widths"], 100 * near["squared error"])


def test_ink_and_widths_matter_where_they_should() -> None:
    x = np.zeros((2, 2, 2, 1))
    x[0], x[1, 0, 0] = 1.0, 1.0
    wrong = x.copy()
    wrong[:, 0, 0] = 0.5  # the same residual in an image with much ink and in one with little
    sigma = np.array([[[0.5], [1.0]], [[1.0], [1.0]]])
    scores = reconstruction_scores(x, wrong, sigma)
    assert scores["squared error"][0] == scores["squared error"][1] == -0.25
    assert scores["squared error over power"] == pytest.approx([-0.25 / 4, -0.25])
    assert scores["squared error over widths"] == pytest.approx([-1.0, -1.0])
    with pytest.raises(ValueError, match="shapes differ"):
        reconstruction_scores(x, wrong, sigma[0])
