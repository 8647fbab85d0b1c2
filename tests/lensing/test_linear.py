"""Weak fields through the light cone have the spectrum that theory foretells."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from mpi4py import MPI

from mlsci.lensing import initial, linear
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.tiling import stack

SETUP = linear.Setup()


def test_the_fewer_boxes_meet_the_less_is_lost():
    """2 % where four boxes of 256 Mpc/h meet among the lenses, less where two large ones do."""
    limber = linear.limber(SETUP)
    lost = [
        1 - np.mean(linear.periodic(dataclasses.replace(SETUP, box=box)) / limber)
        for box in (256.0, 768.0)
    ]
    assert 0.015 < lost[0] < 0.03
    assert 0 < lost[1] < 0.5 * lost[0]


def test_a_setup_of_one_box_at_one_depth_is_a_sum_over_its_waves():
    """Far off, lenses at one depth see waves that do not change along the line of sight."""
    thin = dataclasses.replace(
        SETUP, near=1900.0, far=2040.0, edges=(200.0, 260.0, 320.0), degrees=5.0
    )
    np.testing.assert_allclose(linear.periodic(thin) / linear.limber(thin), 1, atol=0.15)


def test_the_sum_over_waves_is_what_points_of_the_light_cone_show():
    """One by one: the place in the box of each pixel and depth, and each wave there."""
    tiny = dataclasses.replace(
        SETUP, box=400.0, cells=8, pixels=6, degrees=5.0, near=500.0, far=1100.0, finest=0.06,
        edges=(60.0, 150.0),
    )  # fmt: skip
    mesh = Mesh(tiny.box, tiny.cells, MPI.COMM_SELF, "f8")
    density = mesh.backward(initial.linear_density(mesh, initial.white_noise(mesh, 3), tiny.power))
    waves = np.fft.fftn(density) / tiny.cells**3
    k = 2 * np.pi * np.fft.fftfreq(tiny.cells, mesh.cell)
    tiling = stack(tiny.box, tiny.far, 3)
    sky = tiny.bands.field
    angle = (np.arange(sky.pixels) + 0.5) * sky.pixel - sky.width / 2
    kappa = np.zeros((6, 6))
    for tile, low, high in ((1, 500.0, 800.0), (2, 800.0, 1100.0)):
        nodes, step = np.polynomial.legendre.leggauss(60)
        depths, weights = low + (nodes + 1) * (high - low) / 2, step * (high - low) / 2
        for depth, weight in zip(depths, weights * linear._kernel(tiny, depths)):
            v, u = (depth * one for one in np.meshgrid(angle, angle, indexing="ij"))
            seen = np.stack([u, v, np.full_like(u, depth)], axis=-1)
            x = np.empty_like(seen)
            x[..., tiling.axes[tile]] = tiling.signs[tile] * (seen - tiling.shifts[tile])
            back = tiling.place(tile, x.reshape(-1, 3))
            np.testing.assert_allclose(back, seen.reshape(-1, 3), atol=1e-9)
            phases = [np.exp(1j * x[..., axis, None] * k) for axis in range(3)]
            kappa += weight * np.einsum("abc,ija,ijb,ijc->ij", waves, *phases).real
    expected = tiny.bands.measure(kappa).power
    np.testing.assert_allclose(linear.direct(tiny, 3), expected, rtol=1e-6)


def test_particles_scatter_as_the_field_that_they_sample():
    seeds = range(8)
    with_particles, without = (
        np.array([function(SETUP, seed) for seed in seeds])
        for function in (linear.measured, linear.direct)
    )
    share = linear.periodic(SETUP)
    noise, scatter = ((one / share).std() for one in (with_particles - without, without))
    assert noise < 0.5 * scatter


@pytest.mark.slow
def test_the_sum_over_waves_has_the_mean_foretold():
    share = np.array([linear.direct(SETUP, seed) for seed in range(200)]) / linear.periodic(SETUP)
    error = share.std(0) / np.sqrt(200)
    assert np.all(error < 0.04)
    assert np.all(np.abs(share.mean(0) - 1) < 4 * error)


@pytest.mark.slow
def test_weak_fields_have_the_spectrum_foretold_to_a_percent():
    """What particles add to the sum over waves, in runs whose every step is that of a real one."""
    runs, expected = 200, linear.periodic(SETUP)
    share = 1 + np.array([
        (linear.measured(SETUP, seed) - linear.direct(SETUP, seed)) / expected
        for seed in range(runs)
    ])  # fmt: skip
    weight = SETUP.bands.modes / SETUP.bands.modes.sum()
    each = share @ weight
    assert each.std() / np.sqrt(runs) < 0.005
    assert abs(each.mean() - 1) < 0.01
    # No band stands out.
    error = share.std(0) / np.sqrt(runs)
    assert np.all(error < 0.012)
    assert np.all(np.abs(share.mean(0) - 1) < 4 * error)
