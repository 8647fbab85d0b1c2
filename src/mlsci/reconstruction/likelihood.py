"""The exact posterior of base variables: ``ln p(u | y) = ln N(y; A g(b(u)), S) + ln N(u; 0, 1)``.

``S = A C A^T + N``: the model's own error C, seen through the corruption, and the data's noise N
add in quadrature (arXiv:1910.10046, eq. 9, where both are white). Everything is whitened:
``w = S^-1/2 y``, so that the likelihood is a sum of squares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from scipy.linalg import cho_solve, solve_triangular

from mlsci.generative.batches import compiled
from mlsci.reconstruction.corruption import Corruption
from mlsci.reconstruction.model import BaseDecoder
from mlsci.reconstruction.residual import Residual

LOG_2PI = float(np.log(2 * np.pi))
Rows = Callable[..., tuple[tf.Tensor, ...]]
ROWS = 4000  # evaluated at once; a linearisation, which is ten times as large, a quarter of them


class Likelihood:
    """Likelihood and prior of one model under one corruption; compiled once, for any data.

    Parameters
    ----------
    model
        What makes images.
    corruption
        What was done to them.
    residual
        The model's own error. A number is white noise of that width in the *data* (as published);
        a `Residual` is an error of the image, and goes through the corruption, which must then be
        linear.

    Raises
    ------
    ValueError
        If the data would be free of noise in some direction, or the parts do not fit.
    """

    def __init__(
        self, model: BaseDecoder, corruption: Corruption, residual: float | Residual
    ) -> None:
        self.model, self.corruption, self.residual = model, corruption, residual
        observed = corruption.observed(model.image)
        variance = corruption.noise_map(model.image)[observed] ** 2
        self._data_shape = observed.shape
        if isinstance(residual, Residual):
            if residual.sigma.shape != tuple(model.image):
                raise ValueError(
                    f"the residual is for images {residual.sigma.shape}, the model makes "
                    f"{model.image}"
                )
            if not corruption.operator.linear:
                raise ValueError(
                    "the model's error cannot be carried through a corruption that is not linear: "
                    "give its width in the data, a number"
                )
            dense = corruption.operator.matrix(model.image)[observed.ravel()]
            signal = dense @ residual.covariance @ dense.T
        else:
            if not (np.isfinite(residual) and residual >= 0):
                raise ValueError(f"the model's error must be finite and >= 0, got {residual}")
            dense, signal = np.zeros((len(variance), 0)), np.diag(residual**2 + 0 * variance)
        total = signal + np.diag(variance)
        carries = np.diag(total) > 0
        if isinstance(residual, Residual):  # zeros that a mask made before another operator
            observed.ravel()[np.flatnonzero(observed.ravel())[~carries]] = False
            dense, total, carries = (
                dense[carries],
                total[np.ix_(carries, carries)],
                carries[carries],
            )
        if not carries.all():
            raise ValueError("data without noise and a model without error: state one of them")
        self._observed = np.flatnonzero(observed.ravel())
        self._dense = dense
        shared = np.zeros((0, len(total)))
        if isinstance(residual, Residual):
            shared = residual.factors.reshape(-1, dense.shape[1]) @ dense.T
        own = total - shared.T @ shared
        self.scale: np.ndarray | None = None
        if np.abs(own - np.diag(np.diag(own))).max() < 1e-12 * np.diag(own).min():
            # Every datum has an error of its own, and k factors are shared: S^-1/2 is then
            # (1 - V h V^T) / scale, and costs 2 k products a datum instead of one for each other.
            self.scale = np.sqrt(np.diag(own))
            _, singular, directions = np.linalg.svd(shared / self.scale, full_matrices=False)
            self._directions = directions.T
            self._shrink = 1 - 1 / np.sqrt(1 + singular**2)
            log_det = 2 * np.log(self.scale).sum() + np.log1p(singular**2).sum()
        else:
            self._whitening = solve_triangular(_cholesky(total), dense, lower=True)
            log_det = np.linalg.slogdet(total)[1]
        self._total = total
        self._readout = self._through_readout()
        self.log_normalisation = -0.5 * float(log_det + self.size * LOG_2PI)
        self._value = compiled(self._value_tensor)
        self._gradient = compiled(self._gradient_tensor)
        self._linear = compiled(self._linear_tensor)
        self._hessian = compiled(self._hessian_tensor)
        self._white = compiled(self.white)

    @property
    def size(self) -> int:
        """Number of data in one datum that carry information."""
        return len(self._observed)

    def _through_readout(self) -> _Reduced | None:
        """Return the corruption of the model's last layer, if both are linear."""
        readout = self.model.readout
        if readout is None or not self.corruption.operator.linear:
            return None
        dense = self._dense
        if dense.shape[1] == 0:
            dense = self.corruption.operator.matrix(self.model.image)[self._observed]
        return _Reduced.of(
            self._whiten(dense @ readout.weights.T), self._whiten(dense @ readout.bias)
        )

    def _whiten(self, y: np.ndarray) -> np.ndarray:
        """Return ``S^-1/2 y`` of seen data ``(size, ...)``."""
        if self.scale is None:
            white: np.ndarray = solve_triangular(_cholesky(self._total), y, lower=True)
            return white
        white = (y.T / self.scale).T
        return white - self._directions @ ((self._directions.T @ white).T * self._shrink).T

    def white(self, u: tf.Tensor) -> tf.Tensor:
        """Return whitened data ``S^-1/2 A g(b(u))`` of ``(n, latent)``, ``(n, size)``.

        Where both the corruption and the last layer of the model are linear, rotated and cut to the
        directions in which the data depend on u at all, and one.
        """
        if self._readout is not None and self.model.readout is not None:
            features = self.model.readout.features(u)
            white = tf.matmul(features, tf.constant(self._readout.matrix, features.dtype))
            return white + tf.constant(self._readout.offset, features.dtype)
        x = self.model.decode(u)
        if self.scale is None:
            flat = tf.reshape(x, (-1, int(np.prod(self.model.image))))
            return tf.matmul(flat, tf.constant(self._whitening.T, x.dtype))
        y = tf.reshape(self.corruption.operator(x), (-1, int(np.prod(self._data_shape))))
        y = tf.gather(y, self._observed, axis=1) / tf.constant(self.scale, x.dtype)
        if len(self._shrink) == 0:
            return y
        along = tf.matmul(y, tf.constant(self._directions * self._shrink, x.dtype))
        return y - tf.matmul(along, tf.constant(self._directions.T, x.dtype))

    def whitened(self, y: np.ndarray) -> np.ndarray:
        """Return ``S^-1/2 y`` of data ``(n, ...)``, ``(n, size)``, in the directions of `white`.

        Raises
        ------
        ValueError
            For another shape, no data, or NaN or infinity where data are observed.
        """
        y = np.asarray(y, np.float64)
        if y.shape[1:] != self._data_shape or len(y) == 0:
            raise ValueError(f"data must be (n, *{self._data_shape}), got {y.shape}")
        seen = y.reshape(len(y), -1)[:, self._observed]
        if not np.isfinite(seen).all():
            raise ValueError("data hold NaN or infinity where they are observed: mask these pixels")
        white = self._whiten(seen.T).T
        if self._readout is not None:
            white = self._readout.rotated(white)
        return white.astype(self.model.dtype)

    # Tensors: rows u (r, d), whitened data (n, size), and which datum a row belongs to, (r,).

    def _misfit(self, u: tf.Tensor, data: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        return self.white(u) - tf.gather(data, row)

    def _value_tensor(self, u: tf.Tensor, data: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        """Return -1/2 |misfit|^2; in double precision, since a thousand pixels are summed."""
        squared = tf.cast(tf.square(self._misfit(u, data, row)), tf.float64)
        return -0.5 * tf.reduce_sum(squared, -1)

    def _gradient_tensor(
        self, u: tf.Tensor, data: tf.Tensor, row: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return -1/2 |misfit|^2 and its gradient."""
        with tf.GradientTape() as tape:
            tape.watch(u)
            value = self._value_tensor(u, data, row)
        return value, tape.gradient(value, u)

    def _linear_tensor(
        self, u: tf.Tensor, data: tf.Tensor, row: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return -1/2 |misfit|^2, its gradient, and ``J^T J``."""
        u = tf.ensure_shape(u, (None, self.model.latent))
        misfit = self._misfit(u, data, row)
        columns = jacobian(self.white, u)
        value = -0.5 * tf.reduce_sum(tf.cast(tf.square(misfit), tf.float64), -1)
        gradient = -tf.einsum("rmd,rm->rd", columns, misfit)
        return value, gradient, tf.matmul(columns, columns, transpose_a=True)

    def _hessian_tensor(self, u: tf.Tensor, data: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        """Return minus the Hessian of -1/2 |misfit|^2, second derivatives of the model included."""
        u = tf.ensure_shape(u, (None, self.model.latent))
        rows = tf.repeat(row, self.model.latent)
        return -jacobian(lambda v: self._gradient_tensor(v, data, rows)[1], u)

    # Arrays: u (n, s, d) for data (n, size).

    def log_likelihood(self, u: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Return ``ln p(y | u)`` of ``(n, s, d)`` for whitened data ``(n, size)``, ``(n, s)``."""
        (value,) = self._grid(lambda *rows: (self._value(*rows),), u, data, ROWS)
        return value + self.log_normalisation

    def log_joint(self, u: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Return ``ln p(y | u) + ln p(u)``, ``(n, s)`` nats."""
        return self.log_likelihood(u, data) + log_prior(u)

    def gradient(self, u: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``ln p(y | u) + ln p(u)`` ``(n, s)`` and its gradient ``(n, s, d)``."""
        value, gradient = self._grid(self._gradient, u, data, ROWS)
        return value + self.log_normalisation + log_prior(u), gradient - u

    def linear_rows(
        self, u: np.ndarray, data: np.ndarray, datum: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return ``-1/2 |misfit|^2``, its gradient, and ``J^T J``.

        Of rows u ``(r, d)``, each with the number of its datum ``(r,)``: some data may have more
        rows than others. ``(r,)``, ``(r, d)`` and ``(r, d, d)``.
        """
        value, gradient, square = self._rows(self._linear, u, data, datum, ROWS // 4)
        return value, gradient, square

    def precision(self, u: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Return minus the exact Hessian of the log posterior, ``(n, s, d, d)``."""
        (square,) = self._grid(lambda *rows: (self._hessian(*rows),), u, data, ROWS // 4)
        return 0.5 * (square + np.swapaxes(square, -1, -2)) + np.eye(self.model.latent)

    def predicted(self, u: np.ndarray) -> np.ndarray:
        """Return whitened data ``(n, size)`` of base vectors ``(n, d)``."""
        u = np.asarray(u, self.model.dtype)
        parts = [self._white(tf.constant(u[i : i + ROWS])) for i in range(0, len(u), ROWS)]
        return np.concatenate([part.numpy() for part in parts])

    def _grid(self, function: Rows, u: np.ndarray, data: np.ndarray, size: int) -> list[np.ndarray]:
        n, s, d = u.shape
        parts = self._rows(function, u.reshape(n * s, d), data, np.repeat(np.arange(n), s), size)
        return [part.reshape(n, s, *part.shape[1:]) for part in parts]

    def _rows(
        self, function: Rows, u: np.ndarray, data: np.ndarray, datum: np.ndarray, size: int
    ) -> list[np.ndarray]:
        u, tensor = np.ascontiguousarray(u, self.model.dtype), tf.constant(data)
        parts = [
            function(tf.constant(u[i : i + size]), tensor, tf.constant(datum[i : i + size]))
            for i in range(0, len(u), size)
        ]
        joined = [np.concatenate([part[k].numpy() for part in parts]) for k in range(len(parts[0]))]
        return [part.astype(np.float64) for part in joined]

    def clean(self, u: np.ndarray, y: np.ndarray, *, seed: int) -> np.ndarray:
        """Draw clean images ``(n, s, *image)`` given base vectors ``(n, s, d)`` and data.

        To the decoded image is added a draw of the model's error: of a `Residual`, given what the
        data say of it, ``N(K (y - A g), C - K A C)``, ``K = C A^T S^-1``; of a number, white noise
        of that width in every pixel.
        """
        expected, error = self.clean_parts(u, y, seed=seed)
        return expected + error

    def clean_parts(
        self, u: np.ndarray, y: np.ndarray, *, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what `clean` adds up: expected clean images, and random errors of mean zero."""
        n, s, d = u.shape
        image = self.model.images(u.reshape(n * s, d)).reshape(n, s, -1)
        shape = (n, s, *self.model.image)
        noise = np.random.default_rng(seed).standard_normal(image.shape, np.float32)
        if not isinstance(self.residual, Residual):
            return image.reshape(shape), np.float32(self.residual) * noise.reshape(shape)
        gain, factor = (part.astype(np.float32) for part in self._conditional())
        seen = np.asarray(y, np.float32).reshape(n, -1)[:, self._observed]
        misfit = seen[:, None] - image @ self._dense.T.astype(np.float32)
        return (image + misfit @ gain.T).reshape(shape), (noise @ factor.T).reshape(shape)

    def _conditional(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the gain K, and a factor of ``C - K A C``."""
        assert isinstance(self.residual, Residual)
        covariance = self.residual.covariance
        across = self._dense @ covariance
        gain = cho_solve((_cholesky(self._total), True), across).T
        left = covariance - gain @ across
        values, vectors = np.linalg.eigh(0.5 * (left + left.T))
        return gain, vectors * np.sqrt(np.clip(values, 0, None))


@dataclass(frozen=True)
class _Reduced:
    """Whitened data ``M h + c`` of features h, in an orthonormal basis of the range of M.

    What lies outside of it is the same for all features: its length is one datum more.
    """

    basis: np.ndarray | None
    constant: np.ndarray
    matrix: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray, constant: np.ndarray) -> _Reduced:
        """Return it for M ``(size, f)`` and c ``(size,)``; as they are if f is not smaller."""
        size, f = matrix.shape
        if size <= f + 1:
            return cls(None, constant, matrix.T, constant)
        basis, triangle = np.linalg.qr(matrix)
        return cls(
            basis, constant, np.pad(triangle.T, ((0, 0), (0, 1))),
            np.append(basis.T @ constant, 0.0),
        )  # fmt: skip

    def rotated(self, white: np.ndarray) -> np.ndarray:
        """Return data ``(n, size)`` in that basis, ``(n, f + 1)``."""
        if self.basis is None:
            return white
        along = white @ self.basis
        left = white - self.constant - (along - self.constant @ self.basis) @ self.basis.T
        return np.column_stack([along, np.linalg.norm(left, axis=1)])


def jacobian(function: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor) -> tf.Tensor:
    """Return ``df/dz`` of every row ``(n, d)``, ``(n, m, d)``, d known.

    Every row is repeated d times, and each copy moved along a coordinate of its own, in forward
    mode: reverse mode taken twice (Townsend 2017, "A new trick for calculating Jacobian vector
    products"). All columns are one pass, so that a graph of it is drawn up ten times as fast as
    column by column.

    Parameters
    ----------
    function
        From ``(d n, d)`` to ``(d n, m)``, row by row; the copies of a row follow each other.
    z
        Where.
    """
    n, d = tf.shape(z)[0], z.shape[1]
    copies = tf.repeat(z, d, axis=0)
    along = tf.tile(tf.eye(d, dtype=z.dtype), (n, 1))
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(copies)
            value = function(copies)
        weights = tf.zeros_like(value)
        outer.watch(weights)
        pulled = inner.gradient(value, copies, weights, tf.UnconnectedGradients.ZERO)
    columns = outer.gradient(pulled, weights, along, tf.UnconnectedGradients.ZERO)
    return tf.transpose(tf.reshape(columns, (n, d, -1)), (0, 2, 1))


def log_prior(u: np.ndarray) -> np.ndarray:
    """Return ``ln N(u; 0, 1)`` summed over the last axis, nats in float64."""
    u = np.asarray(u, np.float64)
    return -0.5 * (u**2).sum(-1) - 0.5 * u.shape[-1] * LOG_2PI


def _cholesky(covariance: np.ndarray) -> np.ndarray:
    smallest = np.linalg.eigvalsh(covariance)[0]
    if smallest < 1e-10 * np.diag(covariance).max():
        raise ValueError(
            "the corruption leaves directions of the data free of noise: state the data's noise "
            "(rounding of pixels is 0.001), or the model's error as a number"
        )
    return np.linalg.cholesky(covariance)
