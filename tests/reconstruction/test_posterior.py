"""One call for every method: the same posterior, the same kind of result, and honest flags."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from mlsci.reconstruction.corruption import Corruption, columns_hidden
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.posterior import posterior
from mlsci.reconstruction.result import Method, Reconstruction
from mlsci.reconstruction.variational import Ascent
from tests.reconstruction.toys import IMAGE, linear_model, two_modes

CENTRE = 0.4
# Two modes that are about to be one, and two far apart.
FLAT = np.array([0.3, 0.3]).reshape(1, 1, 2, 1)
APART = np.array([[1.0, 0.3], [2.2, -1.0]]).reshape(2, 1, 2, 1)


@pytest.fixture(scope="module")
def linear() -> Likelihood:
    model, _, _ = linear_model(1)
    return Likelihood(model, Corruption(columns_hidden(IMAGE, 0, 2), 1.5), 0.5)


@pytest.mark.parametrize("method", [m for m in get_args(Method) if m != "variational"])
def test_every_method_returns_a_result_of_the_same_kind(method: Method, linear: Likelihood) -> None:
    y = np.zeros((2, *IMAGE))
    found = posterior(linear, y, method=method, draws=1000, starts=3, seed=1)
    assert isinstance(found, Reconstruction)
    assert found.method == method
    exact = posterior(linear, y, method="mixture", draws=1000, starts=3, seed=2)
    centre = exact.draws(1000).mean(1)
    assert np.abs(found.draws(1000).mean(1) - centre).max() < 0.2
    assert found.images(3).shape == (2, 3, *IMAGE)
    assert found.p_value.shape == found.discrepancy.shape == found.trustworthy.shape == (2,)
    np.testing.assert_allclose(found.mode_weights, 1)
    assert not found.flags["maximum not reached"].any()
    assert not found.flags["the model cannot make the data"].any()


def test_a_proposal_that_learns_knows_the_weights_of_two_modes() -> None:
    likelihood = two_modes(CENTRE, 0.2)
    found = posterior(likelihood, APART, method="population", draws=4000, seed=1)
    exact = posterior(likelihood, APART, method="smc", draws=4000, seed=2)
    left = found.modes.mean[:, :, 0] < CENTRE
    weights = (found.mode_weights * left).sum(1)
    np.testing.assert_allclose(weights, (exact.weighted.u[..., 0] < CENTRE).mean(1), atol=0.04)
    assert (found.numbers["effective"] > 0.2 * 4000).all()
    assert not found.flags["weights too uneven"].any()


@pytest.mark.parametrize("method", ["laplace", "mixture"])
def test_gaussians_that_are_not_the_posterior_are_flagged(
    method: Method, linear: Likelihood
) -> None:
    """By the weights that would mend their draws; where they are the posterior, all are equal."""
    wrong = posterior(two_modes(CENTRE, 0.4), FLAT, method=method, draws=2000, seed=1)
    assert wrong.flags["weights too uneven"].all(), wrong.numbers
    right = posterior(linear, np.zeros((1, *IMAGE)), method=method, draws=2000, seed=1)
    assert right.numbers["effective"][0] == pytest.approx(2000, rel=1e-3)
    assert right.numbers["bound"][0] == pytest.approx(right.numbers["evidence"][0], abs=1e-3)
    assert not any(flag.any() for flag in right.flags.values())


@pytest.mark.parametrize("method", ["map", "laplace"])
def test_one_mode_of_two_is_not_the_posterior(method: Method) -> None:
    found = posterior(two_modes(CENTRE, 0.2), APART, method=method, draws=400, seed=1)
    np.testing.assert_array_equal(found.flags["modes left out"], found.modes.weights[:, 0] < 0.95)
    assert found.flags["modes left out"].any()


def test_settings_of_another_method_are_refused() -> None:
    likelihood, y = two_modes(), np.zeros((1, 1, 2, 1))
    with pytest.raises(ValueError, match="unknown method"):
        posterior(likelihood, y, method="guess")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown start"):
        posterior(likelihood, y, start="scratch")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="only the method 'smc' can start from the prior"):
        posterior(likelihood, y, method="hmc", start="prior")
    with pytest.raises(ValueError, match="only the method 'variational' fits a flow"):
        posterior(likelihood, y, ascent=Ascent())
    with pytest.raises(ValueError, match="40 draws"):
        posterior(likelihood, y, method="variational", draws=3)
