"""What happened to an image before it became data: ``y = A(x) + n``, ``n ~ N(0, diag(noise^2))``.

Operators A are functions of TensorFlow tensors ``(n, height, width, colours)``; those that are
linear have an adjoint and a matrix. The five corruptions of Boehm, Lanusse & Seljak 2019,
arXiv:1910.10046, are at the end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

Shape = tuple[int, ...]


class Operator(ABC):
    """A differentiable map of images, row by row."""

    linear: bool = True

    @abstractmethod
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Return ``A(x)`` of images ``(n, *image)``, of their dtype."""

    def observed(self, known: np.ndarray) -> np.ndarray:
        """Return which data carry information, for pixels of which some are already hidden.

        Hidden pixels are zeros to what comes after; hence every output of a general operator is
        observed.
        """
        x = tf.zeros((1, *known.shape), tf.float32)
        return np.ones(self(x).shape[1:], bool)

    def adjoint(self, y: np.ndarray, image: Shape) -> np.ndarray:
        """Return ``A^T y`` of data ``(n, ...)``, ``(n, *image)``, for a linear operator."""
        if not self.linear:
            raise ValueError(f"{type(self).__name__} is not linear and has no adjoint")
        y = tf.constant(y)
        x = tf.zeros((y.shape[0], *image), y.dtype)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = self(x)
        return tape.gradient(value, x, y, tf.UnconnectedGradients.ZERO).numpy()

    def matrix(self, image: Shape) -> np.ndarray:
        """Return A as a float64 matrix ``(data, pixels)``, for a linear operator."""
        if not self.linear:
            raise ValueError(f"{type(self).__name__} is not linear and has no matrix")
        size = int(np.prod(image))
        basis = tf.reshape(tf.eye(size, dtype=tf.float64), (size, *image))
        return tf.reshape(self(basis), (size, -1)).numpy().T


class Mask(Operator):
    """Pixels that are seen, and others that are hidden.

    Parameters
    ----------
    seen
        ``(height, width, colours)`` booleans, True where a pixel is seen.
    """

    def __init__(self, seen: np.ndarray) -> None:
        seen = np.asarray(seen)
        if seen.dtype != bool or seen.ndim != 3 or not seen.any():
            raise ValueError(
                f"a mask is (height, width, colours) booleans with a pixel that is seen, got "
                f"{seen.dtype} {seen.shape}"
            )
        self.seen = seen

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Return images with zeros where they are hidden."""
        if tuple(x.shape[1:]) != self.seen.shape:
            raise ValueError(f"the mask is for images {self.seen.shape}, got {tuple(x.shape[1:])}")
        return x * tf.constant(self.seen, x.dtype)

    def observed(self, known: np.ndarray) -> np.ndarray:
        """Return the pixels that are seen through this mask and those before."""
        if known.shape != self.seen.shape:
            raise ValueError(f"the mask is for images {self.seen.shape}, got {known.shape}")
        return known & self.seen


class GaussianBlur(Operator):
    """Convolution with a normalised Gaussian, black beyond the edges.

    Parameters
    ----------
    size
        Odd width of the square kernel, in pixels.
    std
        Standard deviation, in pixels.
    """

    def __init__(self, size: int = 11, std: float = 3.0) -> None:
        if size < 1 or size % 2 == 0 or not std > 0:
            raise ValueError(f"a kernel needs an odd size and std > 0, got {size}, {std}")
        offsets = np.arange(size) - size // 2
        kernel = np.exp(-0.5 * (offsets / std) ** 2)
        self.kernel = kernel / kernel.sum()

    def _along(self, length: int) -> np.ndarray:
        reach = len(self.kernel) // 2
        rows = [np.pad(np.eye(length)[i], reach) for i in range(length)]
        return np.stack([np.convolve(row, self.kernel, "valid") for row in rows])

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Return blurred images of the same shape."""
        rows, columns = (tf.constant(self._along(n), x.dtype) for n in x.shape[1:3])
        return tf.einsum("ij,njkc,lk->nilc", rows, x, columns)


class Downsample(Operator):
    """Means of square blocks of pixels.

    Parameters
    ----------
    factor
        Side of a block; divides height and width.
    """

    def __init__(self, factor: int) -> None:
        if factor < 1:
            raise ValueError(f"cannot average blocks of {factor} pixels: use a factor >= 1")
        self.factor = factor

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Return images ``(n, height / factor, width / factor, colours)``."""
        h, w, c = x.shape[1:]
        f = self.factor
        if h % f or w % f:
            raise ValueError(f"blocks of {f} pixels do not divide images of {h} x {w}")
        return tf.reduce_mean(tf.reshape(x, (-1, h // f, f, w // f, f, c)), (2, 4))


class Differentiable(Operator):
    """A function of the user's own.

    Parameters
    ----------
    function
        Of tensors ``(n, *image)``, made of TensorFlow operations, row by row.
    linear
        Whether it is linear; then it has an adjoint, and the model's error is propagated.
    """

    def __init__(self, function: Callable[[tf.Tensor], tf.Tensor], *, linear: bool = False) -> None:
        self._function, self.linear = function, linear

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Return the function's value."""
        return self._function(x)


class Compose(Operator):
    """One operator after another, the first one first; of none, the identity."""

    def __init__(self, *operators: Operator) -> None:
        self.operators = operators
        self.linear = all(operator.linear for operator in operators)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Return the value of the last operator."""
        for operator in self.operators:
            x = operator(x)
        return x

    def observed(self, known: np.ndarray) -> np.ndarray:
        """Return which data carry information after the last operator."""
        for operator in self.operators:
            known = operator.observed(known)
        return known


@dataclass(frozen=True)
class Corruption:
    """An operator, and the noise of the data.

    Attributes
    ----------
    operator
        A.
    noise
        Standard deviation of the data's Gaussian noise, in units of the pixels: one number, or an
        array of the shape of one datum; 0 for none.
    """

    operator: Operator
    noise: float | np.ndarray = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.noise).all() or np.min(self.noise) < 0:
            raise ValueError("the noise must be finite and not negative in every pixel")

    def observed(self, image: Shape) -> np.ndarray:
        """Return which data carry information, booleans of the shape of one datum."""
        return self.operator.observed(np.ones(image, bool))

    def noise_map(self, image: Shape) -> np.ndarray:
        """Return the noise of each datum, float64 of the shape of one datum."""
        shape = self.observed(image).shape
        noise = np.asarray(self.noise, np.float64)
        if noise.ndim and noise.shape != shape:
            raise ValueError(f"the noise map must be {shape}, as the data are, got {noise.shape}")
        return np.broadcast_to(noise, shape)

    def apply(self, x: np.ndarray, *, seed: int) -> np.ndarray:
        """Corrupt clean images ``(n, *image)``; data that carry no information are zero."""
        x = np.asarray(x)
        y = self.operator(tf.constant(x)).numpy()
        noise = self.noise_map(x.shape[1:])
        drawn = y + noise * np.random.default_rng(seed).standard_normal(y.shape)
        return np.where(self.observed(x.shape[1:]), drawn, 0).astype(y.dtype)


def columns_hidden(image: Shape, first: int, last: int) -> Mask:
    """Return a mask that hides columns `first` to `last`, both included."""
    if not 0 <= first <= last < image[1]:
        raise ValueError(f"columns {first} to {last} are not within images {image}")
    seen = np.ones(image, bool)
    seen[:, first : last + 1] = False
    return Mask(seen)


def sparse(image: Shape, hidden: float, *, seed: int) -> Mask:
    """Return a mask that hides a random share of the pixels, all colours of a pixel together."""
    if not 0 <= hidden < 1:
        raise ValueError(f"the hidden share must be in [0, 1), got {hidden}")
    n = image[0] * image[1]
    kept = np.random.default_rng(seed).permutation(n) >= round(hidden * n)
    return Mask(np.broadcast_to(kept.reshape(image[0], image[1], 1), image).copy())


def published(image: Shape = (28, 28, 1), *, seed: int = 0) -> dict[str, Corruption]:
    """Return the five corruptions of arXiv:1910.10046, section 4, by name.

    The columns that are hidden are those of its figures; `seed` draws the sparse mask.
    """
    return {
        "solid mask": Corruption(columns_hidden(image, 10, 23)),
        "sparse mask": Corruption(sparse(image, 0.95, seed=seed)),
        "noise": Corruption(Compose(), 0.5),
        "mask and noise": Corruption(columns_hidden(image, 14, 27), 0.5),
        "blur": Corruption(GaussianBlur(11, 3.0)),
    }
