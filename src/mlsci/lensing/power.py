"""Linear power spectra of matter today: CAMB's, or the analytic form of Eisenstein and Hu.

Both are normalised to the cosmology's sigma8, and scale to other times with ``growth1(a) ** 2``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from mlsci.lensing.cosmology import Cosmology

Transfer = Literal["camb", "eisenstein_hu"]
K_RANGE = (1e-4, 50.0)  # h/Mpc, of the tables; power laws continue them
_TEMPERATURE = 2.7255  # K, of the background radiation: Fixsen 2009, arXiv:0911.1955


class LinearPower:
    """The linear power spectrum P(k) today: call it with wave numbers.

    Parameters
    ----------
    cosmology
        The universe; its `sigma8` is met exactly.
    transfer
        ``"camb"``, from the Boltzmann code (massless neutrinos), or ``"eisenstein_hu"``, within a
        few per cent of it and differentiable in closed form (`eisenstein_hu`).

    Raises
    ------
    ValueError
        For an unknown `transfer`.
    """

    def __init__(self, cosmology: Cosmology, transfer: Transfer = "camb") -> None:
        if transfer == "camb":
            k, shape = _camb_table(cosmology)
        elif transfer == "eisenstein_hu":
            k = np.geomspace(*K_RANGE, 2000)
            shape = k**cosmology.n_s * eisenstein_hu(cosmology, k) ** 2
        else:
            raise ValueError(f"transfer is {transfer!r}: choose 'camb' or 'eisenstein_hu'")
        shape = shape * cosmology.sigma8**2 / sphere_variance(k, shape, 8.0)
        self._lnk, self._lnp = np.log(k), np.log(shape)
        self._spline = CubicSpline(self._lnk, self._lnp)
        self._end_slopes = self._spline(self._lnk[[0, -1]], 1)

    def __call__(self, k: ArrayLike) -> np.ndarray:
        """Return P in (Mpc/h)^3 at wave numbers k in h/Mpc; 0 at k = 0, a power law off the table.

        Parameters
        ----------
        k
            Of any shape, not negative.
        """
        k = np.asarray(k, float)
        with np.errstate(divide="ignore"):
            lnk = np.log(k)
        inside = np.clip(lnk, self._lnk[0], self._lnk[-1])
        slope = np.where(lnk < inside, self._end_slopes[0], self._end_slopes[1])
        with np.errstate(invalid="ignore"):
            lnp = self._spline(inside) + np.where(lnk == inside, 0.0, slope * (lnk - inside))
        return np.where(k > 0, np.exp(lnp), 0.0)


def sphere_variance(k: np.ndarray, power: np.ndarray, radius: float) -> float:
    """Return the variance of the density in spheres of a radius in Mpc/h, from P at increasing k.

    The integral of k^2 P W(kR)^2 / 2 pi^2 over k, with the transform W of a top hat.
    """
    # A finer grid than the spectrum's, for the oscillations of the window.
    fine = np.linspace(np.log(k[0]), np.log(k[-1]), 8 * len(k) + 1)
    dense = np.exp(CubicSpline(np.log(k), np.log(power))(fine))
    x = np.exp(fine) * radius
    with np.errstate(invalid="ignore", over="ignore"):
        window = np.where(x < 1e-2, 1 - x**2 / 10, 3 * (np.sin(x) - x * np.cos(x)) / x**3)
    return float(np.trapezoid(np.exp(3 * fine) * dense * window**2, fine) / (2 * np.pi**2))


def eisenstein_hu(cosmology: Cosmology, k: np.ndarray) -> np.ndarray:
    """Return the transfer function T(k) with baryon acoustic oscillations, 1 at small k.

    Source: Eisenstein & Hu 1998, arXiv:astro-ph/9709112, eqs. 2-24.

    Parameters
    ----------
    k
        Wave numbers in h/Mpc, positive.
    """
    matter = cosmology.omega_m * cosmology.h**2
    baryons = cosmology.omega_b * cosmology.h**2
    share = baryons / matter
    theta = _TEMPERATURE / 2.7
    k = np.asarray(k, float) * cosmology.h  # in 1/Mpc from here on

    # Equality and the drag epoch, the sound horizon there, Silk damping: eqs. 2-7.
    z_eq = 2.50e4 * matter / theta**4
    k_eq = 7.46e-2 * matter / theta**2
    b1 = 0.313 * matter**-0.419 * (1 + 0.607 * matter**0.674)
    b2 = 0.238 * matter**0.223
    z_drag = 1291 * matter**0.251 / (1 + 0.659 * matter**0.828) * (1 + b1 * baryons**b2)
    ratio_drag = 31.5e3 * baryons / theta**4 / z_drag
    ratio_eq = 31.5e3 * baryons / theta**4 / z_eq
    horizon = (2 / (3 * k_eq)) * np.sqrt(6 / ratio_eq) * np.log(
        (np.sqrt(1 + ratio_drag) + np.sqrt(ratio_drag + ratio_eq)) / (1 + np.sqrt(ratio_eq))
    )  # fmt: skip
    k_silk = 1.6 * baryons**0.52 * matter**0.73 * (1 + (10.4 * matter) ** -0.95)

    # Cold dark matter: eqs. 9-12 and 17-20.
    a1 = (46.9 * matter) ** 0.670 * (1 + (32.1 * matter) ** -0.532)
    a2 = (12.0 * matter) ** 0.424 * (1 + (45.0 * matter) ** -0.582)
    alpha_c = a1**-share * a2 ** -(share**3)
    c1 = 0.944 / (1 + (458 * matter) ** -0.708)
    c2 = (0.395 * matter) ** -0.0266
    beta_c = 1 / (1 + c1 * ((1 - share) ** c2 - 1))
    q = k / (13.41 * k_eq)

    def pressureless(alpha: float, beta: float) -> np.ndarray:
        growth = np.log(np.e + 1.8 * beta * q)
        return growth / (growth + (14.2 / alpha + 386 / (1 + 69.9 * q**1.08)) * q**2)

    mix = 1 / (1 + (k * horizon / 5.4) ** 4)
    cold = mix * pressureless(1.0, beta_c) + (1 - mix) * pressureless(alpha_c, beta_c)

    # Baryons: eqs. 14-15 and 21-24.
    y = (1 + z_eq) / (1 + z_drag)
    root = np.sqrt(1 + y)
    g = y * (-6 * root + (2 + 3 * y) * np.log((root + 1) / (root - 1)))
    alpha_b = 2.07 * k_eq * horizon * (1 + ratio_drag) ** -0.75 * g
    beta_b = 0.5 + share + (3 - 2 * share) * np.sqrt((17.2 * matter) ** 2 + 1)
    node = 8.41 * matter**0.435
    shifted = horizon / (1 + (node / (k * horizon)) ** 3) ** (1 / 3)
    plain = pressureless(1.0, 1.0) / (1 + (k * horizon / 5.2) ** 2)
    damped = alpha_b / (1 + (beta_b / (k * horizon)) ** 3) * np.exp(-((k / k_silk) ** 1.4))
    baryonic = (plain + damped) * np.sinc(k * shifted / np.pi)
    return share * baryonic + (1 - share) * cold


def camb_parameters(cosmology: Cosmology, **nonlinear: Any) -> Any:
    """Return CAMB's parameters for a cosmology: massless neutrinos, As that gives sigma8.

    `nonlinear` goes to CAMB's ``NonLinearModel.set_params``.
    """
    import camb

    square = cosmology.h**2
    baryons = cosmology.omega_b * square

    def parameters(amplitude: float) -> Any:
        chosen = camb.CAMBparams()
        chosen.set_cosmology(
            H0=100 * cosmology.h, ombh2=baryons, omch2=cosmology.omega_m * square - baryons,
            mnu=0.0, omk=0.0, TCMB=_TEMPERATURE,
        )  # fmt: skip
        # ppf is the prescription that may cross w = -1.
        chosen.set_dark_energy(w=cosmology.w0, wa=cosmology.wa, dark_energy_model="ppf")
        chosen.InitPower.set_params(ns=cosmology.n_s, As=amplitude)
        chosen.set_matter_power(redshifts=[0.0], kmax=2.0)
        return chosen

    guess = 2e-9
    sigma8 = float(_matter_only(parameters(guess)).get_sigma8_0())
    chosen = parameters(guess * (cosmology.sigma8 / sigma8) ** 2)
    if nonlinear:
        chosen.NonLinearModel.set_params(**nonlinear)
    return chosen


def _matter_only(parameters: Any) -> Any:
    """Return CAMB's linear results without the microwave background, which takes longest."""
    import camb

    parameters.WantCls = False
    parameters.NonLinear = camb.model.NonLinear_none
    return camb.get_results(parameters)


@lru_cache(maxsize=8)
def _camb_table(cosmology: Cosmology) -> tuple[np.ndarray, np.ndarray]:
    parameters = camb_parameters(cosmology)
    parameters.set_matter_power(redshifts=[0.0], kmax=K_RANGE[1] * 1.01)
    results = _matter_only(parameters)
    k, _, power = results.get_matter_power_spectrum(
        minkh=K_RANGE[0], maxkh=K_RANGE[1], npoints=1500
    )
    return np.asarray(k, float), np.asarray(power[0], float)
