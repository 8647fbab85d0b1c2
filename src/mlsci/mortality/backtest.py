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

    def without(self, year: int) -> Backtest:
        """Return the back-test without the held-out year of this number."""
        kept = [k for k, y in enumerate(self.years) if y != year]
        return Backtest(
            tuple(self.years[k] for k in kept),
            self.observed[kept],
            self.days[kept],
            tuple(self.predictions[k] for k in kept),
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
    test: Backtest, levels: Sequence[float] = (0.68, 0.95)
) -> dict[str, tuple[float, float]]:
    """Return the scores of a back-test of regions' deaths, each with its error.

    ``nrmse`` and ``crps``, of weekly deaths as in `scores`; ``total_nrmse`` and ``nation_nrmse``,
    of all weeks together; and for each kind of number and level the coverage, ``weekly_68`` and
    so on. Errors are by jackknife over held-out years.
    """
    n = len(test.years)
    found: dict[str, tuple[float, float]] = {}

    def add(name: str, statistic: Callable[[np.ndarray], float]) -> None:
        found[name] = scores.jackknife(statistic, n)

    truth, mean, crps = test.truth("weekly"), test.mean("weekly"), test.crps()
    add("nrmse", lambda k: scores.nrmse(truth[k], mean[k]))
    add("crps", lambda k: scores.relative_crps(truth[k], crps[k]))
    for kind in ("total", "nation"):
        t, m = test.truth(kind)[..., None], test.mean(kind)[..., None]
        add(f"{kind}_nrmse", lambda k, t=t, m=m: scores.nrmse(t[k], m[k]))  # type: ignore[misc]
    for kind in KINDS:
        for level in levels:
            inside = test.covered(kind, level)
            add(
                f"{kind}_{100 * level:.0f}",
                lambda k, inside=inside: float(inside[k].mean()),  # type: ignore[misc]
            )
    return found
