"""The error of the model itself, ``e = x - g(b(u))``: Gaussian, correlated between pixels.

``e ~ N(0, C)``, ``C = F^T F + diag(sigma^2)``: factor analysis of the residuals of images that the
model was not trained on. Source: Tipping & Bishop 1999, J. R. Stat. Soc. B 61, 611, eq. 7, with a
variance a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Residual:
    """Covariance of the model's error.

    Attributes
    ----------
    sigma
        Standard deviation of what is independent between pixels, ``(height, width, colours)``.
    factors
        F, what is shared between pixels, ``(k, height, width, colours)``; k may be 0.
    """

    sigma: np.ndarray
    factors: np.ndarray

    def __post_init__(self) -> None:
        if not (np.isfinite(self.sigma).all() and np.min(self.sigma) > 0):
            raise ValueError("sigma must be positive and finite in every pixel")
        if self.factors.shape[1:] != self.sigma.shape or not np.isfinite(self.factors).all():
            raise ValueError(
                f"factors must be finite and (k, *{self.sigma.shape}), got {self.factors.shape}"
            )

    @classmethod
    def white(cls, sigma: float, image: tuple[int, ...]) -> Residual:
        """Return the same independent error in every pixel."""
        return cls(np.full(image, float(sigma)), np.zeros((0, *image)))

    @classmethod
    def measured(
        cls, residuals: np.ndarray, rank: int, *, floor: float = 0.01, iterations: int = 3
    ) -> Residual:
        """Fit to residuals ``(n, *image)`` by principal factors.

        The leading `rank` principal components of the covariance, with the diagonal replaced by
        what the factors must explain, in a few rounds; then the diagonal that is left. Pixels keep
        at least the width `floor`: one that is black in all n images may be bright in another.

        Raises
        ------
        ValueError
            For NaN, or fewer than ``rank + 2`` residuals.
        """
        flat = np.asarray(residuals, np.float64).reshape(len(residuals), -1)
        if not np.isfinite(flat).all():
            raise ValueError("residuals hold NaN or infinity: leave these images out")
        if rank < 0 or len(flat) < rank + 2:
            raise ValueError(f"{len(flat)} residuals cannot determine {rank} factors")
        # About zero, not about their mean: a mean error is an error.
        covariance = flat.T @ flat / len(flat)
        unique = np.full(len(covariance), floor**2)
        factors = np.zeros((0, len(covariance)))
        for _ in range(iterations if rank else 0):
            values, vectors = np.linalg.eigh(covariance - np.diag(unique))
            leading = np.clip(values[-rank:], 0, None)
            factors = np.sqrt(leading)[:, None] * vectors[:, -rank:].T
            unique = np.maximum(np.diag(covariance) - (factors**2).sum(0), floor**2)
        if not rank:
            unique = np.maximum(np.diag(covariance), floor**2)
        image = residuals.shape[1:]
        return cls(np.sqrt(unique).reshape(image), factors.reshape(-1, *image))

    @property
    def covariance(self) -> np.ndarray:
        """C, ``(pixels, pixels)`` float64."""
        flat = self.factors.reshape(len(self.factors), self.sigma.size).astype(np.float64)
        return flat.T @ flat + np.diag(self.sigma.astype(np.float64).ravel() ** 2)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return draws of the error, ``(n, *image)`` float64."""
        rng = np.random.default_rng(seed)
        independent = rng.standard_normal((n, *self.sigma.shape)) * self.sigma
        weights = rng.standard_normal((n, len(self.factors)))
        return independent + np.tensordot(weights, self.factors, 1)
