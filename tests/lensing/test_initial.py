"""Noise is noise, its spectrum is the one asked for, and displacements are Lagrangian theory's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from mlsci.lensing import initial
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.mesh import Mesh

BOX, CELLS = 100.0, 16


def mesh(cells: int = CELLS) -> Mesh:
    return Mesh(BOX, cells, MPI.COMM_SELF, "f8")


def wave(cells: int, modes: tuple[int, int, int]) -> np.ndarray:
    phase = sum(
        mode * x for mode, x in zip(modes, np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"))
    )
    return np.cos(2 * np.pi * phase / cells)


def test_noise_is_gaussian_of_unit_variance_and_a_seed_repeats_it() -> None:
    noise = initial.white_noise(mesh(32), 7)
    assert noise.mean() == pytest.approx(0, abs=1e-12)
    assert noise.std() == pytest.approx(1, abs=5 / 256)  # 32^3 numbers: 1 / sqrt(2 N) is 1 / 256
    assert (noise**4).mean() == pytest.approx(3, abs=0.2)
    neighbours = (noise * np.roll(noise, 1, 0)).mean()
    assert neighbours == pytest.approx(0, abs=5 / 181)
    np.testing.assert_array_equal(noise, initial.white_noise(mesh(32), 7))
    assert abs((noise * initial.white_noise(mesh(32), 8)).mean()) < 5 / 181


def test_a_finer_mesh_has_the_same_large_scales() -> None:
    coarse, fine = (mesh(n).forward(initial.white_noise(mesh(n), 3)) * n**-1.5 for n in (16, 32))
    np.testing.assert_allclose(coarse[:8, :8, :8], fine[:8, :8, :8], atol=1e-12)
    np.testing.assert_allclose(coarse[-7:, :8, :8], fine[-7:, :8, :8], atol=1e-12)


def test_odd_meshes_are_refused() -> None:
    with pytest.raises(ValueError, match="even side, not of 15"):
        initial.white_noise(mesh(15), 1)


def test_density_has_the_spectrum_asked_for() -> None:
    def power(k: np.ndarray) -> np.ndarray:
        return 3000 * k / (0.1 + k) ** 2

    # noise of one kind of wave only
    delta = initial.linear_density(mesh(), wave(CELLS, (1, 2, 0)), power)
    k = 2 * np.pi / BOX * np.sqrt(5)
    field = mesh().backward(delta) / np.sqrt(power(k) / BOX**3 * CELLS**3)
    np.testing.assert_allclose(field, wave(CELLS, (1, 2, 0)), atol=1e-12)
    assert delta[0, 0, 0] == 0


def test_density_of_many_modes_has_the_mean_power() -> None:
    delta = initial.linear_density(mesh(32), initial.white_noise(mesh(32), 1), lambda k: 50 + 0 * k)
    measured = (np.abs(delta[1:, 1:, 1:-1]) ** 2).mean() * BOX**3
    assert measured == pytest.approx(50, rel=4 / np.sqrt(31 * 31 * 15))


def test_the_lattice_is_on_the_mesh_in_c_order() -> None:
    points = initial.lattice(mesh(4))
    np.testing.assert_array_equal(points[:2], [[0, 0, 0], [0, 0, 25]])
    np.testing.assert_array_equal(points[-1], [75, 75, 75])


def test_first_order_of_a_wave() -> None:
    # delta = cos kx: phi_1 = -cos(kx) / k^2, and psi_1 = -grad phi_1 = -sin(kx) / k
    k = 2 * np.pi / BOX
    delta = mesh().forward(wave(CELLS, (1, 0, 0))) / CELLS**3
    x, y, z = initial.first_order(mesh(), delta)
    expected = -np.sin(2 * np.pi * np.arange(CELLS) / CELLS) / k
    np.testing.assert_allclose(x, np.broadcast_to(expected[:, None, None], x.shape), atol=1e-12)
    np.testing.assert_allclose([y, z], 0, atol=1e-12)


def test_second_order_of_one_wave_is_nothing() -> None:
    delta = mesh().forward(wave(CELLS, (1, 0, 2))) / CELLS**3
    np.testing.assert_allclose(list(initial.second_order(mesh(), delta)), 0, atol=1e-11)


@pytest.mark.parametrize(("one", "two"), [(0, 1), (1, 2), (2, 0)])
def test_second_order_of_two_crossing_waves(one: int, two: int) -> None:
    # delta = cos kx + cos ky: the source is cos kx cos ky, and phi_2 = -cos kx cos ky / 2 k^2
    k = 2 * np.pi / BOX
    waves = [wave(CELLS, tuple(int(d == axis) for d in range(3))) for axis in (one, two)]  # type: ignore[arg-type]
    delta = mesh().forward(waves[0] + waves[1]) / CELLS**3
    psi = list(initial.second_order(mesh(), delta))
    sine = np.roll(waves[0], CELLS // 4, one)  # cos(u - pi/2)
    np.testing.assert_allclose(psi[one], sine * waves[1] / (2 * k), atol=1e-11)
    np.testing.assert_allclose(psi[3 - one - two], 0, atol=1e-11)


def test_momenta_are_the_rates_of_positions() -> None:
    cosmology = Cosmology()
    rng = np.random.default_rng(0)
    delta = mesh().forward(rng.standard_normal((CELLS,) * 3)) / CELLS**3
    a, step = 0.2, 1e-4
    p = initial.displaced(mesh(), delta, cosmology, a)[1]
    later, earlier = (
        initial.displaced(mesh(), delta, cosmology, a + sign * step)[0] for sign in (1, -1)
    )
    rate = a**3 * float(cosmology.expansion(a)) * (later - earlier) / (2 * step)
    np.testing.assert_allclose(p, rate, atol=1e-6 * np.abs(p).max())


SAME = """
    import numpy as np
    from mpi4py import MPI
    from mlsci.lensing import initial
    from mlsci.lensing.cosmology import Cosmology
    from mlsci.lensing.mesh import Mesh

    comm = MPI.COMM_WORLD

    def start(comm):
        mesh = Mesh(100.0, 16, comm, "f8")
        delta = initial.linear_density(mesh, initial.white_noise(mesh, 5), lambda k: 1e4 + 0 * k)
        x, p = initial.displaced(mesh, delta, Cosmology(), 0.1)
        block = tuple(slice(s, s + n) for s, n in zip(mesh.start, mesh.shape))
        return block, x.reshape(*mesh.shape, 3), p.reshape(*mesh.shape, 3)

    block, x, p = start(comm)
    _, x1, p1 = start(MPI.COMM_SELF)
    np.testing.assert_allclose(x, x1[block], rtol=0, atol=1e-12 * 100)
    np.testing.assert_allclose(p, p1[block], rtol=0, atol=1e-12 * 100)
    print("same")
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 4])
def test_any_number_of_ranks_starts_alike(ranks: int, on_ranks: Any) -> None:
    assert on_ranks(SAME, ranks).count("same") == ranks
