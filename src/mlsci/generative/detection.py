"""Detection of foreign data by a score: areas under the ROC and precision-recall curves, FPR95.

Foreign data are the positives, and lower scores are to give them away. Sources: Hendrycks & Gimpel
2017, arXiv:1610.02136; for FPR95 Liang et al. 2018, arXiv:1706.02690.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from sklearn.metrics import average_precision_score

from mlsci.generative.outliers import auroc


@dataclass(frozen=True)
class Detection:
    """How well a score tells foreign data from familiar ones.

    Attributes
    ----------
    auroc
        Chance that a foreign datum scores below a familiar one, ties counted half.
    aupr
        Average precision, with familiar data weighted to be as many as the foreign: 0.5 by chance,
        whatever the sizes of the sets.
    fpr95
        Share of familiar data that are called foreign where 95% of the foreign are found.
    """

    auroc: float
    aupr: float
    fpr95: float

    def as_dict(self) -> dict[str, float]:
        """Return the numbers by name, for JSON."""
        return asdict(self)


def detection(inside: np.ndarray, outside: np.ndarray) -> Detection:
    """Return how well low scores find the foreign data.

    Parameters
    ----------
    inside, outside
        Scores ``(n,)`` of familiar and ``(m,)`` of foreign data, higher for the typical.

    Raises
    ------
    ValueError
        For NaN or an empty set.
    """
    inside, outside = np.asarray(inside, np.float64), np.asarray(outside, np.float64)
    area = auroc(inside, outside)
    scores = -np.concatenate([inside, outside])
    labels = np.repeat([0, 1], [inside.size, outside.size])
    weights = np.where(labels, 1 / outside.size, 1 / inside.size)
    finds = np.quantile(outside, 0.95, method="inverted_cdf")
    return Detection(
        auroc=area,
        aupr=float(average_precision_score(labels, scores, sample_weight=weights)),
        fpr95=float((inside <= finds).mean()),
    )
