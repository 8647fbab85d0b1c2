"""Gaussian vectors whose precision matrix is an arrowhead of blocks.

Groups of effects (here, the years) are independent of each other given the effects that they share.
Their joint precision is block-diagonal, but for the rows and columns of the shared effects::

    [Q_1          B_1]
    [     Q_2     B_2]
    [          .. ...]
    [B_1' B_2' .. S  ]

so that a factor costs the sum of the groups' costs, not the cube of their sum (Rue and Held 2005,
Gaussian Markov Random Fields, section 2.4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from scipy.linalg import solve_triangular


class Arrowhead(NamedTuple):
    """A precision matrix and its product with the mean, the score."""

    own: tf.Tensor  # (groups, n, n)
    cross: tf.Tensor  # (groups, n, p)
    shared: tf.Tensor  # (p, p)
    own_score: tf.Tensor  # (groups, n)
    shared_score: tf.Tensor  # (p,)


class Factor(NamedTuple):
    """Cholesky factor of an arrowhead, and the score divided by it."""

    own: tf.Tensor  # (groups, n, n), lower
    cross: tf.Tensor  # (groups, n, p)
    shared: tf.Tensor  # (p, p), lower
    own_score: tf.Tensor  # (groups, n)
    shared_score: tf.Tensor  # (p,)


def factorise(arrow: Arrowhead) -> Factor:
    """Return the factor of an arrowhead; it is differentiable."""
    own = tf.linalg.cholesky(arrow.own)
    beside = tf.concat([arrow.cross, arrow.own_score[..., None]], axis=2)
    solved = tf.linalg.triangular_solve(own, beside)
    cross, own_score = solved[..., :-1], solved[..., -1]
    flat = tf.reshape(cross, (-1, cross.shape[-1]))
    rest = arrow.shared - tf.matmul(flat, flat, transpose_a=True)
    shared = tf.linalg.cholesky(rest)
    score = arrow.shared_score - tf.linalg.matvec(
        flat, tf.reshape(own_score, [-1]), transpose_a=True
    )
    shared_score = tf.linalg.triangular_solve(shared, score[:, None])[:, 0]
    return Factor(own, cross, shared, own_score, shared_score)


def half_log_determinant(factor: Factor) -> tf.Tensor:
    """Return half the log determinant ``()`` of the precision."""
    return sum(
        tf.reduce_sum(tf.math.log(tf.linalg.diag_part(part)))
        for part in (factor.own, factor.shared)
    )


def square(factor: Factor) -> tf.Tensor:
    """Return the score's square in the metric of the covariance, ``()``: mean' precision mean."""
    return tf.reduce_sum(factor.own_score**2) + tf.reduce_sum(factor.shared_score**2)


class Dense(NamedTuple):
    """A factor as NumPy arrays, which one group's draws are made from."""

    own: np.ndarray
    cross: np.ndarray
    shared: np.ndarray
    own_score: np.ndarray
    shared_score: np.ndarray

    def mean(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the means of the groups' own effects ``(groups, n)`` and the shared ``(p,)``."""
        shared = solve_triangular(self.shared.T, self.shared_score)
        own = [
            solve_triangular(factor.T, score - cross @ shared)
            for factor, cross, score in zip(self.own, self.cross, self.own_score)
        ]
        return np.stack(own), shared

    def draw(
        self, group: int, n: int, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return joint draws of one group's effects ``(effects, n)`` and the shared ``(p, n)``."""
        noise = generator.standard_normal((len(self.shared_score), n))
        shared = solve_triangular(self.shared.T, self.shared_score[:, None] + noise)
        right = self.own_score[group][:, None] - self.cross[group] @ shared
        right += generator.standard_normal(right.shape)
        return solve_triangular(self.own[group].T, right), shared
