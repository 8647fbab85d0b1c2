"""The simulator in TensorFlow: an operation with a gradient, a log-posterior, draws from it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from mpi4py import MPI

from mlsci.lensing.adjoint.cosmology import PARAMETERS
from mlsci.lensing.adjoint.inference import FieldPosterior, with_parameters
from mlsci.lensing.adjoint.model import Vjp, simulate_with_vjp
from mlsci.lensing.settings import Settings

Tensor = Any


def simulator(
    settings: Settings, parameters: Sequence[str] = ("omega_m", "sigma8"),
    comm: MPI.Comm | None = None, foreground: float = 0.0,
) -> Callable[[Tensor, Tensor], Tensor]:  # fmt: skip
    """Return a function of tensors: white noise and parameters to maps of the convergence.

    Gradients are those of `mlsci.lensing.adjoint.model`, in eager mode and within `tf.function`.
    The operation runs on one rank; several chains take a rank each. What the last run leaves for
    its gradient is kept, and that of no other: a gradient asked for late runs the simulation again.

    Parameters
    ----------
    settings : Settings
        The run; its values of `parameters` are not used.
    parameters : sequence of str
        Which parameters of the cosmology the second argument holds, in this order.
    comm : MPI.Comm, optional
        This rank alone by default.
    foreground : float
        As in `simulate_with_vjp`.

    Returns
    -------
    callable
        Of a tensor of the lattice (n, n, n) and one (parameters,), both float64; it returns a
        tensor (sources, y, x), float64.

    Raises
    ------
    ValueError
        For names that are no parameters of the cosmology.
    """
    import tensorflow as tf

    if unknown := sorted(set(parameters) - set(PARAMETERS)):
        raise ValueError(f"no parameter is called {', '.join(unknown)}: {', '.join(PARAMETERS)}")
    names, ranks = tuple(parameters), MPI.COMM_SELF if comm is None else comm
    shape = (len(settings.sources), settings.pixels, settings.pixels)
    numbers = itertools.count()
    last: tuple[int, Vjp | None] = (-1, None)

    def forward(noise: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.int64]:
        nonlocal last
        last = (-1, None)  # its particles make room
        moved = with_parameters(settings, dict(zip(names, map(float, values))))
        kappa, vjp = simulate_with_vjp(noise, moved, ranks, foreground)
        last = (next(numbers), vjp)
        return kappa, np.int64(last[0])

    def backward(
        noise: np.ndarray, values: np.ndarray, number: np.int64, cotangent: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if last[0] != number or last[1] is None:
            forward(noise, values)
        vjp = last[1]
        assert vjp is not None
        gradient = vjp(cotangent)
        return gradient.noise, np.array([gradient.cosmology[name] for name in names], float)

    @tf.custom_gradient
    def simulate(noise: Tensor, values: Tensor) -> Any:
        noise, values = (tf.convert_to_tensor(one, tf.float64) for one in (noise, values))
        kappa, number = tf.numpy_function(forward, [noise, values], [tf.float64, tf.int64])
        kappa = tf.ensure_shape(kappa, shape)

        def pull_back(cotangent: Tensor) -> tuple[Tensor, Tensor]:
            both = tf.numpy_function(
                backward, [noise, values, number, cotangent], [tf.float64, tf.float64]
            )
            return tf.ensure_shape(both[0], noise.shape), tf.ensure_shape(both[1], (len(names),))

        return kappa, pull_back

    return simulate


def log_posterior(posterior: FieldPosterior) -> Callable[[Tensor], Tensor]:
    """Return ln p of a posterior as TensorFlow and its samplers want it: a function of a state."""
    import tensorflow as tf

    run = simulator(posterior.settings, tuple(posterior.priors), foreground=posterior.foreground)
    numbers = np.array(list(posterior.priors.values())).reshape(-1, 2)
    data, seen = np.where(posterior.seen, posterior.data, 0.0), posterior.seen.astype(float)

    def log_prob(state: Tensor) -> Tensor:
        noise = tf.reshape(state[: posterior.modes], (posterior.settings.particles,) * 3)
        values = numbers[:, 0] + 3 * numbers[:, 1] * tf.tanh(state[posterior.modes :] / 3)
        missed = seen * (data - run(noise, values)) / posterior.sigma
        return -0.5 * (tf.reduce_sum(missed**2) + tf.reduce_sum(state**2))

    return log_prob


def sample(
    posterior: FieldPosterior, start: np.ndarray, draws: int, burn_in: int, leaps: int,
    step: float, seed: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return draws from the posterior by `SplitHamiltonianMonteCarlo` (TensorFlow Probability).

    The step adapts to an acceptance of 0.75 during the first four fifths of the burn-in, by a
    twentieth for each draw (Andrieu & Thoms 2008): burn-ins are short, and schemes that first try
    much longer steps would not have come back.

    Parameters
    ----------
    posterior : FieldPosterior
        What to sample.
    start : ndarray (modes + parameters,)
        Where to begin.
    draws, burn_in, leaps : int
        Draws kept and thrown away; steps, each of one gradient, for a draw.
    step : float
        The first length of a step, in radians: steps of a quarter of a turn, pi / 2, in all forget
        where they began.
    seed : int
        Of the momenta, and of acceptance.

    Returns
    -------
    states : ndarray (draws, modes + parameters)
    chances : ndarray (draws,)
        The probabilities with which the proposals were accepted.
    """
    import tensorflow as tf
    import tensorflow_probability as tfp

    from mlsci.lensing.adjoint.split import SplitHamiltonianMonteCarlo

    kernel = tfp.mcmc.SimpleStepSizeAdaptation(
        tfp.mcmc.MetropolisHastings(
            SplitHamiltonianMonteCarlo(log_posterior(posterior), step, leaps)
        ),
        num_adaptation_steps=int(0.8 * burn_in),
        target_accept_prob=tf.constant(0.75, tf.float64),
        adaptation_rate=0.05,
    )

    @tf.function
    def chain() -> Any:
        return tfp.mcmc.sample_chain(
            draws, tf.constant(start, tf.float64), kernel=kernel, num_burnin_steps=burn_in,
            trace_fn=lambda _, results: results.inner_results.log_accept_ratio, seed=[seed, 0],
        )  # fmt: skip

    states, ratios = chain()
    return states.numpy(), np.exp(np.minimum(ratios.numpy(), 0.0))


def independent_draws(chain: np.ndarray) -> np.ndarray:
    """Return how many independent draws each of some numbers (draws, numbers) of a chain is worth.

    By its autocorrelation as far as that is positive (Geyer 1992), at most the number of draws; one
    that never moves is worth one.
    """
    import tensorflow_probability as tfp

    found = tfp.mcmc.effective_sample_size(chain, filter_beyond_positive_pairs=True).numpy()
    return np.clip(np.nan_to_num(found, nan=1.0), 1.0, len(chain))
