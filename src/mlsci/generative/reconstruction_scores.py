"""What "the reconstruction" can mean as an outlier score.

All are minus a distance of an image from its reconstruction, so higher is more typical, and all
are called reconstruction error; they order foreign images differently.
"""

from __future__ import annotations

import numpy as np


def reconstruction_scores(
    x: np.ndarray, reconstruction: np.ndarray, sigma: np.ndarray
) -> dict[str, np.ndarray]:
    """Return scores ``(n,)`` by name.

    Parameters
    ----------
    x, reconstruction
        Images ``(n, ...)`` in [0, 1], and what an auto-encoder makes of them.
    sigma
        Width of each pixel about its reconstruction, of the shape of one image, measured on images
        that no network was trained on.

    Returns
    -------
    dict
        "squared error"; "absolute error"; "squared error over widths", the likelihood of
        independent pixels; "squared error over power", relative to the image's own sum of
        squares, so that an image with much ink may err more.
    """
    if x.shape != reconstruction.shape or x.shape[1:] != sigma.shape:
        raise ValueError(f"shapes differ: {x.shape}, {reconstruction.shape}, pixels {sigma.shape}")
    residual = x.astype(np.float64) - reconstruction
    pixels = tuple(range(1, x.ndim))
    squared = np.square(residual).sum(pixels)
    power = np.square(x, dtype=np.float64).sum(pixels)
    return {
        "squared error": -squared,
        "absolute error": -np.abs(residual).sum(pixels),
        "squared error over widths": -np.square(residual / sigma).sum(pixels),
        "squared error over power": -squared / np.maximum(power, 1e-12),
    }
