"""Other forms of the hierarchical model, and how well each foretells years that are left out.

Two forms have heavier tails than the model has:

- *winters of unequal strength*: the wave of year y is multiplied by ``exp(u_y)``, with
  ``exp(-2 u_y)`` a gamma variable of shape and rate ``nu / 2``. So waves are Student-t processes
  with nu degrees of freedom (Shah, Wilson and Ghahramani 2014, AISTATS, section 3): calm winters
  are calm in all weeks, and a calm January narrows what is predicted for March;
- *deaths with more chance*: negative-binomial counts whose variance is ``(1 + omega) mu``, that is
  of a dispersion ``mu / omega`` that grows with a region's size.

They are compared by the log predictive density of the weeks that are left out, a proper score
(Gneiting and Raftery 2007, J. Am. Stat. Assoc. 102, 359, section 4.1), of all regions, ages and
weeks jointly: the log evidence with these weeks less that without them. Effects and
hyperparameters are integrated out, both by Laplace's approximation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from scipy.stats import nbinom, poisson

from mlsci.mortality import hierarchical_prior as prior
from mlsci.mortality import hyperposterior
from mlsci.mortality.arrowhead import Arrowhead
from mlsci.mortality.hierarchical_likelihood import HierarchicalLikelihood, Observations
from mlsci.mortality.hierarchical_prior import DTYPE, Layout

BASE = len(prior.NAMES)
STRENGTH_SPREAD = 0.5  # of the log strength of a winter; a scale to climb in, no prior


@dataclass(frozen=True)
class Form:
    """What is changed in the model; nothing by default.

    Attributes
    ----------
    degrees
        Degrees of freedom of the waves' Student-t process; None for a Gaussian one.
    omega
        Variance of the counts beyond that of Poisson, in units of their mean.
    """

    degrees: float | None = None
    omega: float = 0.0


class UnequalWinters(HierarchicalLikelihood):
    """The likelihood with a strength for each year's wave.

    Hyperparameters are the fifteen of the model, followed by each year's log strength.
    """

    def __init__(self, layout: Layout, degrees: float) -> None:
        super().__init__(layout)
        self.degrees = degrees

    def _arrowhead(self, theta: tf.Tensor, seen: Observations) -> tuple[Arrowhead, tf.Tensor]:
        arrow, half_log = super()._arrowhead(theta[:BASE], seen)
        usual, usual_half = _precisions(theta[:BASE], self.layout)
        wave = tf.one_hot(prior.NAMES.index("wave"), BASE, dtype=DTYPE)
        own = []
        for year, strength in enumerate(tf.unstack(theta[BASE:])):
            precision, half = _precisions(theta[:BASE] + strength * wave, self.layout)
            own.append(arrow.own[year] + precision - usual)
            half_log -= half - usual_half
        return arrow._replace(own=tf.stack(own)), half_log

    def _log_posterior(self, theta: tf.Tensor, seen: Observations) -> tf.Tensor:
        evidence = self._factorise(theta, seen)[0]
        strengths = log_strength_density(theta[BASE:], self.degrees)
        return evidence + prior.log_prior(theta[:BASE]) + strengths


def log_strength_density(strength: tf.Tensor, degrees: float) -> tf.Tensor:
    """Return the log density ``()`` of log strengths ``(years,)`` of Student-t waves.

    Examples
    --------
    >>> grid = np.linspace(-6, 6, 4001)
    >>> density = [float(np.exp(log_strength_density(tf.constant([u]), 4.0))) for u in grid]
    >>> bool(abs(np.sum(density) * (grid[1] - grid[0]) - 1) < 1e-4)
    True
    """
    half = 0.5 * degrees
    constant = math.log(2) + half * math.log(half) - math.lgamma(half)
    return tf.reduce_sum(constant - degrees * strength - half * tf.exp(-2 * strength))


def _precisions(theta: tf.Tensor, layout: Layout) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the prior precision of one year's own effects, and half its covariance's log det.

    The ages' levels, on which waves have no influence, take no part in either.
    """
    covariance = prior.year_covariance(theta, layout)
    half, inverse = tf.zeros((), DTYPE), []
    for matrix in (covariance.field, covariance.tilt):
        lower = tf.linalg.cholesky(matrix)
        half += tf.reduce_sum(tf.math.log(tf.linalg.diag_part(lower)))
        inverse.append(tf.linalg.cholesky_solve(lower, tf.eye(len(matrix), dtype=DTYPE)))
    level = tf.zeros((layout.shape[2], layout.shape[2]), DTYPE)
    blocks = [tf.linalg.LinearOperatorFullMatrix(part) for part in (inverse[0], level, inverse[1])]
    return tf.linalg.LinearOperatorBlockDiag(blocks).to_dense(), half


def log_evidence(form: Form, layout: Layout, deaths: np.ndarray, days: np.ndarray) -> float:
    """Return the log marginal likelihood of the observed counts.

    Parameters
    ----------
    form
        What is changed in the model.
    layout
        Of the counts.
    deaths
        ``(years, regions, ages, weeks)``; NaN where nothing is observed.
    days
        Length of the weeks, ``(years, weeks)``.
    """
    start, spread = prior.MEDIAN, prior.SPREAD
    likelihood = HierarchicalLikelihood(layout)
    if form.degrees is not None:
        likelihood = UnequalWinters(layout, form.degrees)
        start = np.append(start, np.zeros(layout.shape[0]))
        spread = np.append(spread, np.full(layout.shape[0], STRENGTH_SPREAD))
    # A count that varies more than Poisson's tells as much as a smaller one that does not.
    counts, exposed = deaths / (1 + form.omega), days / (1 + form.omega)
    theta, log_rates = start, None
    for _ in range(2):
        log_rates = likelihood.mode(theta, counts, exposed, log_rates)
        seen = likelihood.observe(counts, exposed, log_rates)

        def gradient(x: np.ndarray, seen: Observations = seen) -> tuple[float, np.ndarray]:
            value, slope = likelihood.gradient(tf.constant(x, DTYPE), seen)
            return float(value), slope.numpy()

        theta = hyperposterior.climb(gradient, theta, spread)
    covariance = hyperposterior.curvature(gradient, theta, spread)
    log_rates = likelihood.mode(theta, counts, exposed, log_rates)
    seen = likelihood.observe(counts, exposed, log_rates)
    value = float(likelihood.log_posterior(tf.constant(theta, DTYPE), seen))
    volume = 0.5 * len(theta) * math.log(2 * math.pi) + 0.5 * np.linalg.slogdet(covariance)[1]
    return float(value + volume + _beyond_normal(form, deaths, days, log_rates))


def _beyond_normal(
    form: Form, deaths: np.ndarray, days: np.ndarray, log_rates: np.ndarray
) -> float:
    """Return log probabilities of counts less the log densities of their pseudo-observations."""
    there = np.isfinite(deaths)
    mu = (np.exp(log_rates) * days[:, None, None])[there]
    y = deaths[there]
    if form.omega:
        logs = nbinom.logpmf(y, mu / form.omega, 1 / (1 + form.omega))
    else:
        logs = poisson.logpmf(y, mu)
    weight = mu / (1 + form.omega)
    normal = 0.5 * np.log(weight / (2 * math.pi)) - 0.5 * weight * ((y - mu) / mu) ** 2
    return float((logs - normal).sum())


def verdict(gains: np.ndarray, least: float) -> bool:
    """Return whether gains in log predictive density, one a year, justify another form.

    Their sum must be more than `least`, and more than twice its standard error.

    Examples
    --------
    >>> verdict(np.array([2.0, 3.0, 2.5, 2.5]), least=3.0)
    True
    >>> verdict(np.array([-5.0, 12.0, -4.0, 7.0]), least=3.0)
    False
    """
    error = math.sqrt(len(gains)) * float(np.std(gains, ddof=1))
    return bool(gains.sum() > max(least, 2 * error))
