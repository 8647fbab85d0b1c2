"""Gaussians that are near to a posterior where their own draws lie, not at its maxima alone.

About a maximum a Gaussian has the curvature of one point; where the posterior bends, that is not
its width, and the mass is wrong. Here the distance of ln q to ln p is made small where draws of q
are, in values, gradients and curvatures: expectation with L2 optimisation, Seljak & Yu 2019,
arXiv:1901.04454, section 2. For a Gaussian the minimum is where

``P = E_q[-d^2 ln p]``, ``m = E_q[u + P^-1 d ln p]``.

If the posterior is a Gaussian, every single draw satisfies this: there is no noise of sampling. The
curvature is that of Gauss and Newton, which is always positive.

The constant term of the distance, ``E_q[ln p - ln q]``, is a lower bound of the mass, and lower by
more the less a mode is like a Gaussian. The mass is the mean weight p/q. The weights are those of
the whole mixture, and a draw counts for each component by its responsibility (Owen & Zhou 2000, J.
Am. Stat. Assoc. 95, 135), so that what two of them reach is counted once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlsci.reconstruction.importance import importance
from mlsci.reconstruction.laplace import Mixture
from mlsci.reconstruction.likelihood import Likelihood

NEGLIGIBLE = 15.0  # nats below the heaviest component: such a one stays as it is
LONGEST = 1.5  # standard deviations that a mean moves in one round


def nearest(
    likelihood: Likelihood,
    data: np.ndarray,
    modes: Mixture,
    *,
    each: int = 64,
    rounds: int = 12,
    seed: int = 0,
) -> Mixture:
    """Return the Gaussians nearest to the posteriors of whitened data ``(n, size)``.

    Their masses are still those of `modes`.

    Parameters
    ----------
    likelihood, data
        Of what.
    modes
        Gaussians to begin with, one a mode.
    each
        Draws of each component, in pairs about its mean: the same in every round, so that rounds
        converge.
    rounds
        Times that mean and precision are set to what the draws say.
    seed
        Of the draws.
    """
    d = modes.mean.shape[-1]
    half = np.random.default_rng([seed, 81]).standard_normal((each // 2, d))
    noise = np.concatenate([half, -half])
    heaviest = modes.log_mass.max(1, keepdims=True)
    datum, which = np.nonzero(modes.log_mass > heaviest - NEGLIGIBLE)
    mean, precision = modes.mean.copy(), modes.precision.copy()
    for _ in range(rounds):
        q = replace(modes, mean=mean, precision=precision)
        u = mean[datum, which][:, None] + noise @ np.swapaxes(q.root()[datum, which], -1, -2)
        gradient, curvature = _derivatives(likelihood, data, u, datum)
        share = _own(q, u, datum, which)[..., None]
        new = (share[..., None] * curvature).sum(1)
        pull = np.linalg.solve(new, (share * gradient).sum(1)[..., None])[..., 0]
        step = (share * u).sum(1) + pull - mean[datum, which]
        length = np.sqrt(np.einsum("ri,rij,rj->r", step, precision[datum, which], step))
        part = np.minimum(1.0, LONGEST / np.maximum(length, 1e-12))[:, None]
        mean[datum, which] += part * step
        # Both are positive definite, and so is what lies between them.
        precision[datum, which] += part[..., None] * (new - precision[datum, which])
    return replace(modes, mean=mean, precision=precision)


def _derivatives(
    likelihood: Likelihood, data: np.ndarray, u: np.ndarray, datum: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and Gauss-Newton curvature at ``(r, s, d)``, ``(r, s, d)`` and one d more."""
    r, s, d = u.shape
    _, gradient, square = likelihood.linear_rows(u.reshape(r * s, d), data, np.repeat(datum, s))
    return gradient.reshape(u.shape) - u, square.reshape(r, s, d, d) + np.eye(d)


def _own(q: Mixture, u: np.ndarray, datum: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return how much of a component each of its draws ``(r, s, d)`` is, ``(r, s)``.

    Of components as heavy as each other, so that a light one is not given up; shares sum to one.
    """
    level = replace(q, log_mass=np.where(np.isfinite(q.log_mass), 0.0, -np.inf))
    own = level.rows(datum).responsibilities(u)[np.arange(len(u)), :, which]
    return own / own.sum(1, keepdims=True)


def el2o(
    likelihood: Likelihood, data: np.ndarray, modes: Mixture, *, draws: int, seed: int = 0
) -> Mixture:
    """Return the Gaussians of `nearest` with their masses, by so many weighted draws."""
    q = nearest(likelihood, data, modes, seed=seed)
    found = importance(likelihood, data, q.defensive(), draws=draws, seed=seed)
    share = np.einsum("ns,nsk->nk", np.exp(found.log_weights), q.responsibilities(found.u))
    with np.errstate(divide="ignore"):
        return replace(q, log_mass=np.log(share) + found.log_evidence[:, None])
