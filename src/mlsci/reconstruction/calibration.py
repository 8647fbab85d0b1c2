"""Whether probabilities are frequencies: ranks, expected coverage, intervals."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.residual import Residual


def simulate(likelihood: Likelihood, n: int, *, seed: int) -> tuple[np.ndarray, ...]:
    """Draw base vectors ``(n, d)``, clean images ``(n, *image)`` and data from the model itself.

    Their posterior is the one that is sampled, exactly, whatever the model has learned.
    """
    rng = np.random.default_rng([seed, 61])
    u = rng.standard_normal((n, likelihood.model.latent))
    image = likelihood.model.images(u).astype(np.float64)
    if isinstance(likelihood.residual, Residual):
        clean = image + likelihood.residual.sample(n, seed=int(rng.integers(2**31)))
        return u, clean, likelihood.corruption.apply(clean, seed=int(rng.integers(2**31)))
    # The model's error is noise of the data, and is added there as well as to the clean image.
    y = likelihood.corruption.apply(image, seed=int(rng.integers(2**31)))
    y = y + likelihood.residual * rng.standard_normal(y.shape)
    return u, image + likelihood.residual * rng.standard_normal(image.shape), y


def ranks(draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return how many draws lie below the truth, integers ``(n, d)`` from 0 to s.

    Uniform if the posterior is right. Source: Talts et al. 2018, arXiv:1804.06788, theorem 1.

    Parameters
    ----------
    draws
        Independent, ``(n, s, d)``.
    truth
        ``(n, d)``.
    """
    if draws.shape[0] != truth.shape[0] or draws.shape[2:] != truth.shape[1:]:
        raise ValueError(f"draws {draws.shape} do not belong to truths {truth.shape}")
    return (draws < truth[:, None]).sum(1)


def uniformity(rank: np.ndarray, draws: int, *, bins: int = 20) -> np.ndarray:
    """Return the p-value of uniform ranks for each direction, ``(d,)``: a chi-squared test.

    Parameters
    ----------
    rank
        ``(n, d)``, from 0 to `draws`.
    draws
        Number of draws ranked against; ``draws + 1`` ranks are spread over the bins.
    bins
        Lowered until each expects five.
    """
    n, d = rank.shape
    bins = max(2, min(bins, n // 5, draws + 1))
    edges = np.linspace(0, draws + 1, bins + 1).round().astype(int)
    expected = n * np.diff(edges) / (draws + 1)
    found = np.stack([np.histogram(rank[:, k], edges - 0.5)[0] for k in range(d)])
    return chi2.sf(((found - expected) ** 2 / expected).sum(1), bins - 1)


def credibility(
    draws: np.ndarray, truth: np.ndarray, *, seed: int, points: np.ndarray | None = None
) -> np.ndarray:
    """Return the credibility at which regions about points reach the truth, ``(n, n - 1)``.

    The share of draws nearer to a point than the truth is; uniform if the posterior is right, in
    all directions together. Source: Lemos et al. 2023, arXiv:2302.03026, algorithm 2, with all the
    points that there are for each datum, not one: what chance does to one averages out.

    Parameters
    ----------
    draws
        ``(n, s, d)``.
    truth
        ``(n, d)``.
    seed
        Of what decides between equal distances.
    points
        ``(n, d)``, the truths themselves if None; a datum's own is left out.
    """
    rng = np.random.default_rng([seed, 62])
    n, s = draws.shape[:2]
    points = truth if points is None else points
    scale = np.maximum(points.std(0), 1e-12)
    points, found = points / scale, np.empty((n, n - 1))
    for k in range(n):
        others = np.delete(points, k, axis=0)
        at, drawn = truth[k] / scale, draws[k] / scale
        # Squared distances, but for |point|^2, which both have.
        far = (at**2).sum() - 2 * others @ at
        near = (drawn**2).sum(1)[:, None] - 2 * drawn @ others.T < far
        found[k] = (near.sum(0) + rng.random(n - 1)) / (s + 1)
    return found


def expected_coverage(credibilities: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the share of regions, of all data and points, that hold the truth at each level."""
    ordered = np.sort(credibilities, axis=None)
    return np.searchsorted(ordered, levels, side="right") / ordered.size


def exact_coverage(
    draws: np.ndarray, points: np.ndarray, levels: np.ndarray, *, rounds: int, seed: int
) -> np.ndarray:
    """Return the expected coverage that chance gives to exact posteriors, ``(rounds, levels)``.

    One of the draws takes the place of the truth: it is distributed as the truth is, if the draws
    are right, and is one among the others in any case.

    Parameters
    ----------
    draws, points, seed
        As in `credibility`.
    levels
        Credibilities.
    rounds
        Number of draws that do so, one after the other; less than s.
    """
    coverage = [
        expected_coverage(
            credibility(np.delete(draws, k, axis=1), draws[:, k], seed=seed + k, points=points),
            levels,
        )
        for k in range(rounds)
    ]
    return np.array(coverage)


def interval_coverage(
    draws: np.ndarray, truth: np.ndarray, level: float, where: np.ndarray | None = None
) -> tuple[float, float]:
    """Return the share of truths within central intervals, and its standard error.

    Parameters
    ----------
    draws
        ``(n, s, ...)``.
    truth
        ``(n, ...)``.
    level
        Of the interval.
    where
        Booleans ``(n, ...)``: what counts; everything if None. The error is that over data, since
        the pixels of one image are not independent.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval must be in (0, 1), got {level}")
    counts = np.ones(truth.shape, bool) if where is None else np.broadcast_to(where, truth.shape)
    if not counts.any():
        raise ValueError("no pixel counts: the selection is empty")
    low, high = interval(np.moveaxis(draws, 1, -1)[counts], level)
    inside = (truth[counts] >= low) & (truth[counts] <= high)
    datum = np.nonzero(counts)[0]
    hits, total = np.bincount(datum, inside, len(truth)), np.bincount(datum, None, len(truth))
    share = hits.sum() / total.sum()
    error = np.sqrt(((hits - share * total) ** 2).sum()) / total.sum()
    return float(share), float(error)


def interval(draws: np.ndarray, level: float) -> np.ndarray:
    """Return the ends of the central interval of draws ``(..., s)``, ``(2, ...)``.

    Between the order statistics among which a further draw falls with probability `level`:
    Hyndman & Fan 1996, Am. Stat. 50, 361, definition 6. The usual interpolation is narrower, by
    two points of coverage for a hundred draws.
    """
    tails = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
    ends: np.ndarray = np.quantile(draws, tails, axis=-1, method="weibull")
    return ends
