"""What the notebook reads from the artefacts of `mlsci.stages.covid_hierarchical`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from mlsci.mortality import scores, weeks
from mlsci.mortality.classical import LABELS
from mlsci.report.session import Session

KINDS = {
    "weekly": "regions' weeks",
    "total": "regions' totals",
    "nation_weekly": "the nation's weeks",
    "nation": "the nation's total",
    "age_weekly": "ages' weeks",
    "age_total": "ages' totals",
    "cell_weekly": "regions' weeks by age",
    "cell_total": "regions' totals by age",
}
WINDOWS = {"april": "backtest", "june": "backtest-june"}
# Goals of `mlsci.stages.covid_hierarchical_runs.GOALS`, and both groups of them.
GOALS = {
    "weekly_68": "regions' weeks, 68%",
    "weekly_95": "regions' weeks, 95%",
    "totals_95": "regions' and the nation's totals, 95%",
    "age_weekly_68": "ages' weeks, 68%",
    "age_weekly_95": "ages' weeks, 95%",
    "age_total_95": "ages' totals, 95%",
    "cell_weekly_68": "regions' weeks by age, 68%",
    "cell_weekly_95": "regions' weeks by age, 95%",
    "cell_total_95": "regions' totals by age, 95%",
    "regional": "the first three at once",
    "every": "all nine at once",
}
MODELS = LABELS | {"hierarchical": "hierarchical model"}
CALIBRATIONS = ("calibration", "calibration-again")


class HierarchicalResults:
    """Back-tests, the spring of 2020, the chain and the calibration; percentages where shares.

    Attributes
    ----------
    source
        What the deaths are from, or that they are made up.
    years, clean
        The held-out years, and those on which neither form nor priors were chosen.
    regions, ages
        Labels.
    """

    def __init__(self, session: Session) -> None:
        self._metrics: dict[str, dict[str, Any]] = {}
        self._arrays: dict[str, dict[str, np.ndarray]] = {}
        parts = (*WINDOWS.values(), "2020", "chain", *CALIBRATIONS, "misfit", "forms", "recovery")
        for name in (*parts, "towns"):
            stage = "recovery-towns" if name == "towns" else f"hierarchical-{name}"
            folder = session.artefact(f"covid/{stage}")
            self._metrics[name] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
            if (folder / "arrays.npz").is_file():
                with np.load(folder / "arrays.npz") as stored:
                    self._arrays[name] = {key: stored[key] for key in stored.files}
        test = self._metrics["backtest"]
        self.source: str = test["source"]
        self.years: list[int] = test["years"]
        self.clean: list[int] = [year for year in self.years if year not in test["tuned"]]
        self.regions: list[str] = test["regions"]
        self.ages: list[str] = list(test["ages"])

    def weeks(self, window: str) -> list[str]:
        """Return the last days of the scored weeks."""
        return list(self._metrics[WINDOWS[window]]["weeks"])

    def score(self, name: str, part: str = "all", window: str = "april") -> float:
        """Return an error of weekly deaths by region, in percent."""
        return 100 * float(self._scores(part, window)[name])

    def covered(self, kind: str, level: int, part: str = "all", window: str = "april") -> float:
        """Return how often intervals of 68 or 95% held, in percent."""
        return 100 * float(self._scores(part, window)["coverage"][kind][str(level)])

    def counted(self, kind: str, part: str = "all", window: str = "april") -> int:
        """Return how many numbers a coverage is the mean of."""
        return int(self._scores(part, window)["counted"][kind])

    def coverage(self, part: str, window: str = "april") -> dict[str, tuple[float, float]]:
        """Return how often 68 and 95% intervals of each kind of number held, in percent."""
        return {
            label: (self.covered(kind, 68, part, window), self.covered(kind, 95, part, window))
            for kind, label in KINDS.items()
        }

    def _scores(self, part: str, window: str) -> dict[str, Any]:
        return dict(self._metrics[WINDOWS[window]]["scores"][part])

    def scatter(self, kind: str, level: int, part: str = "all") -> float:
        """Return by how much a coverage to 11 April would scatter were the model exactly right.

        A standard deviation in percent, of as many independent years as the part has; that of one
        year is the mean over the years of the artefact "misfit".
        """
        years = {"all": len(self.years), "tuned": len(self.years) - len(self.clean)}.get(part, 1)
        one = float(self._metrics["misfit"]["coverage"][kind][str(level)]["one_year"])
        return 100 * one / float(np.sqrt(years))

    def error_of(self, kind: str, level: int, part: str = "all") -> float | None:
        """Return `scatter`, or None for kinds of numbers that it is not computed for."""
        known = kind in self._metrics["misfit"]["coverage"]
        return self.scatter(kind, level, part) if known else None

    def chance(self, goal: str, part: str = "all", window: str = "april") -> float:
        """Return how often a model that is exactly right would reach a goal, in percent.

        Parameters
        ----------
        goal
            One of `GOALS`.
        part
            "all" years or the "clean" one.
        window
            "april" or "june".
        """
        return 100 * float(self._metrics[WINDOWS[window]]["by_chance"][part][goal])

    def chances(self, part: str, window: str = "april") -> dict[str, float]:
        """Return `chance` of every goal, by label."""
        return {label: self.chance(goal, part, window) for goal, label in GOALS.items()}

    def coverage_jackknife(self, level: float) -> float:
        """Return the error of the coverage of regions' weeks, from leaving out years, in percent.

        Parameters
        ----------
        level
            Probability of the intervals, such as 0.68.
        """
        held = np.abs(self.array("ranks_weekly") - 0.5) <= 0.5 * level
        return 100 * scores.jackknife(lambda years: float(held[years].mean()), len(held))[1]

    @property
    def misfit(self) -> dict[str, Any]:
        """What in the predictions of 2015-2018 is too wide: ratios of errors and predictions."""
        return self._metrics["misfit"]

    def form_gain(self, form: str) -> tuple[float, float]:
        """Return what another form gains in log predictive density, 2015-2018, and its error."""
        gain = self._metrics["forms"]["gain"][form]
        return float(gain["sum"]), float(gain["error"])

    @property
    def justified_forms(self) -> list[str]:
        """Other forms that 2015-2018 ask for."""
        gains = self._metrics["forms"]["gain"]
        return [form for form, gain in gains.items() if gain["justified"]]

    @property
    def least_gain(self) -> float:
        """What another form must gain at least."""
        return float(self._metrics["forms"]["least"])

    def from_towns(self, name: str, model: str, country: str) -> float:
        """Return how well a model found an excess from known towns, as `recovered` does."""
        return float(self._metrics["towns"][country][model][name])

    def from_towns_errors(self, country: str) -> dict[str, np.ndarray]:
        """Return relative errors of the nation's excess ``(countries,)``, by model's label."""
        arrays = self._arrays["towns"]
        return {label: arrays[f"relative_{country}_{model}"] for model, label in MODELS.items()}

    @property
    def towns(self) -> dict[str, Any]:
        """How many towns the countries have and how many are known, and the file of the first."""
        return self._metrics["towns"]

    def recovered(self, name: str, country: str) -> float:
        """Return how well the excess of "calm" countries or of those with winters was found."""
        return float(self._metrics["recovery"][country][name])

    @property
    def recovered_countries(self) -> int:
        """How many countries of each kind."""
        return int(self._metrics["recovery"]["countries"])

    def both_totals(self, part: str = "all", window: str = "april") -> tuple[float, int]:
        """Return how often 95% intervals of regions' and nation's totals held, and their number."""
        counts = [self.counted(kind, part, window) for kind in ("total", "nation")]
        shares = [self.covered(kind, 95, part, window) for kind in ("total", "nation")]
        return float(np.average(shares, weights=counts)), sum(counts)

    def nation_z(self, window: str = "april") -> np.ndarray:
        """Return errors of the nation's totals in deviations of the prediction, ``(years,)``."""
        found = self._scores("all", window)
        return np.array(found["nation_error"]) / np.array(found["nation_deviation"])

    def array(self, name: str, window: str = "april") -> np.ndarray:
        """Return an array of a back-test."""
        return self._arrays[WINDOWS[window]][name]

    def nation_rates(self, window: str = "april") -> tuple[np.ndarray, np.ndarray]:
        """Return the nation's deaths a day ``(years, weeks)``, and quantiles predicted for them."""
        days = weeks.days(self.weeks(window), self.years)
        quantiles = self.array("nation_quantiles", window) / days[:, None]
        return self.array("nation_truth", window) / days, quantiles

    def by_age(self, name: str) -> list[float]:
        """Return errors of the nation's weekly deaths at each age, in percent."""
        return [100 * found[name] for found in self._metrics["backtest"]["ages"].values()]

    def age_coverage(self, level: float, kind: str = "age_weekly") -> list[float]:
        """Return how often intervals of the nation's weekly deaths held at each age, in percent."""
        ranks = self.array(f"ranks_{kind}")  # (years, ages, weeks)
        held = np.abs(ranks - 0.5) <= 0.5 * level
        return [100 * float(share) for share in held.mean((0, 2))]

    def seconds(self, name: str) -> float:
        """Return the CPU seconds of a stage: "backtest", "2020", "chain", "calibration"."""
        return float(self._metrics[name]["cpu_seconds"])

    def pareto_k(self) -> list[float]:
        """Return the Pareto k of all fits: both back-tests and 2020."""
        folds = [fold for name in WINDOWS.values() for fold in self._metrics[name]["hyper"]]
        return [float(fold["pareto_k"]) for fold in (*folds, self._metrics["2020"]["hyper"])]

    def learned(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return means and deviations of the log hyperparameters, ``(15,)`` each.

        "2020", "weighted" or "chain": of all years, or of one by weighted draws or by NUTS.
        """
        found = {
            "2020": self._metrics["2020"]["hyper"],
            "weighted": self._metrics["chain"]["weighted"],
            "chain": self._metrics["chain"],
        }[name]
        return np.array(found["mean"]), np.array(found["deviation"])

    @property
    def chain(self) -> dict[str, Any]:
        """How the chain went: accepted, divergent, effective, year."""
        return self._metrics["chain"]

    def chain_difference(self) -> float:
        """Return the largest difference of the chain's means from the weighted ones, in deviations.

        The chain's own error is about one over the square root of its effective draws.
        """
        mean, deviation = self.learned("chain")
        return float((np.abs(mean - self.learned("weighted")[0]) / deviation).max())

    @property
    def chain_error(self) -> float:
        """Standard error of the chain's means, in deviations: that of the worst hyperparameter."""
        return float(1 / np.sqrt(np.min(self.chain["effective"])))

    @property
    def simulations(self) -> int:
        """Number of simulated countries of the first calibration."""
        return int(self._metrics["calibration"]["simulations"])

    def simulated_coverage(self, kind: str, level: int) -> float:
        """Return how often intervals held in simulated countries, in percent."""
        return 100 * float(self._metrics["calibration"]["coverage"][kind][str(level)])

    def simulated_ranks(self, kind: str) -> np.ndarray:
        """Return the ranks of simulated truths."""
        return self._arrays["calibration"][kind]

    def hyper_discrepancies(self, calibration: str = "calibration") -> dict[str, float]:
        """Return the deviation of each hyperparameter's mean rank from 1/2, in its error.

        Of the first calibration, or of "calibration-again".
        """
        ranks = self._arrays[calibration]["hyper"]
        found = (ranks.mean(0) - 0.5) * np.sqrt(12 * len(ranks))
        return dict(zip(self._metrics[calibration]["names"], found.tolist()))

    def spring(self, name: str) -> np.ndarray:
        """Return an array of the prediction of 2020."""
        return self._arrays["2020"][name]

    @property
    def wave_end(self) -> str:
        """Last day of the first wave's last week, 11 April, or of the last week predicted."""
        return "04-11" if "04-11" in self.spring_weeks else self.spring_weeks[-1]

    def region_shares(self, to: str) -> tuple[np.ndarray, np.ndarray]:
        """Return quantiles of regions' excess to a week's end, and the deaths expected."""
        week = self.spring_weeks.index(to)
        expected = self.spring("expected")[..., : week + 1].sum((0, 2))
        return self.spring("excess_region")[..., week], expected

    @property
    def spring_weeks(self) -> list[str]:
        """Last days of the weeks predicted of 2020."""
        return list(self._metrics["2020"]["weeks"])

    def spring_bands(self) -> np.ndarray:
        """Return quantiles of expected deaths and of cumulative excess, ``(2, 5, weeks)``."""
        drawn = self.spring("region_week_draws").sum(1)
        expected = np.quantile(drawn, (0.025, 0.16, 0.5, 0.84, 0.975), axis=0)
        return np.stack([expected, self.spring("excess_nation")])

    def excess(self, to: str) -> tuple[float, float]:
        """Return the nation's excess deaths from 23 February to a week's end, and their error."""
        low, _, middle, _, high = self.spring("excess_nation")[:, self.spring_weeks.index(to)]
        return float(middle), float((high - low) / 3.92)

    def region_excess(self, region: str, to: str) -> tuple[float, float]:
        """Return a region's excess deaths from 23 February to a week's end, and their error."""
        week = self.spring_weeks.index(to)
        found = self.spring("excess_region")[:, self.regions_2020.index(region), week]
        return float(found[2]), float((found[4] - found[0]) / 3.92)

    @property
    def regions_2020(self) -> list[str]:
        """Regions of the prediction of 2020."""
        return list(self._metrics["2020"]["regions"])

    @property
    def source_2020(self) -> str:
        """What the deaths of 2020 are from, or that they are made up."""
        return str(self._metrics["2020"]["source"])
