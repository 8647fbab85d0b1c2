"""Synthetic control: the year is a weighted mean of control years, fitted to its first weeks.

Abadie, Diamond and Hainmueller 2010, J. Am. Stat. Assoc. 105, 493, with control years in the place
of control units, as Modi et al. 2021 do. The method comes without errors. Those given here are
from placebos: each control year is predicted from the others, and misses by so much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from mlsci.mortality.counterfactual import (
    GaussianPrediction,
    checked_pre,
    checked_rates,
    shared_correlation,
)


@dataclass(frozen=True)
class SyntheticControl:
    """The weighted mean of control years, with weights that are positive and sum to one."""

    def fit(self, rates: np.ndarray) -> FittedControl:
        """Keep the control years' rates ``(..., years, weeks)``; weights need the first weeks."""
        return FittedControl(checked_rates(rates, years=3))


@dataclass(frozen=True)
class FittedControl:
    """The control years' rates, ``(..., years, weeks)``."""

    rates: np.ndarray

    def predict(self, pre: np.ndarray) -> GaussianPrediction:
        """Return the weighted mean of the control years in the weeks after `pre`.

        The covariance is the mean product of the placebos' errors; with n control years its rank
        is n at most.
        """
        pre = checked_pre(pre, self.rates)
        start, years = pre.shape[-1], self.rates.shape[-2]
        mean = _weighted(self.rates, pre)
        errors = np.stack(
            [
                self.rates[..., y, start:]
                - _weighted(np.delete(self.rates, y, axis=-2), self.rates[..., y, :start])
                for y in range(years)
            ],
            axis=-2,
        )
        covariance = np.einsum("...yt,...ys->...ts", errors, errors) / years
        return GaussianPrediction(mean, covariance, shared_correlation(errors))


def simplex_weights(controls: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the weights of control years whose mean is closest to the target's first weeks.

    Minimises ``|w C - t|^2`` over ``w >= 0, sum w = 1``. This quadratic programme is one of
    non-negative least squares: among all ``u >= 0``, ``|u (C - t)|^2 + (sum u - 1)^2`` is least
    for a multiple of ``w``, since for ``u = s w`` the best scale s leaves ``f / (1 + f)`` with
    ``f = |w (C - t)|^2``, which grows with f. So no penalty is tuned, and the sum is exact.

    Parameters
    ----------
    controls, target
        ``(years, weeks)`` and ``(weeks,)``.

    Returns
    -------
    np.ndarray
        Weights ``(years,)``.
    """
    difference = (controls - target).T
    scale = np.sqrt((difference**2).mean())
    if scale == 0:
        return np.full(len(controls), 1 / len(controls))
    system = np.vstack([difference / scale, np.ones(len(controls))])
    weights, _ = nnls(system, np.append(np.zeros(len(target)), 1.0))
    return np.asarray(weights / weights.sum())


def _weighted(controls: np.ndarray, pre: np.ndarray) -> np.ndarray:
    """Return the weighted means of control years in the weeks after `pre`, ``(..., weeks)``."""
    start = pre.shape[-1]
    flat = controls.reshape(-1, *controls.shape[-2:])
    means = [
        simplex_weights(years[:, :start], first) @ years[:, start:]
        for years, first in zip(flat, pre.reshape(-1, start))
    ]
    return np.array(means).reshape(*controls.shape[:-2], -1)
