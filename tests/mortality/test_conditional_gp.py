"""The conditional Gaussian processes against scikit-learn, SciPy and analytic truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA

from mlsci.mortality.conditional_gp import (
    LENGTH_SCALES,
    ConditionalGP,
    conditional,
    ppca_covariance,
    smooth_covariance,
    smooth_residual,
    squared_exponential,
)


def years(seed: int, n: int = 5, weeks: int = 14) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return 100 + generator.standard_normal((n, weeks)) @ generator.standard_normal((weeks, weeks))


@pytest.mark.parametrize("n", [4, 5, 30])
def test_white_kernel_is_that_of_scikit_learn(n: int) -> None:
    x = years(n, n)
    np.testing.assert_allclose(ppca_covariance(x), PCA(2).fit(x).get_covariance(), rtol=1e-9)


def test_white_kernel_is_wider_than_that_of_tipping_and_bishop() -> None:
    """For few years the left-over variance is spread over years, not weeks: their equation 8."""
    x = years(0)
    values = np.linalg.eigvalsh(np.cov(x.T))[::-1]
    noise = np.linalg.eigvalsh(ppca_covariance(x))[0]
    np.testing.assert_allclose(noise, values[2:].sum() / 3)
    assert noise == pytest.approx(4 * values[2:].sum() / 12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_conditioning_is_division_of_densities(seed: int, start: int) -> None:
    """p(late | early) p(early) = p(early, late), for any point."""
    generator = np.random.default_rng(seed)
    n = start + 3
    root = generator.standard_normal((n, n))
    mean, covariance = generator.standard_normal(n), root @ root.T + 0.1 * np.eye(n)
    x = generator.standard_normal(n)
    late_mean, late = conditional(mean, covariance, x[:start])
    joint = multivariate_normal(mean, covariance).logpdf(x)
    early = multivariate_normal(mean[:start], covariance[:start, :start]).logpdf(x[:start])
    given_early = multivariate_normal(late_mean, late).logpdf(x[start:])
    np.testing.assert_allclose(given_early + early, joint, rtol=1e-5, atol=1e-5)


def test_a_year_on_the_components_is_continued_exactly() -> None:
    """Where years differ by two patterns alone, six weeks tell the rest."""
    generator = np.random.default_rng(3)
    patterns = generator.standard_normal((2, 14))
    x = 100 + generator.standard_normal((6, 2)) @ patterns
    for residual in ("white", "squared-exponential"):
        p = ConditionalGP(residual).fit(x[:-1]).predict(x[-1, :6])
        np.testing.assert_allclose(p.mean, x[-1, 6:], atol=1e-3)
        assert p.total(np.full(8, 7.0)).deviation < 0.1


def test_smooth_residual_finds_what_was_put_in() -> None:
    generator = np.random.default_rng(5)
    weeks, amplitude, scale = 14, 3.0, 1.5
    draw = generator.multivariate_normal(
        np.zeros(weeks), amplitude**2 * squared_exponential(weeks, scale), size=400
    )
    found = smooth_residual(100 + draw)
    # The components take the two largest of the process's own directions; what they leave is known.
    assert found[1] == pytest.approx(scale, rel=0.1)
    assert found[0] == pytest.approx(amplitude, rel=0.1)


def test_smooth_likelihood_is_the_best_of_its_grid() -> None:
    """Against the density of SciPy, for the amplitude and the length scale found."""
    x = years(7, 5, 10)
    anomalies = x - x.mean(0)
    q = np.linalg.svd(anomalies)[2][2:]
    amplitude, scale = smooth_residual(x)

    def likelihood(a: float, length: float) -> float:
        k = a**2 * q @ squared_exponential(10, length) @ q.T
        return float(multivariate_normal(np.zeros(8), k).logpdf(anomalies @ q.T).sum())

    best = likelihood(float(amplitude), float(scale))
    assert best >= max(likelihood(float(amplitude * f), float(scale)) for f in (0.98, 1.02))
    for length in LENGTH_SCALES:
        for a in np.geomspace(0.3, 3, 21) * amplitude:
            assert likelihood(float(a), float(length)) <= best + 1e-6


def test_smooth_kernel_holds_the_components() -> None:
    x = years(2)
    covariance = smooth_covariance(x)
    first = PCA(1).fit(x)
    along = first.components_[0] @ covariance @ first.components_[0]
    assert along > first.explained_variance_[0]
    assert (np.linalg.eigvalsh(covariance) > 0).all()
