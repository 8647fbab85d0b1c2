"""Hamiltonian Monte Carlo, batched over chains and data.

Each chain moves in the coordinates ``v``, ``u = u* + R v``, in which Laplace's Gaussian about the
highest maximum is the standard normal; steps are of random length, and adapt to an acceptance of
0.8 for each posterior. Chains start at draws from the mixture of modes and from the prior: where
they stay in the mode they began in, R-hat says so. Source: Neal 2011, arXiv:1206.1901, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlsci.reconstruction.laplace import Mixture
from mlsci.reconstruction.likelihood import Likelihood

TARGET = 0.8
QUARTER = 0.5 * np.pi


@dataclass(frozen=True)
class Chains:
    """Draws of n posteriors by several chains.

    Attributes
    ----------
    u
        ``(n, chains, s, d)``, in order.
    acceptance
        Mean probability of acceptance after adaptation, ``(n,)``.
    """

    u: np.ndarray
    acceptance: np.ndarray


def hamiltonian(
    likelihood: Likelihood,
    data: np.ndarray,
    modes: Mixture,
    *,
    chains: int = 4,
    draws: int = 250,
    warmup: int = 100,
    leapfrogs: int = 5,
    seed: int = 0,
) -> Chains:
    """Sample the posteriors of whitened data ``(n, size)``.

    Parameters
    ----------
    likelihood, data
        Of what.
    modes
        Gaussians about the modes, highest first.
    chains, draws, warmup
        Chains for each datum, draws kept of each, and draws left out while steps adapt.
    leapfrogs
        Steps of a trajectory, which is at most about a quarter of a turn long: longer ones return.
    seed
        Of all draws.
    """
    rng = np.random.default_rng([seed, 41])
    n, _, d = modes.mean.shape
    root = modes.root()[:, 0]
    u = modes.defensive(prior=0.2).sample(chains, rng)
    value, gradient = likelihood.gradient(u, data)
    step, probability = np.full(n, QUARTER / leapfrogs), np.zeros(n)
    kept = np.empty((n, chains, draws, d))
    for k in range(warmup + draws):
        # A length of its own for every trajectory, so that none closes upon itself.
        size = (step * rng.uniform(0.6, 1.4))[:, None, None]
        momentum = rng.standard_normal(u.shape)
        trial, trial_gradient, p = u, gradient, momentum
        trial_value = value
        for _ in range(leapfrogs):
            p = p + 0.5 * size * np.einsum("nij,nci->ncj", root, trial_gradient)
            trial = trial + size * np.einsum("nij,ncj->nci", root, p)
            trial_value, trial_gradient = likelihood.gradient(trial, data)
            p = p + 0.5 * size * np.einsum("nij,nci->ncj", root, trial_gradient)
        energy = trial_value - value - 0.5 * ((p**2).sum(-1) - (momentum**2).sum(-1))
        energy = np.where(np.isfinite(energy), energy, -np.inf)
        chance = np.exp(np.minimum(0, energy))
        yes = rng.random(chance.shape) < chance
        u = np.where(yes[..., None], trial, u)
        value = np.where(yes, trial_value, value)
        gradient = np.where(yes[..., None], trial_gradient, gradient)
        if k < warmup:
            step *= np.exp((chance.mean(1) - TARGET) / (1 + 0.05 * k))
            step = np.minimum(step, QUARTER / leapfrogs)
        else:
            kept[:, :, k - warmup] = u
            probability += chance.mean(1) / draws
    return Chains(kept, probability)
