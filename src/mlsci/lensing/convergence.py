"""Convergence in the Born approximation: the projected mass of a light cone, less its mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft

from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.lightcone import CELLS, depths
from mlsci.lensing.sources import Source, efficiency, farthest
from mlsci.lensing.theory import mean_convergence


def reach(cosmology: Cosmology, sources: Sequence[Source]) -> float:
    """Return the distance in Mpc/h to the farthest of the sources."""
    return float(cosmology.distance(1 / (1 + max(farthest(source) for source in sources))))


def efficiencies(cosmology: Cosmology, sources: Sequence[Source], cells: int = CELLS) -> np.ndarray:
    """Return ``(cells + 1, sources)`` for `LightCone`, which then makes all maps in one pass."""
    chi = depths(reach(cosmology, sources), cells)
    return np.stack([efficiency(cosmology, source, chi) for source in sources], axis=1)


def convergence(
    projected: np.ndarray, cosmology: Cosmology, sources: Sequence[Source]
) -> np.ndarray:
    """Return maps of kappa ``(sources, y, x)`` from the ``(y, x, sources)`` that `LightCone` sums.

    The mean of all matter is subtracted, as theory has it: a field has the mean that its own
    structure gives it, zero over many. The smoothing by the assignment of particles to four pixels
    is undone.
    """
    means = [mean_convergence(cosmology, source) for source in sources]
    kappa = np.moveaxis(projected, 2, 0) - np.array(means)[:, None, None]
    return sharpen(kappa)


def sharpen(maps: np.ndarray) -> np.ndarray:
    """Divide the cloud-in-cell window out of maps ``(..., y, x)``.

    In the cosine transform, which continues a map by its mirror image: a field is not periodic, and
    opposite edges must not be joined. At the smallest scale on an axis the factor is pi^2 / 4.
    Source of the window: Hockney & Eastwood 1981; Jing 2005, arXiv:astro-ph/0409240, eq. 18.
    """
    window = [np.sinc(np.arange(n) / (2 * n)) ** 2 for n in maps.shape[-2:]]
    modes = scipy.fft.dctn(maps, axes=(-2, -1)) / (window[0][:, None] * window[1])
    return scipy.fft.idctn(modes, axes=(-2, -1))
