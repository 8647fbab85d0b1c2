"""Are two clouds of features ``(n, d)`` from one distribution? Errors, a test, and a check.

The distances themselves are in `mlsci.generative.quality`.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from mlsci.generative.quality import frechet_distance


def frechet_error(
    real: np.ndarray, fake: np.ndarray, *, resamplings: int = 20, seed: int = 0
) -> float:
    """Return the standard error of a Frechet distance, by the bootstrap over both clouds.

    Resampling also raises the distance itself (it thins the clouds), which is why only its scatter
    is used. Source: Efron 1979; of the rise, Chong & Forsyth 2020, arXiv:1911.07023.
    """
    if resamplings < 2:
        raise ValueError("a standard error needs two resamplings or more")
    rng = np.random.default_rng(seed)
    values = [
        frechet_distance(
            real[rng.integers(len(real), size=len(real))],
            fake[rng.integers(len(fake), size=len(fake))],
        )
        for _ in range(resamplings)
    ]
    return float(np.std(values, ddof=1))


def classifier_accuracy(
    real: np.ndarray, fake: np.ndarray, *, hidden: int = 64, seed: int = 0
) -> float:
    """Return how often a perceptron tells real from fake on pairs that it was not trained on.

    It learns from one half of each cloud and is asked about the other; 0.5 if they cannot be told
    apart, 1 if always. Source: Lopez-Paz & Oquab 2017, arXiv:1610.06545.
    """
    n = min(len(real), len(fake)) // 2
    if n < 2:
        raise ValueError("need at least four points in each cloud")
    rng = np.random.default_rng(seed)
    first, second = real[rng.permutation(len(real))], fake[rng.permutation(len(fake))]
    labels = np.repeat([0, 1], n)
    scaler = StandardScaler().fit(np.concatenate([first[:n], second[:n]]))
    network = MLPClassifier(
        (hidden,), alpha=1e-2, batch_size=min(200, n), max_iter=25, random_state=seed
    )
    with warnings.catch_warnings():  # it is stopped early on purpose
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(scaler.transform(np.concatenate([first[:n], second[:n]])), labels)
    held = scaler.transform(np.concatenate([first[n : 2 * n], second[n : 2 * n]]))
    return float(network.score(held, labels))


def closer_to_training(fake: np.ndarray, train: np.ndarray, held_out: np.ndarray) -> float:
    """Return the share of fakes whose nearest neighbour is a training point, not a held-out one.

    Training and held-out points are taken in equal number: 0.5 if the model knows its training data
    no better than others of their kind, 1 if it repeats them. The nearest-neighbour form of the
    three-sample test of Meehan et al. 2020, arXiv:2004.05675.

    Parameters
    ----------
    fake, train, held_out
        ``(m, d)``, ``(n, d)``, ``(n', d)``; the first ``min(n, n')`` of the latter two are used.
    """
    n = min(len(train), len(held_out))
    near = [_nearest(fake, cloud[:n]) for cloud in (train, held_out)]
    return float(np.mean(near[0] < near[1]) + 0.5 * np.mean(near[0] == near[1]))


def _nearest(x: np.ndarray, cloud: np.ndarray, block: int = 1000) -> np.ndarray:
    """Squared distance to the nearest point of a cloud, ``(len(x),)``."""
    x, cloud = np.asarray(x, np.float32), np.asarray(cloud, np.float32)
    lengths = (cloud * cloud).sum(1)
    parts = []
    for start in range(0, len(x), block):
        own = x[start : start + block]
        squared = (own * own).sum(1)[:, None] + lengths - 2 * own @ cloud.T
        parts.append(squared.min(1))
    return np.concatenate(parts)
