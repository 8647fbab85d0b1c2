"""Pictures of the particles themselves: a slab of the box, and a strip of the light cone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.nbody import middle
from mlsci.lensing.tiling import Tiling

_PIECE = 1 << 20  # particles at a time: what the copies of positions take stays small


def slab(
    x: np.ndarray, box: float, thickness: float, cells: int, side: float | None = None
) -> np.ndarray:
    """Return the density of a slab over the mean, ``(cells, cells)``.

    Parameters
    ----------
    x
        ``(n, 3)`` in Mpc/h, of the whole box, wrapped or not.
    box
        Its side in Mpc/h.
    thickness
        Of the slab along the third axis, from 0, in Mpc/h.
    cells
        Of the picture along each side.
    side
        Of the picture in Mpc/h, from the origin; the whole box by default.
    """
    side = box if side is None else side
    counts = np.zeros((cells, cells))
    for piece in _pieces(len(x)):
        y = np.mod(x[piece], box)
        y = y[y[:, 2] < thickness]
        counts += np.histogram2d(y[:, 0], y[:, 1], cells, [[0, side], [0, side]])[0]
    mean = len(x) / box**3 * thickness * (side / cells) ** 2
    return counts / mean


class LightStrip:
    """The particles that the light cone meets in a strip along the line of sight.

    Each is seen at the time that belongs to its depth half-way through the step, which is right to
    second order in its velocity over that of light: enough for a picture, not for a map.

    Parameters
    ----------
    cosmology, tiling
        The universe, and how boxes fill it.
    reach
        Depth in Mpc/h.
    thickness
        Of the strip in Mpc/h, about the line of sight.
    cell
        Side of a cell of the picture in Mpc/h.

    Attributes
    ----------
    counts
        Particles ``(across, depth)``; across is the width of a box.
    """

    def __init__(
        self, cosmology: Cosmology, tiling: Tiling, reach: float, thickness: float, cell: float
    ) -> None:
        self.cosmology, self.tiling, self.thickness, self.cell = cosmology, tiling, thickness, cell
        self.reach = reach
        across = round(tiling.box / cell)
        self._edges = (
            np.linspace(-tiling.box / 2, tiling.box / 2, across + 1),
            np.arange(int(reach / cell) + 1) * cell,
        )
        self.counts = np.zeros((across, len(self._edges[1]) - 1))

    def advance(self, a_start: float, a_end: float, x: np.ndarray, p: np.ndarray) -> None:
        """Add what is met during one drift; a callback of `nbody.evolve`."""
        far, near = (float(chi) for chi in self.cosmology.distance(np.array([a_start, a_end])))
        near, far = max(near, 0.0), min(far, self.reach)
        if near >= far:
            return
        box, a_mid = self.tiling.box, middle(a_start, a_end)
        half = float(self.cosmology.drift(a_mid, a_start, a_mid))
        for tile in range(int(near // box), min(int(far // box) + 1, len(self.tiling.axes))):
            axis, sign = self.tiling.axes[tile, 1], self.tiling.signs[tile, 1]
            for piece in _pieces(len(x)):
                aside = sign * x[piece, axis] + self.tiling.shifts[tile, 1]
                aside -= box * np.floor(aside / box + 0.5)
                # What is near the strip at the start, with room for how far particles move.
                some = np.abs(aside) < self.thickness / 2 + 0.02 * box
                self._add(tile, x[piece][some], p[piece][some], (a_start, a_mid, half), near, far)

    def density(self, mean: float) -> np.ndarray:
        """Return the density over the mean, given in particles per (Mpc/h)^3."""
        return self.counts / (mean * self.cell**2 * self.thickness)

    def _add(
        self, tile: int, x: np.ndarray, p: np.ndarray, step: tuple[float, float, float],
        near: float, far: float,
    ) -> None:  # fmt: skip
        a_start, a_mid, half = step
        depth = self.tiling.place(tile, x + p * half)[:, 2]
        a = self.cosmology.scale_factor(np.clip(depth, near, far))
        seen = self.tiling.place(tile, x + p * self.cosmology.drift(a_mid, a_start, a)[:, None])
        seen = seen[np.abs(seen[:, 1]) < self.thickness / 2]
        seen = seen[(seen[:, 2] >= near) & (seen[:, 2] < far)]
        self.counts += np.histogram2d(seen[:, 0], seen[:, 2], self._edges)[0]


def _pieces(length: int) -> Iterator[slice]:
    for start in range(0, length, _PIECE):
        yield slice(start, start + _PIECE)
