"""Reconstructions without a network: Wiener's filter, total variation, the nearest known image."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from scipy.linalg import cho_factor, cho_solve

from mlsci.reconstruction.corruption import Corruption, Shape


class Wiener:
    """The posterior of images under a Gaussian prior: the best linear reconstruction.

    ``E[x | y] = m + P A^T (A P A^T + N)^-1 (y - A m)``, m and P the mean and covariance of known
    images. Source: Rybicki & Press 1992, ApJ 398, 169, section 2.

    Parameters
    ----------
    images
        ``(n, *image)``, clean.
    shrinkage
        Variance that is added to every pixel, as a share of the mean variance: pixels that are
        black in all known images are not taken to be black for certain.
    """

    def __init__(self, images: np.ndarray, *, shrinkage: float = 1e-3) -> None:
        flat = np.asarray(images, np.float32).reshape(len(images), -1)
        if len(flat) < 2 or not np.isfinite(flat).all():
            raise ValueError("a covariance needs two images or more, without NaN or infinity")
        self.image = images.shape[1:]
        self.mean = flat.mean(0, dtype=np.float64)
        centred = flat - self.mean.astype(np.float32)
        covariance = (centred.T @ centred).astype(np.float64) / (len(flat) - 1)
        floor = shrinkage * np.trace(covariance) / len(covariance)
        self.covariance = covariance + floor * np.eye(len(covariance))

    def __call__(self, y: np.ndarray, corruption: Corruption) -> tuple[np.ndarray, np.ndarray]:
        """Return mean ``(n, *image)`` and standard deviation ``image`` of the clean pixels."""
        observed = corruption.observed(self.image)
        a = corruption.operator.matrix(self.image)[observed.ravel()]
        noise = corruption.noise_map(self.image)[observed] ** 2
        across = a @ self.covariance
        factor = cho_factor(across @ a.T + np.diag(noise), lower=True)
        misfit = np.asarray(y, np.float64).reshape(len(y), -1)[:, observed.ravel()] - a @ self.mean
        mean = self.mean + cho_solve(factor, misfit.T).T @ across
        variance = np.diag(self.covariance) - np.einsum(
            "ij,ij->j", across, cho_solve(factor, across)
        )
        return mean.reshape(-1, *self.image), np.sqrt(np.clip(variance, 0, None)).reshape(
            self.image
        )


def total_variation(
    y: np.ndarray, corruption: Corruption, image: Shape, *, weight: float, steps: int = 300
) -> np.ndarray:
    """Return the images ``(n, *image)`` that minimise ``1/2 |A x - y|^2 + weight TV(x)``.

    Rudin, Osher & Fatemi 1992, Physica D 60, 259, with isotropic total variation and any linear
    A; solved by the primal-dual method of Chambolle & Pock 2011, J. Math. Imaging Vis. 40, 120,
    algorithm 1, both terms dual.

    Parameters
    ----------
    y
        Data ``(n, ...)``.
    corruption
        Its operator is A; its noise plays no part but through `weight`.
    image
        (height, width, colours).
    weight
        Of the total variation.
    steps
        Of the method.
    """
    observed = corruption.observed(image).ravel()
    a = corruption.operator.matrix(image)[observed].astype(np.float32)
    data = np.asarray(y, np.float32).reshape(len(y), -1)[:, observed]
    size = 1 / np.sqrt(8 + np.linalg.norm(a, 2) ** 2)  # of a step: the operators' norms squared
    x = (data @ a).reshape(-1, *image)
    ahead, slope, misfit = x, np.zeros((2, *x.shape), np.float32), np.zeros_like(data)
    for _ in range(steps):
        slope = slope + size * _slopes(ahead)
        slope /= np.maximum(1, np.sqrt((slope**2).sum(0)) / weight)
        misfit = (misfit + size * (ahead.reshape(len(y), -1) @ a.T - data)) / (1 + size)
        new = x - size * ((misfit @ a).reshape(x.shape) - _divergence(slope))
        ahead, x = 2 * new - x, new
    return x


def _slopes(x: np.ndarray) -> np.ndarray:
    """Return differences to the next row and column, ``(2, n, *image)``, zero at the edge."""
    slope = np.zeros((2, *x.shape), x.dtype)
    slope[0, :, :-1] = np.diff(x, axis=1)
    slope[1, :, :, :-1] = np.diff(x, axis=2)
    return slope


def _divergence(slope: np.ndarray) -> np.ndarray:
    """Return minus the adjoint of `_slopes`."""
    down, right = slope[0, :, :-1], slope[1, :, :, :-1]
    x = np.zeros_like(slope[0])
    x[:, :-1] += down
    x[:, 1:] -= down
    x[:, :, :-1] += right
    x[:, :, 1:] -= right
    return x


def nearest(y: np.ndarray, corruption: Corruption, images: np.ndarray) -> np.ndarray:
    """Return the known image whose corrupted version is nearest to each datum, ``(n, *image)``.

    Parameters
    ----------
    y
        Data ``(n, ...)``.
    corruption
        Whose noise weights the data.
    images
        Known ones, ``(m, *image)``.
    """
    observed = corruption.observed(images.shape[1:]).ravel()
    width = corruption.noise_map(images.shape[1:]).ravel()[observed]
    weight = 1 / width if (width > 0).all() else np.ones(len(width))
    known = [
        corruption.operator(tf.constant(images[i : i + 5000], tf.float32)).numpy()
        for i in range(0, len(images), 5000)
    ]
    flat = np.concatenate([k.reshape(len(k), -1)[:, observed] for k in known]) * weight
    data = np.asarray(y).reshape(len(y), -1)[:, observed] * weight
    cross = data.astype(np.float32) @ flat.T.astype(np.float32)
    return images[(0.5 * np.square(flat).sum(1) - cross).argmin(1)]
