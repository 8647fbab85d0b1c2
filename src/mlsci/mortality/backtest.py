"""Leave one ordinary year out, predict it from the others, and compare.

No year of the pandemic takes part. The predicted weeks are those in which the excess of 2020 is
counted, so the errors found here are the errors to expect there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlsci.mortality import scores
from mlsci.mortality.counterfactual import Calendar, Counterfactual, Prediction
from mlsci.mortality.predictive import Predictive

ModelOf = Callable[[Calendar], Counterfactual]
"""Makes a model for a calendar; models that need none ignore it."""

Kind = Literal["weekly", "total", "nation"]
KINDS: tuple[Kind, ...] = ("weekly", "total", "nation")
"""A region's week, a region's weeks together, all regions' weeks together."""


@dataclass(frozen=True)
class Backtest:
    """What was predicted for each held-out year, and what was observed.

    Attributes
    ----------
    years
        The held-out years.
    observed
        Deaths in the scored weeks, ``(years, ..., regions, weeks)``.
    days
        Lengths of the scored weeks, ``(years, weeks)``.
    predictions
        One for each year, of the scored weeks.
    """

    years: tuple[int, ...]
    observed: np.ndarray
    days: np.ndarray
    predictions: tuple[Prediction, ...]

    def truth(self, kind: Kind) -> np.ndarray:
        """Return the deaths that a kind of number stands for, ``(years, ...)``."""
        if kind == "weekly":
            return self.observed
        totals = self.observed.sum(-1)
        return totals if kind == "total" else totals.sum(-1)

    def predictive(self, kind: Kind, year: int) -> Predictive:
        """Return the distributions predicted for the held-out year with this index."""
        prediction = self.predictions[year]
        give = {
            "weekly": prediction.weekly, "total": prediction.total, "nation": prediction.nation
        }  # fmt: skip
        return give[kind](self.days[year])

    def mean(self, kind: Kind) -> np.ndarray:
        """Return the expected deaths, ``(years, ...)``."""
        return np.array([self.predictive(kind, k).mean for k in range(len(self.years))])

    def deviation(self, kind: Kind) -> np.ndarray:
        """Return the standard deviations of the predicted deaths, ``(years, ...)``."""
        return np.array([self.predictive(kind, k).deviation for k in range(len(self.years))])

    def nation_weeks(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation of all regions' deaths by week, ``(years, ..., weeks)``."""
        found = [
            [self.predictions[k].nation(one) for one in np.diag(self.days[k])]
            for k in range(len(self.years))
        ]
        parts = [
            np.array([np.stack([getattr(p, name) for p in year], axis=-1) for year in found])
            for name in ("mean", "deviation")
        ]
        return parts[0], parts[1]

    def covered(self, kind: Kind, level: float) -> np.ndarray:
        """Return which numbers lie within their central intervals, booleans ``(years, ...)``."""
        return np.array(
            [
                scores.covered(truth, self.predictive(kind, k).interval(level))
                for k, truth in enumerate(self.truth(kind))
            ]
        )

    def crps(self, kind: Kind = "weekly") -> np.ndarray:
        """Return the continuous ranked probability scores in deaths, ``(years, ...)``."""
        return np.array(
            [self.predictive(kind, k).crps(truth) for k, truth in enumerate(self.truth(kind))]
        )


def leave_one_year_out(
    deaths: np.ndarray,
    days: np.ndarray,
    years: Sequence[int],
    model: ModelOf,
    *,
    pre: int,
    first: int,
) -> Backtest:
    """Predict every year from all the others and from its own first weeks.

    Parameters
    ----------
    deaths
        Ordinary years' deaths, ``(..., regions, years, weeks)``.
    days
        Lengths of the weeks, ``(years, weeks)``.
    years
        The years' numbers.
    model
        Makes the model for a calendar.
    pre
        Number of weeks at the beginning of the held-out year that the model is shown.
    first
        Index of the first week that is scored, at least `pre`; scored are all weeks from there.

    Raises
    ------
    ValueError
        If weeks that the model is shown would be scored.
    """
    if first < pre:
        raise ValueError(f"week {first} is scored, but the first {pre} weeks are shown")
    deaths = np.asarray(deaths, np.float64)
    numbers, days = np.asarray(years), np.asarray(days, np.float64)
    rates = deaths / days
    predictions = []
    for k in range(len(numbers)):
        calendar = Calendar(np.delete(numbers, k), int(numbers[k]), np.delete(days, k, 0), days[k])
        fitted = model(calendar).fit(np.delete(rates, k, axis=-2))
        predictions.append(fitted.predict(rates[..., k, :pre]).later(first - pre))
    return Backtest(
        years=tuple(int(year) for year in numbers),
        observed=np.moveaxis(deaths, -2, 0)[..., first:],
        days=days[:, first:],
        predictions=tuple(predictions),
    )


def summary(
    test: Backtest, group: int | None = None, levels: Sequence[float] = (0.68, 0.95)
) -> dict[str, tuple[float, float]]:
    """Return the scores of a back-test, each with its error by jackknife over held-out years.

    ``nrmse`` and ``crps``, of weekly deaths as in `scores`; ``total_nrmse`` and ``nation_nrmse``,
    of all weeks together; and for each kind of number and level the coverage, ``weekly_68`` and
    so on.

    Parameters
    ----------
    test
        Of deaths ``(regions, ...)``, or ``(groups, regions, ...)``.
    group
        Which of the groups. Small regions may have no deaths of an age at all, so errors are then
        relative to the mean over regions, and large regions count more.
    levels
        Probabilities of the central intervals whose coverage is wanted.
    """
    n = len(test.years)
    found: dict[str, tuple[float, float]] = {}

    def of(values: np.ndarray) -> np.ndarray:
        return values if group is None else values[:, group]

    def series(values: np.ndarray) -> np.ndarray:
        return of(values) if group is None else of(values).reshape(n, -1)

    def add(name: str, statistic: Callable[[np.ndarray], float]) -> None:
        found[name] = scores.jackknife(statistic, n)

    def add_error(name: str, true: np.ndarray, mean: np.ndarray) -> None:
        add(name, lambda k: scores.nrmse(true[k], mean[k]))

    def add_coverage(name: str, inside: np.ndarray) -> None:
        add(name, lambda k: float(inside[k].mean()))

    truth, crps = series(test.truth("weekly")), series(test.crps())
    add_error("nrmse", truth, series(test.mean("weekly")))
    add("crps", lambda k: scores.relative_crps(truth[k], crps[k]))
    total, nation = test.mean("total"), test.mean("nation")
    if group is None:
        add_error("total_nrmse", test.truth("total")[..., None], total[..., None])
    else:
        add_error("total_nrmse", of(test.truth("total")), of(total))
    add_error("nation_nrmse", of(test.truth("nation"))[..., None], of(nation)[..., None])
    for kind in KINDS:
        for level in levels:
            add_coverage(f"{kind}_{100 * level:.0f}", of(test.covered(kind, level)))
    return found


def reliability(test: Backtest, kind: Kind, levels: Sequence[float]) -> np.ndarray:
    """Return the share of numbers within their central intervals, for each level ``(levels,)``."""
    return np.array([test.covered(kind, level).mean() for level in levels])


def departure_slope(test: Backtest, reference: Backtest) -> tuple[float, float]:
    """Return how much of a predicted departure from a reference comes true, and its error.

    The slope through the origin of observed on predicted departures of regions' totals, both
    relative to the reference: 1 where the departures are right on average, 0 where they are
    chance, and a model would do better to predict the reference.
    """
    base = reference.mean("total")
    predicted = test.mean("total") / base - 1
    observed = test.truth("total") / base - 1

    def slope(k: np.ndarray) -> float:
        return float((predicted[k] * observed[k]).sum() / (predicted[k] ** 2).sum())

    return scores.jackknife(slope, len(test.years))
