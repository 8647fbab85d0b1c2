"""The files of the data set "italy_mortality", read: one function for each kind.

All raise `mlsci.data.MissingData`, with the mend, where the data set is not at hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from mlsci import data

from . import compilation, march, official, populations, towns, weekly
from .records import WeeklyDeaths

NAME = "italy_mortality"
Release = Literal["march28", "april4", "may4_cl1", "may4_cl2", "june30"]

# What the regional weekly tables are made from. Class 1 of the release of 4 May are the towns with
# data to 15 April, class 2 those and the ones with data to 31 March.
RELEASES: dict[Release, str] = {
    "march28": "Istat, release of 9 April 2020, to 28 March",
    "april4": "Istat, release of 16 April 2020, to 28 March",
    "may4_cl1": "Istat, release of 4 May 2020, towns of class 1, to 11 April",
    "may4_cl2": "Istat, release of 4 May 2020, towns of classes 1 and 2, to 28 March",
    "june30": "Istat, release to 30 June 2020, to 27 June",
}
TOWNS = "Istat, release of 9 April 2020"


def available() -> bool:
    """Return whether the data set is at hand."""
    return data.available(NAME) is not None


def _path(file: str) -> Path:
    return data.path(NAME, file)


def deaths(release: Release) -> WeeklyDeaths:
    """Return weekly deaths by region, age and sex in the towns that a release covers."""
    stem, _, kind = release.partition("_")
    ending = f"_{kind}" if kind else ""
    return weekly.read_regional_weekly(
        _path(f"{stem}_regional_weekly_age_sex{ending}.tsv"), RELEASES[release]
    )


def coverage(release: Release) -> populations.Coverage:
    """Return what part of each region a release covers."""
    stem, _, kind = release.partition("_")
    ending = f"_{kind}" if kind else ""
    return populations.read_coverage(_path(f"{stem}_regional_population_fraction{ending}.tsv"))


def coverage_of_2019() -> populations.Coverage:
    """Return what part of each region "april4" covers, by the population of 1 January 2019."""
    return populations.read_coverage(_path("april4_regional_population_fraction_2019.tsv"))


def town_deaths() -> towns.TownDeaths:
    """Return daily deaths by town, from the release of 9 April 2020."""
    return towns.read_towns(_path("comune_giorno_20200409.rds"), TOWNS)


def population() -> dict[str, np.ndarray]:
    """Return the population by ten years of age, by region and for the province of Bergamo."""
    return populations.read_populations(_path("population_by_region_age10.tsv"))


def official_counts(leave_out: tuple[str, ...] = ()) -> official.OfficialCounts:
    """Return official COVID-19 deaths, cases and swabs by region and day."""
    return official.read_official(_path("protezione_civile_regional_daily.tsv"), leave_out)


def official_ages() -> official.OfficialAges:
    """Return official COVID-19 deaths by age and sex."""
    return official.read_official_ages(_path("iss_covid_deaths_by_age_sex.csv"))


def march_deaths() -> march.MarchDeaths:
    """Return deaths in March by town, 2020 and mean of 2015 to 2019."""
    return march.read_march(_path("istat_tavola_31marzo_6866_comuni.xlsx"))


def compiled_deaths() -> compilation.Compilation:
    """Return The Economist's weekly deaths by region, to 26 May 2020."""
    return compilation.read_compilation(_path("economist_italy_regional_weekly_2015_20200630.csv"))
