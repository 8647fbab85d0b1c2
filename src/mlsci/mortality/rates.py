"""How deadly: of all people, of all infected; and how many were infected.

The population fatality rate is deaths over population, the infection fatality rate deaths over
infected. With ``IR`` the share of people infected, ``IFR = PFR / IR``: Modi et al. 2021, Nat.
Commun. 12, 2729.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

# The cruise ship Diamond Princess, as Modi et al. (2020) take it: deaths and infected among those
# aged 70 and over, and people on board aged 70-79 and 80-89.
SHIP_DEATHS = 11
SHIP_INFECTED = 330
SHIP_ON_BOARD = np.array([1015.0, 216.0])


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its interval of 95% probability."""

    value: float
    low: float
    high: float


def population_fatality(deaths: np.ndarray | float, population: np.ndarray | float) -> np.ndarray:
    """Return deaths per inhabitant, of any shape."""
    return np.asarray(deaths, np.float64) / np.asarray(population, np.float64)


def infection_fatality_bound(fatality: float, positivity: float) -> float:
    """Return the least that the infection fatality rate can be.

    Those who are tested are more often infected than others, so the share of tests that are
    positive is at least the share of people infected.

    Parameters
    ----------
    fatality : float
        The population fatality rate.
    positivity : float
        The largest share of tests that were positive, cumulative.
    """
    if not 0 < positivity <= 1:
        raise ValueError(f"a share of positive tests is above 0 and at most 1, not {positivity}")
    return fatality / positivity


def poisson_interval(count: int, level: float = 0.95) -> tuple[float, float]:
    """Return the ends of the exact interval of a Poisson mean (Garwood 1936).

    >>> [round(end, 2) for end in poisson_interval(11)]
    [5.49, 19.68]
    """
    tail = 0.5 - 0.5 * level
    low = 0.5 * float(chi2.ppf(tail, 2 * count)) if count else 0.0
    return low, 0.5 * float(chi2.isf(tail, 2 * count + 2))


def infected_share(fatality: np.ndarray) -> Interval:
    """Return the share of people infected that the deaths on the Diamond Princess imply.

    Parameters
    ----------
    fatality : ndarray, (2,)
        Population fatality rate of those aged 70-79 and 80-89; averaged with the ages on board.

    Returns
    -------
    Interval
        Between 0 and 1; its width is that of the number of deaths on board alone.
    """
    mean = float(np.average(fatality, weights=SHIP_ON_BOARD))
    low, high = poisson_interval(SHIP_DEATHS)
    shares = [min(mean * SHIP_INFECTED / deaths, 1.0) for deaths in (SHIP_DEATHS, high, low)]
    return Interval(*shares)
