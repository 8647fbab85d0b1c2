"""What the hierarchical model believes before it has seen a death.

The logarithm of the expected deaths a day in region r, age a, week t and year y is::

    alpha_a + beta_r + gamma_ra                      who lives where, and how old they are
    + trend (y - mean y) + trend_a (y - mean y)      an ageing country
    + season_t + tilt of age season_t + season_at + season_rt
    + level_ay                                       how a year differs, by age
    + phi_a F_rty + c_a g_ty                         influenza, and what it does to which age

F is a Gaussian process over regions and weeks, independent between years, the sum of

- a wave of influenza with a national part, one for each macro-area and one for each region, which
  fades through the year as ``exp(-t / fading)`` and remembers for ``memory`` weeks (Matern 3/2:
  Rasmussen and Williams 2006, equation 4.17);
- weather, with a national and a regional part and a short memory (exponential kernel);
- the year's level, with a national and a regional part.

The effect grows with age as ``phi = exp(kappa (age - 85) / 10)``, and g moves the exponent from one
week to another: ``c = phi (age - 85) / 10``. Deaths are Poisson: with F the model is a
Poisson-lognormal one, whose overdispersion is shared by the ages of a region.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from mlsci.mortality.regions import macro_area

DTYPE = tf.float64
SEASON_LENGTH = 6.0  # weeks, of the squared exponential kernel whose components make the season
SEASON_COMPONENTS = 4
OLD, DECADE = 85.0, 10.0  # ages are counted in decades from 85


class LogNormal(NamedTuple):
    """Prior of a positive hyperparameter: its median, and the deviation of its logarithm."""

    median: float
    spread: float
    meaning: str


# Medians and spreads were set on 2015-2018, before 2019 was looked at.
PRIORS: dict[str, LogNormal] = {
    "wave": LogNormal(0.12, 0.5, "national wave of influenza at New Year, log scale"),
    "fading": LogNormal(5.0, 0.4, "weeks in which waves fade by a factor e"),
    "memory": LogNormal(3.0, 0.5, "memory of waves, weeks"),
    "wave_macro": LogNormal(0.3, 0.7, "macro-areas' waves, share of the national one"),
    "wave_region": LogNormal(0.2, 0.7, "regions' waves, share of the national one"),
    "weather": LogNormal(0.02, 0.5, "national weather, log scale"),
    "weather_memory": LogNormal(1.0, 0.5, "memory of weather, weeks"),
    "weather_region": LogNormal(0.02, 0.7, "regional weather, log scale"),
    "year": LogNormal(0.015, 0.5, "national level of a year, log scale"),
    "year_region": LogNormal(0.012, 0.5, "regional level of a year, log scale"),
    "year_age": LogNormal(0.015, 0.5, "level of an age in a year, log scale"),
    "kappa": LogNormal(0.28, 0.3, "growth of the effect of waves, a decade of age"),
    "season_age": LogNormal(0.05, 0.7, "an age's own season, log scale"),
    "season_region": LogNormal(0.03, 0.7, "a region's own season, log scale"),
    "tilt": LogNormal(0.2, 0.7, "change of kappa from wave to wave, share of the wave"),
}
NAMES = tuple(PRIORS)
MEDIAN = np.log([prior.median for prior in PRIORS.values()])
SPREAD = np.array([prior.spread for prior in PRIORS.values()])

# Deviations of the effects that are learned almost freely, log scale (a year, for trends).
FIXED = {"season": 0.3, "trend": 0.01, "trend_age": 0.015}
LEARNED = {"season_age", "season_region"}


@dataclass(frozen=True)
class Layout:
    """Which cells the model speaks of; what is observed of them is another matter.

    Attributes
    ----------
    macro
        Number of each region's macro-area, ``(regions,)``.
    decades
        Middle of each class of age, in decades from 85 years, ``(ages,)``.
    middle
        Middle of each week, ``(weeks,)``, in weeks from the first one.
    years
        ``(years,)``.
    baseline
        Mean of all log rates (deaths a day) before data; deviations of alpha, beta and gamma.
    """

    macro: np.ndarray
    decades: np.ndarray
    middle: np.ndarray
    years: np.ndarray
    baseline: tuple[float, float, float, float] = (0.0, 3.0, 2.0, 0.3)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Numbers of years, regions, ages and weeks."""
        return len(self.years), len(self.macro), len(self.decades), len(self.middle)


def macro_numbers(regions: Sequence[str]) -> np.ndarray:
    """Return a number ``(regions,)`` for each region's macro-area, from 0."""
    areas = [macro_area(region) for region in regions]
    return np.array([sorted(set(areas)).index(area) for area in areas])


def decades(ages: Sequence[str]) -> np.ndarray:
    """Return the middles of classes of age ("40-49", "90+") in decades from 85, ``(ages,)``.

    Raises
    ------
    ValueError
        For a label that is no such class.

    Examples
    --------
    >>> decades(["70-79", "80-89", "90+"])
    array([-1.,  0.,  1.])
    """
    middle = []
    for label in ages:
        match = re.fullmatch(r"(\d+)(?:-(\d+)|\+)", label)
        if match is None:
            raise ValueError(f"{label!r} is no class of age: write 40-49 or 90+")
        low = int(match[1])
        middle.append(0.5 * (low + (int(match[2]) + 1 if match[2] else low + DECADE)))
    return (np.array(middle) - OLD) / DECADE


def season_components(middle: np.ndarray) -> np.ndarray:
    """Return the largest components ``(weeks, n)`` of a smooth season without a mean.

    The sum of components with independent standard normal factors has the covariance of a squared
    exponential process of unit variance, as far as they carry it.
    """
    gap = middle[:, None] - middle[None]
    centre = np.eye(len(middle)) - 1 / len(middle)
    smooth = centre @ np.exp(-0.5 * (gap / SEASON_LENGTH) ** 2) @ centre
    values, vectors = np.linalg.eigh(smooth)
    largest = np.argsort(values)[::-1][: min(SEASON_COMPONENTS, len(middle) - 1)]
    return np.asarray(vectors[:, largest] * np.sqrt(values[largest]))


def shared_effects(layout: Layout) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the design of what years share, and the group of each of its columns.

    Returns
    -------
    design : ndarray, (years, regions, ages, weeks, effects)
        What a unit of each effect adds to the log rates.
    groups : tuple of str, (effects,)
        "alpha", "beta", "gamma", or the name of the effect's deviation.
    """
    _, R, A, T = layout.shape
    eye_r = np.eye(R)[:, :, None, None]
    eye_a = np.eye(A)[:, None, :, None]
    season = season_components(layout.middle).T[:, None, None, :]
    tilt = (layout.decades / 3)[None, None, :, None]
    always = {
        "alpha": eye_a,
        "beta": eye_r,
        "gamma": (eye_r[:, None] * eye_a[None]).reshape(R * A, R, A, 1),
        "season": np.concatenate([season + 0 * tilt, season * tilt]),
        "season_age": (eye_a[:, None] * season[None, :2]).reshape(-1, 1, A, T),
        "season_region": (eye_r[:, None] * season[None]).reshape(-1, R, 1, T),
    }
    yearly = {"trend": np.ones((1, 1, 1, 1)), "trend_age": eye_a}
    columns, groups = [], []
    elapsed = (layout.years - layout.years.mean())[:, None, None, None, None]
    for effects, factor in ((always, np.ones_like(elapsed)), (yearly, elapsed)):
        for group, column in effects.items():
            full = np.broadcast_to(column, (len(column), R, A, T))
            columns.append(factor * np.moveaxis(full, 0, -1)[None])
            groups += [group] * len(column)
    return np.concatenate(columns, axis=-1), tuple(groups)


def shared_deviations(theta: tf.Tensor, groups: Sequence[str], layout: Layout) -> tf.Tensor:
    """Return the prior deviations ``(effects,)`` of what years share."""
    value = dict(zip(NAMES, tf.unstack(tf.exp(theta))))
    free = dict(zip(("alpha", "beta", "gamma"), layout.baseline[1:])) | FIXED
    known = {name: tf.constant(deviation, DTYPE) for name, deviation in free.items()}
    deviation = known | {name: value[name] for name in LEARNED}
    return tf.stack([deviation[group] for group in groups])


class YearCovariance(NamedTuple):
    """Prior covariance of what is a year's own: F, g and the ages' levels."""

    field: tf.Tensor  # (regions * weeks, regions * weeks)
    tilt: tf.Tensor  # (weeks, weeks)
    level: tf.Tensor  # (), the same variance for each age


def year_covariance(theta: tf.Tensor, layout: Layout) -> YearCovariance:
    """Return the covariances of one year's effects, for log hyperparameters ``(15,)``."""
    value = dict(zip(NAMES, tf.unstack(tf.exp(theta))))
    _, R, _, T = layout.shape
    middle = tf.constant(layout.middle, DTYPE)
    gap = tf.abs(middle[:, None] - middle[None])
    scaled = math.sqrt(3) * gap / value["memory"]
    faded = tf.exp(-(middle[:, None] + middle[None]) / value["fading"])
    wave = value["wave"] ** 2 * faded * (1 + scaled) * tf.exp(-scaled)
    weather = tf.exp(-gap / value["weather_memory"])

    nation = wave + value["weather"] ** 2 * weather + value["year"] ** 2
    macro = value["wave_macro"] ** 2 * wave
    region = (
        value["wave_region"] ** 2 * wave
        + value["weather_region"] ** 2 * weather
        + value["year_region"] ** 2
        + 1e-6 * tf.eye(T, dtype=DTYPE)  # a thousandth of a rate, for stable factors
    )
    same_macro = tf.constant(layout.macro[:, None] == layout.macro[None])
    same_macro = tf.cast(same_macro, DTYPE)[:, None, :, None]
    same = tf.eye(R, dtype=DTYPE)[:, None, :, None]
    field = nation[None, :, None] + same_macro * macro[None, :, None] + same * region[None, :, None]
    return YearCovariance(
        tf.reshape(field, (R * T, R * T)),
        value["tilt"] ** 2 * wave + 1e-8 * tf.eye(T, dtype=DTYPE),
        value["year_age"] ** 2,
    )


def loadings(theta: tf.Tensor, layout: Layout) -> tuple[tf.Tensor, tf.Tensor]:
    """Return phi and c, ``(ages,)`` each: how F and g act on the ages."""
    age = tf.constant(layout.decades, DTYPE)
    phi = tf.exp(tf.exp(theta[NAMES.index("kappa")]) * age)
    return phi, phi * age


def log_prior(theta: tf.Tensor) -> tf.Tensor:
    """Return the log prior density ``()`` of log hyperparameters ``(15,)``."""
    z = (theta - MEDIAN) / SPREAD
    constant = float(np.sum(np.log(SPREAD)) + 0.5 * len(NAMES) * math.log(2 * math.pi))
    return -0.5 * tf.reduce_sum(z**2) - constant


def draw_log_rates(theta: np.ndarray, layout: Layout, seed: int) -> np.ndarray:
    """Return log deaths a day ``(years, regions, ages, weeks)`` drawn from the prior.

    Parameters
    ----------
    theta
        Log hyperparameters ``(15,)``, in the order of `NAMES`.
    """
    generator = np.random.default_rng(seed)
    Y, R, A, T = layout.shape
    design, groups = shared_effects(layout)
    spread = shared_deviations(tf.constant(theta, DTYPE), groups, layout).numpy()
    shared = design @ (spread * generator.standard_normal(len(groups)))
    covariance = year_covariance(tf.constant(theta, DTYPE), layout)
    phi, c = (x.numpy()[:, None] for x in loadings(tf.constant(theta, DTYPE), layout))
    field = generator.standard_normal((Y, R * T)) @ np.linalg.cholesky(covariance.field.numpy()).T
    tilt = generator.standard_normal((Y, T)) @ np.linalg.cholesky(covariance.tilt.numpy()).T
    level = generator.standard_normal((Y, A)) * np.sqrt(covariance.level.numpy())
    year = phi * field.reshape(Y, R, 1, T) + c * tilt[:, None, None] + level[:, None, :, None]
    return np.asarray(layout.baseline[0] + shared + year)
