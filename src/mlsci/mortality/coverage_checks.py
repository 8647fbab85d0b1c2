"""How much a measured coverage can be trusted, and what part of a prediction is too wide.

Regions and weeks of one year go up and down together. A hundred and forty intervals of one spring
are a few independent ones, and how often they hold scatters by many points even for a model that
is exactly right. Draws of the prediction say by how much: each draw in turn plays the truth
(a posterior predictive check: Gelman, Meng and Stern 1996, Statistica Sinica 6, 733).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2


def held_by_draws(draws: np.ndarray, level: float, generator: np.random.Generator) -> np.ndarray:
    """Return the coverage ``(n,)`` that would be measured if each draw in turn were the truth.

    Parameters
    ----------
    draws
        Whole numbers ``(n, ...)``; ties are broken at random.
    level
        Probability of the central intervals.
    """
    n = len(draws)
    flat = draws.reshape(n, -1) + 0.9 * generator.random((n, draws[0].size))
    ranks = (np.argsort(np.argsort(flat, axis=0), axis=0) + 0.5) / n
    return np.asarray((np.abs(ranks - 0.5) <= 0.5 * level).mean(1))


def scatter(held: Sequence[np.ndarray], generator: np.random.Generator) -> np.ndarray:
    """Return draws ``(n,)`` of the mean coverage of several years, independent of each other.

    Parameters
    ----------
    held
        For each year, the result of `held_by_draws`, ``(n,)``.
    """
    return np.asarray(np.mean([generator.permutation(one) for one in held], axis=0))


def goal_chances(
    held: Sequence[Mapping[str, np.ndarray]],
    goals: Mapping[str, tuple[float, float]],
    groups: Mapping[str, Sequence[str]],
    generator: np.random.Generator,
) -> dict[str, float]:
    """Return how often a model that is exactly right would measure coverages within goals.

    Parameters
    ----------
    held
        For each year, by the goals' names, results of `held_by_draws`, ``(n,)`` each. A year's
        draws play the truth for all goals at once; years are independent of each other.
    goals
        Between which shares the mean over years is asked to lie.
    groups
        Names of goals that are to be reached at the same time.

    Returns
    -------
    dict
        The probability of each goal, of each group, and of "every" goal at once.
    """
    order = [generator.permutation(len(next(iter(year.values())))) for year in held]
    reached = {}
    for name, (low, high) in goals.items():
        mean = np.mean([year[name][at] for year, at in zip(held, order)], axis=0)
        reached[name] = (low - 1e-9 <= mean) & (mean <= high + 1e-9)
    together = {**{name: (name,) for name in goals}, **groups, "every": tuple(goals)}
    return {
        name: float(np.all([reached[part] for part in parts], axis=0).mean())
        for name, parts in together.items()
    }


class Parts(NamedTuple):
    """Squared errors over predicted variances: 1 on average if the prediction is honest.

    Attributes
    ----------
    nation
        Error of the sum over regions and weeks, in predicted deviations, ``()``.
    own
        Of regions' weeks, less their share in the nation's week, ``(regions, weeks)``.
    own_total
        The same of regions' totals over the weeks, ``(regions,)``.
    """

    nation: float
    own: np.ndarray
    own_total: np.ndarray


def parts(draws: np.ndarray, truth: np.ndarray) -> Parts:
    """Tell what regions share from what is their own, in a prediction and in its errors.

    Parameters
    ----------
    draws
        Deaths ``(n, regions, weeks)``.
    truth
        Deaths ``(regions, weeks)``.
    """
    mean = draws.mean(0)
    share = mean / mean.sum(0)
    error, errors = truth - mean, draws - mean
    own = error - share * error.sum(0)
    owns = errors - share * errors.sum(1, keepdims=True)
    return Parts(
        nation=float(error.sum() / errors.sum((1, 2)).std(ddof=1)),
        own=own**2 / owns.var(0, ddof=1),
        own_total=own.sum(-1) ** 2 / owns.sum(-1).var(0, ddof=1),
    )


def width_interval(z: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return an interval for what predicted deviations should be multiplied by to be honest.

    That of the deviation of independent normal errors with mean zero, from their sum of squares.

    Examples
    --------
    >>> low, high = width_interval(np.ones(1000))
    >>> bool(0.95 < low < 1 < high < 1.05)
    True
    """
    square, n = float((np.asarray(z) ** 2).sum()), np.size(z)
    tail = 0.5 - 0.5 * level
    low, high = chi2.ppf([1 - tail, tail], n)
    return float(np.sqrt(square / low)), float(np.sqrt(square / high))
