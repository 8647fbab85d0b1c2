"""Draws of posteriors, their modes, and whether to trust them: what every method returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mlsci.reconstruction.calibration import interval
from mlsci.reconstruction.importance import Weighted
from mlsci.reconstruction.laplace import Mixture
from mlsci.reconstruction.likelihood import Likelihood

Method = Literal[
    "map", "laplace", "mixture", "el2o", "importance", "population", "hmc", "smc", "variational"
]


@dataclass(frozen=True)
class Reconstruction:
    """Draws of n posteriors, their modes, and whether to trust them.

    Attributes
    ----------
    method
        How the draws were made.
    likelihood, y
        Of what, and the data ``(n, ...)``.
    weighted
        Draws ``(n, s, d)`` with weights, and ln p(y), NaN where the method has none.
    modes
        A Gaussian about each distinct maximum.
    mode_weights
        Posterior probability of each mode by the draws, ``(n, K)``.
    p_value
        Posterior predictive p-value of the misfit, ``(n,)``: small where the model cannot make the
        data. Gelman, Meng & Stern 1996, Stat. Sinica 6, 733.
    discrepancy
        Mean misfit squared a datum, ``(n,)``; about 1.
    flags
        ``(n,)`` booleans by reason: True where that reason speaks against the result.
    numbers
        ``(n,)`` diagnostics by name, as the method has them: `mlsci.reconstruction.posterior`.
    """

    method: Method
    likelihood: Likelihood
    y: np.ndarray
    weighted: Weighted
    modes: Mixture
    mode_weights: np.ndarray
    p_value: np.ndarray
    discrepancy: np.ndarray
    flags: dict[str, np.ndarray] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def trustworthy(self) -> np.ndarray:
        """Whether no flag is raised, ``(n,)``."""
        return ~np.any(list(self.flags.values()), axis=0)

    def draws(self, count: int, *, seed: int = 0) -> np.ndarray:
        """Return equally weighted base vectors ``(n, count, d)``."""
        return self.weighted.resampled(count, np.random.default_rng([seed, 51]))

    def decoded(self, count: int, *, seed: int = 0) -> np.ndarray:
        """Return draws as the model makes them, ``(n, count, *image)``."""
        u = self.draws(count, seed=seed)
        images = self.likelihood.model.images(u.reshape(-1, u.shape[-1]))
        return images.reshape(len(u), count, *self.likelihood.model.image)

    def images(self, count: int, *, seed: int = 0) -> np.ndarray:
        """Return draws of the clean images, ``(n, count, *image)``: the model's error added."""
        return self.likelihood.clean(self.draws(count, seed=seed), self.y, seed=seed)

    def parts(self, count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return expected clean images and random errors of draws, ``(n, count, *image)`` each."""
        return self.likelihood.clean_parts(self.draws(count, seed=seed), self.y, seed=seed)

    def summary(self, count: int = 200, *, level: float = 0.95, seed: int = 0) -> Summary:
        """Return mean, standard deviation and central intervals of the clean pixels."""
        drawn = self.images(count, seed=seed)
        low, high = interval(np.moveaxis(drawn, 1, -1), level)
        return Summary(drawn.mean(1), drawn.std(1), low, high)


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation and interval of the clean pixels, ``(n, *image)`` each."""

    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray
