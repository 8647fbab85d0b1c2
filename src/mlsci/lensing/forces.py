r"""Gravity of particles on a mesh, with one forward and one inverse transform.

FastPM's force is :math:`-\nabla \nabla^{-2} \delta` with the spectral inverse Laplacian, and the
gradient of its kernel of first order, :math:`(8 \sin w - \sin 2w) / 6h` (Feng et al. 2016). That
kernel is exactly the 4-point finite difference of the potential on the mesh: instead of three
inverse transforms, one of the potential is enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .mesh import Mesh

Array = NDArray[Any]


def density(mesh: Mesh, x: Array) -> Array:
    """Return the coefficients of the density of particles over its mean, times the cells.

    Parameters
    ----------
    mesh : Mesh
        Where they are painted.
    x : ndarray (n, 3)
        Positions of the particles that are in this rank's part of the mesh, in Mpc/h.

    Returns
    -------
    ndarray, this rank's block of the transform of 1 + delta times particles per cell
    """
    return mesh.forward(mesh.paint(x))


def add_force(mesh: Mesh, x: Array, factor: float, p: Array) -> None:
    r"""Add a multiple of the force to momenta.

    Parameters
    ----------
    mesh : Mesh
        The mesh of the force.
    x : ndarray (n, 3)
        Positions of all of this rank's particles in Mpc/h.
    factor : float
        Of the force :math:`-\nabla \nabla^{-2} \delta`, which is in Mpc/h.
    p : ndarray (n, 3)
        Changed in place.
    """
    particles = mesh.comm.allreduce(len(x), MPI.SUM)
    route = mesh.route(x)
    here = route.there(x)
    field = density(mesh, here)
    # the mean of 1 + delta goes with k = 0; -1 / k^2 and two transforms that are not normalized
    mesh.divide_by_k2(field, -1.0 / particles)
    potential = mesh.backward(field, overwrite=True)
    if here is x:
        mesh.add_gradient(potential, x, -factor, p)
        return
    force = np.zeros_like(here)
    mesh.add_gradient(potential, here, -factor, force)
    p += route.back(force)
