"""Whether chains agree, and how many independent draws they are worth."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata


def rhat(draws: np.ndarray) -> np.ndarray:
    """Return the largest rank-normalised split R-hat over directions, ``(n,)``.

    Bulk and tail, whichever is larger: means and spreads of the chains must agree. Source: Vehtari
    et al. 2021, arXiv:1903.08008, section 4.

    Parameters
    ----------
    draws
        ``(n, chains, s, d)``, in the order of the chain.
    """
    s = draws.shape[2]
    if s < 4:
        raise ValueError(f"{s} draws a chain are too few to compare chains: take 4 or more")
    half = s // 2
    split = np.concatenate([draws[:, :, :half], draws[:, :, s - half :]], 1)
    folded = np.abs(split - np.median(split, axis=(1, 2), keepdims=True))
    return np.maximum(_basic(_normal_scores(split)), _basic(_normal_scores(folded))).max(-1)


def _normal_scores(draws: np.ndarray) -> np.ndarray:
    n, chains, s, d = draws.shape
    ranks = rankdata(draws.reshape(n, chains * s, d), axis=1)
    return norm.ppf((ranks - 0.375) / (chains * s + 0.25)).reshape(draws.shape)


def _basic(draws: np.ndarray) -> np.ndarray:
    """Return R-hat of each direction, ``(n, d)``; Gelman et al. 2013, eqs. 11.1-11.4."""
    s = draws.shape[2]
    within = draws.var(2, ddof=1).mean(1)
    between = draws.mean(2).var(1, ddof=1)
    return np.sqrt((s - 1) / s + between / np.maximum(within, 1e-300))


def effective_draws(draws: np.ndarray) -> np.ndarray:
    """Return the effective number of draws of each posterior, ``(n,)``, least over directions.

    Autocorrelations are summed until a pair of neighbouring lags has a negative sum; chains are
    compared among each other. Source: Vehtari et al. 2021, arXiv:1903.08008, eqs. 10-13.

    Parameters
    ----------
    draws
        ``(n, chains, s, d)``, in the order of the chain.
    """
    chains, s = draws.shape[1:3]
    centred = draws - draws.mean(2, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred, 2 * s, axis=2)) ** 2
    covariance = np.fft.irfft(spectrum, 2 * s, axis=2)[:, :, :s].mean(1) / (s - 1)  # (n, s, d)
    within = np.maximum(covariance[:, :1], 1e-300)
    between = draws.mean(2).var(1, ddof=min(1, chains - 1))[:, None]
    correlation = 1 - (within - covariance) / (within * (s - 1) / s + between)
    pairs = correlation[:, : s - s % 2].reshape(len(draws), s // 2, 2, -1).sum(2)
    lasting = np.cumprod(pairs > 0, axis=1)
    time = np.maximum(2 * (pairs * lasting).sum(1) - 1, 1 / np.log10(chains * s))
    return (chains * s / time).min(-1)
