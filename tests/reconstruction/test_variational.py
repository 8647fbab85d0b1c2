"""A flow finds a posterior that it can be, is never above the evidence, and is flagged if not."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.generative.training import TrainingConfig
from mlsci.reconstruction.corruption import Corruption, columns_hidden
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.posterior import posterior
from mlsci.reconstruction.variational import Ascent
from tests.reconstruction.toys import IMAGE, linear_model, two_modes

SHORT = TrainingConfig(epochs=8, batch=128, rate=5e-3, warmup=20, average=0.98)


@pytest.mark.slow
def test_the_flow_is_a_gaussian_posterior_and_its_bound_the_evidence() -> None:
    model, weights, offset = linear_model(1)
    corruption, width = Corruption(columns_hidden(IMAGE, 0, 2), 1.5), np.hypot(1.5, 0.5)
    likelihood = Likelihood(model, corruption, 0.5)
    y = corruption.apply(np.random.default_rng(2).standard_normal((1, *IMAGE)), seed=0)
    seen = corruption.observed(IMAGE).ravel()
    a, misfit = weights[seen], (y.reshape(1, -1)[:, seen] - offset[seen])[0]
    covariance = np.linalg.inv(np.eye(3) + a.T @ a / width**2)
    mean = covariance @ a.T @ misfit / width**2
    total = a @ a.T + width**2 * np.eye(len(a))
    evidence = -0.5 * (
        misfit @ np.linalg.solve(total, misfit) + np.linalg.slogdet(2 * np.pi * total)[1]
    )

    ascent = Ascent(layers=4, hidden=(16,), powers=(0.3, 1.0), training=SHORT)
    found = posterior(likelihood, y, method="variational", ascent=ascent, draws=4000)
    u = found.draws(4000)[0]
    np.testing.assert_allclose(u.mean(0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(u.T), covariance, atol=0.05)
    assert evidence - 0.05 < found.numbers["bound"][0] < evidence + 0.01
    assert found.numbers["evidence"][0] == pytest.approx(evidence, abs=0.02)
    assert found.numbers["effective"][0] > 0.9 * 4000
    assert found.trustworthy.all()
    # What other methods return, for the same data.
    other = posterior(likelihood, y, method="mixture", starts=3)
    assert set(found.flags) == set(other.flags)
    assert set(found.numbers) == set(other.numbers)
    np.testing.assert_allclose(found.summary().mean, other.summary().mean, atol=0.25)
    np.testing.assert_allclose(found.p_value, other.p_value, atol=0.05)
    np.testing.assert_allclose(found.mode_weights, 1)


@pytest.mark.slow
def test_a_flow_that_cannot_be_the_posterior_stays_below_the_evidence_and_is_flagged() -> None:
    y = np.array([4.0, 0.0]).reshape(1, 1, 2, 1)  # modes at -1.6 and 2.4, far apart
    likelihood = two_modes(0.4, 0.1)
    exact = posterior(likelihood, y, method="importance", draws=4000)
    ascent = Ascent(layers=1, hidden=(8,), powers=(1.0,), training=SHORT)
    found = posterior(likelihood, y, method="variational", ascent=ascent, draws=2000)
    assert found.numbers["bound"][0] < exact.weighted.log_evidence[0] - 0.1
    assert found.weighted.log_evidence[0] == found.numbers["bound"][0]
    assert found.flags["weights too uneven"].all()
    assert not found.trustworthy.any()


def test_powers_must_rise_to_the_posterior_itself() -> None:
    for powers in ((), (0.5,), (1.0, 0.5), (0.0, 1.0), (0.5, 0.5, 1.0)):
        with pytest.raises(ValueError, match="must rise"):
            Ascent(powers=powers)
