"""Importance sampling from a mixture about the modes: exact weights, and how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from mlsci.reconstruction.laplace import Mixture
from mlsci.reconstruction.likelihood import Likelihood


@dataclass(frozen=True)
class Weighted:
    """Weighted draws of n posteriors.

    Attributes
    ----------
    u
        ``(n, s, d)``.
    log_weights
        ``(n, s)``, normalised to a sum of one.
    log_evidence
        ``ln p(y)``, ``(n,)`` nats; its exponential is unbiased.
    """

    u: np.ndarray
    log_weights: np.ndarray
    log_evidence: np.ndarray

    @property
    def effective(self) -> np.ndarray:
        """Effective share ``1 / (s sum w^2)`` of the draws, ``(n,)`` in (0, 1]."""
        return effective_share(self.log_weights)

    def resampled(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return equally weighted draws ``(n, count, d)``, by systematic resampling, shuffled."""
        chosen = systematic(np.exp(self.log_weights), count, rng)
        chosen = rng.permuted(chosen, axis=1)
        return self.u[np.arange(len(self.u))[:, None], chosen]


def effective_share(log_weights: np.ndarray) -> np.ndarray:
    """Return ``1 / (s sum w^2)`` of normalised weights ``(n, s)``, ``(n,)`` in (0, 1]."""
    share: np.ndarray = np.exp(-logsumexp(2 * log_weights, axis=1)) / log_weights.shape[1]
    return share


def systematic(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return indices ``(n, count)`` drawn with the weights ``(n, s)``, one offset a row.

    Source: Douc, Cappe & Moulines 2005, arXiv:cs/0507025, section 2.4.
    """
    n, s = weights.shape
    edges = np.cumsum(weights, axis=1)
    edges /= edges[:, -1:]
    places = (np.arange(count) + rng.random((n, 1))) / count
    rows = np.arange(n)[:, None]
    # One search for all rows: each row's edges are moved to an interval of its own.
    found = np.searchsorted((edges + rows).ravel(), (places + rows).ravel(), side="right")
    return np.clip(found.reshape(n, count) - rows * s, 0, s - 1)


def importance(
    likelihood: Likelihood, data: np.ndarray, proposal: Mixture, *, draws: int, seed: int
) -> Weighted:
    """Draw from the proposal and weight by ``p(y | u) p(u) / q(u)``, for whitened data."""
    u = proposal.sample(draws, np.random.default_rng([seed, 21]))
    u = u.astype(likelihood.model.dtype).astype(np.float64)  # weighted where it is evaluated
    log = likelihood.log_joint(u, data) - proposal.log_prob(u)
    total = logsumexp(log, axis=1)
    return Weighted(u, log - total[:, None], total - np.log(draws))


def pareto_shape(log_weights: np.ndarray) -> np.ndarray:
    """Return the shape k of the generalised Pareto tail of weights ``(n, s)``, ``(n,)``.

    Above 0.7 the weights have no useful average, whatever their effective number says. Source:
    Vehtari et al. 2024, arXiv:1507.02646, section 3; the estimator is that of Zhang & Stephens
    2009, Technometrics 51, 316.
    """
    return np.array([_tail_shape(row) for row in np.atleast_2d(log_weights)])


def _tail_shape(log_weights: np.ndarray) -> float:
    s = len(log_weights)
    tail = int(min(0.2 * s, 3 * np.sqrt(s)))
    if tail < 5:
        raise ValueError(f"{s} weights are too few for the shape of their tail: draw 25 or more")
    ordered = np.exp(np.sort(log_weights)[-tail - 1 :] - log_weights.max())
    excess = ordered[1:] - ordered[0]
    if excess[-1] <= 1e-12:
        return -np.inf  # equal weights
    excess = np.maximum(excess, 1e-300)
    m = 30 + int(np.sqrt(tail))
    quarter = excess[int(tail / 4 + 0.5) - 1]
    theta = (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3 * max(quarter, 1e-300))
    theta += 1 / excess[-1]
    shape = np.log1p(-theta[:, None] * excess).mean(1)
    profile = tail * (np.log(-theta / shape) - shape - 1)
    weight = 1 / np.exp(profile[None] - profile[:, None]).sum(1)
    best = (theta * weight).sum() / weight.sum()
    k = np.log1p(-best * excess).mean()
    return float((k * tail + 5) / (tail + 10))  # a weak prior, as in arXiv:1507.02646
