"""Intervals are right after the error's width is measured, also where its own width is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.reconstruction.calibration import interval, interval_coverage
from mlsci.reconstruction.predictive import ErrorWidth

N, S, PIXELS = 300, 100, 12


def images(
    seed: int, dark: float, bright: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Expected images, errors of width 0.1, and truths that err otherwise where it is bright."""
    rng = np.random.default_rng(seed)
    mean = np.where(np.arange(PIXELS) < 6, 0.3, 0.6)
    expected = np.broadcast_to(mean, (N, S, PIXELS)).astype(np.float32)
    error = 0.1 * rng.standard_normal((N, S, PIXELS)).astype(np.float32)
    width = np.where(np.arange(PIXELS) < 6, dark, bright)
    truth = mean + width * rng.standard_normal((N, PIXELS))
    return expected, error, truth, np.ones((N, PIXELS), bool)


def test_each_range_of_brightness_gets_the_width_that_its_truths_have() -> None:
    expected, error, truth, where = images(0, 0.03, 0.15)
    found = ErrorWidth.measured(expected, error, truth, where, edges=(0.45,), seed=1)
    assert found.scale[0] == pytest.approx(0.3, rel=0.2)
    assert found.scale[1] == pytest.approx(1.5, rel=0.2)
    expected, error, truth, _ = images(5, 0.03, 0.15)
    drawn = found.images(expected, error, seed=2)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    for level in (0.68, 0.95):
        for part in (slice(6), slice(6, None)):
            share, _ = interval_coverage(drawn[..., part], truth[..., part], level)
            assert share == pytest.approx(level, abs=0.04)


def test_heavy_tails_are_seen() -> None:
    expected, error, truth, where = images(0, 0.1, 0.1)
    rng = np.random.default_rng(3)
    tails = expected[:, 0] + 0.03 * rng.standard_t(2, truth.shape)
    freedom = [
        ErrorWidth.measured(expected, error, values, where, edges=(), seed=1).freedom[0]
        for values in (truth, tails)
    ]
    assert freedom[0] > 100
    assert freedom[1] == 2


def test_a_range_without_pixels_is_left_as_it_is() -> None:
    expected, error, truth, where = images(0, 0.1, 0.1)
    found = ErrorWidth.measured(expected, error, truth, where, edges=(0.45, 0.9), seed=1)
    assert found.scale[2] == 1


def test_a_further_draw_falls_into_an_interval_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    draws, truth = rng.standard_normal((20_000, 40)), rng.standard_normal(20_000)
    low, high = interval(draws, 0.9)
    assert ((truth > low) & (truth < high)).mean() == pytest.approx(0.9, abs=0.01)
