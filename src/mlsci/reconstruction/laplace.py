"""Gaussians about the maxima of a posterior, and mixtures of them with evidence weights.

About a maximum u* the mass of the posterior is ``p(y, u*) (2 pi)^(d/2) |P|^(-1/2)``, P the
precision: MacKay 2003, chapter 27. One Gaussian a distinct maximum, weighted by this mass, is the
mixture of arXiv:1910.10046, section 3; as a proposal for importance sampling it gets Student's
tails and a share of the prior, so that the weights are bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln, logsumexp

from mlsci.reconstruction.likelihood import LOG_2PI
from mlsci.reconstruction.maximum import Maxima


@dataclass(frozen=True)
class Mixture:
    """A mixture of K Gaussians, or of Student's t, for each of n data.

    Attributes
    ----------
    mean
        ``(n, K, d)``.
    precision
        ``(n, K, d, d)``; of t, the precision is that of its core.
    log_mass
        ``(n, K)`` nats: weights that need not sum to one; -inf where there is no component.
    freedom
        Degrees of freedom of t; None for Gaussians.
    """

    mean: np.ndarray
    precision: np.ndarray
    log_mass: np.ndarray
    freedom: float | None = None

    @property
    def weights(self) -> np.ndarray:
        """Weights that sum to one, ``(n, K)``."""
        return np.exp(self.log_mass - logsumexp(self.log_mass, axis=1, keepdims=True))

    @property
    def log_evidence(self) -> np.ndarray:
        """Sum of the masses, ``(n,)`` nats."""
        return logsumexp(self.log_mass, axis=1)

    def covariance(self) -> np.ndarray:
        """Inverse of the precision, ``(n, K, d, d)``."""
        return np.linalg.inv(self.precision)

    def squared_distance(self, u: np.ndarray) -> np.ndarray:
        """Return ``(u - m)^T P (u - m)`` of ``(n, s, d)`` to each component, ``(n, s, K)``.

        Multiplied out, so that it is two matrix products for all components at once.
        """
        i, j = np.triu_indices(u.shape[-1])
        twice = np.where(i == j, 1.0, 2.0)
        square = np.einsum("nkij,nkj->nki", self.precision, self.mean)
        found = (u[..., i] * u[..., j]) @ np.swapaxes(self.precision[..., i, j] * twice, 1, 2)
        found -= 2 * u @ np.swapaxes(square, 1, 2)
        found += np.einsum("nki,nki->nk", square, self.mean)[:, None]
        return np.maximum(found, 0)

    def log_components(self, u: np.ndarray) -> np.ndarray:
        """Return ln(weight * density) of each component at ``(n, s, d)``, ``(n, s, K)``."""
        d = u.shape[-1]
        squared = self.squared_distance(u)
        log_det = 0.5 * np.linalg.slogdet(self.precision)[1]
        if self.freedom is None:
            log_density = -0.5 * squared - 0.5 * d * LOG_2PI
        else:
            v = self.freedom
            constant = gammaln(0.5 * (v + d)) - gammaln(0.5 * v) - 0.5 * d * np.log(v * np.pi)
            log_density = constant - 0.5 * (v + d) * np.log1p(squared / v)
        with np.errstate(divide="ignore"):
            return log_density + (log_det + np.log(self.weights))[:, None]

    def log_prob(self, u: np.ndarray) -> np.ndarray:
        """Return the log density at ``(n, s, d)``, ``(n, s)`` nats."""
        return logsumexp(self.log_components(u), axis=-1)

    def responsibilities(self, u: np.ndarray) -> np.ndarray:
        """Return the probability that ``(n, s, d)`` came from each component, ``(n, s, K)``."""
        log = self.log_components(u)
        return np.exp(log - logsumexp(log, axis=-1, keepdims=True))

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw ``(n, count, d)``."""
        n, _, d = self.mean.shape
        edges = np.cumsum(self.weights, axis=1)
        edges[:, -1] = 1.0
        which = (rng.random((n, count, 1)) > edges[:, None]).sum(-1)
        noise = rng.standard_normal((n, count, d))
        if self.freedom is not None:
            noise /= np.sqrt(rng.chisquare(self.freedom, (n, count, 1)) / self.freedom)
        rows = np.arange(n)[:, None]
        return self.mean[rows, which] + np.einsum("nsij,nsj->nsi", self.root()[rows, which], noise)

    def root(self) -> np.ndarray:
        """Return R with ``R R^T`` the covariance, ``(n, K, d, d)``."""
        return np.swapaxes(np.linalg.inv(np.linalg.cholesky(self.precision)), -1, -2)

    def defensive(self, *, prior: float = 0.05, freedom: float = 8.0) -> Mixture:
        """Return the proposal: Student's t about the same maxima, and a share of the prior."""
        n, _, d = self.mean.shape
        with np.errstate(divide="ignore"):
            log_mass = np.log(self.weights) + np.log1p(-prior)
        return Mixture(
            np.concatenate([self.mean, np.zeros((n, 1, d))], 1),
            np.concatenate([self.precision, np.tile(np.eye(d), (n, 1, 1, 1))], 1),
            np.concatenate([log_mass, np.full((n, 1), np.log(prior))], 1),
            freedom,
        )

    def joined(self, other: Mixture, share: float) -> Mixture:
        """Return the mixture of this one and a `share` of another of the same freedom."""
        with np.errstate(divide="ignore"):
            own = np.log(self.weights) + np.log1p(-share)
            others = np.log(other.weights) + np.log(share)
        return Mixture(
            np.concatenate([self.mean, other.mean], 1),
            np.concatenate([self.precision, other.precision], 1),
            np.concatenate([own, others], 1),
            self.freedom,
        )

    def rows(self, which: np.ndarray) -> Mixture:
        """Return the mixtures of some of the data."""
        return replace(
            self, mean=self.mean[which], precision=self.precision[which],
            log_mass=self.log_mass[which],
        )  # fmt: skip


def standard_normal(n: int, d: int) -> Mixture:
    """Return the prior of u as a mixture of one component."""
    return Mixture(np.zeros((n, 1, d)), np.tile(np.eye(d), (n, 1, 1, 1)), np.zeros((n, 1)))


def distinct(maxima: Maxima, *, within: float = 3.0, components: int = 8) -> Mixture:
    """Return one Gaussian a distinct maximum, weighted by its mass, highest maximum first.

    Parameters
    ----------
    maxima
        Of all starts.
    within
        A maximum is a copy of a higher one when it lies within so many standard deviations of it.
    components
        Largest number that is kept.
    """
    n, k, d = maxima.u.shape
    order = np.argsort(-maxima.log_joint, axis=1)
    rows = np.arange(n)[:, None]
    u, precision = maxima.u[rows, order], maxima.precision[rows, order]
    log_joint = maxima.log_joint[rows, order]
    taken = np.zeros((n, k), bool)
    for j in range(k):
        offset = u[:, j : j + 1] - u[:, :j]
        squared = np.einsum("nki,nkij,nkj->nk", offset, precision[:, :j], offset)
        copy = (taken[:, :j] & (squared < within**2)).any(1)
        taken[:, j] = ~copy & (taken[:, :j].sum(1) < components)
    log_mass = log_joint + 0.5 * d * LOG_2PI - 0.5 * np.linalg.slogdet(precision)[1]
    log_mass = np.where(taken, log_mass, -np.inf)
    first = np.argsort(~taken, axis=1, kind="stable")[:, : min(k, components)]
    first = first[:, : taken.sum(1).max()]
    return Mixture(u[rows, first], precision[rows, first], log_mass[rows, first])


def with_exact_precision(mixture: Mixture, exact: np.ndarray) -> Mixture:
    """Return the mixture with exact Hessians ``(n, K, d, d)`` where these are positive definite."""
    definite = np.linalg.eigvalsh(exact)[..., 0] > 0
    precision = np.where(definite[..., None, None], exact, mixture.precision)
    shift = np.linalg.slogdet(mixture.precision)[1] - np.linalg.slogdet(precision)[1]
    return replace(mixture, precision=precision, log_mass=mixture.log_mass + 0.5 * shift)
