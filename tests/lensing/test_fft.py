"""The parallel transforms agree with NumPy's, whichever way the mesh is split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpi4py import MPI

from mlsci.lensing.fft import Transform, edges, threads

# every way to split meshes of odd and even sides, with blocks of unequal size and none at all
ALL_GRIDS = """
    import itertools, sys
    import numpy as np
    from mpi4py import MPI
    from mlsci.lensing.fft import Transform

    comm = MPI.COMM_WORLD
    grids = [
        grid
        for axes in (1, 2, 3)
        for grid in itertools.product(range(1, comm.size + 1), repeat=axes)
        if np.prod(grid) == comm.size
    ]
    worst = 0.0
    rng = np.random.default_rng(5)
    for shape, grid, real in itertools.product([(8, 6, 10), (5, 7, 9), (12, 8)], grids, (0, 1)):
        if len(grid) > len(shape):
            continue
        x = rng.standard_normal(shape) if real else rng.standard_normal((*shape, 2)) @ [1, 1j]
        expected = (np.fft.rfftn if real else np.fft.fftn)(x)
        transform = Transform(shape, grid, comm, bool(real))

        def mine(layout):
            return layout.block(np.unravel_index(comm.rank, layout.grid))

        part = x[mine(transform.input)].copy()
        for transposed in (True, False):
            y = transform.forward(part, transposed)
            layout = transform.output if transposed else transform.untransposed
            z = transform.backward(y, transposed) / np.prod(shape)
            if y.size:
                worst = max(worst, np.abs(y - expected[mine(layout)]).max())
            if z.size:
                worst = max(worst, np.abs(z - part).max())
            assert np.array_equal(part, x[mine(transform.input)])  # the input is kept
    worst = comm.allreduce(worst, MPI.MAX)
    if comm.rank == 0:
        print(worst)
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_every_split_gives_the_transform(ranks: int, on_ranks: Any) -> None:
    assert float(on_ranks(ALL_GRIDS, ranks)) < 1e-12


@given(st.integers(1, 50), st.integers(1, 12))
def test_edges_cover_the_axis_once(cells: int, parts: int) -> None:
    bounds = edges(cells, parts)
    sizes = np.diff(bounds)
    assert bounds[0] == 0
    assert bounds[-1] == cells
    assert (sizes >= 0).all()
    assert (np.diff(sizes) <= 0).all()  # the smaller and the empty come last


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_precision_is_kept(dtype: str) -> None:
    transform = Transform((8, 8, 8), (1,), MPI.COMM_SELF)
    x = np.random.default_rng(0).standard_normal((8, 8, 8)).astype(dtype)
    y = transform.forward(x)
    assert y.dtype.itemsize == 2 * x.dtype.itemsize
    assert transform.backward(y).dtype == x.dtype


def test_grids_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 2 ranks, but there are 1"):
        Transform((8, 8, 8), (2,), MPI.COMM_SELF)
    with pytest.raises(ValueError, match="cannot be split along 3"):
        Transform((8, 8), (1, 1, 1), MPI.COMM_SELF)


def test_threads_obey_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads(MPI.COMM_SELF) == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads(MPI.COMM_SELF) >= 1
