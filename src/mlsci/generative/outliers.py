"""How well a score tells foreign data from the data that a model was trained on."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """Return the probability that a foreign datum scores below a familiar one, ties counted half.

    1: perfect detection by low scores; 0.5: the score cannot tell; below: it prefers strangers.

    Parameters
    ----------
    inside, outside
        Scores ``(n,)``, ``(m,)``, such as log-likelihoods, higher for what the model finds typical.

    Raises
    ------
    ValueError
        For NaN or an empty set.
    """
    inside, outside = np.asarray(inside, np.float64), np.asarray(outside, np.float64)
    if min(inside.size, outside.size) == 0:
        raise ValueError("need scores of both familiar and foreign data")
    if np.isnan(inside).any() or np.isnan(outside).any():
        raise ValueError("scores hold NaN: did a model diverge?")
    labels = np.repeat([1, 0], [inside.size, outside.size])
    return float(roc_auc_score(labels, np.concatenate([inside, outside])))
