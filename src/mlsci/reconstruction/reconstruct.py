"""From corrupted data to the posterior of the clean images: one call, one kind of result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from scipy.stats import chi2

from mlsci.reconstruction.calibration import interval
from mlsci.reconstruction.convergence import effective_draws, rhat
from mlsci.reconstruction.hmc import hamiltonian
from mlsci.reconstruction.importance import Weighted, importance, pareto_shape
from mlsci.reconstruction.laplace import Mixture, distinct, with_exact_precision
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.maximum import PriorBank, maximise
from mlsci.reconstruction.smc import Start, sequential

Method = Literal["map", "laplace", "mixture", "importance", "hmc", "smc"]

# Beyond these, draws are not to be trusted.
LARGEST_RHAT = 1.01  # Vehtari et al. 2021, arXiv:1903.08008, section 4
LARGEST_SHAPE = 0.7  # Vehtari et al. 2024, arXiv:1507.02646, section 3.3
SMALLEST_SHARE = 0.2  # of effective draws among weighted ones
SMALLEST_P = 0.01
LEAST_SCOUTS = 800
LARGEST_DECREMENT = 0.05  # nats that a maximum may still lack


@dataclass(frozen=True)
class Modes:
    """The distinct modes of n posteriors.

    Attributes
    ----------
    mixture
        A Gaussian about each, highest maximum first.
    decrement
        What the climb to the highest maximum still lacks, ``(n,)`` nats.
    """

    mixture: Mixture
    decrement: np.ndarray


@dataclass(frozen=True)
class Reconstruction:
    """Draws of n posteriors, their modes, and whether to trust them.

    Attributes
    ----------
    method
        How the draws were made.
    likelihood, y
        Of what, and the data ``(n, ...)``.
    weighted
        Draws ``(n, s, d)`` with weights, and ln p(y), NaN where the method has none.
    modes
        A Gaussian about each distinct maximum.
    mode_weights
        Posterior probability of each mode by the draws, ``(n, K)``.
    p_value
        Posterior predictive p-value of the misfit, ``(n,)``: small where the model cannot make the
        data. Gelman, Meng & Stern 1996, Stat. Sinica 6, 733.
    discrepancy
        Mean misfit squared a datum, ``(n,)``; about 1.
    flags
        ``(n,)`` booleans by reason: True where that reason speaks against the result.
    numbers
        ``(n,)`` diagnostics by name, as the method has them: "rhat", "effective" draws, "pareto".
    """

    method: Method
    likelihood: Likelihood
    y: np.ndarray
    weighted: Weighted
    modes: Mixture
    mode_weights: np.ndarray
    p_value: np.ndarray
    discrepancy: np.ndarray
    flags: dict[str, np.ndarray] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def trustworthy(self) -> np.ndarray:
        """Whether no flag is raised, ``(n,)``."""
        return ~np.any(list(self.flags.values()), axis=0)

    def draws(self, count: int, *, seed: int = 0) -> np.ndarray:
        """Return equally weighted base vectors ``(n, count, d)``."""
        return self.weighted.resampled(count, np.random.default_rng([seed, 51]))

    def decoded(self, count: int, *, seed: int = 0) -> np.ndarray:
        """Return draws as the model makes them, ``(n, count, *image)``."""
        u = self.draws(count, seed=seed)
        images = self.likelihood.model.images(u.reshape(-1, u.shape[-1]))
        return images.reshape(len(u), count, *self.likelihood.model.image)

    def images(self, count: int, *, seed: int = 0) -> np.ndarray:
        """Return draws of the clean images, ``(n, count, *image)``: the model's error added."""
        return self.likelihood.clean(self.draws(count, seed=seed), self.y, seed=seed)

    def parts(self, count: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return expected clean images and random errors of draws, ``(n, count, *image)`` each."""
        return self.likelihood.clean_parts(self.draws(count, seed=seed), self.y, seed=seed)

    def summary(self, count: int = 200, *, level: float = 0.95, seed: int = 0) -> Summary:
        """Return mean, standard deviation and central intervals of the clean pixels."""
        drawn = self.images(count, seed=seed)
        low, high = interval(np.moveaxis(drawn, 1, -1), level)
        return Summary(drawn.mean(1), drawn.std(1), low, high)


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation and interval of the clean pixels, ``(n, *image)`` each."""

    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray


def find_modes(
    likelihood: Likelihood,
    data: np.ndarray,
    *,
    starts: int = 12,
    bank: int = 5000,
    exact: bool = False,
    seed: int = 0,
) -> Modes:
    """Return the distinct modes of the posteriors of whitened data ``(n, size)``.

    Parameters
    ----------
    likelihood, data
        Of what.
    starts, bank
        Climbs for each datum, and the prior draws that they start from.
    exact
        Whether the Gaussians have the exact curvature, not that of Gauss and Newton.
    seed
        Of the starts.
    """
    chosen = PriorBank(likelihood, size=bank, seed=seed).starts(data, starts, seed=seed)
    maxima = maximise(likelihood, data, chosen)
    mixture = distinct(maxima)
    if exact:
        mixture = with_exact_precision(mixture, likelihood.precision(mixture.mean, data))
    best = maxima.log_joint.argmax(1)
    return Modes(mixture, maxima.decrement[np.arange(len(data)), best])


def reconstruct(
    likelihood: Likelihood,
    y: np.ndarray,
    *,
    method: Method = "smc",
    draws: int = 2000,
    starts: int = 12,
    start: Start = "modes",
    modes: Modes | None = None,
    seed: int = 0,
) -> Reconstruction:
    """Sample the posteriors of data ``(n, ...)``.

    Parameters
    ----------
    likelihood
        The model, the corruption and the model's error.
    y
        Corrupted data, of the shape that the corruption makes; hidden pixels may hold anything.
    method
        "map", the highest maximum; "laplace", the Gaussian about it; "mixture", one Gaussian a
        distinct maximum; "importance", the same, corrected by weights; "hmc", four Hamiltonian
        chains; "smc", tempered sequential Monte Carlo, the reference.
    draws
        For each datum; over all chains. The R-hat of independent draws is itself uncertain by a few
        in the number a chain: 500 of them can be told from those that disagree by a hundredth.
    starts
        Climbs to maxima for each datum.
    modes
        What `find_modes` returned, with settings of the caller's or for several methods; found
        here if None.
    start
        Of "smc": "modes", or "prior", which is slower and needs no modes but for step sizes.
    seed
        Of everything that is random.

    Raises
    ------
    ValueError
        For an unknown method, or data that do not fit.
    """
    if method not in get_args(Method):
        raise ValueError(f"unknown method {method!r}: use one of {get_args(Method)}")
    if draws < 40 or starts < 1:
        raise ValueError(f"need 40 draws and a start or more, got {draws} and {starts}")
    data = likelihood.whitened(y)
    if modes is None:
        modes = find_modes(likelihood, data, starts=starts, seed=seed)
    mixture = modes.mixture
    flags = {"maximum not reached": modes.decrement > LARGEST_DECREMENT}
    numbers: dict[str, np.ndarray] = {}
    per_chain = -(-draws // 4)
    if method in ("map", "laplace", "mixture"):
        weighted = _gaussian(method, mixture, draws, seed)
    elif method == "importance":
        weighted = importance(likelihood, data, mixture.defensive(), draws=draws, seed=seed)
        numbers = {
            "effective": weighted.effective * draws,
            "pareto": pareto_shape(weighted.log_weights),
        }
        flags["weights too uneven"] = (weighted.effective < SMALLEST_SHARE) | (
            numbers["pareto"] > LARGEST_SHAPE
        )
    else:
        if method == "hmc":
            u = hamiltonian(likelihood, data, mixture, draws=per_chain, seed=seed).u
            log_evidence = np.full(len(data), np.nan)
        else:
            run = sequential(
                likelihood, data, mixture, start=start, particles=per_chain,
                scouts=max(draws, LEAST_SCOUTS), seed=seed,
            )  # fmt: skip
            u, log_evidence = run.u, run.log_evidence
        numbers = {"rhat": rhat(u), "effective": effective_draws(u)}
        flags["chains disagree"] = numbers["rhat"] > LARGEST_RHAT
        weighted = _equal(u.reshape(len(u), -1, u.shape[-1]), log_evidence)
    p_value, discrepancy = _predictive(likelihood, data, weighted)
    flags["the model cannot make the data"] = p_value < SMALLEST_P
    share = np.einsum(
        "ns,nsk->nk", np.exp(weighted.log_weights), mixture.responsibilities(weighted.u)
    )
    return Reconstruction(
        method, likelihood, np.asarray(y), weighted, mixture, share, p_value, discrepancy, flags,
        numbers,
    )  # fmt: skip


def _gaussian(method: Method, modes: Mixture, draws: int, seed: int) -> Weighted:
    if method == "map":
        return _equal(modes.mean[:, :1], np.full(len(modes.mean), np.nan))
    if method == "laplace":
        modes = Mixture(modes.mean[:, :1], modes.precision[:, :1], modes.log_mass[:, :1])
    return _equal(modes.sample(draws, np.random.default_rng([seed, 52])), modes.log_evidence)


def _equal(u: np.ndarray, log_evidence: np.ndarray) -> Weighted:
    return Weighted(u, np.full(u.shape[:2], -np.log(u.shape[1])), log_evidence)


def _predictive(
    likelihood: Likelihood, data: np.ndarray, weighted: Weighted, count: int = 100
) -> tuple[np.ndarray, np.ndarray]:
    """Return the p-value of the misfit, and its mean a datum, from a few of the draws."""
    u = weighted.resampled(min(count, weighted.u.shape[1]), np.random.default_rng(53))
    log_like = likelihood.log_likelihood(u, data) - likelihood.log_normalisation
    squared = -2 * log_like
    return chi2.sf(squared, likelihood.size).mean(1), squared.mean(1) / likelihood.size


def ranked_p_value(discrepancy: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the share of reference images that fit no better, ``(n,)`` in (0, 1].

    The p-value of a `Reconstruction` takes the model's error for Gaussian. Where it is not, the
    misfits of real images of the kind that the model was trained for tell what is usual.

    Parameters
    ----------
    discrepancy
        Of the images in question, ``(n,)``.
    reference
        Of validation images under the same corruption, ``(m,)``.
    """
    above = (np.asarray(reference) >= np.asarray(discrepancy)[:, None]).sum(1)
    return (1 + above) / (1 + len(reference))
