"""Network blocks as plain `tf.Module`, whose `trainable_variables` finds every trainable variable.

Keras layers inside a TensorFlow Probability bijector can leave it without trainable variables and
without an error; modules cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

Activation = Callable[[tf.Tensor], tf.Tensor]


def _initial(rng: np.random.Generator, shape: Sequence[int], gain: float) -> tf.Tensor:
    """Return normal weights of variance ``2 gain^2 / (fan_in + fan_out)`` (Glorot & Bengio 2010).

    The scale matters beyond the first epochs: a decoder that starts with large weights ends with a
    larger error on new images at the same error on its training images.
    """
    fans = (shape[-1] + shape[-2]) * int(np.prod(shape[:-2]))
    return tf.constant(rng.normal(0.0, gain * np.sqrt(2 / fans), shape), tf.float32)


class Dense(tf.Module):
    """Affine layer ``x @ w + b``, x ``(n, d_in)``."""

    def __init__(self, rng: np.random.Generator, d_in: int, d_out: int, gain: float = 1.0) -> None:
        super().__init__()
        self.w = tf.Variable(_initial(rng, (d_in, d_out), gain))
        self.b = tf.Variable(tf.zeros(d_out))

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Map ``(n, d_in)`` to ``(n, d_out)``."""
        return tf.matmul(x, self.w) + self.b


class MaskedDense(Dense):
    """`Dense` whose weights are multiplied by a fixed binary mask ``(d_in, d_out)``."""

    def __init__(self, rng: np.random.Generator, mask: np.ndarray, gain: float = 1.0) -> None:
        d_in, d_out = mask.shape
        super().__init__(rng, d_in, d_out, gain)
        self._mask = tf.constant(mask, tf.float32)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Map ``(n, d_in)`` to ``(n, d_out)``, through the unmasked weights alone."""
        return tf.matmul(x, self.w * self._mask) + self.b


class Conv(tf.Module):
    """Convolution with SAME padding; x ``(n, h, w, c_in)``."""

    def __init__(
        self,
        rng: np.random.Generator,
        c_in: int,
        c_out: int,
        size: int,
        stride: int = 1,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.w = tf.Variable(_initial(rng, (size, size, c_in, c_out), gain))
        self.b = tf.Variable(tf.zeros(c_out))
        self._stride = stride

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Map ``(n, h, w, c_in)`` to ``(n, ceil(h / stride), ceil(w / stride), c_out)``."""
        return tf.nn.conv2d(x, self.w, self._stride, "SAME") + self.b


class ConvTranspose(tf.Module):
    """Transpose of a strided SAME convolution, to a stated output size."""

    def __init__(
        self,
        rng: np.random.Generator,
        c_in: int,
        shape_out: tuple[int, int, int],
        size: int,
        stride: int,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        c_out = shape_out[-1]
        self.w = tf.Variable(_initial(rng, (size, size, c_out, c_in), gain))
        self.b = tf.Variable(tf.zeros(c_out))
        self._stride, self._shape = stride, shape_out

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Map ``(n, h, w, c_in)`` to ``(n, *shape_out)``, h and w being those over the stride."""
        shape = (tf.shape(x)[0], *self._shape)
        y = tf.nn.conv2d_transpose(x, self.w, shape, self._stride, "SAME")
        return tf.ensure_shape(y, (None, *self._shape)) + self.b


class ResidualConv(tf.Module):
    """Pre-activation residual block of two 3x3 convolutions."""

    def __init__(self, rng: np.random.Generator, channels: int) -> None:
        super().__init__()
        self.first = Conv(rng, channels, channels, 3)
        self.second = Conv(rng, channels, channels, 3)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Map ``(n, h, w, channels)`` to the same shape."""
        return x + self.second(tf.nn.relu(self.first(tf.nn.relu(x))))


class MLP(tf.Module):
    """Perceptron ``d_in -> hidden, ... -> d_out``.

    The last layer starts near zero if `gain_out` is small.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        d_in: int,
        hidden: Sequence[int],
        d_out: int,
        gain_out: float = 1.0,
        activation: Activation = tf.nn.relu,
    ) -> None:
        super().__init__()
        sizes = [d_in, *hidden]
        self.layers = [Dense(rng, a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
        self.last = Dense(rng, sizes[-1], d_out, gain=gain_out)
        self._activation = activation

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Map ``(n, d_in)`` to ``(n, d_out)``."""
        for layer in self.layers:
            x = self._activation(layer(x))
        return self.last(x)


class MADE(tf.Module):
    """Masked auto-encoder for distribution estimation: output ``i`` sees only inputs ``< i``.

    Source: Germain et al. 2015, arXiv:1502.03509, eqs. 12-13, with the hidden degrees assigned in
    turn instead of drawn.
    """

    def __init__(
        self, rng: np.random.Generator, d: int, hidden: Sequence[int], n_params: int
    ) -> None:
        super().__init__()
        degrees = [np.arange(1, d + 1)]
        degrees += [1 + np.arange(h) % max(1, d - 1) for h in hidden]
        masks = [(a[:, None] <= b[None, :]) for a, b in zip(degrees[:-1], degrees[1:], strict=True)]
        out = np.repeat(np.arange(1, d + 1), n_params)
        self.layers = [MaskedDense(rng, mask) for mask in masks]
        self.last = MaskedDense(rng, degrees[-1][:, None] < out[None, :], gain=0.01)
        self._shape = (-1, d, n_params)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Map ``(n, d)`` to parameters ``(n, d, n_params)``."""
        for layer in self.layers:
            x = tf.nn.relu(layer(x))
        return tf.reshape(self.last(x), self._shape)
