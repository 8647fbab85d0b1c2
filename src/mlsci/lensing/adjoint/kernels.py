r"""Hot loops of the derivatives: transposes and tangents of those in `mlsci.lensing.kernels`.

What a particle takes from a mesh, and gives to it, depends on its place through the weights of the
cloud in cell, which are linear between mesh points. So derivatives exist but where a particle sits
on a plane of mesh points: almost everywhere, and there they are exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsci.lensing.compiled import compiled, inlined
from mlsci.lensing.kernels import Scalar, Tables, _1, _2, _3, _4, _5, _along, _weights, cell

Array = NDArray[Any]


@inlined
def _around(
    x: Array, i: int, scale: float, n: int, mesh: Array
) -> tuple[tuple[Any, ...], tuple[Scalar, ...], tuple[Scalar, ...]]:
    """Return the point below a particle, and the distances from it and to the one above.

    The distances in cells and in the precision of the mesh, as the weights of that arithmetic are.
    """
    real = mesh.dtype.type
    a, u = cell(x[i, 0], scale, n)
    b, v = cell(x[i, 1], scale, n)
    c, w = cell(x[i, 2], scale, n)
    above = real(1 - u), real(1 - v), real(1 - w)
    return (a, b, c), (real(u), real(v), real(w)), above


@inlined
def _slopes(mesh: Array) -> tuple[Scalar, ...]:
    """Return how the weights of `_weights` change with the distance d from the lower point."""
    near, far = mesh.dtype.type(2 / 3), mesh.dtype.type(1 / 12)
    return -far, far + near, -near, -near, near + far, -far


@inlined
def _lines(
    mesh: Array, sides: tuple[Any, ...], table: Array, i: int, d: Scalar, e: Scalar,
    low: tuple[Scalar, Scalar], high: tuple[Scalar, Scalar],
) -> tuple[Scalar, Scalar, Scalar, Scalar]:  # fmt: skip
    """Return a component of the gradient, and how it changes along its own and the other two axes.

    `sides` are the places of the four lines along the component's axis, for the lower and upper
    points of the other two, with weights `low` and `high`.
    """
    six, change = _weights(d, e, mesh), _slopes(mesh)
    (v0, w0), (v1, w1) = low, high
    a00, a01 = _along(mesh, sides[0], table, i, six), _along(mesh, sides[1], table, i, six)
    a10, a11 = _along(mesh, sides[2], table, i, six), _along(mesh, sides[3], table, i, six)
    own = v0 * w0 * _along(mesh, sides[0], table, i, change)
    own += v0 * w1 * _along(mesh, sides[1], table, i, change)
    own += v1 * w0 * _along(mesh, sides[2], table, i, change)
    own += v1 * w1 * _along(mesh, sides[3], table, i, change)
    value = v0 * (w0 * a00 + w1 * a01) + v1 * (w0 * a10 + w1 * a11)
    first = w0 * (a10 - a00) + w1 * (a11 - a01)
    second = v0 * (a01 - a00) + v1 * (a11 - a10)
    return value, own, first, second


@compiled
def read_gradient(
    x: Array, g: Array, transposed: bool, scale: float, n: int, tables: Tables, mesh: Array,
    start: int, stop: int, factor: float, out: Array, rate: float, change: Array,
) -> float:  # fmt: skip
    r"""Add the gradient of a mesh at particles, and its change with their places.

    With the gradient G(x) that `mlsci.lensing.kernels.add_gradient` reads, `out` grows by
    factor G, and `change` by rate times :math:`\sum_b g_b \partial G_a / \partial x_b`, or, if
    `transposed`, by rate times :math:`\sum_b g_b \partial G_b / \partial x_a`.

    Parameters
    ----------
    x, scale, n, tables, mesh, start, stop
        As in `mlsci.lensing.kernels.add_gradient`.
    g : ndarray (particles, 3)
        Displacements, or cotangents of the gradients if `transposed`.
    transposed : bool
        Which of the two sums.
    factor, rate : float
        Of the gradient per length, and of its change.
    out : ndarray (particles, 3), or (0, 3) where the gradient is not wanted
    change : ndarray (particles, 3)
        Changed in place.

    Returns
    -------
    float
        The sum of g G over these particles.
    """
    planes, rows, columns = tables
    wanted, total = len(out) > 0, 0.0
    for i in range(start, stop):
        (a, b, c), (u, v, w), (e_u, e_v, e_w) = _around(x, i, scale, n, mesh)
        a0, a1 = planes[a + _2], planes[a + _3]
        b0, b1 = rows[b + _2], rows[b + _3]
        c0, c1 = columns[c + _2], columns[c + _3]
        sides = (b0 + c0, b0 + c1, b1 + c0, b1 + c1)
        fx, xx, xy, xz = _lines(mesh, sides, planes, a, u, e_u, (e_v, e_w), (v, w))
        sides = (a0 + c0, a0 + c1, a1 + c0, a1 + c1)
        fy, yy, yx, yz = _lines(mesh, sides, rows, b, v, e_v, (e_u, e_w), (u, w))
        sides = (a0 + b0, a0 + b1, a1 + b0, a1 + b1)
        fz, zz, zx, zy = _lines(mesh, sides, columns, c, w, e_w, (e_u, e_v), (u, v))
        if wanted:
            out[i, 0] += factor * scale * fx
            out[i, 1] += factor * scale * fy
            out[i, 2] += factor * scale * fz
        size = rate * scale * scale
        gx, gy, gz = g[i, 0], g[i, 1], g[i, 2]
        total += scale * (gx * fx + gy * fy + gz * fz)
        if transposed:
            change[i, 0] += size * (gx * xx + gy * yx + gz * zx)
            change[i, 1] += size * (gx * xy + gy * yy + gz * zy)
            change[i, 2] += size * (gx * xz + gy * yz + gz * zz)
        else:
            change[i, 0] += size * (gx * xx + gy * xy + gz * xz)
            change[i, 1] += size * (gx * yx + gy * yy + gz * yz)
            change[i, 2] += size * (gx * zx + gy * zy + gz * zz)
    return total


@inlined
def _onto_line(
    mesh: Array, side: int, table: Array, i: int, w: tuple[Scalar, ...], value: Scalar
) -> None:
    """Add a value to the six points of a line through the mesh."""
    mesh[side + table[i]] += value * w[0]
    mesh[side + table[i + _1]] += value * w[1]
    mesh[side + table[i + _2]] += value * w[2]
    mesh[side + table[i + _3]] += value * w[3]
    mesh[side + table[i + _4]] += value * w[4]
    mesh[side + table[i + _5]] += value * w[5]


@inlined
def _onto_square(
    mesh: Array, places: tuple[Any, ...], shares: tuple[Scalar, ...], value: Scalar
) -> None:
    """Add a value to four points."""
    mesh[places[0]] += value * shares[0]
    mesh[places[1]] += value * shares[1]
    mesh[places[2]] += value * shares[2]
    mesh[places[3]] += value * shares[3]


@compiled
def paint_gradient(
    x: Array, g: Array, scale: float, n: int, tables: Tables, factor: float, low: int, high: int,
    mesh: Array,
) -> None:  # fmt: skip
    """Add to a mesh the transpose of `mlsci.lensing.kernels.add_gradient`, applied to vectors.

    Parameters
    ----------
    x, scale, n, tables, low, high, mesh
        As in `mlsci.lensing.kernels.paint`; the tables as in `add_gradient`.
    g : ndarray (particles, 3)
        The vectors.
    factor : float
        Of the gradient in units of the inverse cell.
    """
    planes, rows, columns = tables
    real = mesh.dtype.type
    for i in range(x.shape[0]):
        (a, b, c), (u, v, w), (e_u, e_v, e_w) = _around(x, i, scale, n, mesh)
        gx, gy, gz = real(factor * g[i, 0]), real(factor * g[i, 1]), real(factor * g[i, 2])
        b0, b1 = rows[b + _2], rows[b + _3]
        c0, c1 = columns[c + _2], columns[c + _3]
        six = _weights(u, e_u, mesh)
        shares = (e_v * e_w, e_v * w, v * e_w, v * w)
        for k in range(6):
            plane = planes[a + np.uint64(k)]
            if low <= plane < high:
                places = (plane + b0 + c0, plane + b0 + c1, plane + b1 + c0, plane + b1 + c1)
                _onto_square(mesh, places, shares, gx * six[k])
        six_y, six_z = _weights(v, e_v, mesh), _weights(w, e_w, mesh)
        for k in range(2):
            plane = planes[a + _2 + np.uint64(k)]
            if low <= plane < high:
                share = u if k else e_u
                _onto_line(mesh, plane + c0, rows, b, six_y, gy * share * e_w)
                _onto_line(mesh, plane + c1, rows, b, six_y, gy * share * w)
                _onto_line(mesh, plane + b0, columns, c, six_z, gz * share * e_v)
                _onto_line(mesh, plane + b1, columns, c, six_z, gz * share * v)


@compiled
def add_slope(
    x: Array, scale: float, n: int, tables: Tables, mesh: Array, factor: float, start: int,
    stop: int, out: Array,
) -> None:  # fmt: skip
    """Add the slope of a mesh as the cloud in cell interpolates it: the transpose of a paint.

    Parameters
    ----------
    x, scale, n, tables, mesh, start, stop, out
        As in `mlsci.lensing.kernels.add_gradient`.
    factor : float
        Of the slope in units of the inverse cell.
    """
    planes, rows, columns = tables
    for i in range(start, stop):
        (a, b, c), (u, v, w), (e_u, e_v, e_w) = _around(x, i, scale, n, mesh)
        a0, a1 = planes[a + _2], planes[a + _3]
        b0, b1 = rows[b + _2], rows[b + _3]
        c0, c1 = columns[c + _2], columns[c + _3]
        m000, m001 = mesh[a0 + b0 + c0], mesh[a0 + b0 + c1]
        m010, m011 = mesh[a0 + b1 + c0], mesh[a0 + b1 + c1]
        m100, m101 = mesh[a1 + b0 + c0], mesh[a1 + b0 + c1]
        m110, m111 = mesh[a1 + b1 + c0], mesh[a1 + b1 + c1]
        line00, line01 = e_w * m000 + w * m001, e_w * m010 + w * m011
        line10, line11 = e_w * m100 + w * m101, e_w * m110 + w * m111
        out[i, 0] += factor * (e_v * (line10 - line00) + v * (line11 - line01))
        out[i, 1] += factor * (e_u * (line01 - line00) + u * (line11 - line10))
        slope = e_u * (e_v * (m001 - m000) + v * (m011 - m010))
        slope += u * (e_v * (m101 - m100) + v * (m111 - m110))
        out[i, 2] += factor * slope


@compiled
def paint_moved(
    x: Array, dx: Array, scale: float, n: int, tables: Tables, low: int, high: int, mesh: Array
) -> None:
    """Add to a mesh how what is painted changes when particles move: the transpose of `add_slope`.

    Parameters
    ----------
    x, scale, n, tables, low, high, mesh
        As in `mlsci.lensing.kernels.paint`.
    dx : ndarray (particles, 3)
        The velocities, as lengths.
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
        du, dv, dw = scale * dx[i, 0], scale * dx[i, 1], scale * dx[i, 2]
        b0, b1 = rows[b + _2], rows[b + _3]
        c0, c1 = columns[c + _2], columns[c + _3]
        shares = ((1 - v) * (1 - w), (1 - v) * w, v * (1 - w), v * w)
        changes = (
            -dv * (1 - w) - dw * (1 - v),
            -dv * w + dw * (1 - v),
            dv * (1 - w) - dw * v,
            dv * w + dw * v,
        )
        for k in range(2):
            if first if k == 0 else second:
                plane, share = (a0, 1 - u) if k == 0 else (a1, u)
                sign = -du if k == 0 else du
                mesh[plane + b0 + c0] += share * changes[0] + sign * shares[0]
                mesh[plane + b0 + c1] += share * changes[1] + sign * shares[1]
                mesh[plane + b1 + c0] += share * changes[2] + sign * shares[2]
                mesh[plane + b1 + c1] += share * changes[3] + sign * shares[3]
