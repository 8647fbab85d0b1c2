"""From corrupted data to the posterior of the clean images: every method behind one call.

`reconstruct` runs those that treat many data at once; here are these, Gaussians that are fitted to
their own draws, importance sampling whose proposal learns, and variational inference, a training
for each datum. Gaussians and flows are judged by the weights that would make their draws the
posterior's: Yao et al. 2018, arXiv:1802.02538.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast, get_args

import numpy as np
from scipy.special import logsumexp
from scipy.stats import chi2

from mlsci.reconstruction import reconstruct as batched
from mlsci.reconstruction.el2o import el2o
from mlsci.reconstruction.importance import Weighted, pareto_shape
from mlsci.reconstruction.laplace import Mixture
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.population import population
from mlsci.reconstruction.reconstruct import Modes, Reconstruction, find_modes
from mlsci.reconstruction.smc import Start
from mlsci.reconstruction.variational import Ascent, variational

Method = Literal[
    "map", "laplace", "mixture", "el2o", "importance", "population", "hmc", "smc", "variational"
]

LARGEST_REST = 0.05  # mass of modes that a method leaves out
PREDICTED = 100  # draws that a p-value is taken from


def posterior(
    likelihood: Likelihood,
    y: np.ndarray,
    *,
    method: Method = "smc",
    draws: int = 2000,
    starts: int = 12,
    start: Start = "modes",
    ascent: Ascent | None = None,
    modes: Modes | None = None,
    seed: int = 0,
) -> Reconstruction:
    """Sample the posteriors of data ``(n, ...)`` by any method, and say whether to trust it.

    Beside the numbers and flags of `reconstruct`: of Gaussians and flows, "bound" and "evidence",
    what the weights p/q of their draws say of ln p(y), and the number of "effective" draws and the
    "pareto" shape of the tail that these weights have, which raise "weights too uneven"; of "map"
    and "laplace", the flag "modes left out".

    Parameters
    ----------
    likelihood, y, draws, starts, modes, seed
        As in `reconstruct`. Of "variational", and of "smc" from the prior, modes are what draws are
        counted by, and nothing else.
    method
        One of `reconstruct`'s; or "el2o", the Gaussians of "mixture" moved to where their own draws
        say, with the masses that weighted draws say; or "population", weights of draws of a mixture
        that learns from its draws; or "variational", a flow that is fitted to each posterior, at
        half a minute a datum. The bound is then in place of ln p(y).
    start
        Of "smc": "modes", or "prior", which is slower and needs no modes but for step sizes.
    ascent
        Of "variational": the flow and how it is fitted; `Ascent()` if None.

    Raises
    ------
    ValueError
        For an unknown method, a setting of another method, or data that do not fit.
    """
    _check(method, draws, starts, start, ascent)
    if modes is None:
        modes = find_modes(likelihood, likelihood.whitened(y), starts=starts, seed=seed)
    if method == "population":
        weighted = population(
            likelihood, likelihood.whitened(y), modes.mixture, draws=draws, seed=seed
        )
        return _unevenness(_result(likelihood, y, method, modes, weighted), weighted.log_weights)
    if method == "el2o":
        q = el2o(likelihood, likelihood.whitened(y), modes.mixture, draws=draws, seed=seed)
        u = q.sample(draws, np.random.default_rng([seed, 52]))
        weighted = Weighted(u, np.full(u.shape[:2], -np.log(draws)), q.log_evidence)
        return _compared(_result(likelihood, y, method, modes, weighted), q.log_prob(u))
    if method == "variational":
        data = likelihood.whitened(y)
        u, log_q = variational(likelihood, data, ascent or Ascent(), draws=draws, seed=seed)
        bound = (likelihood.log_joint(u, data) - log_q).mean(1)
        weighted = Weighted(u, np.full(log_q.shape, -np.log(draws)), bound)
        return _compared(_result(likelihood, y, method, modes, weighted), log_q)
    found = batched.reconstruct(
        likelihood, y, method=method, draws=draws, starts=starts, start=start, modes=modes,
        seed=seed,
    )  # fmt: skip
    q = modes.mixture
    if method in ("map", "laplace"):
        left_out = q.weights[:, 0] < 1 - LARGEST_REST
        found = replace(found, flags=found.flags | {"modes left out": left_out})
        q = Mixture(q.mean[:, :1], q.precision[:, :1], q.log_mass[:, :1])
    if method in ("laplace", "mixture"):
        return _compared(found, q.log_prob(found.weighted.u))
    return found


def _check(method: str, draws: int, starts: int, start: str, ascent: Ascent | None) -> None:
    if method not in get_args(Method):
        raise ValueError(f"unknown method {method!r}: use one of {get_args(Method)}")
    if draws < 40 or starts < 1:
        raise ValueError(f"need 40 draws and a start or more, got {draws} and {starts}")
    if start not in get_args(Start):
        raise ValueError(f"unknown start {start!r}: use one of {get_args(Start)}")
    if start == "prior" and method != "smc":
        raise ValueError(f"only the method 'smc' can start from the prior, not {method!r}")
    if ascent is not None and method != "variational":
        raise ValueError(f"only the method 'variational' fits a flow, not {method!r}")


def _result(
    likelihood: Likelihood, y: np.ndarray, method: Method, modes: Modes, weighted: Weighted
) -> Reconstruction:
    """Return draws as a result, with its misfit."""
    u = weighted.resampled(min(PREDICTED, weighted.u.shape[1]), np.random.default_rng(53))
    log_likelihood = likelihood.log_likelihood(u, likelihood.whitened(y))
    squared = -2 * (log_likelihood - likelihood.log_normalisation)
    p_value = chi2.sf(squared, likelihood.size).mean(1)
    share = modes.mixture.responsibilities(weighted.u)
    return Reconstruction(
        cast(batched.Method, method),
        likelihood,
        np.asarray(y),
        weighted,
        modes.mixture,
        np.einsum("ns,nsk->nk", np.exp(weighted.log_weights), share),
        p_value,
        squared.mean(1) / likelihood.size,
        {
            "maximum not reached": modes.decrement > batched.LARGEST_DECREMENT,
            "the model cannot make the data": p_value < batched.SMALLEST_P,
        },
    )


def _compared(found: Reconstruction, log_q: np.ndarray) -> Reconstruction:
    """Return a result whose draws have the log density ``(n, s)``, judged by their weights p/q."""
    data = found.likelihood.whitened(found.y)
    ratio = found.likelihood.log_joint(found.weighted.u, data) - log_q
    total = logsumexp(ratio, axis=1)
    numbers = {"bound": ratio.mean(1), "evidence": total - np.log(ratio.shape[1])}
    return _unevenness(replace(found, numbers=numbers), ratio - total[:, None])


def _unevenness(found: Reconstruction, log_weights: np.ndarray) -> Reconstruction:
    """Return the result with what normalised weights ``(n, s)`` say of it."""
    share = np.exp(-logsumexp(2 * log_weights, axis=1)) / log_weights.shape[1]
    pareto = pareto_shape(log_weights)
    uneven = (share < batched.SMALLEST_SHARE) | (pareto > batched.LARGEST_SHAPE)
    return replace(
        found,
        flags=found.flags | {"weights too uneven": uneven},
        numbers=found.numbers | {"effective": share * log_weights.shape[1], "pareto": pareto},
    )
