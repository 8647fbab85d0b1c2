"""Scores against numerical integration, and what must hold for any forecast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from mlsci.mortality import scores
from mlsci.mortality.predictive import Ensemble, Normals

finite = st.floats(-50, 50)


@given(finite, st.floats(0.1, 20), finite)
def test_crps_is_the_integral_of_the_squared_distance(
    mean: float, sigma: float, observed: float
) -> None:
    def below(x: float) -> float:
        return float(norm.cdf(x, mean, sigma) ** 2)

    def above(x: float) -> float:
        return float(norm.sf(x, mean, sigma) ** 2)

    ends = mean - 12 * sigma, mean + 12 * sigma
    inside = float(np.clip(observed, *ends))
    integral = quad(below, ends[0], inside)[0] + quad(above, inside, ends[1])[0]
    integral += abs(observed - inside)
    found = Normals(np.array(mean), np.array(sigma)).crps(np.array(observed))
    np.testing.assert_allclose(found, integral, rtol=1e-5, atol=1e-6)


def test_crps_of_a_point_forecast_is_the_absolute_error() -> None:
    found = Normals(np.array([3.0, 3.0]), np.zeros(2)).crps(np.array([5.0, 3.0]))
    np.testing.assert_array_equal(found, [2, 0])


def test_crps_of_draws_is_that_of_their_distribution() -> None:
    generator = np.random.default_rng(0)
    observed = np.array([-3.0, 0.0, 1.0])
    draws = generator.normal(1, 2, (20_000, 3))
    exact = Normals(np.ones(3), np.full(3, 2.0)).crps(observed)
    np.testing.assert_allclose(Ensemble(draws).crps(observed), exact, rtol=0.03)
    # Fair: the mean over small ensembles is that of a large one.
    few = [Ensemble(some).crps(observed) for some in draws.reshape(-1, 4, 3)]
    np.testing.assert_allclose(np.mean(few, axis=0), exact, rtol=0.05)
    with pytest.raises(ValueError, match="two draws"):
        Ensemble(draws[:1]).crps(observed)


def test_crps_counts_pairs_of_draws() -> None:
    draws = np.array([1.0, 4.0, 6.0])
    pairs = [abs(a - b) for a in draws for b in draws]
    expected = np.abs(draws - 5).mean() - sum(pairs) / (3 * 2) / 2
    np.testing.assert_allclose(Ensemble(draws).crps(np.array(5.0)), expected)


def test_the_true_distribution_scores_best() -> None:
    truth = np.random.default_rng(1).normal(0, 1, 4000)
    best = Normals(np.array(0.0), np.array(1.0)).crps(truth).mean()
    for mean, sigma in ((0.2, 1.0), (0.0, 0.7), (0.0, 1.4)):
        assert Normals(np.array(mean), np.array(sigma)).crps(truth).mean() > best


@pytest.mark.parametrize("level", [0.5, 0.68, 0.95])
def test_intervals_hold_their_share(level: float) -> None:
    draws = np.random.default_rng(2).normal(10, 3, (40_000, 1))
    exact = Normals(np.array([10.0]), np.array([3.0])).interval(level)
    for interval in (exact, Ensemble(draws).interval(level)):
        assert scores.covered(draws, interval).mean() == pytest.approx(level, abs=0.01)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_levels_are_probabilities(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Normals(np.zeros(1), np.ones(1)).interval(level)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Ensemble(np.zeros((3, 1))).interval(level)


def test_nrmse_of_known_errors() -> None:
    observed = np.array([[100.0, 300.0], [1.0, 3.0]])
    assert scores.nrmse(observed, observed) == 0
    assert scores.nrmse(observed, 0 * observed) == pytest.approx(np.sqrt((0.5**2 + 1.5**2) / 2))
    assert scores.relative_crps(observed, np.array([[20.0, 20.0], [0.6, 0.6]])) == (
        pytest.approx((0.1 + 0.3) / 2)
    )


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_relative_scores_do_not_know_the_size_of_a_region(seed: int, size: float) -> None:
    generator = np.random.default_rng(seed)
    observed, predicted = generator.uniform(10, 20, (2, 4, 8))
    factor = np.array([size, 1, 1, 1])[:, None]
    one, other = (scores.nrmse(f * observed, f * predicted) for f in (1, factor))
    np.testing.assert_allclose(one, other)


def test_a_series_without_deaths_has_no_relative_error() -> None:
    with pytest.raises(ValueError, match="no deaths"):
        scores.nrmse(np.zeros((2, 3)), np.ones((2, 3)))


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    x = np.random.default_rng(3).standard_normal(7)
    value, error = scores.jackknife(lambda k: float(x[k].mean()), len(x))
    assert value == pytest.approx(x.mean())
    assert error == pytest.approx(x.std(ddof=1) / np.sqrt(7))
