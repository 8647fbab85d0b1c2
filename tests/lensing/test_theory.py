"""Sources, kernels and Limber's spectra: closed forms, limits, and published values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import beta

from mlsci.lensing.cosmology import HUBBLE_DISTANCE, Cosmology
from mlsci.lensing.sources import Distribution, efficiency, farthest, kernel
from mlsci.lensing.theory import (
    convergence_spectrum,
    matter_power,
    mean_convergence,
    shot_noise,
)

PLANCK = Cosmology()
EINSTEIN_DE_SITTER = Cosmology(omega_m=1.0)
ELL = np.array([100.0, 464.0, 1000.0, 2154.0, 4642.0, 10000.0])
Z = np.linspace(0.0, 3.0, 301)
SPREAD = Distribution(tuple(Z), tuple(Z**2 * np.exp(-((Z / 0.5) ** 1.5))))


@pytest.fixture(scope="module")
def takahashi():
    return matter_power(PLANCK, 1.0, "takahashi")


@pytest.mark.parametrize("n", [-2.0, -1.0, 0.0])
def test_power_laws_in_closed_form(n):
    """Without dark energy D1 / a = 1, and Limber's integral of k^n is a beta function."""
    cosmology = EINSTEIN_DE_SITTER
    got = convergence_spectrum(cosmology, lambda k, a: a**2 * k**n, ELL, 1.0)
    chi = float(cosmology.distance(0.5))
    amplitude = (1.5 / HUBBLE_DISTANCE**2) ** 2
    np.testing.assert_allclose(got, amplitude * ELL**n * chi ** (1 - n) * beta(1 - n, 3), rtol=1e-4)


def test_published_halofit_spectrum(takahashi):
    """CAMB, CCL and CLASS agree on these to 0.1%, at z = 1 with Takahashi's halofit."""
    published = [7.96e-9, 1.08e-9, 4.37e-10, 1.61e-10, 4.69e-11, 1.06e-11]
    np.testing.assert_allclose(
        convergence_spectrum(PLANCK, takahashi, ELL + 0.5, 1.0), published, rtol=4e-3
    )


def test_hmcode_and_halofit_differ_by_some_per_cent_and_agree_with_linear_on_large_scales(
    takahashi,
):
    second = matter_power(PLANCK, 1.0, "mead2020")
    k, a = np.array([0.3, 1.0, 3.0]), np.full(3, 0.7)
    ratio = second(k, a) / takahashi(k, a)
    assert np.all(np.abs(ratio - 1) < 0.1)
    assert np.any(np.abs(ratio - 1) > 0.01)
    large, a = np.array([2e-3, 5e-3, 1e-2]), np.full(3, 0.6)
    linear = matter_power(PLANCK, 1.0, "linear")
    np.testing.assert_allclose(takahashi(large, a), linear(large, a), rtol=0.02)


def test_white_power_gives_shot_noise():
    got = convergence_spectrum(PLANCK, lambda k, a: 4.0 + 0 * k, ELL, SPREAD)
    np.testing.assert_allclose(got, shot_noise(PLANCK, 0.25, SPREAD), rtol=1e-10)


def test_mean_convergence_without_dark_energy():
    """3/2 chi / c^2 integral of x (1 - x) / a(chi x), by hand for a short distance."""
    z = 0.01
    chi = float(EINSTEIN_DE_SITTER.distance(1 / (1 + z)))
    expected = 1.5 * (chi / HUBBLE_DISTANCE) ** 2 / 6
    np.testing.assert_allclose(mean_convergence(EINSTEIN_DE_SITTER, z), expected, rtol=0.02)


def test_cross_spectra_are_symmetric_and_bounded():
    power = matter_power(PLANCK, 2.0, "linear", "eisenstein_hu")
    one = convergence_spectrum(PLANCK, power, ELL, 0.5)
    two = convergence_spectrum(PLANCK, power, ELL, 2.0)
    cross = convergence_spectrum(PLANCK, power, ELL, 0.5, 2.0)
    np.testing.assert_allclose(cross, convergence_spectrum(PLANCK, power, ELL, 2.0, 0.5))
    assert np.all(cross**2 < one * two)
    assert np.all(cross > one)


def test_a_narrow_distribution_is_a_plane():
    narrow = Distribution((0.99, 1.0, 1.01), (0.0, 1.0, 0.0))
    chi = np.linspace(1, 2500, 100)
    np.testing.assert_allclose(
        kernel(PLANCK, narrow, chi), kernel(PLANCK, 1.0, chi), atol=6e-3 * kernel(PLANCK, 1.0, 1e3)
    )
    assert farthest(narrow) == 1.01
    assert farthest(0.7) == 0.7


def test_efficiency_of_a_distribution_is_the_mean_of_planes():
    z = np.linspace(0.0, 3.0, 20001)[1:]
    density = np.interp(z, SPREAD.z, SPREAD.density)
    for chi in (1.0, 300.0, 1500.0, 3000.0):
        planes = [float(efficiency(PLANCK, float(at), np.array(chi))) for at in z[::20]]
        expected = np.average(planes, weights=density[::20])
        np.testing.assert_allclose(efficiency(PLANCK, SPREAD, chi), expected, atol=1e-4)
    assert efficiency(PLANCK, SPREAD, 0.0) == 1
    assert efficiency(PLANCK, SPREAD, 1e4) == 0


@pytest.mark.parametrize(
    ("z", "density"),
    [((1.0,), (1.0,)), ((0.5, 0.4), (1.0, 1.0)), ((0.0, 1.0), (1.0, 1.0)),
     ((0.1, 1.0), (-1.0, 1.0)), ((0.1, 1.0), (0.0, 0.0)), ((0.1, 1.0), (1.0,))],
)  # fmt: skip
def test_what_is_no_distribution_is_refused(z, density):
    with pytest.raises(ValueError, match=r"distribution|sources"):
        Distribution(z, density)
