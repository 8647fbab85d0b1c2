"""Convolutional auto-encoder on images of any size: ``x -> z -> g(z)``.

It is trained on the squared error of a pixel, ``|x - g(z)|^2``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import tensorflow as tf

from mlsci.generative.batches import compiled, in_batches
from mlsci.generative.images import checked_images
from mlsci.generative.networks import MLP, Conv, ConvTranspose, ResidualConv
from mlsci.generative.persistence import config_from_dict, load_module, save_module
from mlsci.generative.training import History, TrainingConfig, fit

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class AutoEncoderConfig:
    """Shape of an auto-encoder.

    Attributes
    ----------
    latent
        Dimension of z.
    image
        (height, width, colours).
    channels
        Of the two strided convolutions.
    hidden
        Width of a dense layer between the convolutions and z; 0 for none.
    blocks
        Residual blocks at a quarter of the resolution, in the encoder and in the decoder.
    seed
        Of the initial weights.
    """

    latent: int = 32
    image: tuple[int, ...] = (28, 28, 1)
    channels: tuple[int, int] = (32, 64)
    hidden: int = 0
    blocks: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.latent < 1 or self.hidden < 0 or min(self.channels) < 1 or self.blocks < 0:
            raise ValueError(f"impossible auto-encoder: {self}: sizes must be positive")
        if len(self.image) != 3 or min(self.image) < 1:
            raise ValueError(f"image must be (height, width, colours), got {self.image}")


class _Encoder(tf.Module):
    def __init__(self, rng: np.random.Generator, c: AutoEncoderConfig, outputs: int) -> None:
        super().__init__()
        h, w = (-(-n // 4) for n in c.image[:2])
        self.conv1 = Conv(rng, c.image[2], c.channels[0], 4, 2)
        self.conv2 = Conv(rng, c.channels[0], c.channels[1], 4, 2)
        self.blocks = [ResidualConv(rng, c.channels[1]) for _ in range(c.blocks)]
        size = h * w * c.channels[1]
        widths = [c.hidden] if c.hidden else []
        self.dense = MLP(rng, size, widths, c.latent * outputs)
        self._size = size

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        x = tf.nn.relu(self.conv1(x))
        x = self.conv2(x)
        for block in self.blocks:
            x = block(x)
        x = tf.reshape(tf.nn.relu(x), (-1, self._size))
        return self.dense(x)


class _Decoder(tf.Module):
    def __init__(self, rng: np.random.Generator, c: AutoEncoderConfig) -> None:
        super().__init__()
        height, width, colours = c.image
        half = (-(-height // 2), -(-width // 2))
        self._shape = (-1, -(-height // 4), -(-width // 4), c.channels[1])
        widths = [c.hidden] if c.hidden else []
        self.dense = MLP(rng, c.latent, widths, int(np.prod(self._shape[1:])))
        self.blocks = [ResidualConv(rng, c.channels[1]) for _ in range(c.blocks)]
        self.conv1 = ConvTranspose(rng, c.channels[1], (*half, c.channels[0]), 4, 2)
        self.conv2 = ConvTranspose(rng, c.channels[0], (height, width, colours), 4, 2)

    def __call__(self, z: tf.Tensor) -> tf.Tensor:
        x = tf.reshape(self.dense(z), self._shape)
        for block in self.blocks:
            x = block(x)
        x = tf.nn.relu(self.conv1(tf.nn.relu(x)))
        return self.conv2(x)


class AutoEncoder(tf.Module):
    """An auto-encoder: `fit`, `encode`, `decode`, `save`, `load`.

    Images are float32 ``(n, height, width, colours)`` in [0, 1], codes float32 ``(n, latent)``.
    `sigma`, the width of a pixel about its reconstruction, is measured on the validation images.

    Examples
    --------
    >>> import numpy as np
    >>> from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig
    >>> model = AutoEncoder(AutoEncoderConfig(latent=2, image=(8, 8, 1), channels=(4, 4)))
    >>> model.decode(np.zeros((3, 2), "float32")).shape
    (3, 8, 8, 1)
    """

    config_type: type[AutoEncoderConfig] = AutoEncoderConfig
    _encoder_outputs = 1

    def __init__(self, config: AutoEncoderConfig) -> None:
        super().__init__()
        rng = np.random.default_rng([config.seed, 1])
        self.config = config
        self.encoder = _Encoder(rng, config, self._encoder_outputs)
        self.decoder = _Decoder(rng, config)
        self.log_sigma = tf.Variable(np.log(0.1), dtype=tf.float32, trainable=False)
        self._encode = compiled(self.encoder)
        self._decode = compiled(self.decoder)

    def loss(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return the mean squared error a pixel of a batch ``(n, height, width, colours)``."""
        del seed  # nothing is random here
        return tf.reduce_mean(tf.square(self.decoder(self.encoder(x)) - x))

    def fit(
        self,
        train: np.ndarray,
        validation: np.ndarray,
        config: TrainingConfig,
        *,
        checkpoint: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> History:
        """Train on images, then set `sigma` from the validation images.

        For the arguments see `mlsci.generative.training.fit`.
        """
        train, validation = (checked_images(x, self.config.image) for x in (train, validation))
        history = fit(
            self.loss, self.trainable_variables, [train], [validation], config,
            checkpoint=checkpoint, log=log,
        )  # fmt: skip
        self._set_sigma(validation)
        return history

    def _set_sigma(self, validation: np.ndarray) -> None:
        error = np.mean(np.square(self.reconstruct(validation) - validation), dtype=np.float64)
        self.log_sigma.assign(0.5 * np.log(max(float(error), 1e-12)))

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Return the codes ``(n, latent)`` of images; for a VAE the mean of q(z|x)."""
        return self._encoded(x)[:, : self.config.latent]

    def _encoded(self, x: np.ndarray) -> np.ndarray:
        return in_batches(self._encode, checked_images(x, self.config.image))

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Return the images ``(n, height, width, colours)`` of codes ``(n, latent)``.

        They are not clipped to [0, 1].
        """
        z = np.asarray(z, np.float32)
        if z.ndim != 2 or z.shape[1] != self.config.latent:
            raise ValueError(f"codes must be (n, {self.config.latent}), got {z.shape}")
        return in_batches(self._decode, z)

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """Return ``decode(encode(x))``, of the shape of x."""
        return self.decode(self.encode(x))

    def log_likelihood(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return ``ln N(x; decode(z), sigma^2)`` summed over pixels, ``(n,)`` nats in float64."""
        squared = np.square(self.decode(z) - x).sum(axis=(1, 2, 3), dtype=np.float64)
        n_pixels = float(np.prod(self.config.image))
        return -0.5 * squared / self.sigma**2 - n_pixels * (np.log(self.sigma) + 0.5 * LOG_2PI)

    @property
    def sigma(self) -> float:
        """Standard deviation of a pixel about its reconstruction, in units of the pixel range."""
        return float(np.exp(self.log_sigma.numpy()))

    def save(self, path: Path) -> None:
        """Write configuration and weights to one .npz file (to a temporary name, then renamed)."""
        save_module(self, asdict(self.config), path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; ValueError naming the file if it does not fit."""
        return load_module(lambda values: cls(config_from_dict(cls.config_type, values)), path)
