"""Variational information bottleneck: a classifier whose code may carry little information.

``L = -E_q(z|x) ln p(y | z) + beta KL(q(z|x) || N(0, 1))``, q a diagonal Gaussian from a
convolutional encoder and ``p(y | z)`` a linear classifier. Sources: Alemi et al. 2017,
arXiv:1612.00410, eq. 17; for its scores of foreign images Alemi et al. 2018, arXiv:1807.00906.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from mlsci.generative.batches import compiled, in_batches
from mlsci.generative.images import checked_images
from mlsci.generative.networks import MLP, Conv, Dense
from mlsci.generative.training import History, TrainingConfig, fit
from mlsci.generative.vae import kl_to_standard_normal


@dataclass(frozen=True)
class BottleneckConfig:
    """Shape of an `InformationBottleneck`.

    Attributes
    ----------
    latent
        Dimension of z.
    beta
        Weight of the Kullback-Leibler term, in nats of the cross-entropy a nat.
    classes
        Number of labels.
    image
        (height, width, colours).
    channels
        Of the two strided convolutions.
    seed
        Of the initial weights.
    """

    latent: int = 32
    beta: float = 1e-3
    classes: int = 10
    image: tuple[int, ...] = (28, 28, 1)
    channels: tuple[int, int] = (32, 64)
    seed: int = 0


class InformationBottleneck(tf.Module):
    """Labels of images ``(n, height, width, colours)`` in [0, 1] through a noisy code."""

    def __init__(self, config: BottleneckConfig) -> None:
        super().__init__()
        self.config = c = config
        rng = np.random.default_rng([c.seed, 14])
        h, w = (-(-n // 4) for n in c.image[:2])
        self.conv1 = Conv(rng, c.image[2], c.channels[0], 4, 2)
        self.conv2 = Conv(rng, c.channels[0], c.channels[1], 4, 2)
        self.dense = MLP(rng, h * w * c.channels[1], [], 2 * c.latent)
        self.last = Dense(rng, c.latent, c.classes)
        self._measure = compiled(self._measures)

    def _posterior(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = tf.nn.relu(self.conv2(tf.nn.relu(self.conv1(x))))
        flat = tf.reshape(features, (-1, int(np.prod(features.shape[1:]))))
        mean, log_std = tf.split(self.dense(flat), 2, axis=-1)
        return mean, tf.clip_by_value(log_std, -8.0, 4.0)

    def loss(self, x: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return the loss of a batch in nats an image, with one draw of z an image."""
        mean, log_std = self._posterior(x)
        z = mean + tf.exp(log_std) * tf.random.stateless_normal(tf.shape(mean), seed)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=self.last(z))
        rate = tf.reduce_sum(kl_to_standard_normal(mean, log_std), -1)
        return tf.reduce_mean(entropy + self.config.beta * rate)

    def _measures(self, x: tf.Tensor) -> tf.Tensor:
        mean, log_std = self._posterior(x)
        rate = tf.reduce_sum(kl_to_standard_normal(mean, log_std), -1, keepdims=True)
        return tf.concat([rate, tf.nn.log_softmax(self.last(mean))], -1)

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

    def rate(self, x: np.ndarray) -> np.ndarray:
        """Return ``KL(q(z|x) || N(0, 1))``, what the code tells of an image, ``(n,)`` nats."""
        return self._measured(x)[:, 0]

    def log_prob_labels(self, x: np.ndarray) -> np.ndarray:
        """Return ``ln p(y | z)`` at the mean of q(z|x), ``(n, classes)`` nats."""
        return self._measured(x)[:, 1:]

    def _measured(self, x: np.ndarray) -> np.ndarray:
        return in_batches(self._measure, checked_images(x, self.config.image)).astype(np.float64)


class BottleneckRival:
    """A trained `InformationBottleneck` as a row of the benchmark's table."""

    def __init__(self, model: InformationBottleneck) -> None:
        self.model = model

    def fit(self, train: np.ndarray, validation: np.ndarray, *, work: Path, seed: int) -> None:
        """Learn nothing more: it has learned from labels."""

    def sample(self, n: int, *, seed: int) -> None:
        """Return None: it models labels, not images."""

    def reconstruct(self, x: np.ndarray) -> None:
        """Return None, likewise."""

    def scores(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return minus the rate, and the logarithm of the largest probability of a label."""
        return {
            "minus rate": -self.model.rate(x),
            "ln max p(y|z)": self.model.log_prob_labels(x).max(-1),
        }

    def costly_scores(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return none."""
        return {}
