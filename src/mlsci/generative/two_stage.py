"""Second stage of the two-stage VAE: a small VAE whose data are the codes of the first.

The first stage's codes fill a known number of dimensions, unlike images, so that a VAE of as many
latent dimensions can match their density. Source: Dai & Wipf 2019, arXiv:1903.05789.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from mlsci.generative.autoencoder import LOG_2PI
from mlsci.generative.batches import compiled, in_batches
from mlsci.generative.networks import MLP
from mlsci.generative.training import History, TrainingConfig, fit
from mlsci.generative.vae import kl_to_standard_normal


class SecondStageVAE(tf.Module):
    """A VAE of vectors ``(n, dim)`` with `dim` latent dimensions and a learned noise width.

    Parameters
    ----------
    dim
        Length of a vector.
    hidden
        Widths of the hidden layers, of encoder and decoder each.
    seed
        Of the initial weights.
    """

    def __init__(self, dim: int, hidden: tuple[int, ...] = (512, 512), seed: int = 0) -> None:
        super().__init__()
        rng = np.random.default_rng([seed, 9])
        self.dim = dim
        self.encoder = MLP(rng, dim, hidden, 2 * dim)
        self.decoder = MLP(rng, dim, hidden, dim)
        self.log_sigma = tf.Variable(0.0)
        self._mean = tf.Variable(tf.zeros(dim), trainable=False)
        self._spread = tf.Variable(tf.ones(dim), trainable=False)
        self._decode = compiled(self.decoder)
        self._bound_once = compiled(self._bound)

    def _bound(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return the evidence lower bound of standardised vectors, ``(n,)`` nats."""
        mean, log_std = tf.split(self.encoder(x), 2, axis=-1)
        log_std = tf.clip_by_value(log_std, -8.0, 4.0)
        z = mean + tf.exp(log_std) * tf.random.stateless_normal(tf.shape(mean), seed)
        residual = (x - self.decoder(z)) * tf.exp(-self.log_sigma)
        log_likelihood = -0.5 * tf.square(residual) - self.log_sigma - 0.5 * LOG_2PI
        return tf.reduce_sum(log_likelihood - kl_to_standard_normal(mean, log_std), -1)

    def fit(
        self,
        train: np.ndarray,
        validation: np.ndarray,
        config: TrainingConfig,
        *,
        noise: np.ndarray,
        checkpoint: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> History:
        """Maximise the bound of vectors, to which noise of width `noise` is added at every step."""
        self._mean.assign(train.mean(0))
        self._spread.assign(train.std(0) + 1e-6)

        def loss(x: tf.Tensor, std: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            x += std * tf.random.stateless_normal(tf.shape(x), seed + 1)
            return -tf.reduce_mean(self._bound((x - self._mean) / self._spread, seed))

        return fit(
            loss,
            self.trainable_variables,
            [train, noise.astype(np.float32)],
            [validation, np.zeros_like(validation)],
            config,
            checkpoint=checkpoint,
            log=log,
        )

    def log_prob(self, x: np.ndarray, *, samples: int = 8, seed: int = 0) -> np.ndarray:
        """Return the evidence lower bound of vectors, averaged over draws, ``(n,)`` nats."""
        standard = ((x - self._mean.numpy()) / self._spread.numpy()).astype(np.float32)
        draws = [in_batches(self._bound_once, standard, [seed, k]) for k in range(samples)]
        return np.mean(draws, axis=0) - float(np.log(self._spread.numpy()).sum())

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return draws ``(n, dim)``, the noise included."""
        rng = np.random.default_rng(seed)
        mean = in_batches(self._decode, rng.standard_normal((n, self.dim), dtype=np.float32))
        noise = np.exp(self.log_sigma.numpy()) * rng.standard_normal(mean.shape, dtype=np.float32)
        return (mean + noise) * self._spread.numpy() + self._mean.numpy()
