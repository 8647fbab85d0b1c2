"""How many people live in a region, and how many of them in the towns that a release covers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from .errors import AGAIN, RecordError, parse_table, read_content, refuse_rows, whole_counts
from .records import TEN_YEARS
from .regions import REGIONS, canonical, positions

_COVERAGE = ("total_commune", "mortality_commune", "total_population", "mortality_population")
_AGE_COLUMNS = (*(f"{age} years" for age in list(TEN_YEARS)[:-1]), "90-109 years")


@dataclass(frozen=True, eq=False)
class Coverage:
    """What part of each region a release covers.

    Attributes
    ----------
    regions : tuple of str, (region,)
    towns, population : ndarray of float64, (region,)
        Of the whole region. Population by the census of 2011, unless said otherwise.
    covered_towns, covered_population : ndarray of float64, (region,)
        Of the towns with data for 2020.
    """

    regions: tuple[str, ...]
    towns: np.ndarray
    population: np.ndarray
    covered_towns: np.ndarray
    covered_population: np.ndarray

    @property
    def factor(self) -> np.ndarray:
        """By what deaths in the covered towns are multiplied to stand for the region (region,)."""
        return np.asarray(self.population / self.covered_population)


def read_coverage(path: Path) -> Coverage:
    """Read towns and population of each region, in all and covered by a release.

    Parameters
    ----------
    path : Path
        Tab-separated text: REG, region, total_commune, mortality_commune, total_population,
        mortality_population and, in later releases, completeness.

    Returns
    -------
    Coverage
        In the order of `REGIONS`.

    Raises
    ------
    RecordError
        If the file is damaged, more is covered than there is, or a region is missing.
    """
    file = path.name
    table = parse_table(read_content(path), file, None, sep="\t")
    if list(table.columns)[:6] != ["REG", "region", *_COVERAGE]:
        raise RecordError(file, None, f"its columns are {list(table.columns)}", AGAIN)
    refuse = partial(refuse_rows, file, table)
    region = positions(table.region)
    refuse(region < 0, "there is no such region")
    counts = whole_counts(table[list(_COVERAGE)])
    refuse(~np.all(counts >= 1, axis=1), "a count is no whole number from 1")
    refuse((counts[:, 1] > counts[:, 0]) | (counts[:, 3] > counts[:, 2]), "more than all")
    if sorted(region) != list(range(len(REGIONS))):
        raise RecordError(file, None, "not each of the 20 regions once", AGAIN)
    towns, covered_towns, population, covered = counts[np.argsort(region)].T
    return Coverage(REGIONS, towns, population, covered_towns, covered)


def read_populations(path: Path) -> dict[str, np.ndarray]:
    """Read the population by ten years of age, on 1 January 2019.

    Returns
    -------
    dict of str to ndarray of float64, (age,)
        By region, those that the table has, and the province of Bergamo; ages as `TEN_YEARS`.

    Raises
    ------
    RecordError
        If the file is damaged or a region unknown.
    """
    file = path.name
    table = parse_table(read_content(path), file, ("region", *_AGE_COLUMNS), sep="\t")
    refuse = partial(refuse_rows, file, table)
    counts = whole_counts(table[list(_AGE_COLUMNS)])
    refuse(~np.all(counts >= 1, axis=1), "a count is no whole number from 1")
    result: dict[str, np.ndarray] = {}
    for row, name in enumerate(table.region):
        try:
            result[canonical(str(name))] = counts[row]
        except ValueError as error:
            raise RecordError(file, row + 1, str(error), AGAIN) from None
    if len(result) != len(table):
        raise RecordError(file, None, "a region is there twice", AGAIN)
    return result
