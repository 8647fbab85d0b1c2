"""The rule behind the tables of May 2020: medRxiv 2020.04.15.20067074, version 3.

Its text does not give the rule in full. This one was found by trying, and gives every number of
the table of deaths but for rounding:

- towns of class 1 (data to 11 April) and of classes 1 and 2 (to 28 March) are treated by
  themselves, each with five control years, per-day weekly rates, and a conditional Gaussian
  process given the six weeks to 15 February;
- in the weeks to 28 March, excess in towns of classes 1 and 2 is scaled by total over covered
  population; in the two weeks after, excess in towns of class 1 is scaled by the mean ratio of
  (scaled) deaths in the two sets of towns over the six weeks from 16 February to 28 March;
- from 23 February on, each week's excess is raised to the week's official deaths;
- official deaths of 12 April to 9 May are added. Those of Trentino lack the province of Bolzano;
- variance is the sum of the weeks' variances, without covariances, and the official deaths added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import excess
from .conditional_gp import ConditionalGP
from .counterfactual import Counterfactual
from .excess import Excess
from .records import TEN_YEARS, WeeklyDeaths

PRE_WEEKS = 6  # to 15 February
BEFORE = 1  # the week to 22 February is predicted, but not counted
LAST_WEEKLY, LAST_OFFICIAL = "2020-04-11", "2020-05-09"
ADDED_WITHOUT = ("P.A. Bolzano",)

# Table 1: deaths and their error. Table 2: shares of ages, from 30-39 to 90 and over.
TABLE_1 = {
    "Emilia-Romagna": (5662, 166),
    "Liguria": (2175, 113),
    "Lombardia": (25530, 286),
    "Marche": (1481, 97),
    "Piemonte": (5237, 204),
    "Toscana": (1372, 158),
    "Trentino-Alto Adige": (1107, 74),
    "Veneto": (2440, 164),
}
TABLE_2_AGES = tuple(TEN_YEARS)[3:]
TABLE_2 = {
    "Lombardia": (0.001, 0.007, 0.026, 0.083, 0.250, 0.417, 0.215),
    "Emilia-Romagna": (0.003, 0.007, 0.032, 0.083, 0.270, 0.398, 0.205),
}
# Table 1, province of Bergamo, and its cumulative official deaths as the authors typed them: at the
# ends of the weeks from 22 February to 11 April, and on 9 May.
TABLE_1_BERGAMO = (6285, 39)
BERGAMO_OFFICIAL = (0, 0, 0, 261, 1085, 1759, 2425, 2693)
BERGAMO_OFFICIAL_MAY = 3101
# The talk: excess from 23 February to 28 March, from the release of 16 April.
TALK = {
    "Lombardia": 15015,
    "Emilia-Romagna": 4054,
    "Piemonte": 2904,
    "Veneto": 1635,
    "Toscana": 1499,
    "Marche": 1262,
}
# The ages that table 2 seems to leave out; found by trying, too.
LEFT_OUT = ("5-9", "100+")


@dataclass(frozen=True, eq=False)
class MayDeaths:
    """Deaths by COVID-19 as the rule has them, and without its biases; all arrays (...).

    Attributes
    ----------
    weekly : Excess
        Of the seven weeks from 23 February to 11 April, not floored. Weeks of the two sets of
        towns are correlated as in the set that has them all.
    published, published_error
        With floors, and with errors added in quadrature.
    plain, plain_error
        Without floors, and with covariances between weeks.
    """

    weekly: Excess
    published: np.ndarray
    published_error: np.ndarray
    plain: np.ndarray
    plain_error: np.ndarray


def series_excess(
    series: WeeklyDeaths, factor: np.ndarray | float = 1.0, model: Counterfactual | None = None
) -> Excess:
    """Return the excess of 2020 after the first six weeks.

    Parameters
    ----------
    series : WeeklyDeaths
        One sex or the sum of both; the last year is 2020, the others are controls.
    factor : ndarray, (region, age) or broadcast
        By what it is multiplied.
    model : Counterfactual
        What continues the year; the conditional Gaussian process of the paper by default.

    Returns
    -------
    Excess
        (region, age, week).
    """
    if series.years[-1] != 2020 or len(series.sexes) != 1:
        raise ValueError("give records of one sex, or of both together, whose last year is 2020")
    rates = series.rates()[:, :, 0]
    fitted = (model or ConditionalGP()).fit(np.swapaxes(rates[..., :-1, :], 0, 1))
    prediction = fitted.predict(np.swapaxes(rates[..., -1, :PRE_WEEKS], 0, 1))
    late = np.swapaxes(series.deaths[:, :, 0, -1, PRE_WEEKS:], 0, 1)
    scale = np.swapaxes(np.broadcast_to(factor, series.deaths.shape[:2]), 0, 1)
    found = excess.of_prediction(late, series.days[-1, PRE_WEEKS:], prediction, scale)
    return Excess(np.swapaxes(found.weekly, 0, 1), np.swapaxes(found.covariance, 0, 1))


def town_factors(
    wide: WeeklyDeaths, narrow: WeeklyDeaths, factor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what class 1 and 2, and class 1 alone, are scaled by, (region,) each.

    Parameters
    ----------
    wide, narrow : WeeklyDeaths
        Of the same regions, in towns of classes 1 and 2 and in those of class 1.
    factor : ndarray, (region,)
        Total over covered population for the wide set.
    """
    both = [s.total("age", "sex").deaths[:, 0, 0, -1, PRE_WEEKS:] for s in (wide, narrow)]
    scaled, few = both[0] * factor[:, None], both[1][:, : both[0].shape[-1]]
    return factor, excess.bridging_factor(scaled, few)


def deaths_of_may(
    wide: WeeklyDeaths,
    narrow: WeeklyDeaths,
    factors: tuple[np.ndarray, np.ndarray],
    official: np.ndarray,
    added: np.ndarray,
    model: Counterfactual | None = None,
) -> MayDeaths:
    """Return deaths by the rule, for each region and age.

    Parameters
    ----------
    wide, narrow : WeeklyDeaths
        As for `town_factors`, by one sex or both together.
    factors : tuple of ndarray, (region,)
        From `town_factors`.
    official : ndarray, (region, age, 7)
        Official deaths in each week from 23 February to 11 April.
    added : ndarray, (region, age)
        Official deaths from 12 April to 9 May.
    model : Counterfactual
        As for `series_excess`.
    """
    parts = [
        series_excess(series, scale[:, None], model).later(BEFORE)
        for series, scale in zip((wide, narrow), factors)
    ]
    n = parts[0].weekly.shape[-1]
    weekly = np.concatenate([parts[0].weekly, parts[1].weekly[..., n:]], axis=-1)
    deviation = np.concatenate([parts[0].deviation, parts[1].deviation[..., n:]], axis=-1)
    own = parts[1].deviation
    correlation = parts[1].covariance / (own[..., :, None] * own[..., None, :])
    joint = Excess(weekly, correlation * deviation[..., :, None] * deviation[..., None, :])
    plain, plain_deviation = joint.total()
    return MayDeaths(
        weekly=joint,
        published=excess.floored(weekly, official).sum(-1) + added,
        published_error=np.sqrt((deviation**2).sum(-1) + added),
        plain=plain + added,
        plain_error=np.sqrt(plain_deviation**2 + added),
    )


def province_deaths(
    series: WeeklyDeaths, factor: float, model: Counterfactual | None = None
) -> MayDeaths:
    """Return deaths of the province of Bergamo by the rule, where its towns are known to 11 April.

    Parameters
    ----------
    series : WeeklyDeaths
        Of the province, both sexes and all ages together, 14 weeks: from a release that has them,
        ``read_towns(path, source).weekly("04-11", "Bergamo").total("age", "sex")``.
    factor : float
        Total over covered population.
    model : Counterfactual
        As for `series_excess`.

    Returns
    -------
    MayDeaths
        Arrays (1, 1), to be compared with `TABLE_1_BERGAMO`.
    """
    floors = np.diff(BERGAMO_OFFICIAL)[None, None]
    added = np.array([[BERGAMO_OFFICIAL_MAY - BERGAMO_OFFICIAL[-1]]])
    wide = series.select(weeks=(series.week_ends[0], "03-28"))
    scale = np.array([factor])
    return deaths_of_may(wide, series, (scale, scale), floors, added, model)


def without_ages(left_out: tuple[str, ...] = LEFT_OUT) -> dict[str, tuple[str, ...]]:
    """Return ten years of age each, without some classes of age."""
    return {
        label: tuple(age for age in ages if age not in left_out)
        for label, ages in TEN_YEARS.items()
    }
