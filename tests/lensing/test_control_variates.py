"""Surrogates take scatter from a mean, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlsci.lensing.control_variates import controlled_mean

PAIRS, OTHERS = 8, 100


def draw(
    rng: np.random.Generator, correlation: float, trials: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Runs of mean 3 and variance 1, surrogates of mean 5 and variance 4, one value a trial."""
    common = rng.standard_normal((PAIRS, trials))
    own = rng.standard_normal((PAIRS, trials))
    runs = 3 + correlation * common + np.sqrt(1 - correlation**2) * own
    return runs, 5 + 2 * common, 5 + 2 * rng.standard_normal((OTHERS, trials))


@pytest.mark.parametrize("correlation", [0.0, 0.8, 0.97])
def test_the_estimate_is_unbiased_and_its_error_is_its_scatter(correlation: float) -> None:
    trials = 4000
    found = controlled_mean(*draw(np.random.default_rng(1), correlation, trials))
    scatter = found.mean.std()
    assert abs(found.mean.mean() - 3) < 4 * scatter / np.sqrt(trials)
    # Two-phase sampling: the rest of the regression, a slope from n pairs, the surrogates' mean.
    rest = (1 - correlation**2) / PAIRS * (1 + (1 + PAIRS / OTHERS) / (PAIRS - 3))
    assert scatter**2 == pytest.approx(rest + correlation**2 / OTHERS, rel=0.12)
    # Leaving out one at a time errs on the side of caution.
    assert 1.0 < np.sqrt(np.mean(found.error**2)) / scatter < 1.35


def test_a_good_surrogate_saves_most_runs() -> None:
    runs, twins, others = draw(np.random.default_rng(2), 0.97, 2000)
    assert controlled_mean(runs, twins, others).mean.std() < 0.45 * runs.mean(0).std()


def test_surrogates_that_tell_all_leave_their_own_error_only() -> None:
    _, twins, others = draw(np.random.default_rng(3), 1.0, 5)
    found = controlled_mean(7 - 0.5 * twins, twins, others)
    np.testing.assert_allclose(found.mean, 7 - 0.5 * others.mean(0))
    np.testing.assert_allclose(found.error, 0.5 * others.std(0, ddof=1) / np.sqrt(OTHERS))
    np.testing.assert_allclose(found.slope, -0.5)
    np.testing.assert_allclose(found.correlation, -1)


values = arrays(float, (5, 2), elements=st.floats(-10, 10))


@given(values, st.floats(0.1, 10), st.floats(-10, 10), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_units_of_a_surrogate_do_not_matter(
    runs: np.ndarray, scale: float, offset: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    twins, others = rng.standard_normal((5, 2)), rng.standard_normal((7, 2))
    one = controlled_mean(runs, twins, others)
    two = controlled_mean(runs, scale * twins + offset, scale * others + offset)
    np.testing.assert_allclose(two.mean, one.mean, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(two.error, one.error, rtol=1e-6, atol=1e-6)


def test_what_does_not_belong_together_is_refused() -> None:
    some = np.random.default_rng(4).standard_normal((5, 2))
    with pytest.raises(ValueError, match="in pairs"):
        controlled_mean(some, some[:4], some)
    with pytest.raises(ValueError, match="the least"):
        controlled_mean(some[:2], some[:2], some)
    with pytest.raises(ValueError, match="all the same"):
        controlled_mean(some, np.ones((5, 2)), some)
