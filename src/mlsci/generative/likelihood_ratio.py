"""Likelihood ratio to a model of the background.

The background model is trained on images some of whose pixels are replaced by noise: it knows the
statistics of single pixels and of empty regions, not what the images show. The ratio is then about
what they show. Source: Ren et al. 2019, arXiv:1906.02845.
"""

from __future__ import annotations

import numpy as np


def mutated(x: np.ndarray, share: float, *, seed: int) -> np.ndarray:
    """Return images in which each pixel is, by chance, replaced by uniform noise.

    Parameters
    ----------
    x
        Images in [0, 1], any shape.
    share
        Probability that a pixel is replaced; 0.1 to 0.3 in the paper.
    seed
        Of the choice and of the noise.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of replaced pixels must be in [0, 1], got {share}")
    rng = np.random.default_rng(seed)
    replaced = rng.random(x.shape, dtype=np.float32) < share
    return np.where(replaced, rng.random(x.shape, dtype=np.float32), x).astype(np.float32)


def log_ratio(log_prob: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return ``ln p(x) - ln p_background(x)``, ``(n,)`` nats: higher for the typical."""
    return np.asarray(log_prob, np.float64) - np.asarray(background, np.float64)
