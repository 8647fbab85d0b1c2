r"""The hot loops of the particle mesh, on one rank's memory.

A mesh has its points at the corners i h of cells of side h. Particles are painted and read with the
cloud in cell (Hockney and Eastwood 1981, section 5-4): weights 1 - d and d at the points below and
above, d the distance from the lower one in cells. The array of a rank may cover a part of the box
only, with a rim around it. Three tables say where a point (i, j, k) of the whole mesh lies in the
flat array: at ``planes[i + BELOW] + rows[j + BELOW] + columns[k + BELOW]``, for indices from -BELOW
to n + ABOVE - 1; they also wrap the box.

All loops go over particles in the order of their lattice, so that neighbours in memory touch
neighbouring cells. The sums in a cell are in that order, whatever the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

Array = NDArray[Any]
Tables = tuple[Array, Array, Array]
Scalar = Any  # a number in the precision of the mesh: a double would slow down its arithmetic

BELOW, ABOVE = 2, 4  # what is read beside the cell of a particle: 2 points below and 3 above;
# one more, since rounding can wrap a position just below zero to n instead of n - 1

# Unsigned indices everywhere, since numba asks of a signed one whether it counts from the end.


@compiled
def _cell(x: float, scale: float, n: int) -> tuple[Any, Any]:
    """Return the point below a position, wrapped into the mesh, and the distance in cells."""
    u = x * scale
    below = np.floor(u)
    return np.int64(below - n * np.floor(below * (1.0 / n))), u - below


@compiled
def paint(x: Array, scale: float, n: int, tables: Tables, low: int, high: int, mesh: Array) -> None:
    """Add particles to a mesh, one unit each.

    Parameters
    ----------
    x : ndarray (particles, 3)
        Positions.
    scale : float
        Cells per unit of length.
    n : int
        Cells along a side of the box.
    tables : tuple of three ndarrays (n + BELOW + ABOVE,), int64
        Where planes, rows and columns begin in the flat array.
    low, high : int
        Only planes that begin there, low <= place < high, are painted: so threads share the mesh.
    mesh : ndarray (points,)
        The flat array, changed in place.
    """
    planes, rows, columns = tables
    for i in range(x.shape[0]):
        a, u = _cell(x[i, 0], scale, n)
        a0, a1 = planes[np.uint64(a + 2)], planes[np.uint64(a + 3)]
        first, second = low <= a0 < high, low <= a1 < high
        if not (first or second):
            continue
        b, v = _cell(x[i, 1], scale, n)
        c, w = _cell(x[i, 2], scale, n)
        b0, b1 = rows[np.uint64(b + 2)], rows[np.uint64(b + 3)]
        c0, c1 = columns[np.uint64(c + 2)], columns[np.uint64(c + 3)]
        s00, s01, s10, s11 = (1 - v) * (1 - w), (1 - v) * w, v * (1 - w), v * w
        if first:
            mesh[np.uint64(a0 + b0 + c0)] += (1 - u) * s00
            mesh[np.uint64(a0 + b0 + c1)] += (1 - u) * s01
            mesh[np.uint64(a0 + b1 + c0)] += (1 - u) * s10
            mesh[np.uint64(a0 + b1 + c1)] += (1 - u) * s11
        if second:
            mesh[np.uint64(a1 + b0 + c0)] += u * s00
            mesh[np.uint64(a1 + b0 + c1)] += u * s01
            mesh[np.uint64(a1 + b1 + c0)] += u * s10
            mesh[np.uint64(a1 + b1 + c1)] += u * s11


@compiled
def _slope(
    mesh: Array,
    table: Array,
    i: int,
    d: float,
    sides: tuple[int, int, int, int],
    shares: tuple[float, float, float, float],
) -> float:
    """Return the slope of a mesh along one axis at a particle, times the cell.

    The 4-point slope (p[-2] - 8 p[-1] + 8 p[1] - p[2]) / 12, read with weights 1 - d and d at the
    points 0 and 1: six points of the axis, on each of the four lines around the particle.
    """
    e = 1 - d
    weights = (e / 12, d / 12 - e * 8 / 12, -d * 8 / 12, e * 8 / 12, d * 8 / 12 - e / 12, -d / 12)
    t0 = t1 = t2 = t3 = 0.0
    for m in range(6):
        start = table[np.uint64(i + m)]
        t0 += weights[m] * mesh[np.uint64(start + sides[0])]
        t1 += weights[m] * mesh[np.uint64(start + sides[1])]
        t2 += weights[m] * mesh[np.uint64(start + sides[2])]
        t3 += weights[m] * mesh[np.uint64(start + sides[3])]
    return shares[0] * t0 + shares[1] * t1 + shares[2] * t2 + shares[3] * t3


@compiled
def add_gradient(
    x: Array,
    scale: float,
    n: int,
    tables: Tables,
    mesh: Array,
    factor: float,
    start: int,
    stop: int,
    out: Array,
) -> None:
    r"""Add a multiple of the gradient of a mesh, read at particles.

    The gradient at a point is the 4-point finite difference, whose transform is FastPM's kernel
    :math:`(8 \sin w - \sin 2w) / 6h`; it is read with the cloud in cell, in one go: 24 points for
    each component.

    Parameters
    ----------
    x, scale, n, tables
        As in `paint`; the tables must be valid for two points below a particle's cell and three
        above.
    mesh : ndarray (points,)
        The flat array, with its rim.
    factor : float
        Of the gradient in units of the inverse cell.
    start, stop : int
        Which particles.
    out : ndarray (particles, 3)
        What the gradient is added to.
    """
    planes, rows, columns = tables
    for i in range(start, stop):
        a, u = _cell(x[i, 0], scale, n)
        b, v = _cell(x[i, 1], scale, n)
        c, w = _cell(x[i, 2], scale, n)
        a0, a1 = planes[np.uint64(a + 2)], planes[np.uint64(a + 3)]
        b0, b1 = rows[np.uint64(b + 2)], rows[np.uint64(b + 3)]
        c0, c1 = columns[np.uint64(c + 2)], columns[np.uint64(c + 3)]
        sides = (b0 + c0, b0 + c1, b1 + c0, b1 + c1)
        shares = ((1 - v) * (1 - w), (1 - v) * w, v * (1 - w), v * w)
        out[i, 0] += factor * _slope(mesh, planes, a, u, sides, shares)
        sides = (a0 + c0, a0 + c1, a1 + c0, a1 + c1)
        shares = ((1 - u) * (1 - w), (1 - u) * w, u * (1 - w), u * w)
        out[i, 1] += factor * _slope(mesh, rows, b, v, sides, shares)
        sides = (a0 + b0, a0 + b1, a1 + b0, a1 + b1)
        shares = ((1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v)
        out[i, 2] += factor * _slope(mesh, columns, c, w, sides, shares)


@compiled
def divide_by_k2(
    kx2: Array, ky2: Array, kz2: Array, factor: Scalar, start: int, stop: int, field: Array
) -> None:
    r"""Multiply a transform by factor / k^2, and its mean by zero.

    Parameters
    ----------
    kx2, ky2, kz2 : ndarrays, one-dimensional
        Squares of the wavenumbers along the axes of `field`, in its precision.
    factor : float
        In that precision.
    start, stop : int
        Which planes.
    field : ndarray (len(kx2), len(ky2), len(kz2)), complex
        Changed in place.
    """
    for i in range(start, stop):
        for j in range(field.shape[1]):
            k2 = kx2[i] + ky2[j]
            for k in range(field.shape[2]):
                field[i, j, k] *= factor / (k2 + kz2[k])
            if k2 == 0 and kz2[0] == 0:
                field[i, j, 0] = 0


@compiled
def band_pass(
    kx2: Array,
    ky2: Array,
    kz2: Array,
    low: Scalar,
    high: Scalar,
    factor: Scalar,
    start: int,
    stop: int,
    field: Array,
) -> None:
    r"""Multiply a transform by factor exp(-low^2 / k^2 - k^4 / high^4) / k^2, its mean by zero.

    The kernel of potential gradient descent (Dai, Feng and Seljak 2018, equations 5-7).

    Parameters
    ----------
    kx2, ky2, kz2, factor, start, stop, field
        As in `divide_by_k2`.
    low, high : float
        Wavenumbers between which the field passes.
    """
    for i in range(start, stop):
        for j in range(field.shape[1]):
            for k in range(field.shape[2]):
                k2 = kx2[i] + ky2[j] + kz2[k]
                if k2 == 0:
                    field[i, j, k] = 0
                else:
                    exponent = low * low / k2 + k2 * k2 / high**4
                    field[i, j, k] *= factor * np.exp(-exponent) / k2
