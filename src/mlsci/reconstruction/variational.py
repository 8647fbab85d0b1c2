"""Variational inference with a flow: of all densities that it can be, the nearest to a posterior.

A flow q of base variables is fitted to one posterior at a time, by the gradient, through its own
draws, of the evidence bound

``E_q[ln p(y | u) + ln p(u) - ln q(u)] = ln p(y) - KL(q | p(u | y)) <= ln p(y)``.

Source: Rezende & Mohamed 2015, arXiv:1505.05770, section 4. This divergence is small even where q
leaves out a mode altogether; therefore the likelihood is first raised to small powers, at which the
modes are still joined (they anneal the density in their experiments likewise). Whether q is the
posterior is told by the weights p/q of its draws: Yao et al. 2018, arXiv:1802.02538.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import tensorflow as tf
from scipy.special import logsumexp
from scipy.stats import chi2

from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.training import TrainingConfig, fit
from mlsci.reconstruction.importance import Weighted, pareto_shape
from mlsci.reconstruction.likelihood import LOG_2PI, Likelihood
from mlsci.reconstruction.reconstruct import (
    LARGEST_DECREMENT,
    LARGEST_SHAPE,
    SMALLEST_P,
    Method,
    Modes,
    Reconstruction,
    find_modes,
)

STEPS = 50  # of an epoch
POWERS = (0.05, 0.15, 0.4, 1.0)
TRAINING = TrainingConfig(epochs=12, batch=256, rate=3e-3, warmup=50, average=0.99)


def variational(
    likelihood: Likelihood,
    y: np.ndarray,
    *,
    draws: int = 2000,
    layers: int = 8,
    hidden: Sequence[int] = (64, 64),
    training: TrainingConfig = TRAINING,
    powers: Sequence[float] = POWERS,
    modes: Modes | None = None,
    seed: int = 0,
) -> Reconstruction:
    """Fit a flow to each of the posteriors of data ``(n, ...)``, and draw from it.

    The result is that of `mlsci.reconstruction.reconstruct.reconstruct`: equal weights, the bound
    in place of ``ln p(y)``, and among its numbers the "bound", the "evidence" as the weights p/q
    estimate it, the number of "effective" draws that these leave, and the "pareto" shape of their
    tail, which raises a flag.

    Parameters
    ----------
    likelihood, y, draws, modes
        As in `reconstruct`. The flow is not told of the modes: they are what its draws are counted
        by.
    layers, hidden
        Affine couplings of the flow, and widths of their conditioners.
    training
        Schedule at each power; an epoch has fifty steps of a batch of draws.
    powers
        Of the likelihood, rising to 1, one after the other.
    seed
        Of weights and draws.

    Raises
    ------
    ValueError
        For powers that do not rise to 1, or data that do not fit.
    """
    if list(powers) != sorted(powers) or not powers or powers[0] <= 0 or powers[-1] != 1:
        raise ValueError(f"powers of the likelihood must rise from above 0 to 1, got {powers}")
    data = likelihood.whitened(y)
    if modes is None:
        modes = find_modes(likelihood, data, seed=seed)
    u, log_q = np.empty((len(data), draws, likelihood.model.latent)), np.empty((len(data), draws))
    for k, datum in enumerate(data):
        flow = Flow(FlowConfig(likelihood.model.latent, layers=layers, hidden=tuple(hidden),
                               seed=seed))  # fmt: skip
        for power in powers:
            _ascend(flow, likelihood, datum, power, training)
        drawn = flow.sample(draws, seed=seed)
        u[k], log_q[k] = drawn, flow.log_prob(drawn)
    log_likelihood = likelihood.log_likelihood(u, data)
    log = likelihood.log_joint(u, data) - log_q
    normalised = log - logsumexp(log, axis=1, keepdims=True)
    squared = -2 * (log_likelihood - likelihood.log_normalisation)
    p_value = chi2.sf(squared, likelihood.size).mean(1)
    numbers = {
        "bound": log.mean(1),
        "evidence": logsumexp(log, axis=1) - np.log(draws),
        "effective": np.exp(-logsumexp(2 * normalised, axis=1)),
        "pareto": pareto_shape(normalised),
    }
    return Reconstruction(
        cast(Method, "variational"),  # too slow for many data to be one of `reconstruct`'s
        likelihood,
        np.asarray(y),
        Weighted(u, np.full(log.shape, -np.log(draws)), numbers["bound"]),
        modes.mixture,
        modes.mixture.responsibilities(u).mean(1),
        p_value,
        squared.mean(1) / likelihood.size,
        {
            "maximum not reached": modes.decrement > LARGEST_DECREMENT,
            "weights too uneven": numbers["pareto"] > LARGEST_SHAPE,
            "the model cannot make the data": p_value < SMALLEST_P,
        },
        numbers,
    )


def _ascend(
    flow: Flow, likelihood: Likelihood, datum: np.ndarray, power: float, config: TrainingConfig
) -> None:
    """Raise the bound of a flow for a whitened datum ``(size,)`` and a power of the likelihood."""
    d, dtype = flow.config.dim, likelihood.model.dtype
    known = tf.constant(datum, dtype)

    def loss(rows: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        base = tf.random.stateless_normal((tf.shape(rows)[0], d), seed)
        u = flow.bijector.forward(base)
        log_q = flow.base.log_prob(base) - flow.bijector.forward_log_det_jacobian(base, 1)
        squared = tf.reduce_sum(tf.square(likelihood.white(tf.cast(u, dtype)) - known), -1)
        log_prior = -0.5 * tf.reduce_sum(tf.square(u), -1) - 0.5 * d * LOG_2PI
        return tf.reduce_mean(log_q - log_prior + 0.5 * power * tf.cast(squared, tf.float32))

    # Every step draws afresh: the rows say how many draws and steps there are, and hold nothing.
    counted = [np.zeros((n, 1), np.float32) for n in (STEPS * config.batch, 4 * config.batch)]
    fit(loss, flow.trainable_variables, counted[:1], counted[1:], config)
