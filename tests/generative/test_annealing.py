"""Annealed importance sampling against integrals that are known."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import multivariate_normal

from mlsci.generative.annealing import (
    AnnealingConfig,
    annealed_evidence,
    annealed_from_gaussian,
)
from mlsci.generative.factor_analysis import FactorAnalysis
from mlsci.generative.laplace import LaplaceExpansion
from mlsci.generative.latent_model import LatentModel


def standard(u: tf.Tensor) -> tf.Tensor:
    return -0.5 * tf.reduce_sum(u**2 + np.log(2 * np.pi), -1)


def identity(z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return z, tf.zeros(tf.shape(z)[:1], z.dtype)


def draws(latent: int) -> object:
    return lambda count, seed: np.random.default_rng(seed).standard_normal((count, latent))


def test_evidence_of_factor_analysis() -> None:
    rng = np.random.default_rng(0)
    loadings, sigma = rng.standard_normal((3, 12)), rng.uniform(0.3, 1.0, 12)
    model = LatentModel(
        3, lambda z: tf.matmul(z, loadings), identity, standard, sigma, True, np.float64
    )
    exact = multivariate_normal(np.zeros(12), loadings.T @ loadings + np.diag(sigma**2))
    x = exact.rvs(5, random_state=2)
    curvature = np.tile((loadings / sigma**2) @ loadings.T, (5, 1, 1))
    config = AnnealingConfig(temperatures=150, chains=64, leapfrogs=3)
    found = annealed_evidence(model, x, draws(3), curvature, config)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.log_evidence, exact.logpdf(x), atol=0.3)
    assert (found.accepted > 0.7).all()
    assert (found.spread < 1).all()
    assert (found.effective > 4).all()


def test_a_gaussian_about_the_mode_is_a_better_start() -> None:
    model = FactorAnalysis.random(3, 12, seed=0)
    latent, x = model.latent_model(), model.sample(5, seed=2)
    mode = LaplaceExpansion(latent)(x, np.zeros((5, 3)))
    config = AnnealingConfig(temperatures=40, chains=32, leapfrogs=3, power=2)
    found = annealed_from_gaussian(latent, x, mode.z, mode.precision, config)
    np.testing.assert_allclose(found.log_evidence, model.log_evidence(x), atol=0.1)
    assert (found.spread < 0.5).all()
    # Started from the posterior itself, every weight is the evidence.
    same = annealed_from_gaussian(latent, x, mode.z, mode.precision, config, widening=1)
    np.testing.assert_allclose(same.log_evidence, model.log_evidence(x), atol=1e-6)
    np.testing.assert_allclose(same.spread, 0, atol=1e-6)


def test_from_one_mode_the_other_is_missed() -> None:
    model = LatentModel(1, lambda z: z**2, identity, standard, np.array([0.1]), True, np.float64)
    config = AnnealingConfig(temperatures=40, chains=32, power=2)
    mode, precision = np.array([[0.9975]]), np.array([[[400.0]]])
    found = annealed_from_gaussian(model, np.array([[1.0]]), mode, precision, config)
    z = np.linspace(0, 5, 20_001)
    joint = np.exp(-0.5 * ((1 - z**2) / 0.1) ** 2 - 0.5 * z**2) / (2 * np.pi * 0.1)
    assert found.log_evidence[0] == pytest.approx(np.log(np.trapezoid(joint, z)), abs=0.05)


def test_two_modes_are_both_counted() -> None:
    # x = z^2 + noise: two equal modes, of which an expansion about one sees half the evidence.
    model = LatentModel(1, lambda z: z**2, identity, standard, np.array([0.1]), True, np.float64)
    x = np.array([[1.0]])
    z = np.linspace(-5, 5, 20_001)
    joint = np.exp(-0.5 * ((1 - z**2) / 0.1) ** 2 - 0.5 * z**2) / (2 * np.pi * 0.1)
    config = AnnealingConfig(temperatures=150, chains=64, leapfrogs=3)
    found = annealed_evidence(model, x, draws(1), np.array([[[400.0]]]), config)  # type: ignore[arg-type]
    assert found.log_evidence[0] == pytest.approx(np.log(np.trapezoid(joint, z)), abs=0.2)


def test_temperatures_rise_from_prior_to_posterior() -> None:
    b = AnnealingConfig(temperatures=50).inverse_temperatures
    assert b[0] == 0
    assert b[-1] == pytest.approx(1)
    assert (np.diff(b) > 0).all()
    with pytest.raises(ValueError, match="cannot anneal"):
        AnnealingConfig(step=0)
