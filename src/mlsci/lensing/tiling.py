"""How copies of one periodic box fill the light cone: turned, mirrored and shifted.

Where boxes meet, structure does not go on. Cutting waves along the line of sight takes from the
power across it: for P(k) as k^-1.5, integrating 2 / kz^2 (P(k, kz) - P(k)) over kz / 2 pi gives a
share of 0.83 / (k L) less at wave number k = ell / chi, for a box of side L. Large boxes mend it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tiling:
    """Orientations of the boxes along the line of sight; tile t spans depths t L to (t + 1) L.

    Coordinates in a tile are ``signs * x[axes] + shifts``, periodic in L: two transverse ones, of
    which 0 is the line of sight, and the depth, which counts from the observer's side of the box.

    Parameters
    ----------
    box
        Side L in Mpc/h.
    axes, signs
        ``(t, 3)`` integers: which coordinate goes where, and +1 or -1 to keep or mirror it.
    shifts
        ``(t, 3)`` in Mpc/h.
    """

    box: float
    axes: np.ndarray
    signs: np.ndarray
    shifts: np.ndarray

    @property
    def depth(self) -> float:
        """Distance in Mpc/h to which the tiles reach."""
        return len(self.axes) * self.box

    def place(self, tile: int, x: np.ndarray) -> np.ndarray:
        """Return positions ``(n, 3)`` in a tile's coordinates: transverse about 0, then depth.

        Transverse ones are between -L/2 and L/2, depths between tile L and (tile + 1) L.
        """
        y = self.signs[tile] * x[:, self.axes[tile]] + self.shifts[tile]
        y[:, :2] -= self.box * np.floor(y[:, :2] / self.box + 0.5)
        y[:, 2] += self.box * (tile - np.floor(y[:, 2] / self.box))
        return y


def stack(box: float, reach: float, seed: int) -> Tiling:
    """Return a tiling with as many boxes as reach to a distance.

    The line of sight runs along each axis of the box in turn, so that neighbours never show the
    same structure; which transverse axis is which, mirrors and shifts are drawn. However far the
    cone reaches, no orientation comes twice; a farther one has more boxes, and the others as they
    are.

    Parameters
    ----------
    box, reach
        Side and distance in Mpc/h.
    seed
        Of the orientations.
    """
    rng = np.random.default_rng([seed, 0x7115])
    first = int(rng.integers(3))
    axes, signs, shifts = [], [], []
    for tile in range(max(1, int(np.ceil(reach / box)))):
        sight = (first + tile) % 3
        axes.append([*rng.permutation([axis for axis in range(3) if axis != sight]), sight])
        signs.append(rng.choice(np.array([-1, 1]), size=3))
        shifts.append(rng.uniform(0, box, size=3))
    return Tiling(box, np.array(axes), np.array(signs), np.array(shifts))
