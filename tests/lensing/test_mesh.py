"""What is painted is kept, what is read is interpolated, on any mesh and from any thread."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mpi4py import MPI

from mlsci.lensing.mesh import Mesh, process_grid

BOX, CELLS = 10.0, 12
Precision = Literal["f4", "f8"]

# anywhere, also far outside of the box and on its edges
positions = arrays(
    np.float64,
    st.tuples(st.integers(1, 20), st.just(3)),
    elements=st.one_of(
        st.floats(-3 * BOX, 3 * BOX), st.sampled_from([0.0, BOX, -BOX, -1e-17, 2 * BOX / CELLS])
    ),
)


def mesh(dtype: Precision = "f8", cells: int = CELLS) -> Mesh:
    return Mesh(BOX, cells, MPI.COMM_SELF, dtype)


def cloud_in_cell(x: np.ndarray, cells: int) -> np.ndarray:
    """The plain definition: each point takes the product of triangles in the three directions."""
    grid = np.arange(cells)
    result = np.zeros((cells,) * 3)
    for position in x * cells / BOX:
        far = [np.abs((grid - u + cells / 2) % cells - cells / 2) for u in position]
        a, b, c = (np.clip(1 - d, 0, None) for d in far)
        result += a[:, None, None] * b[:, None] * c
    return result


@given(positions)
@settings(max_examples=50)
def test_painting_is_cloud_in_cell(x: np.ndarray) -> None:
    painted = mesh().paint(x)
    np.testing.assert_allclose(painted, cloud_in_cell(x, CELLS), atol=1e-12)
    assert painted.sum() == pytest.approx(len(x))


@given(positions, st.tuples(*[st.integers(-2 * CELLS, 2 * CELLS)] * 3))
@settings(max_examples=25)
def test_painting_moves_with_the_particles(x: np.ndarray, cells: tuple[int, ...]) -> None:
    moved = mesh().paint(x + np.array(cells) * BOX / CELLS)
    np.testing.assert_allclose(moved, np.roll(mesh().paint(x), cells, (0, 1, 2)), atol=1e-12)


@given(positions)
@settings(max_examples=25)
def test_gradient_is_the_difference_of_four_points(x: np.ndarray) -> None:
    # read by cloud in cell: the sum over the mesh with what the particle alone would paint
    field = np.random.default_rng(1).standard_normal((CELLS,) * 3)
    out = np.ones((len(x), 3))
    mesh().add_gradient(field, x, 2.0, out)
    h = BOX / CELLS
    for axis in range(3):
        p1, m1, p2, m2 = (np.roll(field, -shift, axis) for shift in (1, -1, 2, -2))
        slope = (8 * (p1 - m1) - (p2 - m2)) / (12 * h)
        for particle, value in zip(x, out[:, axis]):
            weights = cloud_in_cell(particle[None], CELLS)
            assert value == pytest.approx(1 + 2 * (weights * slope).sum(), abs=1e-11)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_threads_do_not_change_a_bit(dtype: Precision) -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(-BOX, 2 * BOX, (500, 3))
    field = rng.standard_normal((CELLS,) * 3).astype(dtype)
    results = []
    for threads in (1, 2, 5):
        one = mesh(dtype)
        one.threads = threads
        gradient, modes = np.zeros((500, 3)), one.forward(field)
        one.add_gradient(field, x, 1.0, gradient)
        one.divide_by_k2(modes, 3.0)
        one.band_pass(modes, 1.0, 2.0, 3.0)
        results.append((one.paint(x), gradient, modes))
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_filters_multiply_modes(dtype: Precision) -> None:
    m = mesh(dtype)
    modes = m.forward(np.random.default_rng(3).standard_normal((CELLS,) * 3).astype(dtype))
    k2 = m.k[0][:, None, None] ** 2 + m.k[1][:, None] ** 2 + m.k[2] ** 2
    inverse = np.divide(1, k2, out=np.zeros_like(k2), where=k2 > 0)
    tolerance = {"f4": 1e-5, "f8": 1e-13}[dtype]
    poisson, band = modes.copy(), modes.copy()
    m.divide_by_k2(poisson, -2.0)
    np.testing.assert_allclose(poisson, -2 * inverse * modes, rtol=tolerance)
    m.band_pass(band, 0.5, 3.0, -2.0)
    passed = np.exp(-0.25 * inverse - k2**2 / 81) * inverse
    np.testing.assert_allclose(band, -2 * passed * modes, rtol=tolerance, atol=1e-20)


def test_ranks_take_slabs_then_pencils_and_too_many_are_refused() -> None:
    assert process_grid(256, 4) == (4,)
    assert process_grid(64, 16) == (4, 4)
    with pytest.raises(ValueError, match="too many for a mesh of 16 cells"):
        process_grid(16, 64)


PARTS = """
    import numpy as np
    from mpi4py import MPI
    from mlsci.lensing import mesh as module
    from mlsci.lensing.mesh import Mesh

    comm, box, cells = MPI.COMM_WORLD, 7.0, 16
    rng = np.random.default_rng(4)
    x = rng.uniform(-box, 2 * box, (300, 3))
    x[:4] = [[0, 0, 0], [-1e-17, box, box], [box, -1e-17, 0], [2 * box, 2 * box, -box]]
    field = rng.standard_normal((cells,) * 3)
    whole = Mesh(box, cells, MPI.COMM_SELF, "f8")
    expected = np.zeros_like(x)
    whole.add_gradient(field, x, 1.0, expected)
    mine = np.array_split(np.arange(len(x)), comm.size)[comm.rank]
    grids = {1: [(1,)], 2: [(2,), (1, 2), (2, 1)], 4: [(4,), (2, 2), (1, 4)]}
    for grid in grids[comm.size]:
        module.process_grid = lambda cells, ranks: grid if ranks > 1 else (1,)
        m = Mesh(box, cells, comm, "f8")
        block = tuple(slice(s, s + n) for s, n in zip(m.start, m.shape))
        route = m.route(x[mine])
        here = route.there(x[mine])
        np.testing.assert_array_equal(route.back(here), x[mine])
        np.testing.assert_allclose(m.paint(here), whole.paint(x)[block], atol=1e-12)
        out = np.zeros_like(here)
        m.add_gradient(field[block].copy(), here, 1.0, out)
        np.testing.assert_allclose(route.back(out), expected[mine], atol=1e-12)
    print("same")
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_parts_of_a_mesh_are_the_whole(ranks: int, on_ranks: Any) -> None:
    assert on_ranks(PARTS, ranks).count("same") == ranks
