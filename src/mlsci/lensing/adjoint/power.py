r"""Derivatives of the linear power spectrum with respect to all parameters of the cosmology.

The tilt and sigma8 are explicit. What else shapes the transfer function depends on where that comes
from: Eisenstein and Hu's formulas are evaluated with an imaginary change of a parameter, whose
imaginary part is the derivative to rounding (Squire and Trapp 1998); CAMB's tables are differenced,
at four points, and are as exact as CAMB is smooth.
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from mlsci.lensing.adjoint.cosmology import PARAMETERS
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.power import K_RANGE, Transfer, _camb_table, eisenstein_hu

Array = NDArray[Any]

_SHAPE = ("h", "omega_m", "omega_b")
_TINY = 1e-30  # of an imaginary change: nothing is subtracted, so nothing is lost
# of differences of CAMB's tables: its noise over the step, and the step's fourth power, are 1e-5
_STEPS = {"h": 0.02, "omega_m": 0.01, "omega_b": 0.002, "w0": 0.05, "wa": 0.1}


def log_power_slopes(cosmology: Cosmology, transfer: Transfer, k: Array) -> Array:
    """Return the derivatives of ln P of `mlsci.lensing.power.LinearPower`.

    Parameters
    ----------
    cosmology : Cosmology
        Where they are taken.
    transfer : {"camb", "eisenstein_hu"}
        Where the transfer function comes from.
    k : ndarray (n,)
        Wavenumbers in h/Mpc, positive.

    Returns
    -------
    ndarray (7, n)
        In the order of `PARAMETERS`.
    """
    if transfer == "camb":
        table, shape, slopes = _camb(cosmology)
    else:
        table, shape, slopes = _analytic(cosmology)
    lnk = np.log(table)
    slopes = slopes - _mean_in_spheres(lnk, np.log(shape), slopes)[:, None]
    slopes[PARAMETERS.index("sigma8")] = 2 / cosmology.sigma8
    spline = CubicSpline(lnk, slopes, axis=1)
    at = np.log(np.asarray(k, float))
    inside = np.clip(at, lnk[0], lnk[-1])
    ends = spline(lnk[[0, -1]], 1)
    end = np.where(at < inside, ends[:, :1], ends[:, 1:])
    return np.asarray(spline(inside) + end * (at - inside))


def _analytic(cosmology: Cosmology) -> tuple[Array, Array, Array]:
    """Return the table's k, and k^n T^2 with the derivatives of its logarithm."""
    k = np.geomspace(*K_RANGE, 2000)
    plain = eisenstein_hu(cosmology, k)
    slopes = np.zeros((len(PARAMETERS), len(k)))
    slopes[PARAMETERS.index("n_s")] = np.log(k)
    for name in _SHAPE:
        values: dict[str, complex] = {one: getattr(cosmology, one) for one in _SHAPE}
        values[name] += 1j * _TINY
        moved = eisenstein_hu(cast(Cosmology, SimpleNamespace(**values)), k)
        slopes[PARAMETERS.index(name)] = 2 * np.imag(moved) / _TINY / plain
    return k, k**cosmology.n_s * plain**2, slopes


@lru_cache(maxsize=4)
def _camb(cosmology: Cosmology) -> tuple[Array, Array, Array]:
    """Return the same from CAMB: derivatives are quotients of fourth order."""
    from dataclasses import replace

    k, shape = _camb_table(cosmology)
    slopes = np.zeros((len(PARAMETERS), len(k)))
    slopes[PARAMETERS.index("n_s")] = np.log(k)
    for name, step in _STEPS.items():
        total = np.zeros(len(k))
        for times, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
            moved = replace(cosmology, **{name: getattr(cosmology, name) + times * step})
            total += weight * np.log(_camb_table(moved)[1])
        slopes[PARAMETERS.index(name)] = total / (12 * step)
    return k, shape, slopes


def _mean_in_spheres(lnk: Array, log_power: Array, slopes: Array) -> Array:
    """Return the means of slopes with the weight of the variance in spheres of 8 Mpc/h.

    That is the derivative of the logarithm of `mlsci.lensing.power.sphere_variance`.
    """
    fine = np.linspace(lnk[0], lnk[-1], 8 * len(lnk) + 1)
    x = 8.0 * np.exp(fine)
    with np.errstate(invalid="ignore", over="ignore"):
        window = np.where(x < 1e-2, 1 - x**2 / 10, 3 * (np.sin(x) - x * np.cos(x)) / x**3)
    weight = np.exp(3 * fine + CubicSpline(lnk, log_power)(fine)) * window**2
    dense = CubicSpline(lnk, slopes, axis=1)(fine)
    return np.asarray(np.trapezoid(weight * dense, fine) / np.trapezoid(weight, fine))
