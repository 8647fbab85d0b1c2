"""What maps tell beyond their spectrum: one-point distribution, moments, peaks."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.ndimage

from mlsci.lensing.lightcone import Field


def smooth(maps: np.ndarray, field: Field, width: float) -> np.ndarray:
    """Return maps ``(..., y, x)`` convolved with a Gaussian of a standard deviation in radians.

    Beyond its edges a map goes on as its mirror image.
    """
    if width < 0:
        raise ValueError("the width of a smoothing must not be negative")
    frequency = np.pi / field.width * np.arange(field.pixels)
    damping = np.exp(-0.5 * (frequency * width) ** 2)
    modes = scipy.fft.dctn(maps, axes=(-2, -1)) * np.outer(damping, damping)
    return scipy.fft.idctn(modes, axes=(-2, -1))


def distribution(
    kappa: np.ndarray, edges: np.ndarray, mask: np.ndarray | None = None
) -> np.ndarray:
    """Return the probability density of a map's values in bins ``(bins,)``.

    Values outside the bins count in the whole, so that the integral is what the bins hold.
    """
    values = kappa[mask > 0] if mask is not None else kappa.ravel()
    counts, _ = np.histogram(values, edges)
    return counts / (len(values) * np.diff(edges))


def moments(kappa: np.ndarray, mask: np.ndarray | None = None) -> tuple[float, float, float]:
    """Return standard deviation, skewness and excess kurtosis of a map's values."""
    values = kappa[mask > 0] if mask is not None else kappa.ravel()
    centred = values - values.mean()
    sigma = float(np.sqrt(np.mean(centred**2)))
    if sigma == 0:
        raise ValueError("a constant map has no moments")
    nu = centred / sigma
    return sigma, float(np.mean(nu**3)), float(np.mean(nu**4) - 3)


def peaks(kappa: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Return the heights, rising, of pixels that stand above their eight neighbours.

    Pixels at the edges, and those with a masked neighbour, are no peaks.
    """
    neighbours = np.ones((3, 3), bool)
    neighbours[1, 1] = False
    highest = scipy.ndimage.maximum_filter(kappa, footprint=neighbours, mode="nearest")
    found = kappa > highest
    if mask is not None:
        found &= scipy.ndimage.minimum_filter(mask > 0, size=3, mode="constant")
    found[[0, -1]] = False
    found[:, [0, -1]] = False
    return np.sort(kappa[found])
