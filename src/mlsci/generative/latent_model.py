"""A decoder, noise of known width and a density of codes: ``p(x) = int dz N(x; g(z), s^2) p(z)``.

What integrates over z (Laplace's method, annealed importance sampling) asks for these tensors
only, and in whatever precision the parts have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mlsci.generative.bijectors import inverse_and_log_det
from mlsci.generative.flows import Flow

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class LatentModel:
    """The joint density of data x and codes z ``(n, latent)``.

    Attributes
    ----------
    latent
        Dimension d of z.
    decoder
        ``g``, from codes ``(n, latent)`` to data ``(n, ...)``.
    to_base
        ``z -> (u, ln |det du/dz|)``: the flow of the codes, from the data's side to the base.
    base_log_prob
        ``ln p(u)`` of base vectors, ``(n,)`` nats.
    sigma
        Standard deviation of the noise, of the shape of one datum.
    standard_base
        Whether the base is the standard normal, whose curvature is the unit matrix.
    dtype
        Of the tensors.
    """

    latent: int
    decoder: Callable[[tf.Tensor], tf.Tensor]
    to_base: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
    base_log_prob: Callable[[tf.Tensor], tf.Tensor]
    sigma: np.ndarray
    standard_base: bool = False
    dtype: type = np.float32

    def __post_init__(self) -> None:
        if not (np.isfinite(self.sigma).all() and np.min(self.sigma) > 0):
            raise ValueError("sigma must be positive and finite in every pixel")

    @classmethod
    def of(
        cls, decoder: Callable[[tf.Tensor], tf.Tensor], flow: Flow, sigma: np.ndarray
    ) -> LatentModel:
        """Return the model of a decoder, the trained flow of its codes, and the noise."""
        chain = flow.bijector.bijectors
        return cls(
            latent=flow.config.dim,
            decoder=decoder,
            to_base=lambda z: inverse_and_log_det(chain, z, event_ndims=1),
            base_log_prob=flow.base.log_prob,
            sigma=np.asarray(sigma, np.float32),
            standard_base=flow.base.components == 1,
        )

    @property
    def size(self) -> int:
        """Numbers in one datum."""
        return int(self.sigma.size)

    def white(self, z: tf.Tensor) -> tf.Tensor:
        """Return ``g(z) / sigma``, flat, ``(n, size)``."""
        return tf.reshape(self.decoder(z) / tf.constant(self.sigma, self.dtype), (-1, self.size))

    def whitened(self, x: np.ndarray) -> np.ndarray:
        """Return ``x / sigma`` of data ``(n, ...)``, flat, ``(n, size)``."""
        x = np.asarray(x, self.dtype)
        if x.shape[1:] != self.sigma.shape:
            raise ValueError(f"data must be (n, *{self.sigma.shape}), got {x.shape}")
        return (x / self.sigma).reshape(len(x), -1).astype(self.dtype)

    @property
    def log_normalisation(self) -> float:
        """``ln p(x | z)`` at ``x = g(z)``, in nats."""
        return -float(np.log(self.sigma, dtype=np.float64).sum() + 0.5 * LOG_2PI * self.size)

    def log_likelihood(self, white_x: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """Return ``ln p(x | z)`` but for `log_normalisation`, ``(n,)``."""
        return -0.5 * tf.reduce_sum(tf.square(white_x - self.white(z)), -1)

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Return ``ln p(z)``, ``(n,)``, the density of the flow."""
        u, log_det = self.to_base(z)
        return self.base_log_prob(u) + log_det
