r"""Potential gradient descent: what a mesh cannot resolve is put back by a displacement.

Particles are moved by :math:`\alpha` times the force of their own density, which a filter
:math:`\exp(-k_l^2/k^2 - k^4/k_s^4)` restricts to the scales that the mesh and few steps blur, with
:math:`\alpha = \alpha_0 a^\mu` (Dai, Feng and Seljak 2018, arXiv:1804.00671, equations 5-8). The
displaced positions are for looking at, not for going on: the N-body steps never see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .fitted import FITTED  # stages give these numbers as parameters: no source of theirs
from .forces import density
from .mesh import Mesh

Array = NDArray[Any]


@dataclass(frozen=True)
class Sharpening:
    """Parameters of the displacement.

    Attributes
    ----------
    low, high : float
        The wavenumbers k_l and k_s in h/Mpc.
    alpha0, mu : float
        Amplitude today, and its power of the scale factor.
    """

    low: float
    high: float
    alpha0: float
    mu: float

    def amplitude(self, a: float) -> float:
        """Return alpha at a scale factor."""
        return self.alpha0 * a**self.mu


# (scale factors of the run, Mpc/h between particles, force mesh over lattice): published with
# MADLens (Böhm, Feng, Lee and Dai 2021, arXiv:2012.07266), fitted there for these alone
PUBLISHED = {
    (11, 2.0, 2): Sharpening(0.62717527, 1.61288947, 0.01298855, -2.59606026),
    (11, 1.0, 2): Sharpening(0.358152, 6.453695, 0.00302657, -2.30719),
    (40, 1.0, 2): Sharpening(1.747188, 12.49952, 0.002696244, -1.659049),
    (20, 1.0, 1): Sharpening(0.2488, 12.3994, 0.002419, -2.46117),
    (15, 1.0, 1): Sharpening(0.2488, 12.3168, 0.00326087, -2.39052),
    (15, 1.0, 2): Sharpening(0.2206702, 4.0873846, 0.00213305, -2.3615686),
}


def published(stages: int, spacing: float, boost: int) -> Sharpening:
    """Return the published parameters for a configuration.

    Parameters
    ----------
    stages : int
        How often the run takes a force.
    spacing : float
        Distance between particles of the lattice in Mpc/h.
    boost : int
        Cells of the force mesh for each particle along a side.

    Raises
    ------
    LookupError
        If there are none for this configuration.
    """
    return _find(PUBLISHED, stages, spacing, boost)


def fitted(integrator: str, stages: int, spacing: float, boost: int) -> Sharpening:
    """Return parameters fitted to this program's own light cones.

    Where there are none, the leapfrog has the published ones.

    Parameters
    ----------
    integrator : str
        Of `mlsci.lensing.integrators`.
    stages, spacing, boost
        As in `published`, with its errors.
    """
    known = {key: Sharpening(**numbers) for key, numbers in FITTED[integrator].items()}
    if integrator == "leapfrog":
        known = {**PUBLISHED, **known}
    return _find(known, stages, spacing, boost)


def _find(
    table: Mapping[tuple[int, float, int], Sharpening], stages: int, spacing: float, boost: int
) -> Sharpening:
    for (known, distance, factor), parameters in table.items():
        if known == stages and factor == boost and abs(distance - spacing) < 1e-6 * distance:
            return parameters
    there = "; ".join(f"{s} stages, {d:g} Mpc/h, B = {b}" for s, d, b in table)
    raise LookupError(
        f"no sharpening is known for {stages} stages, {spacing:g} Mpc/h and B = {boost}: give "
        f"its parameters, or take one of: {there}"
    )


def displacement(mesh: Mesh, x: Array, sharpening: Sharpening, a: float) -> Array:
    """Return by how much particles are moved.

    Parameters
    ----------
    mesh : Mesh
        The mesh of the force.
    x : ndarray (n, 3)
        Positions of this rank's particles in Mpc/h.
    sharpening : Sharpening
        The parameters.
    a : float
        Scale factor.

    Returns
    -------
    ndarray (n, 3)
        In Mpc/h.
    """
    particles = mesh.comm.allreduce(len(x), MPI.SUM)
    route = mesh.route(x)
    here = route.there(x)
    field = density(mesh, here)
    mesh.band_pass(field, sharpening.low, sharpening.high, -1.0 / particles)
    potential = mesh.backward(field, overwrite=True)
    moved = np.zeros_like(here)
    mesh.add_gradient(potential, here, -sharpening.amplitude(a), moved)
    return route.back(moved)
