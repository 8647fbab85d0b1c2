"""Gaussian mixture as a trainable base density, at the cost of one matrix product.

One component is the standard normal.
"""

from __future__ import annotations

import warnings

import numpy as np
import tensorflow as tf
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

LOG_2PI = float(np.log(2 * np.pi))


class GaussianMixtureBase(tf.Module):
    """Mixture of K full-covariance Gaussians on vectors ``(n, d)``.

    For K = 1 it is the standard normal, and nothing is trained. Else a component is kept as the
    lower-triangular factor ``L`` of its precision, ``Sigma^-1 = L L^T``, so that the whitened
    vectors ``L^T (x - m)`` of all components are one product ``x @ W``.

    Parameters
    ----------
    d
        Dimension of the vectors.
    components
        Number K of Gaussians.
    """

    def __init__(self, d: int, components: int) -> None:
        super().__init__()
        self.d, self.components = d, components
        train = components > 1
        self.logits = tf.Variable(tf.zeros(components), trainable=train)
        # Flat, since weight decay, which acts on matrices, must not draw the means together.
        self._means = tf.Variable(tf.zeros(components * d), trainable=train)
        eye = np.tile(np.eye(d, dtype=np.float32).ravel(), components)
        self._factors = tf.Variable(eye, trainable=train)
        self._lower = tf.constant(np.tril(np.ones((d, d), np.float32), -1))

    def _precision_factors(self) -> tf.Tensor:
        """Return factors ``(K, d, d)``, lower triangular with a positive diagonal."""
        factors = tf.reshape(self._factors, (self.components, self.d, self.d))
        diagonal = tf.abs(tf.linalg.diag_part(factors)) + 1e-6
        return tf.linalg.set_diag(factors * self._lower, diagonal)

    @property
    def means(self) -> tf.Tensor:
        """Means of the components, ``(K, d)``."""
        return tf.reshape(self._means, (self.components, self.d))

    def _weights(self) -> np.ndarray:
        weights = tf.nn.softmax(self.logits).numpy().astype(np.float64)
        return weights / weights.sum()

    def log_prob(self, x: tf.Tensor) -> tf.Tensor:
        """Return ln p(x) in nats, ``(n,)``."""
        if self.components == 1:
            return -0.5 * tf.reduce_sum(tf.square(x) + LOG_2PI, -1)
        factors = self._precision_factors()
        k, d = self.components, self.d
        weights = tf.reshape(tf.transpose(factors, (1, 0, 2)), (d, k * d))
        offset = tf.reshape(tf.einsum("kij,ki->kj", factors, self.means), (k * d,))
        white = tf.reshape(tf.matmul(x, weights) - offset, (-1, k, d))
        log_det = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factors)), -1)
        log_each = log_det - 0.5 * tf.reduce_sum(tf.square(white), -1) - 0.5 * d * LOG_2PI
        return tf.reduce_logsumexp(log_each + tf.nn.log_softmax(self.logits), -1)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return draws ``(n, d)``, float32."""
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal((n, self.d))
        if self.components == 1:
            return noise.astype(np.float32)
        which = rng.choice(self.components, n, p=self._weights())
        factors = self._precision_factors().numpy().astype(np.float64)
        inverse = np.linalg.inv(factors)  # u = L^-T e has precision L L^T
        moved = np.einsum("nji,nj->ni", inverse[which], noise)
        return (self.means.numpy()[which] + moved).astype(np.float32)

    def initialise(self, x: np.ndarray, *, seed: int) -> None:
        """Fit to x ``(n, d)`` by expectation-maximisation (scikit-learn's GaussianMixture)."""
        if self.components > 1:
            self._assign(fit_mixture(x, self.components, seed=seed))

    def refine(self, x: np.ndarray, *, iterations: int = 5) -> None:
        """Improve the fit to x ``(n, d)`` by a few iterations of expectation-maximisation.

        After each, the mean and the covariance of the mixture are those of x (but for a
        regularising thousandth); gradient steps only come near that.
        """
        if self.components == 1:
            return
        factors = self._precision_factors().numpy().astype(np.float64)
        start = {
            "weights_init": self._weights(),
            "means_init": self.means.numpy().astype(np.float64),
            "precisions_init": factors @ factors.transpose(0, 2, 1),
        }
        mixture = GaussianMixture(
            self.components, **start, reg_covar=1e-3, max_iter=iterations, tol=0
        )
        with warnings.catch_warnings():  # it is not asked to converge
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._assign(mixture.fit(np.asarray(x, np.float64)))

    def _assign(self, mixture: GaussianMixture) -> None:
        self.logits.assign(np.log(mixture.weights_))
        self._means.assign(mixture.means_.ravel())
        # scikit-learn keeps upper factors U with Sigma^-1 = U U^T; L is the Cholesky factor of the
        # same precision.
        self._factors.assign(np.linalg.cholesky(mixture.precisions_).ravel())


def fit_mixture(x: np.ndarray, components: int, *, seed: int) -> GaussianMixture:
    """Fit a full-covariance mixture to x ``(n, d)`` by expectation-maximisation (scikit-learn).

    Raises
    ------
    ValueError
        For no more vectors than components.
    """
    if len(x) <= components:
        raise ValueError(f"{len(x)} vectors cannot fit {components} components")
    x = np.asarray(x, np.float64)
    scale = x.var(axis=0).mean()
    mixture = GaussianMixture(
        components, reg_covar=1e-4 * scale, max_iter=100, tol=2e-3, random_state=seed
    )
    with warnings.catch_warnings():  # a mixture that has not quite converged is a good start
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(x)
