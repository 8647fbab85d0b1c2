"""A decoder of perceptrons: small, smooth and quick, for models that are sampled many times.

Exponential linear units have a continuous slope, so that second-order steps and Hamiltonian paths
meet no edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import tensorflow as tf

from mlsci.generative.networks import MLP
from mlsci.generative.persistence import config_from_dict, load_module, save_module


@dataclass(frozen=True)
class DecoderConfig:
    """Shape of a `Decoder`.

    Attributes
    ----------
    latent
        Dimension of the codes.
    image
        (height, width, colours).
    hidden
        Widths of the hidden layers, from the codes to the image.
    seed
        Of the initial weights.
    """

    latent: int = 10
    image: tuple[int, ...] = (28, 28, 1)
    hidden: tuple[int, ...] = (128, 256)
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.latent, *self.image, *self.hidden) < 1:
            raise ValueError(f"impossible decoder: {self}: sizes must be positive")


class Decoder(tf.Module):
    """Images ``(n, *image)`` of codes ``(n, latent)``; its encoder is needed for training only."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        rng = np.random.default_rng([config.seed, 9])
        self.config = config
        size = int(np.prod(config.image))
        self.network = MLP(rng, config.latent, config.hidden, size, activation=tf.nn.elu)

    def __call__(self, z: tf.Tensor) -> tf.Tensor:
        """Return the images, not clipped to [0, 1]."""
        return tf.reshape(self.network(z), (-1, *self.config.image))

    def encoder(self, hidden: Sequence[int]) -> MLP:
        """Return an untrained network from flat images to codes: their means, log deviations."""
        c = self.config
        rng = np.random.default_rng([c.seed, 10])
        return MLP(rng, int(np.prod(c.image)), hidden, 2 * c.latent, activation=tf.nn.elu)

    def save(self, path: Path) -> None:
        """Write configuration and weights to one .npz file (to a temporary name, then renamed)."""
        save_module(self, asdict(self.config), path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; ValueError naming the file if it does not fit."""
        return load_module(lambda values: cls(config_from_dict(DecoderConfig, values)), path)
