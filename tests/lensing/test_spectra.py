"""Spectra, one-point statistics and peaks of fields whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpi4py import MPI

from mlsci.lensing.lightcone import Field
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.spectra import Bands, particle_power
from mlsci.lensing.statistics import distribution, moments, peaks, smooth

FIELD = Field(0.1, 128)
EDGES = np.geomspace(200, 4000, 9)


def spectrum(ell):
    return 1e-9 * (np.asarray(ell) / 500.0) ** -1.5 + 1e-12


def gaussian(seed, field=FIELD, times=1):
    """Draw a part of a Gaussian map that is `times` as wide, so that its edges do not fit."""
    n, rng = field.pixels * times, np.random.default_rng(seed)
    ell = np.hypot(*np.meshgrid(*[2 * np.pi * np.fft.fftfreq(n, field.pixel)] * 2))
    ell[0, 0] = np.inf
    white = np.fft.fft2(rng.standard_normal((n, n)))
    whole = np.fft.ifft2(white * np.sqrt(spectrum(ell)) / field.pixel).real
    return whole[: field.pixels, : field.pixels]


def test_a_field_without_edges_has_its_spectrum_without_a_window():
    bands = Bands(FIELD, EDGES, taper=0)
    measured = np.mean([bands.measure(gaussian(seed)).power for seed in range(60)], axis=0)
    ell = np.hypot(*np.meshgrid(*[2 * np.pi * np.fft.fftfreq(128, FIELD.pixel)] * 2)).ravel()
    in_band = [(ell >= low) & (ell < high) for low, high in zip(EDGES, EDGES[1:])]
    expected = np.array([spectrum(ell[some]).mean() for some in in_band])
    np.testing.assert_allclose(bands.ell, [ell[some].mean() for some in in_band])
    assert np.all(np.abs(measured / expected - 1) < 5 * np.sqrt(2 / bands.modes / 60))


def test_parts_of_larger_maps_have_its_spectrum_and_its_errors():
    bands = Bands(FIELD, EDGES)
    every = [bands.measure(gaussian(seed, times=2)) for seed in range(120)]
    power = np.array([one.power for one in every])
    expected = bands.average(spectrum)
    error = expected * np.sqrt(2 / bands.modes)
    np.testing.assert_allclose(power.mean(0)[1:], expected[1:], atol=5 * error[1:].max() / 11)
    assert np.all(np.abs(power.mean(0) / expected - 1) < 4 * np.sqrt(2 / bands.modes / 120))
    np.testing.assert_allclose(power.std(0)[1:], error[1:], rtol=0.3)


def test_what_a_window_does_to_a_steep_spectrum_is_told_to_a_percent():
    """Neighbouring multipoles mix; theory that is not told so is per cents off."""
    bands, n = Bands(Field(0.1, 64), np.array([300.0, 500.0, 800.0])), 64

    def steep(ell):
        return np.exp(-((np.asarray(ell) / 400) ** 2))

    # The same sum, mode by mode: a window's transform squared, about each mode of the map.
    step = np.pi / 0.1
    m = np.arange(-60, 61) * step  # modes of a field of twice the width
    edge = np.sqrt(np.diag(bands.window))
    at = (np.arange(n) + 0.5) / n * 0.1 - 0.05
    squared = (np.cos((2 * step * np.arange(14)[:, None] - m)[..., None] * at) @ edge) ** 2
    power = steep(np.hypot(m[:, None], m)) * (np.hypot(m[:, None], m) > 0)
    modes = squared @ power @ squared.T / (4 * n**2 * np.sum(edge**2) ** 2)
    ell = 2 * step * np.hypot(np.arange(14)[:, None], np.arange(14))
    times, mixed = np.where(np.arange(14) > 0, 2, 1), []
    for band, found in enumerate(bands.average(steep)):
        inside = (ell >= bands.edges[band]) & (ell < bands.edges[band + 1])
        weight = np.outer(times, times) * inside
        np.testing.assert_allclose(found, np.sum(weight * modes) / weight.sum(), rtol=2e-3)
        mixed.append(found / (np.sum(weight * steep(ell)) / weight.sum()))
    assert max(mixed) > 1.03


def test_the_taper_keeps_edges_from_leaking_into_small_scales():
    slope = np.outer(np.ones(128), np.linspace(-1, 1, 128))
    leaked = Bands(FIELD, EDGES, taper=0).measure(slope).power[-1]
    assert Bands(FIELD, EDGES).measure(slope).power[-1] < 1e-3 * leaked


def test_masks_are_made_up_for():
    mask = np.ones((128, 128))
    mask[40:60, 30:70] = 0
    mask = np.clip(smooth(mask, FIELD, 2 * FIELD.pixel), 0, 1)
    bands = Bands(FIELD, EDGES, mask)
    power = np.mean([bands.measure(gaussian(s, times=2)).power for s in range(40)], axis=0)
    np.testing.assert_allclose(power[3:], bands.average(spectrum)[3:], rtol=0.06)
    assert np.all(bands.modes < Bands(FIELD, EDGES).modes)


def test_cross_spectra_of_correlated_and_of_foreign_maps():
    bands = Bands(FIELD, EDGES)
    one, two = gaussian(0, times=2), gaussian(1, times=2)
    np.testing.assert_allclose(bands.measure(one, one).power, bands.measure(one).power)
    cross = bands.measure(one, two)
    assert np.mean((cross.power / cross.error) ** 2) < 4
    np.testing.assert_allclose(cross.power, bands.measure(two, one).power, rtol=1e-9)
    half = bands.measure(one, 0.5 * one + two)
    np.testing.assert_allclose(half.power, 0.5 * bands.measure(one).power + cross.power, rtol=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(-5, 5), st.floats(0.1, 10))
def test_spectra_ignore_constants_and_are_quadratic(seed, constant, factor):
    bands = Bands(FIELD, EDGES)
    kappa = np.random.default_rng(seed).standard_normal((128, 128))
    one, two = bands.measure(kappa), bands.measure(factor * kappa + constant)
    np.testing.assert_allclose(two.power, factor**2 * one.power, rtol=1e-6)


def test_bands_count_every_mode():
    bands = Bands(FIELD, np.array([1.0, 1e5]), taper=0)
    assert bands.modes.sum() == 128**2 - 1
    with pytest.raises(ValueError, match="no mode"):
        Bands(FIELD, np.array([10.0, 20.0]))
    with pytest.raises(ValueError, match="mask"):
        Bands(FIELD, EDGES, np.ones((3, 3)))


def test_a_wave_of_particles_has_the_power_of_a_wave():
    """Small displacements along a wave: delta = A cos(kx), P = V A^2 / 4 in two modes."""
    n, box, amplitude = 24, 100.0, 0.01
    side = (np.arange(n) + 0.5) * box / n
    q = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    k = 2 * np.pi / box * 2
    q[:, 1] -= amplitude / k * np.sin(k * q[:, 1])
    mesh = Mesh(box, 48, MPI.COMM_SELF, "f8")
    edges = np.array([0.5 * k, 0.9 * k, 1.001 * k])
    measured = particle_power(mesh, q, edges)
    total = measured.power * measured.modes
    np.testing.assert_allclose(total[1], 2 * box**3 * amplitude**2 / 4, rtol=2e-2)
    assert total[0] < 1e-4 * total[1]


def test_particles_at_random_have_shot_noise():
    n, box = 20_000, 100.0
    x = np.random.default_rng(0).uniform(0, box, (n, 3))
    mesh = Mesh(box, 32, MPI.COMM_SELF, "f8")
    measured = particle_power(mesh, x, np.linspace(0.25, 0.7, 4))
    np.testing.assert_allclose(measured.power, box**3 / n, rtol=0.1)
    with pytest.raises(ValueError, match="no mode"):
        particle_power(mesh, x, np.array([0.01, 0.02]))


def test_distributions_and_moments_of_a_gaussian():
    values = np.random.default_rng(0).normal(0.01, 0.02, (300, 300))
    edges = np.linspace(-0.1, 0.12, 41)
    density = distribution(values, edges)
    centre = (edges[1:] + edges[:-1]) / 2
    expected = np.exp(-((centre - 0.01) ** 2) / (2 * 0.02**2)) / (0.02 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(density, expected, atol=0.03 * expected.max())
    np.testing.assert_allclose(np.sum(density * np.diff(edges)), 1, atol=1e-3)
    sigma, skewness, kurtosis = moments(values)
    np.testing.assert_allclose(sigma, 0.02, rtol=0.01)
    assert abs(skewness) < 0.05
    assert abs(kurtosis) < 0.1
    mask = np.zeros((300, 300))
    mask[:10] = 1
    assert moments(values, mask)[0] == moments(values[:10])[0]


def test_smoothing_keeps_the_mean_and_damps_waves():
    kappa = gaussian(0, times=2)
    wide = smooth(kappa, FIELD, 3 * FIELD.pixel)
    np.testing.assert_allclose(wide.mean(), kappa.mean(), rtol=1e-9)
    at = (np.arange(128) + 0.5) / 128
    wave = np.cos(np.pi * 20 * at)[None] * np.ones((128, 1))
    expected = wave * np.exp(-0.5 * (np.pi * 20 / 128 * 3) ** 2)
    np.testing.assert_allclose(smooth(wave, FIELD, 3 * FIELD.pixel), expected, atol=1e-12)
    np.testing.assert_allclose(smooth(kappa, FIELD, 0.0), kappa, atol=1e-12)


def test_peaks_are_found_and_edges_are_not():
    kappa = np.zeros((20, 20))
    kappa[5, 5], kappa[10, 12], kappa[0, 7], kappa[15, 19] = 1.0, 3.0, 9.0, 9.0
    np.testing.assert_array_equal(peaks(kappa), [1, 3])
    mask = np.ones((20, 20))
    mask[9, 11] = 0
    np.testing.assert_array_equal(peaks(kappa, mask), [1])
    assert len(peaks(np.ones((5, 5)))) == 0


def test_white_noise_peaks_once_in_nine_pixels():
    heights = peaks(np.random.default_rng(0).standard_normal((202, 202)))
    np.testing.assert_allclose(len(heights) / 200**2, 1 / 9, rtol=0.03)
