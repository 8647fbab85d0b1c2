"""Excess deaths: what was counted less what was expected, scaled up, summed, compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from .counterfactual import Prediction


@dataclass(frozen=True, eq=False)
class Excess:
    """Excess deaths by week.

    Attributes
    ----------
    weekly : ndarray of float64, (..., week)
        Deaths above what was expected.
    covariance : ndarray of float64, (..., week, week)
        Of the expected deaths, hence of the excess. The models' predictions are of counts, so
        their counting noise is part of it. That towns without data may differ from those with
        data is not.
    """

    weekly: np.ndarray
    covariance: np.ndarray

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation of each week (..., week)."""
        variance = np.diagonal(self.covariance, axis1=-2, axis2=-1)
        return np.sqrt(np.maximum(variance, 0.0))

    def cumulative(self) -> tuple[np.ndarray, np.ndarray]:
        """Return sums since the first week and their standard deviations, both (..., week)."""
        partial = np.cumsum(np.cumsum(self.covariance, axis=-1), axis=-2)
        variance = np.diagonal(partial, axis1=-2, axis2=-1)
        return np.cumsum(self.weekly, axis=-1), np.sqrt(np.maximum(variance, 0.0))

    def total(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the sum over weeks and its standard deviation, both (...)."""
        sums, deviation = self.cumulative()
        return sums[..., -1], deviation[..., -1]

    def later(self, weeks: int) -> Excess:
        """Return the excess without its first `weeks` weeks."""
        return Excess(self.weekly[..., weeks:], self.covariance[..., weeks:, weeks:])


def of_prediction(
    deaths: np.ndarray, days: np.ndarray, prediction: Prediction, factor: np.ndarray | float = 1.0
) -> Excess:
    """Return the excess over a prediction.

    Parameters
    ----------
    deaths : ndarray, (..., week)
        Counted in the weeks predicted.
    days : ndarray, (week,)
        Length of these weeks.
    prediction : Prediction
        Of deaths a day.
    factor : ndarray (...) or float
        By what all is multiplied, to stand for towns without data too.
    """
    scale = np.asarray(factor, np.float64)[..., None]
    weekly = (deaths - prediction.mean * days) * scale
    span = days * scale
    return Excess(weekly, prediction.covariance * span[..., :, None] * span[..., None, :])


def bridging_factor(wide: np.ndarray, narrow: np.ndarray) -> np.ndarray:
    """Return by what deaths in few towns are multiplied to stand for those in many.

    Parameters
    ----------
    wide, narrow : ndarray, (..., week)
        Deaths in the larger and in the smaller set of towns in weeks that both have.

    Returns
    -------
    ndarray, (...)
        The mean over weeks of their ratio.
    """
    if np.any(narrow <= 0):
        raise ValueError("no deaths in the smaller set of towns in some week: sum over ages first")
    return np.asarray((wide / narrow).mean(-1))


def floored(weekly: np.ndarray, official: np.ndarray) -> np.ndarray:
    """Return weekly excess, raised to official deaths where these are more.

    It can only add: where excess and official deaths agree but for noise, the sum is too large.
    """
    return np.maximum(weekly, official)


@dataclass(frozen=True)
class Lag:
    """How official deaths follow the excess: excess(t) = factor x official(t + days).

    Attributes
    ----------
    days, days_error : float
        Positive where official deaths come later.
    factor, factor_error : float
        Excess deaths for one official death.
    """

    days: float
    days_error: float
    factor: float
    factor_error: float


def lag_behind(
    excess: Excess, week_days: np.ndarray, official: np.ndarray, longest: float = 21.0
) -> Lag:
    """Fit lag and factor between the weekly excess of one region and its official deaths.

    Two parameters by generalised least squares on weekly sums, for a lag on a grid of a tenth of a
    day, refined; errors are those of a rise of chi squared by one, the other parameter refitted.

    Parameters
    ----------
    excess : Excess
        Of a region, (week,).
    week_days : ndarray of int, (week + 1,)
        Day on which the weeks end, in days from the first official number; the first entry is the
        day before the first week.
    official : ndarray, (day,)
        Cumulative official deaths by day; 0 before, constant after.
    longest : float
        Largest lag, and largest lead, that is tried, in days.

    Raises
    ------
    ValueError
        If nobody died officially in these weeks.
    """
    counting = np.diag(np.maximum(excess.weekly, 1.0))
    precision = np.linalg.inv(excess.covariance + counting)

    def fit(lag: float) -> tuple[float, float, float]:
        cumulative = np.interp(week_days + lag, np.arange(len(official)), official, left=0.0)
        deaths = np.diff(cumulative)
        weight = float(deaths @ precision @ deaths)
        if weight == 0.0:
            return np.inf, 0.0, np.inf
        factor = float(deaths @ precision @ excess.weekly) / weight
        rest = excess.weekly - factor * deaths
        return float(rest @ precision @ rest), factor, weight**-0.5

    grid = np.arange(-longest, longest + 0.05, 0.1)
    chi_squared = np.array([fit(lag)[0] for lag in grid])
    if not np.isfinite(chi_squared).any():
        raise ValueError("there are no official deaths in these weeks to compare with")
    start = float(grid[np.argmin(chi_squared)])
    best = minimize_scalar(lambda lag: fit(lag)[0], bounds=(start - 0.1, start + 0.1))
    inside = grid[chi_squared < best.fun + 1.0]
    days_error = 0.5 * float(inside.max() - inside.min()) if len(inside) else 0.05
    _, factor, factor_error = fit(float(best.x))
    return Lag(float(best.x), max(days_error, 0.05), factor, factor_error)
