"""What mortality would have been: the interface of all models, and the simplest of them.

A model learns from control years and continues a year of which only the first weeks are known::

    model.fit(rates).predict(pre)  ->  Prediction of the weeks after `pre`

Rates are deaths a day, averaged over a week, because weeks differ in length. Arrays are
``(..., regions, years, weeks)``: any leading axes (age groups, sexes) and the regions are treated
at once, each by itself, and ``(years, weeks)`` is a single series. What regions share is kept as
one correlation, so that a nation's total has the error that it should.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlsci.mortality.predictive import Ensemble, Normals, Predictive


@dataclass(frozen=True)
class Calendar:
    """When the control years' weeks and the predicted year's weeks are.

    Attributes
    ----------
    years
        Numbers ``(years,)`` of the control years.
    target
        The year to predict.
    days
        Length of the control years' weeks, ``(years, weeks)``, in days.
    target_days
        Length of the predicted year's weeks, ``(weeks,)``, in days.
    """

    years: np.ndarray
    target: int
    days: np.ndarray
    target_days: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """Middle of each week, ``(weeks,)``, in days since New Year, mean over control years."""
        end = np.cumsum(self.days, axis=1)
        return np.asarray((end - 0.5 * self.days).mean(0))

    def check(self, rates: np.ndarray) -> None:
        """Refuse rates ``(..., years, weeks)`` of other years or weeks than the calendar's."""
        if rates.shape[-2:] != self.days.shape or len(self.years) != len(self.days):
            raise ValueError(
                f"rates have {rates.shape[-2]} years and {rates.shape[-1]} weeks, the calendar "
                f"{len(self.years)} years and days of shape {self.days.shape}: give them the same"
            )


class Prediction(Protocol):
    """Deaths a day that a model expects in the weeks after those it was shown.

    `GaussianPrediction` or `DrawnPrediction`. The three distributions are of deaths, not of rates:
    `days` ``(weeks,)`` is the weeks' lengths.
    """

    @property
    def mean(self) -> np.ndarray:
        """Expected deaths a day, ``(..., weeks)``."""

    @property
    def covariance(self) -> np.ndarray:
        """Covariance between weeks, ``(..., weeks, weeks)``, deaths squared a day squared."""

    def sample(self, n: int, seed: int) -> np.ndarray:
        """Return joint draws ``(n, ..., weeks)`` of deaths a day, regions correlated."""

    def weekly(self, days: np.ndarray) -> Predictive:
        """Return the distributions ``(..., weeks)`` of deaths in each week."""

    def total(self, days: np.ndarray) -> Predictive:
        """Return the distributions ``(...)`` of deaths in all weeks together."""

    def nation(self, days: np.ndarray) -> Predictive:
        """Return the distribution of deaths in all weeks and regions, for each leading index."""

    def later(self, weeks: int) -> Prediction:
        """Return the same prediction without its first `weeks` weeks."""


@dataclass(frozen=True)
class GaussianPrediction:
    """A normal distribution for each region, and one correlation between any two regions.

    With ``C_r`` the covariance of region r and ``c`` the shared correlation, the covariance of
    regions r and s is ``c C_r^(1/2) C_s^(1/2)``, which is positive for every c in [0, 1].

    Attributes
    ----------
    mean, covariance
        ``(..., weeks)`` and ``(..., weeks, weeks)``.
    shared
        The correlation, a number for each index before the regions', ``(...)``.
    """

    mean: np.ndarray
    covariance: np.ndarray
    shared: np.ndarray

    def weekly(self, days: np.ndarray) -> Normals:
        """Return normal distributions of deaths in each week."""
        variance = np.diagonal(self.covariance, axis1=-2, axis2=-1)
        return Normals(self.mean * days, np.sqrt(np.maximum(variance, 0)) * days)

    def total(self, days: np.ndarray) -> Normals:
        """Return normal distributions of all weeks' deaths, weeks' covariances included."""
        variance = np.einsum("...st,s,t->...", self.covariance, days, days)
        return Normals(self.mean @ days, np.sqrt(np.maximum(variance, 0)))

    def nation(self, days: np.ndarray) -> Normals:
        """Return normal distributions of all weeks' and regions' deaths."""
        parts = self.total(days)
        if self.mean.ndim == 1:
            return parts
        apart = (parts.deviation**2).sum(-1)
        together = ((_root(self.covariance) @ days).sum(-2) ** 2).sum(-1)
        variance = (1 - self.shared) * apart + self.shared * together
        return Normals(parts.mean.sum(-1), np.sqrt(variance))

    def sample(self, n: int, seed: int) -> np.ndarray:
        """Return draws ``(n, ..., weeks)``."""
        generator = np.random.default_rng(seed)
        noise = generator.standard_normal((n, *self.mean.shape))
        if self.mean.ndim > 1:
            common = generator.standard_normal((n, *self.mean.shape[:-2], 1, self.mean.shape[-1]))
            c = np.asarray(self.shared)[..., None, None]
            noise = np.sqrt(1 - c) * noise + np.sqrt(c) * common
        return self.mean + np.einsum("...st,n...t->n...s", _root(self.covariance), noise)

    def later(self, weeks: int) -> GaussianPrediction:
        """Return the prediction without its first `weeks` weeks."""
        covariance = self.covariance[..., weeks:, weeks:]
        return GaussianPrediction(self.mean[..., weeks:], covariance, self.shared)


@dataclass(frozen=True)
class DrawnPrediction:
    """Joint draws ``(n, ..., regions, weeks)`` of deaths a day, all of equal weight."""

    draws: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean of the draws, ``(..., weeks)``."""
        return self.draws.mean(0)

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the draws between weeks, ``(..., weeks, weeks)``."""
        error = self.draws - self.mean
        return np.einsum("n...s,n...t->...st", error, error) / (len(error) - 1)

    def weekly(self, days: np.ndarray) -> Ensemble:
        """Return ensembles of deaths in each week."""
        return Ensemble(self.draws * days)

    def total(self, days: np.ndarray) -> Ensemble:
        """Return ensembles of all weeks' deaths."""
        return Ensemble(self.draws @ days)

    def nation(self, days: np.ndarray) -> Ensemble:
        """Return ensembles of all weeks' and regions' deaths."""
        parts = self.draws @ days
        return Ensemble(parts.sum(-1) if parts.ndim > 1 else parts)

    def sample(self, n: int, seed: int) -> np.ndarray:
        """Return n of the draws, without repetition where there are enough."""
        generator = np.random.default_rng(seed)
        return self.draws[generator.choice(len(self.draws), n, replace=n > len(self.draws))]

    def later(self, weeks: int) -> DrawnPrediction:
        """Return the prediction without its first `weeks` weeks."""
        return DrawnPrediction(self.draws[..., weeks:])


class Fitted(Protocol):
    """A model that has seen the control years."""

    def predict(self, pre: np.ndarray) -> Prediction:
        """Continue the year whose first weeks have the rates `pre` ``(..., pre_weeks)``."""


class Counterfactual(Protocol):
    """A model of the mortality of ordinary years."""

    def fit(self, rates: np.ndarray) -> Fitted:
        """Learn from the control years' rates ``(..., years, weeks)``."""


def checked_rates(rates: np.ndarray, years: int) -> np.ndarray:
    """Return rates ``(..., years, weeks)`` as float64, or tell what is wrong with them.

    Raises
    ------
    ValueError
        For fewer control years than the model needs, for missing or negative values.
    """
    rates = np.asarray(rates, np.float64)
    if rates.ndim < 2:
        raise ValueError(f"rates of shape {rates.shape}: give (..., years, weeks)")
    if rates.shape[-2] < years:
        raise ValueError(f"{rates.shape[-2]} control years: this model needs at least {years}")
    if not np.isfinite(rates).all():
        raise ValueError("rates are missing (NaN): leave out those regions, ages or weeks")
    if (rates < 0).any():
        raise ValueError("rates are negative: give deaths a day, not anomalies")
    return rates


def checked_pre(pre: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return the first weeks' rates ``(..., pre_weeks)`` if they fit the control years' `rates`.

    Raises
    ------
    ValueError
        For other regions or ages than the control years have, for no week left to predict.
    """
    pre = np.asarray(pre, np.float64)
    if pre.shape[:-1] != rates.shape[:-2]:
        raise ValueError(
            f"first weeks of shape {pre.shape} do not fit control years of shape {rates.shape}: "
            f"give ({', '.join(map(str, rates.shape[:-2]))}, weeks)"
        )
    if not pre.shape[-1] < rates.shape[-1]:
        raise ValueError(f"{pre.shape[-1]} weeks are given of {rates.shape[-1]}: none is left")
    if not np.isfinite(pre).all():
        raise ValueError("rates of the first weeks are missing (NaN): leave those series out")
    return pre


def shared_correlation(anomalies: np.ndarray) -> np.ndarray:
    """Return the correlation between regions, one number for each leading index.

    It is chosen such that regions with their own variances and this correlation between any two
    have the variance that their sum has, summed over weeks; so large regions count most.

    Parameters
    ----------
    anomalies
        Control years' rates about their expectation, ``(..., regions, years, weeks)``.

    Returns
    -------
    np.ndarray
        Correlations ``(...)`` in [0, 1]; 0 where there is a single region or no variance.
    """
    if anomalies.ndim < 3:
        return np.zeros(())
    variance = (anomalies**2).mean(-2)
    apart = variance.sum(-2).sum(-1)
    together = (np.sqrt(variance).sum(-2) ** 2).sum(-1)
    nation = (anomalies.sum(-3) ** 2).mean(-2).sum(-1)
    possible = together - apart
    none = possible <= 1e-12 * together
    return np.clip(np.where(none, 0.0, (nation - apart) / np.where(none, 1.0, possible)), 0, 1)


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return the symmetric square root of positive matrices ``(..., n, n)``."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)


@dataclass(frozen=True)
class HistoricalMean:
    """Every year is the control years' mean; the first weeks of the year are not looked at.

    The covariance is the sample covariance of n control years, times ``1 + 1/n`` for the error of
    the mean.
    """

    def fit(self, rates: np.ndarray) -> FittedMean:
        """Learn from the control years' rates ``(..., years, weeks)``."""
        return FittedMean(checked_rates(rates, years=2))


@dataclass(frozen=True)
class FittedMean:
    """The control years' rates, ``(..., years, weeks)``."""

    rates: np.ndarray

    def predict(self, pre: np.ndarray) -> GaussianPrediction:
        """Return mean and covariance of the weeks after `pre` ``(..., pre_weeks)``."""
        start = checked_pre(pre, self.rates).shape[-1]
        n = self.rates.shape[-2]
        mean = self.rates.mean(-2, keepdims=True)
        late = (self.rates - mean)[..., start:]
        covariance = np.einsum("...yt,...ys->...ts", late, late) * (1 + 1 / n) / (n - 1)
        return GaussianPrediction(mean[..., 0, start:], covariance, shared_correlation(late))
