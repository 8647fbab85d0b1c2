"""The VAE's bounds against the exact marginal of a linear model, its divergence, its loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from mlsci.generative.autoencoder import AutoEncoder
from mlsci.generative.training import TrainingConfig
from mlsci.generative.vae import VAE, VAEConfig, kl_to_standard_normal

SMALL = VAEConfig(latent=2, image=(4, 4, 1), channels=(4, 6))
SIGMA = 0.2


@pytest.mark.parametrize("mean", [-1.5, 0.0, 0.7])
@pytest.mark.parametrize("log_std", [-2.0, 0.0, 0.8])
def test_divergence_is_the_integral_that_defines_it(mean: float, log_std: float) -> None:
    q, p = norm(mean, np.exp(log_std)), norm()
    low, high = q.ppf(1e-15), q.ppf(1 - 1e-15)
    exact, _ = quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), low, high, limit=200)
    got = kl_to_standard_normal(tf.constant(mean), tf.constant(log_std))
    assert float(got) == pytest.approx(exact, abs=2e-6)


def images(n: int, seed: int = 0, shape: tuple[int, ...] = (4, 4, 1)) -> np.ndarray:
    return np.random.default_rng(seed).random((n, *shape), dtype=np.float32)


class Linear:
    """``p(z) = N(0, 1)``, ``p(x|z) = N(c + W z, sigma^2)``: everything about it is known.

    The columns of W are orthogonal, so that p(z|x) has a diagonal covariance, as q(z|x) has.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        directions = np.linalg.qr(rng.standard_normal((16, 2)))[0]
        self.w = directions * [0.6, 0.3]
        self.c = np.full(16, 0.5)
        self.x = np.clip(self.marginal.rvs(60, random_state=1), 0, 1).reshape(-1, 4, 4, 1)
        self.x = self.x.astype(np.float32)
        self.log_p = self.marginal.logpdf(self.x.reshape(-1, 16))

    @property
    def marginal(self) -> multivariate_normal:
        return multivariate_normal(self.c, self.w @ self.w.T + SIGMA**2 * np.eye(16))

    def model(self, widen: float = 1.0) -> VAE:
        """A VAE with this decoder, and for q(z|x) the exact posterior, widened by a factor."""
        vae = VAE(SMALL)
        vae.log_sigma.assign(np.log(SIGMA))
        precision = 1 + (self.w**2).sum(0) / SIGMA**2
        back = self.w / SIGMA**2 / precision
        w, c, back = (tf.constant(a, tf.float32) for a in (self.w, self.c, back))
        log_std = tf.constant(np.log(widen / np.sqrt(precision)), tf.float32)

        def encode(x: tf.Tensor) -> tf.Tensor:
            mean = tf.reshape(x, (-1, 16)) - c
            mean = tf.matmul(mean, back)
            return tf.concat([mean, log_std + tf.zeros_like(mean)], -1)

        vae._encode = encode
        vae._decode = lambda z: tf.reshape(tf.matmul(z, w, transpose_b=True) + c, (-1, 4, 4, 1))
        return vae


@pytest.fixture(scope="module")
def linear() -> Linear:
    return Linear()


def test_one_draw_from_the_exact_posterior_gives_the_exact_marginal(linear: Linear) -> None:
    """The importance weight p(x, z) / q(z|x) is then p(x) for every z."""
    for seed in range(3):
        got = linear.model().log_prob_importance(linear.x, samples=1, seed=seed)
        np.testing.assert_allclose(got, linear.log_p, atol=2e-4)


def test_importance_weights_converge_to_the_exact_marginal(linear: Linear) -> None:
    got = linear.model(widen=1.4).log_prob_importance(linear.x, samples=400, seed=0)
    np.testing.assert_allclose(got, linear.log_p, atol=0.15)
    assert np.mean(got - linear.log_p) == pytest.approx(0, abs=0.02)


def test_bounds_rise_with_the_number_of_samples(linear: Linear) -> None:
    """ELBO <= L_4 <= L_64 <= ln p(x) in expectation (Burda et al. 2016, theorem 1)."""
    model = linear.model(widen=2.0)
    x = np.tile(linear.x, (100, 1, 1, 1))
    elbo = model.elbo(x, samples=2, seed=1).mean()
    one, four, many = (model.log_prob_importance(x, samples=k, seed=2).mean() for k in (1, 4, 64))
    exact = linear.log_p.mean()
    assert one == pytest.approx(elbo, abs=0.25)  # the same in expectation; 5 standard errors
    assert elbo + 0.5 < four < many - 0.08
    assert many == pytest.approx(exact, abs=0.05)
    # The gap of the ELBO is KL(q(z|x) || p(z|x)), here 2 (k^2 - 1 - ln k^2) / 2 for k = 2.
    assert exact - elbo == pytest.approx(2**2 - 1 - np.log(2**2), abs=0.15)


def test_elbo_of_the_exact_posterior_is_the_marginal(linear: Linear) -> None:
    model = linear.model()
    draws = np.array([model.elbo(linear.x, seed=seed) for seed in range(200)])
    error = draws.std(0) / np.sqrt(len(draws))
    assert np.abs((draws.mean(0) - linear.log_p) / error).max() < 5


def test_loss_is_minus_the_elbo_a_pixel() -> None:
    model, x = VAE(SMALL), images(30)
    draws = [float(model.loss(tf.constant(x), tf.constant([k, 0]))) for k in range(100)]
    elbo = model.elbo(x, samples=100).mean() / 16
    error = np.std(draws) / np.sqrt(len(draws))
    assert np.mean(draws) == pytest.approx(-elbo, abs=7 * error)  # 5 of a difference of two


def test_beta_multiplies_the_divergence_alone() -> None:
    x, seed = images(20), tf.constant([1, 2])
    kl = VAE(SMALL).kl(x).sum() / 20 / 16
    assert kl > 1e-3
    losses = {
        beta: float(VAE(VAEConfig(2, (4, 4, 1), (4, 6), beta=beta)).loss(tf.constant(x), seed))
        for beta in (0.0, 1.0, 4.0)
    }
    assert losses[1.0] - losses[0.0] == pytest.approx(kl, rel=1e-3)
    assert losses[4.0] - losses[0.0] == pytest.approx(4 * kl, rel=1e-3)


def test_gradients_reach_every_parameter_sigma_too() -> None:
    model = VAE(SMALL)
    with tf.GradientTape() as tape:
        loss = model.loss(tf.constant(images(20)), tf.constant([0, 0]))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert any(v is model.log_sigma for v in model.trainable_variables)
    assert all(g is not None and float(tf.reduce_max(tf.abs(g))) > 0 for g in gradients)


def test_samples_have_shapes_and_seeds() -> None:
    model, x = VAE(SMALL), images(7)
    assert model.sample(5, seed=0).shape == (5, 4, 4, 1)
    np.testing.assert_array_equal(model.sample(5, seed=0), model.sample(5, seed=0))
    assert not np.array_equal(model.sample(5, seed=0), model.sample(5, seed=1))
    z = model.sample_posterior(x, seed=3)
    np.testing.assert_array_equal(model.sample_posterior(x, seed=3), z)
    assert not np.array_equal(model.sample_posterior(x, seed=4), z)
    mean, std = model.posterior(x)
    assert z.shape == mean.shape == std.shape == model.kl(x).shape == (7, 2)
    np.testing.assert_array_equal(model.encode(x), mean)
    assert model.elbo(x).shape == model.log_prob_importance(x, samples=2).shape == (7,)


def test_draws_from_the_posterior_have_its_moments() -> None:
    model = VAE(SMALL)
    x = np.repeat(images(1), 5000, 0)
    mean, std = (a[0] for a in model.posterior(x))
    z = model.sample_posterior(x, seed=0)
    np.testing.assert_allclose(z.mean(0), mean, atol=5 * std.max() / np.sqrt(5000))
    np.testing.assert_allclose(z.std(0), std, rtol=0.05)


def test_training_raises_the_bound_and_finds_the_width_of_a_pixel(tmp_path: Path) -> None:
    """Images of one brightness each, and noise of a known width."""
    rng = np.random.default_rng(0)

    def draw(n: int) -> np.ndarray:
        level = rng.uniform(0.3, 0.7, (n, 1, 1, 1))
        return (level + 0.05 * rng.standard_normal((n, 4, 4, 1))).astype(np.float32)

    train, test = draw(2000), draw(300)
    model = VAE(SMALL)
    before = model.elbo(test).mean()
    model.fit(train, test, TrainingConfig(epochs=120, batch=50, rate=3e-3, warmup=20, average=0.9))
    assert model.elbo(test).mean() > before + 5
    assert model.sigma == pytest.approx(0.05, rel=0.2)
    kl = np.sort(model.kl(test).mean(0))
    assert kl[0] < 0.3 < 1 < kl[1]  # one direction carries the level, the other is not used

    model.save(tmp_path / "vae.npz")
    again = VAE.load(tmp_path / "vae.npz")
    np.testing.assert_array_equal(again.elbo(test), model.elbo(test))
    with pytest.raises(ValueError, match="beta"):
        AutoEncoder.load(tmp_path / "vae.npz")


@pytest.mark.parametrize("beta", [-1.0, np.nan])
def test_impossible_weights_are_refused(beta: float) -> None:
    with pytest.raises(ValueError, match="beta must not be negative"):
        VAEConfig(beta=beta)
