"""The linear power spectrum: normalisation, limits, and the two transfer functions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.power import LinearPower, camb_parameters, eisenstein_hu

PLANCK = Cosmology()
K = np.geomspace(1e-4, 50, 200)


@pytest.fixture(scope="module", params=["camb", "eisenstein_hu"])
def power(request):
    return LinearPower(PLANCK, request.param)


def test_the_variance_in_spheres_is_sigma8(power):
    def integrand(lnk):
        x = 8 * np.exp(lnk)
        window = 3 * (np.sin(x) - x * np.cos(x)) / x**3
        return np.exp(3 * lnk) * power(np.exp(lnk)) * window**2 / (2 * np.pi**2)

    variance = sum(
        quad(integrand, low, high, limit=500, epsrel=1e-9)[0]
        for low, high in ((-9.0, -2.0), (-2.0, 1.0), (1.0, 4.0))
    )
    np.testing.assert_allclose(np.sqrt(variance), PLANCK.sigma8, rtol=1e-4)


def test_large_scales_keep_the_primordial_tilt(power):
    slope = np.log(power(2e-4) / power(1e-4)) / np.log(2)
    np.testing.assert_allclose(slope, PLANCK.n_s, atol=0.03)
    assert power(0.0) == 0
    np.testing.assert_allclose(power(1e-6) / power(1e-5), 10**-PLANCK.n_s, rtol=5e-2)


def test_small_scales_fall_and_continue_smoothly(power):
    k = np.geomspace(40, 80, 50)
    slope = np.gradient(np.log(power(k)), np.log(k))
    assert np.all(np.abs(slope - slope.mean()) < 0.05)
    assert -3 < slope.mean() < -2.5


def test_amplitude_is_sigma8_squared(power):
    half = LinearPower(Cosmology(sigma8=PLANCK.sigma8 / 2), "eisenstein_hu")
    np.testing.assert_allclose(half(K), LinearPower(PLANCK, "eisenstein_hu")(K) / 4, rtol=1e-12)


def test_the_analytic_form_is_near_the_boltzmann_code():
    """Eisenstein & Hu 1998 promise a few per cent, less well at wiggles."""
    ratio = LinearPower(PLANCK, "eisenstein_hu")(K) / LinearPower(PLANCK, "camb")(K)
    assert np.all(np.abs(ratio - 1) < 0.06)


def test_without_baryons_nothing_wiggles():
    smooth = np.log(eisenstein_hu(Cosmology(omega_b=1e-6), K))
    curvature = np.diff(smooth, 2)
    assert np.all(curvature < 1e-4)
    wiggly = np.diff(np.log(eisenstein_hu(PLANCK, K)), 2)
    assert np.any(wiggly > 1e-3)


def test_camb_at_other_times_is_growth_within_radiation():
    """Linear power at z = 1 is that of today scaled by D1^2: radiation's part is below 0.1%."""
    import camb

    parameters = camb_parameters(PLANCK)
    parameters.set_matter_power(redshifts=[1.0, 0.0], kmax=2.0)
    parameters.WantCls = False
    parameters.NonLinear = camb.model.NonLinear_none
    k, _, both = camb.get_results(parameters).get_matter_power_spectrum(0.01, 1.0, 20)
    np.testing.assert_allclose(both[1] / both[0], PLANCK.growth1(0.5) ** 2, rtol=2e-3)
    np.testing.assert_allclose(LinearPower(PLANCK, "camb")(k), both[0], rtol=1e-3)


def test_an_unknown_transfer_is_refused():
    with pytest.raises(ValueError, match="camb"):
        LinearPower(PLANCK, "class")
