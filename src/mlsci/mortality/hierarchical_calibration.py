"""Simulation-based calibration of the hierarchical model (Talts et al. 2018, arXiv:1804.06788).

Hyperparameters, effects and deaths are drawn from the prior, the model is fitted to the deaths, and
the truth is ranked among the posterior's draws. If the inference is right, approximations included,
ranks are uniform: for every hyperparameter, and for every number of deaths that is predicted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlsci.mortality import hierarchical_prior as prior
from mlsci.mortality.hierarchical import Inference, infer
from mlsci.mortality.hierarchical_likelihood import HierarchicalLikelihood


class Ranks(NamedTuple):
    """Where truths lie in their posteriors, as probabilities in [0, 1].

    Attributes
    ----------
    hyper
        Of the log hyperparameters, ``(simulations, 15)``.
    region, age
        Of the deaths of all predicted weeks, by region ``(simulations, regions)`` and by age
        ``(simulations, ages)``.
    nation
        Of the deaths of all predicted weeks, ``(simulations,)``.
    week
        Of each region's deaths in each week, ``(simulations, regions, weeks)``.
    pareto_k
        Of the importance weights, ``(simulations,)``.
    """

    hyper: np.ndarray
    region: np.ndarray
    age: np.ndarray
    nation: np.ndarray
    week: np.ndarray
    pareto_k: np.ndarray


def calibrate(
    layout: prior.Layout, days: np.ndarray, ahead: int, simulations: int, inference: Inference
) -> Ranks:
    """Return the ranks of simulated truths.

    Parameters
    ----------
    layout
        Of the simulated country; its last year is the one to predict.
    days
        Length of the weeks, ``(years, weeks)``.
    ahead
        How many weeks of the last year are predicted.
    simulations
        How many countries.
    inference
        How each is fitted; its seed begins the simulations' seeds.
    """
    likelihood = HierarchicalLikelihood(layout)
    found: list[tuple[np.ndarray, ...]] = []
    for number in range(simulations):
        generator = np.random.default_rng([inference.seed, number])
        theta = prior.MEDIAN + prior.SPREAD * generator.standard_normal(len(prior.MEDIAN))
        log_rates = prior.draw_log_rates(theta, layout, int(generator.integers(2**31)))
        deaths = generator.poisson(np.exp(log_rates) * days[:, None, None]).astype(np.float64)
        truth = deaths[-1, :, :, -ahead:].copy()
        deaths[-1, :, :, -ahead:] = np.nan
        own = Inference(inference.points, inference.draws, int(generator.integers(2**31)))
        posterior = infer(likelihood, deaths, days, own)
        draws = posterior.predict().draws.transpose(0, 2, 1, 3) * posterior.days
        found.append(
            (
                posterior.hyper.weights @ (posterior.hyper.draws < theta),
                rank(draws.sum((2, 3)), truth.sum((1, 2)), generator),
                rank(draws.sum((1, 3)), truth.sum((0, 2)), generator),
                rank(draws.sum((1, 2, 3)), truth.sum(), generator),
                rank(draws.sum(2), truth.sum(1), generator),
                np.array(posterior.hyper.pareto_k),
            )
        )
    return Ranks(*(np.stack(part) for part in zip(*found)))


def rank(draws: np.ndarray, truth: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return the share of draws ``(n, ...)`` below the truth ``(...)``, ties broken at random.

    Breaking ties makes the ranks of counts uniform too (Czado, Gneiting and Held 2009, Biometrics
    65, 1254, on the randomised probability integral transform).
    """
    below = (draws < truth - 1e-6).mean(0)
    ties = (np.abs(draws - truth) <= 1e-6).mean(0)
    return np.asarray(below + generator.random(np.shape(truth)) * ties)
