"""The releases of a synthetic country: its deaths dispersed over towns and days, and published.

Each region has five towns: two with data for 2020 to 15 April (class 1 of the release of May), two
to 31 March (class 2), one without (class 3). The by-town file is written in Istat's layout, with
its sentinel, and read like the real one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from . import weeks
from .compilation import Compilation
from .official import OfficialAges, OfficialCounts
from .populations import Coverage
from .records import TEN_YEARS, WeeklyDeaths
from .regions import BERGAMO, REGIONS
from .releases import Releases
from .simulate import WEEKLY_DEATHS, Habits, SyntheticCountry, simulate
from .towns import LAYOUTS, YEARS, read_towns

N_WEEKS = 19  # to 16 May
SHARES = np.array([0.3, 0.25, 0.2, 0.15, 0.1])  # of a region's people in each of its towns
CLASSES = np.array([1, 1, 2, 2, 3])
LAST_DAY = {1: 415, 2: 331, 3: 0}  # with data for 2020, by class
MORTALITY = 0.0106  # deaths a year and person
DELAY = 5  # days from a death to the official count
SWABS = 18.0  # for each official death; a third of them finds a case
_FIRST, _LAST = np.datetime64("2020-02-24"), np.datetime64("2020-05-16")


def of_synthetic_country(folder: Path, seed: int, size: float = 0.3) -> Releases:
    """Make up a country and publish its deaths.

    Parameters
    ----------
    folder : Path
        The by-town file is written here.
    seed : int
        Of all that is random.
    size : float
        Deaths as a part of Italy's.
    """
    country = simulate(seed, n_weeks=N_WEEKS, habits=Habits(size=size))
    deaths = country.deaths
    cells, town = _individuals(deaths, np.random.default_rng([seed, 1]))
    path = folder / "comune_giorno.csv"
    write_by_town(path, deaths, cells, town, np.random.default_rng([seed, 2]))
    wide = _of_towns(deaths, cells, town, 2).select(weeks=("01-11", "03-28"))
    narrow = _of_towns(deaths, cells, town, 1).select(weeks=("01-11", "04-11"))
    parts = [_coverage(size, towns) for towns in (2, 1, 3)]
    official = _official(country)
    return Releases(
        towns=read_towns(path, deaths.source),
        weekly={
            "march28": wide, "april4": wide, "may4_cl2": wide, "may4_cl1": narrow, "june30": deaths
        },
        coverage={
            "march28": parts[0], "april4": parts[0], "may4_cl2": parts[0], "may4_cl1": parts[1],
            "june30": parts[2],
        },
        coverage_of_2019=parts[0],
        population=_population(deaths, parts[2]),
        official=official,
        official_added=official,
        official_ages=_official_ages(country),
        march=None,
        compiled=_compiled(deaths),
    )  # fmt: skip


def write_by_town(
    path: Path,
    deaths: WeeklyDeaths,
    cells: tuple[np.ndarray, ...],
    town: np.ndarray,
    generator: np.random.Generator,
) -> None:
    """Write individual deaths by town and day, in the layout of the release of May.

    Parameters
    ----------
    path : Path
        The file.
    deaths : WeeklyDeaths
        What the individuals make up.
    cells : tuple of ndarray, five of (n,)
        Region, age, sex, year and week of each, as positions.
    town : ndarray, (n,)
        Number of the town in its region.
    generator : Generator
        For the days.
    """
    region, age, sex, year, week = cells
    start = np.where(week == 0, 0, 7 * week + 4)
    length = deaths.days[year, week]
    day = weeks.DAYS[start + (generator.random(len(week)) * length).astype(np.int64)]
    key = np.stack([region, town, age, day], axis=1)
    rows, number = np.unique(key, axis=0, return_inverse=True)
    counts = np.zeros((len(rows), 3, len(YEARS)), dtype=np.int64)
    np.add.at(counts, (number.ravel(), sex, year), 1)
    counts[:, 2] = counts[:, 0] + counts[:, 1]
    last = np.array([LAST_DAY[c] for c in CLASSES])[rows[:, 1]]
    shown = counts.astype(object)
    shown[rows[:, 3] > last, :, -1] = "n.d."
    names = list(LAYOUTS["4 May 2020"])
    table = pd.DataFrame(shown.reshape(len(rows), -1), columns=names[-3 * len(YEARS) :])
    table["REG"] = table["PROV"] = rows[:, 0] + 1
    table["NOME_REGIONE"] = np.array(REGIONS)[rows[:, 0]]
    inside = (rows[:, 0] == REGIONS.index("Lombardia")) & np.isin(rows[:, 1], (0, 2))
    table["NOME_PROVINCIA"] = np.where(inside, BERGAMO, table["NOME_REGIONE"])
    table["NOME_COMUNE"] = [f"Town {n + 1}" for n in rows[:, 1]]
    table["COD_PROVCOM"] = 1000 * (rows[:, 0] + 1) + rows[:, 1] + 1
    table["TIPO_COMUNE"] = CLASSES[rows[:, 1]]
    table["CL_ETA"], table["GE"] = rows[:, 2], rows[:, 3]
    table[names].to_csv(path, index=False, encoding="latin-1")


def _individuals(
    deaths: WeeklyDeaths, generator: np.random.Generator
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Return region, age, sex, year and week of everybody who died, and the town."""
    counts = deaths.deaths.astype(np.int64)
    everybody = np.repeat(np.arange(counts.size), counts.ravel())
    cells = np.unravel_index(everybody, counts.shape)
    return tuple(cells), generator.choice(len(SHARES), len(everybody), p=SHARES)


def _of_towns(
    deaths: WeeklyDeaths, cells: tuple[np.ndarray, ...], town: np.ndarray, up_to: int
) -> WeeklyDeaths:
    """Return deaths in towns of a class and those before it."""
    there = CLASSES[town] <= up_to
    sums = np.zeros(deaths.deaths.shape)
    np.add.at(sums, tuple(cell[there] for cell in cells), 1)
    return replace(deaths, deaths=sums)


def _coverage(size: float, up_to: int) -> Coverage:
    people = np.array([WEEKLY_DEATHS[r] for r in REGIONS]) * 52 * size / MORTALITY
    there = np.isin(CLASSES, np.arange(up_to + 1))
    ones = np.ones(len(REGIONS))
    return Coverage(
        REGIONS, len(SHARES) * ones, people, there.sum() * ones, SHARES[there].sum() * people
    )


def _population(deaths: WeeklyDeaths, coverage: Coverage) -> dict[str, np.ndarray]:
    """Return people by age, in numbers like Italy's, and those of Bergamo's two towns."""
    pyramid = np.array([8.4, 9.5, 10.3, 11.6, 15.3, 15.5, 12.2, 9.9, 6.0, 1.3]) / 100
    found = {r: pyramid * n for r, n in zip(REGIONS, coverage.population)}
    return found | {BERGAMO: found["Lombardia"] * SHARES[[0, 2]].sum()}


def _compiled(deaths: WeeklyDeaths) -> Compilation:
    """Return deaths in weeks of seven days; where these begin within one of ours, a part of it."""
    sums = np.cumsum(deaths.total("age", "sex").deaths[:, 0, 0], axis=-1)
    ends = np.cumsum(deaths.days, axis=1)
    days = 7 * np.arange(ends[:, -1].min() // 7 + 1)
    at = [
        [np.interp(days, (0, *end), (0, *row)) for end, row in zip(ends, region)] for region in sums
    ]
    return Compilation(deaths.regions, deaths.years, np.diff(np.round(at), axis=-1))


def _reported(country: SyntheticCountry) -> np.ndarray:
    """Return deaths that will be in the official count, (region, ten years of age, sex, week)."""
    added = replace(country.ordinary, deaths=_last_year(country)).age_bins().deaths[:, :, :, -1]
    share = np.interp(np.arange(len(TEN_YEARS)), (6, 9), (0.95, 0.4))
    return np.asarray(added * share[:, None, None])


def _last_year(country: SyntheticCountry) -> np.ndarray:
    deaths = np.zeros_like(country.ordinary.deaths)
    deaths[..., -1, :] = country.injected
    return deaths


def _cumulative(country: SyntheticCountry, dates: np.ndarray) -> np.ndarray:
    """Return reported deaths (region, age, sex, date), whole numbers, each a while after death."""
    ends = [np.datetime64(f"2020-{end}") for end in country.ordinary.week_ends]
    since = (np.array(ends) - ends[0]).astype(np.float64)
    at = (dates - DELAY - ends[0]).astype(np.float64)
    sums = np.cumsum(_reported(country), axis=-1)
    flat = [np.interp(at, since, row) for row in sums.reshape(-1, len(ends))]
    return np.floor(np.reshape(flat, (*sums.shape[:-1], len(dates))))


def _official(country: SyntheticCountry) -> OfficialCounts:
    dates = np.arange(_FIRST, _LAST + 1)
    deaths = _cumulative(country, dates).sum((1, 2))
    swabs = np.ceil(SWABS * deaths + 100)
    return OfficialCounts(REGIONS, dates, deaths, np.floor(swabs / 3), swabs)


def _official_ages(country: SyntheticCountry) -> OfficialAges:
    dates = np.array(["2020-04-11", "2020-04-28", "2020-05-16"], "datetime64[D]")
    deaths = _cumulative(country, dates).sum(0)
    return OfficialAges(dates, tuple(TEN_YEARS), np.moveaxis(deaths, -1, 0).swapaxes(1, 2))
