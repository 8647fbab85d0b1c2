"""The past light cone of particles, and their mass on maps of a small field of the sky.

The sky is flat: light fronts are planes at right angles to the line of sight, and an angle is a
transverse length over the depth. Each particle is moved along its own step to the very time at
which the front meets it, with the drift factor of that time. A copy of a particle is counted where
and when the front meets it, in the one tile and the one step to which that point belongs, so that
none is counted twice or missed as it moves from one box, or step, to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsci.lensing.compiled import compiled
from mlsci.lensing.cosmology import HUBBLE_DISTANCE, Cosmology
from mlsci.lensing.tiling import Tiling

CELLS = 8192  # of the tables in depth: they err by 1e-8
NONE = np.zeros((0, 3))


@dataclass(frozen=True)
class Field:
    """A square field on the flat sky.

    Parameters
    ----------
    width
        In radians.
    pixels
        Along a side.
    """

    width: float
    pixels: int

    @property
    def pixel(self) -> float:
        """Side of a pixel in radians."""
        return self.width / self.pixels


class LightCone:
    """Projects particles onto maps, step by step; call `advance` once for each drift.

    Map s is the sum over particles of q_s(chi) / (chi a(chi)), times 3/2 Omega_m (H0/c)^2, over
    the particles per volume and solid angle of a pixel: a convergence, with the mean that all
    matter would give. `efficiency` q_s is that of sources, or 1 within a lens plane.

    Parameters
    ----------
    cosmology, tiling, field
        The universe, how boxes fill it, what is seen of it.
    efficiency
        ``(cells + 1, maps)``: q at evenly spaced depths from 0 to `reach`.
    reach
        Depth in Mpc/h behind which nothing is counted; within the tiling.
    density
        Particles per (Mpc/h)^3, of all ranks together.

    Raises
    ------
    ValueError
        If boxes do not cover the depth, or a box not the field at that depth.
    """

    def __init__(
        self, cosmology: Cosmology, tiling: Tiling, field: Field, efficiency: np.ndarray,
        reach: float, density: float,
    ) -> None:  # fmt: skip
        if reach > tiling.depth * (1 + 1e-9):
            raise ValueError(
                f"boxes reach to {tiling.depth:.0f} Mpc/h, not to {reach:.0f}: stack more of them"
            )
        if (field.width + field.pixel) * reach > tiling.box:
            raise ValueError(
                f"at {reach:.0f} Mpc/h the field of {np.degrees(field.width):.2f} degrees and a "
                f"pixel more is wider than the box of {tiling.box:.0f} Mpc/h: narrow the field"
            )
        self.cosmology, self.tiling, self.field = cosmology, tiling, field
        self.reach, self.density = reach, density
        cells = len(efficiency) - 1
        self.spacing = reach / cells
        depth = np.arange(cells + 1) * self.spacing
        a = cosmology.scale_factor(depth)
        self.weights = 1.5 * cosmology.omega_m / HUBBLE_DISTANCE**2 * efficiency / a[:, None]
        self.weights /= density * field.pixel**2
        self.bounds = _nonzero(self.weights)
        # Growth at a depth, and its change over a cell: dD1/dchi = -D1 f1 E / (c / H0).
        growth = cosmology.growth1(a)
        slope = -growth * cosmology.rate1(a) * a * cosmology.expansion(a) / HUBBLE_DISTANCE
        self.growth = np.stack([growth, slope * self.spacing], axis=1)
        maps = efficiency.shape[1]
        self.maps = np.zeros((field.pixels, field.pixels, maps))  # row y, column x, map
        self.squares = np.zeros(maps)  # sums of squared masses in the field, for the shot noise
        self.counted = 0

    def advance(
        self, a_c: float, a_i: float, a_f: float, x: np.ndarray, p: np.ndarray,
        offset: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        """Add the particles that the light front meets while they drift from a_i to a_f.

        Parameters
        ----------
        a_c, a_i, a_f
            Scale factors: of the momenta, and at the drift's ends.
        x, p
            ``(n, 3)``: comoving positions at a_i in Mpc/h, wrapped into the box or not; momenta.
        offset
            ``(n, 3)`` in Mpc/h, added to positions where they are seen; it does not change when.
        """
        drift = self.drift(a_c, a_i, a_f)
        if len(drift[0]):
            shift = NONE if offset is None else offset
            rest = (*drift, self.weights, self.bounds, self.field.pixel, self.maps, self.squares)
            self.counted += _advance(x, p, shift, *rest)

    def drift(self, a_c: float, a_i: float, a_f: float) -> Any:
        """Return what a loop over particles takes from `tiles` to `growth`; no tiles, no loop."""
        cosmology, box = self.cosmology, self.tiling.box
        chi_i, chi_f = (float(chi) for chi in cosmology.distance(np.array([a_i, a_f])))
        tiles = np.arange(int(chi_f // box), int(min(chi_i, self.reach) // box) + 1)
        tiles = tiles[(tiles < len(self.tiling.axes)) & (chi_f < self.reach)]
        return (
            tiles, self.tiling.axes, self.tiling.signs, self.tiling.shifts, box,
            chi_i, chi_f, self.reach, float(cosmology.drift_scale(a_c)),
            float(cosmology.growth1(a_i)), float(cosmology.growth1(a_f)),
            self.spacing, self.growth,
        )  # fmt: skip

    def sums(self) -> dict[str, np.ndarray]:
        """Return all that this rank has collected, by name, for `restore`."""
        return {"maps": self.maps, "squares": self.squares, "counted": np.array(self.counted)}

    def restore(self, sums: dict[str, np.ndarray], first: bool) -> None:
        """Go on from the sums of all ranks, which the first rank of a run takes, and no other."""
        if first:
            self.maps, self.squares = sums["maps"], sums["squares"]
            self.counted = int(sums["counted"])

    def gather(self, comm: Any = None) -> None:
        """Add what the ranks of a communicator have counted; each then holds the sums."""
        if comm is not None and comm.size > 1:
            self.maps = comm.allreduce(self.maps)
            self.squares = comm.allreduce(self.squares)
            self.counted = comm.allreduce(self.counted)

    def shot_noise(self) -> np.ndarray:
        """Return the white spectrum ``(maps,)`` of as many unclustered particles, in steradians."""
        return self.squares * self.field.pixel**4 / self.field.width**2


def depths(reach: float, cells: int = CELLS) -> np.ndarray:
    """Return the evenly spaced depths ``(cells + 1,)`` at which `LightCone` wants efficiencies."""
    return np.linspace(0.0, reach, cells + 1)


def _nonzero(weights: np.ndarray) -> np.ndarray:
    """Return ``(cells, 2)``: the first map that a cell lends weight to, and one past the last."""
    used = (weights[:-1] != 0) | (weights[1:] != 0)
    first = np.argmax(used, axis=1)
    last = used.shape[1] - np.argmax(used[:, ::-1], axis=1)
    return np.stack([np.where(used.any(1), first, 0), np.where(used.any(1), last, 0)], axis=1)


@compiled
def crossing(
    start: float, speed: float, growth_i: float, chi_i: float, spacing: float, table: np.ndarray
) -> tuple[float, float]:
    """Return where the front meets a particle at start + speed (D1 - D1_i), and D1 - D1_i there.

    Newton's method: what moves at less than 1e-2 of light's speed converges in two or three steps.
    """
    chi = min(start, chi_i)
    grown = 0.0
    for _ in range(5):
        at = chi / spacing
        cell = min(max(int(at), 0), len(table) - 2)
        t = at - cell
        y0, y1, m0, m1 = table[cell, 0], table[cell + 1, 0], table[cell, 1], table[cell + 1, 1]
        # Hermite's cubic through values and slopes, and its slope.
        c2 = 3 * (y1 - y0) - 2 * m0 - m1
        c3 = 2 * (y0 - y1) + m0 + m1
        grown = y0 + t * (m0 + t * (c2 + t * c3)) - growth_i
        slope = (m0 + t * (2 * c2 + t * 3 * c3)) / spacing
        step = (start + speed * grown - chi) / (speed * slope - 1)
        if abs(step) < 1e-10:
            break
        chi -= step
    return chi, grown


@compiled
def _deposit(
    u: float, v: float, depth: float, spacing: float, weights: np.ndarray, bounds: np.ndarray,
    maps: np.ndarray, squares: np.ndarray,
) -> None:  # fmt: skip
    """Spread a particle at (u, v), in pixels from the centre of the first, over four pixels."""
    pixels = len(maps)
    at = depth / spacing
    cell = min(int(at), len(bounds) - 1)
    t = at - cell
    i, j = int(np.floor(u)), int(np.floor(v))
    fu, fv = u - i, v - j
    seen = -0.5 <= u < pixels - 0.5 and -0.5 <= v < pixels - 0.5
    for s in range(bounds[cell, 0], bounds[cell, 1]):
        mass = ((1 - t) * weights[cell, s] + t * weights[cell + 1, s]) / depth
        if seen:
            squares[s] += mass * mass
        if j >= 0:
            if i >= 0:
                maps[j, i, s] += mass * (1 - fv) * (1 - fu)
            if i + 1 < pixels:
                maps[j, i + 1, s] += mass * (1 - fv) * fu
        if j + 1 < pixels:
            if i >= 0:
                maps[j + 1, i, s] += mass * fv * (1 - fu)
            if i + 1 < pixels:
                maps[j + 1, i + 1, s] += mass * fv * fu


@compiled
def _advance(
    x: np.ndarray, p: np.ndarray, offset: np.ndarray, tiles: np.ndarray, axes: np.ndarray,
    signs: np.ndarray, shifts: np.ndarray, box: float, chi_i: float, chi_f: float, reach: float,
    scale: float, growth_i: float, growth_f: float, spacing: float, growth: np.ndarray,
    weights: np.ndarray, bounds: np.ndarray, pixel: float, maps: np.ndarray, squares: np.ndarray,
) -> int:  # fmt: skip
    """Add to maps what the light front meets during one drift; return how many particles."""
    pixels = len(maps)
    half = 0.5 * pixels * pixel
    moved = scale * (growth_f - growth_i)
    shifted = len(offset) > 0
    ox = oy = oz = 0.0
    counted = 0
    for n in range(len(x)):
        for tile in tiles:
            ax, ay, az = axes[tile, 0], axes[tile, 1], axes[tile, 2]
            sx, sy, sz = signs[tile, 0], signs[tile, 1], signs[tile, 2]
            near, far = tile * box, (tile + 1) * box
            vz = sz * p[n, az]
            z = sz * x[n, az] + shifts[tile, 2]
            z += box * (tile - np.floor(z / box))
            # Copies in front and behind may enter the tile while this one may leave it.
            for copy in range(-1, 2):
                z_i = z + copy * box
                z_f = z_i + vz * moved
                if max(z_i, z_f) < near or min(z_i, z_f) >= min(far, reach):
                    continue
                # Inside the cone before the drift and outside after it: met during it.
                if z_i >= chi_i or z_f < chi_f:
                    continue
                if shifted:
                    ox, oy, oz = sx * offset[n, ax], sy * offset[n, ay], sz * offset[n, az]
                vx, vy = sx * p[n, ax], sy * p[n, ay]
                qx, qy = sx * x[n, ax] + shifts[tile, 0], sy * x[n, ay] + shifts[tile, 1]
                qx -= box * np.floor(qx / box + 0.5)
                qy -= box * np.floor(qy / box + 0.5)
                # What is far from the field is not worth an exact position.
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
                    counted += 1
                    _deposit(u, v, depth, spacing, weights, bounds, maps, squares)
    return counted
