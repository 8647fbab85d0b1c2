"""Typicality: a log-likelihood far from its usual value is suspect on either side.

Source: Nalisnick et al. 2019, arXiv:1906.02994, for single data.
"""

from __future__ import annotations

import numpy as np


def typicality(log_prob: np.ndarray, familiar: np.ndarray) -> np.ndarray:
    """Return ``-|ln p(x) + H|``, ``(n,)`` nats: 0 for the most typical.

    Parameters
    ----------
    log_prob
        ``ln p`` of the data in question, ``(n,)``.
    familiar
        ``ln p`` of data that the model was not trained on but that are of their kind; minus their
        mean is the entropy H.
    """
    if np.size(familiar) == 0:
        raise ValueError("need log-likelihoods of familiar data to measure the entropy with")
    return -np.abs(np.asarray(log_prob, np.float64) - np.mean(familiar, dtype=np.float64))
