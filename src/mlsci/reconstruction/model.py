"""Images as a function of standard normal variables: ``x = g(b(u))``, ``u ~ N(0, 1)``."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mlsci.generative.batches import compiled, in_batches
from mlsci.generative.flows import Flow
from mlsci.reconstruction.decoder import Decoder


@dataclass(frozen=True)
class Readout:
    """The last layer of a decoder, where it is affine: ``x = features(u) weights + bias``.

    Attributes
    ----------
    features
        From tensors ``(n, latent)`` to ``(n, f)``, differentiable.
    weights, bias
        ``(f, pixels)`` and ``(pixels,)``.
    """

    features: Callable[[tf.Tensor], tf.Tensor]
    weights: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class BaseDecoder:
    """A generative model seen from the base of its flow.

    Attributes
    ----------
    latent
        Dimension d of u.
    image
        (height, width, colours).
    decode
        From tensors ``(n, latent)`` to ``(n, *image)``, differentiable: flow and decoder.
    dtype
        Of the tensors.
    readout
        Its last layer, if that is affine: a linear corruption is then applied to the layer, once,
        and not to every image.
    """

    latent: int
    image: tuple[int, ...]
    decode: Callable[[tf.Tensor], tf.Tensor]
    dtype: type = np.float32
    readout: Readout | None = None

    def __post_init__(self) -> None:
        if self.latent < 1 or len(self.image) != 3 or min(self.image) < 1:
            raise ValueError(
                f"need latent >= 1 and an image (height, width, colours), got {self.latent}, "
                f"{self.image}"
            )

    @classmethod
    def of(
        cls, decoder: Callable[[tf.Tensor], tf.Tensor], flow: Flow, image: tuple[int, ...]
    ) -> BaseDecoder:
        """Return the model of a decoder of codes and the trained flow of these codes.

        Raises
        ------
        ValueError
            For a flow whose base is a mixture: the prior of u would not be a standard normal.
        """
        if flow.base.components != 1:
            raise ValueError(
                f"the base of the flow is a mixture of {flow.base.components} Gaussians: train one "
                "with components=1, whose base is the standard normal"
            )

        # A tensor of its own: TensorFlow Probability remembers what it has mapped, and would return
        # the value of an earlier call, through which no gradient flows.
        def codes(u: tf.Tensor) -> tf.Tensor:
            return flow.bijector.forward(tf.identity(u))

        readout = None
        if isinstance(decoder, Decoder):
            last, hidden = decoder.network.last, copy.copy(decoder.network)
            hidden.last = tf.identity
            readout = Readout(lambda u: hidden(codes(u)), last.w.numpy(), last.b.numpy())
        return cls(flow.config.dim, image, lambda u: decoder(codes(u)), readout=readout)

    def images(self, u: np.ndarray) -> np.ndarray:
        """Return the images ``(n, *image)`` of base vectors ``(n, latent)``."""
        u = np.asarray(u, self.dtype)
        if u.ndim != 2 or u.shape[1] != self.latent:
            raise ValueError(f"base vectors must be (n, {self.latent}), got {u.shape}")
        return in_batches(compiled(self.decode), u)
