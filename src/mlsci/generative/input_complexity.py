"""The correction of a model's evidence by the complexity of its input, as a rival of its own.

Source: Serra et al. 2020, arXiv:1909.11480, eq. 2, with the size that `mlsci.generative.complexity`
measures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlsci.generative.complexity import complexity_corrected
from mlsci.generative.rivals import Rival, Scores

EVIDENCES = ("Laplace evidence", "IWAE bound")  # scores that estimate ln p(x), in nats


class ComplexityCorrected:
    """Another model whose estimates of ``ln p(x)`` are the only scores, plus the compressed size.

    The sum has no weight that could be tuned: both are in nats.

    Parameters
    ----------
    model
        One with a score of `EVIDENCES` among its costly ones.
    """

    def __init__(self, model: Rival) -> None:
        self.model = model

    def fit(self, train: np.ndarray, validation: np.ndarray, *, work: Path, seed: int) -> None:
        """Fit the model."""
        self.model.fit(train, validation, work=work, seed=seed)

    def sample(self, n: int, *, seed: int) -> None:
        """Return None: its images are the model's, which has a row of its own."""

    def reconstruct(self, x: np.ndarray) -> None:
        """Return None, for the same reason."""

    def scores(self, x: np.ndarray) -> Scores:
        """Return none: what estimates ``ln p(x)`` is costly."""
        return {}

    def costly_scores(self, x: np.ndarray) -> Scores:
        """Return the corrected estimates."""
        found = self.model.costly_scores(x)
        return {
            f"{name} + compressed size": complexity_corrected(found[name], x)
            for name in EVIDENCES
            if name in found
        }
