"""A small convolutional classifier: its last hidden layer is the feature space of quality measures.

Distances in the feature space of a network trained on the very data set stand in for Inception's,
which was trained on photographs (Naeem et al. 2020, arXiv:2002.09797, discuss the choice).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from mlsci.generative.networks import Conv, Dense, ResidualConv
from mlsci.generative.persistence import config_from_dict, load_module, save_module
from mlsci.generative.training import History, TrainingConfig, fit


@dataclass(frozen=True)
class ClassifierConfig:
    """Shape of a `Classifier`.

    Attributes
    ----------
    classes, features
        Number of labels, and width of the last hidden layer.
    image
        (height, width, colours).
    channels
        Of the two strided convolutions.
    seed
        Of the initial weights.
    """

    classes: int = 10
    features: int = 64
    image: tuple[int, ...] = (28, 28, 1)
    channels: tuple[int, int] = (32, 64)
    seed: int = 0


class Classifier(tf.Module):
    """Labels and features of images ``(n, height, width, colours)`` in [0, 1]."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = c = config
        rng = np.random.default_rng([c.seed, 3])
        height, width = (-(-n // 4) for n in c.image[:2])
        self.conv1 = Conv(rng, c.image[2], c.channels[0], 4, 2)
        self.conv2 = Conv(rng, c.channels[0], c.channels[1], 4, 2)
        self.block = ResidualConv(rng, c.channels[1])
        self.dense = Dense(rng, height * width * c.channels[1], c.features)
        self.last = Dense(rng, c.features, c.classes)
        self._evaluate = tf.function(self._features, reduce_retracing=True)

    def _features(self, x: tf.Tensor) -> tf.Tensor:
        x = self.block(self.conv2(tf.nn.relu(self.conv1(x))))
        x = tf.reshape(tf.nn.relu(x), (-1, self.dense.w.shape[0]))
        return tf.nn.relu(self.dense(x))

    def loss(self, x: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Cross-entropy of a batch in nats, with half of the features dropped in training."""
        features = self._features(x)
        keep = tf.random.stateless_uniform(tf.shape(features), seed) < 0.5
        training = tf.cast(seed[0] >= 0, tf.float32)  # validation has negative seeds
        dropped = features * (2 * tf.cast(keep, tf.float32))
        logits = self.last(training * dropped + (1 - training) * features)
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        )

    def fit(
        self,
        train: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        config: TrainingConfig,
        *,
        checkpoint: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> History:
        """Train on (images, integer labels); see `mlsci.generative.training.fit`."""
        first, second = ([x.astype(np.float32), y.astype(np.int32)] for x, y in (train, validation))
        return fit(
            self.loss, self.trainable_variables, first, second, config,
            checkpoint=checkpoint, log=log,
        )  # fmt: skip

    def features(self, x: np.ndarray) -> np.ndarray:
        """Return the last hidden layer, ``(n, features)``; pixels are clipped to [0, 1] first."""
        x = np.clip(np.asarray(x, np.float32), 0, 1)
        if x.ndim != 4 or x.shape[1:] != self.config.image:
            raise ValueError(f"images must be (n, *{self.config.image}), got {x.shape}")
        parts = [self._evaluate(tf.constant(x[i : i + 1000])) for i in range(0, len(x), 1000)]
        return np.concatenate([p.numpy() for p in parts])

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the most probable label of each image, ``(n,)``."""
        return np.argmax(self.last(tf.constant(self.features(x))).numpy(), axis=-1)

    def save(self, path: Path) -> None:
        """Write configuration and weights to one .npz file (to a temporary name, then renamed)."""
        save_module(self, asdict(self.config), path)

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """Read what `save` wrote; ValueError naming the file if it does not fit."""
        return load_module(lambda values: cls(config_from_dict(ClassifierConfig, values)), path)
