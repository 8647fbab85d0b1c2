"""How good a set of samples is, measured between two clouds of feature vectors ``(n, d)``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Squared Frechet distance between the Gaussians with the moments of two clouds.

    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))``. Source: Dowson & Landau 1982; for samples of
    generative models Heusel et al. 2017, arXiv:1706.08500, eq. 6.

    Parameters
    ----------
    real, fake
        ``(n, d)`` and ``(m, d)``, n and m above d for covariances of full rank.

    Returns
    -------
    float
        In squared units of the features; 0 for equal moments.
    """
    real, fake = _checked(real, fake)
    shift = real.mean(0) - fake.mean(0)
    first, second = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    # tr (C1 C2)^(1/2) from the symmetric form C1^(1/2) C2 C1^(1/2), which has real eigenvalues.
    values, vectors = scipy.linalg.eigh(first)
    root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    inner = scipy.linalg.eigvalsh(root @ second @ root)
    cross = np.sqrt(np.clip(inner, 0, None)).sum()
    return float(max(0.0, shift @ shift + np.trace(first) + np.trace(second) - 2 * cross))


@dataclass(frozen=True)
class Neighbourhoods:
    """Measures from k-nearest-neighbour balls about the points of a cloud.

    `precision`, `recall` (Kynkaanniemi et al. 2019, arXiv:1904.06991, eqs. 1-2): shares of fake
    points in a ball about a real one, and the reverse. `density`, `coverage` (Naeem et al. 2020,
    arXiv:2002.09797, eqs. 5-6): how many real balls hold a fake point, over k; share of real balls
    that hold any. Two clouds of one distribution give a density of 1 in expectation.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighbourhoods(real: np.ndarray, fake: np.ndarray, k: int = 5) -> Neighbourhoods:
    """Compare two clouds ``(n, d)``, ``(m, d)`` by their k-nearest-neighbour balls.

    Raises
    ------
    ValueError
        For NaN, clouds of unequal dimension, or no more than k points.
    """
    real, fake = _checked(real, fake)
    if min(len(real), len(fake)) <= k:
        raise ValueError(f"need more than k = {k} points, got {len(real)} and {len(fake)}")
    radius_real, radius_fake = _radii(real, k), _radii(fake, k)
    inside_real = np.zeros(len(fake), int)  # how many real balls hold each fake point
    recalled, covered = 0, 0
    for start in range(0, len(real), _BLOCK):
        block = slice(start, start + _BLOCK)
        squared = _squared_distances(real[block], fake)
        holds = squared <= radius_real[block, None]
        inside_real += holds.sum(0)
        covered += int(holds.any(1).sum())
        recalled += int((squared <= radius_fake[None, :]).any(1).sum())
    return Neighbourhoods(
        precision=float((inside_real > 0).mean()),
        recall=recalled / len(real),
        density=float(inside_real.mean() / k),
        coverage=covered / len(real),
    )


_BLOCK = 1000


def _radii(x: np.ndarray, k: int) -> np.ndarray:
    """Squared distance to the k-th neighbour, the point itself not counted, ``(n,)``."""
    parts = []
    for start in range(0, len(x), _BLOCK):
        squared = _squared_distances(x[start : start + _BLOCK], x)
        parts.append(np.partition(squared, k, axis=1)[:, k])
    return np.concatenate(parts)


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    cross = a @ b.T
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * cross
    return np.maximum(squared, 0.0)


def _checked(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"need clouds (n, d) and (m, d), got {real.shape} and {fake.shape}")
    if min(len(real), len(fake)) < 2:
        raise ValueError("need at least two points in each cloud")
    if not (np.isfinite(real).all() and np.isfinite(fake).all()):
        raise ValueError("features hold NaN or infinity: did a model diverge?")
    return real, fake
