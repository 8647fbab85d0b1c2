"""The two regressions on season and trend, against statsmodels and against what was put in."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from mlsci.mortality import weeks as axis
from mlsci.mortality.counterfactual import Calendar
from mlsci.mortality.harmonic_regression import FEWEST, YEAR, HarmonicRegression, design
from mlsci.mortality.weekly_trend import WeeklyTrend

WEEKS, PRE = 14, 6


def calendar(years: tuple[int, ...] = (2015, 2016, 2018, 2019), target: int = 2017) -> Calendar:
    ends = axis.axis(WEEKS)
    return Calendar(np.array(years), target, axis.days(ends, years), axis.days(ends, [target])[0])


@pytest.mark.parametrize("target", [2017, 2020])
def test_weekly_trend_is_ordinary_least_squares(target: int) -> None:
    """Prediction and its covariance, from statsmodels on dummy variables."""
    when = calendar(target=target)
    rates = np.random.default_rng(1).normal(100, 5, (4, WEEKS))
    dummies = np.tile(np.eye(WEEKS), (4, 1))
    x = np.column_stack([dummies, np.repeat(when.years, WEEKS)])
    found = sm.OLS(rates.ravel(), x).fit()
    ahead = np.column_stack([np.eye(WEEKS), np.full(WEEKS, target)])
    p = WeeklyTrend(when).fit(rates).predict(rates[0, :PRE])
    np.testing.assert_allclose(p.mean, found.predict(ahead)[PRE:], rtol=1e-8)
    covariance = ahead @ found.cov_params() @ ahead.T + found.scale * np.eye(WEEKS)
    np.testing.assert_allclose(p.covariance, covariance[PRE:, PRE:], rtol=1e-5, atol=1e-5)


def test_weekly_trend_goes_on() -> None:
    when = calendar(target=2021)
    season = np.linspace(50, 30, WEEKS)
    years = when.years[:, None] - 2015
    p = WeeklyTrend(when).fit(season + 2.0 * years).predict(np.zeros(PRE))
    np.testing.assert_allclose(p.mean, season[PRE:] + 2.0 * 6)
    np.testing.assert_allclose(p.covariance, 0, atol=1e-18)


@pytest.mark.filterwarnings("ignore:Perfect separation")
def test_harmonic_regression_finds_its_own_curve() -> None:
    when = calendar(target=2020)
    beta = np.array([4.0, 0.02, 0.2, 0.05])
    rates = np.exp(design(when, when.years) @ beta)
    truth = np.exp(design(when, np.array([2020]))[0] @ beta)
    p = HarmonicRegression(when).fit(rates).predict(np.zeros(PRE))
    np.testing.assert_allclose(p.mean, truth[PRE:], rtol=1e-6)


def test_harmonic_errors_hold_for_over_dispersed_counts() -> None:
    """Standardised errors of predicted totals have unit variance, for dispersions of 1 and 3."""
    when = calendar()
    generator = np.random.default_rng(2)
    beta = np.array([3.5, 0.01, 0.2, 0.05])
    mean = np.exp(design(when, when.years) @ beta) * when.days
    truth = np.exp(design(when, np.array([when.target]))[0] @ beta) * when.target_days
    for dispersion in (1.0, 3.0):
        counts = dispersion * generator.poisson(mean / dispersion, (150, *mean.shape))
        late = dispersion * generator.poisson(truth / dispersion, (150, WEEKS))[:, PRE:]
        fitted = HarmonicRegression(when).fit(counts / when.days)
        total = fitted.predict(np.zeros((150, PRE))).total(when.target_days[PRE:])
        z = (late.sum(-1) - total.mean) / total.deviation
        assert abs(z.mean()) < 0.3
        assert 0.8 < z.std() < 1.25


def test_middles_of_weeks_are_days_of_the_year() -> None:
    when = calendar((2017, 2018, 2019))
    np.testing.assert_allclose(when.middle[:3], [5.5, 14.5, 21.5])
    # 1-7 March follows 59 days of a common year.
    assert when.middle[8] == pytest.approx(59 + 3.5)
    phase = design(when, when.years)[0, :, 2:]
    np.testing.assert_allclose((phase**2).sum(-1), 1)
    np.testing.assert_allclose(phase[0, 0], np.cos(2 * np.pi * 5.5 / YEAR))


def test_a_few_deaths_are_a_constant_rate() -> None:
    when = calendar()
    counts = np.zeros((4, WEEKS))
    counts[1, 3] = FEWEST - 1
    rates = counts / when.days
    p = HarmonicRegression(when).fit(rates).predict(np.zeros(PRE))
    np.testing.assert_allclose(p.mean, counts.sum() / when.days.sum(), rtol=1e-6)
