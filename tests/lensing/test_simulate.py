"""Whole runs: rank counts, interruptions, and linear theory."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from mpi4py import MPI
from scipy.ndimage import map_coordinates

from mlsci.lensing import initial, nbody, simulate
from mlsci.lensing.convergence import sharpen
from mlsci.lensing.cosmology import HUBBLE_DISTANCE, Cosmology
from mlsci.lensing.lightcone import Field, LightCone, depths
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.power import LinearPower
from mlsci.lensing.settings import RefusedError, Settings
from mlsci.lensing.sharpening import Sharpening
from mlsci.lensing.statistics import smooth
from mlsci.lensing.tiling import stack

SMALL = Settings(
    particles=16, box=256.0, pixels=32, degrees=6.0, stages=6, sources=(0.5, 1.0), planes=5,
    sharpening=Sharpening(0.3, 2.0, 0.01, -2.0), precision="f8", transfer="eisenstein_hu", seed=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def whole():
    return simulate.simulate(SMALL, MPI.COMM_SELF)


def close(one, two, tolerance=1e-11):
    scale = np.abs(two).max()
    np.testing.assert_allclose(one, two, rtol=0, atol=tolerance * scale)


def test_maps_are_of_the_size_and_kind_asked_for(whole):
    assert whole.kappa.shape == (2, 32, 32)
    assert np.all(whole.kappa.std((1, 2)) > 1e-3)
    assert len(whole.planes) == 5
    assert whole.shot_noise.shape == (2,)
    # Near sources are lensed by part of what lenses far ones.
    assert np.corrcoef(whole.kappa[0].ravel(), whole.kappa[1].ravel())[0, 1] > 0.3


def test_the_seed_decides_and_nothing_else(whole):
    close(simulate.simulate(SMALL, MPI.COMM_SELF).kappa, whole.kappa)
    other = simulate.simulate(dataclasses.replace(SMALL, seed=6), MPI.COMM_SELF)
    assert np.abs(np.corrcoef(other.kappa[1].ravel(), whole.kappa[1].ravel())[0, 1]) < 0.5


@pytest.mark.parametrize("integrator", ["leapfrog", "bullfrog"])
def test_a_run_goes_on_from_its_last_snapshot(whole, tmp_path, integrator):
    settings = dataclasses.replace(SMALL, integrator=integrator)
    if integrator != SMALL.integrator:
        whole = simulate.simulate(settings, MPI.COMM_SELF)

    class InterruptionError(Exception):
        pass

    def stop(done, total, what):
        if done == 4:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        simulate.simulate(settings, MPI.COMM_SELF, progress=stop, snapshots=tmp_path)
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == ["step-0001.h5", "step-0002.h5", "step-0003.h5"]
    said = []
    got = simulate.simulate(
        settings, MPI.COMM_SELF, progress=lambda *what: said.append(what), snapshots=tmp_path,
        resume=True,
    )  # fmt: skip
    assert said[0] == (3, len(settings.times) - 1, "read from the last snapshot")
    close(got.kappa, whole.kappa, 1e-9)
    close(got.planes[2][1], whole.planes[2][1], 1e-9)
    assert got.counted == whole.counted
    with pytest.raises(RefusedError, match="other settings"):
        simulate.simulate(
            dataclasses.replace(settings, seed=1), MPI.COMM_SELF, snapshots=tmp_path, resume=True
        )


def test_the_integrator_is_that_of_the_settings_and_shows_every_particle_as_often(whole):
    said = []
    settings = dataclasses.replace(SMALL, integrator="bullfrog", sharpening=None)
    got = simulate.simulate(settings, MPI.COMM_SELF, progress=lambda *what: said.append(what[:2]))
    assert said == [(done, 6) for done in range(7)]  # as many forces, one step more
    assert np.corrcoef(got.kappa[1].ravel(), whole.kappa[1].ravel())[0, 1] > 0.98
    # Few cross the light cone's edge or the field's in one and not the other.
    assert got.counted == pytest.approx(whole.counted, rel=0.02)


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize(
    ("ranks", "precision", "integrator"),
    [(2, "f8", "leapfrog"), (4, "f8", "leapfrog"), (2, "f4", "leapfrog"), (2, "f8", "bullfrog")],
)
def test_any_number_of_ranks_gives_the_same(on_ranks, tmp_path, ranks, precision, integrator):
    script = """
        import json, sys
        import numpy as np
        from mpi4py import MPI
        from mlsci.lensing.settings import Settings
        from mlsci.lensing.simulate import simulate
        settings = Settings.from_json(json.loads(sys.argv[2]))
        maps = simulate(settings)
        if MPI.COMM_WORLD.rank == 0:
            np.savez(sys.argv[1], kappa=maps.kappa, counted=maps.counted, plane=maps.planes[1][1])
    """
    settings = dataclasses.replace(SMALL, particles=32, precision=precision, integrator=integrator)
    on_ranks(script, ranks, str(tmp_path / "maps.npz"), json.dumps(settings.to_json()))
    alone = simulate.simulate(settings, MPI.COMM_SELF)
    with np.load(tmp_path / "maps.npz") as got:
        tolerance = 1e-12 if precision == "f8" else 1e-7
        for one, two in ((got["kappa"], alone.kappa), (got["plane"], alone.planes[1][1])):
            assert np.linalg.norm(one - two) < tolerance * np.linalg.norm(two)


def test_without_sub_evolution_maps_are_alike_and_not_the_same(whole):
    got = simulate.simulate(dataclasses.replace(SMALL, sub_evolution=False), MPI.COMM_SELF)
    both = np.corrcoef(got.kappa[1].ravel(), whole.kappa[1].ravel())[0, 1]
    assert 0.5 < both < 0.9999


def test_rays_follow_the_planes(whole):
    near, far = simulate.traced(SMALL, whole)
    assert np.corrcoef(near.kappa.ravel(), whole.kappa[0].ravel())[0, 1] > 0.9
    assert np.corrcoef(far.kappa.ravel(), whole.kappa[1].ravel())[0, 1] > 0.9
    assert far.omega.std() < 0.05 * far.kappa.std()
    with pytest.raises(RefusedError, match="lens planes"):
        simulate.traced(dataclasses.replace(SMALL, planes=0), dataclasses.replace(whole, planes=()))


@pytest.mark.mpi
@pytest.mark.slow
def test_meshes_too_thin_for_ranks_are_refused(on_ranks):
    script = """
        from mlsci.lensing.settings import RefusedError, Settings
        from mlsci.lensing.simulate import simulate
        try:
            simulate(Settings(particles=4, sharpening=None, transfer="eisenstein_hu"))
        except RefusedError as error:
            print(error)
    """
    assert "too many" in on_ranks(script, 4)


def test_linear_growth_in_the_light_cone():
    """Maps of a lattice hardly displaced are integrals of W D1 delta along each line of sight."""
    box, cells, tiny, z, a = 512.0, 64, 1e-3, 0.17, 0.8
    pixels = 96
    cosmology, sky = Cosmology(), Field(0.8, pixels)
    reach = float(cosmology.distance(1 / (1 + z)))
    tiling = stack(box, reach, 2)
    linear = LinearPower(cosmology, "eisenstein_hu")
    mesh = Mesh(box, cells, MPI.COMM_SELF, "f8")
    modes = initial.linear_density(
        mesh, initial.white_noise(mesh, 1), lambda k: linear(k) * np.exp(-((k / 0.08) ** 4))
    )
    x, p = initial.displaced(mesh, modes * tiny, cosmology, a, order=1)
    middle = nbody.middle(a, 1.0)
    p *= momentum(cosmology, middle) / momentum(cosmology, a)
    # Lenses from 250 Mpc/h on: nearer the lattice itself would be resolved.
    chi = depths(reach)
    bump = np.clip((chi - 250) * (reach - chi) / 1e4, 0, None)
    sums = []
    for positions, speeds in ((x, p), (initial.lattice(mesh), np.zeros_like(p))):
        cone = LightCone(cosmology, tiling, sky, bump[:, None], reach, (cells / box) ** 3)
        cone.advance(middle, a, 1.0, positions, speeds)
        sums.append(cone.maps[..., 0])
    seen = smooth(sharpen((sums[0] - sums[1]) / tiny), sky, 0.03)

    nodes, weight = np.polynomial.legendre.leggauss(60)
    at = 250 + (nodes + 1) / 2 * (reach - 250)
    angle = (np.arange(pixels) + 0.5) * sky.pixel - sky.width / 2
    ty, tx = np.meshgrid(angle, angle, indexing="ij")
    delta = mesh.backward(modes)
    expected = np.zeros((pixels, pixels))
    for depth, w in zip(at, weight * (reach - 250) / 2):
        place = np.stack([tx * depth, ty * depth, np.full_like(tx, depth)])
        q = np.empty_like(place)
        for axis in range(3):
            sign, shift = tiling.signs[0, axis], tiling.shifts[0, axis]
            q[tiling.axes[0, axis]] = sign * (place[axis] - shift)
        value = map_coordinates(delta, q / mesh.cell, order=5, mode="grid-wrap")
        light = cosmology.scale_factor(depth)
        kernel = 1.5 * cosmology.omega_m / HUBBLE_DISTANCE**2 * depth / light
        strength = kernel * np.interp(depth, chi, bump) * cosmology.growth1(light)
        expected += w * strength * value
    expected = smooth(expected, sky, 0.03)
    inner = (slice(14, -14), slice(14, -14))
    seen, expected = seen[inner].ravel(), expected[inner].ravel()
    np.testing.assert_allclose(seen @ expected / (expected @ expected), 1, atol=0.01)
    assert np.corrcoef(seen, expected)[0, 1] > 0.999


def momentum(cosmology, a):
    return a**2 * cosmology.expansion(a) * cosmology.rate1(a) * cosmology.growth1(a)
