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

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.training import TrainingConfig, fit
from mlsci.reconstruction.likelihood import LOG_2PI, Likelihood

STEPS = 50  # of an epoch
TRAINING = TrainingConfig(epochs=12, batch=256, rate=3e-3, warmup=50, average=0.99)


@dataclass(frozen=True)
class Ascent:
    """A flow, and how its bound is raised.

    Attributes
    ----------
    layers, hidden
        Affine couplings of the flow, and widths of their conditioners.
    powers
        Of the likelihood, rising to 1, one after the other.
    training
        Schedule at each power; an epoch has fifty steps of a batch of draws.
    """

    layers: int = 8
    hidden: tuple[int, ...] = (64, 64)
    powers: tuple[float, ...] = (0.05, 0.15, 0.4, 1.0)
    training: TrainingConfig = TRAINING

    def __post_init__(self) -> None:
        p = self.powers
        if not p or p[0] <= 0 or p[-1] != 1 or any(a >= b for a, b in zip(p, p[1:], strict=False)):
            raise ValueError(f"powers of the likelihood must rise from above 0 to 1, got {p}")


def variational(
    likelihood: Likelihood, data: np.ndarray, ascent: Ascent, *, draws: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a flow to each of the posteriors of whitened data ``(n, size)``, and draw from it.

    Returns the draws ``(n, s, d)`` and the log density of the flow at each, ``(n, s)`` nats. `seed`
    is that of weights and draws.
    """
    n, d = len(data), likelihood.model.latent
    u, log_q = np.empty((n, draws, d)), np.empty((n, draws))
    for k, datum in enumerate(data):
        flow = Flow(FlowConfig(d, layers=ascent.layers, hidden=ascent.hidden, seed=seed))
        for power in ascent.powers:
            _ascend(flow, likelihood, datum, power, ascent.training)
        drawn = flow.sample(draws, seed=seed)
        u[k], log_q[k] = drawn, flow.log_prob(drawn)
    return u, log_q


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
