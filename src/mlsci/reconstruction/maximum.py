"""Maxima of the posterior, from many starts at once.

Starts are drawn from a bank of prior samples, weighted by the likelihood at a temperature at which
many of them still count: that is the annealing, and its cost is shared by all data. Each is then
taken uphill by the Levenberg-Marquardt method (Nocedal & Wright 2006, section 10.3) with exact
Jacobians, every row with a damping of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlsci.reconstruction.likelihood import Likelihood, log_prior


class PriorBank:
    """Draws from the prior, decoded and corrupted once, to start from.

    Parameters
    ----------
    likelihood
        Of what.
    size
        Number of draws.
    seed
        Of the draws.
    """

    def __init__(self, likelihood: Likelihood, *, size: int = 5000, seed: int = 0) -> None:
        rng = np.random.default_rng([seed, 11])
        self.u = rng.standard_normal((size, likelihood.model.latent))
        self._predicted = likelihood.predicted(self.u)
        self._norm = np.square(self._predicted, dtype=np.float64).sum(1)

    def log_likelihood(self, data: np.ndarray) -> np.ndarray:
        """Return ``-1/2 |misfit|^2`` of data ``(n, size)`` for each draw, ``(n, bank)``."""
        cross = (data @ self._predicted.T).astype(np.float64)
        own = np.square(data, dtype=np.float64).sum(1)
        return cross - 0.5 * (self._norm + own[:, None])

    def starts(self, data: np.ndarray, count: int, *, seed: int, effective: int = 5) -> np.ndarray:
        """Draw different starts ``(n, count, d)`` for whitened data ``(n, size)``.

        The best draw is among them; the others are drawn with probabilities ``L^beta``, beta such
        that ``effective * count`` of the bank's draws count.
        """
        log_like = self.log_likelihood(data)
        log_like -= log_like.max(1, keepdims=True)
        wanted = min(effective * count, len(self.u) / 2)
        beta = temperature(log_like, np.zeros(len(data)), wanted)
        gumbel = np.random.default_rng([seed, 12]).gumbel(size=log_like.shape)
        keys = beta[:, None] * log_like + gumbel
        keys[log_like == 0] = np.inf
        chosen = np.argpartition(-keys, count - 1, axis=1)[:, :count]
        return self.u[chosen]


def temperature(log_ratio: np.ndarray, start: np.ndarray, wanted: float) -> np.ndarray:
    """Return the next inverse temperature, at most 1, at which `wanted` draws still count.

    Parameters
    ----------
    log_ratio
        ``(n, s)``, by which the draws' log density rises from temperature 0 to 1.
    start
        ``(n,)``, the inverse temperature they are draws of.
    wanted
        Effective number ``(sum w)^2 / sum w^2`` of ``w = exp((beta - start) log_ratio)``.
    """
    low, high = start.copy(), np.ones_like(start)
    for _ in range(40):
        middle = 0.5 * (low + high)
        enough = effective_number((middle - start)[:, None] * log_ratio) >= wanted
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    return np.where(effective_number((1 - start)[:, None] * log_ratio) >= wanted, 1.0, low)


def effective_number(log_weights: np.ndarray) -> np.ndarray:
    """Return ``(sum w)^2 / sum w^2`` along the last axis."""
    weights = np.exp(log_weights - log_weights.max(-1, keepdims=True))
    return weights.sum(-1) ** 2 / (weights**2).sum(-1)


@dataclass(frozen=True)
class Maxima:
    """Where the climbs from all starts ended.

    Attributes
    ----------
    u
        ``(n, k, d)``.
    log_joint
        ``ln p(y | u) + ln p(u)``, ``(n, k)`` nats.
    precision
        Gauss-Newton ``1 + J^T J``, ``(n, k, d, d)``.
    decrement
        What a further step would still gain, ``(n, k)`` nats; small where the climb has arrived.
    """

    u: np.ndarray
    log_joint: np.ndarray
    precision: np.ndarray
    decrement: np.ndarray


def maximise(
    likelihood: Likelihood,
    data: np.ndarray,
    starts: np.ndarray,
    *,
    steps: int = 30,
    tolerance: float = 1e-3,
) -> Maxima:
    """Climb from starts ``(n, k, d)`` to maxima of the posteriors of whitened data ``(n, size)``.

    A climb ends when a Newton step would gain less than `tolerance` nats, or after `steps`.
    """
    n, k, d = starts.shape
    u = np.asarray(starts, np.float64).reshape(n * k, d).copy()
    datum = np.repeat(np.arange(n), k)
    value, gradient, precision = _at(likelihood, u, data, datum)
    damping, active = np.full(n * k, 1e-2), np.arange(n * k)
    for _ in range(steps):
        active = active[decrement(gradient[active], precision[active]) > tolerance]
        active = active[damping[active] < 1e8]
        if len(active) == 0:
            break
        damped = (
            precision[active]
            + damping[active, None, None]
            * np.eye(d)
            * np.einsum("rii->ri", precision[active])[:, :, None]
        )
        trial = u[active] + np.linalg.solve(damped, gradient[active][..., None])[..., 0]
        new = _at(likelihood, trial, data, datum[active])
        better = new[0] > value[active]
        damping[active] *= np.where(better, 0.2, 5.0)
        rows = active[better]
        u[rows] = trial[better]
        value[rows], gradient[rows], precision[rows] = (part[better] for part in new)
    left = decrement(gradient, precision)
    return Maxima(
        u.reshape(n, k, d),
        value.reshape(n, k) + likelihood.log_normalisation,
        precision.reshape(n, k, d, d),
        left.reshape(n, k),
    )


def decrement(gradient: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Return ``1/2 g^T P^-1 g`` of the last axes."""
    step = np.linalg.solve(precision, gradient[..., None])[..., 0]
    return 0.5 * (gradient * step).sum(-1)


def _at(
    likelihood: Likelihood, u: np.ndarray, data: np.ndarray, datum: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log posterior but for the likelihood's constant, gradient, precision of rows."""
    value, gradient, square = likelihood.linear_rows(u, data, datum)
    return value + log_prior(u), gradient - u, square + np.eye(u.shape[1])
