"""Images as the models take them: float32 ``(n, height, width, colours)`` in [0, 1]."""

from __future__ import annotations

import numpy as np


def as_images(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 pixels ``(n, h, w)`` as float32 images ``(n, h, w, 1)`` in [0, 1]."""
    return np.asarray(pixels, np.float32)[..., None] / np.float32(255)


def checked_images(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return images as float32.

    Parameters
    ----------
    x
        ``(n, height, width, colours)``; n may be 0.
    shape
        The (height, width, colours) that the model was built for.

    Raises
    ------
    ValueError
        For another shape, NaN or infinity, or pixels outside [0, 1].
    """
    x = np.asarray(x)
    if x.ndim != 4 or x.shape[1:] != tuple(shape):
        raise ValueError(f"images must be (n, *{tuple(shape)}), got {x.shape}")
    x = x.astype(np.float32, copy=False)
    if not np.isfinite(x).all():
        raise ValueError("images hold NaN or infinity: mask or fill these pixels first")
    if x.size and (x.min() < -1e-3 or x.max() > 1 + 1e-3):
        raise ValueError(
            f"pixels must lie in [0, 1], got [{x.min():.3g}, {x.max():.3g}]: divide by the range"
        )
    return x
