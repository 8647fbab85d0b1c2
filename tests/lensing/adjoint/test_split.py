"""Proposals that follow the prior exactly: known posteriors, and modes that no data tell of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

MEAN, SIGMA = 1.5, 0.4  # of a datum of the first number


def log_prob(state: Any) -> Any:
    """Return ln of a standard normal prior times the likelihood of one datum."""
    import tensorflow as tf

    return -0.5 * tf.reduce_sum(state**2) - 0.5 * ((state[0] - MEAN) / SIGMA) ** 2


def prior(state: Any) -> Any:
    import tensorflow as tf

    return -0.5 * tf.reduce_sum(state**2)


def propose(target: Any, start: np.ndarray, step: float, steps: int, seed: int) -> tuple[Any, Any]:
    """Return the proposal of one trajectory, and ln of the chance to accept it."""
    import tensorflow as tf

    from mlsci.lensing.adjoint.split import SplitHamiltonianMonteCarlo

    kernel = SplitHamiltonianMonteCarlo(target, step, steps)
    before = kernel.bootstrap_results(tf.constant(start))
    state, after = kernel.one_step(tf.constant(start), before, seed=[seed, 0])
    gain = after.target_log_prob - before.target_log_prob + after.log_acceptance_correction
    return state.numpy(), float(gain)


@pytest.mark.parametrize("step", [0.1, 1.0, 3.0])
def test_the_prior_alone_is_followed_without_error(step: float) -> None:
    start = np.random.default_rng(0).standard_normal(1000)
    state, gain = propose(prior, start, step, 4, seed=1)
    assert gain == pytest.approx(0, abs=1e-9)
    # after a quarter of a turn in all, nothing of the start is left
    quarter, _ = propose(prior, start, np.pi / 8, 4, seed=1)
    other, _ = propose(prior, -start, np.pi / 8, 4, seed=1)
    np.testing.assert_allclose(quarter, other, atol=1e-12)
    assert np.abs(state).max() > 1


@pytest.mark.slow
def test_modes_that_no_data_tell_of_do_not_shorten_the_step() -> None:
    gains = {}
    for unseen in (0, 100_000):
        rng = np.random.default_rng(0)
        start = np.concatenate([[0.8], rng.standard_normal(unseen)])
        # the momentum of the first number is drawn first, whatever follows it
        gains[unseen] = [propose(log_prob, start, 0.3, 5, seed)[1] for seed in range(8)]
    spread = {unseen: np.std(values) for unseen, values in gains.items()}
    assert spread[0] > 1e-3
    assert spread[100_000] < 3 * spread[0]


@pytest.mark.slow
def test_a_chain_finds_a_known_posterior() -> None:
    import tensorflow as tf
    import tensorflow_probability as tfp

    from mlsci.lensing.adjoint.split import SplitHamiltonianMonteCarlo

    @tf.function
    def chain() -> Any:
        return tfp.mcmc.sample_chain(
            6000, tf.zeros(2, tf.float64), num_burnin_steps=20, seed=[3, 0],
            kernel=tfp.mcmc.MetropolisHastings(SplitHamiltonianMonteCarlo(log_prob, 0.5, 3)),
            trace_fn=lambda _, results: results.is_accepted,
        )  # fmt: skip

    states, accepted = (one.numpy() for one in chain())
    precision = 1 + SIGMA**-2
    mean, deviation = MEAN * SIGMA**-2 / precision, precision**-0.5
    assert 0.5 < accepted.mean() <= 1
    assert states[:, 0].mean() == pytest.approx(mean, abs=0.03)
    assert states[:, 0].std() == pytest.approx(deviation, rel=0.06)
    assert states[:, 1].mean() == pytest.approx(0, abs=0.06)
    assert states[:, 1].std() == pytest.approx(1, rel=0.05)
