"""Layers of a normalizing flow as TensorFlow Probability bijectors; forward goes from the base to the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from mlsci.generative.networks import MADE, MLP
from mlsci.generative.transforms import Transform

tfb = tfp.bijectors


class Coupling(tfb.Bijector):
    """Half of the coordinates pass, and say how the other half moves (Dinh et al. 2017, arXiv:1605.08803, eqs. 7-8).

    Acts on vectors ``(n, d)``; `flip` chooses which half passes.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        d: int,
        transform: Transform,
        hidden: Sequence[int],
        flip: bool,
    ) -> None:
        parameters = {"d": d, "flip": flip}
        super().__init__(forward_min_event_ndims=1, dtype=tf.float32, parameters=parameters)
        passing = d // 2 if flip else d - d // 2
        self._sizes = (d - passing, passing) if flip else (passing, d - passing)
        self._flip, self._transform = flip, transform
        moving = d - passing
        self._shape = (-1, moving, transform.n_params)
        self.conditioner = MLP(rng, passing, hidden, moving * transform.n_params, gain_out=0.01)

    def _split(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        first, second = tf.split(x, self._sizes, axis=-1)
        passing, moving = (second, first) if self._flip else (first, second)
        return passing, moving, tf.reshape(self.conditioner(passing), self._shape)

    def _join(self, passing: tf.Tensor, moving: tf.Tensor) -> tf.Tensor:
        return tf.concat([moving, passing] if self._flip else [passing, moving], -1)

    def _forward(self, x: tf.Tensor) -> tf.Tensor:
        passing, moving, p = self._split(x)
        return self._join(passing, self._transform.forward(moving, p)[0])

    def _inverse(self, y: tf.Tensor) -> tf.Tensor:
        passing, moving, p = self._split(y)
        return self._join(passing, self._transform.inverse(moving, p)[0])

    def _forward_log_det_jacobian(self, x: tf.Tensor) -> tf.Tensor:
        _, moving, p = self._split(x)
        return tf.reduce_sum(self._transform.forward(moving, p)[1], -1)

    def _inverse_log_det_jacobian(self, y: tf.Tensor) -> tf.Tensor:
        _, moving, p = self._split(y)
        return tf.reduce_sum(self._transform.inverse(moving, p)[1], -1)


class Autoregressive(tfb.Bijector):
    """Each coordinate moves as the earlier *data* coordinates say (MAF; Papamakarios et al. 2017, arXiv:1705.07057).

    The way from the data to the base is one pass of a MADE; the way back takes d passes.
    """

    def __init__(
        self, rng: np.random.Generator, d: int, transform: Transform, hidden: Sequence[int]
    ) -> None:
        super().__init__(forward_min_event_ndims=1, dtype=tf.float32, parameters={"d": d})
        self._d, self._transform = d, transform
        self.conditioner = MADE(rng, d, hidden, transform.n_params)

    def _inverse(self, y: tf.Tensor) -> tf.Tensor:
        return self._transform.inverse(y, self.conditioner(y))[0]

    def _inverse_log_det_jacobian(self, y: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(self._transform.inverse(y, self.conditioner(y))[1], -1)

    def _forward(self, x: tf.Tensor) -> tf.Tensor:
        y = tf.zeros_like(x)
        for _ in range(self._d):  # pass k makes coordinate k exact
            y = self._transform.forward(x, self.conditioner(y))[0]
        return y

    def _forward_log_det_jacobian(self, x: tf.Tensor) -> tf.Tensor:
        return -self._inverse_log_det_jacobian(self._forward(x))


def whitening(x: np.ndarray) -> tfb.Bijector:
    """Affine map that gives standard-normal vectors the mean and the covariance of x ``(n, d)``."""
    mean = x.mean(0, dtype=np.float64)
    covariance = np.cov(x, rowvar=False, dtype=np.float64).reshape(x.shape[1], x.shape[1])
    covariance += 1e-8 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    factor = np.linalg.cholesky(covariance)
    return affine(mean.astype(np.float32), factor.astype(np.float32))


def affine(mean: np.ndarray, factor: np.ndarray) -> tfb.Bijector:
    """``x = mean + factor @ u``, factor lower triangular; fixed, not trained."""
    return tfb.Chain(
        [
            tfb.Shift(tf.Variable(mean, trainable=False)),
            tfb.ScaleMatvecTriL(tf.Variable(factor, trainable=False)),
        ]
    )
