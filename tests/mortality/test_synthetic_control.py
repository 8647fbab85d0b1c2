"""Synthetic control against a general solver and against what it must do."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from mlsci.mortality.synthetic_control import SyntheticControl, simplex_weights

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(2, 6), st.integers(1, 8))
def test_weights_are_on_the_simplex_and_optimal(seed: int, years: int, weeks: int) -> None:
    """No year's share can be moved to another year to advantage: the gradient's own condition."""
    generator = np.random.default_rng(seed)
    controls = generator.normal(100, 10, (years, weeks))
    target = generator.normal(100, 10, weeks)
    w = simplex_weights(controls, target)
    assert (w >= 0).all()
    np.testing.assert_allclose(w.sum(), 1)
    slope = controls @ (w @ controls - target)
    used = w > 1e-9
    scale = np.abs(controls).max() ** 2
    assert slope[used].max() - slope.min() < 1e-8 * scale


def test_weights_are_those_of_a_general_solver() -> None:
    generator = np.random.default_rng(0)
    controls, target = generator.normal(100, 10, (5, 8)), generator.normal(100, 10, 8)
    found = minimize(
        lambda w: ((w @ controls - target) ** 2).sum(),
        np.full(5, 0.2),
        bounds=[(0, 1)] * 5,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(simplex_weights(controls, target), found.x, atol=1e-5)


@given(SEEDS)
def test_a_mixture_of_years_is_recognised(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rates = generator.normal(100, 10, (5, 14))
    mixed = generator.dirichlet(np.ones(5)) @ rates
    prediction = SyntheticControl().fit(rates).predict(mixed[:6])
    np.testing.assert_allclose(prediction.mean, mixed[6:], rtol=1e-6)


def test_a_year_like_one_of_them_gets_that_one() -> None:
    controls = np.array([[1.0, 2.0], [5.0, 1.0], [9.0, 9.0]])
    np.testing.assert_allclose(simplex_weights(controls, controls[1]), [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(simplex_weights(np.ones((4, 3)), np.ones(3)), 0.25)


def test_a_year_beyond_all_of_them_gets_the_nearest() -> None:
    controls = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    np.testing.assert_allclose(simplex_weights(controls, [7.0, 7.0]), [0, 0, 1], atol=1e-12)


def test_errors_are_those_of_placebos() -> None:
    """Years that differ by one number a year: each placebo misses by what it lies beyond others."""
    level = np.array([90.0, 100.0, 101.0, 115.0])
    rates = np.broadcast_to(level[:, None], (4, 10))
    p = SyntheticControl().fit(rates).predict(np.full(4, 100.5))
    np.testing.assert_allclose(p.mean, 100.5)
    # The lowest misses by 10, the highest by 14, the others lie between two others.
    np.testing.assert_allclose(p.covariance, np.full((6, 6), (10**2 + 14**2) / 4), rtol=1e-6)
