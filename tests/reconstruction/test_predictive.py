"""Intervals are right after the error's width is measured, also where its own width is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from mlsci.reconstruction.calibration import interval, interval_coverage
from mlsci.reconstruction.predictive import ErrorWidth, inflated, log_score
from mlsci.reconstruction.residual import Residual

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
    assert found.scale[0, 0] == pytest.approx(0.3, rel=0.2)
    assert found.scale[1, 0] == pytest.approx(1.5, rel=0.2)
    expected, error, truth, _ = images(5, 0.03, 0.15)
    drawn = found.images(expected, error, seed=2)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    for level in (0.68, 0.95):
        for part in (slice(6), slice(6, None)):
            share, _ = interval_coverage(drawn[..., part], truth[..., part], level)
            assert share == pytest.approx(level, abs=0.04)


def test_sure_pixels_and_unsure_ones_get_widths_of_their_own() -> None:
    rng = np.random.default_rng(0)
    spread = np.where(np.arange(PIXELS) < 6, 0.01, 0.15)
    expected = 0.4 + spread * rng.standard_normal((N, S, PIXELS))
    error = 0.05 * rng.standard_normal((N, S, PIXELS))
    # Sure pixels err by twice their error; unsure ones lie where the draws are.
    width = np.where(np.arange(PIXELS) < 6, 0.1, np.hypot(0.15, 0.05))
    truth = 0.4 + width * rng.standard_normal((N, PIXELS))
    where = np.ones((N, PIXELS), bool)
    found = ErrorWidth.measured(expected, error, truth, where, edges=(), spreads=(0.05,), seed=1)
    assert found.scale[0, 0] == pytest.approx(2, rel=0.3)
    assert found.scale[0, 1] < 1.5
    drawn = found.images(expected, error, seed=2)
    for part in (slice(6), slice(6, None)):
        share, _ = interval_coverage(drawn[..., part], truth[..., part], 0.68)
        assert share == pytest.approx(0.68, abs=0.04)


def test_where_any_interval_holds_the_truth_the_score_decides() -> None:
    """Nine in ten are black and always held; widths must still be those of the tenth."""
    rng = np.random.default_rng(0)
    expected = np.full((N, S, PIXELS), 0.01)
    error = 0.02 * rng.standard_normal((N, S, PIXELS))
    truth = np.where(rng.random((N, PIXELS)) < 0.02, 0.6, 0.0)
    found = ErrorWidth.measured(expected, error, truth, np.ones((N, PIXELS), bool), seed=1)
    drawn = found.images(expected, error, seed=2)
    plain = np.clip(expected + error, 0, 1)
    assert log_score(drawn, truth).mean() > log_score(plain, truth).mean() + 1


def test_an_inflated_error_is_wider_in_every_direction() -> None:
    residual = Residual(np.full((2, 2, 1), 0.1), np.full((1, 2, 2, 1), 0.3))
    np.testing.assert_allclose(inflated(residual, 2.0).covariance, 4 * residual.covariance)


def test_heavy_tails_are_seen() -> None:
    expected, error, truth, where = images(0, 0.1, 0.1)
    rng = np.random.default_rng(3)
    tails = expected[:, 0] + 0.03 * rng.standard_t(2, truth.shape)
    freedom = [
        ErrorWidth.measured(
            expected, error, values, where, edges=(), seed=1, pixels=N * PIXELS
        ).freedom[0, 0]
        for values in (truth, tails)
    ]
    assert freedom[0] > 100
    assert freedom[1] == 2


def test_errors_that_end_get_light_tails_and_both_intervals_are_right() -> None:
    expected, error, _, where = images(0, 0.1, 0.1)
    rng = np.random.default_rng(4)
    first, other = (expected[:, 0] + rng.uniform(-0.15, 0.15, where.shape) for _ in range(2))
    found = ErrorWidth.measured(expected, error, first, where, edges=(), seed=1, pixels=N * PIXELS)
    assert found.freedom[0, 0] == -3
    drawn = found.images(expected, error, seed=2)
    for level in (0.68, 0.95):
        assert interval_coverage(drawn, other, level)[0] == pytest.approx(level, abs=0.03)


@pytest.mark.parametrize(
    ("freedom", "exact"), [(2.0, stats.t(2)), (-3.0, stats.uniform(-(3**0.5), 2 * 3**0.5))]
)
def test_tails_are_those_of_pearson(freedom: float, exact: Any) -> None:
    rng = np.random.default_rng(0)
    shape = np.array([[1.0]]), np.array([[freedom]])
    width = ErrorWidth(np.array([]), np.array([]), *shape)
    # Small, so that nothing ends at black or at white.
    error = 1e-6 * rng.standard_normal((1, 4000, 1, 1)).astype(np.float32)
    expected = np.full_like(error, 0.5, np.float64)
    found = (width.images(expected, error, seed=1) - 0.5).ravel() / 1e-6
    assert stats.kstest(found, exact.cdf).pvalue > 0.01


def test_a_range_without_pixels_is_left_as_it_is() -> None:
    expected, error, truth, where = images(0, 0.1, 0.1)
    found = ErrorWidth.measured(expected, error, truth, where, edges=(0.45, 0.9), seed=1)
    assert (found.scale[2] == 1).all()


def test_a_further_draw_falls_into_an_interval_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    draws, truth = rng.standard_normal((20_000, 40)), rng.standard_normal(20_000)
    low, high = interval(draws, 0.9)
    assert ((truth > low) & (truth < high)).mean() == pytest.approx(0.9, abs=0.01)
