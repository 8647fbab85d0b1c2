"""Gaussian mixtures fitted to particles by expectation-maximisation, for many data at once.

Source: Dempster, Laird & Rubin 1977, J. R. Stat. Soc. B 39, 1; centres are started as by Arthur &
Vassilvitskii 2007, k-means++. Each covariance is drawn towards the mean one with the weight of as
many particles as it takes to have full rank, as a conjugate prior would (Fraley & Raftery 2007, J.
Classif. 24, 155). Where particles lie in a plane, or are all the same, a Gaussian is no thinner
than a small share of their spread: `FLOOR`.
"""

from __future__ import annotations

import numpy as np

from mlsci.reconstruction.laplace import Mixture

FLOOR = 1e-9  # of the mean variance: the least that a component has in any direction
POINT = 1e-30  # variance below which particles are the same


def fitted(
    u: np.ndarray, *, components: int = 16, iterations: int = 30, rng: np.random.Generator
) -> Mixture:
    """Return the Gaussian mixtures of particles ``(n, s, d)``, one for each of n data.

    Parameters
    ----------
    u
        Equally weighted particles, more than ``2 d`` of them.
    components
        Largest number; at most one for every ``4 d`` particles.
    iterations
        Rounds of expectation and maximisation.
    rng
        Of the first centres.
    """
    _, s, d = u.shape
    k = int(np.clip(s // (4 * d), 1, components))
    mean = u.mean(1, keepdims=True)
    covariance = np.einsum("nsi,nsj->nij", u - mean, u - mean) / s
    variance = np.maximum(np.einsum("nii->n", covariance) / d, POINT)
    floor = FLOOR * variance[:, None, None] * np.eye(d)
    root = np.linalg.cholesky(covariance + floor)
    inverse = np.linalg.inv(root)
    floor = inverse @ floor @ np.swapaxes(inverse, 1, 2)  # of whitened particles
    white = (u - mean) @ np.swapaxes(inverse, 1, 2)
    centres = _spread_out(white, k, rng)
    nearest = ((white[:, :, None] - centres[:, None]) ** 2).sum(-1).argmin(-1)
    share = np.eye(k)[nearest]
    for _ in range(iterations):
        mixture = _maximised(white, share, floor)
        share = mixture.responsibilities(white)
    mixture = _maximised(white, share, floor)
    inverse = inverse[:, None]
    return Mixture(
        mean + np.einsum("nij,nkj->nki", root, mixture.mean),
        np.swapaxes(inverse, -1, -2) @ mixture.precision @ inverse,
        mixture.log_mass,
    )


def _spread_out(u: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return particles ``(n, count, d)``, each drawn by its squared distance from those before."""
    n, s, _ = u.shape
    rows = np.arange(n)
    chosen = [u[rows, rng.integers(0, s, n)]]
    squared = np.full((n, s), np.inf)
    for _ in range(count - 1):
        squared = np.minimum(squared, ((u - chosen[-1][:, None]) ** 2).sum(-1))
        edges = np.cumsum(squared, axis=1)
        place = rng.random((n, 1)) * edges[:, -1:]
        chosen.append(u[rows, np.minimum((edges < place).sum(1), s - 1)])
    return np.stack(chosen, 1)


def _maximised(u: np.ndarray, share: np.ndarray, floor: np.ndarray) -> Mixture:
    """Return the mixture of particles ``(n, s, d)`` whose shares are ``(n, s, K)``.

    Its covariances hold the floor ``(n, d, d)`` beside those of the particles.
    """
    n, s, d = u.shape
    total = share.sum(1) + 1e-9
    across = np.swapaxes(share, 1, 2)
    mean = across @ u / total[..., None]
    i, j = np.triu_indices(d)
    second = np.empty((n, share.shape[2], d, d))
    second[..., i, j] = across @ (u[..., i] * u[..., j])
    second[..., j, i] = second[..., i, j]
    scatter = second - total[..., None, None] * mean[..., :, None] * mean[..., None, :]
    within = scatter.sum(1, keepdims=True) / s
    prior = d + 1
    covariance = (scatter + prior * within) / (total + prior)[..., None, None]
    covariance += floor[:, None]
    return Mixture(mean, np.linalg.inv(covariance), np.log(total / s))
