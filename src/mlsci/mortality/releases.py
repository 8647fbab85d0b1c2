"""The releases of 2020, together: of Italy, or of a made-up country."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from . import italy
from .compilation import Compilation
from .march import MarchDeaths
from .may_paper import ADDED_WITHOUT
from .official import OfficialAges, OfficialCounts
from .populations import Coverage
from .records import WeeklyDeaths
from .towns import TownDeaths


@dataclass(frozen=True, eq=False)
class Releases:
    """Deaths by town and by week, what they cover, populations and official counts.

    Attributes
    ----------
    towns : TownDeaths
        By day.
    weekly : mapping of str to WeeklyDeaths
        By release: "march28", the towns above by week as somebody else summed them; "april4",
        "may4_cl2", "may4_cl1", "june30".
    coverage : mapping of str to Coverage
        Of each release.
    coverage_of_2019 : Coverage
        Of "april4", by the population of 2019 instead of the census of 2011.
    population : mapping of str to ndarray, (age,)
        By region, ten years of age each.
    official : OfficialCounts
        By region and day.
    official_added : OfficialCounts
        The same, as far as the paper added them to its totals.
    official_ages : OfficialAges
        By age, for the whole country.
    march : MarchDeaths or None
        A month's deaths in more towns; a made-up country has none.
    compiled : Compilation
        The deaths of "june30" as others summed them to weeks, from an earlier copy.
    """

    towns: TownDeaths
    weekly: Mapping[italy.Release, WeeklyDeaths]
    coverage: Mapping[italy.Release, Coverage]
    coverage_of_2019: Coverage
    population: Mapping[str, np.ndarray]
    official: OfficialCounts
    official_added: OfficialCounts
    official_ages: OfficialAges
    march: MarchDeaths | None
    compiled: Compilation

    def __post_init__(self) -> None:
        """Refuse to mix made-up records with real ones."""
        made_up = {records.synthetic for records in self.weekly.values()}
        made_up.add(self.towns.source.startswith("synthetic"))
        if len(made_up) > 1:
            raise ValueError("some of these records are made up, and some are not")

    @property
    def synthetic(self) -> bool:
        """Whether the country is made up."""
        return next(iter(self.weekly.values())).synthetic


def of_italy() -> Releases:
    """Return Italy's releases.

    Raises
    ------
    MissingData
        Where the data set is not at hand.
    """
    return Releases(
        towns=italy.town_deaths(),
        weekly={release: italy.deaths(release) for release in italy.RELEASES},
        coverage={release: italy.coverage(release) for release in italy.RELEASES},
        coverage_of_2019=italy.coverage_of_2019(),
        population=italy.population(),
        official=italy.official_counts(),
        official_added=italy.official_counts(ADDED_WITHOUT),
        official_ages=italy.official_ages(),
        march=italy.march_deaths(),
        compiled=italy.compiled_deaths(),
    )
