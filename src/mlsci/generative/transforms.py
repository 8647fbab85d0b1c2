"""Elementwise invertible maps, which the layers of a flow apply to each coordinate.

Every map has `n_params` and ``forward(x, p) -> (y, ln |dy/dx|)``, ``inverse(y, p) ->
(x, ln |dx/dy|)`` with x, y ``(..., d)`` and p ``(..., d, n_params)``; zero parameters give the
identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tensorflow as tf

Pair = tuple[tf.Tensor, tf.Tensor]


class Transform(Protocol):
    """What the layers of a flow ask of an elementwise map."""

    @property
    def n_params(self) -> int:
        """Parameters a coordinate."""
        ...

    def forward(self, x: tf.Tensor, p: tf.Tensor) -> Pair:
        """Return y and ln |dy/dx|, ``(..., d)`` each, for parameters ``(..., d, n_params)``."""
        ...

    def inverse(self, y: tf.Tensor, p: tf.Tensor) -> Pair:
        """Return x and ln |dx/dy|, ``(..., d)`` each, for parameters ``(..., d, n_params)``."""
        ...


@dataclass(frozen=True)
class Affine:
    """``y = x exp(s) + t`` with ``|s| < limit``, kept bounded by a tanh.

    Source: Dinh et al. 2017, arXiv:1605.08803, eq. 5.
    """

    limit: float = 3.0
    n_params: int = 2

    def _log_scale(self, p: tf.Tensor) -> tf.Tensor:
        return self.limit * tf.tanh(p[..., 0] / self.limit)

    def forward(self, x: tf.Tensor, p: tf.Tensor) -> Pair:
        """Return y and ln |dy/dx|, ``(..., d)`` each."""
        s = self._log_scale(p)
        return x * tf.exp(s) + p[..., 1], s

    def inverse(self, y: tf.Tensor, p: tf.Tensor) -> Pair:
        """Return x and ln |dx/dy|, ``(..., d)`` each."""
        s = self._log_scale(p)
        return (y - p[..., 1]) * tf.exp(-s), -s


@dataclass(frozen=True)
class RationalQuadraticSpline:
    """Monotone rational-quadratic spline on [-bound, bound], the identity outside.

    The bin is picked by a sum over one-hot masks: no gather, so that compiled gradients stay fast.
    The root is taken in the form without cancellation; one Newton step then brings the float32
    inverse to round-off. Source: Durkan et al. 2019, arXiv:1906.04032, eqs. 4-8.

    Attributes
    ----------
    bins
        Number of bins.
    bound
        Half of the interval's width.
    smallest
        Least width and height of a bin, as a share of the interval, and least slope at a knot.
    """

    bins: int = 8
    bound: float = 4.0
    smallest: float = 1e-3

    @property
    def n_params(self) -> int:
        """Widths, heights and inner slopes: ``3 * bins - 1``."""
        return 3 * self.bins - 1

    def _knots(self, raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return left ends and widths of the bins, ``(..., bins)`` each."""
        share = self.smallest + (1 - self.smallest * self.bins) * tf.nn.softmax(raw)
        width = 2 * self.bound * share
        return tf.cumsum(width, axis=-1, exclusive=True) - self.bound, width

    def _pick(self, value: tf.Tensor, p: tf.Tensor, by_y: bool) -> tuple[tf.Tensor, ...]:
        k = self.bins
        left, width = self._knots(p[..., :k])
        bottom, height = self._knots(p[..., k : 2 * k])
        shift = np.float32(np.log(np.expm1(1 - self.smallest)))
        inner = self.smallest + tf.nn.softplus(p[..., 2 * k :] + shift)
        one = tf.ones_like(inner[..., :1])
        slope = tf.concat([one, inner, one], -1)
        edges = bottom if by_y else left
        above = tf.cast(value[..., None] >= edges[..., 1:], value.dtype)
        ones = tf.ones_like(above[..., :1])
        hot = tf.concat([ones, above], -1) - tf.concat([above, tf.zeros_like(ones)], -1)
        fields = (left, width, bottom, height, slope[..., :-1], slope[..., 1:])
        return tuple(tf.reduce_sum(hot * f, -1) for f in fields)

    def _evaluate(self, x: tf.Tensor, bin_: tuple[tf.Tensor, ...]) -> Pair:
        left, width, bottom, height, d0, d1 = bin_
        s = height / width
        t = (x - left) / width
        u = t * (1 - t)
        below = s + (d1 + d0 - 2 * s) * u
        y = bottom + height * (s * t * t + d0 * u) / below
        gradient = s * s * (d1 * t * t + 2 * s * u + d0 * (1 - t) ** 2) / (below * below)
        return y, tf.math.log(gradient)

    def forward(self, x: tf.Tensor, p: tf.Tensor) -> Pair:
        """Return y and ln |dy/dx|, ``(..., d)`` each (eqs. 4-5)."""
        inside = tf.abs(x) < self.bound
        safe = tf.where(inside, x, tf.zeros_like(x))
        y, log_gradient = self._evaluate(safe, self._pick(safe, p, by_y=False))
        return tf.where(inside, y, x), tf.where(inside, log_gradient, tf.zeros_like(x))

    def inverse(self, y: tf.Tensor, p: tf.Tensor) -> Pair:
        """Return x and ln |dx/dy|, ``(..., d)`` each (eqs. 6-8)."""
        inside = tf.abs(y) < self.bound
        safe = tf.where(inside, y, tf.zeros_like(y))
        bin_ = self._pick(safe, p, by_y=True)
        left, width, bottom, height, d0, d1 = bin_
        s, v = height / width, safe - bottom
        curve = v * (d1 + d0 - 2 * s)
        a, b, c = height * (s - d0) + curve, height * d0 - curve, -s * v
        root = tf.sqrt(tf.maximum(b * b - 4 * a * c, 0.0))
        total, rising = tf.abs(b) + root, b >= 0  # the sum without cancellation
        x = left + width * tf.where(rising, -2 * c, total) / tf.where(rising, total, 2 * a)
        value, log_gradient = self._evaluate(x, bin_)
        x -= (value - safe) * tf.exp(-log_gradient)
        _, log_gradient = self._evaluate(x, bin_)
        return tf.where(inside, x, y), tf.where(inside, -log_gradient, tf.zeros_like(y))
