"""From corrupted data to the posterior of the clean images: one call, one kind of result.

Draws are judged by what the method leaves to judge them by. Chains must agree. Weights must not be
carried by a few draws; Gaussians and flows, whose density is known, are judged by the weights that
would make their draws the posterior's (Yao et al. 2018, arXiv:1802.02538).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
from scipy.special import logsumexp
from scipy.stats import chi2

from mlsci.reconstruction.convergence import effective_draws, rhat
from mlsci.reconstruction.el2o import el2o
from mlsci.reconstruction.hmc import hamiltonian
from mlsci.reconstruction.importance import Weighted, effective_share, importance, pareto_shape
from mlsci.reconstruction.laplace import Mixture
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.modes import Modes, find_modes
from mlsci.reconstruction.population import population
from mlsci.reconstruction.result import Method, Reconstruction
from mlsci.reconstruction.smc import Start, sequential
from mlsci.reconstruction.variational import Ascent, variational

# Beyond these, draws are not to be trusted.
LARGEST_RHAT = 1.01  # Vehtari et al. 2021, arXiv:1903.08008, section 4
LARGEST_SHAPE = 0.7  # Vehtari et al. 2024, arXiv:1507.02646, section 3.3
SMALLEST_SHARE = 0.2  # of effective draws among weighted ones
SMALLEST_P = 0.01
LARGEST_DECREMENT = 0.05  # nats that a maximum may still lack
LARGEST_REST = 0.05  # mass of modes that a method leaves out

CHAINS = 4
LEAST_SCOUTS = 800
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
    """Sample the posteriors of data ``(n, ...)``, and say whether to trust the draws.

    Parameters
    ----------
    likelihood
        The model, the corruption and the model's error.
    y
        Corrupted data, of the shape that the corruption makes; hidden pixels may hold anything.
    method
        "map", the highest maximum; "laplace", the Gaussian about it; "mixture", one Gaussian a
        distinct maximum; "el2o", these moved to where their own draws say, with the masses that
        weighted draws say; "importance", draws of the mixture with weights; "population", with
        weights, of a mixture that learns from its draws; "hmc", four Hamiltonian chains; "smc",
        tempered sequential Monte Carlo, the reference; "variational", a flow that is fitted to each
        posterior, at half a minute a datum.
    draws
        For each datum; over all chains. The R-hat of independent draws is itself uncertain by a few
        in the number a chain: 500 of them can be told from those that disagree by a hundredth.
    starts
        Climbs to maxima for each datum.
    start
        Of "smc": "modes", or "prior", which is slower. From there, and for "variational", modes are
        what draws are counted by and what step sizes are taken from, and nothing else.
    ascent
        Of "variational": the flow and how it is fitted; `Ascent()` if None.
    modes
        What `find_modes` returned, with settings of the caller's or for several methods; found
        here if None.
    seed
        Of everything that is random.

    Returns
    -------
    Reconstruction
        Its `numbers` are, of "hmc" and "smc", "rhat" and "effective" draws, with the flag "chains
        disagree"; of weights, "effective" and the "pareto" shape of their tail, with the flag
        "weights too uneven"; where these are p/q of equally weighted draws from a known density,
        also "bound" and "evidence", what they say of ln p(y). Flags of all: "maximum not reached",
        and "the model cannot make the data", by a p-value that takes the model's error for
        Gaussian, which `mlsci.reconstruction.misfit` does not; of "map" and "laplace", "modes left
        out". For "variational" the bound is in place of ln p(y).

    Raises
    ------
    ValueError
        For an unknown method, a setting of another method, or data that do not fit.
    """
    _check(method, draws, starts, start, ascent)
    data = likelihood.whitened(y)
    if modes is None:
        modes = find_modes(likelihood, data, starts=starts, seed=seed)
    q = modes.mixture
    drawn = _DRAW[method](_Asked(likelihood, data, q, draws, seed, start, ascent or Ascent()))
    weighted, flags, numbers = drawn.weighted, {}, {}
    flags["maximum not reached"] = modes.decrement > LARGEST_DECREMENT
    if method in ("map", "laplace"):
        flags["modes left out"] = q.weights[:, 0] < 1 - LARGEST_REST
    if drawn.chains is not None:
        numbers = {"rhat": rhat(drawn.chains), "effective": effective_draws(drawn.chains)}
        flags["chains disagree"] = numbers["rhat"] > LARGEST_RHAT
    judged = drawn.log_weights
    if drawn.log_q is not None:
        ratio = likelihood.log_joint(weighted.u, data) - drawn.log_q
        total = logsumexp(ratio, axis=1)
        numbers = {"bound": ratio.mean(1), "evidence": total - np.log(ratio.shape[1])}
        judged = ratio - total[:, None]
    if judged is not None:
        share = effective_share(judged)
        numbers |= {"effective": share * judged.shape[1], "pareto": pareto_shape(judged)}
        flags["weights too uneven"] = (share < SMALLEST_SHARE) | (numbers["pareto"] > LARGEST_SHAPE)
    p_value, discrepancy = _predictive(likelihood, data, weighted)
    flags["the model cannot make the data"] = p_value < SMALLEST_P
    mode_weights = np.einsum(
        "ns,nsk->nk", np.exp(weighted.log_weights), q.responsibilities(weighted.u)
    )
    return Reconstruction(
        method, likelihood, np.asarray(y), weighted, q, mode_weights, p_value, discrepancy, flags,
        numbers,
    )  # fmt: skip


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


def _predictive(
    likelihood: Likelihood, data: np.ndarray, weighted: Weighted
) -> tuple[np.ndarray, np.ndarray]:
    """Return the p-value of the misfit, and its mean a datum, from a few of the draws."""
    u = weighted.resampled(min(PREDICTED, weighted.u.shape[1]), np.random.default_rng(53))
    log_like = likelihood.log_likelihood(u, data) - likelihood.log_normalisation
    squared = -2 * log_like
    return chi2.sf(squared, likelihood.size).mean(1), squared.mean(1) / likelihood.size


# --- how draws are made ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """Whitened data ``(n, size)``, Gaussians about the modes, and settings."""

    likelihood: Likelihood
    data: np.ndarray
    modes: Mixture
    draws: int
    seed: int
    start: Start
    ascent: Ascent


@dataclass(frozen=True)
class _Drawn:
    """Draws, and what they are to be judged by.

    Attributes
    ----------
    weighted
        The draws ``(n, s, d)``.
    log_weights
        ``(n, s)``, where weights make the draws the posterior's.
    log_q
        ``(n, s)``, where draws are of a known density and equally weighted.
    chains
        ``(n, chains, s, d)``, where there are several.
    """

    weighted: Weighted
    log_weights: np.ndarray | None = None
    log_q: np.ndarray | None = None
    chains: np.ndarray | None = None


def _equal(u: np.ndarray, log_evidence: np.ndarray) -> Weighted:
    return Weighted(u, np.full(u.shape[:2], -np.log(u.shape[1])), log_evidence)


def _first(modes: Mixture) -> Mixture:
    return Mixture(modes.mean[:, :1], modes.precision[:, :1], modes.log_mass[:, :1])


def _maximum(a: _Asked) -> _Drawn:
    return _Drawn(_equal(a.modes.mean[:, :1], np.full(len(a.data), np.nan)))


def _gaussians(a: _Asked, q: Mixture) -> _Drawn:
    u = q.sample(a.draws, np.random.default_rng([a.seed, 52]))
    return _Drawn(_equal(u, q.log_evidence), log_q=q.log_prob(u))


def _moved(a: _Asked) -> _Drawn:
    return _gaussians(a, el2o(a.likelihood, a.data, a.modes, draws=a.draws, seed=a.seed))


def _importance(a: _Asked) -> _Drawn:
    proposal = a.modes.defensive()
    weighted = importance(a.likelihood, a.data, proposal, draws=a.draws, seed=a.seed)
    return _Drawn(weighted, weighted.log_weights)


def _population(a: _Asked) -> _Drawn:
    weighted = population(a.likelihood, a.data, a.modes, draws=a.draws, seed=a.seed)
    return _Drawn(weighted, weighted.log_weights)


def _chains(u: np.ndarray, log_evidence: np.ndarray) -> _Drawn:
    return _Drawn(_equal(u.reshape(len(u), -1, u.shape[-1]), log_evidence), chains=u)


def _hamiltonian(a: _Asked) -> _Drawn:
    each = -(-a.draws // CHAINS)
    u = hamiltonian(a.likelihood, a.data, a.modes, draws=each, seed=a.seed).u
    return _chains(u, np.full(len(a.data), np.nan))


def _sequential(a: _Asked) -> _Drawn:
    run = sequential(
        a.likelihood, a.data, a.modes, start=a.start, particles=-(-a.draws // CHAINS),
        scouts=max(a.draws, LEAST_SCOUTS), seed=a.seed,
    )  # fmt: skip
    return _chains(run.u, run.log_evidence)


def _variational(a: _Asked) -> _Drawn:
    u, log_q = variational(a.likelihood, a.data, a.ascent, draws=a.draws, seed=a.seed)
    bound = (a.likelihood.log_joint(u, a.data) - log_q).mean(1)
    return _Drawn(_equal(u, bound), log_q=log_q)


_DRAW: dict[Method, Callable[[_Asked], _Drawn]] = {
    "map": _maximum,
    "laplace": lambda a: _gaussians(a, _first(a.modes)),
    "mixture": lambda a: _gaussians(a, a.modes),
    "el2o": _moved,
    "importance": _importance,
    "population": _population,
    "hmc": _hamiltonian,
    "smc": _sequential,
    "variational": _variational,
}
