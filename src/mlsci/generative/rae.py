"""Regularised auto-encoders: a deterministic auto-encoder with a penalty on codes and decoder.

``L = |x - g(z)|^2 + w_z |z|^2 + w_g |dg/dz|^2`` (RAE-GP), or spectrally normalised layers in place
of the last term (RAE-SN). Their density of codes is fitted afterwards, a Gaussian mixture in the
paper. Source: Ghosh et al. 2020, arXiv:1903.12436.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig

STEP = 1e-2  # of the difference quotient, in units of a code


@dataclass(frozen=True)
class RAEConfig(AutoEncoderConfig):
    """Shape and penalties of a `RegularisedAutoEncoder`.

    Attributes
    ----------
    latent_weight
        ``w_z``, in units of the squared error summed over pixels.
    gradient_weight
        ``w_g``, likewise; 0 for none.
    spectral
        Whether the decoder's layers are divided by their largest singular value.
    """

    latent_weight: float = 1e-3
    gradient_weight: float = 0.0
    spectral: bool = False


class RegularisedAutoEncoder(AutoEncoder):
    """An `AutoEncoder` with the penalties of its configuration."""

    config: RAEConfig
    config_type = RAEConfig

    def __init__(self, config: RAEConfig) -> None:
        super().__init__(config)
        if config.spectral:
            plain, norms = self.decoder, _SpectralNorms(self.decoder)

            def normalised(z: tf.Tensor) -> tf.Tensor:
                with norms:
                    return plain(z)

            self._decoder_call = normalised
        else:
            self._decoder_call = self.decoder
        self._decode = tf.function(self._decoder_call, reduce_retracing=True, autograph=False)

    def loss(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return the penalised squared error of a batch, a pixel."""
        z = self.encoder(x)
        image = self._decoder_call(z)
        value = tf.reduce_mean(tf.square(image - x))
        c, pixels = self.config, float(np.prod(self.config.image))
        value += c.latent_weight * tf.reduce_mean(tf.reduce_sum(tf.square(z), -1)) / pixels
        if c.gradient_weight:
            # |J e|^2 has the mean |J|^2 for e of unit variance (Hutchinson 1989).
            direction = tf.random.stateless_normal(tf.shape(z), seed)
            change = (self._decoder_call(z + STEP * direction) - image) / STEP
            value += c.gradient_weight * tf.reduce_mean(tf.square(change))
        return value


class _SpectralNorms:
    """Within a `with` block, a module's matrices and kernels have a largest singular value of 1.

    A kernel ``(h, w, a, b)`` is taken as the matrix ``(h w a, b)`` (Miyato et al. 2018,
    arXiv:1802.05957); the value is exact, from the smaller Gram matrix.
    """

    def __init__(self, module: tf.Module) -> None:
        self._layers = [
            m for m in module.submodules if isinstance(getattr(m, "w", None), tf.Variable)
        ]
        self._weights = [layer.w for layer in self._layers]

    def __enter__(self) -> None:
        for layer, w in zip(self._layers, self._weights, strict=True):
            matrix = tf.reshape(w, (-1, w.shape[-1]))
            tall = matrix.shape[0] > matrix.shape[1]
            gram = tf.matmul(matrix, matrix, transpose_a=tall, transpose_b=not tall)
            object.__setattr__(layer, "w", w / tf.sqrt(tf.linalg.eigvalsh(gram)[-1]))

    def __exit__(self, *exception: object) -> None:
        for layer, w in zip(self._layers, self._weights, strict=True):
            object.__setattr__(layer, "w", w)
