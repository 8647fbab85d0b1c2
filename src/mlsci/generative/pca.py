"""Probabilistic principal components: the linear model that an auto-encoder generalises.

``x = W z + m + e``, ``z ~ N(0, 1)``, ``e ~ N(0, s^2)``. Source: Tipping & Bishop 1999, J. R. Stat.
Soc. B 61, 611; the estimates are scikit-learn's `PCA`.
"""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA


class ProbabilisticPCA:
    """Probabilistic PCA of data ``(n, *shape)``.

    Parameters
    ----------
    latent
        Number of components.
    """

    def __init__(self, latent: int) -> None:
        if latent < 1:
            raise ValueError(f"need one component or more, got {latent}")
        self.latent = latent
        self._pca = PCA(latent, svd_solver="covariance_eigh")
        self._shape: tuple[int, ...] = ()

    def fit(self, train: np.ndarray) -> None:
        """Find mean, components and noise by maximum likelihood."""
        self._shape = train.shape[1:]
        self._pca.fit(self._flat(train))

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Return the coordinates along the components, ``(n, latent)``."""
        return self._pca.transform(self._flat(x))

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """Return the projection onto the components, of the shape of x."""
        return self._pca.inverse_transform(self.encode(x)).reshape(x.shape)

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Return ln p(x), ``(n,)`` nats, exact."""
        return self._pca.score_samples(self._flat(x))

    def log_prob_latent(self, x: np.ndarray) -> np.ndarray:
        """Return the density of the coordinates under the model's Gaussian, ``(n,)`` nats."""
        z, variance = self.encode(x), self._pca.explained_variance_
        return -0.5 * (z**2 / variance + np.log(2 * np.pi * variance)).sum(1)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return draws ``(n, *shape)`` of the mean of x given z: without the pixels' noise."""
        z = np.random.default_rng(seed).standard_normal((n, self.latent))
        z *= np.sqrt(np.maximum(self._pca.explained_variance_ - self._pca.noise_variance_, 0))
        return self._pca.inverse_transform(z).reshape(n, *self._shape).astype(np.float32)

    @staticmethod
    def _flat(x: np.ndarray) -> np.ndarray:
        return np.asarray(x, np.float64).reshape(len(x), -1)
