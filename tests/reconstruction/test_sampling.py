"""Every method finds the posterior where it is known, and says so where it does not."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from mlsci.reconstruction.convergence import effective_draws, rhat
from mlsci.reconstruction.corruption import Corruption, columns_hidden
from mlsci.reconstruction.expectation import fitted
from mlsci.reconstruction.importance import Weighted, importance, pareto_shape, systematic
from mlsci.reconstruction.laplace import Mixture, standard_normal
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.misfit import ranked_p_value
from mlsci.reconstruction.modes import find_modes
from mlsci.reconstruction.population import population
from mlsci.reconstruction.posterior import posterior
from mlsci.reconstruction.result import Method
from mlsci.reconstruction.smc import sequential
from tests.reconstruction.toys import IMAGE, density_on_grid, linear_model, two_modes

CENTRE, NOISE = 0.4, 0.2
Y = np.array([[1.0, 0.3], [2.2, -1.0]]).reshape(2, 1, 2, 1)
BIMODAL = two_modes(CENTRE, NOISE)
EXACT = [density_on_grid(CENTRE, NOISE, y) for y in Y[:, 0, 0, 0]]
# Weight of the mode at positive u_0, and the exact evidence.
LEFT = [density[grid < CENTRE].sum() * (grid[1] - grid[0]) for grid, density in EXACT]


def exact_evidence(y: np.ndarray) -> float:
    grid = np.linspace(-8, 8, 40001)
    log = -0.5 * grid**2 - 0.5 * ((y[0] - (grid - CENTRE) ** 2) / NOISE) ** 2
    first = np.log(np.exp(log).sum() * (grid[1] - grid[0]) / (2 * np.pi * NOISE))
    width = 1 + NOISE**2
    return float(first - 0.5 * y[1] ** 2 / width - 0.5 * np.log(2 * np.pi * width))


@pytest.fixture(scope="module")
def linear() -> tuple[Likelihood, np.ndarray, np.ndarray, np.ndarray]:
    """A linear model with half of its pixels hidden: data, posterior mean and covariance."""
    model, weights, offset = linear_model(1)
    corruption = Corruption(columns_hidden(IMAGE, 0, 2), 1.5)
    likelihood = Likelihood(model, corruption, 0.5)
    y = corruption.apply(np.random.default_rng(2).standard_normal((2, *IMAGE)), seed=0)
    seen = corruption.observed(IMAGE).ravel()
    a = weights[seen] / np.sqrt(1.5**2 + 0.5**2)
    covariance = np.linalg.inv(np.eye(3) + a.T @ a)
    misfit = (y.reshape(2, -1)[:, seen] - offset[seen]) / np.sqrt(1.5**2 + 0.5**2)
    return likelihood, y, misfit @ a @ covariance, covariance


@pytest.mark.parametrize("method", [m for m in get_args(Method) if m not in ("map", "variational")])
def test_moments_of_a_gaussian_posterior(
    method: Method, linear: tuple[Likelihood, np.ndarray, np.ndarray, np.ndarray]
) -> None:
    likelihood, y, mean, covariance = linear
    found = posterior(likelihood, y, method=method, draws=1000, starts=3, seed=1)
    u = found.draws(1000)
    width = np.sqrt(np.diag(covariance))
    assert np.abs(u.mean(1) - mean).max() < 0.2 * width.max()
    for k in range(2):
        np.testing.assert_allclose(np.cov(u[k].T), covariance, atol=0.2 * width.max() ** 2)
    assert (found.modes.weights == 1).all()
    np.testing.assert_allclose(found.mode_weights, 1)
    assert not found.flags["maximum not reached"].any()
    assert not found.flags["the model cannot make the data"].any()
    if "rhat" in found.numbers:
        assert (found.numbers["rhat"] < 1.03).all()
        assert (found.numbers["effective"] > 300).all()


def test_the_highest_maximum_is_the_mean_of_a_gaussian(
    linear: tuple[Likelihood, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    likelihood, y, mean, _ = linear
    found = posterior(likelihood, y, method="map", starts=2)
    np.testing.assert_allclose(found.draws(1)[:, 0], mean, atol=0.03)  # to 1e-3 nats
    assert found.decoded(1).shape == (2, 1, *IMAGE)
    # Rows do not know of each other.
    alone = posterior(likelihood, y[1:], method="map", starts=2)
    np.testing.assert_allclose(alone.draws(1)[0], found.draws(1)[1], atol=0.03)


@pytest.mark.parametrize("start", ["modes", "prior"])
def test_the_reference_sampler_knows_weights_and_evidence_of_two_modes(start: str) -> None:
    found = posterior(BIMODAL, Y, method="smc", draws=2000, start=start, seed=3)  # type: ignore[arg-type]
    u = found.weighted.u
    np.testing.assert_allclose((u[..., 0] < CENTRE).mean(1), LEFT, atol=0.04)
    exact = [exact_evidence(y.ravel()) for y in Y]
    np.testing.assert_allclose(found.weighted.log_evidence, exact, atol=0.1)
    for k, (grid, density) in enumerate(EXACT):
        mean = (grid * density).sum() * (grid[1] - grid[0])
        assert abs(u[k, :, 0].mean() - mean) < 0.1
    np.testing.assert_allclose(u[..., 1].var(1), 0.04 / 1.04, rtol=0.15)
    assert (found.numbers["rhat"] < 1.05).all()


def test_a_mixture_finds_both_modes_and_importance_weights_make_it_exact() -> None:
    mixture = posterior(BIMODAL, Y, method="mixture", draws=4000, seed=1)
    assert np.isfinite(mixture.modes.log_mass).sum(1).tolist() == [2, 2]
    found = posterior(BIMODAL, Y, method="importance", draws=4000, seed=1)
    left = found.modes.mean[:, :, 0] < CENTRE
    np.testing.assert_allclose((found.mode_weights * left).sum(1), LEFT, atol=0.03)
    exact = [exact_evidence(y.ravel()) for y in Y]
    np.testing.assert_allclose(found.weighted.log_evidence, exact, atol=0.05)
    assert found.trustworthy.all(), (found.flags, found.numbers)
    one = posterior(BIMODAL, Y, method="laplace", draws=400, seed=1)
    assert ((one.draws(400)[..., 0] < CENTRE).mean(1) % 1 == 0).all()


def test_chains_that_stay_in_their_mode_are_flagged() -> None:
    y = np.tile([4.0, 0.0], (10, 1)).reshape(10, 1, 2, 1)  # modes at -1.6 and 2.4, far apart
    found = posterior(two_modes(CENTRE, 0.1), y, method="hmc", draws=160, seed=5)
    left = (found.weighted.u.reshape(10, 4, 40, 2)[..., 0] < CENTRE).mean(2)
    assert np.isin(left, [0, 1]).all()  # none crosses
    apart = np.ptp(left, axis=1) > 0
    assert apart.any()  # chains of some data began on both sides
    assert found.flags["chains disagree"][apart].all()
    assert not found.trustworthy[apart].any()


def test_exact_curvature_differs_from_that_of_gauss_and_newton_and_is_the_better_one() -> None:
    data = BIMODAL.whitened(Y)
    exact = [exact_evidence(y.ravel()) for y in Y]
    errors = {}
    for kind in (False, True):
        modes = find_modes(BIMODAL, data, exact=kind, bank=500)
        assert modes.decrement.max() < 1e-2
        errors[kind] = np.abs(modes.mixture.log_evidence - exact).max()
    assert errors[True] < 0.25
    assert errors[True] != errors[False]


def test_data_that_the_model_cannot_make_are_flagged() -> None:
    possible = posterior(BIMODAL, Y, method="importance", draws=500)
    assert not possible.flags["the model cannot make the data"].any()
    impossible = Y.copy()
    impossible[0, 0, 0, 0] = -3.0  # a square is never negative
    found = posterior(BIMODAL, impossible, method="importance", draws=500)
    assert found.flags["the model cannot make the data"].tolist() == [True, False]
    assert found.trustworthy.tolist()[0] is False
    assert found.discrepancy[0] > 10
    np.testing.assert_allclose(
        ranked_p_value(np.array([0.5, 9.0]), np.arange(1.0, 5.0)), [1.0, 1 / 5]
    )


def test_summaries_are_in_pixels_and_hold_the_error_of_the_model() -> None:
    model, _, _ = linear_model(1)
    likelihood = Likelihood(model, Corruption(columns_hidden(IMAGE, 0, 2), 0.5), 0.5)
    found = posterior(likelihood, np.zeros((2, *IMAGE)), method="laplace", draws=500)
    summary = found.summary(400, level=0.9)
    assert summary.mean.shape == (2, *IMAGE)
    assert (summary.low < summary.mean).all()
    assert (summary.mean < summary.high).all()
    assert (summary.std.mean((1, 2, 3)) > 0.4).all()
    assert summary.std.mean() > found.decoded(400).std(1).mean()


def test_the_evidence_of_importance_sampling_is_unbiased_for_a_bad_proposal() -> None:
    bank = standard_normal(2, 2)
    found = importance(BIMODAL, BIMODAL.whitened(Y), bank, draws=60_000, seed=0)
    exact = [exact_evidence(y.ravel()) for y in Y]
    np.testing.assert_allclose(found.log_evidence, exact, atol=0.1)
    assert (found.effective < 0.2).all()


def test_a_proposal_that_learns_is_better_than_the_gaussians_it_began_with() -> None:
    data, modes = BIMODAL.whitened(Y), find_modes(BIMODAL, BIMODAL.whitened(Y), bank=500).mixture
    poor = Mixture(modes.mean, 25 * modes.precision, modes.log_mass)  # far too narrow
    before = importance(BIMODAL, data, poor.defensive(), draws=4000, seed=2)
    after = population(BIMODAL, data, poor, draws=4000, seed=2)
    assert (after.effective > np.maximum(0.4, 2 * before.effective)).all()
    exact = [exact_evidence(y.ravel()) for y in Y]
    np.testing.assert_allclose(after.log_evidence, exact, atol=0.05)
    left = (np.exp(after.log_weights) * (after.u[..., 0] < CENTRE)).sum(1)
    np.testing.assert_allclose(left, LEFT, atol=0.03)


def test_mixture_densities_integrate_to_one_and_match_their_draws() -> None:
    mean = np.array([[[-1.0], [2.0], [0.0]]])
    precision = np.array([[[[4.0]], [[1.0]], [[1.0]]]])
    log_mass = np.array([[np.log(3.0), 0.0, -np.inf]])
    for mixture in (
        Mixture(mean, precision, log_mass),
        Mixture(mean, precision, log_mass).defensive(),
    ):
        grid = np.linspace(-60, 60, 120_001)[None, :, None]
        density = np.exp(mixture.log_prob(grid))[0]
        assert density.sum() * 1e-3 == pytest.approx(1, abs=2e-4)
        drawn = mixture.sample(20_000, np.random.default_rng(0))[0, :, 0]
        below = density[grid[0, :, 0] < 0].sum() * 1e-3
        assert (drawn < 0).mean() == pytest.approx(below, abs=0.015)
    np.testing.assert_allclose(Mixture(mean, precision, log_mass).weights, [[0.75, 0.25, 0.0]])


def test_a_mixture_fitted_to_particles_is_nearly_what_they_were_drawn_from() -> None:
    mean = np.array([[[-2.0, 0.0], [3.0, 1.0]], [[0.0, 0.0], [0.0, 8.0]]])
    precision = np.linalg.inv([[[1.0, 0.9], [0.9, 1.0]], [[0.2, 0.0], [0.0, 2.0]]])
    true = Mixture(mean, np.stack([precision, precision]), np.log([[0.3, 0.7], [0.5, 0.5]]))
    drawn, fresh = (true.sample(4000, np.random.default_rng(k)) for k in (0, 1))
    found = fitted(drawn, components=4, rng=np.random.default_rng(2))
    lost = true.log_prob(fresh) - found.log_prob(fresh)  # its mean is the divergence
    assert (np.abs(lost.mean(1)) < 0.02).all()
    # Units do not matter, and rows do not know of each other.
    other = fitted(drawn[1:] * [1.0, 1e-3], components=4, rng=np.random.default_rng(3))
    there = other.log_prob(fresh[1:] * [1.0, 1e-3]) + np.log(1e-3)
    assert np.abs((true.rows(np.array([1])).log_prob(fresh[1:]) - there).mean()) < 0.02


def test_a_mixture_is_fitted_where_particles_are_few_and_almost_on_a_line() -> None:
    rng = np.random.default_rng(0)
    line = rng.standard_normal((1, 60, 1)) * [1.0, 2.0, 0.0]
    line += 1e-5 * rng.standard_normal(line.shape)
    found = fitted(line, rng=rng)
    assert found.mean.shape[1] == 5
    assert np.isfinite(found.log_prob(line)).all()


def test_particles_in_a_plane_have_a_mixture_that_can_be_drawn_from() -> None:
    """Exactly in it, or all the same: thin across, in units of any size, and as wide within."""
    rng = np.random.default_rng(0)
    plane = rng.standard_normal((1, 400, 3)) * [1.0, 2.0, 0.0] + [5.0, 0.0, 1.0]
    for scale in (1.0, 1e-3):
        found = fitted(scale * plane, components=2, rng=rng)
        drawn = found.sample(4000, rng) / scale
        np.testing.assert_allclose(drawn[0, :, :2].std(0), [1.0, 2.0], rtol=0.1)
        assert np.abs(drawn[0, :, 2] - 1).max() < 1e-3
    point = fitted(np.ones((1, 60, 3)), rng=rng)
    np.testing.assert_allclose(point.sample(10, rng), 1, atol=1e-6)
    assert np.isfinite(point.log_prob(np.ones((1, 1, 3)))).all()


def test_joined_mixtures_have_their_shares_and_distances_are_those_of_their_metric() -> None:
    rng = np.random.default_rng(0)
    root = rng.standard_normal((2, 3, 4, 4))
    one = Mixture(rng.standard_normal((2, 3, 4)), root @ np.swapaxes(root, -1, -2) + np.eye(4),
                  rng.standard_normal((2, 3)))  # fmt: skip
    both = one.joined(standard_normal(2, 4), 0.25)
    u = rng.standard_normal((2, 7, 4))
    expected = 0.75 * np.exp(one.log_prob(u)) + 0.25 * np.exp(standard_normal(2, 4).log_prob(u))
    np.testing.assert_allclose(np.exp(both.log_prob(u)), expected)
    offset = u[:, :, None] - one.mean[:, None]
    direct = np.einsum("nski,nkij,nskj->nsk", offset, one.precision, offset)
    np.testing.assert_allclose(one.squared_distance(u), direct)


def test_convergence_is_seen_and_its_lack_too() -> None:
    rng = np.random.default_rng(0)
    good = rng.standard_normal((2, 4, 500, 3))
    assert (rhat(good) < 1.01).all()
    np.testing.assert_allclose(effective_draws(good), 2000, rtol=0.35)
    shifted, wide = good.copy(), good.copy()
    shifted[1, 0, :, 2] += 1.0
    wide[1, 0] *= 3.0
    for bad in (shifted, wide):
        assert rhat(bad)[0] < 1.01
        assert rhat(bad)[1] > 1.05
    walk = np.cumsum(rng.standard_normal((1, 4, 500, 1)), 2)
    assert effective_draws(walk)[0] < 50
    with pytest.raises(ValueError, match="too few to compare"):
        rhat(good[:, :, :3])


def test_resampling_keeps_shares_and_tails_are_measured() -> None:
    rng = np.random.default_rng(1)
    weights = np.array([[0.5, 0.25, 0.25, 0.0], [0.0, 0.0, 1.0, 0.0]])
    counts = np.stack([np.bincount(row, minlength=4) for row in systematic(weights, 400, rng)])
    np.testing.assert_allclose(counts, 400 * weights, atol=1)
    # u^(-k) has a Pareto tail of shape k.
    for shape in (0.2, 0.9):
        found = pareto_shape(-shape * np.log(rng.random((20, 4000)))).mean()
        assert found == pytest.approx(shape, abs=0.1)
    assert pareto_shape(np.zeros((1, 100)))[0] == -np.inf
    log = np.log(np.array([[0.5, 0.5, 0.0 + 1e-300, 1e-300]]))
    assert Weighted(np.zeros((1, 4, 1)), log, np.zeros(1)).effective[0] == pytest.approx(0.5)


def test_independent_runs_estimate_the_error_of_the_evidence() -> None:
    data = BIMODAL.whitened(Y)
    modes = find_modes(BIMODAL, data, bank=500)
    run = sequential(BIMODAL, data, modes.mixture, particles=100, seed=2)
    assert run.u.shape == (2, 4, 100, 2)
    assert ((run.evidence_error > 0) & (run.evidence_error < 0.5)).all()
    assert ((run.acceptance > 0.1) & (run.acceptance < 0.6)).all()


def test_data_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="data must be"):
        posterior(BIMODAL, Y[:, 0])
