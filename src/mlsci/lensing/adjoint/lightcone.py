r"""Derivatives of the light cone's projection, through each particle's own crossing.

The front meets a particle at the depth chi that solves :math:`z + v_z s\,(D(\chi) - D_i) = \chi`,
with the position z and momentum v_z along the line of sight, the drift's scale s, and growth D.
However Newton's method found it, its derivative is that of the implicit function,

.. math:: d\chi = \frac{dz + s g\, dv_z + v_z g\, ds - v_z s\, (dD_i - \partial D)}
                       {1 - v_z s D'(\chi)}, \quad g = D(\chi) - D_i,

where the last term is how the table of growth itself changes. Everything else is explicit: the
place in the field, the weight at the depth, the shares of four pixels.

Whether a particle is counted, in which tile and which drift, is a yes or a no: where it changes a
map jumps, and has no derivative; everywhere else what stands here is the derivative. (As particles
cross the faces between boxes, and pixels, the mean over many fields may change by those jumps as
well: no derivative of one map knows of them.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsci.lensing.compiled import compiled, inlined
from mlsci.lensing.lightcone import NONE, LightCone, crossing

Array = NDArray[Any]
_PIECE = 1 << 13  # particles whose meetings are listed at once


@dataclass
class Tables:
    """Derivatives, or cotangents, of what a light cone takes from the cosmology.

    Attributes
    ----------
    growth : ndarray (..., cells + 1, 2)
        Of growth at depths, and of its change over a cell.
    weights : ndarray (..., cells + 1, maps)
        Of the weights of a particle.
    spacing : ndarray (...)
        Of the depth of a cell.
    """

    growth: Array
    weights: Array
    spacing: Array

    @classmethod
    def zeros(cls, cone: LightCone) -> Tables:
        """Return cotangents to which to add."""
        return cls(np.zeros_like(cone.growth), np.zeros_like(cone.weights), np.zeros(()))


def advance_vjp(
    cone: LightCone, times: tuple[float, float, float], x: Array, p: Array, offset: Array | None,
    cotangent: Array, x_bar: Array, p_bar: Array, tables: Tables,
) -> tuple[Array | None, Array]:  # fmt: skip
    """Add the cotangents of what `LightCone.advance` takes.

    Parameters
    ----------
    cone : LightCone
        Its maps are not looked at.
    times : tuple of float
        The scale factors a_c, a_i, a_f.
    x, p, offset : ndarray (n, 3)
        As for `LightCone.advance`.
    cotangent : ndarray (y, x, maps)
        Of the maps.
    x_bar, p_bar : ndarray (n, 3)
        Changed in place.
    tables : Tables
        Changed in place.

    Returns
    -------
    offset : ndarray (n, 3) or None
        The cotangent of the offset, if there is one.
    drift : ndarray (2,)
        That of the drift's scale, and of growth at a_i.
    """
    shift_bar = np.zeros_like(NONE if offset is None else offset)
    drift_bar, spacing_bar = np.zeros(2), np.zeros(1)
    bars = (x_bar, p_bar, shift_bar, drift_bar, tables.growth, tables.weights, spacing_bar)
    for which, where, known in _meetings(cone, times, x, p, offset):
        _backward(which, where, p, *(*known, cotangent, *bars))
    tables.spacing = tables.spacing + spacing_bar[0]
    return (None if offset is None else shift_bar), drift_bar


def advance_jvp(
    cone: LightCone, times: tuple[float, float, float], x: Array, p: Array, offset: Array | None,
    dx: Array, dp: Array, d_offset: Array | None, drift_dot: Array, tables: Tables, change: Array,
) -> None:  # fmt: skip
    """Add how the maps of `LightCone.advance` change.

    Parameters
    ----------
    cone, times, x, p, offset
        As for `advance_vjp`.
    dx, dp, d_offset : ndarray (n, 3)
        How particles change.
    drift_dot : ndarray (2,)
        How the drift's scale and growth at a_i change.
    tables : Tables
        How the tables change.
    change : ndarray (y, x, maps)
        Changed in place.
    """
    moved = NONE if d_offset is None else d_offset
    changes = (dx, dp, moved, drift_dot, tables.growth, tables.weights, float(tables.spacing))
    for which, where, known in _meetings(cone, times, x, p, offset):
        _forward(which, where, p, *(*known, *changes, change))


def _meetings(
    cone: LightCone, times: tuple[float, float, float], x: Array, p: Array, offset: Array | None
) -> Iterator[tuple[Array, Array, Any]]:
    """Yield which particles the front meets within the field, and where, some thousands at a time.

    As `_list` writes it; and what else their derivatives take from the light cone.
    """
    drift = cone.drift(*times)
    tiles, axes, signs, *_, scale, _, _, spacing, growth = drift
    if not len(tiles):
        return
    shift, pixel, pixels = NONE if offset is None else offset, cone.field.pixel, len(cone.maps)
    room = 3 * len(tiles) * min(_PIECE, len(x))
    which, where = np.empty((room, 2), np.int64), np.empty((room, 5))
    known = (axes, signs, scale, spacing, growth, cone.weights, cone.bounds, pixel)
    for first in range(0, len(x), _PIECE):
        last = min(first + _PIECE, len(x))
        met = _list(x, p, shift, first, last, *(*drift, pixel, pixels, which, where))
        yield which[:met], where[:met], known


@compiled
def _list(
    x: Array, p: Array, offset: Array, first: int, last: int, tiles: Array, axes: Array,
    signs: Array, shifts: Array, box: float, chi_i: float, chi_f: float, reach: float,
    scale: float, growth_i: float, growth_f: float, spacing: float, growth: Array, pixel: float,
    pixels: int, which: Array, where: Array,
) -> int:  # fmt: skip
    """List where the front meets particles, as `mlsci.lensing.lightcone` decides; return how many.

    `which` tells the particle and the tile; `where` the depth of the crossing, D1 - D1_i there,
    the place across the line of sight and the depth at which it is seen.
    """
    half = 0.5 * pixels * pixel
    moved = scale * (growth_f - growth_i)
    ox = oy = oz = 0.0
    met = 0
    for n in range(first, last):
        for tile in tiles:
            ax, ay, az = axes[tile, 0], axes[tile, 1], axes[tile, 2]
            sx, sy, sz = signs[tile, 0], signs[tile, 1], signs[tile, 2]
            near, far = tile * box, (tile + 1) * box
            vz = sz * p[n, az]
            z = sz * x[n, az] + shifts[tile, 2]
            z += box * (tile - np.floor(z / box))
            for copy in range(-1, 2):
                z_i = z + copy * box
                z_f = z_i + vz * moved
                if max(z_i, z_f) < near or min(z_i, z_f) >= min(far, reach):
                    continue
                if z_i >= chi_i or z_f < chi_f:
                    continue
                if len(offset) > 0:
                    ox, oy, oz = sx * offset[n, ax], sy * offset[n, ay], sz * offset[n, az]
                vx, vy = sx * p[n, ax], sy * p[n, ay]
                qx, qy = sx * x[n, ax] + shifts[tile, 0], sy * x[n, ay] + shifts[tile, 1]
                qx -= box * np.floor(qx / box + 0.5)
                qy -= box * np.floor(qy / box + 0.5)
                limit = (half + pixel) * (min(max(z_i, z_f), chi_i) + abs(oz))
                if abs(qx) - abs(vx * moved) - abs(ox) > limit:
                    continue
                if abs(qy) - abs(vy * moved) - abs(oy) > limit:
                    continue
                chi, grown = crossing(z_i, vz * scale, growth_i, chi_i, spacing, growth)
                depth = chi + oz
                if chi < near or chi >= far or depth <= 0 or depth >= reach:
                    continue
                qx += vx * scale * grown + ox
                qy += vy * scale * grown + oy
                qx -= box * np.floor(qx / box + 0.5)
                qy -= box * np.floor(qy / box + 0.5)
                u = (qx / depth + half) / pixel - 0.5
                v = (qy / depth + half) / pixel - 0.5
                if -1 < u < pixels and -1 < v < pixels:
                    which[met, 0], which[met, 1] = n, tile
                    where[met, 0], where[met, 1], where[met, 2] = chi, grown, qx
                    where[met, 3], where[met, 4] = qy, depth
                    met += 1
    return met


@inlined
def _hermite(t: float) -> tuple[float, float, float, float]:
    """Return the shares of two values and two slopes in Hermite's cubic."""
    return (
        (1 + 2 * t) * (1 - t) ** 2,
        t * (1 - t) ** 2,
        t * t * (3 - 2 * t),
        t * t * (t - 1),
    )


@inlined
def _rate(growth: Array, cell: int, t: float) -> float:
    """Return how growth changes over a cell of the table, at a place within it."""
    y0, y1, m0, m1 = growth[cell, 0], growth[cell + 1, 0], growth[cell, 1], growth[cell + 1, 1]
    c2, c3 = 3 * (y1 - y0) - 2 * m0 - m1, 2 * (y0 - y1) + m0 + m1
    return m0 + t * (2 * c2 + t * 3 * c3)


@inlined
def _corners(maps: Array, i: int, j: int, s: int) -> tuple[float, float, float, float]:
    """Return the four pixels of a map around a particle; zero outside the field."""
    pixels = len(maps)
    low_i, high_i, low_j, high_j = i >= 0, i + 1 < pixels, j >= 0, j + 1 < pixels
    return (
        maps[j, i, s] if low_j and low_i else 0.0,
        maps[j, i + 1, s] if low_j and high_i else 0.0,
        maps[j + 1, i, s] if high_j and low_i else 0.0,
        maps[j + 1, i + 1, s] if high_j and high_i else 0.0,
    )


@compiled
def _backward(
    which: Array, where: Array, p: Array, axes: Array, signs: Array, scale: float, spacing: float,
    growth: Array, weights: Array, bounds: Array, pixel: float, cotangent: Array, x_bar: Array,
    p_bar: Array, offset_bar: Array, drift_bar: Array, growth_bar: Array, weights_bar: Array,
    spacing_bar: Array,
) -> None:  # fmt: skip
    """Add cotangents, meeting by meeting."""
    pixels = len(cotangent)
    half = 0.5 * pixels * pixel
    for m in range(len(which)):
        n, tile = which[m, 0], which[m, 1]
        chi, grown, depth = where[m, 0], where[m, 1], where[m, 4]
        qx, qy = where[m, 2], where[m, 3]
        ax, ay, az = axes[tile, 0], axes[tile, 1], axes[tile, 2]
        sx, sy, sz = signs[tile, 0], signs[tile, 1], signs[tile, 2]
        u = (qx / depth + half) / pixel - 0.5
        v = (qy / depth + half) / pixel - 0.5
        i, j = int(np.floor(u)), int(np.floor(v))
        fu, fv = u - i, v - j
        cell = min(int(depth / spacing), len(bounds) - 1)
        t = depth / spacing - cell
        u_bar = v_bar = depth_bar = 0.0
        for s in range(bounds[cell, 0], bounds[cell, 1]):
            m00, m01, m10, m11 = _corners(cotangent, i, j, s)
            w0, w1 = weights[cell, s], weights[cell + 1, s]
            mass = ((1 - t) * w0 + t * w1) / depth
            mass_bar = (1 - fv) * ((1 - fu) * m00 + fu * m01)
            mass_bar += fv * ((1 - fu) * m10 + fu * m11)
            u_bar += mass * ((1 - fv) * (m01 - m00) + fv * (m11 - m10))
            v_bar += mass * ((1 - fu) * (m10 - m00) + fu * (m11 - m01))
            weights_bar[cell, s] += mass_bar * (1 - t) / depth
            weights_bar[cell + 1, s] += mass_bar * t / depth
            rise = mass_bar * (w1 - w0) / (depth * spacing)
            depth_bar += rise - mass_bar * mass / depth
            spacing_bar[0] -= rise * depth / spacing
        qx_bar, qy_bar = u_bar / (depth * pixel), v_bar / (depth * pixel)
        depth_bar -= (qx_bar * qx + qy_bar * qy) / depth
        # the crossing
        vx, vy, vz = sx * p[n, ax], sy * p[n, ay], sz * p[n, az]
        cell = min(max(int(chi / spacing), 0), len(growth) - 2)
        t = chi / spacing - cell
        rate = _rate(growth, cell, t) / spacing
        across = (qx_bar * vx + qy_bar * vy) * scale
        implicit = (depth_bar + across * rate) / (1 - vz * scale * rate)
        table_bar = across + implicit * vz * scale
        h0, h1, h2, h3 = _hermite(t)
        growth_bar[cell, 0] += table_bar * h0
        growth_bar[cell, 1] += table_bar * h1
        growth_bar[cell + 1, 0] += table_bar * h2
        growth_bar[cell + 1, 1] += table_bar * h3
        spacing_bar[0] -= table_bar * rate * chi / spacing
        drift_bar[0] += (qx_bar * vx + qy_bar * vy + implicit * vz) * grown
        drift_bar[1] -= table_bar
        x_bar[n, ax] += sx * qx_bar
        x_bar[n, ay] += sy * qy_bar
        x_bar[n, az] += sz * implicit
        p_bar[n, ax] += sx * qx_bar * scale * grown
        p_bar[n, ay] += sy * qy_bar * scale * grown
        p_bar[n, az] += sz * implicit * scale * grown
        if len(offset_bar) > 0:
            offset_bar[n, ax] += sx * qx_bar
            offset_bar[n, ay] += sy * qy_bar
            offset_bar[n, az] += sz * depth_bar


@compiled
def _forward(
    which: Array, where: Array, p: Array, axes: Array, signs: Array, scale: float, spacing: float,
    growth: Array, weights: Array, bounds: Array, pixel: float, dx: Array, dp: Array,
    d_offset: Array, drift_dot: Array, growth_dot: Array, weights_dot: Array, spacing_dot: float,
    change: Array,
) -> None:  # fmt: skip
    """Add the change of maps, meeting by meeting."""
    pixels = len(change)
    half = 0.5 * pixels * pixel
    ox = oy = oz = 0.0
    for m in range(len(which)):
        n, tile = which[m, 0], which[m, 1]
        chi, grown, depth = where[m, 0], where[m, 1], where[m, 4]
        qx, qy = where[m, 2], where[m, 3]
        ax, ay, az = axes[tile, 0], axes[tile, 1], axes[tile, 2]
        sx, sy, sz = signs[tile, 0], signs[tile, 1], signs[tile, 2]
        u = (qx / depth + half) / pixel - 0.5
        v = (qy / depth + half) / pixel - 0.5
        if len(d_offset) > 0:
            ox, oy, oz = sx * d_offset[n, ax], sy * d_offset[n, ay], sz * d_offset[n, az]
        vx, vy, vz = sx * p[n, ax], sy * p[n, ay], sz * p[n, az]
        cell = min(max(int(chi / spacing), 0), len(growth) - 2)
        t = chi / spacing - cell
        rate = _rate(growth, cell, t) / spacing
        h0, h1, h2, h3 = _hermite(t)
        fixed = h0 * growth_dot[cell, 0] + h1 * growth_dot[cell, 1] - drift_dot[1]
        fixed += h2 * growth_dot[cell + 1, 0] + h3 * growth_dot[cell + 1, 1]
        fixed -= rate * chi / spacing * spacing_dot
        ahead = sz * dx[n, az] + scale * grown * sz * dp[n, az]
        ahead += vz * (grown * drift_dot[0] + scale * fixed)
        d_chi = ahead / (1 - vz * scale * rate)
        faster = grown * drift_dot[0] + scale * (fixed + rate * d_chi)
        d_qx = sx * dx[n, ax] + sx * dp[n, ax] * scale * grown + vx * faster + ox
        d_qy = sy * dx[n, ay] + sy * dp[n, ay] * scale * grown + vy * faster + oy
        d_depth = d_chi + oz
        du = (d_qx - qx / depth * d_depth) / (depth * pixel)
        dv = (d_qy - qy / depth * d_depth) / (depth * pixel)
        i, j = int(np.floor(u)), int(np.floor(v))
        fu, fv = u - i, v - j
        cell = min(int(depth / spacing), len(bounds) - 1)
        t = depth / spacing - cell
        dt = (d_depth - depth / spacing * spacing_dot) / spacing
        for s in range(bounds[cell, 0], bounds[cell, 1]):
            w0, w1 = weights[cell, s], weights[cell + 1, s]
            mass = ((1 - t) * w0 + t * w1) / depth
            d_mass = (1 - t) * weights_dot[cell, s] + t * weights_dot[cell + 1, s]
            d_mass = (d_mass + (w1 - w0) * dt - mass * d_depth) / depth
            lower, upper = d_mass * (1 - fv) - mass * dv, d_mass * fv + mass * dv
            if j >= 0:
                if i >= 0:
                    change[j, i, s] += lower * (1 - fu) - mass * (1 - fv) * du
                if i + 1 < pixels:
                    change[j, i + 1, s] += lower * fu + mass * (1 - fv) * du
            if j + 1 < pixels:
                if i >= 0:
                    change[j + 1, i, s] += upper * (1 - fu) - mass * fv * du
                if i + 1 < pixels:
                    change[j + 1, i + 1, s] += upper * fu + mass * fv * du
