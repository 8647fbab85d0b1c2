"""Derivatives of what a mesh gives to particles and takes from them, on any number of ranks.

Particles are those routed to this rank, as for `Mesh.paint` and `Mesh.add_gradient`. The exchange
of particles itself only orders them anew: `Route.back` is the inverse of `Route.there` and its
transpose as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsci.lensing.adjoint import kernels
from mlsci.lensing.compiled import share
from mlsci.lensing.mesh import Mesh

Array = NDArray[Any]


def paint_vjp(mesh: Mesh, cotangent: Array, x: Array, factor: float, out: Array) -> None:
    """Add a multiple of the cotangents of painted particles' positions.

    Parameters
    ----------
    mesh : Mesh
        Where particles were painted.
    cotangent : ndarray, this rank's block
        Of the painted mesh.
    x : ndarray (n, 3)
        Positions in Mpc/h.
    factor : float
        By which to multiply.
    out : ndarray (n, 3)
        Changed in place.
    """
    flat, scale = mesh.with_rim(cotangent).reshape(-1), 1 / mesh.cell
    share(
        lambda start, stop: kernels.add_slope(
            x, scale, mesh.cells, mesh.tables, flat, factor * scale, start, stop, out
        ),
        len(x),
        mesh.threads,
    )


def paint_jvp(mesh: Mesh, x: Array, dx: Array) -> Array:
    """Return how what is painted changes as particles move by `dx` (n, 3): this rank's block."""
    padded = np.zeros(mesh.padded, mesh.dtype)
    flat, plane = padded.reshape(-1), mesh.padded[1] * mesh.padded[2]
    share(
        lambda low, high: kernels.paint_moved(
            x, dx, 1 / mesh.cell, mesh.cells, mesh.tables, low * plane, high * plane, flat
        ),
        mesh.padded[0],
        mesh.threads,
    )
    return mesh.without_rim(padded)


def gradient_transpose(mesh: Mesh, x: Array, g: Array) -> Array:
    """Return the transpose of `Mesh.add_gradient`, of factor 1, for vectors `g` (n, 3).

    Returns
    -------
    ndarray, this rank's block
        The cotangent of the field.
    """
    padded = np.zeros(mesh.padded, mesh.dtype)
    flat, plane, scale = padded.reshape(-1), mesh.padded[1] * mesh.padded[2], 1 / mesh.cell
    share(
        lambda low, high: kernels.paint_gradient(
            x, g, scale, mesh.cells, mesh.tables, scale, low * plane, high * plane, flat
        ),
        mesh.padded[0],
        mesh.threads,
    )
    return mesh.without_rim(padded)


def read_gradient(
    mesh: Mesh, field: Array, x: Array, g: Array, transposed: bool,
    factor: float, out: Array, rate: float, change: Array,
) -> float:  # fmt: skip
    """Add a field's gradient at particles, and its change with their positions.

    Parameters
    ----------
    mesh : Mesh
        The mesh of the field.
    field : ndarray, this rank's block
        What is read.
    x : ndarray (n, 3)
        Positions in Mpc/h.
    g : ndarray (n, 3)
        How particles move; or, if `transposed`, cotangents of the gradient.
    transposed : bool
        Whether to add the cotangent of the positions instead of the gradient's change.
    factor, rate : float
        Of the gradient, and of its change.
    out : ndarray (n, 3), or (0, 3) where the gradient is not wanted
    change : ndarray (n, 3)
        Changed in place.

    Returns
    -------
    float
        The inner product of `g` and the gradient, over these particles.
    """
    flat, scale = mesh.with_rim(field).reshape(-1), 1 / mesh.cell
    sums: dict[int, float] = {}

    def part(start: int, stop: int) -> None:
        sums[start] = kernels.read_gradient(
            x, g, transposed, scale, mesh.cells, mesh.tables, flat, start, stop,
            factor, out, rate, change,
        )  # fmt: skip

    share(part, len(x), mesh.threads)
    return sum(sums[start] for start in sorted(sums))
