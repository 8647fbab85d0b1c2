"""The province of Bergamo, the hardest hit: what each release says of its excess.

The published number rests on a by-town release that has the province's towns to 11 April. Istat put
later ones in its place, so that nobody can fetch it any more; who has kept it can supply it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import may_paper
from .may_paper import MayDeaths
from .records import WeeklyDeaths
from .regions import BERGAMO
from .towns import TownDeaths


@dataclass(frozen=True, eq=False)
class Covered:
    """The province's deaths in its towns with data for 2020.

    Attributes
    ----------
    series : WeeklyDeaths
        All ages and both sexes together.
    towns, all_towns : int
        Towns with data, and all.
    factor : float
        By what these towns' deaths are multiplied to stand for the province: deaths of earlier
        years, all over covered, since populations of single towns are not at hand.
    """

    series: WeeklyDeaths
    towns: int
    all_towns: int
    factor: float


def covered(towns: TownDeaths, until: str) -> Covered:
    """Return the province's deaths in towns with data for 2020 on every day to `until`, "MM-DD".

    Raises
    ------
    ValueError
        If no town of the province has them.
    """
    series = towns.weekly(until, BERGAMO).total("age", "sex")
    there = (towns.province == BERGAMO) & (towns.month_day <= int(until.replace("-", "")))
    seen = np.isin(towns.town, towns.observed(until))
    return Covered(
        series,
        len(np.unique(towns.town[there & seen])),
        len(np.unique(towns.town[there])),
        float(towns.deaths[there, :, :-1].sum() / towns.deaths[there & seen, :, :-1].sum()),
    )


def may_deaths(towns: TownDeaths) -> tuple[Covered, MayDeaths]:
    """Return the province's towns to 11 April, and its deaths by the rule of May.

    They are to be compared with `may_paper.TABLE_1_BERGAMO`.
    """
    part = covered(towns, may_paper.LAST_WEEKLY[5:])
    return part, may_paper.province_deaths(part.series, part.factor)
