"""The simulator in TensorFlow: gradients are those of the adjoint, draws those of a posterior."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from mlsci.lensing.adjoint.inference import observed, randomized, with_parameters
from mlsci.lensing.adjoint.model import simulate_with_vjp
from mlsci.lensing.adjoint.sampling import independent_draws, log_posterior, sample, simulator
from mlsci.lensing.settings import Settings

SMALL = Settings(
    particles=8, box=256.0, pixels=8, degrees=4.5, stages=4, sources=(0.8,), precision="f8",
    sharpening=None, transfer="eisenstein_hu", boost=1, seed=5,
)  # fmt: skip
PRIORS = {"omega_m": (0.3, 0.02), "sigma8": (0.8, 0.05)}


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((8, 8, 8))


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_tensorflow_has_the_same_gradient(compiled: bool) -> None:
    import tensorflow as tf

    operation = simulator(SMALL, ("omega_m", "n_s"))

    def gradients(field: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch([field, values])
            kappa = operation(field, values)
            loss = tf.reduce_sum(kappa**2)
        return (kappa, *tape.gradient(loss, [field, values]))

    values = np.array([0.31, 0.95])
    call = tf.function(gradients) if compiled else gradients
    kappa, by_noise, by_values = call(tf.constant(noise(0)), tf.constant(values))
    moved = with_parameters(SMALL, {"omega_m": 0.31, "n_s": 0.95})
    expected, vjp = simulate_with_vjp(noise(0), moved, MPI.COMM_SELF)
    gradient = vjp(2 * expected)
    np.testing.assert_allclose(kappa, expected, atol=1e-14)
    scale = np.abs(gradient.noise).max()
    np.testing.assert_allclose(by_noise, gradient.noise, atol=1e-11 * scale)
    wanted = [gradient.cosmology["omega_m"], gradient.cosmology["n_s"]]
    np.testing.assert_allclose(by_values, wanted, rtol=1e-10)


@pytest.mark.slow
def test_a_gradient_asked_for_late_is_that_of_its_own_run() -> None:
    import tensorflow as tf

    operation = simulator(SMALL, ("sigma8",))
    values = tf.constant([0.8], tf.float64)
    tapes, losses, fields = [], [], [tf.constant(noise(seed)) for seed in (0, 1)]
    for field in fields:
        with tf.GradientTape() as tape:
            tape.watch(field)
            losses.append(tf.reduce_sum(operation(field, values) ** 2))
        tapes.append(tape)
    late = tapes[0].gradient(losses[0], fields[0])
    with tf.GradientTape() as tape:
        tape.watch(fields[0])
        loss = tf.reduce_sum(operation(fields[0], values) ** 2)
    np.testing.assert_allclose(late, tape.gradient(loss, fields[0]), rtol=1e-8, atol=1e-12)


def test_names_that_are_no_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="no parameter is called omega"):
        simulator(SMALL, ("omega",))


@pytest.mark.slow
@pytest.mark.parametrize("priors", [{}, PRIORS], ids=["fixed", "free"])
def test_the_log_posterior_is_that_of_the_adjoint(priors: dict[str, tuple[float, float]]) -> None:
    import tensorflow as tf
    import tensorflow_probability as tfp

    seen = np.ones((8, 8), bool)
    seen[1:3, 4:6] = False
    posterior, _ = observed(SMALL, 0.02, seen, priors, seed=1)
    state = np.random.default_rng(0).standard_normal(posterior.modes + len(priors))
    value, gradient = tfp.math.value_and_gradient(log_posterior(posterior), tf.constant(state))
    known, slopes = posterior(state)
    assert float(value) == pytest.approx(known, rel=1e-10)
    np.testing.assert_allclose(gradient, slopes, atol=1e-9 * np.abs(slopes).max())


@pytest.mark.slow
def test_draws_are_accepted_and_spread() -> None:
    posterior, _ = observed(SMALL, 0.02, np.ones((8, 8), bool), {}, seed=1, foreground=0.3)
    start = randomized(posterior, iterations=6, seed=2)
    states, chances = sample(posterior, start, draws=30, burn_in=20, leaps=5, step=0.2, seed=0)
    assert states.shape == (30, posterior.modes)
    assert 0.4 < chances.mean() <= 1
    # most modes are hardly seen, and stay as they were before: of unit variance
    assert 0.7 < np.mean(states**2) < 1.3
    again, _ = sample(posterior, start, draws=2, burn_in=2, leaps=2, step=0.2, seed=3)
    once, _ = sample(posterior, start, draws=2, burn_in=2, leaps=2, step=0.2, seed=3)
    np.testing.assert_allclose(again, once, atol=1e-9)


@pytest.mark.slow
def test_a_chain_with_memory_is_worth_fewer_draws() -> None:
    rng = np.random.default_rng(0)
    steps, chain = rng.standard_normal((4000, 3)), np.zeros((4000, 3))
    memory = np.array([0.0, 0.5, 0.9])
    for i in range(1, 4000):
        chain[i] = memory * chain[i - 1] + np.sqrt(1 - memory**2) * steps[i]
    worth = independent_draws(chain) / 4000
    np.testing.assert_allclose(worth, (1 - memory) / (1 + memory), rtol=0.3)
