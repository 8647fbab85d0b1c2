"""The information bottleneck: what its code tells, and what that costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from mlsci.generative.training import TrainingConfig
from mlsci.generative.vib import BottleneckConfig, BottleneckRival, InformationBottleneck

SHAPE = {"latent": 3, "classes": 2, "image": (8, 8, 1), "channels": (4, 4)}
SCHEDULE = TrainingConfig(epochs=12, batch=32, rate=1e-2, warmup=5, average=0.9)


def halves(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise, brighter on the left (label 0) or on the right (1)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    x = rng.uniform(0, 0.5, (n, 8, 8, 1))
    bright = (np.arange(8) >= 4) == labels[:, None].astype(bool)
    x += 0.4 * bright[:, None, :, None]
    return x.astype(np.float32), labels


def test_labels_have_probabilities_and_codes_a_rate() -> None:
    model = InformationBottleneck(BottleneckConfig(**SHAPE))
    x, _ = halves(7, 0)
    np.testing.assert_allclose(np.exp(model.log_prob_labels(x)).sum(1), 1, rtol=1e-5)
    assert (model.rate(x) > 0).all()
    scores = BottleneckRival(model).scores(x)
    np.testing.assert_array_equal(scores["minus rate"], -model.rate(x))
    assert (scores["ln max p(y|z)"] <= 0).all()


def test_the_loss_is_linear_in_beta_with_the_rate_as_its_slope() -> None:
    x, labels = halves(20, 1)
    seed = tf.constant([1, 2])
    models = [InformationBottleneck(BottleneckConfig(**SHAPE, beta=beta)) for beta in (0.0, 0.5)]
    losses = [float(m.loss(tf.constant(x), tf.constant(labels), seed)) for m in models]
    assert losses[1] - losses[0] == pytest.approx(0.5 * models[0].rate(x).mean(), rel=1e-4)


@pytest.mark.slow
def test_a_narrow_bottleneck_tells_less(tmp_path: Path) -> None:
    rates = []
    for beta in (1e-3, 10.0):
        model = InformationBottleneck(BottleneckConfig(**SHAPE, beta=beta))
        checkpoint = tmp_path / f"{beta}.npz"
        model.fit(halves(400, 0), halves(50, 1), SCHEDULE, checkpoint=checkpoint)
        x, labels = halves(200, 2)
        rates.append(model.rate(x).mean())
        if beta < 1:
            assert (model.log_prob_labels(x).argmax(1) == labels).mean() > 0.95
    assert rates[1] < 0.1 * rates[0]
