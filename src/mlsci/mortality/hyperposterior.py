"""The posterior of a few hyperparameters: its mode, weighted draws, and NUTS to check them by.

The log density and its gradient are given. A Student-t distribution about the mode, with the
curvature there, is a proposal; importance weights, smoothed after Pareto, correct what it gets
wrong, and tell by their tail, ``k``, whether they can (Vehtari et al. 2024, J. Mach. Learn. Res.
25, 72).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri
from scipy.stats import chi2, qmc

Gradient = Callable[[np.ndarray], tuple[float, np.ndarray]]
DEGREES = 8.0  # of freedom of the proposal: tails heavier than a posterior's


class Peak(NamedTuple):
    """Where a density is largest, ``(d,)``, and the covariance ``(d, d)`` of its curvature."""

    mode: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True)
class WeightedDraws:
    """Draws ``(n, d)`` with weights ``(n,)`` that sum to one, and their Pareto k."""

    draws: np.ndarray
    weights: np.ndarray
    pareto_k: float

    @property
    def effective(self) -> float:
        """The number of equally weighted draws that these are worth (Kish)."""
        return float(1 / np.sum(self.weights**2))

    @property
    def mean(self) -> np.ndarray:
        """Posterior means, ``(d,)``."""
        return np.asarray(self.weights @ self.draws)

    @property
    def deviation(self) -> np.ndarray:
        """Posterior standard deviations, ``(d,)``."""
        return np.asarray(np.sqrt(self.weights @ (self.draws - self.mean) ** 2))


def climb(
    gradient: Gradient, start: np.ndarray, scale: np.ndarray, tolerance: float = 1e-7
) -> np.ndarray:
    """Return where a log density is largest: L-BFGS-B in coordinates divided by `scale`."""

    def down(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = gradient(x * scale)
        return -value, -slope * scale

    found = minimize(down, start / scale, jac=True, method="L-BFGS-B", options={"ftol": tolerance})
    return np.asarray(found.x * scale)


def curvature(gradient: Gradient, mode: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return the inverse ``(d, d)`` of minus the second derivatives at the mode.

    Central differences of the gradient, a twentieth of `scale` wide. Directions in which the
    density is not curved enough get the variance ``scale^2``, that of the prior.
    """
    step = 0.05
    rows = []
    for k, width in enumerate(scale):
        offset = np.zeros(len(mode))
        offset[k] = step * width
        rows.append((gradient(mode - offset)[1] - gradient(mode + offset)[1]) * scale / (2 * step))
    values, vectors = np.linalg.eigh(0.5 * (np.array(rows) + np.array(rows).T))
    inverse = (vectors / np.maximum(values, 1.0)) @ vectors.T
    return np.asarray(inverse * scale * scale[:, None])


def propose(peak: Peak, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n draws ``(n, d)`` of the proposal and its log density ``(n,)`` but for a constant.

    Scrambled Sobol points, which spread evenly, in d + 1 dimensions.
    """
    d = len(peak.mode)
    points = qmc.Sobol(d + 1, seed=np.random.default_rng(seed)).random(n)
    normal = ndtri(np.clip(points[:, :d], 1e-12, 1 - 1e-12))
    t = normal * np.sqrt(DEGREES / chi2.ppf(points[:, d:], DEGREES))
    log_density = -0.5 * (DEGREES + d) * np.log1p((t**2).sum(1) / DEGREES)
    return peak.mode + t @ np.linalg.cholesky(peak.covariance).T, log_density


def weigh(draws: np.ndarray, log_density: np.ndarray, log_proposal: np.ndarray) -> WeightedDraws:
    """Return draws of a proposal with smoothed importance weights."""
    log_weights = log_density - log_proposal
    weights, k = pareto_smooth(np.exp(log_weights - log_weights.max()))
    return WeightedDraws(draws, weights / weights.sum(), k)


def pareto_smooth(weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weights whose largest are replaced by quantiles of a Pareto tail, and its shape k.

    Vehtari et al. 2024, section 3; the tail is fitted as by Zhang and Stephens 2009, Technometrics
    51, 316, with the weak prior of the former's appendix. Above k = 0.7 do not trust the weights.
    """
    n = len(weights)
    tail = int(min(0.2 * n, 3 * np.sqrt(n)))
    if tail < 5:
        raise ValueError(f"{n} draws: the weights' tail needs at least 25")
    order = np.argsort(weights)
    largest, cut = order[-tail:], weights[order[-tail - 1]]
    above = weights[largest] - cut
    if above[-1] <= 1e-12 * weights[order[-1]]:
        return weights, -np.inf  # all the same: nothing to smooth
    k, scale = _fit_pareto(np.maximum(above, 1e-300))
    quantile = (np.arange(tail) + 0.5) / tail
    if abs(k) < 1e-8:
        smooth = -scale * np.log1p(-quantile)
    else:
        smooth = scale / k * np.expm1(-k * np.log1p(-quantile))
    result = weights.copy()
    result[largest] = np.minimum(cut + smooth, weights.max())
    return result, k


def _fit_pareto(x: np.ndarray) -> tuple[float, float]:
    """Return shape and scale of a generalised Pareto distribution of sorted excesses ``(n,)``."""
    n = len(x)
    grid = np.arange(1, 30 + int(np.sqrt(n)) + 1)
    theta = 1 / x[-1] + (1 - np.sqrt(len(grid) / (grid - 0.5))) / (3 * x[int(n / 4 + 0.5) - 1])
    shape = np.log1p(-theta[:, None] * x).mean(1)
    profile = n * (np.log(-theta / shape) - shape - 1)
    posterior = 1 / np.exp(profile - profile[:, None]).sum(1)
    best = float(posterior @ theta / posterior.sum())
    k = float(np.log1p(-best * x).mean())
    return (n * k + 10 * 0.5) / (n + 10), -k / best


@dataclass(frozen=True)
class Chain:
    """Draws ``(n, d)`` of a Markov chain, and how it went."""

    draws: np.ndarray
    accepted: float
    divergent: int
    leapfrogs: int
    effective: np.ndarray


def nuts(
    log_density: Callable[..., object], peak: Peak, *, draws: int, warmup: int, seed: int
) -> Chain:
    """Sample a density with the No-U-Turn sampler (Hoffman and Gelman 2014, JMLR 15, 1593).

    Parameters
    ----------
    log_density
        A TensorFlow function of one tensor ``(d,)``.
    peak
        Where the chain begins, and the metric in which it moves.
    draws, warmup
        Steps kept, and steps before, in which the step size adapts.
    """
    import tensorflow as tf
    import tensorflow_probability as tfp

    lower = tf.constant(np.linalg.cholesky(peak.covariance))

    def whitened(x: tf.Tensor) -> tf.Tensor:
        return log_density(peak.mode + tf.linalg.matvec(lower, x))

    kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(
        tfp.mcmc.NoUTurnSampler(whitened, step_size=tf.constant(0.5, tf.float64), max_tree_depth=5),
        num_adaptation_steps=int(0.8 * warmup),
        target_accept_prob=tf.constant(0.8, tf.float64),
    )

    @tf.function(reduce_retracing=True)
    def run() -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        return tfp.mcmc.sample_chain(
            num_results=draws,
            num_burnin_steps=warmup,
            current_state=tf.zeros(len(peak.mode), tf.float64),
            kernel=kernel,
            trace_fn=lambda _, results: (
                results.inner_results.log_accept_ratio,
                results.inner_results.has_divergence,
                results.inner_results.leapfrogs_taken,
            ),
            seed=[seed, 0],
        )

    states, (log_accept, divergent, leapfrogs) = run()
    effective = tfp.mcmc.effective_sample_size(states, filter_beyond_positive_pairs=True)
    return Chain(
        draws=peak.mode + states.numpy() @ lower.numpy().T,
        accepted=float(np.exp(np.minimum(log_accept.numpy(), 0)).mean()),
        divergent=int(divergent.numpy().sum()),
        leapfrogs=int(leapfrogs.numpy().sum()),
        effective=effective.numpy(),
    )
