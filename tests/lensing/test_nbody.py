"""Forces and steps keep what nature keeps: momentum, symmetries, growth, and the way back."""

from __future__ import annotations

import itertools
from typing import Any, Literal

import numpy as np
import pytest
from mpi4py import MPI

from mlsci.lensing import initial, nbody
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.forces import add_force
from mlsci.lensing.mesh import Mesh

Precision = Literal["f4", "f8"]
COSMOLOGY = Cosmology()
BOX, SIDE = 64.0, 16


def mesh(dtype: Precision = "f8", boost: int = 2, side: int = SIDE, box: float = BOX) -> Mesh:
    return Mesh(box, boost * side, MPI.COMM_SELF, dtype)


def noise(side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((side,) * 3)


def start(
    amplitude: float = 1.0, dtype: Precision = "f8", a: float = 0.1, box: float = BOX
) -> nbody.State:
    lattice = Mesh(box, SIDE, MPI.COMM_SELF, "f8")
    power = amplitude**2 * 500
    delta = initial.linear_density(lattice, noise(SIDE), lambda k: power * (k / 0.1) ** -1.5)
    x, p = initial.displaced(lattice, delta, COSMOLOGY, a)
    return nbody.State(x, p, a, mesh(dtype, box=box))


def force(x: np.ndarray, where: Mesh) -> np.ndarray:
    result = np.zeros_like(x)
    add_force(where, x, 1.0, result)
    return result


# --- forces -----------------------------------------------------------------------------------


def test_force_is_that_of_three_inverse_transforms() -> None:
    # the definition: spectral inverse Laplacian, FastPM's kernel of first order, read by CIC
    m = mesh()
    x = start().x + 5 * np.random.default_rng(1).standard_normal((SIDE**3, 3))
    delta = m.forward(m.paint(x)) * m.cells**3 / len(x)
    k = [axis.reshape([-1 if d == i else 1 for d in range(3)]) for i, axis in enumerate(m.k)]
    k2 = k[0] ** 2 + k[1] ** 2 + k[2] ** 2
    inverse = np.divide(-1, k2, out=np.zeros_like(k2), where=k2 > 0)
    found = force(x, m)
    scale = np.abs(found).max()
    u = x / m.cell
    below = np.floor(u).astype(int)
    for axis in range(3):
        w = k[axis] * m.cell
        kernel = -1j * (8 * np.sin(w) - np.sin(2 * w)) / (6 * m.cell)
        grid = m.backward(delta * inverse * kernel) / m.cells**3
        read = np.zeros(len(x))
        for corner in itertools.product((0, 1), repeat=3):
            weight = np.prod(np.where(corner, u - below, 1 - (u - below)), axis=1)
            read += weight * grid[tuple(((below + corner) % m.cells).T)]
        np.testing.assert_allclose(found[:, axis], read, atol=1e-13 * scale)


@pytest.mark.parametrize(("dtype", "tolerance"), [("f4", 1e-6), ("f8", 1e-14)])
def test_forces_sum_to_nothing(dtype: Precision, tolerance: float) -> None:
    x = start(3.0).x
    f = force(x, mesh(dtype))
    assert np.abs(f.sum(0)).max() < tolerance * np.abs(f).sum()


@pytest.mark.parametrize(("dtype", "tolerance"), [("f4", 1e-6), ("f8", 1e-14)])
def test_a_lattice_feels_no_force(dtype: Precision, tolerance: float) -> None:
    lattice = initial.lattice(Mesh(BOX, SIDE, MPI.COMM_SELF, "f8"))
    assert np.abs(force(lattice, mesh(dtype))).max() < tolerance * BOX


def test_forces_move_and_turn_with_the_particles() -> None:
    x, m = start(3.0).x, mesh()
    f = force(x, m)
    scale = np.abs(f).max()
    shift = np.array([3, -40, 70]) * m.cell  # whole cells, beyond the box
    np.testing.assert_allclose(force(x + shift, m), f, atol=1e-12 * scale)
    turned = x[:, [1, 2, 0]] * [1, -1, 1]
    np.testing.assert_allclose(force(turned, m), f[:, [1, 2, 0]] * [1, -1, 1], atol=1e-12 * scale)


def test_particles_attract_each_other() -> None:
    x = np.array([[20.0, 30, 30], [26.0, 30, 30]])
    f = force(x, mesh())
    assert f[0, 0] > 0 > f[1, 0]
    np.testing.assert_allclose(f[0], -f[1], atol=1e-12 * f[0, 0])
    # 1 / (4 pi r^2) of a point mass, of the density of half the particles in all the box
    far = np.array([[10.0, 30, 30], [23.0, 30, 30]])
    newton = BOX**3 / 2 / (4 * np.pi * 13**2)
    assert force(far, mesh())[0, 0] == pytest.approx(newton, rel=0.05)  # and its periodic images


# --- steps ------------------------------------------------------------------------------------


def test_momentum_is_kept() -> None:
    state = start(2.0)
    before = state.p.sum(0)
    after = nbody.evolve(state, COSMOLOGY, nbody.linear_steps(0.1, 1.0, 5))
    np.testing.assert_allclose(after.p.sum(0), before, rtol=0, atol=1e-13 * np.abs(after.p).sum())


def test_the_way_back_ends_where_it_began() -> None:
    state = start()
    x, p = state.x.copy(), state.p.copy()
    steps = nbody.linear_steps(0.1, 1.0, 10)
    there = nbody.evolve(state, COSMOLOGY, steps)
    assert np.abs(there.x - x).max() > 1
    back = nbody.evolve(there, COSMOLOGY, steps[::-1])
    assert back.a == pytest.approx(0.1)
    np.testing.assert_allclose(back.x, x, rtol=0, atol=1e-10 * BOX)
    np.testing.assert_allclose(back.p, p, rtol=0, atol=1e-10 * np.abs(there.p).max())


def test_a_stop_on_the_way_changes_nothing() -> None:
    steps = nbody.linear_steps(0.1, 1.0, 6)
    whole = nbody.evolve(start(), COSMOLOGY, steps)
    half = nbody.evolve(start(), COSMOLOGY, steps[:4])
    rest = nbody.evolve(half, COSMOLOGY, steps[3:])
    np.testing.assert_allclose(rest.x, whole.x, rtol=0, atol=1e-11 * BOX)
    np.testing.assert_allclose(rest.p, whole.p, rtol=0, atol=1e-11 * np.abs(whole.p).max())


def test_the_callback_can_foretell_every_step() -> None:
    seen: list[tuple[float, float]] = []
    foretold: list[np.ndarray] = []

    def look(a_start: float, a_end: float, x: np.ndarray, p: np.ndarray) -> None:
        if foretold:
            np.testing.assert_allclose(x, foretold.pop(), rtol=0, atol=1e-12)
        seen.append((a_start, a_end))
        factor = COSMOLOGY.drift(nbody.middle(a_start, a_end), a_start, a_end)
        foretold.append(x + float(factor) * p)

    end = nbody.evolve(start(), COSMOLOGY, [0.1, 0.3, 0.4, 1.0], look)
    assert seen == [(0.1, 0.3), (0.3, 0.4), (0.4, 1.0)]
    np.testing.assert_allclose(end.x, foretold.pop(), rtol=0, atol=1e-12)


def test_steps_turn_with_the_universe() -> None:
    steps = nbody.linear_steps(0.1, 1.0, 4)
    end = nbody.evolve(start(), COSMOLOGY, steps)
    other = start()
    other.x, other.p = other.x[:, [2, 0, 1]] * [-1, 1, 1], other.p[:, [2, 0, 1]] * [-1, 1, 1]
    turned = nbody.evolve(other, COSMOLOGY, steps)
    np.testing.assert_allclose(turned.x, end.x[:, [2, 0, 1]] * [-1, 1, 1], rtol=0, atol=1e-9)


def test_wrong_steps_are_refused() -> None:
    state = start()
    with pytest.raises(ValueError, match="begin them at the state's"):
        nbody.evolve(state, COSMOLOGY, [0.2, 1.0])
    for steps in ([0.1], [0.1, 0.5, 0.3], [0.1, 0.1]):
        with pytest.raises(ValueError, match="grow or fall"):
            nbody.evolve(state, COSMOLOGY, steps)
    state.p[3, 1] = np.nan
    with pytest.raises(FloatingPointError, match="infinite or NaN"):
        nbody.evolve(state, COSMOLOGY, [0.1, 1.0])


def growth_of_a_wave(side: int, steps: int) -> float:
    """How much a long wave of tiny amplitude grows from a = 0.1 to 1, over linear theory."""
    lattice = Mesh(100.0, side, MPI.COMM_SELF, "f8")
    phase = 2 * np.pi * np.arange(side) / side
    wave = np.broadcast_to(np.cos(phase)[:, None, None], (side,) * 3)
    delta = lattice.forward(np.ascontiguousarray(wave)) * 1e-5 / side**3
    x, p = initial.displaced(lattice, delta, COSMOLOGY, 0.1)
    state = nbody.State(x, p, 0.1, Mesh(100.0, 2 * side, MPI.COMM_SELF, "f8"))
    end = nbody.evolve(state, COSMOLOGY, nbody.linear_steps(0.1, 1.0, steps))
    moved = (end.x - initial.lattice(lattice))[:, 0].reshape((side,) * 3)[:, 0, 0]
    # the displacement is -D1 sin(kx) / k
    return float(-2 * np.mean(moved * np.sin(phase)) / 1e-5 * 2 * np.pi / 100)


@pytest.mark.parametrize("steps", [3, 10])
def test_linear_growth_is_exact_on_a_fine_mesh(steps: int) -> None:
    # clouds blur a wave by 1 - (kh)^2 / 6: the growth of two meshes is extrapolated to h = 0
    coarse, fine = (growth_of_a_wave(side, steps) for side in (32, 64))
    assert fine == pytest.approx(1, abs=2e-3)
    assert (4 * fine - coarse) / 3 == pytest.approx(1, abs=1e-4)


def test_second_order_agrees_with_many_small_steps() -> None:
    # the particle mesh itself, with initial conditions of both signs: odd orders cancel in the sum
    side = 32
    lattice = Mesh(BOX, side, MPI.COMM_SELF, "f8")
    k = 2 * np.pi / BOX
    q = initial.lattice(lattice)
    field = (np.cos(k * q[:, 0]) + np.cos(k * q[:, 1] + 1)).reshape((side,) * 3)
    found, theory = np.zeros_like(q), np.zeros_like(q)
    for sign in (0.1, -0.1):
        delta = lattice.forward(field) * sign / side**3
        x, p = initial.displaced(lattice, delta, COSMOLOGY, 0.02)
        state = nbody.State(x, p, 0.02, mesh(side=side))
        found += nbody.evolve(state, COSMOLOGY, np.geomspace(0.02, 1, 21)).x - q
        theory += initial.displaced(lattice, delta, COSMOLOGY, 1.0)[0] - q
    # beside it, clouds of particles that sit on mesh points have an error of first order, |d|
    assert (found * theory).sum() / (theory**2).sum() == pytest.approx(1, abs=0.02)


@pytest.mark.slow
def test_large_scales_grow_linearly_to_a_percent() -> None:
    from mlsci.lensing.power import LinearPower

    side, box = 64, 1500.0
    lattice = Mesh(box, side, MPI.COMM_SELF, "f8")
    power = LinearPower(COSMOLOGY, "eisenstein_hu")
    force_mesh = Mesh(box, 2 * side, MPI.COMM_SELF, "f4")
    k2 = sum(
        axis.reshape([-1 if d == i else 1 for d in range(3)]) ** 2
        for i, axis in enumerate(force_mesh.k)
    )
    low = (k2 > 0) & (k2 < (4 * 2 * np.pi / box) ** 2)
    ratios = []
    for seed in range(2):
        delta = initial.linear_density(lattice, noise(side, seed), power)
        x, p = initial.displaced(lattice, delta, COSMOLOGY, 0.1)
        powers = []
        for a in (0.1, 1.0):
            if a == 1:
                state = nbody.State(x, p, 0.1, force_mesh)
                x = nbody.evolve(state, COSMOLOGY, nbody.linear_steps(0.1, 1, 10)).x
            modes = force_mesh.forward(force_mesh.paint(x)) / side**3
            linear = delta[_small(low, lattice)] * float(COSMOLOGY.growth1(a))
            powers.append((np.abs(modes[low]) ** 2).sum() / (np.abs(linear) ** 2).sum())
        ratios.append(powers)
    assert np.mean(ratios, 0) == pytest.approx([1, 1], abs=0.01)


def _small(low: np.ndarray, lattice: Mesh) -> tuple[np.ndarray, ...]:
    """The same modes on the smaller mesh of the lattice, in the same order."""
    n = low.shape[0]
    i, j, k = np.nonzero(low)
    signed = [np.where(axis < n // 2, axis, axis - n) for axis in (i, j)]
    return (*(axis % lattice.cells for axis in signed), k)


SAME = """
    import sys
    import numpy as np
    from mpi4py import MPI
    from mlsci.lensing import initial, nbody, sharpening
    from mlsci.lensing.cosmology import Cosmology
    from mlsci.lensing.mesh import Mesh

    dtype, tolerance = sys.argv[1], float(sys.argv[2])

    def end(comm):
        lattice = Mesh(64.0, 16, comm, "f8")
        block = tuple(slice(s, s + n) for s, n in zip(lattice.start, lattice.shape))
        noise = np.random.default_rng(0).standard_normal((16,) * 3)[block]
        delta = initial.linear_density(lattice, noise, lambda k: 500 * (k / 0.1) ** -1.5)
        x, p = initial.displaced(lattice, delta, Cosmology(), 0.1)
        state = nbody.State(x, p, 0.1, Mesh(64.0, 32, comm, dtype, lattice.grid))
        state = nbody.evolve(state, Cosmology(), nbody.linear_steps(0.1, 1.0, 5))
        sharp = sharpening.displacement(
            state.mesh, state.x, sharpening.PUBLISHED[11, 2.0, 2], 1.0
        )
        return block, [v.reshape(*lattice.shape, 3) for v in (state.x, state.p, sharp)]

    block, parts = end(MPI.COMM_WORLD)
    _, whole = end(MPI.COMM_SELF)
    for part, all_ in zip(parts, whole):
        scale = np.abs(all_).max()
        np.testing.assert_allclose(part, all_[block], rtol=0, atol=tolerance * scale)
    print("same")
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize(("dtype", "tolerance"), [("f4", 1e-5), ("f8", 1e-12)])
def test_any_number_of_ranks_ends_alike(
    ranks: int, dtype: str, tolerance: float, on_ranks: Any
) -> None:
    assert on_ranks(SAME, ranks, dtype, str(tolerance)).count("same") == ranks
