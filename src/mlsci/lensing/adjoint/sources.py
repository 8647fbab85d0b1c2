"""Derivatives of the lensing kernel: of a light cone's tables, and of the mean convergence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsci.lensing.adjoint.cosmology import Background
from mlsci.lensing.adjoint.lightcone import Tables
from mlsci.lensing.cosmology import HUBBLE_DISTANCE
from mlsci.lensing.lightcone import LightCone
from mlsci.lensing.sources import Source, efficiency, farthest
from mlsci.lensing.theory import _nodes

Array = NDArray[Any]


def light_cone_slopes(background: Background, cone: LightCone, sources: Sequence[float]) -> Tables:
    """Return the derivatives of a light cone's tables, with Omega_m, w0 and wa first.

    Parameters
    ----------
    background : Background
        Derivatives of the light cone's cosmology.
    cone : LightCone
        Of the sources, to the farthest of them.
    sources : sequence of float
        Redshifts.
    """
    cells = len(cone.growth) - 1
    share = np.arange(cells + 1) / cells
    ends = background.distance(1 / (1 + max(sources)))
    change = ends[:, None] * share
    a, da, growth, fall, d_fall = background.depth_tables(share * cone.reach, change)
    spacing = ends / cells
    per_cell = -(d_fall * cone.spacing + fall * spacing[:, None])
    weights = np.empty((3, *cone.weights.shape))
    scale = 1.5 * background.cosmology.omega_m / HUBBLE_DISTANCE**2
    scale /= cone.density * cone.field.pixel**2
    for i, source in enumerate(sources):
        slopes = efficiency_slopes(background, source, share * cone.reach, change)
        weights[..., i] = scale * slopes / a - cone.weights[:, i] * da / a
        weights[0, :, i] += cone.weights[:, i] / background.cosmology.omega_m
    return Tables(np.stack([growth, per_cell], axis=-1), weights, spacing)


def efficiency_slopes(
    background: Background, source: float, distance: Array, change: Array
) -> Array:
    """Return the derivatives of `mlsci.lensing.sources.efficiency` at distances that change.

    Parameters
    ----------
    background : Background
        Derivatives of the cosmology.
    source : float
        The redshift of the sources.
    distance : ndarray (n,)
        In Mpc/h.
    change : ndarray (3, n)
        Derivatives of the distances.
    """
    behind = float(background.cosmology.distance(1 / (1 + source)))
    further = background.distance(1 / (1 + source))[:, None]
    slopes = (distance / behind * further - change) / behind
    return np.where(distance < behind, slopes, 0.0)


def mean_convergence_slopes(background: Background, source: float) -> Array:
    """Return the derivatives (3,) of `mlsci.lensing.theory.mean_convergence`."""
    cosmology = background.cosmology
    end = float(cosmology.distance(1 / (1 + source)))
    chi, step = _nodes(end)
    longer = background.distance(1 / (1 + source))[:, None] / end  # nodes and steps grow with it
    change = chi * longer
    a, da, *_ = background.depth_tables(chi, change)
    scale = 1.5 * cosmology.omega_m / HUBBLE_DISTANCE**2
    q = efficiency(cosmology, source, chi)
    value = scale * chi * q / a * step
    slopes = value * (2 * longer - da / a)
    slopes += scale * chi / a * step * efficiency_slopes(background, source, chi, change)
    slopes[0] += value / cosmology.omega_m
    return np.asarray(slopes.sum(1))


def only_redshifts(sources: Sequence[Source]) -> tuple[float, ...]:
    """Return sources that all have one redshift each.

    Raises
    ------
    ValueError
        For a distribution, whose derivatives are not known here.
    """
    if not all(isinstance(source, float | int) for source in sources):
        raise ValueError(
            "derivatives are known for sources at one redshift, not for distributions: take some "
            "redshifts, and add the maps with weights"
        )
    return tuple(farthest(source) for source in sources)
