"""How good predictions of deaths were: errors, ranked probability scores, coverage.

Errors are relative to the mean weekly deaths that were observed in the same series, so that large
and small regions count alike. All averages are plain means over everything before the last axis.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def nrmse(observed: np.ndarray, predicted: np.ndarray) -> float:
    """Return the normalised root mean square error of weekly deaths, a fraction.

    ``sqrt(mean(((y - p) / m)^2))``, where m is the mean of y over the series' scored weeks (the
    same region and the same year), and the mean is over all weeks, regions and years.

    Parameters
    ----------
    observed, predicted
        Deaths ``(..., weeks)``.

    Raises
    ------
    ValueError
        If a series has no deaths at all: sum over ages or regions.
    """
    return float(np.sqrt((((observed - predicted) / _typical(observed)) ** 2).mean()))


def relative_crps(observed: np.ndarray, crps: np.ndarray) -> float:
    """Return the mean of the ranked probability scores, each over its series' mean deaths.

    Normalised as `nrmse` is; for a point forecast it is the mean absolute error.

    Parameters
    ----------
    observed, crps
        Deaths, and their scores in deaths, ``(..., weeks)``.
    """
    return float((crps / _typical(observed)).mean())


def covered(observed: np.ndarray, interval: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return which numbers lie in their intervals, ends included; booleans ``(...)``."""
    low, high = interval
    return np.asarray((observed >= low) & (observed <= high))


def jackknife(statistic: Callable[[np.ndarray], float], n: int) -> tuple[float, float]:
    """Return a statistic and its standard error, from leaving out one of n years at a time.

    Regions and weeks of one year go up and down together; years are what is independent.

    Parameters
    ----------
    statistic
        The statistic of the years with the given indices ``(m,)``.
    n
        Number of years, at least 2.
    """
    every = np.arange(n)
    left = np.array([statistic(np.delete(every, k)) for k in every])
    return statistic(every), float(np.sqrt((n - 1) * left.var()))


def _typical(observed: np.ndarray) -> np.ndarray:
    mean = observed.mean(-1, keepdims=True)
    if (mean <= 0).any():
        raise ValueError("a series has no deaths at all: sum over ages or regions first")
    return np.asarray(mean)
