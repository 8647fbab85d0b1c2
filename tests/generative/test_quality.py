"""Sample measures against exact values, symmetries and limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group

from mlsci.generative.quality import frechet_distance, neighbourhoods

seeds = st.integers(0, 2**32 - 1)


def cloud(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.standard_normal(d)


@settings(deadline=None, max_examples=30)
@given(seed=seeds, d=st.integers(2, 8))
def test_frechet_distance_is_a_symmetric_invariant_distance(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = cloud(rng, 200, d), cloud(rng, 300, d)
    distance = frechet_distance(a, b)
    scale = np.trace(np.cov(a.T)) + np.trace(np.cov(b.T))
    assert distance > 0
    assert frechet_distance(b, a) == pytest.approx(distance, abs=1e-8 * scale)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8 * scale)
    turn, shift = ortho_group.rvs(d, random_state=seed), rng.standard_normal(d)
    moved = frechet_distance(a @ turn + shift, b @ turn + shift)
    assert moved == pytest.approx(distance, abs=1e-7 * scale)


def test_frechet_distance_of_known_gaussians() -> None:
    """For diagonal covariances it is |m1 - m2|^2 + sum (s1 - s2)^2."""
    rng = np.random.default_rng(0)
    n, d = 400, 3
    unit = rng.standard_normal((n, d))
    unit -= unit.mean(0)
    unit = unit @ np.linalg.inv(np.linalg.cholesky(np.cov(unit.T))).T  # exactly white
    a = unit * [1, 2, 3] + [1, 0, 0]
    b = unit * [2, 2, 1] + [0, 2, 0]
    assert frechet_distance(a, b) == pytest.approx(1 + 4 + 1 + 0 + 4, rel=1e-9)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_neighbourhoods_agree_with_their_definitions(k: int) -> None:
    """Naeem et al. 2020, eqs. 1-6, written out with full distance matrices."""
    rng = np.random.default_rng(k)
    real, fake = rng.standard_normal((60, 3)), 1.3 * rng.standard_normal((80, 3)) + 0.4
    radius_real = np.sort(cdist(real, real), 1)[:, k]
    radius_fake = np.sort(cdist(fake, fake), 1)[:, k]
    distance = cdist(real, fake)
    inside = distance <= radius_real[:, None]
    got = neighbourhoods(real, fake, k)
    assert got.precision == pytest.approx(inside.any(0).mean())
    assert got.recall == pytest.approx((distance <= radius_fake).any(1).mean())
    assert got.density == pytest.approx(inside.sum() / (k * len(fake)))
    assert got.coverage == pytest.approx(inside.any(1).mean())


def test_neighbourhoods_of_one_distribution_and_of_distant_ones() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((3000, 4)), rng.standard_normal((3000, 4))
    same = neighbourhoods(a, b, 5)
    # E coverage = 1 - prod of (n - i) / (2n - i) over i < k, Naeem et al. 2020, section 3.3.
    expected = 1 - 0.5**5
    assert same.coverage == pytest.approx(expected, abs=0.02)
    assert same.density == pytest.approx(1, abs=0.08)
    apart = neighbourhoods(a, b + 100, 5)
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0, 0, 0, 0)
    collapsed = neighbourhoods(a, np.repeat(a[:6], 500, 0) + 1e-6 * b, 5)
    assert collapsed.precision == 1
    assert collapsed.coverage < 0.05


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (np.zeros((9, 2)), np.zeros((9, 3)), "need clouds"),
        (np.zeros((1, 2)), np.zeros((9, 2)), "two points"),
        (np.full((9, 2), np.nan), np.zeros((9, 2)), "NaN"),
    ],
)
def test_bad_clouds_are_refused(real: np.ndarray, fake: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frechet_distance(real, fake)
    with pytest.raises(ValueError, match=message):
        neighbourhoods(real, fake)


def test_too_few_points_for_the_neighbours_are_refused() -> None:
    with pytest.raises(ValueError, match="more than k = 5"):
        neighbourhoods(np.zeros((5, 2)), np.zeros((9, 2)))
