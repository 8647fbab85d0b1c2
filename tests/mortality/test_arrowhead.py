"""Blocks against the dense matrix that they are."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from mlsci.mortality import arrowhead

GROUPS, OWN, SHARED = 3, 4, 2
SIZE = GROUPS * OWN + SHARED


@pytest.fixture(scope="module")
def dense() -> tuple[np.ndarray, np.ndarray]:
    """A precision matrix of blocks, and a score."""
    generator = np.random.default_rng(0)
    precision = np.zeros((SIZE, SIZE))
    for g in range(GROUPS):
        rows = [*range(g * OWN, (g + 1) * OWN), *range(SIZE - SHARED, SIZE)]
        part = generator.standard_normal((OWN + SHARED, 9))
        precision[np.ix_(rows, rows)] += part @ part.T
    return precision, generator.standard_normal(SIZE)


@pytest.fixture(scope="module")
def factor(dense: tuple[np.ndarray, np.ndarray]) -> arrowhead.Factor:
    precision, score = dense
    cut = SIZE - SHARED
    own = [slice(g * OWN, (g + 1) * OWN) for g in range(GROUPS)]
    arrow = arrowhead.Arrowhead(
        own=tf.constant(np.stack([precision[s, s] for s in own])),
        cross=tf.constant(np.stack([precision[s, cut:] for s in own])),
        shared=tf.constant(precision[cut:, cut:]),
        own_score=tf.constant(np.stack([score[s] for s in own])),
        shared_score=tf.constant(score[cut:]),
    )
    return arrowhead.factorise(arrow)


def test_determinant_and_square(
    dense: tuple[np.ndarray, np.ndarray], factor: arrowhead.Factor
) -> None:
    precision, score = dense
    expected = 0.5 * np.linalg.slogdet(precision)[1]
    assert float(arrowhead.half_log_determinant(factor)) == pytest.approx(expected, rel=1e-12)
    expected = score @ np.linalg.solve(precision, score)
    assert float(arrowhead.square(factor)) == pytest.approx(expected, rel=1e-10)


def test_mean(dense: tuple[np.ndarray, np.ndarray], factor: arrowhead.Factor) -> None:
    own, shared = arrowhead.Dense(*(part.numpy() for part in factor)).mean()
    np.testing.assert_allclose(np.append(own.ravel(), shared), np.linalg.solve(*dense), rtol=1e-9)


def test_draws_have_the_dense_moments(
    dense: tuple[np.ndarray, np.ndarray], factor: arrowhead.Factor
) -> None:
    covariance = np.linalg.inv(dense[0])
    mean = covariance @ dense[1]
    some = [*range(OWN, 2 * OWN), *range(SIZE - SHARED, SIZE)]
    posterior = arrowhead.Dense(*(part.numpy() for part in factor))
    n = 40_000
    draws = np.concatenate(posterior.draw(1, n, np.random.default_rng(1)))
    scale = np.sqrt(np.diag(covariance))[some]
    assert np.abs((draws.mean(1) - mean[some]) / scale).max() < 5 / np.sqrt(n)
    error = (np.cov(draws) - covariance[np.ix_(some, some)]) / np.outer(scale, scale)
    assert np.abs(error).max() < 5 * np.sqrt(2 / n)
