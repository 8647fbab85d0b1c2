"""Short cuts to the evidence go wrong in the way that they are said to."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.generative.factor_analysis import FactorAnalysis
from mlsci.generative.laplace import LaplaceExpansion
from mlsci.generative.shortcuts import (
    joint_with_floor,
    summed_gradient_curvature,
    volume_from_summed_gradients,
)


def test_the_yardstick_is_a_normal_distribution() -> None:
    model = FactorAnalysis.random(2, 5, seed=0)
    x = model.sample(100_000, seed=1)
    covariance = model.loadings.T @ model.loadings + np.diag(model.sigma**2)
    np.testing.assert_allclose(np.cov(x, rowvar=False), covariance, atol=0.15)
    # With standardised x, ln p(x) = -x^2 / 2 up to a constant: its variance is half the dimension.
    assert model.log_evidence(x).var() == pytest.approx(2.5, rel=0.05)
    found = LaplaceExpansion(model.latent_model())(x[:50], np.zeros((50, 2)))
    np.testing.assert_allclose(found.log_evidence, model.log_evidence(x[:50]), atol=1e-6)


def test_a_high_floor_leaves_the_prior() -> None:
    model = FactorAnalysis.random(3, 20, seed=0)
    latent, x = model.latent_model(), model.sample(40, seed=1)
    z = np.random.default_rng(2).standard_normal((40, 3))
    prior = latent.log_prior(z).numpy()
    floored = joint_with_floor(latent, x, z, 1e4)
    assert np.ptp(floored - prior) < 1e-3
    # Without an effect of the floor it is the joint density.
    joint = latent.log_likelihood(latent.whitened(x), z).numpy() + latent.log_normalisation + prior
    np.testing.assert_allclose(joint_with_floor(latent, x, z, 0.0, batch=7), joint, rtol=1e-12)


def test_summed_gradients_have_rank_one_and_the_wrong_volume() -> None:
    model = FactorAnalysis.random(4, 20, seed=0)
    latent, x = model.latent_model(), model.sample(10, seed=1)
    found = LaplaceExpansion(latent)(x, np.zeros((10, 4)))
    volume, rank = volume_from_summed_gradients(latent, found)
    assert (found.rank == 4).all()
    assert (rank == 1).all()
    # What is left out narrows the posterior: without it the volume is too large.
    assert (volume > found.log_volume + 1).all()


def test_one_output_needs_no_sum() -> None:
    jacobian = np.random.default_rng(0).standard_normal((6, 1, 3))
    exact = np.einsum("nma,nmb->nab", jacobian, jacobian)
    np.testing.assert_allclose(summed_gradient_curvature(jacobian), exact)
