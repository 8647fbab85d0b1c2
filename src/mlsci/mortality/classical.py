"""The classical counterfactual models by name, in the order in which they are shown."""

from __future__ import annotations

from mlsci.mortality.backtest import ModelOf
from mlsci.mortality.conditional_gp import ConditionalGP
from mlsci.mortality.counterfactual import HistoricalMean
from mlsci.mortality.harmonic_regression import HarmonicRegression
from mlsci.mortality.synthetic_control import SyntheticControl
from mlsci.mortality.weekly_trend import WeeklyTrend

CLASSICAL: dict[str, ModelOf] = {
    "mean": lambda _: HistoricalMean(),
    "cgp_white": lambda _: ConditionalGP("white"),
    "cgp_smooth": lambda _: ConditionalGP("squared-exponential"),
    "control": lambda _: SyntheticControl(),
    "harmonic": HarmonicRegression,
    "trend": WeeklyTrend,
}

LABELS = {
    "mean": "mean of control years",
    "cgp_white": "conditional GP, PPCA",
    "cgp_smooth": "conditional GP, PCA + SE",
    "control": "synthetic control",
    "harmonic": "quasi-Poisson harmonics",
    "trend": "weekly means and trend",
}
