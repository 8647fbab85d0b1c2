"""A periodic box of cells over ranks: its transforms, what is painted on it and read from it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from . import kernels
from .compiled import share
from .exchange import Route
from .fft import Transform
from .kernels import ABOVE, BELOW

Array = NDArray[Any]

_UPPER = ABOVE - 1  # points of the rim above a rank's block


class Mesh:
    r"""A cubic mesh in a periodic box.

    Fields are in configuration space f(x) or have coefficients f_k with
    :math:`f(x) = \sum_k f_k e^{ikx}`. Every rank holds a block of each, in C order.

    Parameters
    ----------
    box : float
        Side in Mpc/h.
    cells : int
        Along a side.
    comm : MPI.Comm, optional
        The ranks; all of them by default.
    dtype : {"f4", "f8"}
        Precision of the fields; that of particles is always double.
    grid : tuple of int, optional
        Ranks along the first axes. A mesh of forces takes that of its lattice, so that particles
        are where their cells are.

    Attributes
    ----------
    start, shape : tuple of three int
        This rank's block in configuration space.
    padded : tuple of three int
        The shape of that block with its rim.
    tables : tuple of three ndarrays
        Where the points of the whole mesh lie in it, as `kernels` says.
    k : tuple of three ndarrays
        Wavenumbers along the axes of this rank's block in Fourier space, in h/Mpc; those at the
        Nyquist frequency are negative in the first two axes, positive in the last.

    Raises
    ------
    ValueError
        If there are so many ranks that their blocks are smaller than their rims.
    """

    def __init__(
        self,
        box: float,
        cells: int,
        comm: MPI.Comm | None = None,
        dtype: Literal["f4", "f8"] = "f4",
        grid: tuple[int, ...] | None = None,
    ):
        self.box, self.cells, self.dtype = float(box), int(cells), np.dtype(dtype)
        self.comm: MPI.Comm = MPI.COMM_WORLD if comm is None else comm
        self.grid = process_grid(cells, self.comm.size) if grid is None else grid
        self.transform = Transform((cells,) * 3, self.grid, self.comm)
        self.threads = self.transform.workers
        block = self.transform.input.block(self.transform.place)
        self.start = tuple(part.start for part in block)
        self.shape = tuple(part.stop - part.start for part in block)
        spectrum = self.transform.output.block(self.transform.place)
        whole = [np.fft.fftfreq(cells)] * 2 + [np.fft.rfftfreq(cells)]
        step = 2 * np.pi * cells / self.box
        self.k = tuple(step * axis[part] for axis, part in zip(whole, spectrum))
        kx2, ky2, kz2 = ((axis**2).astype(self.dtype) for axis in self.k)
        self._square: tuple[Array, Array, Array] = (kx2, ky2, kz2)
        # the array with its rim: whole axes have none
        self._split = tuple(size < cells for size in self.shape)
        self.padded = tuple(
            size + (BELOW + _UPPER) * split for size, split in zip(self.shape, self._split)
        )
        self._inside = tuple(
            slice(BELOW, BELOW + size) if split else slice(None)
            for size, split in zip(self.shape, self._split)
        )
        points = np.arange(-BELOW, cells + ABOVE)
        strides = (self.padded[1] * self.padded[2], self.padded[2], 1)
        planes, rows, columns = (
            _table(points - start + BELOW if split else points, cells, size, stride)
            for start, split, size, stride in zip(self.start, self._split, self.padded, strides)
        )
        self.tables = planes, rows, columns
        self._owners = self._ranks()

    @property
    def cell(self) -> float:
        """Side of a cell in Mpc/h."""
        return self.box / self.cells

    def _ranks(self) -> tuple[Array, Array]:
        grid = (*self.grid, 1, 1)[:2]
        owners = []
        for axis, weight in ((0, grid[1]), (1, 1)):
            edges = self.transform.input.edges(axis)
            owner = np.searchsorted(edges, np.arange(self.cells), side="right") - 1
            # one more: rounding may wrap a position just below zero to `cells`
            owners.append((np.append(owner, 0) * weight).astype(np.int32))
        return owners[0], owners[1]

    # --- fields -------------------------------------------------------------------------------

    def forward(self, field: Array) -> Array:
        """Return the coefficients of a field, times the number of cells."""
        return self.transform.forward(field)

    def backward(self, coefficients: Array, overwrite: bool = False) -> Array:
        """Return the field of given coefficients, which are spoilt if `overwrite` says so."""
        return self.transform.backward(coefficients, overwrite=overwrite)

    def divide_by_k2(self, field: Array, factor: float) -> None:
        """Multiply coefficients by factor / k^2, the mean by zero, in place."""
        number = self.dtype.type(factor)
        share(
            lambda low, high: kernels.divide_by_k2(*self._square, number, low, high, field),
            len(field),
            self.threads,
        )

    def band_pass(self, field: Array, low: float, high: float, factor: float) -> None:
        """Multiply coefficients by factor exp(-low^2 / k^2 - k^4 / high^4) / k^2, in place.

        The mean is multiplied by zero.
        """
        low_k, high_k, number = (self.dtype.type(value) for value in (low, high, factor))
        share(
            lambda i, j: kernels.band_pass(*self._square, low_k, high_k, number, i, j, field),
            len(field),
            self.threads,
        )

    # --- particles ----------------------------------------------------------------------------

    def route(self, x: Array) -> Route:
        """Return the way of particles to the ranks that have the mesh around them."""
        return Route(x, 1 / self.cell, self._owners, self.comm)

    def paint(self, x: Array) -> Array:
        """Return the number of particles in each cell, by cloud in cell.

        Parameters
        ----------
        x : ndarray (n, 3)
            Positions of particles that were routed to this rank.

        Returns
        -------
        ndarray, this rank's block
        """
        # summed in double precision, so that the order, and with it the ranks, leave no trace
        padded = np.zeros(self.padded)
        flat, plane = padded.reshape(-1), self.padded[1] * self.padded[2]
        share(
            lambda low, high: kernels.paint(
                x, 1 / self.cell, self.cells, self.tables, low * plane, high * plane, flat
            ),
            self.padded[0],
            self.threads,
        )
        for axis, split in enumerate(self._split):
            if split:
                self._fold(padded, axis)
        return np.ascontiguousarray(padded[self._inside], self.dtype)

    def add_gradient(self, field: Array, x: Array, factor: float, out: Array) -> None:
        """Add a multiple of a field's gradient at particles: its 4-point difference, read by CIC.

        Parameters
        ----------
        field : ndarray, this rank's block
            A mesh.
        x : ndarray (n, 3)
            Positions of particles that were routed to this rank.
        factor : float
            Of the gradient in units of field per Mpc/h.
        out : ndarray (n, 3)
            Changed in place.
        """
        flat, scale = self.with_rim(field).reshape(-1), 1 / self.cell
        share(
            lambda start, stop: kernels.add_gradient(
                x, scale, self.cells, self.tables, flat, factor * scale, start, stop, out
            ),
            len(x),
            self.threads,
        )

    # --- rims ---------------------------------------------------------------------------------

    def with_rim(self, field: Array) -> Array:
        """Return a field, this rank's block, with the rim that the loops of `kernels` read."""
        if not any(self._split):
            return field
        padded = np.empty(self.padded, field.dtype)
        padded[self._inside] = field
        for axis, split in enumerate(self._split):
            if split:
                self._fill(padded, axis)
        return padded

    def without_rim(self, padded: Array) -> Array:
        """Return this rank's block, with what its and others' rims hold added: a transpose."""
        if not any(self._split):
            return padded
        for axis in reversed(range(3)):
            if self._split[axis]:
                size = self.shape[axis]
                below = padded[_planes(axis, 0, BELOW)]
                above = padded[_planes(axis, BELOW + size, _UPPER)]
                first = self._pass(above, axis, up=True)
                padded[_planes(axis, size, BELOW)] += self._pass(below, axis, up=False)
                padded[_planes(axis, BELOW, _UPPER)] += first
        return np.ascontiguousarray(padded[self._inside])

    def _fill(self, padded: Array, axis: int) -> None:
        """Copy the rim of an array from the neighbours along an axis."""
        size = self.shape[axis]
        for first, thickness, target, up in (
            (size, BELOW, 0, True),  # my last planes are below the next one's block
            (BELOW, _UPPER, BELOW + size, False),  # my first are above that of the one before
        ):
            received = self._pass(padded[_planes(axis, first, thickness)], axis, up)
            padded[_planes(axis, target, thickness)] = received

    def _fold(self, padded: Array, axis: int) -> None:
        """Add what was painted above the block to the neighbour's first plane."""
        above = padded[_planes(axis, BELOW + self.shape[axis], 1)]
        padded[_planes(axis, BELOW, 1)] += self._pass(above, axis, up=True)

    def _pass(self, planes: Array, axis: int, up: bool) -> Array:
        """Send planes to the next rank along an axis (or the one before), return what comes."""
        grid, place = self.grid, self.transform.place
        ranks = []
        for step in (1, -1) if up else (-1, 1):
            other = list(place)
            other[axis] = (other[axis] + step) % grid[axis]
            ranks.append(int(np.ravel_multi_index(other, grid)))
        planes = np.ascontiguousarray(planes)
        received = np.empty_like(planes)
        self.comm.Sendrecv(planes, ranks[0], 0, received, ranks[1], 0)
        return received


def process_grid(cells: int, ranks: int) -> tuple[int, ...]:
    """Return the grid of processes: slabs while they are thick enough, then pencils."""
    thick = 4 * ABOVE
    if ranks == 1 or cells // ranks >= thick:
        return (ranks,)
    across = next(a for a in range(int(ranks**0.5), 0, -1) if ranks % a == 0)
    for grid in ((across, ranks // across), (ranks,)):
        smallest = min(cells - (-(-cells // parts)) * (parts - 1) for parts in grid)
        if smallest >= ABOVE:
            return grid
    raise ValueError(
        f"{ranks} ranks are too many for a mesh of {cells} cells along a side: their blocks would "
        f"have less than {ABOVE} cells; use fewer ranks or a finer mesh"
    )


def _table(points: Array, cells: int, size: int, stride: int) -> Array:
    """Return where points lie along an axis of the array; 0 for those that it does not have."""
    wrapped = points % cells
    return (np.where(wrapped < size, wrapped, 0) * stride).astype(np.uint64)


def _planes(axis: int, start: int, thickness: int) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, slice(start, start + thickness))
