"""A small convolutional classifier: its pooled features are the space of the quality measures.

As in the Frechet *Inception* distance (Heusel et al. 2017, arXiv:1706.08500) the features are the
spatial means of the last convolutional layer; but the network is trained on the very data set,
where Inception was trained on photographs (Naeem et al. 2020, arXiv:2002.09797, discuss this).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from mlsci.generative.batches import compiled, in_batches
from mlsci.generative.images import checked_images
from mlsci.generative.networks import Conv, Dense, ResidualConv
from mlsci.generative.persistence import config_from_dict, load_module, save_module
from mlsci.generative.training import History, TrainingConfig, fit


@dataclass(frozen=True)
class ClassifierConfig:
    """Shape of a `Classifier`.

    Attributes
    ----------
    classes
        Number of labels.
    image
        (height, width, colours).
    channels
        Of the two strided convolutions; the second number is that of the features.
    seed
        Of the initial weights.
    """

    classes: int = 10
    image: tuple[int, ...] = (28, 28, 1)
    channels: tuple[int, int] = (32, 96)
    seed: int = 0


class Classifier(tf.Module):
    """Labels and features of images ``(n, height, width, colours)`` in [0, 1]."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = c = config
        rng = np.random.default_rng([c.seed, 3])
        self.conv1 = Conv(rng, c.image[2], c.channels[0], 4, 2)
        self.conv2 = Conv(rng, c.channels[0], c.channels[1], 4, 2)
        self.block = ResidualConv(rng, c.channels[1])
        self.last = Dense(rng, c.channels[1], c.classes)
        self._evaluate = compiled(self._features)

    def _features(self, x: tf.Tensor) -> tf.Tensor:
        x = self.block(self.conv2(tf.nn.relu(self.conv1(x))))
        return tf.reduce_mean(tf.nn.relu(x), (1, 2))

    def loss(self, x: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return the cross-entropy of a batch in nats."""
        del seed  # nothing is random here
        logits = self.last(self._features(x))
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
        """Return the pooled features ``(n, channels[1])``; pixels are clipped to [0, 1] first."""
        x = np.clip(np.asarray(x, np.float32), 0, 1)
        return in_batches(self._evaluate, checked_images(x, self.config.image))

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
