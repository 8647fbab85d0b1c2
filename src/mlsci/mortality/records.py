"""Deaths by region, age, sex, year and week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Axis = Literal["region", "age", "sex", "year", "week"]
AXES: tuple[Axis, ...] = ("region", "age", "sex", "year", "week")

SEXES = ("male", "female")
# Istat's classes of age, CL_ETA 0 to 21.
AGES = ("0", "1-4", *(f"{a}-{a + 4}" for a in range(5, 100, 5)), "100+")
TEN_YEARS: dict[str, tuple[str, ...]] = {
    "0-9": AGES[:3],
    **{f"{a}-{a + 9}": AGES[a // 5 + 1 : a // 5 + 3] for a in range(10, 90, 10)},
    "90+": AGES[19:],
}
ALL = "all"  # label of an axis that is summed over
SYNTHETIC = "synthetic"  # how the source of made-up records begins


@dataclass(frozen=True, eq=False)
class WeeklyDeaths:
    """Deaths on the published week axis.

    Attributes
    ----------
    deaths : ndarray of float64, (region, age, sex, year, week)
        Counts; NaN where not observed. Read-only.
    days : ndarray of int64, (year, week)
        Days of each week. Read-only.
    regions, ages, sexes, week_ends : tuple of str
        Labels. Ages as `AGES` or as binned, week ends as "MM-DD"; "all" labels a sum.
    years : tuple of int
    source : str
        The release that the counts are from; made-up ones say "synthetic country".
    """

    deaths: np.ndarray
    days: np.ndarray
    regions: tuple[str, ...]
    ages: tuple[str, ...]
    sexes: tuple[str, ...]
    years: tuple[int, ...]
    week_ends: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        """Hold copies that nobody can write to; refuse what cannot be deaths."""
        deaths = np.array(self.deaths, dtype=np.float64)
        days = np.array(self.days, dtype=np.int64)
        if deaths.shape != tuple(len(self.labels(axis)) for axis in AXES):
            raise ValueError(
                f"deaths of shape {deaths.shape} do not have the shape of their labels"
            )
        if days.shape != deaths.shape[3:]:
            raise ValueError(f"days have shape {days.shape}, years and weeks {deaths.shape[3:]}")
        if np.any(deaths < 0) or np.any(np.isinf(deaths)) or np.any(days < 1):
            raise ValueError("deaths are counts from 0, and a week has a day at least")
        for axis in AXES:
            if len(set(self.labels(axis))) != len(self.labels(axis)):
                raise ValueError(f"two labels of the axis {axis!r} are the same")
        if not self.source:
            raise ValueError("records need a source: the release, or 'synthetic country'")
        for name, array in (("deaths", deaths), ("days", days)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def labels(self, axis: Axis) -> tuple[str, ...] | tuple[int, ...]:
        """Return the labels along an axis."""
        if axis == "year":
            return self.years
        return {
            "region": self.regions,
            "age": self.ages,
            "sex": self.sexes,
            "week": self.week_ends,
        }[axis]

    @property
    def synthetic(self) -> bool:
        """Whether the records are made up."""
        return self.source.startswith(SYNTHETIC)

    def rates(self) -> np.ndarray:
        """Return deaths per day, float64 (region, age, sex, year, week)."""
        return self.deaths / self.days

    def select(
        self,
        *,
        regions: Sequence[str] | None = None,
        ages: Sequence[str] | None = None,
        sexes: Sequence[str] | None = None,
        years: Sequence[int] | None = None,
        weeks: tuple[str, str] | None = None,
    ) -> WeeklyDeaths:
        """Return part of the records, in the order asked for.

        Parameters
        ----------
        regions, ages, sexes, years : sequence, optional
            Labels to keep; all by default.
        weeks : (str, str), optional
            Last days "MM-DD" of the first and the last week to keep.

        Raises
        ------
        ValueError
            If there is no such label.
        """
        ends = None
        if weeks is not None:
            first, last = (self._positions("week", [end])[0] for end in weeks)
            ends = self.week_ends[first : last + 1]
        chosen = [
            self._positions(axis, wanted)
            for axis, wanted in zip(AXES, (regions, ages, sexes, years, ends))
        ]
        return WeeklyDeaths(
            deaths=self.deaths[np.ix_(*chosen)],
            days=self.days[np.ix_(*chosen[3:])],
            regions=tuple(self.regions[i] for i in chosen[0]),
            ages=tuple(self.ages[i] for i in chosen[1]),
            sexes=tuple(self.sexes[i] for i in chosen[2]),
            years=tuple(self.years[i] for i in chosen[3]),
            week_ends=tuple(self.week_ends[i] for i in chosen[4]),
            source=self.source,
        )

    def _positions(self, axis: Axis, wanted: Sequence[str] | Sequence[int] | None) -> list[int]:
        labels: list[str | int] = list(self.labels(axis))
        if wanted is None:
            return list(range(len(labels)))
        absent = [label for label in wanted if label not in labels]
        if absent:
            there = ", ".join(map(str, labels))
            raise ValueError(f"no {axis} {absent[0]} in the records; there are {there}")
        return [labels.index(label) for label in wanted]

    def age_bins(self, bins: Mapping[str, Sequence[str]] | None = None) -> WeeklyDeaths:
        """Return the records by wider classes of age.

        Parameters
        ----------
        bins : mapping of str to sequence of str, optional
            The ages in each class; by default ten years each, `TEN_YEARS`.

        Raises
        ------
        ValueError
            If an age is not in the records.
        """
        chosen = {
            label: self._positions("age", ages)
            for label, ages in (TEN_YEARS if bins is None else bins).items()
        }
        sums = [self.deaths[:, ages].sum(axis=1) for ages in chosen.values()]
        return self._with(np.stack(sums, axis=1), age=tuple(chosen))

    def total(self, *axes: Literal["region", "age", "sex"]) -> WeeklyDeaths:
        """Return the records summed over axes, which keep length 1 and the label "all".

        A sum is not observed (NaN) where one of its terms is not.
        """
        numbers = tuple(AXES.index(axis) for axis in axes)
        return self._with(
            self.deaths.sum(axis=numbers, keepdims=True), **dict.fromkeys(axes, (ALL,))
        )

    def _with(self, deaths: np.ndarray, **labels: tuple[str, ...]) -> WeeklyDeaths:
        return WeeklyDeaths(
            deaths=deaths,
            days=self.days,
            regions=labels.get("region", self.regions),
            ages=labels.get("age", self.ages),
            sexes=labels.get("sex", self.sexes),
            years=self.years,
            week_ends=self.week_ends,
            source=self.source,
        )
