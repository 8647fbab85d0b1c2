"""A synthetic country town by town: as many towns as Italy has, of which not all are known.

The deaths of a region are dispersed over its towns, large ones and small ones, and over the days of
the week. The epidemic is worse in some towns than in others. Of some towns 2020 is known to
15 April, of more to the end of March, of some not at all, as in Istat's release of 4 May 2020; so
whoever wants the whole country's excess has to scale what the known towns say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from . import weeks
from .populations import Coverage
from .records import AGES, SEXES
from .regions import REGIONS
from .simulate import WEEKLY_DEATHS, SyntheticCountry
from .towns import LAYOUTS, YEARS, TownDeaths

# Istat, release of 4 May 2020: towns, those known to 15 April (class 1), those known to 31 March.
TOWNS = MappingProxyType(
    {
        "Piemonte": (1181, 783, 1089), "Valle d'Aosta": (74, 59, 67),
        "Lombardia": (1506, 1066, 1439), "Trentino-Alto Adige": (282, 96, 256),
        "Veneto": (563, 382, 490), "Friuli-Venezia Giulia": (215, 119, 190),
        "Liguria": (234, 98, 205), "Emilia-Romagna": (328, 249, 295), "Toscana": (273, 196, 229),
        "Umbria": (92, 41, 81), "Marche": (228, 111, 192), "Lazio": (378, 134, 277),
        "Abruzzo": (305, 156, 261), "Molise": (136, 68, 111), "Campania": (550, 191, 429),
        "Puglia": (257, 133, 209), "Basilicata": (131, 37, 109), "Calabria": (404, 122, 323),
        "Sicilia": (390, 155, 277), "Sardegna": (377, 231, 327),
    }
)  # fmt: skip
"""Number of towns of each region, of class 1, and of classes 1 and 2."""

LAST_DAY = {1: 415, 2: 331, 3: 0}
"""Last day known of 2020, 100 month + day, by class."""

FEWEST = (5, 3, 4)  # of a region in a part of the country, in the order of `TOWNS`
SIZE_SPREAD = 1.2  # deviation of the logarithm of towns' populations within a region
SEVERITY_SPREAD = 0.5  # of the logarithm of how strong the epidemic is in a town
MORTALITY = 0.0106  # deaths a year and person


@dataclass(frozen=True, eq=False)
class TownedCountry:
    """A synthetic country as it is, and as its towns tell.

    Attributes
    ----------
    country
        With every death.
    towns
        Daily deaths by town; those of 2020 only as far as they are known.
    coverage
        People in all towns, and in those known to 15 April (class 1).
    classes : ndarray of int64, (towns,)
        Class of each town, 1 to 3, in the order of the towns' codes.
    """

    country: SyntheticCountry
    towns: TownDeaths
    coverage: Coverage
    classes: np.ndarray


def in_towns(country: SyntheticCountry, seed: int, share: float = 1.0) -> TownedCountry:
    """Disperse a country's deaths over its towns.

    Parameters
    ----------
    country
        Of Italy's regions and of the six years of Istat's releases.
    seed
        Of the towns' sizes and classes, and of who lived in which.
    share
        Towns as a part of Italy's; every region keeps five at least.

    Raises
    ------
    ValueError
        If the country has other years than the releases.
    """
    if country.ordinary.years != YEARS:
        raise ValueError(f"years {country.ordinary.years}: Istat's by-town layout has {YEARS}")
    generator = np.random.default_rng([seed, 4])
    counts = [[max(round(share * n), m) for n, m in zip(TOWNS[r], FEWEST)] for r in REGIONS]
    classes = [_classes(generator, *map(int, numbers)) for numbers in counts]
    sizes = [np.exp(SIZE_SPREAD * generator.standard_normal(len(one))) for one in classes]
    sizes = [one / one.sum() for one in sizes]
    severity = [
        one * np.exp(SEVERITY_SPREAD * generator.standard_normal(len(one))) for one in sizes
    ]
    first = np.cumsum([0, *map(len, classes)])
    ordinary = country.ordinary.deaths
    epidemic = np.zeros_like(ordinary)
    epidemic[..., -1, :] = country.injected
    parts = [
        _dispersed(deaths, weight, first, country.ordinary.days, generator)
        for deaths, weight in ((ordinary, sizes), (epidemic, severity))
    ]
    merged = np.concatenate(parts)
    rows, number = np.unique(merged[:, 0], return_inverse=True)
    deaths = np.zeros((len(rows), len(SEXES), len(YEARS)))
    np.add.at(deaths, (number, merged[:, 1], merged[:, 2]), 1)
    town, age, day = np.unravel_index(rows, (first[-1], len(AGES), len(weeks.DAYS)))
    every = np.concatenate(classes)
    month_day = weeks.DAYS[day]
    last = np.array([0, *LAST_DAY.values()])[every[town]]
    deaths[month_day > last, :, -1] = np.nan
    region = np.searchsorted(first, town, side="right") - 1
    towns = TownDeaths(
        region=region,
        province=np.array(REGIONS)[region],
        town=_code(region, town - first[region]),
        age=age.astype(np.int64),
        month_day=month_day,
        deaths=deaths,
        source=country.ordinary.source,
    )
    return TownedCountry(country, towns, _coverage(country, sizes, classes), every)


def write_releases(path: Path, made: TownedCountry) -> None:
    """Write daily deaths by town in the layout of the release of 4 May 2020, for `read_towns`."""
    towns = made.towns
    counts = np.stack([towns.deaths[:, 0], towns.deaths[:, 1], towns.deaths.sum(1)], axis=1)
    flat = counts.reshape(len(counts), -1)
    codes, number = np.unique(towns.town, return_inverse=True)
    every = np.concatenate(
        [_code(np.full(len(n), r), n) for r, n in enumerate(_numbers(made.coverage))]
    )
    names = list(LAYOUTS["4 May 2020"])
    table = pd.DataFrame(flat, columns=names[-3 * len(YEARS) :]).astype("Int64")
    table["REG"] = table["PROV"] = towns.region + 1
    table["NOME_REGIONE"] = np.array(REGIONS)[towns.region]
    table["NOME_PROVINCIA"] = towns.province
    table["NOME_COMUNE"] = np.array([f"Town {code}" for code in codes])[number]
    table["COD_PROVCOM"] = towns.town
    table["TIPO_COMUNE"] = made.classes[np.searchsorted(every, codes)][number]
    table["CL_ETA"], table["GE"] = towns.age, towns.month_day
    table[names].to_csv(path, index=False, encoding="latin-1", na_rep="n.d.")


def _numbers(coverage: Coverage) -> list[np.ndarray]:
    return [np.arange(int(n)) for n in coverage.towns]


def _code(region: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Return towns' codes, made up and rising, of which none is Istat's."""
    return np.asarray(10000 * (region + 1) + number + 1, dtype=np.int64)


def _classes(generator: np.random.Generator, towns: int, first: int, second: int) -> np.ndarray:
    """Return a class for each town, in no order."""
    number = np.arange(towns)
    return generator.permutation(np.where(number < first, 1, np.where(number < second, 2, 3)))


def _dispersed(
    deaths: np.ndarray,
    weights: list[np.ndarray],
    first: np.ndarray,
    days: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return where, when and who everybody was: ``(deaths, 3)``, cell of the table, sex and year.

    Parameters
    ----------
    deaths
        Counts ``(region, age, sex, year, week)``.
    weights
        For each region, the chance ``(towns,)`` of each of its towns, but for a factor.
    first
        Number of each region's first town, ``(regions + 1,)``.
    days
        Length of the weeks, ``(year, week)``.
    generator
        For towns and days.
    """
    found = []
    for r, weight in enumerate(weights):
        counts = deaths[r].astype(np.int64)
        everybody = np.repeat(np.arange(counts.size), counts.ravel())
        age, sex, year, week = np.unravel_index(everybody, counts.shape)
        town = first[r] + generator.choice(len(weight), len(week), p=weight / weight.sum())
        start = np.where(week == 0, 0, 7 * week + 4)
        day = start + (generator.random(len(week)) * days[year, week]).astype(np.int64)
        cell = np.ravel_multi_index((town, age, day), (first[-1], len(AGES), len(weeks.DAYS)))
        found.append(np.stack([cell, sex, year], axis=1))
    return np.concatenate(found)


def _coverage(
    country: SyntheticCountry, sizes: list[np.ndarray], classes: list[np.ndarray]
) -> Coverage:
    """Return people in all towns and in those of class 1; deaths tell how many there are."""
    total = country.ordinary.deaths[..., :-1, :].sum()
    days = country.ordinary.days[:-1].sum()
    mean = np.array([WEEKLY_DEATHS[region] for region in REGIONS], np.float64)
    people = mean / mean.sum() * total / days * 365.25 / MORTALITY
    known = [one == 1 for one in classes]
    return Coverage(
        REGIONS,
        np.array([float(len(one)) for one in classes]),
        people,
        np.array([float(one.sum()) for one in known]),
        people * np.array([size[one].sum() for size, one in zip(sizes, known)]),
    )
