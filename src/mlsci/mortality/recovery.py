"""Whether a model finds the excess that was put into a synthetic country."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .backtest import ModelOf
from .counterfactual import Calendar, Prediction
from .simulate import SyntheticCountry

DRAWS = 4000  # of a prediction: deviations within 1%


@dataclass(frozen=True)
class Recovered:
    """Excess deaths after the first weeks, all ages, estimated and true.

    Attributes
    ----------
    true, estimate, deviation
        By region, ``(regions,)``; the deviation is the one that the model tells.
    nation_deviation
        Standard deviation of the sum over regions, correlations included.
    """

    true: np.ndarray
    estimate: np.ndarray
    deviation: np.ndarray
    nation_deviation: float

    @property
    def region_z(self) -> np.ndarray:
        """Errors in the deviations that the model tells, ``(regions,)``."""
        return (self.estimate - self.true) / self.deviation

    @property
    def nation_z(self) -> float:
        """The same of the nation."""
        return float((self.estimate - self.true).sum() / self.nation_deviation)

    @property
    def relative(self) -> float:
        """The nation's error over its true excess."""
        return float(self.estimate.sum() / self.true.sum() - 1)


def recover(country: SyntheticCountry, model: ModelOf, pre: int) -> Recovered:
    """Estimate the excess of a country's last year as deaths minus the counterfactual.

    Parameters
    ----------
    country
        With its control years and its epidemic.
    model
        Makes the model for a calendar.
    pre
        Number of weeks of the last year that the model is shown, all before the epidemic.

    Raises
    ------
    ValueError
        If the epidemic has begun within the weeks that are shown.
    """
    true = country.injected.sum((1, 2))
    if true[:, :pre].any():
        raise ValueError(f"the epidemic begins within the first {pre} weeks: show fewer")
    records = country.deaths.total("age", "sex")
    counts, days = records.deaths[:, 0, 0], records.days.astype(np.float64)
    calendar = Calendar(np.array(records.years[:-1]), records.years[-1], days[:-1], days[-1])
    rates = counts / days
    prediction = model(calendar).fit(rates[:, :-1]).predict(rates[:, -1, :pre])
    total, nation = prediction.total(days[-1, pre:]), prediction.nation(days[-1, pre:])
    return Recovered(
        true=true[:, pre:].sum(1),
        estimate=counts[:, -1, pre:].sum(1) - total.mean,
        deviation=total.deviation,
        nation_deviation=float(nation.deviation),
    )


def recover_from_part(
    true: np.ndarray,
    observed: np.ndarray,
    prediction: Prediction,
    days: np.ndarray,
    factor: np.ndarray,
    seed: int,
) -> Recovered:
    """Estimate the excess of whole regions from the part of their towns that is known.

    The told error is the prediction's; that towns differ from each other is not in it.

    Parameters
    ----------
    true
        Excess deaths in all towns, ``(regions,)``.
    observed
        Deaths in the known towns after the first weeks, ``(..., regions, weeks)``.
    prediction
        Of deaths a day in the same towns, shaped as `observed`.
    days
        Length of the weeks, ``(weeks,)``.
    factor
        All people over those in known towns, ``(regions,)``.
    seed
        Of the draws that sums over weeks, regions and ages are made of.
    """
    draws = prediction.sample(DRAWS, seed) @ days
    expected = draws.reshape(DRAWS, -1, len(true)).sum(1) * factor
    counted = observed.sum(-1).reshape(-1, len(true)).sum(0) * factor
    return Recovered(
        true=true,
        estimate=counted - expected.mean(0),
        deviation=expected.std(0, ddof=1),
        nation_deviation=float(expected.sum(1).std(ddof=1)),
    )
