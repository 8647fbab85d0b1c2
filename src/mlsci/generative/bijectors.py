"""Layers of a normalizing flow as TensorFlow Probability bijectors.

Forward goes from the base to the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from mlsci.generative.networks import MADE
from mlsci.generative.transforms import Transform


class Coupling(tfb.Bijector):
    """Half of the channels pass, and say how the other half moves.

    Acts on the last axis of vectors ``(n, d)`` or images ``(n, h, w, d)``. Source: Dinh et al.
    2017, arXiv:1605.08803, eqs. 7-8.

    Parameters
    ----------
    d
        Length of the last axis.
    transform
        What is done to each moving coordinate.
    conditioner
        ``conditioner(d_in, d_out)`` builds the module that maps the passing half to parameters.
    flip
        Which half passes.
    event_ndims
        1 for vectors, 3 for images.
    """

    def __init__(
        self,
        d: int,
        transform: Transform,
        conditioner: Callable[[int, int], tf.Module],
        *,
        flip: bool,
        event_ndims: int = 1,
    ) -> None:
        parameters = {"d": d, "flip": flip}
        super().__init__(
            forward_min_event_ndims=event_ndims, dtype=tf.float32, parameters=parameters
        )
        passing = d // 2 if flip else d - d // 2
        self._sizes = (d - passing, passing) if flip else (passing, d - passing)
        self._flip, self._transform = flip, transform
        self._axes = tuple(range(-event_ndims, 0))
        self.conditioner = conditioner(passing, (d - passing) * transform.n_params)

    def _split(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        first, second = tf.split(x, self._sizes, axis=-1)
        passing, moving = (second, first) if self._flip else (first, second)
        shape = tf.concat([tf.shape(moving), [self._transform.n_params]], 0)
        return passing, moving, tf.reshape(self.conditioner(passing), shape)

    def _join(self, passing: tf.Tensor, moving: tf.Tensor) -> tf.Tensor:
        return tf.concat([moving, passing] if self._flip else [passing, moving], -1)

    def _forward(self, x: tf.Tensor) -> tf.Tensor:
        passing, moving, p = self._split(x)
        return self._join(passing, self._transform.forward(moving, p)[0])

    def inverse_and_log_det(self, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return base-side values and the log-determinant of the inverse, with one evaluation."""
        passing, moving, p = self._split(y)
        moved, log_det = self._transform.inverse(moving, p)
        return self._join(passing, moved), tf.reduce_sum(log_det, self._axes)

    def _inverse(self, y: tf.Tensor) -> tf.Tensor:
        return self.inverse_and_log_det(y)[0]

    def _forward_log_det_jacobian(self, x: tf.Tensor) -> tf.Tensor:
        _, moving, p = self._split(x)
        return tf.reduce_sum(self._transform.forward(moving, p)[1], self._axes)

    def _inverse_log_det_jacobian(self, y: tf.Tensor) -> tf.Tensor:
        return self.inverse_and_log_det(y)[1]


class Dropout:
    """Dropout of hidden units (Srivastava et al. 2014), drawn afresh for each layer it is put on.

    Parameters
    ----------
    rate
        Share of the units that are set to zero; a scalar, 0 for none.
    seed
        ``(2,)`` int32: the same seed drops the same units.
    """

    def __init__(self, rate: tf.Tensor | float, seed: tf.Tensor) -> None:
        self._rate, self._seed, self._calls = rate, seed, 0

    def __call__(self, hidden: tf.Tensor) -> tf.Tensor:
        """Return hidden units ``(n, h)``, those that are kept scaled by ``1 / (1 - rate)``."""
        self._calls += 1
        seed = self._seed + tf.constant([0, self._calls * 1_000_003], tf.int32)
        return tf.nn.experimental.stateless_dropout(hidden, self._rate, seed)


class DroppingMADE(MADE):
    """MADE whose hidden units can be dropped while it is trained."""

    def __call__(self, x: tf.Tensor, dropout: Dropout | None = None) -> tf.Tensor:
        """Map ``(n, d)`` to parameters ``(n, d, n_params)``."""
        if dropout is None:
            return super().__call__(x)
        for layer in self.layers:
            x = dropout(tf.nn.relu(layer(x)))
        return tf.reshape(self.last(x), self._shape)


class Autoregressive(tfb.Bijector):
    """Each coordinate moves as the earlier *data* coordinates say (MAF).

    The way from the data to the base is one pass of a MADE; the way back takes d passes. Acts on
    vectors ``(n, d)``. Source: Papamakarios et al. 2017, arXiv:1705.07057, eqs. 3-5.

    Parameters
    ----------
    rng
        Draws the initial weights.
    d
        Length of the last axis.
    transform
        What is done to each coordinate.
    hidden
        Widths of the MADE's hidden layers.
    """

    def __init__(
        self, rng: np.random.Generator, d: int, transform: Transform, hidden: Sequence[int]
    ) -> None:
        super().__init__(forward_min_event_ndims=1, dtype=tf.float32, parameters={"d": d})
        self._d, self._transform = d, transform
        self.conditioner = DroppingMADE(rng, d, hidden, transform.n_params)

    def inverse_and_log_det(
        self, y: tf.Tensor, dropout: Dropout | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return base-side values and the log-determinant of the inverse, with one evaluation."""
        x, log_det = self._transform.inverse(y, self.conditioner(y, dropout))
        return x, tf.reduce_sum(log_det, -1)

    def _inverse(self, y: tf.Tensor) -> tf.Tensor:
        return self.inverse_and_log_det(y)[0]

    def _inverse_log_det_jacobian(self, y: tf.Tensor) -> tf.Tensor:
        return self.inverse_and_log_det(y)[1]

    def _forward(self, x: tf.Tensor) -> tf.Tensor:
        def sweep(k: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            y = self._transform.forward(x, self.conditioner(y))[0]
            return k + 1, tf.ensure_shape(y, x.shape)

        # Pass k makes coordinate k exact.
        start = (tf.constant(0), tf.zeros_like(x))
        return tf.while_loop(lambda k, _: k < self._d, sweep, start)[1]

    def _forward_log_det_jacobian(self, x: tf.Tensor) -> tf.Tensor:
        return -self._inverse_log_det_jacobian(self._forward(x))


def inverse_and_log_det(
    chain: Sequence[tfb.Bijector],
    y: tf.Tensor,
    event_ndims: int,
    dropout: Dropout | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the base point and ln |det d base/d data| of a chain of bijectors, data first.

    The same as a `tfb.Chain`'s two methods, at half their cost: a conditioner is evaluated once.
    `dropout`, for training, acts in the conditioners of autoregressive layers.
    """
    total = tf.zeros(tf.shape(y)[:1], y.dtype)
    for bijector in chain:
        if isinstance(bijector, Autoregressive):
            y, log_det = bijector.inverse_and_log_det(y, dropout)
        elif isinstance(bijector, Coupling):
            y, log_det = bijector.inverse_and_log_det(y)
        else:
            log_det = bijector.inverse_log_det_jacobian(y, event_ndims=event_ndims)
            y = bijector.inverse(y)
        total += log_det
    return y, total


def whitening(x: np.ndarray) -> tfb.Bijector:
    """Return the affine map that gives standard normals the mean and covariance of x ``(n, d)``."""
    mean = x.mean(0, dtype=np.float64)
    covariance = np.cov(x, rowvar=False, dtype=np.float64).reshape(x.shape[1], x.shape[1])
    covariance += 1e-8 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    factor = np.linalg.cholesky(covariance)
    return affine(mean.astype(np.float32), factor.astype(np.float32))


def affine(mean: np.ndarray, factor: np.ndarray) -> tfb.Bijector:
    """Return ``x = mean + factor @ u``, factor lower triangular; fixed, not trained."""
    return tfb.Chain(
        [
            tfb.Shift(tf.Variable(mean, trainable=False)),
            tfb.ScaleMatvecTriL(tf.Variable(factor, trainable=False)),
        ]
    )
