"""Quasi-Poisson regression on a yearly wave and a trend, the epidemiologists' usual baseline.

Serfling 1963, Public Health Rep. 78, 494, in the log-linear form that mortality monitoring uses.
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

YEAR = 365.25
FEWEST = 40
"""Deaths in the control years below which a series gets one constant rate."""


@dataclass(frozen=True)
class HarmonicRegression:
    """Deaths are over-dispersed Poisson counts with ``log rate`` linear in a wave and the year.

    ``log rate = a + b year + c cos(2 pi day / 365.25) + d sin(2 pi day / 365.25)``, by statsmodels;
    the dispersion is Pearson's chi-square over the degrees of freedom, at least 1. The first weeks
    of the year are not looked at.

    Attributes
    ----------
    calendar
        Which years the control years are, which is predicted, and the lengths of their weeks.
    """

    calendar: Calendar

    def fit(self, rates: np.ndarray) -> FittedHarmonics:
        """Learn from the control years' rates ``(..., years, weeks)``."""
        rates = checked_rates(rates, years=2)
        self.calendar.check(rates)
        flat = rates.reshape(-1, *rates.shape[-2:])
        fits = [_fit(self.calendar, series) for series in flat]
        mean, covariance, errors = (np.array(part) for part in zip(*fits))
        weeks = rates.shape[-1]
        lead = rates.shape[:-2]
        return FittedHarmonics(
            rates,
            mean.reshape(*lead, weeks),
            covariance.reshape(*lead, weeks, weeks),
            errors.reshape(rates.shape),
        )


@dataclass(frozen=True)
class FittedHarmonics:
    """What the regression expects of the year, and how the control years are about it.

    Attributes
    ----------
    rates
        The control years' rates, ``(..., years, weeks)``.
    mean, covariance
        Of the predicted year's rates, ``(..., weeks)`` and ``(..., weeks, weeks)``.
    errors
        Control years' rates minus those fitted, ``(..., years, weeks)``.
    """

    rates: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    errors: np.ndarray

    def predict(self, pre: np.ndarray) -> GaussianPrediction:
        """Return the regression in the weeks after `pre` ``(..., pre_weeks)``."""
        start = checked_pre(pre, self.rates).shape[-1]
        return GaussianPrediction(
            self.mean[..., start:],
            self.covariance[..., start:, start:],
            shared_correlation(self.errors[..., start:]),
        )


def design(calendar: Calendar, years: np.ndarray) -> np.ndarray:
    """Return the regressors of years' weeks: constant, trend, cosine, sine; ``(years, weeks, 4)``.

    The trend counts years from the mean of the control years.
    """
    phase = 2 * np.pi * calendar.middle / YEAR
    wave = np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)], axis=-1)
    trend = np.asarray(years, np.float64) - calendar.years.mean()
    columns = np.broadcast_to(wave, (len(trend), *wave.shape))
    return np.insert(columns, 1, trend[:, None], axis=-1)


def _fit(calendar: Calendar, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and covariance of the predicted year's rates, and the control years' errors."""
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    counts = (rates * calendar.days).ravel()
    x = design(calendar, calendar.years)
    ahead = design(calendar, np.array([calendar.target]))[0]
    if counts.sum() < FEWEST:
        x, ahead = x[..., :1], ahead[..., :1]
    if counts.sum() == 0:
        weeks = rates.shape[-1]
        return np.zeros(weeks), np.zeros((weeks, weeks)), np.zeros_like(rates)
    offset = np.log(calendar.days.ravel())
    model = GLM(counts, x.reshape(len(counts), -1), family=Poisson(), offset=offset)
    found = model.fit(scale="X2")
    # Pearson's chi-square below its degrees of freedom is chance: counts cannot be smoother.
    dispersion = max(float(found.scale), 1.0)
    mean = np.exp(ahead @ found.params)
    of_curve = ahead @ (found.cov_params() * (dispersion / found.scale)) @ ahead.T
    covariance = np.outer(mean, mean) * of_curve
    covariance += np.diag(dispersion * mean / calendar.target_days)
    covariance = 0.5 * (covariance + covariance.T)
    fitted = found.fittedvalues.reshape(rates.shape) / calendar.days
    return mean, covariance, rates - fitted
