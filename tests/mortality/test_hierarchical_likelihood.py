"""The hierarchical model's algebra against dense matrices, and its limits."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsci.mortality import hierarchical_prior as prior
from mlsci.mortality.hierarchical_likelihood import HierarchicalLikelihood, crude_log_rates
from mlsci.mortality.hierarchical_prior import MEDIAN, NAMES, SPREAD, Layout

LAYOUT = Layout(
    macro=np.array([0, 0, 1]),
    decades=np.array([-2.0, 1.0]),
    middle=np.array([0.0, 9 / 7, 16 / 7, 23 / 7]),
    years=np.array([2015, 2016]),
    baseline=(2.0, 0.5, 0.4, 0.2),
)
DAYS = np.array([[11.0, 7, 7, 7], [11, 7, 7, 6]])


@pytest.fixture(scope="module")
def likelihood() -> HierarchicalLikelihood:
    return HierarchicalLikelihood(LAYOUT)


@pytest.fixture(scope="module")
def deaths() -> np.ndarray:
    counts = np.random.default_rng(1).poisson(60.0, LAYOUT.shape).astype(float)
    counts[-1, :, :, 2:] = np.nan
    counts[0, 1, 0, 3] = np.nan
    return counts


def hyperparameters(seed: int) -> np.ndarray:
    return MEDIAN + SPREAD * np.random.default_rng(seed).standard_normal(len(NAMES))


def dense_covariance(theta: np.ndarray, layout: Layout) -> np.ndarray:
    """Prior covariance of all log rates, effect by effect."""
    Y, R, A, T = layout.shape
    design, groups = prior.shared_effects(layout)
    deviation = prior.shared_deviations(tf.constant(theta), groups, layout).numpy()
    flat = design.reshape(-1, len(groups)) * deviation
    covariance = (flat @ flat.T).reshape(Y, R, A, T, Y, R, A, T)
    year = prior.year_covariance(tf.constant(theta), layout)
    phi, c = (x.numpy() for x in prior.loadings(tf.constant(theta), layout))
    field = year.field.numpy().reshape(R, T, R, T)
    for y in range(Y):
        block = covariance[y, :, :, :, y]
        block += np.einsum("a,b,rtsu->ratsbu", phi, phi, field)
        block += np.einsum("a,b,tu->atbu", c, c, year.tilt.numpy())[:, :, None].reshape(
            1, A, T, 1, A, T
        )
        block += year.level.numpy() * np.eye(A)[None, :, None, None, :, None]
    return covariance.reshape(Y * R * A * T, -1)


@pytest.mark.parametrize("seed", [0, 1])
def test_marginal_likelihood_and_posterior_of_dense_algebra(
    seed: int, likelihood: HierarchicalLikelihood, deaths: np.ndarray
) -> None:
    theta = hyperparameters(seed)
    about = crude_log_rates(deaths, DAYS)
    value, posterior = likelihood.effects(theta, likelihood.observe(deaths, DAYS, about))

    seen = np.isfinite(deaths).ravel()
    mu = (np.exp(about) * DAYS[:, None, None]).ravel()
    z = (about.ravel() + (deaths.ravel() - mu) / mu - LAYOUT.baseline[0])[seen]
    prior_covariance = dense_covariance(theta, LAYOUT)
    covariance = prior_covariance[np.ix_(seen, seen)] + np.diag(1 / mu[seen])
    sign, log_determinant = np.linalg.slogdet(covariance)
    solved = np.linalg.solve(covariance, z)
    expected = -0.5 * (z @ solved + log_determinant + len(z) * np.log(2 * np.pi))
    assert sign == 1
    assert value == pytest.approx(expected, rel=1e-9)

    own, shared = posterior.mean()
    rates = likelihood.log_rates(theta, 1, own[1][:, None], shared[:, None])[..., 0]
    dense = (prior_covariance[:, seen] @ solved + LAYOUT.baseline[0]).reshape(LAYOUT.shape)
    np.testing.assert_allclose(rates, dense[1], rtol=1e-8)


def test_gradient(likelihood: HierarchicalLikelihood, deaths: np.ndarray) -> None:
    theta = hyperparameters(2)
    seen = likelihood.observe(deaths, DAYS, crude_log_rates(deaths, DAYS))
    value, slope = likelihood.gradient(tf.constant(theta), seen)
    assert float(value) == pytest.approx(float(likelihood.log_posterior(tf.constant(theta), seen)))
    for k in range(len(NAMES)):
        step = np.zeros(len(NAMES))
        step[k] = 1e-5
        up, down = (
            float(likelihood.log_posterior(tf.constant(theta + s * step), seen)) for s in (1, -1)
        )
        assert float(slope[k]) == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-5), NAMES[k]


@settings(max_examples=10)
@given(order=st.permutations(range(3)), years=st.permutations(range(2)))
def test_the_order_of_regions_and_years_says_nothing(order: list[int], years: list[int]) -> None:
    counts = np.random.default_rng(2).poisson(40.0, LAYOUT.shape).astype(float)
    moved = Layout(
        LAYOUT.macro[order],
        LAYOUT.decades,
        LAYOUT.middle,
        LAYOUT.years[years],
        LAYOUT.baseline,
    )
    values = []
    for layout, y, r in ((LAYOUT, [0, 1], [0, 1, 2]), (moved, years, order)):
        likelihood = HierarchicalLikelihood(layout)
        about = crude_log_rates(counts[y][:, r], DAYS[y])
        seen = likelihood.observe(counts[y][:, r], DAYS[y], about)
        values.append(likelihood._factorise(tf.constant(MEDIAN), seen)[0].numpy())
    assert values[0] == pytest.approx(values[1], rel=1e-10)


def test_without_regional_parts_regions_move_as_one() -> None:
    theta = MEDIAN.copy()
    for name in ("wave_macro", "wave_region", "weather_region", "year_region"):
        theta[NAMES.index(name)] = np.log(1e-6)
    field = prior.year_covariance(tf.constant(theta), LAYOUT).field.numpy().reshape(3, 4, 3, 4)
    for r in range(3):
        np.testing.assert_allclose(field[0, :, r], field[0, :, 0], atol=2e-6)


def test_without_common_parts_regions_are_independent() -> None:
    theta = MEDIAN.copy()
    for name in ("wave", "weather", "year"):
        theta[NAMES.index(name)] = np.log(1e-7)
    field = prior.year_covariance(tf.constant(theta), LAYOUT).field.numpy().reshape(3, 4, 3, 4)
    assert np.abs(field[0, :, 1:]).max() < 1e-9
    assert np.abs(field[0, :, 0]).max() > 1e-5


def test_macro_areas_correlate_their_regions() -> None:
    field = prior.year_covariance(tf.constant(MEDIAN), LAYOUT).field.numpy().reshape(3, 4, 3, 4)
    assert (field[0, :, 1] > field[0, :, 2]).all()
    assert (field[0, :, 0] > field[0, :, 1]).all()


def test_waves_fade_and_are_forgotten() -> None:
    theta = tf.constant(MEDIAN)
    layout = Layout(np.array([0]), np.array([0.0]), np.arange(20.0), np.array([2015, 2016]))
    field = prior.year_covariance(theta, layout).field.numpy()
    assert (np.diff(np.diag(field)) < 0).all()
    correlation = field / np.sqrt(np.outer(np.diag(field), np.diag(field)))
    assert correlation[0, 1] > 0.85
    assert correlation[0, 10] < correlation[0, 5] < correlation[0, 1]
    floor = np.exp(2 * MEDIAN[[NAMES.index(n) for n in ("year", "year_region")]]).sum()
    assert floor < field[-1, -1] < 10 * floor


def test_prior_draws_have_the_prior_covariance() -> None:
    layout = Layout(
        np.array([0, 1]), np.array([0.0]), np.arange(3.0), np.array([2015]), (1.0, 0.1, 0.1, 0.1)
    )
    draws = [prior.draw_log_rates(MEDIAN, layout, seed).ravel() for seed in range(200)]
    expected = dense_covariance(MEDIAN, layout)
    scale = np.sqrt(np.diag(expected))
    assert np.abs((np.mean(draws, 0) - 1) / scale).max() < 5 / np.sqrt(len(draws))
    error = (np.cov(np.transpose(draws)) - expected) / np.outer(scale, scale)
    assert np.abs(error).max() < 5 * np.sqrt(2 / len(draws))


def test_the_season_is_a_smooth_process_about_its_mean() -> None:
    weeks = np.arange(14.0)
    components = prior.season_components(weeks)
    np.testing.assert_allclose(components.sum(0), 0, atol=1e-12)
    process = np.exp(-0.5 * ((weeks[:, None] - weeks) / prior.SEASON_LENGTH) ** 2)
    about_mean = np.trace(process) - process.mean(1).sum()
    assert 0.95 * about_mean < (components**2).sum() <= about_mean


def test_classes_of_age() -> None:
    np.testing.assert_allclose(prior.decades(["0-9", "40-49", "80-89", "90+"]), [-8, -4, 0, 1])
    with pytest.raises(ValueError, match="no class of age: write 40-49 or 90"):
        prior.decades(["all"])


def test_counts_of_another_shape_are_refused(likelihood: HierarchicalLikelihood) -> None:
    with pytest.raises(ValueError, match="give observed ones as"):
        likelihood.observe(np.ones((2, 3, 2, 5)), np.ones((2, 5)), np.zeros((2, 3, 2, 5)))
    nothing = np.full(LAYOUT.shape, np.nan)
    with pytest.raises(ValueError, match="give observed ones as"):
        likelihood.observe(nothing, DAYS, np.zeros(LAYOUT.shape))
