"""Particles sent to the rank that has the mesh around them, and what was read there sent back.

Every particle goes to one rank, that of the mesh point below it; the mesh has a rim for what lies
beyond. On one rank nothing moves and nothing is copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .compiled import compiled
from .kernels import cell

Array = NDArray[Any]


class Route:
    """Where the particles of a rank go, and whose come.

    Parameters
    ----------
    x : ndarray (n, 3)
        Positions.
    scale : float
        Cells per unit of length.
    owners : tuple of two ndarrays (cells + 1,), int32
        For every plane, and for every row, its share of the number of the rank that has it: the
        rank of a particle is the sum of the two.
    comm : MPI.Comm
        The ranks.
    """

    def __init__(self, x: Array, scale: float, owners: tuple[Array, Array], comm: MPI.Comm):
        self._comm = comm
        self._order: Array | None = None
        if comm.size == 1:
            return
        target = np.empty(len(x), np.uint16)
        _targets(x, scale, len(owners[0]) - 1, owners[0], owners[1], target)
        # a stable sort keeps the lattice's order within each rank
        self._order = np.argsort(target, kind="stable")
        self._give = np.bincount(target, minlength=comm.size)
        self._take = np.empty_like(self._give)
        comm.Alltoall(self._give, self._take)

    def there(self, values: Array) -> Array:
        """Return the values of the particles that came, in the order of ranks, then of particles.

        Parameters
        ----------
        values : ndarray (n, 3)
            A row for each particle of this rank.
        """
        if self._order is None:
            return values
        return self._send(values[self._order], self._give, self._take)

    def back(self, values: Array) -> Array:
        """Return values of this rank's particles, from those of the particles that came."""
        if self._order is None:
            return values
        result = np.empty((len(self._order), *values.shape[1:]), values.dtype)
        result[self._order] = self._send(values, self._take, self._give)
        return result

    def _send(self, values: Array, give: Array, take: Array) -> Array:
        result = np.empty((int(take.sum()), *values.shape[1:]), values.dtype)
        row = MPI._typedict[values.dtype.char].Create_contiguous(
            int(np.prod(values.shape[1:], dtype=int))
        )
        row.Commit()
        # counted in rows: the numbers stay below 2^31
        self._comm.Alltoallv([values, _counts(give), row], [result, _counts(take), row])
        row.Free()
        return result


def _counts(numbers: Array) -> tuple[list[int], list[int]]:
    starts = np.concatenate([[0], np.cumsum(numbers)[:-1]])
    return [int(number) for number in numbers], [int(start) for start in starts]


@compiled
def _targets(x: Array, scale: float, n: int, planes: Array, rows: Array, target: Array) -> None:
    for i in range(len(x)):
        a, _ = cell(x[i, 0], scale, n)
        b, _ = cell(x[i, 1], scale, n)
        target[i] = planes[a] + rows[b]
