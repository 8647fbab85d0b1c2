"""A model's evidence, forgiven what is due to simple images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlsci.generative.complexity import compressed_nats
from mlsci.generative.input_complexity import EVIDENCES, ComplexityCorrected


class Evidence:
    """A model of one Gaussian a pixel, of which one estimate is an evidence and one is not."""

    def fit(self, train: np.ndarray, validation: np.ndarray, *, work: Path, seed: int) -> None:
        self.mean = train.mean(0)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        return np.repeat(self.mean[None], n, axis=0)

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        return x

    def scores(self, x: np.ndarray) -> dict[str, np.ndarray]:
        return {"distance": -self.costly_scores(x)[EVIDENCES[0]]}

    def costly_scores(self, x: np.ndarray) -> dict[str, np.ndarray]:
        log_prob = -0.5 * np.square(x - self.mean).sum((1, 2, 3))
        return {EVIDENCES[0]: log_prob, "volume": log_prob}


def test_only_evidences_are_corrected_and_by_the_compressed_size(tmp_path: Path) -> None:
    x = np.random.default_rng(0).uniform(size=(6, 8, 8, 1))
    x[3:] = 0.5  # flat images, which compress to next to nothing
    model = Evidence()
    corrected = ComplexityCorrected(model)
    corrected.fit(x, x, work=tmp_path, seed=0)
    assert corrected.scores(x) == {}
    assert corrected.sample(2, seed=0) is None
    assert corrected.reconstruct(x) is None
    found = corrected.costly_scores(x)
    assert list(found) == [f"{EVIDENCES[0]} + compressed size"]
    (values,) = found.values()
    np.testing.assert_allclose(values - model.costly_scores(x)[EVIDENCES[0]], compressed_nats(x))
    assert values[3:].max() < values[:3].min()
