"""Importance sampling whose proposal learns from its draws, round by round.

The Gaussians about the modes are not the shape of the posterior, and a few of their draws carry all
the weight. A mixture fitted to the weighted draws is nearer, and one fitted to *its* draws nearer
again. Weights that are too uneven are tempered first, so that many draws take part in the fit.
Source: Cappe, Douc, Guillin, Marin & Robert 2008, arXiv:0710.4242, with the tempering of Koblents &
Miguez 2015, arXiv:1208.5600.
"""

from __future__ import annotations

import numpy as np

from mlsci.reconstruction.expectation import fitted
from mlsci.reconstruction.importance import Weighted, importance
from mlsci.reconstruction.laplace import Mixture
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.maximum import temperature

KNOWN = 0.2  # share of the first proposal that later ones keep


def population(
    likelihood: Likelihood,
    data: np.ndarray,
    modes: Mixture,
    *,
    draws: int,
    rounds: int = 4,
    effective: float = 0.05,
    seed: int = 0,
) -> Weighted:
    """Return weighted draws of the posteriors of whitened data ``(n, size)``.

    Parameters
    ----------
    likelihood, data
        Of what.
    modes
        Gaussians about the modes: the first proposal is their `defensive` mixture.
    draws
        Of each round; those of the last are returned.
    rounds
        Number of times that a mixture is fitted.
    effective
        Share of the draws that takes part in a fit at least.
    seed
        Of all draws.
    """
    first = modes.defensive()
    found = importance(likelihood, data, first, draws=draws, seed=seed)
    for k in range(rounds):
        rng = np.random.default_rng([seed, 22, k])
        log = found.log_weights
        beta = temperature(log, np.zeros(len(log)), effective * draws)[:, None]
        tempered = Weighted(found.u, beta * log, found.log_evidence)
        particles = tempered.resampled(min(draws, 4000), rng)
        proposal = fitted(particles, rng=rng).defensive().joined(first, KNOWN)
        found = importance(likelihood, data, proposal, draws=draws, seed=seed + 1000 * (k + 1))
    return found
