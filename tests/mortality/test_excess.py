"""Excess accounting and rates: sums, errors, floors, scaling, lag, infected shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlsci.mortality import excess, rates
from mlsci.mortality.counterfactual import HistoricalMean
from mlsci.mortality.excess import Excess

DAYS = np.array([7, 6, 7])


def predicted(rng: np.random.Generator, regions: int = 2):
    controls = rng.uniform(3, 5, (regions, 5, 5))
    return HistoricalMean().fit(controls).predict(controls[:, 0, :2])


def test_what_was_expected_leaves_no_excess() -> None:
    prediction = predicted(np.random.default_rng(0))
    found = excess.of_prediction(prediction.mean * DAYS, DAYS, prediction)
    np.testing.assert_allclose(found.weekly, 0, atol=1e-12)


def test_totals_have_the_error_of_the_prediction_of_the_total() -> None:
    prediction = predicted(np.random.default_rng(1))
    found = excess.of_prediction(np.full((2, 3), 40.0), DAYS, prediction)
    total, deviation = found.total()
    np.testing.assert_allclose(total, 120 - prediction.total(DAYS).mean)
    np.testing.assert_allclose(deviation, prediction.total(DAYS).deviation)
    np.testing.assert_allclose(found.deviation, prediction.weekly(DAYS).deviation)
    np.testing.assert_allclose(found.cumulative()[1][:, 0], found.deviation[:, 0])
    np.testing.assert_allclose(found.later(1).total()[0], total - found.weekly[:, 0])


def test_a_factor_scales_values_and_errors() -> None:
    prediction = predicted(np.random.default_rng(2))
    deaths = np.full((2, 3), 40.0)
    one = excess.of_prediction(deaths, DAYS, prediction)
    scaled = excess.of_prediction(deaths, DAYS, prediction, np.array([2.0, 3.0]))
    for a, b in zip(one.total(), scaled.total()):
        np.testing.assert_allclose(a * [2, 3], b)


@given(arrays(np.float64, 6, elements=st.floats(-50, 50)), st.floats(0, 20))
@settings(deadline=None)
def test_floors_only_add(weekly: np.ndarray, official: float) -> None:
    raised = excess.floored(weekly, np.full(6, official))
    assert (raised >= weekly).all()
    assert (raised >= official).all()
    assert raised.sum() >= max(weekly.sum(), 6 * official) - 1e-9


def test_bridging_factor_is_one_for_the_same_towns() -> None:
    few = np.array([[10.0, 20.0, 40.0]])
    assert excess.bridging_factor(few, few) == 1
    np.testing.assert_allclose(excess.bridging_factor(few * [1, 2, 3], few), 2)
    with pytest.raises(ValueError, match="no deaths"):
        excess.bridging_factor(few, few * [1, 0, 1])


@pytest.mark.parametrize("lag", [-3.0, 0.0, 5.0, 12.5])
def test_a_known_lag_and_factor_are_found(lag: float) -> None:
    day = np.arange(150.0)
    wave = 1e4 / (1 + np.exp(-(day - 60) / 6))
    ends = np.arange(14, 120, 7)
    true = 1.8 * np.diff(np.interp(ends + lag, day, wave))
    found = excess.lag_behind(Excess(true, 400.0 * np.eye(len(true))), ends, wave)
    assert found.days == pytest.approx(lag, abs=0.1)
    assert found.factor == pytest.approx(1.8, rel=0.01)
    assert 0 < found.days_error < 2
    assert 0 < found.factor_error < 0.2


def test_without_official_deaths_there_is_no_lag() -> None:
    with pytest.raises(ValueError, match="no official deaths"):
        excess.lag_behind(Excess(np.ones(3), np.eye(3)), np.arange(0, 28, 7), np.zeros(100))


def test_infected_share_of_the_ship_itself() -> None:
    """If as large a part died as on board, everybody was infected."""
    on_board = np.full(2, rates.SHIP_DEATHS / rates.SHIP_INFECTED)
    assert rates.infected_share(on_board).value == pytest.approx(1)
    assert rates.infected_share(5 * on_board).high == 1
    half = rates.infected_share(0.5 * on_board)
    assert half.value == pytest.approx(0.5)
    assert half.low < 0.5 < half.high


def test_published_infected_shares() -> None:
    """Modi et al., second version: Lombardia 23% (12-41), Bergamo 67% (33-100)."""
    lombardia = rates.infected_share(np.array([0.006, 0.016]))
    assert lombardia.value == pytest.approx(0.23, abs=0.01)
    assert lombardia.low == pytest.approx(0.12, abs=0.02)
    assert lombardia.high == pytest.approx(0.41, abs=0.06)
    bergamo = rates.infected_share(np.array([0.017, 0.046]))
    assert bergamo.value == pytest.approx(0.67, abs=0.02)
    assert bergamo.high == 1


def test_poisson_interval_covers() -> None:
    low, high = rates.poisson_interval(11)
    assert (round(low, 2), round(high, 2)) == (5.49, 19.68)
    assert rates.poisson_interval(0)[0] == 0
    counts = np.random.default_rng(0).poisson(8.0, 2000)
    ends = np.array([rates.poisson_interval(n) for n in range(60)])
    inside = (ends[counts, 0] <= 8) & (ends[counts, 1] >= 8)
    assert inside.mean() > 0.94


def test_lower_bound_is_at_least_the_population_rate() -> None:
    assert rates.infection_fatality_bound(0.002, 1.0) == 0.002
    assert rates.infection_fatality_bound(0.002, 0.4) == pytest.approx(0.005)
    assert rates.population_fatality(25_530, 10_060_574) == pytest.approx(0.0025, abs=1e-4)
    with pytest.raises(ValueError, match="share of positive tests"):
        rates.infection_fatality_bound(0.002, 0.0)
