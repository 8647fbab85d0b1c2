"""The classifier learns what can be told apart, and its features have the stated form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax

from mlsci.generative.classifier import Classifier, ClassifierConfig
from mlsci.generative.training import TrainingConfig

SMALL = ClassifierConfig(classes=3, image=(8, 9, 1), channels=(4, 12))


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images of three kinds: bright above, bright below, bright on the left."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=n)
    x = rng.uniform(0, 0.5, (n, 8, 9, 1))
    x[labels == 0, :4] += 0.4
    x[labels == 1, 4:] += 0.4
    x[labels == 2, :, :5] += 0.4
    return x.astype(np.float32), labels


@pytest.fixture(scope="module")
def trained() -> Classifier:
    model = Classifier(SMALL)
    config = TrainingConfig(epochs=6, batch=50, rate=5e-3, warmup=10, average=0.9)
    model.fit(draw(600, 0), draw(100, 1), config)
    return model


def test_kinds_that_differ_are_told_apart(trained: Classifier) -> None:
    x, labels = draw(500, 2)
    assert np.mean(Classifier(SMALL).predict(x) == labels) < 0.8
    assert np.mean(trained.predict(x) == labels) > 0.98


def test_features_are_what_the_labels_are_read_from(trained: Classifier) -> None:
    x, labels = draw(1002, 3)  # more than one batch
    features = trained.features(x)
    assert (features.shape, features.dtype) == ((1002, 12), np.float32)
    assert features.min() >= 0
    np.testing.assert_allclose(trained.features(x[1000:]), features[1000:], atol=1e-4)
    logits = features @ trained.last.w.numpy() + trained.last.b.numpy()
    exact = -log_softmax(logits.astype(float), -1)[np.arange(len(x)), labels].mean()
    loss = trained.loss(tf.constant(x), tf.constant(labels, tf.int32), tf.constant([-1, 0]))
    assert float(loss) == pytest.approx(exact, rel=1e-3)
    np.testing.assert_array_equal(trained.predict(x), logits.argmax(-1))


def test_pixels_beyond_the_range_are_clipped(trained: Classifier) -> None:
    x, _ = draw(4, 4)
    wild = np.where(x > 0.4, x + 5, x - 5)
    np.testing.assert_array_equal(trained.features(wild), trained.features(x > 0.4))


def test_features_do_not_tell_where_a_thing_lies() -> None:
    image = np.zeros((1, 40, 40, 1), np.float32)
    image[0, 16:19, 16:20] = 0.8
    moved = np.roll(image, 4, axis=(1, 2))  # by the product of the strides
    model = Classifier(ClassifierConfig(image=(40, 40, 1), channels=(4, 12)))
    np.testing.assert_allclose(model.features(moved), model.features(image), atol=1e-5)


def test_gradients_reach_every_parameter() -> None:
    model = Classifier(SMALL)
    x, labels = (tf.constant(a) for a in draw(50, 6))
    with tf.GradientTape() as tape:
        loss = model.loss(x, labels, tf.constant([0, 0]))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert len(gradients) == 2 * 5
    assert all(g is not None and float(tf.reduce_max(tf.abs(g))) > 0 for g in gradients)


def test_a_saved_classifier_is_the_same(trained: Classifier, tmp_path: Path) -> None:
    trained.save(tmp_path / "classifier.npz")
    again = Classifier.load(tmp_path / "classifier.npz")
    x, _ = draw(30, 7)
    assert again.config == SMALL
    np.testing.assert_array_equal(again.features(x), trained.features(x))
    np.testing.assert_array_equal(again.predict(x), trained.predict(x))


@pytest.mark.parametrize("shape", [(2, 8, 8, 1), (2, 8, 9), (8, 9, 1)])
def test_wrong_images_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images must be \(n, \*\(8, 9, 1\)\)"):
        Classifier(SMALL).features(np.zeros(shape))
