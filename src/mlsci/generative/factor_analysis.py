"""Factor analysis, the one decoder whose evidence is known: a yardstick for integrators.

``x = W z + m + e`` with ``z ~ N(0, 1)`` and ``e ~ N(0, diag(s^2))``, so that
``x ~ N(m, W W^T + diag(s^2))``. Source: Bishop 2006, Pattern Recognition and Machine Learning,
section 12.2.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from scipy.stats import multivariate_normal

from mlsci.generative.latent_model import LOG_2PI, LatentModel


@dataclass(frozen=True)
class FactorAnalysis:
    """Loadings ``(latent, size)``, mean ``(size,)`` and widths of the noise ``(size,)``."""

    loadings: np.ndarray
    mean: np.ndarray
    sigma: np.ndarray

    @classmethod
    def random(cls, latent: int, size: int, *, seed: int) -> FactorAnalysis:
        """Return a model with loadings of order one and noise of unequal widths."""
        rng = np.random.default_rng(seed)
        loadings, mean = rng.standard_normal((latent, size)), rng.standard_normal(size)
        return cls(loadings, mean, rng.uniform(0.3, 2.0, size))

    def latent_model(self) -> LatentModel:
        """Return the joint density, in double precision."""
        return LatentModel(
            latent=len(self.loadings),
            decoder=lambda z: tf.matmul(z, self.loadings) + self.mean,
            to_base=lambda z: (z, tf.zeros(tf.shape(z)[:1], tf.float64)),
            base_log_prob=lambda u: -0.5 * tf.reduce_sum(u**2 + LOG_2PI, -1),
            sigma=self.sigma,
            standard_base=True,
            dtype=np.float64,
        )

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return data ``(n, size)``."""
        return np.asarray(self._marginal().rvs(n, random_state=seed))

    def log_evidence(self, x: np.ndarray) -> np.ndarray:
        """Return ``ln p(x)``, ``(n,)`` nats, exact."""
        return np.asarray(self._marginal().logpdf(x))

    def _marginal(self) -> multivariate_normal:
        covariance = self.loadings.T @ self.loadings + np.diag(self.sigma**2)
        return multivariate_normal(self.mean, covariance)
