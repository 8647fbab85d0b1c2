"""Annealed importance sampling of the evidence, the reference for cheaper estimates.

Chains start from exact draws of a density q(z) and go through ``q(z)^(1-b) (p(z) p(x|z))^b``, b
rising from 0 to 1; the product of the ratios that they collect has the evidence as its mean. With
the prior as q every mode can be found, and with many pixels few chains arrive; with a Gaussian
about one mode, wider than it, all arrive and other modes are missed.
Source: Neal 2001, "Annealed importance sampling"; for generative models Wu et al. 2017,
arXiv:1611.04273. A step is Hamiltonian Monte Carlo (Neal 2011, arXiv:1206.1901) in a metric that
follows b, so that one step size serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mlsci.generative.batches import compiled
from mlsci.generative.latent_model import LOG_2PI, LatentModel


@dataclass(frozen=True)
class AnnealingConfig:
    """Schedule of `annealed_evidence`.

    Attributes
    ----------
    temperatures
        Number of densities between the prior and the posterior.
    chains
        Independent chains a datum.
    leapfrogs
        Steps of a trajectory.
    step
        Of the leapfrog, in standard deviations of the density that is being sampled.
    power
        Of the exponents ``b = (k / temperatures)^power``: the higher, the denser near 0.
    seed
        Of all draws.
    """

    temperatures: int = 400
    chains: int = 8
    leapfrogs: int = 4
    step: float = 0.5
    power: float = 5.0
    seed: int = 0

    def __post_init__(self) -> None:
        counts = min(self.temperatures, self.chains, self.leapfrogs)
        if counts < 1 or not min(self.step, self.power) > 0:
            raise ValueError(f"cannot anneal with {self}: all must be positive")

    @property
    def inverse_temperatures(self) -> np.ndarray:
        """The exponents b, ``(temperatures + 1,)``.

        From the prior they are dense near 0, where a little of the likelihood of many pixels
        changes the density most. Source: Friel & Pettitt 2008, J. R. Stat. Soc. B 70, 589.
        """
        return np.linspace(0, 1, self.temperatures + 1) ** self.power


@dataclass(frozen=True)
class Annealed:
    """Evidence of n data by annealing.

    Attributes
    ----------
    log_evidence
        ``(n,)`` nats, the logarithm of the chains' mean weight.
    spread
        Standard deviation of the chains' log-weights, ``(n,)`` nats.
    effective
        Effective number of chains, ``(n,)``.
    accepted
        Share of accepted trajectories, ``(temperatures,)``.
    """

    log_evidence: np.ndarray
    spread: np.ndarray
    effective: np.ndarray
    accepted: np.ndarray


def annealed_evidence(
    model: LatentModel,
    x: np.ndarray,
    prior_draws: Callable[[int, int], np.ndarray],
    precision: np.ndarray,
    config: AnnealingConfig,
) -> Annealed:
    """Estimate ``ln p(x)`` of data ``(n, ...)``, starting from the prior.

    Parameters
    ----------
    model
        The joint density.
    x
        Data.
    prior_draws
        ``prior_draws(count, seed)``: exact draws of p(z), ``(count, d)``.
    precision
        Curvature of ``-ln p(x | z)`` of each datum about its best code, ``(n, d, d)``. It shapes
        the steps only: any positive definite value gives the right answer, sooner or later.
    config
        The schedule.

    Returns
    -------
    Annealed
        With the chains' spread, which bounds how far the estimate can be trusted.
    """
    d = model.latent
    start: np.ndarray = prior_draws(len(x) * config.chains, config.seed).astype(model.dtype)
    spread = np.linalg.inv(np.cov(start, rowvar=False).reshape(d, d))

    def path(white: tf.Tensor, z: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        log_likelihood = model.log_likelihood(white, z)
        return model.log_prior(z) + b * log_likelihood, log_likelihood

    return _anneal(model, x, start, path, lambda b: spread + b * precision, config)


def annealed_from_gaussian(
    model: LatentModel,
    x: np.ndarray,
    mean: np.ndarray,
    precision: np.ndarray,
    config: AnnealingConfig,
    *,
    widening: float = 2.0,
) -> Annealed:
    """Estimate ``ln p(x)`` of data ``(n, ...)``, starting from a Gaussian about each datum's mode.

    Parameters
    ----------
    model
        The joint density.
    x
        Data.
    mean, precision
        Of Laplace's Gaussian, ``(n, d)`` and ``(n, d, d)``.
    config
        The schedule.
    widening
        Factor on the Gaussian's standard deviations, so that it covers tails and neighbours.
    """
    n, d, chains = len(x), model.latent, config.chains
    rng = np.random.default_rng([config.seed, 12])
    factor = np.linalg.cholesky(precision)
    noise = rng.standard_normal((n, d, chains))
    moves = np.linalg.solve(factor.transpose(0, 2, 1), noise).transpose(0, 2, 1)
    start = (mean[:, None] + widening * moves).reshape(n * chains, d).astype(model.dtype)
    narrow = precision / widening**2
    log_peak = 0.5 * np.linalg.slogdet(narrow)[1] - 0.5 * d * LOG_2PI
    centre, width, peak = (
        tf.constant(np.repeat(a, chains, 0).astype(model.dtype)) for a in (mean, narrow, log_peak)
    )

    def path(white: tf.Tensor, z: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        away = z - centre
        log_start = peak - 0.5 * tf.reduce_sum(away * tf.linalg.matvec(width, away), -1)
        log_joint = model.log_likelihood(white, z) + model.log_prior(z)
        return (1 - b) * log_start + b * log_joint, log_joint - log_start

    return _anneal(model, x, start, path, lambda b: (1 - b) * narrow + b * precision, config)


# Of (data, codes, b): the logarithm of the density at b, and its derivative in b.
_Path = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def _anneal(
    model: LatentModel,
    x: np.ndarray,
    start: np.ndarray,
    path: _Path,
    metric: Callable[[float], np.ndarray],
    config: AnnealingConfig,
) -> Annealed:
    """Go along a path of densities from exact draws of its first, ``(n * chains, d)``."""
    n, d, chains = len(x), model.latent, config.chains
    rng = np.random.default_rng([config.seed, 11])
    white, z = tf.constant(np.repeat(model.whitened(x), chains, 0)), start
    transition = compiled(_transition(path, config))
    slope = compiled(lambda white, z: path(white, z, tf.zeros((), z.dtype))[1])
    b = config.inverse_temperatures
    log_weight = np.zeros(n * chains)
    accepted = []
    value = slope(white, tf.constant(z)).numpy().astype(np.float64)
    for before, now in zip(b[:-1], b[1:], strict=True):
        log_weight += (now - before) * value
        # Momentum has the metric as its covariance.
        factor: np.ndarray = np.linalg.cholesky(metric(now)).astype(model.dtype)
        momentum = np.einsum(
            "nij,ncj->nci", factor, rng.standard_normal((n, chains, d)).astype(model.dtype)
        ).reshape(n * chains, d)
        inverse = np.linalg.inv(factor @ factor.transpose(0, 2, 1)).repeat(chains, 0)
        moved, energy, new_value = transition(
            white,
            tf.constant(z),
            tf.constant(momentum),
            tf.constant(inverse.astype(model.dtype)),
            tf.constant(now, model.dtype),
        )
        with np.errstate(over="ignore", invalid="ignore"):
            accept = np.log(rng.random(n * chains)) < -energy.numpy().astype(np.float64)
        z = np.where(accept[:, None], moved.numpy(), z)
        value = np.where(accept, new_value.numpy().astype(np.float64), value)
        accepted.append(accept.mean())
    by_chain = log_weight.reshape(n, chains)
    top = by_chain.max(1)
    weights = np.exp(by_chain - top[:, None])
    return Annealed(
        log_evidence=top + np.log(weights.mean(1)) + model.log_normalisation,
        spread=by_chain.std(1, ddof=1) if chains > 1 else np.full(n, np.inf),
        effective=weights.sum(1) ** 2 / (weights**2).sum(1),
        accepted=np.array(accepted),
    )


def _transition(
    path: _Path, config: AnnealingConfig
) -> Callable[..., tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
    """Return one trajectory: new codes, change of energy, new derivative in b."""

    def force(white: tf.Tensor, z: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, ...]:
        with tf.GradientTape() as tape:
            tape.watch(z)
            log_density, slope = path(white, z, b)
        return tape.gradient(log_density, z), log_density, slope

    def kinetic(momentum: tf.Tensor, inverse: tf.Tensor) -> tf.Tensor:
        return 0.5 * tf.reduce_sum(momentum * tf.linalg.matvec(inverse, momentum), -1)

    def transition(
        white: tf.Tensor, z: tf.Tensor, momentum: tf.Tensor, inverse: tf.Tensor, b: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        gradient, start, _ = force(white, z, b)
        start -= kinetic(momentum, inverse)
        for _ in range(config.leapfrogs):
            momentum += 0.5 * config.step * gradient
            z += config.step * tf.linalg.matvec(inverse, momentum)
            gradient, end, slope = force(white, z, b)
            momentum += 0.5 * config.step * gradient
        return z, start - (end - kinetic(momentum, inverse)), slope

    return transition
