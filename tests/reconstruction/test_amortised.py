"""Networks for one corruption learn its posterior, and nothing of another's."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from mlsci.generative.training import TrainingConfig
from mlsci.reconstruction.amortised import ConditionalFlow, ConditionalVAE

TRAINING = TrainingConfig(epochs=12, batch=100, rate=5e-3, warmup=20, average=0.95)


def pairs(n: int, seed: int, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Standard normal pairs, and data that show their sum and nothing else."""
    rng = np.random.default_rng(seed)
    u = rng.standard_normal((n, 2))
    y = u.sum(1, keepdims=True) + noise * rng.standard_normal((n, 1))
    return u.astype(np.float32), np.concatenate([y, 0 * y], 1).astype(np.float32)


def test_a_flow_integrates_to_one_and_matches_its_draws() -> None:
    flow = ConditionalFlow(2, 2, 3, (8, 4), seed=1)
    rng = np.random.default_rng(0)
    for conditioner in flow.conditioners:
        conditioner.last.w.assign(0.3 * rng.standard_normal(conditioner.last.w.shape))
    grid = np.linspace(-8, 8, 241, dtype=np.float32)
    points = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
    y = np.broadcast_to(np.float32([0.7, -0.2]), points.shape)
    density = np.exp(flow.log_prob(tf.constant(points), tf.constant(y)).numpy())
    assert density.sum() * (16 / 240) ** 2 == pytest.approx(1, abs=0.01)
    drawn = flow.sample(y[:1], 20_000, seed=0)[0]
    mean = (points * density[:, None]).sum(0) * (16 / 240) ** 2
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.05)


@pytest.mark.slow
def test_a_flow_learns_the_posterior_of_its_own_corruption() -> None:
    flow = ConditionalFlow(2, 2, 4, (16, 8), seed=0)
    flow.fit(pairs(6000, 0), pairs(500, 1), TRAINING)
    drawn = flow.sample(np.float32([[1.5, 0]]), 4000, seed=0)[0]
    # u_1 + u_2 ~ N(0, 2), seen with variance 1/4.
    total = drawn.sum(1)
    assert total.mean() == pytest.approx(1.5 * 2 / 2.25, abs=0.12)
    assert total.std() == pytest.approx(np.sqrt(2 * 0.25 / 2.25), rel=0.15)
    assert (drawn[:, 0] - drawn[:, 1]).std() == pytest.approx(np.sqrt(2), rel=0.1)


@pytest.mark.slow
def test_a_conditional_vae_knows_what_it_is_told_and_what_not() -> None:
    vae = ConditionalVAE(2, 2, (32,), seed=0)
    vae.fit(pairs(6000, 0), pairs(500, 1), TRAINING)
    mean, error = vae.parts(np.float32([[2.0, 0], [-2.0, 0]]), 1000, seed=0)
    drawn = mean + error
    assert drawn.shape == (2, 1000, 2)
    np.testing.assert_allclose(drawn.sum(2).mean(1), [2 / 1.125, -2 / 1.125], atol=0.2)
    assert (drawn[..., 0] - drawn[..., 1]).std() == pytest.approx(np.sqrt(2), rel=0.2)
