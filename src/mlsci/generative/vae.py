"""Variational auto-encoder and its beta variant.

``q(z|x) = N(m(x), diag s(x)**2)``, prior ``N(0, 1)``, Gaussian likelihood with one learned pixel
width sigma; beta multiplies the Kullback-Leibler term, and 1 is the evidence lower bound. Sources:
Kingma & Welling 2013, arXiv:1312.6114; Higgins et al. 2017 (beta).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mlsci.generative.autoencoder import LOG_2PI, AutoEncoder, AutoEncoderConfig


@dataclass(frozen=True)
class VAEConfig(AutoEncoderConfig):
    """Shape of a VAE: that of its auto-encoder, and `beta`.

    Attributes
    ----------
    beta
        Weight of the Kullback-Leibler term; 1 for the evidence lower bound.
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.beta >= 0:
            raise ValueError(f"beta must not be negative, got {self.beta}")


class VAE(AutoEncoder):
    """A (beta-)VAE with the networks, and the methods, of `AutoEncoder`."""

    config: VAEConfig
    config_type = VAEConfig
    _encoder_outputs = 2

    def __init__(self, config: VAEConfig) -> None:
        super().__init__(config)
        self.log_sigma = tf.Variable(np.log(0.1), dtype=tf.float32)

    def loss(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return minus the (beta-)ELBO of a batch in nats a pixel, with one draw of z an image.

        Source: arXiv:1312.6114, eq. 10.
        """
        mean, log_std = _split(self.encoder(x))
        z = mean + tf.exp(log_std) * tf.random.stateless_normal(tf.shape(mean), seed)
        residual = (x - self.decoder(z)) * tf.exp(-self.log_sigma)
        log_likelihood = -0.5 * tf.square(residual) - self.log_sigma - 0.5 * LOG_2PI
        kl = tf.reduce_sum(kl_to_standard_normal(mean, log_std), -1)
        n_pixels = float(np.prod(self.config.image))
        return self.config.beta * tf.reduce_mean(kl) / n_pixels - tf.reduce_mean(log_likelihood)

    def _set_sigma(self, validation: np.ndarray) -> None:
        """Sigma is trained: nothing to measure."""

    def posterior(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of q(z|x), ``(n, latent)`` each."""
        mean, log_std = _split(tf.constant(self._encoded(x)))
        return mean.numpy(), np.exp(log_std.numpy())

    def sample_posterior(self, x: np.ndarray, *, seed: int) -> np.ndarray:
        """Return a draw from q(z|x) for each image, ``(n, latent)``.

        Together they are draws from the aggregated posterior.
        """
        mean, std = self.posterior(x)
        noise = np.random.default_rng(seed).standard_normal(mean.shape, dtype=np.float32)
        return mean + std * noise

    def kl(self, x: np.ndarray) -> np.ndarray:
        """Return KL(q(z|x) || N(0, 1)) a latent dimension, ``(n, latent)`` nats.

        It is near 0 where q has collapsed to the prior.
        """
        return kl_to_standard_normal(*_split(tf.constant(self._encoded(x)))).numpy()

    def elbo(self, x: np.ndarray, *, samples: int = 1, seed: int = 0) -> np.ndarray:
        """Return the evidence lower bound ``(n,)`` in nats; beta plays no part.

        It is averaged over `samples` draws from q(z|x) an image.
        """
        draws = [
            self.log_likelihood(x, self.sample_posterior(x, seed=seed + k)) for k in range(samples)
        ]
        return np.mean(draws, axis=0) - self.kl(x).sum(-1, dtype=np.float64)

    def log_prob_importance(self, x: np.ndarray, *, samples: int = 16, seed: int = 0) -> np.ndarray:
        """Return the importance-weighted bound on ln p(x), ``(n,)`` nats.

        Its expectation rises with `samples` to ln p(x). Source: Burda et al. 2016,
        arXiv:1509.00519, eq. 8.
        """
        mean, std = self.posterior(x)
        rng = np.random.default_rng(seed)
        total = np.full(len(mean), -np.inf)
        for _ in range(samples):
            noise = rng.standard_normal(mean.shape, dtype=np.float32)
            z = mean + std * noise
            log_ratio = (0.5 * (noise**2 - z**2) + np.log(std)).sum(-1, dtype=np.float64)
            total = np.logaddexp(total, self.log_likelihood(x, z) + log_ratio)
        return total - np.log(samples)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return images decoded from the prior N(0, 1), ``(n, height, width, colours)``."""
        z = np.random.default_rng(seed).standard_normal((n, self.config.latent), dtype=np.float32)
        return self.decode(z)


def kl_to_standard_normal(mean: tf.Tensor, log_std: tf.Tensor) -> tf.Tensor:
    """Return KL(N(mean, exp(log_std)^2) || N(0, 1)) a dimension, in nats.

    Source: arXiv:1312.6114, appendix B.
    """
    return 0.5 * (tf.square(mean) + tf.exp(2 * log_std) - 1.0) - log_std


def _split(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    mean, log_std = tf.split(encoded, 2, axis=-1)
    return mean, tf.clip_by_value(log_std, -8.0, 4.0)
