"""Predictive distributions of single numbers: what an interval covers, what a score needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtr, ndtri


class Predictive(Protocol):
    """Independent or joint, it does not matter here: one distribution for each number."""

    @property
    def mean(self) -> np.ndarray:
        """Expected values ``(...)``."""

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviations ``(...)``."""

    def interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends ``(...)`` of the central interval of probability `level`."""

    def crps(self, observed: np.ndarray) -> np.ndarray:
        """Return the continuous ranked probability score ``(...)``, in the numbers' unit."""


@dataclass(frozen=True)
class Normals:
    """Normal distributions with these means and standard deviations ``(...)``."""

    mean: np.ndarray
    deviation: np.ndarray

    def interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the central interval of probability `level`."""
        reach = ndtri(0.5 + 0.5 * _checked(level)) * self.deviation
        return self.mean - reach, self.mean + reach

    def crps(self, observed: np.ndarray) -> np.ndarray:
        """Return the score in closed form: Gneiting and Raftery 2007, equation 21.

        A deviation of zero is a point forecast, whose score is the absolute error.
        """
        error = observed - self.mean
        sure = self.deviation <= 0
        sigma = np.where(sure, 1.0, self.deviation)
        z = error / sigma
        density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
        score = sigma * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))
        return np.where(sure, np.abs(error), score)


@dataclass(frozen=True)
class Ensemble:
    """Distributions known by draws ``(n, ...)`` of equal weight."""

    draws: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Means ``(...)`` of the draws."""
        return self.draws.mean(0)

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviations ``(...)`` of the draws."""
        return self.draws.std(0, ddof=1)

    def interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the quantiles of the draws that leave out equal shares on both sides."""
        tail = 0.5 - 0.5 * _checked(level)
        low, high = np.quantile(self.draws, (tail, 1 - tail), axis=0)
        return low, high

    def crps(self, observed: np.ndarray) -> np.ndarray:
        """Return the unbiased estimate of ``E|X - y| - E|X - X'| / 2`` from the draws.

        The second term sums over pairs of different draws, which makes the score fair to small
        ensembles: Ferro 2014, Q. J. R. Meteorol. Soc. 140, 1917.
        """
        n = len(self.draws)
        if n < 2:
            raise ValueError("the score needs at least two draws")
        ranked = np.sort(self.draws, axis=0)
        weight = (2 * np.arange(1, n + 1) - n - 1) / (n * (n - 1))
        return np.abs(self.draws - observed).mean(0) - np.tensordot(weight, ranked, 1)


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level {level}: give a probability between 0 and 1")
    return level
