"""A mean for each week of the year and one linear trend over years.

Karlinsky and Kobak 2021, eLife 10, e69336, equation 1: the baseline of the World Mortality Dataset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlsci.mortality.counterfactual import (
    Calendar,
    GaussianPrediction,
    checked_pre,
    checked_rates,
    shared_correlation,
)


@dataclass(frozen=True)
class WeeklyTrend:
    """Least squares of ``rate = mean of the week + slope year + noise``; first weeks are unused.

    Attributes
    ----------
    calendar
        Which years the control years are, and which is predicted.
    """

    calendar: Calendar

    def fit(self, rates: np.ndarray) -> FittedTrend:
        """Learn from the control years' rates ``(..., years, weeks)``."""
        rates = checked_rates(rates, years=3)
        self.calendar.check(rates)
        return FittedTrend(rates, self.calendar)


@dataclass(frozen=True)
class FittedTrend:
    """The control years' rates, ``(..., years, weeks)``, and their years."""

    rates: np.ndarray
    calendar: Calendar

    def predict(self, pre: np.ndarray) -> GaussianPrediction:
        """Return the trend in the weeks after `pre` ``(..., pre_weeks)``, with its error.

        With n years, w weeks and years t about their mean, the slope has the variance
        ``s^2 / (w sum t^2)``, which all weeks share, each week's mean ``s^2 / n``, and what is
        to come ``s^2``, which is estimated with ``n w - w - 1`` degrees of freedom.
        """
        start = checked_pre(pre, self.rates).shape[-1]
        n, weeks = self.rates.shape[-2:]
        centre = self.calendar.years.mean()
        years, ahead = self.calendar.years - centre, self.calendar.target - centre
        square = (years**2).sum()
        mean = self.rates.mean(-2)
        slope = np.einsum("...yt,y->...", self.rates, years) / (weeks * square)
        errors = self.rates - mean[..., None, :] - slope[..., None, None] * years[:, None]
        noise = (errors**2).sum((-2, -1)) / (n * weeks - weeks - 1)
        shape = (1 + 1 / n) * np.eye(weeks - start) + ahead**2 / (weeks * square)
        return GaussianPrediction(
            mean[..., start:] + (slope * ahead)[..., None],
            noise[..., None, None] * shape,
            shared_correlation(errors[..., start:]),
        )
