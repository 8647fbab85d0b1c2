"""Laplace's evidence: exact where the integral is, and honest about where it is not."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate
from scipy.stats import multivariate_normal

from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig
from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.laplace import LaplaceExpansion, importance_evidence, jacobian
from mlsci.generative.latent_model import LatentModel


def factor_analysis(
    rng: np.random.Generator, latent: int = 4, size: int = 20, stretch: float = 1.0
) -> tuple[LatentModel, np.ndarray, np.ndarray]:
    """A linear decoder with noise of unequal widths; mean and covariance of its data."""
    loadings, mean = rng.standard_normal((latent, size)), rng.standard_normal(size)
    sigma = rng.uniform(0.3, 2.0, size)
    scale = stretch ** np.arange(latent)  # u = scale * z: a flow with a volume

    def to_base(z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return z * scale, tf.fill(tf.shape(z)[:1], tf.constant(np.log(scale).sum()))

    model = LatentModel(
        latent=latent,
        decoder=lambda z: tf.matmul(z * scale, loadings) + mean,
        to_base=to_base,
        base_log_prob=lambda u: -0.5 * tf.reduce_sum(u**2 + np.log(2 * np.pi), -1),
        sigma=sigma,
        standard_base=True,
        dtype=np.float64,
    )
    return model, mean, loadings.T @ loadings + np.diag(sigma**2)


@pytest.mark.parametrize("stretch", [1.0, 3.0])
def test_evidence_is_exact_for_factor_analysis(stretch: float) -> None:
    rng = np.random.default_rng(0)
    model, mean, covariance = factor_analysis(rng, stretch=stretch)
    exact = multivariate_normal(mean, covariance)
    x = exact.rvs(300, random_state=1)
    found = LaplaceExpansion(model)(x, rng.standard_normal((300, 4)))
    np.testing.assert_allclose(found.log_evidence, exact.logpdf(x), rtol=0, atol=1e-6)
    assert (found.rank == 4).all()
    assert found.decrement.max() < 1e-9
    # The posterior of factor analysis has one covariance for all data.
    np.testing.assert_allclose(found.precision, found.precision[:1].repeat(300, 0), rtol=1e-9)


def test_importance_weights_of_an_exact_expansion_are_equal() -> None:
    rng = np.random.default_rng(3)
    model, mean, covariance = factor_analysis(rng)
    x = multivariate_normal(mean, covariance).rvs(20, random_state=1)
    found = LaplaceExpansion(model)(x, np.zeros((20, 4)))
    corrected, effective = importance_evidence(model, x, found, samples=8)
    np.testing.assert_allclose(corrected, found.log_evidence, atol=1e-6)
    np.testing.assert_allclose(effective, 1, atol=1e-6)


def test_a_direction_that_the_decoder_ignores_lowers_the_rank_and_costs_nothing() -> None:
    rng = np.random.default_rng(5)
    full, mean, _ = factor_analysis(rng)
    blind = LatentModel(
        latent=5,
        decoder=lambda z: full.decoder(z[:, :4]),
        to_base=lambda z: (z, tf.zeros(tf.shape(z)[:1], tf.float64)),
        base_log_prob=full.base_log_prob,
        sigma=full.sigma,
        standard_base=True,
        dtype=np.float64,
    )
    x = mean + rng.standard_normal((10, 20))
    first = LaplaceExpansion(full)(x, np.zeros((10, 4)))
    second = LaplaceExpansion(blind)(x, rng.standard_normal((10, 5)))
    assert (second.rank == 4).all()
    np.testing.assert_allclose(second.log_evidence, first.log_evidence, atol=1e-6)


def curved() -> LatentModel:
    """One code, three pixels, a decoder that bends."""
    return LatentModel(
        latent=1,
        decoder=lambda z: tf.concat([z, 0.5 * z**2, tf.sin(z)], -1),
        to_base=lambda z: (z, tf.zeros(tf.shape(z)[:1], tf.float64)),
        base_log_prob=lambda u: -0.5 * tf.reduce_sum(u**2 + np.log(2 * np.pi), -1),
        sigma=np.array([0.2, 0.3, 0.1]),
        standard_base=True,
        dtype=np.float64,
    )


def test_a_decoder_that_bends_is_corrected_by_importance_sampling() -> None:
    model = curved()
    z_true = np.array([[-1.0], [0.3], [2.0]])
    x = model.decoder(tf.constant(z_true)).numpy() + 0.1
    found = LaplaceExpansion(model, refreshes=2)(x, z_true)

    def density(z: float, datum: np.ndarray) -> float:
        mean = np.array([z, 0.5 * z**2, np.sin(z)])
        exponent = -0.5 * (((datum - mean) / model.sigma) ** 2).sum() - 0.5 * z**2
        return float(np.exp(exponent) / np.prod(model.sigma) / (2 * np.pi) ** 2)

    exact = [np.log(integrate.quad(density, -6, 6, args=(datum,), limit=200)[0]) for datum in x]
    corrected, effective = importance_evidence(model, x, found, samples=4000)
    np.testing.assert_allclose(corrected, exact, atol=0.05)
    np.testing.assert_allclose(found.log_evidence, exact, atol=0.5)
    assert (effective < 1 - 1e-3).all()


def test_columns_of_the_jacobian_are_those_of_reverse_mode() -> None:
    model = AutoEncoder(AutoEncoderConfig(latent=3, image=(8, 8, 1), channels=(4, 4)))
    z = tf.constant(np.random.default_rng(0).standard_normal((5, 3)), tf.float32)

    def flat(z: tf.Tensor) -> tf.Tensor:
        return tf.reshape(model.decoder(z), (-1, 64))

    with tf.GradientTape() as tape:
        tape.watch(z)
        value = flat(z)
    expected = tape.batch_jacobian(value, z).numpy()
    np.testing.assert_allclose(jacobian(flat, z).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "components"), [("realnvp", 1), ("realnvp", 3), ("autoregressive-spline", 3)]
)
def test_terms_belong_to_one_maximum(family: str, components: int) -> None:
    rng = np.random.default_rng(2)
    autoencoder = AutoEncoder(AutoEncoderConfig(latent=3, image=(8, 8, 1), channels=(4, 4)))
    flow = Flow(
        FlowConfig(dim=3, family=family, layers=2, hidden=(8,), components=components, bins=4)  # type: ignore[arg-type]
    )
    flow.base.initialise(rng.standard_normal((100, 3)), seed=0)
    sigma = np.full((8, 8, 1), 0.05)
    model = LatentModel.of(autoencoder.decoder, flow, sigma)
    z = rng.standard_normal((6, 3)).astype(np.float32)
    x = autoencoder.decode(z) + rng.normal(0, 0.05, (6, 8, 8, 1))
    found = LaplaceExpansion(model, refreshes=2)(x, z)
    residual = ((x - autoencoder.decode(found.z)) / sigma).reshape(6, -1)
    expected = -0.5 * (residual**2).sum(1) - 64 * (np.log(0.05) + 0.5 * np.log(2 * np.pi))
    np.testing.assert_allclose(found.log_likelihood, expected, rtol=1e-5)
    np.testing.assert_allclose(found.log_prior, flow.log_prob(found.z), rtol=1e-4)
    # Not the largest: a maximum may lie on a kink of the ReLUs, where no gradient vanishes.
    assert np.median(found.decrement) < 0.01
    covariance = np.linalg.inv(found.precision)
    expected = 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    np.testing.assert_allclose(found.log_volume, expected, rtol=1e-9)
    corrected, effective = importance_evidence(model, x, found, samples=300)
    assert np.median(effective) > 0.3
    np.testing.assert_allclose(corrected, found.log_evidence, atol=1.0)


def test_wrong_shapes_are_refused() -> None:
    model = curved()
    with pytest.raises(ValueError, match="data must be"):
        LaplaceExpansion(model)(np.zeros((2, 4)), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="need a start"):
        LaplaceExpansion(model)(np.zeros((2, 3)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="sigma must be positive"):
        LatentModel(1, model.decoder, model.to_base, model.base_log_prob, np.zeros(3))
