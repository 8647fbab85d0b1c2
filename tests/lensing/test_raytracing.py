"""Shear, deflection and rays: closed forms of simple lenses, and what one plane must give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsci.lensing.convergence import convergence, efficiencies, sharpen
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.lightcone import Field, LightCone
from mlsci.lensing.raytracing import (
    LensPlane,
    born,
    lens_plane,
    overdensity,
    plane_edges,
    plane_efficiencies,
    trace,
)
from mlsci.lensing.shear import curl_and_divergence, deflection, shape_noise, shear
from mlsci.lensing.tiling import stack

FIELD = Field(0.02, 128)
ANGLE = (np.arange(128) + 0.5) * FIELD.pixel - FIELD.width / 2
X, Y = np.meshgrid(ANGLE, ANGLE)
R = np.hypot(X, Y)


def gaussian_lens(width=8 * FIELD.pixel, height=0.1):
    return height * np.exp(-0.5 * (R / width) ** 2)


def test_shear_of_a_gaussian_lens():
    """gamma_t is the mean convergence within, less that at the place; alpha the mass over r."""
    width = 8 * FIELD.pixel
    kappa = gaussian_lens(width)
    within = 0.1 * 2 * (width / R) ** 2 * (1 - np.exp(-0.5 * (R / width) ** 2))
    tangential = within - kappa
    one, two = shear(kappa, FIELD)
    np.testing.assert_allclose(one, -tangential * (X**2 - Y**2) / R**2, atol=2e-4)
    np.testing.assert_allclose(two, -tangential * 2 * X * Y / R**2, atol=2e-4)
    alpha = deflection(kappa, FIELD)
    np.testing.assert_allclose(alpha, within * np.stack([X, Y]), atol=2e-3 * np.abs(alpha).max())


def test_a_single_pixel_deflects_as_a_point_from_afar():
    kappa = np.zeros((128, 128))
    kappa[64, 64] = 1.0
    einstein2 = FIELD.pixel**2 / np.pi
    x, y = X - ANGLE[64], Y - ANGLE[64]
    far = np.hypot(x, y) > 6 * FIELD.pixel
    r2 = np.where(far, x**2 + y**2, 1)
    alpha = deflection(kappa, FIELD)
    np.testing.assert_allclose(alpha[0][far], (einstein2 * x / r2)[far], rtol=2e-3, atol=1e-12)
    np.testing.assert_allclose(alpha[1][far], (einstein2 * y / r2)[far], rtol=2e-3, atol=1e-12)
    gamma = shear(kappa, FIELD)
    expected = -einstein2 * np.stack([x**2 - y**2, 2 * x * y]) / r2**2
    size = einstein2 / r2
    assert np.all(np.abs(gamma - expected)[:, far] < 3e-2 * size[far])
    assert np.all(np.abs(gamma[:, 64, 64]) < 1e-12)


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_shear_turns_with_the_map(seed):
    kappa = np.random.default_rng(seed).standard_normal((16, 16))
    field = Field(0.01, 16)
    gamma, alpha = shear(kappa, field), deflection(kappa, field)
    np.testing.assert_allclose(shear(kappa.T, field), [-gamma[0].T, gamma[1].T], atol=1e-12)
    np.testing.assert_allclose(shear(kappa[::-1], field), [gamma[0][::-1], -gamma[1][::-1]],
                               atol=1e-12)  # fmt: skip
    np.testing.assert_allclose(deflection(kappa.T, field), [alpha[1].T, alpha[0].T], atol=1e-12)


def test_convergence_comes_back_from_its_shear_without_b_modes():
    kappa = gaussian_lens()
    e, b = curl_and_divergence(shear(kappa, FIELD), FIELD)
    inner = (slice(32, 96), slice(32, 96))
    np.testing.assert_allclose(e[inner], kappa[inner], atol=6e-3)
    assert np.abs(b[inner]).max() < 0.03 * kappa.max()
    turned = shear(kappa, FIELD)[::-1] * np.array([-1, 1])[:, None, None]
    e, b = curl_and_divergence(turned, FIELD)
    assert np.abs(e[inner]).max() < 0.03 * kappa.max()
    assert np.abs(b).max() > 0.9 * kappa.max()


def test_constant_shear():
    """One plane of gamma at half way to the source: half of it, everywhere, and nothing else."""
    gamma = 0.05
    zero = np.zeros_like(X)
    plane = LensPlane(
        1000.0, np.stack([gamma * X, -gamma * Y]), np.stack([gamma + zero, -gamma + zero, zero])
    )
    (got,) = trace([plane], FIELD, [2000.0])
    np.testing.assert_allclose(got.gamma[0], gamma / 2, rtol=1e-9)
    for nothing in (got.gamma[1], got.kappa, got.omega):
        np.testing.assert_allclose(nothing, 0, atol=1e-12)
    np.testing.assert_allclose(got.position, np.stack([X, Y]) * 1.0
                               - gamma / 2 * np.stack([X, -Y]), atol=1e-12)  # fmt: skip


def test_two_shears_across_each_other_rotate():
    """Second order in the product of two planes: A = 1 - f1 U1 - f2 U2 + f12 U2 U1."""
    zero = np.zeros_like(X)
    one = LensPlane(500.0, 0.1 * np.stack([X, -Y]), np.stack([0.1 + zero, -0.1 + zero, zero]))
    two = LensPlane(1000.0, 0.1 * np.stack([Y, X]), np.stack([zero, zero, 0.1 + zero]))
    (got,) = trace([one, two], FIELD, [2000.0])
    u1, u2 = np.diag([0.1, -0.1]), np.array([[0, 0.1], [0.1, 0]])
    jacobian = np.eye(2) - 0.75 * u1 - 0.5 * u2 + 0.5 * 0.5 * u2 @ u1
    middle = (slice(20, -20), slice(20, -20))
    np.testing.assert_allclose(got.omega[middle], (jacobian[1, 0] - jacobian[0, 1]) / 2, atol=1e-4)
    np.testing.assert_allclose(got.kappa[middle], 1 - np.trace(jacobian) / 2, atol=1e-4)
    assert abs(got.omega[64, 64]) > 1e-3


def test_a_point_lens():
    """Images at theta come from theta (1 - (theta_E / theta)^2), with that much shear."""
    einstein = 6 * FIELD.pixel
    kappa = np.zeros((128, 128))
    kappa[63:65, 63:65] = np.pi * einstein**2 / FIELD.pixel**2 / 4
    (got,) = trace([lens_plane(1000.0, 2 * kappa, FIELD)], FIELD, [2000.0])
    far = (1.5 * einstein < R) & (50 * FIELD.pixel > R)
    expected = np.stack([X, Y]) * (1 - einstein**2 / R**2)
    np.testing.assert_allclose(got.position[:, far], expected[:, far], atol=2e-3 * einstein)
    tangential = -(got.gamma[0] * (X**2 - Y**2) + got.gamma[1] * 2 * X * Y) / R**2
    np.testing.assert_allclose(tangential[far], (einstein / R[far]) ** 2, rtol=2e-2)
    np.testing.assert_allclose(got.kappa[far], 0, atol=1e-6)
    np.testing.assert_allclose(got.omega, 0, atol=1e-12)


def test_the_jacobian_is_the_derivative_of_positions():
    rng = np.random.default_rng(0)
    from mlsci.lensing.statistics import smooth

    planes = [
        lens_plane(d, smooth(rng.normal(0, 1, (128, 128)), FIELD, 6 * FIELD.pixel), FIELD)
        for d in (400.0, 900.0, 1300.0)
    ]
    (got,) = trace(planes, FIELD, [2000.0])
    dy, dx = np.gradient(got.position, FIELD.pixel, axis=(1, 2))
    kappa = 1 - (dx[0] + dy[1]) / 2
    omega = (dx[1] - dy[0]) / 2
    middle = (slice(16, -16), slice(16, -16))
    np.testing.assert_allclose(got.kappa[middle], kappa[middle], atol=0.02 * np.abs(kappa).max())
    np.testing.assert_allclose(got.omega[middle], omega[middle], atol=0.02 * np.abs(kappa).max())
    assert np.std(got.omega[middle]) < 0.1 * np.std(got.kappa[middle])


def test_weak_lenses_are_born():
    rng = np.random.default_rng(1)
    from mlsci.lensing.statistics import smooth

    slices = [
        (d, 1e-4 * smooth(rng.normal(0, 1, (128, 128)), FIELD, 3 * FIELD.pixel))
        for d in (400.0, 900.0, 1300.0)
    ]
    near, far = trace((lens_plane(d, k, FIELD) for d, k in slices), FIELD, [1000.0, 2000.0])
    for got, source in ((near, 1000.0), (far, 2000.0)):
        expected = born(slices, source)
        np.testing.assert_allclose(got.kappa, expected, atol=2e-3 * np.abs(expected).max())
        expected = shear(expected, FIELD)
        np.testing.assert_allclose(got.gamma, expected, atol=2e-3 * np.abs(expected).max())


def test_planes_of_a_light_cone_add_up_to_its_convergence():
    cosmology = Cosmology()
    reach = float(cosmology.distance(1 / 1.6))
    edges = plane_edges(reach, 40)
    field, tiling = Field(np.radians(4.0), 24), stack(200.0, reach, 0)
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 200, (4000, 3))
    sums = []
    for table in (plane_efficiencies(edges), efficiencies(cosmology, [0.6])):
        cone = LightCone(cosmology, tiling, field, table, reach, 4000 / 200**3)
        cone.advance(0.8, 0.6, 1.0, x, np.zeros_like(x))
        sums.append(cone.maps)
    planes = list(overdensity(sums[0], cosmology, edges))
    assert all(near < d < far for (d, _), near, far in zip(planes, edges, edges[1:]))
    direct = convergence(sums[1], cosmology, [0.6])[0]
    # Slices are thin, but their particles not all at the middle.
    got = sharpen(born(planes, reach))
    assert np.corrcoef(got.ravel(), direct.ravel())[0, 1] > 0.999
    np.testing.assert_allclose(got.std(), direct.std(), rtol=0.01)
    np.testing.assert_allclose(got.mean(), direct.mean(), atol=1e-4)


def test_shape_noise():
    field = Field(np.radians(2.0), 120)  # pixels of one arc minute
    noise = shape_noise(field, 0.3, 30.0, seed=0)
    np.testing.assert_allclose(noise.std(), 0.3 / np.sqrt(30), rtol=0.03)
    np.testing.assert_array_equal(noise, shape_noise(field, 0.3, 30.0, seed=0))
    with pytest.raises(ValueError, match="density"):
        shape_noise(field, 0.3, 0.0, seed=0)


def test_disorder_is_refused():
    zero = np.zeros((128, 128))
    planes = [lens_plane(d, zero, FIELD) for d in (900.0, 400.0)]
    with pytest.raises(ValueError, match="order of distance"):
        trace(planes, FIELD, [2000.0])
    with pytest.raises(ValueError, match="rising"):
        trace(planes, FIELD, [2000.0, 1000.0])
    with pytest.raises(ValueError, match="field has"):
        shear(np.zeros((3, 3)), FIELD)
