"""Calibration is seen where it is, and its lack is seen too; samplers pass on data of the model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from mlsci.reconstruction.calibration import (
    credibility,
    exact_coverage,
    expected_coverage,
    interval_coverage,
    ranks,
    simulate,
    uniformity,
)
from mlsci.reconstruction.corruption import Compose, Corruption, GaussianBlur, columns_hidden
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.posterior import posterior
from mlsci.reconstruction.residual import Residual
from tests.reconstruction.toys import IMAGE, linear_model, two_modes

LEVELS = np.array([0.25, 0.5, 0.68, 0.95])


def posterior_draws(width: float, n: int = 800, s: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Draws about a noisy measurement of truths; right if the width is one."""
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((n, 3))
    y = truth + rng.standard_normal((n, 3))
    spread = width * np.sqrt(0.5)
    return 0.5 * y[:, None] + spread * rng.standard_normal((n, s, 3)), truth


def test_right_posteriors_pass_and_wrong_ones_fail() -> None:
    draws, truth = posterior_draws(1.0)
    assert (uniformity(ranks(draws, truth), 100) > 0.01).all()
    coverage = expected_coverage(credibility(draws, truth, seed=1), LEVELS)
    np.testing.assert_allclose(coverage, LEVELS, atol=0.05)
    share, error = interval_coverage(draws, truth, 0.68)
    assert abs(share - 0.68) < 4 * error
    assert 0.005 < error < 0.02
    for width in (0.7, 1.4):
        draws, truth = posterior_draws(width)
        assert (uniformity(ranks(draws, truth), 100) < 1e-3).all()
        coverage = expected_coverage(credibility(draws, truth, seed=1), LEVELS)
        assert ((coverage[2] - 0.68) * (width - 1)) > 0.03
        share, error = interval_coverage(draws, truth, 0.68)
        held = 2 * norm.cdf(width * norm.ppf(0.84)) - 1  # by intervals that are so much too wide
        assert abs(share - held) < 4 * error < abs(share - 0.68)


def test_chance_is_what_right_posteriors_deviate_by_and_wrong_ones_exceed_it() -> None:
    draws, truth = posterior_draws(1.0, n=300)
    by_chance = exact_coverage(draws, truth, LEVELS, rounds=10, seed=0)
    assert by_chance.shape == (10, 4)
    spread = np.abs(by_chance - LEVELS).max()
    assert 0.003 < spread < 0.06
    np.testing.assert_allclose(by_chance.mean(0), LEVELS, atol=0.02)
    right = np.abs(expected_coverage(credibility(draws, truth, seed=1), LEVELS) - LEVELS).max()
    assert right < 1.5 * spread
    draws, truth = posterior_draws(0.6, n=300)
    wrong = np.abs(expected_coverage(credibility(draws, truth, seed=1), LEVELS) - LEVELS).max()
    assert wrong > 2 * spread


def test_a_selection_counts_alone() -> None:
    draws, truth = posterior_draws(1.0)
    truth = truth.copy()
    truth[:, 2] = 99.0
    where = np.ones_like(truth, bool)
    where[:, 2] = False
    assert interval_coverage(draws, truth, 0.95, where)[0] == pytest.approx(0.95, abs=0.03)
    assert interval_coverage(draws, truth, 0.95, ~where)[0] == 0
    with pytest.raises(ValueError, match="selection is empty"):
        interval_coverage(draws, truth, 0.95, np.zeros_like(where))
    with pytest.raises(ValueError, match="level"):
        interval_coverage(draws, truth, 95)
    with pytest.raises(ValueError, match="do not belong"):
        ranks(draws, truth[:5])


@pytest.mark.slow
def test_samplers_are_calibrated_on_data_of_the_model_and_one_gaussian_is_not() -> None:
    likelihood = two_modes(0.4, 0.3)
    u, _, y = simulate(likelihood, 150, seed=4)
    found = {
        method: posterior(likelihood, y, method=method, draws=320, starts=6, seed=1)  # type: ignore[arg-type]
        for method in ("importance", "smc", "laplace")
    }
    p = {m: uniformity(ranks(f.draws(60), u), 60) for m, f in found.items()}
    assert (p["importance"] > 1e-3).all()
    assert (p["smc"] > 1e-3).all()
    assert p["laplace"][0] < 1e-6  # u_0 has two modes, u_1 is a Gaussian
    assert p["laplace"][1] > 1e-3


def test_simulated_images_carry_the_error_of_the_model_through_the_corruption() -> None:
    model, _, _ = linear_model()
    rng = np.random.default_rng(0)
    residual = Residual(np.full(IMAGE, 0.2), 0.5 * rng.standard_normal((1, *IMAGE)))
    corruption = Corruption(GaussianBlur(3, 1.0), 0.3)
    likelihood = Likelihood(model, corruption, residual)
    u, clean, y = simulate(likelihood, 4000, seed=1)
    a = corruption.operator.matrix(IMAGE)
    error = clean.reshape(4000, -1) - model.images(u).reshape(4000, -1)
    np.testing.assert_allclose(error.T @ error / 4000, residual.covariance, atol=0.06)
    noise = y.reshape(4000, -1) - clean.reshape(4000, -1) @ a.T
    assert noise.std() == pytest.approx(0.3, rel=0.03)
    # Given the data, clean images are distributed as the truths are.
    few = slice(0, 150)
    found = posterior(likelihood, y[few], method="laplace", draws=200, starts=1)
    drawn = found.images(200)
    share, width = interval_coverage(drawn, clean[few], 0.9)
    assert abs(share - 0.9) < 4 * width + 0.01


@pytest.mark.parametrize("hidden", [(0, 1), (2, 4)])
def test_white_error_counts_in_data_and_images(hidden: tuple[int, int]) -> None:
    model, _, _ = linear_model()
    likelihood = Likelihood(model, Corruption(columns_hidden(IMAGE, *hidden)), 0.4)
    u, clean, y = simulate(likelihood, 100, seed=1)
    seen = likelihood.corruption.observed(IMAGE)
    image = model.images(u)
    assert (y - image)[:, seen].std() == pytest.approx(0.4, rel=0.1)
    assert (clean - image)[:, ~seen].std() == pytest.approx(0.4, rel=0.1)
    found = posterior(likelihood, y, method="laplace", draws=200, starts=1)
    where = np.broadcast_to(~seen, clean.shape)
    share, width = interval_coverage(found.images(200), clean, 0.9, where)
    assert abs(share - 0.9) < 4 * width + 0.01


def test_noise_alone_is_simulated_as_stated() -> None:
    likelihood = Likelihood(linear_model()[0], Corruption(Compose(), 0.5), 0.0)
    u, clean, y = simulate(likelihood, 200, seed=3)
    np.testing.assert_allclose(clean, likelihood.model.images(u))
    assert (y - clean).std() == pytest.approx(0.5, rel=0.05)
