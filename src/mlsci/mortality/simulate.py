"""A synthetic country: made-up deaths in the shape of the real records, with a known excess.

It has Italy's regions, ages, sexes and weeks, and its years differ as Italy's do: winters that rise
with age, influenza that all regions share, a little of each region's own, and chance. The deaths
of its epidemic are known one by one, so it can be told whether a model finds them.

Whatever is made of it says "synthetic country" in its `source`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from . import weeks
from .records import AGES, SEXES, SYNTHETIC, WeeklyDeaths
from .regions import REGIONS, macro_area

# What the numbers below are rounded from: Istat's deaths of 2015-2019, 1 January to 27 June, of the
# release to 30 June 2020.
WEEKLY_DEATHS = MappingProxyType(
    {
        "Piemonte": 1020, "Valle d'Aosta": 27, "Lombardia": 1960, "Trentino-Alto Adige": 180,
        "Veneto": 920, "Friuli-Venezia Giulia": 280, "Liguria": 430, "Emilia-Romagna": 980,
        "Toscana": 850, "Umbria": 200, "Marche": 330, "Lazio": 1100, "Abruzzo": 290, "Molise": 73,
        "Campania": 1040, "Puglia": 760, "Basilicata": 110, "Calabria": 380, "Sicilia": 1000,
        "Sardegna": 310,
    }
)  # fmt: skip
"""Mean deaths a week by region."""

AGE_SHARE = np.array(
    [0.0020, 0.0004, 0.0003, 0.0004, 0.0009, 0.0013, 0.0016, 0.0020, 0.0033, 0.0062, 0.0109,
     0.0177, 0.0253, 0.0359, 0.0551, 0.0773, 0.1213, 0.1749, 0.2160, 0.1734, 0.0615, 0.0124]
)  # fmt: skip
"""Share of each class of age in all deaths."""

FEMALE_SHARE = np.array(
    [0.46, 0.45, 0.42, 0.40, 0.29, 0.27, 0.30, 0.31, 0.37, 0.37, 0.38,
     0.39, 0.38, 0.37, 0.37, 0.39, 0.43, 0.49, 0.57, 0.67, 0.75, 0.83]
)  # fmt: skip
"""Share of women in the deaths of each class of age."""

_YEARS_OF_AGE = np.array([0.5, 3.0, *np.arange(7.5, 100, 5), 101.0])


@dataclass(frozen=True)
class Habits:
    """How the country's ordinary years go.

    Attributes
    ----------
    winter
        Amplitude of the yearly wave in the logarithm of the rate, at ages of 90 and more; it falls
        to zero at 40.
    influenza
        Standard deviation of the national anomaly in the first week and from April on.
    influenza_weeks
        Width in weeks of the fall from the first to the second.
    memory
        Correlation of the national anomaly from one week to the next.
    regional, regional_memory
        Standard deviation and correlation from week to week of each region's own anomaly.
    trend
        Growth of the rate from year to year.
    size
        Deaths as a part of Italy's.
    """

    winter: float = 0.21
    influenza: tuple[float, float] = (0.12, 0.025)
    influenza_weeks: float = 7.0
    memory: float = 0.85
    regional: float = 0.015
    regional_memory: float = 0.5
    trend: float = 0.006
    size: float = 1.0


CALM = Habits(influenza=(0.0, 0.0), regional=0.0, trend=0.0)
"""Years that differ by chance alone."""


@dataclass(frozen=True)
class Epidemic:
    """What is added to the last year: deaths in proportion to the ordinary ones.

    Attributes
    ----------
    excess
        Largest weekly excess of a macro-area relative to its ordinary deaths, at high ages.
    hardest, hardest_excess
        A region that has its own.
    onset, peak
        Last day, "MM-DD", of the last week without excess and of the worst week.
    old
        Age at which half of the full excess is reached; young people are spared.
    """

    excess: Mapping[str, float] = field(
        default_factory=lambda: {
            "North-West": 1.1, "North-East": 0.9, "Centre": 0.3, "South": 0.08, "Islands": 0.06
        }
    )  # fmt: skip
    hardest: str = "Lombardia"
    hardest_excess: float = 2.6
    onset: str = "02-22"
    peak: str = "03-28"
    old: float = 60.0


@dataclass(frozen=True, eq=False)
class SyntheticCountry:
    """The country's records, with its epidemic and without.

    Attributes
    ----------
    ordinary
        Deaths of all years without the epidemic, and in no other way different.
    injected : ndarray of float64, (region, age, sex, week)
        Deaths that the epidemic adds to the last year. Read-only.
    """

    ordinary: WeeklyDeaths
    injected: np.ndarray

    def __post_init__(self) -> None:
        """Refuse records that do not say what they are."""
        if not self.ordinary.synthetic:
            raise ValueError(f"the source must begin with {SYNTHETIC!r}: {self.ordinary.source!r}")
        self.injected.setflags(write=False)

    @property
    def deaths(self) -> WeeklyDeaths:
        """All deaths, as they would be recorded."""
        deaths = self.ordinary.deaths.copy()
        deaths[..., -1, :] += self.injected
        return replace(self.ordinary, deaths=deaths)


def simulate(
    seed: int,
    *,
    n_weeks: int = 25,
    years: tuple[int, ...] = (2015, 2016, 2017, 2018, 2019, 2020),
    habits: Habits | None = None,
    epidemic: Epidemic | None = None,
) -> SyntheticCountry:
    """Make up a country.

    Parameters
    ----------
    seed
        Of all that is random: another seed, another country.
    n_weeks
        Number of weeks of each year, from 1 January.
    years
        The last one has the epidemic.
    habits, epidemic
        How ordinary years go and what the epidemic adds, Italy's like by default.
    """
    generator = np.random.default_rng(seed)
    ends = weeks.axis(n_weeks)
    days = weeks.days(ends, years)
    rate = expected_rates(generator, ends, years, habits or Habits())
    ordinary = WeeklyDeaths(
        deaths=generator.poisson(rate * days),
        days=days,
        regions=REGIONS,
        ages=AGES,
        sexes=SEXES,
        years=years,
        week_ends=ends,
        source=f"{SYNTHETIC} country, seed {seed}",
    )
    added = rate[..., -1, :] * days[-1] * relative_excess(epidemic or Epidemic(), ends)
    return SyntheticCountry(ordinary, generator.poisson(added).astype(np.float64))


def expected_rates(
    generator: np.random.Generator, ends: tuple[str, ...], years: tuple[int, ...], habits: Habits
) -> np.ndarray:
    """Return expected deaths a day of ordinary years, (region, age, sex, year, week)."""
    n, w = len(years), len(ends)
    level = habits.size / 7 * np.array([WEEKLY_DEATHS[region] for region in REGIONS])
    sexes = np.stack([1 - FEMALE_SHARE, FEMALE_SHARE], axis=-1)
    people = level[:, None, None] * (AGE_SHARE / AGE_SHARE.sum())[:, None] * sexes
    week = np.arange(w)
    wave = np.cos(2 * np.pi * (11 + 7 * week - 15) / 365.25)
    winter = habits.winter * np.clip((_YEARS_OF_AGE - 40) / 50, 0, 1)
    first, last = habits.influenza
    strength = last + (first - last) * np.exp(-((week / habits.influenza_weeks) ** 2))
    # Old people carry the anomaly; the mean over all deaths has the strength that is asked for.
    share = np.clip((_YEARS_OF_AGE - 40) / 50, 0, 1.2)
    share /= (AGE_SHARE * share).sum() / AGE_SHARE.sum()
    national = strength * _autoregression(generator, (n, w), habits.memory)
    own = habits.regional * _autoregression(generator, (len(REGIONS), n, w), habits.regional_memory)
    shared = (winter[:, None, None] * wave) + share[:, None, None] * national
    shared = shared + habits.trend * (np.arange(n) - n / 2)[:, None]
    log_factor = shared[None, :, None] + own[:, None, None]
    return np.asarray(people[..., None, None] * np.exp(log_factor))


def relative_excess(epidemic: Epidemic, ends: tuple[str, ...]) -> np.ndarray:
    """Return what the epidemic adds, relative to ordinary deaths, (region, age, 1, week).

    It grows from the week after the onset to the peak and falls, as ``(x exp(1 - x))^8``, which is
    about the course of Italy's spring of 2020.

    Raises
    ------
    ValueError
        If onset or peak end no week of the axis.
    """
    for end in (epidemic.onset, epidemic.peak):
        if end not in ends:
            raise ValueError(f"{end} is not the last day of a week; those are {', '.join(ends)}")
    onset, peak = ends.index(epidemic.onset), ends.index(epidemic.peak)
    x = np.maximum(np.arange(len(ends)) - onset, 0) / (peak - onset)
    course = (x * np.exp(1 - x)) ** 8
    area = [
        epidemic.hardest_excess if r == epidemic.hardest else epidemic.excess[macro_area(r)]
        for r in REGIONS
    ]
    age = 1 / (1 + np.exp(-(_YEARS_OF_AGE - epidemic.old) / 4))
    return np.array(area)[:, None, None, None] * age[:, None, None] * course


def _autoregression(
    generator: np.random.Generator, shape: tuple[int, ...], memory: float
) -> np.ndarray:
    """Return a stationary process of unit variance along the last axis, each year anew."""
    noise = generator.standard_normal(shape)
    process = noise.copy()
    for k in range(1, shape[-1]):
        process[..., k] = memory * process[..., k - 1] + np.sqrt(1 - memory**2) * noise[..., k]
    return process
