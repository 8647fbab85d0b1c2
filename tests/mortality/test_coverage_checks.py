"""How far a coverage scatters, and which part of a prediction is too wide."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.mortality.coverage_checks import (
    goal_chances,
    held_by_draws,
    parts,
    scatter,
    width_interval,
)

N, REGIONS, WEEKS = 1000, 20, 7


def draws(shared: float, own: float, seed: int = 0, n: int = N) -> np.ndarray:
    """Return deaths whose logarithm has a shared and an own deviation, rounded."""
    generator = np.random.default_rng(seed)
    factor = shared * generator.standard_normal((n, 1, 1))
    factor = factor + own * generator.standard_normal((n, REGIONS, WEEKS))
    return np.round(1000 * np.exp(factor))


@pytest.mark.parametrize("level", [0.5, 0.68, 0.95])
def test_an_honest_coverage_is_right_on_average(level: float) -> None:
    held = held_by_draws(draws(0.03, 0.03), level, np.random.default_rng(1))
    assert held.mean() == pytest.approx(level, abs=0.002)


def test_what_is_shared_makes_a_coverage_scatter() -> None:
    """Independent numbers give binomial scatter; one shared factor, that of a single number."""
    generator = np.random.default_rng(1)
    alone = held_by_draws(draws(0.0, 0.03), 0.68, generator).std()
    assert alone == pytest.approx(np.sqrt(0.68 * 0.32 / (REGIONS * WEEKS)), rel=0.1)
    together = held_by_draws(draws(0.03, 0.0005), 0.68, generator).std()
    assert together == pytest.approx(np.sqrt(0.68 * 0.32), rel=0.1)


def test_years_average_out() -> None:
    generator = np.random.default_rng(1)
    held = [held_by_draws(draws(0.03, 0.03, seed), 0.68, generator) for seed in range(4)]
    expected = np.mean([one.std() for one in held]) / 2
    assert scatter(held, generator).std() == pytest.approx(expected, rel=0.1)


def test_ties_do_not_change_a_coverage() -> None:
    few = np.random.default_rng(0).poisson(0.3, (N, REGIONS, WEEKS)).astype(float)
    assert held_by_draws(few, 0.68, np.random.default_rng(1)).mean() == pytest.approx(
        0.68, abs=0.01
    )


@pytest.mark.parametrize(("shared", "own"), [(2.0, 1.0), (1.0, 2.0)])
def test_the_part_that_is_too_wide_is_told_apart(shared: float, own: float) -> None:
    """Predictions with deviations a factor too large in one part alone; many truths."""
    predicted = draws(0.03 * shared, 0.03 * own)
    found = [parts(predicted, truth) for truth in draws(0.03, 0.03, seed=5, n=300)]
    nation = np.sqrt(np.mean([part.nation**2 for part in found]))
    assert np.mean([part.own.mean() for part in found]) == pytest.approx(own**-2, rel=0.1)
    assert np.mean([part.own_total.mean() for part in found]) == pytest.approx(own**-2, rel=0.1)
    if shared > own:
        assert nation == pytest.approx(1 / shared, rel=0.15)


def test_four_errors_say_little_about_a_width() -> None:
    low, high = width_interval(np.array([-0.3, -0.5, 1.3, -0.9]))
    assert low < 0.6 < 1 < 2 < high
    hits = [
        low < 1 < high
        for low, high in (
            width_interval(z) for z in np.random.default_rng(0).standard_normal((2000, 4))
        )
    ]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.015)


def test_goals_reached_at_once_are_rarer_than_each() -> None:
    """Two coverages of five years that go up and down together, and one that cannot be reached."""
    generator = np.random.default_rng(2)
    years = []
    for seed in range(5):
        made = draws(0.03, 0.03, seed)
        order = np.random.default_rng(seed)
        years.append({str(level): held_by_draws(made, level, order) for level in (0.68, 0.95)})
    goals = {"0.68": (0.66, 0.72), "0.95": (0.93, 0.97)}
    found = goal_chances(years, goals, {"narrow": ["0.68"]}, generator)
    assert set(found) == {*goals, "narrow", "every"}
    assert found["narrow"] == found["0.68"]
    assert max(found["0.68"] + found["0.95"] - 1, 0) <= found["every"] <= min(found.values())
    # Both depend on the same shared factors: more often than if they were independent.
    assert found["every"] > found["0.68"] * found["0.95"]
    spread = np.std(np.mean([year["0.68"] for year in years], axis=0))
    wide = {"0.68": (0.68 - 10 * spread, 0.68 + 10 * spread), "0.95": (0.999, 1.0)}
    sure = goal_chances(years, wide, {}, generator)
    assert sure["0.68"] == 1
    assert sure["every"] == sure["0.95"] < 0.2
