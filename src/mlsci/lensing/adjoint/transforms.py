r"""Inner products of fields, of their coefficients, and of particles, over all ranks.

Of a real field's coefficients only half is stored. Their inner product is that of the whole,
:math:`\langle a, b \rangle = \mathrm{Re} \sum_k a_k^* b_k`, in which a stored mode counts for its
conjugate as well. With it the transpose of `Mesh.forward` is `Mesh.backward`, and that of
`Mesh.backward` is `Mesh.forward`, without any factor; the transpose of a transfer function is its
complex conjugate. Cotangents of coefficients are always those of this product.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from mlsci.lensing.mesh import Mesh

Array = NDArray[Any]


def multiplicity(mesh: Mesh) -> Array:
    """Return how often the modes of this rank's block count, along its last axis: 1 or 2."""
    nyquist = np.pi * mesh.cells / mesh.box
    kz = mesh.k[2]
    alone = (kz == 0) | (np.abs(kz - nyquist) < 1e-9 * nyquist)
    return np.where(alone, 1.0, 2.0)


def products(mesh: Mesh, a: Array, b: Array) -> Array:
    """Return each mode's part of the inner product of coefficients: this rank's block, real."""
    return (a.real * b.real + a.imag * b.imag) * multiplicity(mesh)


def inner(comm: MPI.Comm, a: Array, b: Array) -> float:
    """Return the inner product of real arrays over all ranks."""
    return float(comm.allreduce(float(np.vdot(a, b)), MPI.SUM))
