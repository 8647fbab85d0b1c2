"""Modes, weights and chains on densities whose moments are known."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.mortality import hyperposterior
from mlsci.mortality.hyperposterior import Peak

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[1.0, 0.6, 0.0], [0.6, 0.5, 0.1], [0.0, 0.1, 0.3]])


def normal(x: np.ndarray) -> tuple[float, np.ndarray]:
    slope = -np.linalg.solve(COVARIANCE, x - MEAN)
    return 0.5 * float(slope @ (x - MEAN)), slope


def test_a_normal_density_is_found_exactly() -> None:
    scale = np.full(3, 2.0)
    mode = hyperposterior.climb(normal, np.zeros(3), scale, tolerance=1e-14)
    np.testing.assert_allclose(mode, MEAN, atol=1e-5)
    np.testing.assert_allclose(hyperposterior.curvature(normal, mode, scale), COVARIANCE, atol=1e-8)


def test_where_there_is_no_curvature_the_scale_remains() -> None:
    flat = hyperposterior.curvature(lambda x: (0.0, 0 * x), np.zeros(2), np.array([0.5, 2.0]))
    np.testing.assert_allclose(flat, np.diag([0.25, 4.0]))


def test_weights_mend_a_shifted_proposal() -> None:
    peak = Peak(MEAN + 0.5 * np.sqrt(np.diag(COVARIANCE)), COVARIANCE)
    draws, log_proposal = hyperposterior.propose(peak, 4096, seed=3)
    log_density = np.array([normal(x)[0] for x in draws])
    weighted = hyperposterior.weigh(draws, log_density, log_proposal)
    deviation = np.sqrt(np.diag(COVARIANCE))
    assert weighted.weights.sum() == pytest.approx(1)
    assert weighted.pareto_k < 0.5
    np.testing.assert_allclose(weighted.mean, MEAN, atol=0.05)
    np.testing.assert_allclose(weighted.deviation, deviation, rtol=0.05)
    assert np.abs(draws.mean(0) - MEAN).max() > 0.2, "the proposal alone would be wrong"


def test_k_tells_of_a_proposal_that_is_too_narrow() -> None:
    peak = Peak(MEAN, 0.02 * COVARIANCE)
    draws, log_proposal = hyperposterior.propose(peak, 1024, seed=0)
    log_density = np.array([0.02 * normal(x)[0] for x in draws])
    assert hyperposterior.weigh(draws, log_density, log_proposal).pareto_k > 0.7


@pytest.mark.parametrize("shape", [-0.3, 0.2, 0.8])
def test_the_tail_of_a_pareto_distribution(shape: float) -> None:
    uniform = np.random.default_rng(5).random(40_000)
    weights = 1 + (uniform**-shape - 1) / shape
    smooth, k = hyperposterior.pareto_smooth(weights)
    assert k == pytest.approx(shape, abs=0.15)
    assert smooth.max() <= weights.max()
    few = np.argsort(weights)[:-600]
    np.testing.assert_array_equal(smooth[few], weights[few])


def test_equal_weights_stay_equal() -> None:
    smooth, k = hyperposterior.pareto_smooth(np.ones(100))
    np.testing.assert_array_equal(smooth, 1)
    assert k == -np.inf


def test_too_few_draws_for_a_tail() -> None:
    with pytest.raises(ValueError, match="at least 25"):
        hyperposterior.pareto_smooth(np.ones(20))


@pytest.mark.slow
def test_the_chain_samples_a_normal_density() -> None:
    import tensorflow as tf

    precision, mean = tf.constant(np.linalg.inv(COVARIANCE)), tf.constant(MEAN)

    def log_density(x: tf.Tensor) -> tf.Tensor:
        return -0.5 * tf.tensordot(x - mean, tf.linalg.matvec(precision, x - mean), 1)

    chain = hyperposterior.nuts(
        log_density, Peak(MEAN + 0.3, np.diag([2.0, 1.0, 1.0])), draws=1500, warmup=300, seed=1
    )
    deviation = np.sqrt(np.diag(COVARIANCE))
    error = np.abs(chain.draws.mean(0) - MEAN) / deviation
    assert (error < 4 / np.sqrt(np.minimum(chain.effective, 1500))).all()
    np.testing.assert_allclose(chain.draws.std(0), deviation, rtol=0.15)
    assert chain.divergent == 0
    assert 0.6 < chain.accepted <= 1
