"""Expansion, distances, growth and time steps against CAMB, dense integration and known limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import odeint, quad

from mlsci.lensing.cosmology import A_MIN, HUBBLE_DISTANCE, Cosmology
from mlsci.lensing.power import camb_parameters

PLANCK = Cosmology()
DARK = Cosmology(w0=-0.8, wa=-0.4)
EINSTEIN_DE_SITTER = Cosmology(omega_m=1.0)
A = np.array([0.05, 0.1, 0.3, 0.5, 0.8, 1.0])

scale_factors = st.floats(0.02, 1.0)


def test_without_dark_energy_all_is_analytic():
    c = EINSTEIN_DE_SITTER
    np.testing.assert_allclose(c.expansion(A), A**-1.5, rtol=1e-14)
    np.testing.assert_allclose(c.distance(A), 2 * HUBBLE_DISTANCE * (1 - np.sqrt(A)), atol=1e-6)
    np.testing.assert_allclose(c.growth1(A), A, rtol=1e-9)
    np.testing.assert_allclose(c.growth2(A), -3 / 7 * A**2, rtol=1e-9)
    np.testing.assert_allclose(c.rate1(A), 1, rtol=1e-9)
    np.testing.assert_allclose(c.rate2(A), 2, rtol=1e-9)


@pytest.mark.parametrize("c", [PLANCK, DARK], ids=["lcdm", "w0wa"])
def test_distances_are_the_integral(c):
    for a in A[:-1]:
        exact = HUBBLE_DISTANCE * quad(lambda x: 1 / (x**2 * c.expansion(x)), a, 1, epsrel=1e-12)[0]
        np.testing.assert_allclose(c.distance(a), exact, rtol=1e-9)


def test_growth_is_the_integral_of_heath():
    """D1 is proportional to E times the integral of (aE)^-3 where w = -1 (Heath 1977)."""

    def heath(a):
        return PLANCK.expansion(a) * quad(lambda x: (x * PLANCK.expansion(x)) ** -3, 0, a)[0]

    for a in A:
        np.testing.assert_allclose(PLANCK.growth1(a), heath(a) / heath(1.0), rtol=1e-7)


@pytest.mark.parametrize("c", [PLANCK, DARK], ids=["lcdm", "w0wa"])
def test_growth_against_a_dense_integration_in_a(c):
    """Another integrator, another variable, another start: to 1e-6."""

    def equations(y, a):
        expansion, slope = c.expansion(a), c.expansion_slope(a)
        pull = 1.5 * c.omega_m / (a**5 * expansion**2)
        drag = (3 + slope) / a
        d1, v1, d2, v2 = y
        return [v1, pull * d1 - drag * v1, v2, pull * (d2 - d1**2) - drag * v2]

    start = 5e-3
    grid = np.concatenate([[start], A])
    y = odeint(equations, [start, 1, -3 / 7 * start**2, -6 / 7 * start], grid, rtol=1e-11, atol=0)
    one, two = y[1:, 0] / y[-1, 0], y[1:, 2] / y[-1, 0] ** 2
    np.testing.assert_allclose(c.growth1(A), one, rtol=1e-6)
    np.testing.assert_allclose(c.growth2(A), two, rtol=1e-6)
    np.testing.assert_allclose(c.rate1(A), A * y[1:, 1] / y[1:, 0], rtol=1e-6)
    np.testing.assert_allclose(c.rate2(A), A * y[1:, 3] / y[1:, 2], rtol=1e-6)


def test_known_approximations():
    np.testing.assert_allclose(PLANCK.rate1(A), PLANCK.matter_fraction(A) ** 0.55, rtol=6e-3)
    # Bouchet et al. 1995, eq. 50
    expected = -3 / 7 * PLANCK.growth1(A) ** 2 * PLANCK.matter_fraction(A) ** (-1 / 143)
    np.testing.assert_allclose(PLANCK.growth2(A), expected, rtol=2e-3)


@pytest.mark.parametrize("c", [PLANCK, DARK], ids=["lcdm", "w0wa"])
def test_expansion_and_distances_against_camb(c):
    """To 1e-4 in an expansion from which the radiation that CAMB adds is taken, in 1e-3 with it."""
    import camb

    p = camb_parameters(c)
    z = np.array([0.1, 0.2, 0.5, 1.0, 2.0])
    background = camb.get_background(p, no_thermo=True)
    radiation = background.get_Omega("photon") + background.get_Omega("neutrino")
    squared = (background.hubble_parameter(z) / (100 * c.h)) ** 2
    # CAMB's radiation takes from the dark energy of a flat universe.
    dark = c.expansion(1 / (1 + z)) ** 2 - c.omega_m * (1 + z) ** 3
    without = squared - radiation * ((1 + z) ** 4 - dark / (1 - c.omega_m))
    np.testing.assert_allclose(c.expansion(1 / (1 + z)), np.sqrt(without), rtol=1e-6)
    distance = c.h * background.comoving_radial_distance(z)
    np.testing.assert_allclose(c.distance(1 / (1 + z)), distance, rtol=3e-4)


@settings(max_examples=50)
@given(st.floats(0.0, 8000.0), st.sampled_from([PLANCK, DARK, EINSTEIN_DE_SITTER]))
def test_scale_factor_inverts_distance(fraction, c):
    distance = fraction / 8000 * min(8000.0, float(c.distance(A_MIN)))
    a = c.scale_factor(distance)
    assert A_MIN <= a <= 1
    np.testing.assert_allclose(c.distance(a), distance, atol=1e-8)


@given(scale_factors, scale_factors, scale_factors, scale_factors)
def test_drifts_and_kicks_add_up(a_c, a_i, a_m, a_f):
    for factor in (DARK.drift, DARK.kick):
        whole = factor(a_c, a_i, a_f)
        np.testing.assert_allclose(
            factor(a_c, a_i, a_m) + factor(a_c, a_m, a_f), whole, rtol=1e-9, atol=1e-9
        )


@given(scale_factors, scale_factors, scale_factors)
def test_a_step_of_linear_theory_is_exact(a_c, a_i, a_f):
    """Positions D1 psi have momenta a^3 E dD1/da psi and forces 3/2 Omega_m D1 psi."""
    c = DARK
    momentum = lambda a: a**2 * c.expansion(a) * c.rate1(a) * c.growth1(a)  # noqa: E731
    moved = c.growth1(a_i) + momentum(a_c) * c.drift(a_c, a_i, a_f)
    np.testing.assert_allclose(moved, c.growth1(a_f), rtol=1e-9)
    kicked = momentum(a_i) + 1.5 * c.omega_m * c.growth1(a_c) * c.kick(a_c, a_i, a_f)
    np.testing.assert_allclose(kicked, momentum(a_f), rtol=1e-7)


def test_a_short_step_is_the_equation_of_motion():
    """dx/da = p / (a^3 E), dp/da = f / (a^2 E)."""
    a, da = 0.6, 1e-4
    drift = PLANCK.drift(a, a - da, a + da) / (2 * da)
    kick = PLANCK.kick(a, a - da, a + da) / (2 * da)
    np.testing.assert_allclose(drift, 1 / (a**3 * PLANCK.expansion(a)), rtol=1e-6)
    np.testing.assert_allclose(kick, 1 / (a**2 * PLANCK.expansion(a)), rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"omega_m": 0.0}, "omega_m"), ({"omega_b": 0.5}, "omega_b"), ({"sigma8": -1.0}, "sigma8"),
     ({"h": 67.7}, "h ="), ({"w0": -0.5, "wa": 0.6}, "w0 + wa"), ({"n_s": np.nan}, "n_s")],
)  # fmt: skip
def test_impossible_universes_are_refused(wrong, named):
    with pytest.raises(ValueError, match=named.replace("+", r"\+")):
        Cosmology(**wrong)


def test_times_and_distances_outside_the_tables_are_refused():
    with pytest.raises(ValueError, match="between"):
        PLANCK.growth1(1.2)
    with pytest.raises(ValueError, match="between"):
        PLANCK.distance(1e-4)
    with pytest.raises(ValueError, match="between"):
        PLANCK.scale_factor(-1.0)
