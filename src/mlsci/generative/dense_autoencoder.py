"""Auto-encoder of plain vectors: perceptrons in place of convolutions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from mlsci.generative.networks import MLP
from mlsci.generative.persistence import config_from_dict, load_module, save_module


@dataclass(frozen=True)
class DenseAutoEncoderConfig:
    """Shape of a `DenseAutoEncoder`.

    Attributes
    ----------
    size
        Length of a vector.
    latent
        Dimension of z.
    hidden
        Widths of the encoder's hidden layers; the decoder has the same in reverse.
    seed
        Of the initial weights.
    """

    size: int
    latent: int = 8
    hidden: tuple[int, ...] = (128, 128)
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.size, self.latent, *self.hidden) < 1:
            raise ValueError(f"impossible auto-encoder: {self}: sizes must be positive")


class DenseAutoEncoder(tf.Module):
    """The networks of an auto-encoder of vectors ``(n, size)``, for `mlsci.generative.pae.PAE`."""

    def __init__(self, config: DenseAutoEncoderConfig) -> None:
        super().__init__()
        self.config = config
        rng = np.random.default_rng([config.seed, 8])
        self.encoder = MLP(rng, config.size, config.hidden, config.latent)
        self.decoder = MLP(rng, config.latent, config.hidden[::-1], config.size)

    def save(self, path: Path) -> None:
        """Write configuration and weights to one .npz file (to a temporary name, then renamed)."""
        save_module(self, asdict(self.config), path)

    @classmethod
    def load(cls, path: Path) -> DenseAutoEncoder:
        """Read what `save` wrote; ValueError naming the file if it does not fit."""
        return load_module(
            lambda values: cls(config_from_dict(DenseAutoEncoderConfig, values)), path
        )
