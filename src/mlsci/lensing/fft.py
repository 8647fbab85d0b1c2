"""Fourier transforms of a mesh that is split over ranks: slabs, pencils, or blocks.

A mesh of d axes is split over a grid of processes with r axes; a rank holds one block. With r < d,
the axes r, …, d - 1 lie whole in every rank and are transformed first; then, for each axis r - 1,
…, 0, the split moves one axis up and the freed axis is transformed. What comes out is split along
the axes 1, …, r ("transposed", as PFFT says; Pippig 2013, section 3): each move is one exchange
among the ranks that differ in one coordinate of the grid. Moving back costs as many again.

Transforms are not normalized: forward and backward together multiply by the number of cells.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from mpi4py import MPI
from numpy.typing import NDArray

Array = NDArray[Any]
Split = tuple[int | None, ...]  # for each axis of the mesh, the axis of the grid that splits it

_FAMILIES = MPI.Comm.Create_keyval()  # an attribute of a communicator: those split from it


def edges(cells: int, parts: int) -> NDArray[np.intp]:
    """Return where the blocks of an axis begin and end: equal blocks, then a smaller, then none.

    Parameters
    ----------
    cells, parts : int
        Length of the axis, and over how many ranks it goes.

    Returns
    -------
    ndarray (parts + 1,)
        Never decreasing, from 0 to `cells`.
    """
    return np.minimum(np.arange(parts + 1) * -(-cells // parts), cells).astype(np.intp)


def threads(comm: MPI.Comm) -> int:
    """Return how many threads a rank may use: all of the machine's alone, one beside others.

    The variable OMP_NUM_THREADS, where set, is obeyed.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if comm.size > 1:
        return 1
    # the cores this process may use; not every system tells
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Layout:
    """How an array lies over the grid of processes.

    Attributes
    ----------
    shape : tuple of int
        Of the whole array.
    split : tuple of int or None
        For each axis, the axis of the grid that splits it; None where every rank has the whole.
    grid : tuple of int
        Number of ranks along each axis of the grid.
    """

    shape: tuple[int, ...]
    split: Split
    grid: tuple[int, ...]

    def edges(self, axis: int) -> NDArray[np.intp]:
        """Return the edges of the blocks along an axis, the same on all ranks."""
        along = self.split[axis]
        return edges(self.shape[axis], 1 if along is None else self.grid[along])

    def block(self, place: Sequence[int]) -> tuple[slice, ...]:
        """Return the part of the array that the rank at a place of the grid holds."""
        slices = []
        for axis, along in enumerate(self.split):
            bounds = self.edges(axis)
            i = 0 if along is None else place[along]
            slices.append(slice(int(bounds[i]), int(bounds[i + 1])))
        return tuple(slices)


class Exchange:
    """Move an array from one layout to another, among the ranks of a communicator.

    Parameters
    ----------
    comm : MPI.Comm
        The ranks among which data move.
    sources, targets : sequence of tuple of slice
        For each rank of `comm`, its block before and after.
    """

    def __init__(
        self,
        comm: MPI.Comm,
        sources: Sequence[tuple[slice, ...]],
        targets: Sequence[tuple[slice, ...]],
    ):
        self._comm = comm
        mine, future = sources[comm.rank], targets[comm.rank]
        self._shapes = _shape(mine), _shape(future)
        self._parts = (
            [_overlap(mine, other) for other in targets],
            [_overlap(future, other) for other in sources],
        )

    def __call__(self, array: Array, backward: bool = False) -> Array:
        """Return this rank's new block; `backward` goes from the second layout to the first."""
        before, after = (1, 0) if backward else (0, 1)
        give, take = self._parts[before], self._parts[after]
        # packed by hand, which is several times faster than with MPI's subarray types; parts that
        # are whole planes lie in the array as they would in the buffer
        sent = array if _whole_planes(give, array.shape) else _packed(array, give)
        shape = self._shapes[after]
        direct = _whole_planes(take, shape)
        result: Array = np.empty(shape, array.dtype)
        received = result if direct else np.empty(result.size, array.dtype)
        kind = MPI._typedict[array.dtype.char]
        self._comm.Alltoallv(
            [np.ascontiguousarray(sent), _sizes(give), kind], [received, _sizes(take), kind]
        )
        if not direct:
            start = 0
            for part in take:
                cells = math.prod(_shape(part))
                result[part] = received[start : start + cells].reshape(_shape(part))
                start += cells
        return result


class Transform:
    """The discrete Fourier transform of a mesh split over ranks.

    Parameters
    ----------
    shape : sequence of int
        Cells along each axis.
    grid : sequence of int
        Ranks along each axis of the grid of processes: at most as many axes as the mesh; their
        product is the size of `comm`, in whose ranks the last axis of the grid runs fastest.
    comm : MPI.Comm
        The ranks.
    real : bool
        Whether the input is real; then of the last axis of the output only the half that is not
        redundant is kept.

    Attributes
    ----------
    input, output, untransposed : Layout
        Of the mesh, of its transform as it comes, and of its transform moved back to the input's.

    Raises
    ------
    ValueError
        If the grid does not fit the mesh or the ranks.
    """

    def __init__(
        self, shape: Sequence[int], grid: Sequence[int], comm: MPI.Comm, real: bool = True
    ):
        self.shape, self.grid = tuple(map(int, shape)), tuple(map(int, grid))
        if len(self.grid) > len(self.shape):
            raise ValueError(
                f"a mesh of {len(self.shape)} axes cannot be split along {len(self.grid)}: "
                "use a grid of processes with fewer axes"
            )
        if math.prod(self.grid) != comm.size:
            raise ValueError(
                f"a grid of {'×'.join(map(str, self.grid))} processes needs "
                f"{math.prod(self.grid)} ranks, but there are {comm.size}"
            )
        self.comm, self.real, self.workers = comm, real, threads(comm)
        axes, self._inner = len(self.shape), self.grid
        if len(self.grid) == axes:  # no axis lies whole anywhere: pencils (slabs in 2-D) in between
            self._inner = _pencils(comm.size)[: axes - 1] if axes > 2 else (comm.size,)
            self._inner = self._inner if axes > 1 else ()
        self.place = tuple(int(i) for i in np.unravel_index(comm.rank, self.grid or (1,)))
        half = (*self.shape[:-1], self.shape[-1] // 2 + 1) if real else self.shape
        splits = _splits(axes, len(self._inner))
        self._stages = [Layout(half, split, self._inner) for split in splits]
        outer = tuple(range(len(self.grid))) + (None,) * (axes - len(self.grid))
        self.input = Layout(self.shape, outer, self.grid)
        self.untransposed = Layout(half, outer, self.grid)
        blocks = len(self.grid) == axes
        self.output = self.untransposed if blocks else self._stages[-1]
        self._moves: list[Exchange] = []
        self._entry = self._exit = None
        if comm.size > 1:
            for number, (a, b) in enumerate(zip(self._stages, self._stages[1:])):
                self._moves.append(self._move(a, b, len(self._inner) - 1 - number))
            if blocks:
                self._entry = self._move(self.input, Layout(self.shape, splits[0], self._inner))
                self._exit = self._move(self._stages[-1], self.untransposed)

    def _move(self, a: Layout, b: Layout, along: int | None = None) -> Exchange:
        """Return the exchange between two layouts: among the ranks along one axis of the grid."""
        ranks = list(range(self.comm.size))
        comm = self.comm
        if along is not None and len(self._inner) > 1:
            places = [np.unravel_index(rank, self._inner) for rank in ranks]
            here = places[self.comm.rank]
            ranks = [
                rank
                for rank in ranks
                if all(p == q for d, (p, q) in enumerate(zip(places[rank], here)) if d != along)
            ]
            comm = _family(self.comm, self._inner, along, ranks[0])
        blocks = [
            [layout.block(np.unravel_index(rank, layout.grid)) for rank in ranks]  # type: ignore[arg-type]
            for layout in (a, b)
        ]
        return Exchange(comm, *blocks)

    def forward(self, x: Array, transposed: bool = True) -> Array:
        """Return the transform of this rank's block, with the sign of :math:`e^{-ikx}`.

        Parameters
        ----------
        x : ndarray, the shape of this rank's block of `input`
            Real or complex, in single or double precision; not changed.
        transposed : bool
            Whether to leave it in the layout `output`; otherwise it comes in `untransposed`.

        Returns
        -------
        ndarray, the shape of this rank's block of that layout
        """
        if self._entry is not None:
            x = self._entry(x)
        kept = len(self._inner)  # axes that are split at the start
        whole = tuple(range(kept, len(self.shape)))
        y: Array = (scipy.fft.rfftn if self.real else scipy.fft.fftn)(
            x, axes=whole, workers=self.workers
        )
        if not self._moves and kept:  # one rank: the axes that a grid of one splits
            axes = tuple(range(kept))
            y = scipy.fft.fftn(y, axes=axes, overwrite_x=True, workers=self.workers)
        for axis, move in zip(reversed(range(kept)), self._moves):
            y = move(y)
            y = scipy.fft.fft(y, axis=axis, overwrite_x=True, workers=self.workers)
        if self._exit is not None:
            return self._exit(y)
        if not transposed:
            for move in reversed(self._moves):
                y = move(y, backward=True)
        return y

    def backward(self, y: Array, transposed: bool = True, overwrite: bool = False) -> Array:
        """Return this rank's block of the mesh, from its transform: the inverse times its cells.

        Parameters
        ----------
        y : ndarray, the shape of this rank's block of `output` (or `untransposed`)
            Of a real mesh, what is not Hermitian in it is ignored.
        transposed : bool
            In which of the two layouts `y` is.
        overwrite : bool
            Whether `y` may be spoilt, which saves a copy.

        Returns
        -------
        ndarray, the shape of this rank's block of `input`
        """
        kept = len(self._inner)
        keep = {"workers": self.workers, "norm": "forward"}
        if self._exit is not None:
            y, overwrite = self._exit(y, backward=True), True
        elif not transposed and self._moves:
            for move in self._moves:
                y = move(y)
            overwrite = True
        for axis, move in zip(range(kept), reversed(self._moves)):
            y = scipy.fft.ifft(y, axis=axis, overwrite_x=overwrite, **keep)
            y, overwrite = move(y, backward=True), True
        # the axes that were never split, and on one rank all others, but for the real one
        first = kept if self._moves else 0
        axes = tuple(range(first, len(self.shape) - (1 if self.real else 0)))
        if axes:
            y = scipy.fft.ifftn(y, axes=axes, overwrite_x=overwrite, **keep)
        if self.real:
            y = scipy.fft.irfft(y, self.shape[-1], axis=-1, **keep)
        return self._entry(y, backward=True) if self._entry is not None else y


def _family(comm: MPI.Comm, grid: tuple[int, ...], along: int, first: int) -> MPI.Comm:
    """Return the ranks along one axis of the grid: communicators are few, so they are kept."""
    kept: Any = comm.Get_attr(_FAMILIES)
    if kept is None:
        kept = {}
        comm.Set_attr(_FAMILIES, kept)
    if (grid, along) not in kept:
        kept[grid, along] = comm.Split(first, comm.rank)
    return kept[grid, along]


def _pencils(ranks: int) -> tuple[int, int]:
    """Return the two factors of a number that are closest to each other, the smaller first."""
    small = next(a for a in range(math.isqrt(ranks), 0, -1) if ranks % a == 0)
    return small, ranks // small


def _splits(axes: int, along: int) -> list[Split]:
    """Return how the mesh is split before the first exchange, and after each."""
    split: list[int | None] = [*range(along), *[None] * (axes - along)]
    stages = [tuple(split)]
    for axis in reversed(range(along)):
        split[axis + 1], split[axis] = split[axis], None
        stages.append(tuple(split))
    return stages


def _shape(block: tuple[slice, ...]) -> tuple[int, ...]:
    return tuple(part.stop - part.start for part in block)


def _overlap(block: tuple[slice, ...], other: tuple[slice, ...]) -> tuple[slice, ...]:
    """Return what two blocks share, counted from the start of the first; maybe of no cells."""
    shared = []
    for a, b in zip(block, other):
        start = max(a.start, b.start)
        stop = max(min(a.stop, b.stop), start)
        shared.append(slice(start - a.start, stop - a.start))
    return tuple(shared)


def _sizes(parts: Sequence[tuple[slice, ...]]) -> list[int]:
    return [math.prod(_shape(part)) for part in parts]


def _whole_planes(parts: Sequence[tuple[slice, ...]], shape: tuple[int, ...]) -> bool:
    """Return whether parts that fill an array, in their order, are runs of its first axis."""
    return all(_shape(part)[1:] == shape[1:] for part in parts if math.prod(_shape(part)))


def _packed(array: Array, parts: Sequence[tuple[slice, ...]]) -> Array:
    buffer: Array = np.empty(sum(_sizes(parts)), array.dtype)
    start = 0
    for part in parts:
        piece = array[part]
        buffer[start : start + piece.size].reshape(piece.shape)[...] = piece
        start += piece.size
    return buffer
