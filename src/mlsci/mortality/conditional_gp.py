"""Conditional Gaussian processes: a year's beginning tells how it would have gone on.

The control years' weekly rates are taken as draws of one Gaussian process, with their mean and a
covariance of two principal components and a residual; the weeks of the year in question up to some
week are its condition. Modi, Boehm, Ferraro, Stein and Seljak 2021, Nat. Commun. 12, 2729
(medRxiv 2020.04.15.20067074).

The residual is white or squared-exponential. The paper describes the latter; its published numbers
come out with the former, and with its usual implementation's width (see `ppca_covariance`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlsci.mortality.counterfactual import (
    GaussianPrediction,
    checked_pre,
    checked_rates,
    shared_correlation,
)

COMPONENTS = 2
LENGTH_SCALES = np.geomspace(0.25, 8.0, 51)
"""Length scales of the smooth residual among which the likelihood chooses, in weeks."""
NUGGET = 1e-6
"""Variance added to that of the smooth residual, relative, which keeps its matrix invertible."""
FLOOR = 1e-10
"""Least variance of a weekly rate, in deaths squared a day squared, for series of zeros."""


@dataclass(frozen=True)
class ConditionalGP:
    """The conditional Gaussian process.

    Attributes
    ----------
    residual
        ``"white"`` for probabilistic PCA, ``"squared-exponential"`` for a smooth residual whose
        amplitude and length scale are fitted by maximum likelihood.
    """

    residual: Literal["white", "squared-exponential"] = "white"

    def fit(self, rates: np.ndarray) -> FittedGP:
        """Learn mean and covariance from at least four control years, ``(..., years, weeks)``."""
        rates = checked_rates(rates, years=COMPONENTS + 2)
        if rates.shape[-1] <= COMPONENTS + 1:
            raise ValueError(f"{rates.shape[-1]} weeks: the model needs more than {COMPONENTS + 1}")
        kernel = ppca_covariance if self.residual == "white" else smooth_covariance
        return FittedGP(rates, kernel(rates))


@dataclass(frozen=True)
class FittedGP:
    """Control years' rates ``(..., years, weeks)`` and their covariance ``(..., weeks, weeks)``."""

    rates: np.ndarray
    covariance: np.ndarray

    def predict(self, pre: np.ndarray) -> GaussianPrediction:
        """Return the process in the weeks after `pre` ``(..., pre_weeks)``, given these."""
        pre = checked_pre(pre, self.rates)
        start = pre.shape[-1]
        mean = self.rates.mean(-2)
        late_mean, late_covariance = conditional(mean, self.covariance, pre)
        anomalies = self.rates - mean[..., None, :]
        return GaussianPrediction(
            late_mean, late_covariance, shared_correlation(anomalies[..., start:])
        )


def conditional(
    mean: np.ndarray, covariance: np.ndarray, pre: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of the later weeks of a Gaussian, given the first ones.

    Parameters
    ----------
    mean, covariance
        Of all weeks, ``(..., weeks)`` and ``(..., weeks, weeks)``.
    pre
        Values of the first weeks, ``(..., pre_weeks)``.

    Returns
    -------
    tuple
        ``(..., weeks - pre_weeks)`` and ``(..., weeks - pre_weeks, weeks - pre_weeks)``.
    """
    start = pre.shape[-1]
    early, cross = covariance[..., :start, :start], covariance[..., :start, start:]
    gain = np.swapaxes(np.linalg.solve(early + FLOOR * np.eye(start), cross), -1, -2)
    late_mean = mean[..., start:] + np.einsum("...ts,...s->...t", gain, pre - mean[..., :start])
    late = covariance[..., start:, start:] - gain @ cross
    return late_mean, 0.5 * (late + np.swapaxes(late, -1, -2))


def principal_components(rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return variances ``(..., m)``, falling, and directions ``(..., m, weeks)`` of yearly rates.

    ``m`` is the smaller of the numbers of years and weeks; the variances are those of the sample
    covariance, with ``years - 1`` in its denominator.
    """
    anomalies = rates - rates.mean(-2, keepdims=True)
    _, singular, directions = np.linalg.svd(anomalies, full_matrices=False)
    return singular**2 / (rates.shape[-2] - 1), directions


def ppca_covariance(rates: np.ndarray) -> np.ndarray:
    """Return the covariance ``(..., weeks, weeks)`` of probabilistic PCA with two components.

    ``W W^T + noise I``, Tipping and Bishop 1999, but with the noise of scikit-learn's ``PCA``:
    the left-over variance divided by ``min(years, weeks) - 2``, not by ``weeks - 2`` (their
    equation 8). For five years and fourteen weeks that is four times the variance, twice the
    width. The published numbers have this noise.
    """
    variances, directions = principal_components(rates)
    noise = variances[..., COMPONENTS:].mean(-1, keepdims=True)
    excess = np.maximum(variances[..., :COMPONENTS] - noise, 0)
    kept = directions[..., :COMPONENTS, :]
    low = np.einsum("...kt,...k,...ks->...ts", kept, excess, kept)
    return low + noise[..., None] * np.eye(rates.shape[-1])


def smooth_covariance(rates: np.ndarray) -> np.ndarray:
    """Return the covariance of two principal components and a squared-exponential residual.

    ``(..., weeks, weeks)``. The components keep their sample variances; amplitude and length scale
    are those of `smooth_residual`.
    """
    variances, directions = principal_components(rates)
    kept = directions[..., :COMPONENTS, :]
    low = np.einsum("...kt,...k,...ks->...ts", kept, variances[..., :COMPONENTS], kept)
    amplitude, scale = smooth_residual(rates)
    weeks = rates.shape[-1]
    return low + amplitude[..., None, None] ** 2 * squared_exponential(weeks, scale)


def smooth_residual(rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the most likely amplitude and length scale of what two components leave.

    The likelihood is that of the control years' anomalies r orthogonal to the components, which
    these cannot explain: ``Q r ~ N(0, A^2 Q S(l) Q^T)`` with ``Q (weeks - 2, weeks)``. For each
    length scale l the best amplitude A is known in closed form; the length scale is the best of
    `LENGTH_SCALES`, an error of at most 4% of its value.

    Parameters
    ----------
    rates
        Control years' rates ``(..., years, weeks)``.

    Returns
    -------
    tuple
        Amplitudes ``(...)``, deaths a day, and length scales ``(...)``, in weeks.
    """
    years, weeks = rates.shape[-2:]
    anomalies = rates - rates.mean(-2, keepdims=True)
    others = np.linalg.svd(anomalies, full_matrices=True)[2][..., COMPONENTS:, :]
    residual = others @ np.swapaxes(anomalies, -1, -2)
    count = years * (weeks - COMPONENTS)
    best = np.full(rates.shape[:-2], -np.inf)
    amplitude, scale = np.zeros_like(best), np.full_like(best, LENGTH_SCALES[0])
    for length in LENGTH_SCALES:
        kernel = others @ squared_exponential(weeks, length) @ np.swapaxes(others, -1, -2)
        factor = np.linalg.cholesky(kernel)
        white = np.linalg.solve(factor, residual)
        variance = (white**2).sum((-2, -1)) / count
        log_det = 2 * np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
        likelihood = -0.5 * (count * np.log(np.maximum(variance, FLOOR)) + years * log_det)
        better = likelihood > best
        best = np.where(better, likelihood, best)
        amplitude = np.where(better, np.sqrt(variance), amplitude)
        scale = np.where(better, length, scale)
    return amplitude, scale


def squared_exponential(weeks: int, scale: np.ndarray | float) -> np.ndarray:
    """Return ``exp(-(s - t)^2 / 2 l^2)`` for weeks s and t, plus a nugget."""
    # Scales (...) give matrices (..., weeks, weeks).
    lag = np.subtract.outer(np.arange(weeks), np.arange(weeks))
    kernel = np.exp(-0.5 * (lag / np.asarray(scale)[..., None, None]) ** 2)
    return np.asarray(kernel) + NUGGET * np.eye(weeks)
