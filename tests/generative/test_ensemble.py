"""An ensemble is the equal mixture of its members: in density, in draws, and never below them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid

from mlsci.generative.ensemble import FlowEnsemble
from mlsci.generative.flows import Flow, FlowConfig


def shifted(offset: float, seed: int) -> Flow:
    """A bent flow around a point."""
    flow = Flow(FlowConfig(dim=2, family="maf", layers=2, hidden=(8,), seed=seed))
    rng = np.random.default_rng(seed)
    for variable in flow.trainable_variables:
        variable.assign_add(0.1 * rng.standard_normal(variable.shape))
    flow._whitening.bijectors[0].shift.assign([offset, 0.0])
    return flow


def test_density_is_the_average_and_integrates_to_one() -> None:
    members = [shifted(-2.0, 0), shifted(2.0, 1)]
    ensemble = FlowEnsemble(members)
    axis = np.linspace(-9, 9, 161)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    density = np.exp(ensemble.log_prob(grid).astype(np.float64))
    mean = np.mean([np.exp(flow.log_prob(grid).astype(np.float64)) for flow in members], 0)
    np.testing.assert_allclose(density, mean, rtol=1e-4, atol=1e-12)
    total = trapezoid(trapezoid(density.reshape(161, 161), axis), axis)
    assert total == pytest.approx(1, abs=0.01)


def test_log_density_is_nowhere_below_the_mean_of_the_members() -> None:
    members = [shifted(-1.0, 0), shifted(1.0, 1)]
    x = np.random.default_rng(0).normal(0, 2, (500, 2)).astype(np.float32)
    each = np.stack([flow.log_prob(x) for flow in members])
    assert (FlowEnsemble(members).log_prob(x) >= each.mean(0) - 1e-5).all()


def test_draws_come_from_every_member_and_follow_the_seed() -> None:
    ensemble = FlowEnsemble([shifted(-20.0, 0), shifted(20.0, 1)])
    draws = ensemble.sample(2000, seed=3)
    np.testing.assert_array_equal(draws, ensemble.sample(2000, seed=3))
    assert not np.array_equal(draws, ensemble.sample(2000, seed=4))
    share = np.mean(draws[:, 0] > 0)
    assert share == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(2000))


def test_flows_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="one dimension"):
        FlowEnsemble([])
    with pytest.raises(ValueError, match=r"\[2, 3\]"):
        FlowEnsemble([shifted(0.0, 0), Flow(FlowConfig(dim=3, layers=1))])
