"""Gaussians near their own draws: exact where the posterior is one, and better where it bends."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp

from mlsci.reconstruction.corruption import Compose, Corruption, columns_hidden
from mlsci.reconstruction.el2o import el2o, nearest
from mlsci.reconstruction.laplace import Mixture
from mlsci.reconstruction.likelihood import LOG_2PI, Likelihood, log_prior
from mlsci.reconstruction.model import BaseDecoder
from mlsci.reconstruction.modes import find_modes
from tests.reconstruction.toys import IMAGE, density_on_grid, linear_model, two_modes

CENTRE, NOISE = 0.4, 0.4


def skewed() -> Likelihood:
    """Of two variables, whose posterior is bent: the datum is exp(u_0) and u_1 + u_0^2 / 2."""

    def decode(u: tf.Tensor) -> tf.Tensor:
        x = tf.stack([tf.exp(u[:, 0]), u[:, 1] + 0.5 * tf.square(u[:, 0])], -1)
        return tf.reshape(x, (-1, 1, 2, 1))

    return Likelihood(BaseDecoder(2, (1, 2, 1), decode, np.float64), Corruption(Compose(), 0.7), 0)


def evidence(likelihood: Likelihood, data: np.ndarray) -> np.ndarray:
    """By quadrature over two variables, ``(n,)`` nats."""
    axis = np.linspace(-5, 5, 401)
    u = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(1, -1, 2)
    log = likelihood.log_joint(np.tile(u, (len(data), 1, 1)), data)
    return logsumexp(log, axis=1) + 2 * np.log(axis[1] - axis[0])


def test_a_gaussian_posterior_is_found_in_one_round_by_one_pair_of_draws() -> None:
    model, weights, offset = linear_model(1)
    corruption, width = Corruption(columns_hidden(IMAGE, 0, 2), 1.5), np.hypot(1.5, 0.5)
    likelihood = Likelihood(model, corruption, 0.5)
    y = corruption.apply(np.random.default_rng(2).standard_normal((2, *IMAGE)), seed=0)
    seen = corruption.observed(IMAGE).ravel()
    a = weights[seen] / width
    precision = np.eye(3) + a.T @ a
    misfit = (y.reshape(2, -1)[:, seen] - offset[seen]) / width
    mean = np.linalg.solve(precision, a.T @ misfit.T).T
    wrong = Mixture(mean[:, None] + 0.1, np.tile(2 * precision, (2, 1, 1, 1)), np.zeros((2, 1)))

    data = likelihood.whitened(y)
    found = nearest(likelihood, data, wrong, each=2, rounds=1)
    np.testing.assert_allclose(found.mean[:, 0], mean, atol=1e-9)
    np.testing.assert_allclose(found.precision[:, 0], np.tile(precision, (2, 1, 1)), atol=1e-9)
    at_mean = (likelihood.log_likelihood(mean[:, None], data) + log_prior(mean[:, None]))[:, 0]
    exact = at_mean + 1.5 * LOG_2PI - 0.5 * np.linalg.slogdet(precision)[1]
    found = el2o(likelihood, data, wrong, draws=4000)
    np.testing.assert_allclose(found.log_evidence, exact, atol=0.05)


def test_the_mass_of_a_bent_posterior_is_nearer_than_that_about_its_maximum() -> None:
    likelihood = skewed()
    y = np.array([[0.2, 0.5], [1.0, 2.0], [-0.5, 0.0]]).reshape(3, 1, 2, 1)
    data = likelihood.whitened(y)
    modes = find_modes(likelihood, data, bank=500).mixture
    exact = evidence(likelihood, data)
    found = el2o(likelihood, data, modes, draws=4000)
    about = np.abs(modes.log_evidence - exact)
    assert (np.abs(found.log_evidence - exact) < 0.05).all()
    assert about.max() > 0.15
    assert np.abs(found.log_evidence - exact).max() < 0.5 * about.max()


def test_the_draws_of_a_bent_posterior_are_nearer_to_it() -> None:
    """By the bound ``E_q[ln p - ln q]``, which is largest for the nearest of all Gaussians."""
    likelihood = skewed()
    data = likelihood.whitened(np.array([0.2, 0.5]).reshape(1, 1, 2, 1))
    modes = find_modes(likelihood, data, bank=500).mixture

    def bound(q: Mixture) -> float:
        u = q.sample(20_000, np.random.default_rng(0))
        return float((likelihood.log_joint(u, data) - q.log_prob(u)).mean())

    assert bound(nearest(likelihood, data, modes)) > bound(modes) + 0.02


def test_weights_of_two_modes_are_those_of_quadrature() -> None:
    likelihood = two_modes(CENTRE, NOISE)
    y = np.array([[1.0, 0.3], [2.2, -1.0], [0.6, 0.0]]).reshape(3, 1, 2, 1)
    data = likelihood.whitened(y)
    modes = find_modes(likelihood, data, bank=500).mixture
    exact = []
    for value in y[:, 0, 0, 0]:
        grid, density = density_on_grid(CENTRE, NOISE, value)
        exact.append(density[grid < CENTRE].sum() * (grid[1] - grid[0]))

    def left(q: Mixture) -> np.ndarray:
        return np.asarray((q.weights * (modes.mean[..., 0] < CENTRE)).sum(1))

    found = el2o(likelihood, data, modes, draws=8000)
    np.testing.assert_allclose(left(found), exact, atol=0.04)
    # Rows do not know of each other.
    alone = nearest(likelihood, data[1:2], modes.rows(np.array([1])))
    both = nearest(likelihood, data, modes)
    kept = np.isfinite(modes.log_mass[1])
    np.testing.assert_allclose(alone.mean[0][kept], both.mean[1][kept], atol=1e-9)


@pytest.mark.parametrize("length", [5.0, 50.0])
def test_from_far_away_means_move_step_by_step_and_precisions_stay_positive(length: float) -> None:
    likelihood = skewed()
    data = likelihood.whitened(np.array([0.2, 0.5]).reshape(1, 1, 2, 1))
    modes = find_modes(likelihood, data, bank=500).mixture
    root = modes.root()[0, 0]
    far = Mixture(modes.mean + length * root[:, 1], modes.precision, modes.log_mass)
    found = nearest(likelihood, data, far, rounds=3)
    assert np.isfinite(found.mean).all()
    assert (np.linalg.eigvalsh(found.precision) > 0).all()
