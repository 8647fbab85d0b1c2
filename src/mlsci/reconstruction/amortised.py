"""Networks that learn the posterior for one corruption: after training, one pass a datum.

Both are trained on pairs of clean images and data. Shown data of another corruption, they answer
as if it were theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mlsci.generative.batches import compiled, in_batches
from mlsci.generative.networks import MLP
from mlsci.generative.training import History, TrainingConfig, fit

LOG_2PI = float(np.log(2 * np.pi))


class ConditionalVAE(tf.Module):
    """A variational auto-encoder of images x given data y, both flat.

    ``p(x | z, y) = N(g(z, y), sigma^2)``, ``z ~ N(0, 1)``, sigma trained, one a pixel. Source:
    Sohn, Lee & Yan 2015, NeurIPS 28, section 4.

    Parameters
    ----------
    size
        Pixels of an image, and of a datum.
    latent
        Dimension of z.
    hidden
        Widths of both networks' hidden layers.
    seed
        Of the initial weights.
    """

    def __init__(self, size: int, latent: int, hidden: Sequence[int], *, seed: int = 0) -> None:
        super().__init__()
        rng = np.random.default_rng([seed, 81])
        self.latent = latent
        self.encoder = MLP(rng, 2 * size, hidden, 2 * latent, activation=tf.nn.elu)
        self.decoder = MLP(rng, latent + size, hidden[::-1], size, activation=tf.nn.elu)
        self.log_sigma = tf.Variable(tf.fill((size,), np.float32(np.log(0.2))))
        self._decode = compiled(self.decoder)

    def loss(self, x: tf.Tensor, y: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return minus the evidence bound, nats an image."""
        mean, log_std = tf.split(self.encoder(tf.concat([x, y], 1)), 2, axis=1)
        log_std = tf.clip_by_value(log_std, -6.0, 2.0)
        z = mean + tf.exp(log_std) * tf.random.stateless_normal(tf.shape(mean), seed)
        kl = tf.reduce_sum(0.5 * (mean**2 + tf.exp(2 * log_std) - 1) - log_std, 1)
        log_sigma = tf.maximum(self.log_sigma, np.log(0.01))
        misfit = (x - self.decoder(tf.concat([z, y], 1))) / tf.exp(log_sigma)
        log_like = -tf.reduce_sum(0.5 * (misfit**2 + LOG_2PI) + log_sigma, 1)
        return tf.reduce_mean(kl - log_like)

    def fit(
        self, train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray],
        config: TrainingConfig,
    ) -> History:  # fmt: skip
        """Train on pairs (x, y) of flat float32 images and data."""
        return fit(self.loss, self.trainable_variables, train, validation, config)

    def parts(self, y: np.ndarray, count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return means ``g(z, y)`` and random errors of draws given flat data ``(n, size)``.

        Both ``(n, count, size)``; their sum is a draw of the clean image.
        """
        rng = np.random.default_rng([seed, 82])
        n, size = y.shape
        z = rng.standard_normal((n * count, self.latent), np.float32)
        both = np.concatenate([z, np.repeat(y.astype(np.float32), count, axis=0)], 1)
        mean = in_batches(self._decode, both).reshape(n, count, size)
        sigma = np.exp(np.maximum(self.log_sigma.numpy(), np.log(0.01)))
        return mean, sigma * rng.standard_normal(mean.shape, np.float32)


class ConditionalFlow(tf.Module):
    """A density of base variables u given data y: affine couplings that are told a summary of y.

    Source: Papamakarios & Murray 2016, arXiv:1605.06376, with the couplings of Dinh et al. 2017,
    arXiv:1605.08803. Trained on pairs that the generative model makes, it learns the posterior
    that the samplers of this package sample.

    Parameters
    ----------
    size, latent
        Lengths of y and of u.
    layers
        Number of couplings.
    hidden
        Widths of the network that summarises y, the last one that of the summary.
    seed
        Of the initial weights.
    """

    def __init__(
        self, size: int, latent: int, layers: int, hidden: Sequence[int], *, seed: int = 0
    ) -> None:
        super().__init__()
        rng = np.random.default_rng([seed, 83])
        self.latent, self._passing = latent, latent // 2
        moving = latent - self._passing
        self.summary = MLP(rng, size, hidden[:-1], hidden[-1], activation=tf.nn.elu)
        width = self._passing + hidden[-1]
        self.conditioners = [
            MLP(rng, width, (128,), 2 * moving, gain_out=0.01) for _ in range(layers)
        ]
        self._orders = [rng.permutation(latent) for _ in range(layers)]
        self._draw = compiled(self._from_base)

    def _affine(self, k: int, passing: tf.Tensor, told: tf.Tensor) -> list[tf.Tensor]:
        shift, raw = tf.split(self.conditioners[k](tf.concat([passing, told], 1)), 2, axis=1)
        return [shift, 3 * tf.tanh(raw / 3)]

    def log_prob(self, u: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Return ``ln q(u | y)`` in nats, ``(n,)``."""
        told, log_det = tf.nn.elu(self.summary(y)), tf.zeros(tf.shape(u)[0])
        for k, order in enumerate(self._orders):
            u = tf.gather(u, order, axis=1)
            passing, moving = u[:, : self._passing], u[:, self._passing :]
            shift, log_scale = self._affine(k, passing, told)
            u = tf.concat([passing, (moving - shift) * tf.exp(-log_scale)], 1)
            log_det -= tf.reduce_sum(log_scale, 1)
        return log_det - 0.5 * tf.reduce_sum(u**2, 1) - 0.5 * self.latent * LOG_2PI

    def _from_base(self, both: tf.Tensor) -> tf.Tensor:
        """Return u of base noise and data side by side."""
        v, told = both[:, : self.latent], tf.nn.elu(self.summary(both[:, self.latent :]))
        for k in reversed(range(len(self._orders))):
            passing, moving = v[:, : self._passing], v[:, self._passing :]
            shift, log_scale = self._affine(k, passing, told)
            v = tf.concat([passing, moving * tf.exp(log_scale) + shift], 1)
            v = tf.gather(v, np.argsort(self._orders[k]), axis=1)
        return v

    def fit(
        self, train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray],
        config: TrainingConfig,
    ) -> History:  # fmt: skip
        """Train on pairs (u, y) of base vectors and flat data, float32."""

        def loss(u: tf.Tensor, y: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            del seed  # nothing is random here
            return -tf.reduce_mean(self.log_prob(u, y))

        return fit(loss, self.trainable_variables, train, validation, config)

    def sample(self, y: np.ndarray, count: int, *, seed: int) -> np.ndarray:
        """Draw base vectors ``(n, count, latent)`` given flat data ``(n, size)``."""
        n = len(y)
        noise = np.random.default_rng([seed, 84]).standard_normal((n * count, self.latent))
        both = np.concatenate([noise, np.repeat(y, count, axis=0)], 1).astype(np.float32)
        return in_batches(self._draw, both).reshape(n, count, self.latent)
