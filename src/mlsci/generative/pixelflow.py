"""A normalizing flow on the pixels themselves: affine couplings at two scales (RealNVP).

Source: Dinh et al. 2017, arXiv:1605.08803, without the factored-out scales. Pixels are dequantised
with uniform noise and stretched by a logit (section 4.1 there), so that densities are on the 256
grey levels and ``log_prob`` is a bound on the probability of the 8-bit image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from mlsci.generative.batches import compiled, in_batches
from mlsci.generative.bijectors import Coupling, inverse_and_log_det
from mlsci.generative.images import checked_images
from mlsci.generative.networks import Conv
from mlsci.generative.persistence import config_from_dict, load_module, save_module
from mlsci.generative.training import History, TrainingConfig, fit
from mlsci.generative.transforms import Affine

LOG_2PI = float(np.log(2 * np.pi))
EDGE = 0.05  # of the logit's argument, so that 0 and 1 stay finite


@dataclass(frozen=True)
class PixelFlowConfig:
    """Shape of a `PixelFlow`.

    Attributes
    ----------
    image
        (height, width, colours), height and width multiples of 4.
    couplings
        Number of couplings at a half and at a quarter of the resolution.
    channels
        Hidden channels of the conditioners at each scale.
    seed
        Of the weights and permutations.
    """

    image: tuple[int, ...] = (28, 28, 1)
    couplings: tuple[int, int] = (4, 8)
    channels: tuple[int, int] = (32, 64)
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.image) != 3 or self.image[0] % 4 or self.image[1] % 4:
            raise ValueError(f"height and width must be multiples of 4, got {self.image}: pad them")
        if min(self.couplings) < 2:
            raise ValueError(f"need two couplings a scale or more, got {self.couplings}")


class _Conditioner(tf.Module):
    def __init__(self, rng: np.random.Generator, c_in: int, hidden: int, c_out: int) -> None:
        super().__init__()
        self.first = Conv(rng, c_in, hidden, 3)
        self.second = Conv(rng, hidden, hidden, 1)
        self.third = Conv(rng, hidden, c_out, 3, gain=0.01)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return self.third(tf.nn.relu(self.second(tf.nn.relu(self.first(x)))))


class Unsqueeze(tfb.Bijector):
    """Forward: four channels become 2x2 pixels; ``(n, h, w, 4c) -> (n, 2h, 2w, c)``."""

    def __init__(self) -> None:
        super().__init__(
            forward_min_event_ndims=3,
            dtype=tf.float32,
            is_constant_jacobian=True,
            parameters={},
        )

    def _forward(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.depth_to_space(x, 2)

    def _inverse(self, y: tf.Tensor) -> tf.Tensor:
        return tf.nn.space_to_depth(y, 2)

    def _inverse_log_det_jacobian(self, y: tf.Tensor) -> tf.Tensor:
        return tf.zeros((), y.dtype)

    def _forward_event_shape(self, shape: tf.TensorShape) -> tf.TensorShape:
        h, w, c = shape
        return tf.TensorShape([2 * h, 2 * w, c // 4])

    def _inverse_event_shape(self, shape: tf.TensorShape) -> tf.TensorShape:
        h, w, c = shape
        return tf.TensorShape([h // 2, w // 2, 4 * c])


class PixelFlow(tf.Module):
    """A density on 8-bit images ``(n, height, width, colours)``, given as float32 in [0, 1]."""

    def __init__(self, config: PixelFlowConfig) -> None:
        super().__init__()
        self.config = config
        rng = np.random.default_rng([config.seed, 4])
        height, width, colours = config.image
        self.n_pixels = height * width * colours
        chain: list[tfb.Bijector] = []
        channels = colours
        for count, hidden in zip(config.couplings, config.channels):
            channels *= 4
            chain.append(Unsqueeze())
            for k in range(count):

                def conditioner(c_in: int, c_out: int, hidden: int = hidden) -> tf.Module:
                    return _Conditioner(rng, c_in, hidden, c_out)

                chain.append(
                    Coupling(
                        channels, Affine(limit=1.0), conditioner, flip=bool(k % 2), event_ndims=3
                    )
                )
                if k % 2:
                    chain.append(tfb.Permute(rng.permutation(channels).astype(np.int32)))
        self.bijector = tfb.Chain(chain)
        self._base_shape = (height // 4, width // 4, channels)
        self._log_prob = compiled(self._bound)
        self._forward = compiled(self.bijector.forward)

    def _bound(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return ln p of the grey levels, ``(n,)`` nats, with one draw of dequantising noise."""
        noise = tf.random.stateless_uniform(tf.shape(x), seed)
        unit = (tf.round(x * 255) + noise) / 256
        s = EDGE + (1 - 2 * EDGE) * unit
        y = tf.math.log(s) - tf.math.log1p(-s)
        log_stretch = np.log((1 - 2 * EDGE) / 256) - tf.math.log(s) - tf.math.log1p(-s)
        u, log_det = inverse_and_log_det(self.bijector.bijectors, y, event_ndims=3)
        log_base = -0.5 * tf.reduce_sum(tf.square(u) + LOG_2PI, (1, 2, 3))
        return log_base + log_det + tf.reduce_sum(log_stretch, (1, 2, 3))

    def loss(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return the bits a pixel of a batch."""
        return -tf.reduce_mean(self._bound(x, seed)) / float(self.n_pixels * np.log(2))

    def fit(
        self,
        train: np.ndarray,
        validation: np.ndarray,
        config: TrainingConfig,
        *,
        checkpoint: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> History:
        """Maximise the likelihood of images in [0, 1]; see `mlsci.generative.training.fit`."""
        train, validation = (checked_images(x, self.config.image) for x in (train, validation))
        return fit(
            self.loss, self.trainable_variables, [train], [validation], config,
            checkpoint=checkpoint, log=log,
        )  # fmt: skip

    def log_prob(self, x: np.ndarray, *, seed: int = 0) -> np.ndarray:
        """Return ln p of 8-bit images, ``(n,)`` nats (a bound, up to the dequantising draw)."""
        x = checked_images(x, self.config.image)
        # Each batch has noise of its own.
        starts = range(0, max(1, len(x)), 1000)
        parts = [in_batches(self._log_prob, x[i : i + 1000], [seed, i]) for i in starts]
        return np.concatenate(parts)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return images ``(n, height, width, colours)`` in [0, 1]."""
        rng = np.random.default_rng(seed)
        u = rng.standard_normal((n, *self._base_shape), dtype=np.float32)
        s = tf.sigmoid(in_batches(self._forward, u)).numpy()
        return np.clip((s - EDGE) / (1 - 2 * EDGE), 0, 1)

    def save(self, path: Path) -> None:
        """Write configuration and weights to one .npz file (to a temporary name, then renamed)."""
        save_module(self, asdict(self.config), path)

    @classmethod
    def load(cls, path: Path) -> PixelFlow:
        """Read what `save` wrote; ValueError naming the file if it does not fit."""
        return load_module(lambda values: cls(config_from_dict(PixelFlowConfig, values)), path)
