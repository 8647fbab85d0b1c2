"""Other forms of the hierarchical model: limits, evidence, and when one is justified."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from mlsci.mortality import hierarchical_prior as prior
from mlsci.mortality.hierarchical_forms import (
    Form,
    UnequalWinters,
    log_evidence,
    log_strength_density,
    verdict,
)
from mlsci.mortality.hierarchical_likelihood import HierarchicalLikelihood
from mlsci.mortality.weeks import axis
from mlsci.mortality.weeks import days as days_of

YEARS, WEEKS = np.array([2016, 2017, 2018]), 6
DAYS = days_of(axis(WEEKS), YEARS.tolist()).astype(np.float64)
LAYOUT = prior.Layout(
    macro=np.array([0, 1]),
    decades=np.array([-1.0, 0.0, 1.0]),
    middle=(np.cumsum(DAYS, axis=1) - 0.5 * DAYS).mean(0) / 7,
    years=YEARS,
    baseline=(3.0, 0.5, 0.5, 0.2),
)


def deaths(strengths: tuple[float, ...], seed: int) -> np.ndarray:
    """Return counts of years whose waves have these log strengths."""
    generator = np.random.default_rng(seed)
    rates = []
    for year, strength in enumerate(strengths):
        theta = prior.MEDIAN.copy()
        theta[prior.NAMES.index("wave")] += strength
        one = replace(LAYOUT, years=YEARS[year : year + 1])
        rates.append(prior.draw_log_rates(theta, one, seed)[0])
    return generator.poisson(np.exp(rates) * DAYS[:, None, None]).astype(np.float64)


def test_equal_strengths_are_a_larger_wave() -> None:
    counts = deaths((0.0, 0.0, 0.0), 0)
    usual, unequal = HierarchicalLikelihood(LAYOUT), UnequalWinters(LAYOUT, 4.0)
    seen = usual.observe(counts, DAYS, usual.mode(prior.MEDIAN, counts, DAYS))
    for strength in (0.0, 0.4):
        larger = prior.MEDIAN + strength * np.eye(len(prior.MEDIAN))[prior.NAMES.index("wave")]
        theta = np.append(prior.MEDIAN, np.full(3, strength))
        assert unequal.effects(theta, seen)[0] == pytest.approx(usual.effects(larger, seen)[0])


@pytest.mark.slow
def test_a_strength_acts_on_its_own_year() -> None:
    """The gradient is that of finite differences, and a year without data does not mind."""
    counts = deaths((0.0, 0.0, 0.0), 1)
    counts[1] = np.nan
    unequal = UnequalWinters(LAYOUT, 4.0)
    seen = unequal.observe(counts, DAYS, unequal.mode(np.append(prior.MEDIAN, np.zeros(3)),
                                                      counts, DAYS))  # fmt: skip
    theta = np.append(prior.MEDIAN, [0.2, -0.3, 0.1])
    _, slope = unequal.gradient(tf.constant(theta), seen)
    for k in (15, 16, 17):
        step = 1e-4 * np.eye(18)[k]
        ends = [float(unequal.log_posterior(tf.constant(theta + s), seen)) for s in (step, -step)]
        assert float(slope[k]) == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-4, abs=1e-6)
    free = tf.constant(theta[16:17])
    with tf.GradientTape() as tape:
        tape.watch(free)
        alone = log_strength_density(free, 4.0)
    assert float(slope[16]) == pytest.approx(float(tape.gradient(alone, free)[0]), abs=1e-6)


@pytest.mark.slow
def test_forms_close_to_the_model_have_its_evidence() -> None:
    counts = deaths((0.0, 0.0, 0.0), 2)
    usual = log_evidence(Form(), LAYOUT, counts, DAYS)
    for form in (Form(degrees=1e5), Form(omega=1e-5)):
        assert log_evidence(form, LAYOUT, counts, DAYS) == pytest.approx(usual, abs=0.1)


@pytest.mark.slow
def test_evidence_is_for_the_form_that_made_the_deaths() -> None:
    """Winters of very unequal strength; counts that vary twice as much as Poisson's."""
    unequal = deaths((-2.5, 1.8, -2.5), 3)
    usual = log_evidence(Form(), LAYOUT, unequal, DAYS)
    assert log_evidence(Form(degrees=4.0), LAYOUT, unequal, DAYS) > usual + 1
    rates = np.exp(np.full((3, 2, 3, WEEKS), 5.0)) * DAYS[:, None, None]
    generator = np.random.default_rng(4)
    varied = generator.negative_binomial(rates, 0.5).astype(np.float64)
    chance = log_evidence(Form(omega=1.0), LAYOUT, varied, DAYS)
    assert chance > log_evidence(Form(), LAYOUT, varied, DAYS) + 3


def test_gains_must_be_larger_than_their_error() -> None:
    assert verdict(np.array([1.5, 1.0, 1.2, 1.3]), 3.0)
    assert not verdict(np.array([0.2, 0.2, 0.2, 0.2]), 3.0)
    assert not verdict(np.array([20.0, -8.0, 1.0, -2.0]), 3.0)
