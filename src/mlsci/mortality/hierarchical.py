"""All regions, ages, weeks and years at once: a hierarchical Gaussian process of mortality.

What the model assumes is in `hierarchical_prior`. It is fitted when a year is predicted, because
that year's first weeks tell about the hyperparameters too. Its predictions are draws from the
posterior predictive distribution: hyperparameters, effects and Poisson deaths are all drawn, so
that any sum over weeks, ages and regions has the error that it should.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mlsci.mortality import hierarchical_prior as prior
from mlsci.mortality import hyperposterior
from mlsci.mortality.counterfactual import Calendar, DrawnPrediction, checked_pre, checked_rates
from mlsci.mortality.hierarchical_likelihood import HierarchicalLikelihood, Observations
from mlsci.mortality.hyperposterior import Peak, WeightedDraws


@dataclass(frozen=True)
class Inference:
    """How much is computed.

    Attributes
    ----------
    points
        Draws of the hyperparameters, each with the effects' exact posterior given it; a power of 2.
    draws
        Draws of the prediction.
    seed
        Of all of them.
    """

    points: int = 128
    draws: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class HierarchicalMortality:
    """The model, as a `mlsci.mortality.counterfactual.Counterfactual`.

    Attributes
    ----------
    calendar
        When the weeks are.
    regions, ages
        Names of the regions, classes of age ("80-89", "90+"): the rates' first axes, in the order
        ``(ages, regions, years, weeks)``.
    inference
        How much is computed.
    """

    calendar: Calendar
    regions: Sequence[str]
    ages: Sequence[str]
    inference: Inference = Inference()

    def fit(self, rates: np.ndarray) -> FittedHierarchy:
        """Keep the control years' deaths a day ``(ages, regions, years, weeks)``.

        Raises
        ------
        ValueError
            If they are not of these ages, regions, years and weeks.
        """
        rates = checked_rates(rates, years=2)
        self.calendar.check(rates)
        if rates.shape[:-2] != (len(self.ages), len(self.regions)):
            raise ValueError(
                f"rates of shape {rates.shape}: give (ages, regions, years, weeks), here "
                f"{len(self.ages)} ages and {len(self.regions)} regions"
            )
        return FittedHierarchy(self, rates)

    def layout(self) -> prior.Layout:
        """Return the layout: the control years, and last the year to predict."""
        middle = self.calendar.middle / 7
        return prior.Layout(
            macro=prior.macro_numbers(self.regions),
            decades=prior.decades(self.ages),
            middle=middle - middle[0],
            years=np.append(self.calendar.years, self.calendar.target),
        )


@dataclass(frozen=True)
class FittedHierarchy:
    """The model and the control years' rates."""

    model: HierarchicalMortality
    rates: np.ndarray

    def predict(self, pre: np.ndarray) -> DrawnPrediction:
        """Return draws ``(n, ages, regions, weeks)`` of the weeks after `pre`, deaths a day."""
        return self.posterior(pre).predict()

    def posterior(self, pre: np.ndarray) -> HierarchicalPosterior:
        """Return the posterior, given the first weeks' rates ``(ages, regions, pre_weeks)``."""
        start = checked_pre(pre, self.rates).shape[-1]
        calendar = self.model.calendar
        days = np.concatenate([calendar.days, calendar.target_days[None]]).astype(np.float64)
        deaths = np.full((*self.rates.shape[:2], *days.shape), np.nan)
        deaths[:, :, :-1] = self.rates * days[:-1]
        deaths[:, :, -1, :start] = pre * days[-1, :start]
        likelihood = HierarchicalLikelihood(self.model.layout())
        return infer(likelihood, np.transpose(deaths, (2, 1, 0, 3)), days, self.model.inference)


@dataclass(frozen=True)
class HierarchicalPosterior:
    """Posterior of the hyperparameters, and predictive distribution of the last year.

    Attributes
    ----------
    likelihood, seen
        What was conditioned on.
    peak
        Mode and curvature of the log hyperparameters.
    hyper
        Weighted draws ``(points, 15)`` of the log hyperparameters.
    log_rates
        Draws ``(points, n, regions, ages, weeks)`` of the last year's unobserved log rates, n for
        each draw of the hyperparameters.
    days
        Length of those weeks, ``(weeks,)``.
    inference
        How much is computed.
    """

    likelihood: HierarchicalLikelihood
    seen: Observations
    peak: Peak
    hyper: WeightedDraws
    log_rates: np.ndarray
    days: np.ndarray
    inference: Inference

    def predict(self) -> DrawnPrediction:
        """Return draws ``(n, ages, regions, weeks)`` of deaths a day, Poisson noise included."""
        points, each = self.log_rates.shape[:2]
        generator = np.random.default_rng([self.inference.seed, 1])
        weight = np.repeat(self.hyper.weights / each, each)
        # Systematic resampling: every draw as often as its weight says, give or take one.
        comb = (np.arange(self.inference.draws) + generator.random()) / self.inference.draws
        chosen = np.searchsorted(np.cumsum(weight), comb).clip(max=points * each - 1)
        log_rates = self.log_rates.reshape(points * each, *self.log_rates.shape[2:])[chosen]
        deaths = generator.poisson(np.exp(log_rates) * self.days)
        draws = generator.permutation(deaths).transpose(0, 2, 1, 3)
        return DrawnPrediction(draws / self.days)


def infer(
    likelihood: HierarchicalLikelihood,
    deaths: np.ndarray,
    days: np.ndarray,
    inference: Inference,
) -> HierarchicalPosterior:
    """Return the posterior given counts ``(years, regions, ages, weeks)``, NaN where unobserved.

    The weeks that are unobserved in all regions of the last year are those to predict.
    """
    peak, seen = find_peak(likelihood, deaths, days)
    ahead = np.isnan(deaths[-1]).all((0, 1))
    points, log_proposal = hyperposterior.propose(peak, inference.points, inference.seed)
    generator = np.random.default_rng([inference.seed, 0])
    # Weights are uneven: spare draws at each point, so that few are used twice.
    each = max(4 * inference.draws // inference.points, 1)
    log_density, log_rates = [], []
    for theta in points:
        value, effects = likelihood.effects(theta, seen)
        log_density.append(value + float(prior.log_prior(tf.constant(theta))))
        own, shared = effects.draw(len(deaths) - 1, each, generator)
        drawn = likelihood.log_rates(theta, len(deaths) - 1, own, shared)[:, :, ahead]
        log_rates.append(np.moveaxis(drawn, -1, 0))
    return HierarchicalPosterior(
        likelihood=likelihood,
        seen=seen,
        peak=peak,
        hyper=hyperposterior.weigh(points, np.array(log_density), log_proposal),
        log_rates=np.stack(log_rates),
        days=days[-1, ahead],
        inference=inference,
    )


def find_peak(
    likelihood: HierarchicalLikelihood, deaths: np.ndarray, days: np.ndarray
) -> tuple[Peak, Observations]:
    """Return the hyperparameters' mode with its curvature, and the pseudo-observations there.

    Hyperparameters are optimised for pseudo-observations made at the effects' mode for the prior's
    medians, and once more for those made at the mode that results; a third time changes nothing.
    """
    theta, log_rates = prior.MEDIAN, None
    for _ in range(2):
        log_rates = likelihood.mode(theta, deaths, days, log_rates)
        seen = likelihood.observe(deaths, days, log_rates)

        def gradient(x: np.ndarray, seen: Observations = seen) -> tuple[float, np.ndarray]:
            value, slope = likelihood.gradient(tf.constant(x, prior.DTYPE), seen)
            return float(value), slope.numpy()

        theta = hyperposterior.climb(gradient, theta, prior.SPREAD)
    return Peak(theta, hyperposterior.curvature(gradient, theta, prior.SPREAD)), seen
