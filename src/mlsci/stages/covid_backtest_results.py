"""What the notebook reads from the artefacts of `mlsci.stages.covid_backtest`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from mlsci.mortality.classical import LABELS
from mlsci.report.session import Session

Scored = dict[str, tuple[float, float]]


class BacktestResults:
    """The back-tests, and the recovery of known excesses; percentages where scores are shares.

    Attributes
    ----------
    source
        What the back-tested deaths are from, or that they are made up.
    years, ages
        The held-out years, and the classes of age.
    """

    def __init__(self, session: Session) -> None:
        folders = [session.artefact(f"covid/{name}") for name in ("backtest", "recovery")]
        read = [json.loads((f / "metrics.json").read_text(encoding="utf-8")) for f in folders]
        self._backtest, self._recovery = (dict[str, Any](found) for found in read)
        self._arrays, self._countries = (_arrays(folder / "arrays.npz") for folder in folders)
        self.source: str = self._backtest["source"]
        self.made_up: str = self._recovery["source"]
        self.years: list[int] = self._backtest["years"]
        self.ages = list(self._backtest["ages"]["mean"])
        self.levels: list[float] = self._backtest["levels"]
        self.seconds: float = self._backtest["cpu_seconds"]
        self.series: int = self._backtest["series"]
        self.countries: int = self._recovery["countries"]

    @property
    def week_ends(self) -> list[str]:
        """Last days of the weeks of `nation_rate`."""
        from mlsci.mortality.weeks import axis

        return list(axis(self._arrays["nation_rate"].shape[1]))

    def score(self, name: str, model: str, window: str = "april") -> tuple[float, float]:
        """Return a score of a model and its error, in percent."""
        return _percent(self._backtest["scores"][window][model][name])

    def scores(self, name: str, window: str = "april") -> Scored:
        """Return a score of every model, by its label, in percent."""
        return {label: self.score(name, model, window) for model, label in LABELS.items()}

    def age_score(self, name: str, model: str, age: str) -> tuple[float, float]:
        """Return a score of a model at an age and its error, in percent."""
        return _percent(self._backtest["ages"][model][age][name])

    def age_scores(self, name: str, models: list[str]) -> dict[str, list[float]]:
        """Return a score at every age, by label, in percent."""
        return {
            LABELS[model]: [self.age_score(name, model, age)[0] for age in self.ages]
            for model in models
        }

    def reliability(self, kind: str) -> dict[str, list[float]]:
        """Return how often intervals of each level held, by model's label."""
        found = self._backtest["reliability"]
        return {label: found[model][kind] for model, label in LABELS.items()}

    def slope(self, model: str) -> tuple[float, float]:
        """Return how much of a model's departures from the mean came true, and the error."""
        value, error = self._backtest["slope"][model]
        return value, error

    def departures(self, model: str) -> tuple[np.ndarray, np.ndarray]:
        """Return predicted and observed departures of regions' totals from the mean."""
        base = self._arrays["mean_total_mean"]
        predicted = self._arrays[f"mean_total_{model}"]
        return predicted / base - 1, self._arrays["truth_total"] / base - 1

    def width(self, model: str, other: str) -> float:
        """Return the error told by a model over that by another, mean over regions and years."""
        told, by_other = (self._arrays[f"deviation_total_{m}"] for m in (model, other))
        return float((told / by_other).mean())

    @property
    def nation_rate(self) -> np.ndarray:
        """Observed deaths a day of the nation, ``(years, weeks)``."""
        return self._arrays["nation_rate"]

    def nation(self, models: list[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return predicted deaths a day and their deviations, ``(years, weeks)``, by label."""
        return {
            LABELS[m]: (self._arrays[f"mean_rate_{m}"], self._arrays[f"deviation_rate_{m}"])
            for m in models
        }

    def recovered(self, name: str, model: str, country: str) -> float:
        """Return how well a model found the excess of "calm" countries or of those with winters."""
        return float(self._recovery[country][model][name])

    def recovery_errors(self, country: str) -> dict[str, np.ndarray]:
        """Return relative errors of the nation's excess ``(countries,)``, by model's label."""
        return {label: self._countries[f"relative_{country}_{m}"] for m, label in LABELS.items()}


def _percent(pair: list[float]) -> tuple[float, float]:
    return 100 * pair[0], 100 * pair[1]


def _arrays(path: Any) -> dict[str, np.ndarray]:
    with np.load(path) as stored:
        return {key: stored[key] for key in stored.files}
