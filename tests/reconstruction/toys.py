"""Models whose posteriors are known."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from mlsci.reconstruction.corruption import Compose, Corruption
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.model import BaseDecoder

IMAGE = (4, 5, 1)


def linear_model(seed: int = 0, latent: int = 3) -> tuple[BaseDecoder, np.ndarray, np.ndarray]:
    """Return ``x = W u + b``, W ``(pixels, latent)`` and b ``(pixels,)``."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(IMAGE))
    weights, offset = rng.standard_normal((size, latent)), rng.standard_normal(size)

    def decode(u: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.matmul(u, weights.T) + offset, (-1, *IMAGE))

    return BaseDecoder(latent, IMAGE, decode, np.float64), weights, offset


def two_modes(centre: float = 0.4, noise: float = 0.2) -> Likelihood:
    """Return a likelihood that knows ``(u_0 - centre)^2`` and u_1 alone, of two variables.

    The posterior of u_0 has two modes of unequal weight, and that of u_1 is a Gaussian.
    """

    def decode(u: tf.Tensor) -> tf.Tensor:
        x = tf.stack([tf.square(u[:, 0] - centre), u[:, 1]], -1)
        return tf.reshape(x, (-1, 1, 2, 1))

    model = BaseDecoder(2, (1, 2, 1), decode, np.float64)
    return Likelihood(model, Corruption(Compose(), noise), 0.0)


def density_on_grid(centre: float, noise: float, y: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a fine grid of u_0 and its posterior density for a datum ``(y, .)``."""
    grid = np.linspace(-6, 6, 60001)
    log = -0.5 * grid**2 - 0.5 * ((y - (grid - centre) ** 2) / noise) ** 2
    density = np.exp(log - log.max())
    return grid, density / (density.sum() * (grid[1] - grid[0]))
