"""Held-out years stay held out, and honest models are found to be honest."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.mortality.backtest import (
    KINDS,
    Backtest,
    departure_slope,
    leave_one_year_out,
    reliability,
    summary,
)
from mlsci.mortality.classical import CLASSICAL, LABELS
from mlsci.mortality.counterfactual import DrawnPrediction, GaussianPrediction

YEARS = (2015, 2016, 2017, 2018, 2019)
PRE, FIRST, WEEKS, REGIONS = 5, 6, 12, 4


def days() -> np.ndarray:
    lengths = np.full((len(YEARS), WEEKS), 7)
    lengths[:, 0] = 11
    lengths[[0, 2, 3, 4], 7] = 6
    return lengths


def deaths(seed: int = 0) -> np.ndarray:
    """Deaths ``(regions, years, weeks)``."""
    generator = np.random.default_rng(seed)
    rate = generator.uniform(50, 200, (REGIONS, 1, 1))
    winter = 1 + 0.05 * generator.standard_normal((1, len(YEARS), 1))
    return generator.poisson(rate * winter * days()).astype(float)


def run(name: str, counts: np.ndarray) -> Backtest:
    return leave_one_year_out(counts, days(), YEARS, CLASSICAL[name], pre=PRE, first=FIRST)


@pytest.mark.parametrize("name", CLASSICAL)
def test_predictions_do_not_know_the_year_they_predict(name: str) -> None:
    """Weeks that are not shown may be anything, those that are shown matter to some models."""
    counts = deaths()
    other = counts.copy()
    other[:, 2, PRE:] *= 3
    one, two = run(name, counts), run(name, other)
    k = YEARS.index(2017)
    np.testing.assert_array_equal(one.mean("weekly")[k], two.mean("weekly")[k])
    np.testing.assert_array_equal(one.deviation("nation")[k], two.deviation("nation")[k])
    # As a control year it is seen.
    assert not np.allclose(one.mean("weekly")[k - 1], two.mean("weekly")[k - 1])
    np.testing.assert_array_equal(two.observed[k], other[:, 2, FIRST:])


@pytest.mark.parametrize("name", CLASSICAL)
def test_numbers_add_up(name: str) -> None:
    test = run(name, deaths())
    assert test.observed.shape == (len(YEARS), REGIONS, WEEKS - FIRST)
    assert test.truth("nation").shape == (len(YEARS),)
    np.testing.assert_allclose(test.mean("weekly").sum(-1), test.mean("total"))
    np.testing.assert_allclose(test.mean("total").sum(-1), test.mean("nation"))
    np.testing.assert_array_equal(test.truth("total").sum(-1), test.truth("nation"))
    assert name in LABELS


def test_leading_axes_are_carried_along() -> None:
    counts = np.stack([deaths(0), deaths(1), deaths(2)])
    together, alone = run("cgp_white", counts), run("cgp_white", counts[1])
    for kind in KINDS:
        np.testing.assert_allclose(together.mean(kind)[:, 1], alone.mean(kind))
        np.testing.assert_allclose(together.deviation(kind)[:, 1], alone.deviation(kind))
        np.testing.assert_array_equal(together.covered(kind, 0.9)[:, 1], alone.covered(kind, 0.9))


def test_scored_weeks_must_come_after_the_shown_ones() -> None:
    with pytest.raises(ValueError, match="shown"):
        leave_one_year_out(deaths(), days(), YEARS, CLASSICAL["mean"], pre=6, first=5)


def test_a_model_that_knows_its_errors_is_covered() -> None:
    """Years drawn from the predicted distribution itself, by formula and by draws."""
    generator = np.random.default_rng(4)
    root = generator.standard_normal((REGIONS, 6, 6))
    truth = GaussianPrediction(
        np.full((REGIONS, 6), 100.0), root @ np.swapaxes(root, -1, -2), np.array(0.6)
    )
    n = 300
    lengths = np.full((n, 6), 7.0)
    years = truth.sample(n, seed=1) * lengths[:, None]
    drawn = DrawnPrediction(truth.sample(2000, seed=2))
    for prediction in (truth, drawn):
        test = Backtest(tuple(range(n)), years, lengths, (prediction,) * n)
        found = summary(test)
        for kind in KINDS:
            for level in (68, 95):
                value, error = found[f"{kind}_{level}"]
                assert value == pytest.approx(level / 100, abs=4 * error + 0.01)


def test_summary_of_a_perfect_forecast() -> None:
    observed = np.random.default_rng(5).uniform(50, 100, (3, REGIONS, 4))
    sure = tuple(
        GaussianPrediction(y / 7, np.zeros((REGIONS, 4, 4)), np.array(0.0)) for y in observed
    )
    test = Backtest((1, 2, 3), observed, np.full((3, 4), 7.0), sure)
    found = summary(test)
    for name in ("nrmse", "crps", "total_nrmse", "nation_nrmse"):
        np.testing.assert_allclose(found[name], 0, atol=1e-12)


def test_groups_are_scored_one_by_one() -> None:
    counts = np.stack([deaths(0), deaths(1)])
    both, alone = run("mean", counts), run("mean", counts[1])
    one, other = summary(both, group=1), summary(alone)
    assert set(one) == set(other)
    for name in ("weekly_68", "total_95", "nation_95", "nation_nrmse"):
        np.testing.assert_allclose(one[name], other[name])
    # Errors of a group are relative to the mean region, not to each.
    assert one["nrmse"] != other["nrmse"]


def test_a_nations_weeks_add_up_to_its_total() -> None:
    test = run("mean", deaths())
    mean, deviation = test.nation_weeks()
    assert mean.shape == deviation.shape == (len(YEARS), WEEKS - FIRST)
    np.testing.assert_allclose(mean.sum(-1), test.mean("nation"))
    np.testing.assert_allclose(mean, test.mean("weekly").sum(1))
    # Weeks are between independence and unison, or against each other.
    assert (deviation.sum(-1) >= test.deviation("nation") * (1 - 1e-9)).all()


def test_reliability_rises_with_the_level() -> None:
    curve = reliability(run("harmonic", deaths()), "weekly", [0.1, 0.5, 0.9])
    assert (np.diff(curve) > 0).all()


def test_slope_of_departures_that_come_true() -> None:
    reference = run("mean", deaths())
    base, observed = reference.mean("weekly"), reference.observed

    def shifted(share: float) -> Backtest:
        """Predicts a share of the departures that happen."""
        means = (base + (observed - base) / share) / reference.days[:, None]
        given = tuple(
            GaussianPrediction(mean, np.zeros((*mean.shape, mean.shape[-1])), np.array(0.0))
            for mean in means
        )
        return Backtest(reference.years, observed, reference.days, given)

    for share in (1.0, 0.5, -0.2):
        np.testing.assert_allclose(
            departure_slope(shifted(share), reference), (share, 0), atol=1e-12
        )
