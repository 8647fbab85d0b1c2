"""Two variants of the VAE: a width for every pixel, and a beta that rises while it is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from mlsci.generative.autoencoder import LOG_2PI
from mlsci.generative.training import History, TrainingConfig
from mlsci.generative.vae import VAE, VAEConfig


class FullSigmaVAE(VAE):
    """VAE whose likelihood has a learned width for every pixel.

    `VAE` has one for all; at the optimum that one is the root mean squared error, whether it is
    learned or set analytically (Rybkin et al. 2021, arXiv:2006.13202).
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__(config)
        self.log_sigma = tf.Variable(tf.fill(config.image, np.float32(np.log(0.1))))

    @property
    def sigma(self) -> float:
        """Geometric mean of the pixels' widths."""
        return float(np.exp(self.log_sigma.numpy().mean()))

    def log_likelihood(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return ``ln N(x; decode(z), sigma^2)`` summed over pixels, ``(n,)`` nats in float64."""
        log_sigma = self.log_sigma.numpy().astype(np.float64)
        residual = (x - self.decode(z)) / np.exp(log_sigma)
        return -(0.5 * residual**2 + log_sigma + 0.5 * LOG_2PI).sum((1, 2, 3))


class AnnealedVAE(VAE):
    """Beta-VAE that is trained with a small beta first.

    An epoch at each share of the final beta, then the rest of the epochs at the whole of it: codes
    are in use before their information is taxed. Source: Bowman et al. 2016, arXiv:1511.06349;
    Higgins et al. 2017.
    """

    SHARES = (0.05, 0.3)

    def __init__(self, config: VAEConfig) -> None:
        super().__init__(config)
        self.weight = tf.Variable(config.beta, dtype=tf.float32, trainable=False)

    def loss(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return minus the ELBO of a batch, its Kullback-Leibler term weighted, in nats a pixel."""
        mean, log_std = tf.split(self.encoder(x), 2, axis=-1)
        log_std = tf.clip_by_value(log_std, -8.0, 4.0)
        z = mean + tf.exp(log_std) * tf.random.stateless_normal(tf.shape(mean), seed)
        residual = (x - self.decoder(z)) * tf.exp(-self.log_sigma)
        kl = 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(2 * log_std) - 1.0 - 2 * log_std, -1)
        pixels = float(np.prod(self.config.image))
        return (
            self.weight * tf.reduce_mean(kl) / pixels
            + 0.5 * tf.reduce_mean(tf.square(residual)) + self.log_sigma + 0.5 * LOG_2PI
        )  # fmt: skip

    def fit(
        self,
        train: np.ndarray,
        validation: np.ndarray,
        config: TrainingConfig,
        *,
        checkpoint: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> History:
        """Train in phases; ``config.epochs`` counts those of all, the history is the last's."""
        last = config.epochs - len(self.SHARES)
        if last < 1:
            raise ValueError(f"annealing takes {len(self.SHARES) + 1} epochs or more")
        shares, epochs = (*self.SHARES, 1.0), (*[1] * len(self.SHARES), last)
        for k, (share, length) in enumerate(zip(shares, epochs)):
            self.weight.assign(share * self.config.beta)
            part = checkpoint.with_name(f"{checkpoint.stem}-{k}.npz") if checkpoint else None
            phase = replace(config, epochs=length, seed=config.seed + 1000 * k)
            history = super().fit(train, validation, phase, checkpoint=part, log=log)
        return history
