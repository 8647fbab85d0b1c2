"""The module `pfft`, which `pmesh` imports: PFFT's interface over the transforms of `fft`.

`pfft-python` downloads a tarball while it is built, and so cannot be had without a network. Import
this module before `pmesh`: where no real `pfft` is installed, it takes its place.

What differs from PFFT: arrays in memory are always in C order ("transposed" is only how they are
split over ranks), never padded, and inputs are never destroyed. Views and strides say so, and
`pmesh` asks them.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Sequence
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from .fft import Layout, Transform

Array = NDArray[Any]


class Flags(IntFlag):
    """Flags of a plan; only the two about transposition matter here."""

    PFFT_TRANSPOSED_NONE = 0
    PFFT_TRANSPOSED_IN = 1
    PFFT_TRANSPOSED_OUT = 2
    PFFT_ESTIMATE = 0
    PFFT_MEASURE = 4
    PFFT_PATIENT = 8
    PFFT_EXHAUSTIVE = 16
    PFFT_PRESERVE_INPUT = 32
    PFFT_DESTROY_INPUT = 64
    PFFT_PADDED_R2C = 128
    PFFT_PADDED_C2R = 256


class Direction(IntEnum):
    """Forward has the sign of :math:`e^{-ikx}`."""

    PFFT_FORWARD = -1
    PFFT_BACKWARD = 1


class Type(IntEnum):
    """Kinds of transforms, in double (PFFT) and single precision (PFFTF)."""

    PFFT_C2C = 0
    PFFT_R2C = 1
    PFFT_C2R = 2
    PFFTF_C2C = 4
    PFFTF_R2C = 5
    PFFTF_C2R = 6


_REAL = {Type.PFFT_R2C: "f8", Type.PFFTF_R2C: "f4", Type.PFFT_C2C: "c16", Type.PFFTF_C2C: "c8"}
_COMPLEX = {Type.PFFT_R2C: "c16", Type.PFFTF_R2C: "c8", Type.PFFT_C2C: "c16", Type.PFFTF_C2C: "c8"}


def split_size_2d(s: int) -> tuple[int, int]:
    """Return two numbers whose product is `s`, as close to each other as can be.

    The first may be the larger, by one: the search starts beside the root of `s`, as PFFT's does.
    """
    a = next(a for a in range(int(s**0.5) + 1, 0, -1) if s % a == 0)
    return a, s // a


class ProcMesh:
    """A grid of processes.

    Parameters
    ----------
    np : sequence of int
        Ranks along each axis of the grid.
    comm : MPI.Comm, optional
        The ranks; all of them by default.

    Raises
    ------
    RuntimeError
        If the grid does not have as many places as there are ranks.
    """

    def __init__(self, np: Sequence[int], comm: MPI.Comm | None = None):
        self.comm = MPI.COMM_WORLD if comm is None else comm
        self.rank = self.comm.rank
        self.ndim = len(np)
        self.np = _integers(np)
        if math.prod(map(int, np)) != self.comm.size:
            raise RuntimeError(
                f"a grid of {'×'.join(map(str, np))} processes does not fit {self.comm.size} ranks"
            )
        self.this = _integers(_place(self.rank, np))
        self.transforms: dict[tuple[tuple[int, ...], bool], Transform] = {}


class Partition:
    """How a mesh and its transform lie over the ranks: PFFT's `local_size`.

    Parameters
    ----------
    type : Type
        Which transform, of those from the mesh (R2C, C2C).
    n : sequence of int
        Cells along each axis.
    procmesh : ProcMesh
        The grid of processes.
    flags : Flags
        PFFT_TRANSPOSED_OUT leaves the transform split as it comes.
    """

    def __init__(self, type: int, n: Sequence[int], procmesh: ProcMesh, flags: int):  # noqa: A002
        self.type, self.flags, self.procmesh = Type(type), Flags(flags), procmesh
        self.n = _integers(n)
        self.ndim = len(self.n)
        real = self.type in (Type.PFFT_R2C, Type.PFFTF_R2C)
        key = (tuple(map(int, n)), real)
        if key not in procmesh.transforms:
            procmesh.transforms[key] = Transform(key[0], tuple(procmesh.np), procmesh.comm, real)
        self.transform = procmesh.transforms[key]
        self.i_dtype, self.o_dtype = np.dtype(_REAL[self.type]), np.dtype(_COMPLEX[self.type])
        layouts = self.transform.input, self.transform.output, self.transform.untransposed
        shapes = [_start_and_shape(layout, procmesh)[1] for layout in layouts]
        # in complex numbers; the same for both layouts, which may share a buffer
        self.alloc_local = max(math.prod(map(int, shape)) for shape in shapes)
        source = layouts[0]
        target = layouts[1 if self.flags & Flags.PFFT_TRANSPOSED_OUT else 2]
        self.ni, self.no = _integers(source.shape), _integers(target.shape)
        self.i_edges = [source.edges(axis) for axis in range(self.ndim)]
        self.o_edges = [target.edges(axis) for axis in range(self.ndim)]
        self.local_i_start, self.local_i_shape = _start_and_shape(source, procmesh)
        self.local_o_start, self.local_o_shape = _start_and_shape(target, procmesh)
        self.local_ni, self.local_no = self.local_i_shape.copy(), self.local_o_shape.copy()
        self.local_i_strides = _strides(self.local_i_shape, self.i_dtype)
        self.local_o_strides = _strides(self.local_o_shape, self.o_dtype)
        self.local_i_slice = source.block(tuple(procmesh.this))
        self.local_o_slice = self._block(target)

    def _block(self, layout: Layout) -> tuple[slice, ...]:
        return layout.block(_place(self.procmesh.rank, layout.grid))


class LocalBuffer:
    """Memory of a rank for its block of a mesh or its transform.

    Parameters
    ----------
    partition : Partition
        What it must have room for.
    base : LocalBuffer, optional
        Another buffer whose memory to use.
    """

    def __init__(self, partition: Partition, base: LocalBuffer | None = None):
        self.partition, self.base = partition, base
        if base is None:
            self._memory: Array = np.empty(partition.alloc_local, partition.o_dtype)
        elif base.partition.alloc_local != partition.alloc_local:
            raise ValueError("the buffer to share has another size: give one of the same mesh")
        else:
            self._memory = base._memory
        self.address = self._memory.ctypes.data

    def __contains__(self, other: LocalBuffer) -> bool:
        return self.address == other.address

    def view_raw(self) -> Array:
        """Return all of the memory, as real numbers."""
        return self._memory.view(self._memory.real.dtype)

    def view_input(self) -> Array:
        """Return the memory as this rank's block of the mesh."""
        return self._view(self.partition.i_dtype, self.partition.local_i_shape)

    def view_output(self) -> Array:
        """Return the memory as this rank's block of the transform."""
        return self._view(self.partition.o_dtype, self.partition.local_o_shape)

    def _view(self, dtype: np.dtype[Any], shape: Array) -> Array:
        cells = math.prod(map(int, shape))
        return self._memory.view(dtype)[:cells].reshape(tuple(map(int, shape)))


class Plan:
    """A transform in one direction between two buffers of a partition.

    Parameters
    ----------
    partition : Partition
        The layouts.
    direction : Direction
        Forward or backward.
    i, o : LocalBuffer
        From where to where (the same by default); the plan works for any others like them.
    type, flags : int, optional
        As PFFT has them; the partition says it all.
    """

    def __init__(
        self,
        partition: Partition,
        direction: int,
        i: LocalBuffer,
        o: LocalBuffer | None = None,
        type: int | None = None,  # noqa: A002
        flags: int | None = None,
    ):
        self.partition, self.direction = partition, Direction(direction)
        self.type = partition.type if type is None else Type(type)
        self.flags = partition.flags if flags is None else Flags(flags)
        self.inplace = o is None or o.address == i.address

    def execute(self, i: LocalBuffer, o: LocalBuffer | None = None) -> None:
        """Transform the content of one buffer into another; not normalized.

        Raises
        ------
        ValueError
            If the plan is in place and the buffers are not, or the other way round.
        """
        o = i if o is None else o
        if self.inplace != (i.address == o.address):
            raise ValueError("a plan in place needs one buffer, any other two: use the other plan")
        transform = self.partition.transform
        transposed = bool(self.partition.flags & Flags.PFFT_TRANSPOSED_OUT)
        # in the partition of the plan, which is not always that of the buffers
        i, o = LocalBuffer(self.partition, i), LocalBuffer(self.partition, o)
        if self.direction == Direction.PFFT_FORWARD:
            o.view_output()[...] = transform.forward(i.view_input(), transposed)
        else:
            o.view_input()[...] = transform.backward(i.view_output(), transposed)


def _integers(values: Sequence[int]) -> NDArray[np.intp]:
    return np.array([int(value) for value in values], dtype=np.intp)


def _place(rank: int, grid: Sequence[int]) -> tuple[int, ...]:
    """Return where a rank is in a grid; the last axis runs fastest."""
    place = []
    for parts in reversed([int(parts) for parts in grid]):
        rank, i = divmod(rank, parts)
        place.append(i)
    return tuple(reversed(place))


def _start_and_shape(
    layout: Layout, procmesh: ProcMesh
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    block = layout.block(_place(procmesh.rank, layout.grid))
    return (
        _integers([part.start for part in block]),
        _integers([part.stop - part.start for part in block]),
    )


def _strides(shape: NDArray[np.intp], dtype: np.dtype[Any]) -> NDArray[np.intp]:
    cells = [math.prod(map(int, shape[axis + 1 :])) for axis in range(len(shape))]
    return _integers(cells) * dtype.itemsize


if "pfft" not in sys.modules and importlib.util.find_spec("pfft") is None:
    sys.modules["pfft"] = sys.modules[__name__]
