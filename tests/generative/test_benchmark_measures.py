"""Measures of the benchmark: detection of strangers, two-sample tests, baselines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from mlsci.generative.complexity import complexity_corrected, compressed_nats
from mlsci.generative.detection import detection
from mlsci.generative.likelihood_ratio import log_ratio, mutated
from mlsci.generative.pca import ProbabilisticPCA
from mlsci.generative.two_sample import classifier_accuracy, closer_to_training, frechet_error
from mlsci.generative.typicality import typicality

RNG = np.random.default_rng


def test_perfect_and_blind_detection() -> None:
    perfect = detection(np.arange(10, 20), np.arange(5))
    assert (perfect.auroc, perfect.aupr, perfect.fpr95) == (1, pytest.approx(1), 0)
    scores = RNG(0).standard_normal(20_000)
    blind = detection(scores[:15_000], scores[15_000:])
    assert blind.auroc == pytest.approx(0.5, abs=0.02)
    assert blind.aupr == pytest.approx(0.5, abs=0.02)  # though only a quarter are foreign
    assert blind.fpr95 == pytest.approx(0.95, abs=0.02)


@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(-5, 5))
def test_detection_sees_the_order_of_scores_only(seed: int, scale: float, shift: float) -> None:
    inside, outside = RNG(seed).normal(1, 1, 30), RNG(seed + 1).normal(0, 1, 20)
    first = detection(inside, outside)
    second = detection(np.exp(inside / 4) * scale + shift, np.exp(outside / 4) * scale + shift)
    assert first.auroc == pytest.approx(second.auroc)
    assert first.fpr95 == pytest.approx(second.fpr95)


def test_bootstrap_error_is_that_of_repeated_draws() -> None:
    from mlsci.generative.quality import frechet_distance

    clouds = [RNG(k).normal([[[0.0]], [[0.5]]], size=(2, 500, 3)) for k in range(40)]
    repeated = np.std([frechet_distance(a, b) for a, b in clouds], ddof=1)
    assert frechet_error(*clouds[0], resamplings=40) == pytest.approx(repeated, rel=0.5)


def test_classifier_tells_apart_what_differs() -> None:
    same = RNG(0).standard_normal((2, 800, 4))
    assert classifier_accuracy(*same) == pytest.approx(0.5, abs=0.06)
    assert classifier_accuracy(same[0], same[1] + 3) > 0.95


def test_memorised_samples_are_closer_to_training() -> None:
    train, held, fresh = RNG(0).standard_normal((3, 500, 5))
    assert closer_to_training(fresh, train, held) == pytest.approx(0.5, abs=0.08)
    assert closer_to_training(train[:100] + 1e-3, train, held) == 1
    assert closer_to_training(fresh, train, train) == 0.5


def test_simple_images_are_small() -> None:
    flat, noise = np.full((2, 16, 16, 1), 0.5), RNG(0).uniform(size=(2, 16, 16, 1))
    assert (8 * compressed_nats(flat) < compressed_nats(noise)).all()
    assert compressed_nats(noise).max() < 8 * np.log(2) * (16 * 16 + 20)
    np.testing.assert_allclose(complexity_corrected(np.zeros(2), flat), compressed_nats(flat))


def test_typical_is_near_the_entropy() -> None:
    familiar = RNG(0).normal(-100, 3, 1000)
    score = typicality(np.array([-100.0, -50.0, -150.0]), familiar)
    assert score[0] > score[1:].max()
    assert score[1] == pytest.approx(score[2], abs=1)


def test_mutation_replaces_the_share_it_was_asked_for() -> None:
    x = np.zeros((50, 20, 20, 1), np.float32)
    assert (mutated(x, 0.2, seed=0) > 0).mean() == pytest.approx(0.2, abs=0.02)
    np.testing.assert_array_equal(mutated(x, 0.0, seed=0), x)
    with pytest.raises(ValueError, match="share"):
        mutated(x, 1.5, seed=0)
    np.testing.assert_allclose(log_ratio(np.ones(2), np.zeros(2)), 1)


def test_probabilistic_pca_is_a_gaussian() -> None:
    loadings = RNG(0).standard_normal((2, 6))
    covariance = loadings.T @ loadings + 0.04 * np.eye(6)
    x = multivariate_normal(np.ones(6), covariance).rvs(20_000, random_state=0).reshape(-1, 3, 2, 1)
    model = ProbabilisticPCA(2)
    model.fit(x)
    expected = multivariate_normal(np.ones(6), covariance).logpdf(x[:50].reshape(50, 6))
    np.testing.assert_allclose(model.log_prob(x[:50]), expected, atol=0.2)
    assert model.log_prob_latent(x[:5]).shape == (5,)
    assert np.square(model.reconstruct(x) - x).mean() == pytest.approx(0.04 * 4 / 6, rel=0.1)
    drawn = model.sample(20_000, seed=0).reshape(-1, 6)
    np.testing.assert_allclose(np.cov(drawn.T), loadings.T @ loadings, atol=0.15)
