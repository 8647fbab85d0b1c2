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

from .compiled import compiled, inlined

Array = NDArray[Any]
Tables = tuple[Array, Array, Array]
Scalar = Any  # a number in the precision of the mesh: a double would slow down its arithmetic

BELOW, ABOVE = 2, 4  # what is read beside the cell of a particle: 2 points below and 3 above;
# one more, since rounding can wrap a position just below zero to n instead of n - 1

# Unsigned indices everywhere, since numba asks of a signed one whether it counts from the end.
_1, _2, _3, _4, _5 = (np.uint64(i) for i in range(1, 6))


@inlined
def cell(x: float, scale: float, n: int) -> tuple[Any, Any]:
    """Return the point below a position, wrapped into the mesh, and the distance in cells."""
    u = x * scale
    below = np.floor(u)
    return np.uint64(np.int64(below - n * np.floor(below * (1.0 / n)))), u - below


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
    tables : tuple of three ndarrays (n + BELOW + ABOVE,), uint64
        Where planes, rows and columns begin in the flat array.
    low, high : int
        Only planes that begin there, low <= place < high, are painted: so threads share the mesh.
    mesh : ndarray (points,)
        The flat array, changed in place.
    """
    planes, rows, columns = tables
    for i in range(x.shape[0]):
        a, u = cell(x[i, 0], scale, n)
        a0, a1 = planes[a + _2], planes[a + _3]
        first, second = low <= a0 < high, low <= a1 < high
        if not (first or second):
            continue
        b, v = cell(x[i, 1], scale, n)
        c, w = cell(x[i, 2], scale, n)
        b0, b1 = rows[b + _2], rows[b + _3]
        c0, c1 = columns[c + _2], columns[c + _3]
        s00, s01, s10, s11 = (1 - v) * (1 - w), (1 - v) * w, v * (1 - w), v * w
        if first:
            mesh[a0 + b0 + c0] += (1 - u) * s00
            mesh[a0 + b0 + c1] += (1 - u) * s01
            mesh[a0 + b1 + c0] += (1 - u) * s10
            mesh[a0 + b1 + c1] += (1 - u) * s11
        if second:
            mesh[a1 + b0 + c0] += u * s00
            mesh[a1 + b0 + c1] += u * s01
            mesh[a1 + b1 + c0] += u * s10
            mesh[a1 + b1 + c1] += u * s11


@inlined
def _weights(d: Scalar, e: Scalar, mesh: Array) -> tuple[Scalar, ...]:
    """Return the weights, at the points -2, …, 3 of an axis, of the interpolated 4-point slope.

    The slope (p[-2] - 8 p[-1] + 8 p[1] - p[2]) / 12, with weights e = 1 - d and d at the points 0
    and 1.
    """
    near, far = mesh.dtype.type(2 / 3), mesh.dtype.type(1 / 12)
    return e * far, d * far - e * near, -d * near, e * near, d * near - e * far, -d * far


@inlined
def _along(mesh: Array, side: int, table: Array, i: int, w: tuple[Scalar, ...]) -> Scalar:
    """Return the sum over the six points of a line through the mesh."""
    return (
        w[0] * mesh[side + table[i]]
        + w[1] * mesh[side + table[i + _1]]
        + w[2] * mesh[side + table[i + _2]]
        + w[3] * mesh[side + table[i + _3]]
        + w[4] * mesh[side + table[i + _4]]
        + w[5] * mesh[side + table[i + _5]]
    )


@inlined
def _in_a_row(mesh: Array, start: int, w: tuple[Scalar, ...]) -> Scalar:
    """Return the sum over six points that are neighbours in memory."""
    return (
        w[0] * mesh[start]
        + w[1] * mesh[start + _1]
        + w[2] * mesh[start + _2]
        + w[3] * mesh[start + _3]
        + w[4] * mesh[start + _4]
        + w[5] * mesh[start + _5]
    )


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
    each component. Its arithmetic is in the precision of the mesh.

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
    real = mesh.dtype.type
    for i in range(start, stop):
        a, distance = cell(x[i, 0], scale, n)
        u, below_u = real(distance), real(1 - distance)
        b, distance = cell(x[i, 1], scale, n)
        v, below_v = real(distance), real(1 - distance)
        c, distance = cell(x[i, 2], scale, n)
        w, below_w = real(distance), real(1 - distance)
        a0, a1 = planes[a + _2], planes[a + _3]
        b0, b1 = rows[b + _2], rows[b + _3]
        c0, c1 = columns[c + _2], columns[c + _3]

        six = _weights(u, below_u, mesh)
        slope = below_v * below_w * _along(mesh, b0 + c0, planes, a, six)
        slope += below_v * w * _along(mesh, b0 + c1, planes, a, six)
        slope += v * below_w * _along(mesh, b1 + c0, planes, a, six)
        slope += v * w * _along(mesh, b1 + c1, planes, a, six)
        out[i, 0] += factor * slope

        six = _weights(v, below_v, mesh)
        slope = below_u * below_w * _along(mesh, a0 + c0, rows, b, six)
        slope += below_u * w * _along(mesh, a0 + c1, rows, b, six)
        slope += u * below_w * _along(mesh, a1 + c0, rows, b, six)
        slope += u * w * _along(mesh, a1 + c1, rows, b, six)
        out[i, 1] += factor * slope

        six = _weights(w, below_w, mesh)
        first = columns[c]
        if columns[c + _5] == first + _5:  # not across the edge of the box
            slope = below_u * below_v * _in_a_row(mesh, a0 + b0 + first, six)
            slope += below_u * v * _in_a_row(mesh, a0 + b1 + first, six)
            slope += u * below_v * _in_a_row(mesh, a1 + b0 + first, six)
            slope += u * v * _in_a_row(mesh, a1 + b1 + first, six)
        else:
            slope = below_u * below_v * _along(mesh, a0 + b0, columns, c, six)
            slope += below_u * v * _along(mesh, a0 + b1, columns, c, six)
            slope += u * below_v * _along(mesh, a1 + b0, columns, c, six)
            slope += u * v * _along(mesh, a1 + b1, columns, c, six)
        out[i, 2] += factor * slope


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
