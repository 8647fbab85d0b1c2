r"""Derivatives of expansion, distance and growth with respect to Omega_m, w0 and wa.

The equations of growth and distance are differentiated and solved together with themselves, so the
derivatives are as exact as the functions: nothing is a difference quotient. In units of Mpc/h the
background knows no other parameters.

Functions of a cosmology whose derivatives are here have the same names as in
`mlsci.lensing.cosmology.Cosmology`; they return arrays with one more, first axis: Omega_m, w0, wa.
"""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicHermiteSpline

from mlsci.lensing.cosmology import _POINTS, A_MIN, HUBBLE_DISTANCE, Cosmology

Array = NDArray[Any]

PARAMETERS = tuple(field.name for field in fields(Cosmology))  # the order of all gradients
BACKGROUND = ("omega_m", "w0", "wa")
_ROWS = [PARAMETERS.index(name) for name in BACKGROUND]


def to_parameters(background: Array) -> Array:
    """Return derivatives with respect to all parameters, from those of the background's three."""
    full = np.zeros((len(PARAMETERS), *background.shape[1:]))
    full[_ROWS] = background
    return full


class Background:
    """Derivatives of the background of a cosmology.

    Parameters
    ----------
    cosmology : Cosmology
        Where they are taken.

    Raises
    ------
    ValueError
        If the equations could not be solved.
    """

    def __init__(self, cosmology: Cosmology):
        self.cosmology = cosmology
        lna = np.linspace(np.log(A_MIN), 0.0, _POINTS)

        def equations(lna: Any, state: Array) -> Array:
            """Return the slopes of a state (20,), or of many (20, n) at once."""
            one, slope1, two, slope2, _ = state[:5]
            d1, ds1, d2, ds2, _ = state[5:].reshape(5, 3, *state.shape[1:])
            a = np.exp(lna)
            drag, pull = 2 + cosmology.expansion_slope(a), 1.5 * cosmology.matter_fraction(a)
            d_matter, expansion = self.matter_fraction(a), cosmology.expansion(a)
            by, to = self._expansion_slope(a, d_matter), 1.5 * d_matter
            farther = -HUBBLE_DISTANCE / (a * expansion)
            slopes = np.empty_like(state)
            slopes[:5] = (
                slope1, pull * one - drag * slope1,
                slope2, pull * (two - one**2) - drag * slope2, farther,
            )  # fmt: skip
            slopes[5:] = np.concatenate((
                ds1, to * one + pull * d1 - by * slope1 - drag * ds1,
                ds2, to * (two - one**2) + pull * (d2 - 2 * one * d1) - by * slope2 - drag * ds2,
                -farther / expansion * self.expansion(a),
            ))  # fmt: skip
            return slopes

        begin = [A_MIN, A_MIN, -3 / 7 * A_MIN**2, -6 / 7 * A_MIN**2, 0.0]
        solved = solve_ivp(
            equations, (lna[0], 0.0), begin + [0.0] * 15, "DOP853", lna, rtol=1e-11, atol=1e-15
        )
        if not solved.success:
            raise ValueError(f"the growth equation could not be solved: {solved.message}")
        slopes = equations(lna, solved.y)
        y, dy = solved.y[:5], solved.y[5:].reshape(5, 3, -1)
        s, ds = slopes[:5], slopes[5:].reshape(5, 3, -1)
        # growth is 1 today: one power of the norm for the first order, two for the second
        norm, change = y[0, -1], dy[0, :, -1:] / y[0, -1]
        self._splines = []
        for row, power in ((0, 1), (1, 1), (2, 2), (3, 2)):
            values = (dy[row] - power * change * y[row]) / norm**power
            rates = (ds[row] - power * change * s[row]) / norm**power
            self._splines.append(CubicHermiteSpline(lna, values, rates, axis=1))
        values = dy[4] - dy[4, :, -1:]
        self._splines.append(CubicHermiteSpline(lna, values, ds[4], axis=1))

    def _dark(self, a: Array) -> tuple[Array, Array]:
        """Return the density of dark energy over that of today, and its slopes with w0 and wa."""
        c = self.cosmology
        dark = a ** (-3 * (1 + c.w0 + c.wa)) * np.exp(-3 * c.wa * (1 - a))
        return dark, np.stack([-3 * np.log(a), -3 * np.log(a) - 3 * (1 - a)]) * dark

    def expansion(self, a: ArrayLike) -> Array:
        """Return the derivatives of E(a)."""
        a = np.asarray(a, float)
        dark, slopes = self._dark(a)
        square = np.stack([a**-3 - dark, *((1 - self.cosmology.omega_m) * slopes)])
        return square / (2 * self.cosmology.expansion(a))

    def matter_fraction(self, a: ArrayLike) -> Array:
        """Return the derivatives of Omega_m(a)."""
        a = np.asarray(a, float)
        expansion = self.cosmology.expansion(a)
        result = -2 * self.cosmology.matter_fraction(a) * self.expansion(a) / expansion
        result[0] += a**-3 / expansion**2
        return result

    def _expansion_slope(self, a: Array, d_matter: Array) -> Array:
        c = self.cosmology
        w = c.w0 + c.wa * (1 - a)
        dark = 1 - c.matter_fraction(a)
        dw = np.stack([np.zeros_like(a), np.ones_like(a), 1 - a])
        return -1.5 * (-w * d_matter + dark * dw)

    def growth1(self, a: ArrayLike) -> Array:
        """Return the derivatives of D1(a)."""
        return self._splines[0](np.log(a))

    def slope1(self, a: ArrayLike) -> Array:
        """Return the derivatives of dD1 / dln a."""
        return self._splines[1](np.log(a))

    def growth2(self, a: ArrayLike) -> Array:
        """Return the derivatives of D2(a)."""
        return self._splines[2](np.log(a))

    def slope2(self, a: ArrayLike) -> Array:
        """Return the derivatives of dD2 / dln a."""
        return self._splines[3](np.log(a))

    def distance(self, a: ArrayLike) -> Array:
        """Return the derivatives of the comoving distance in Mpc/h to scale factor a."""
        return self._splines[4](np.log(a))

    def scale_factor(self, distance: ArrayLike, change: Array) -> tuple[Array, Array]:
        """Return the scale factor at distances that change as well, and its derivatives.

        Parameters
        ----------
        distance : ndarray (...)
            In Mpc/h.
        change : ndarray (3, ...)
            The distances' own derivatives.
        """
        a = self.cosmology.scale_factor(distance)
        slope = _with_respect_to_lna(self.cosmology._tables.distance, a)
        return a, a * (change - self.distance(a)) / slope

    def drift_scale(self, a: ArrayLike) -> Array:
        """Return the derivatives of FastPM's drift factor for a unit of growth."""
        return -self._momentum_growth(a) * self.cosmology.drift_scale(a) ** 2

    def drift(self, a_c: float, a_i: float, a_f: float) -> Array:
        """Return the derivatives of FastPM's drift factor."""
        c = self.cosmology
        grown = c.growth1(a_f) - c.growth1(a_i)
        scale = c.drift_scale(a_c)
        return self.drift_scale(a_c) * grown + scale * (self.growth1(a_f) - self.growth1(a_i))

    def pull(self, a_c: float, a_i: float, a_f: float) -> tuple[float, Array]:
        """Return 3/2 Omega_m times FastPM's kick factor, and its derivatives.

        That is what multiplies the force of `mlsci.lensing.forces`, (G(a_f) - G(a_i)) / D1(a_c).
        """
        c = self.cosmology
        value = 1.5 * c.omega_m * float(c.kick(a_c, a_i, a_f))
        grown = self._momentum_growth(a_f) - self._momentum_growth(a_i)
        return value, (grown - value * self.growth1(a_c)) / float(c.growth1(a_c))

    def _momentum_growth(self, a: ArrayLike) -> Array:
        """Return the derivatives of G(a) = a^2 E dD1/dln a, whose inverse is the drift's scale."""
        a, c = np.asarray(a, float), self.cosmology
        slope = c.rate1(a) * c.growth1(a)
        return a**2 * (self.expansion(a) * slope + c.expansion(a) * self.slope1(a))

    def depth_tables(self, depth: Array, change: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Return what a light cone needs at depths that change, and the derivatives.

        Parameters
        ----------
        depth : ndarray (n,)
            In Mpc/h.
        change : ndarray (3, n)
            Its derivatives.

        Returns
        -------
        a : ndarray (n,)
            The scale factor at the depths.
        a_slopes : ndarray (3, n)
            Its derivatives.
        growth_slopes : ndarray (3, n)
            Those of D1.
        fall : ndarray (n,)
            -dD1/dchi in h/Mpc, D1 f1 a E over the Hubble distance.
        fall_slopes : ndarray (3, n)
            Its derivatives.
        """
        c = self.cosmology
        a, da = self.scale_factor(depth, change)
        dlna = da / a
        slope1 = c.rate1(a) * c.growth1(a)
        d_growth = self.growth1(a) + _with_respect_to_lna(c._tables.growth1, a) * dlna
        d_slope1 = self.slope1(a) + _with_respect_to_lna(c._tables.slope1, a) * dlna
        expansion = c.expansion(a)
        d_expansion = self.expansion(a) + c.expansion_slope(a) * expansion * dlna
        fall = slope1 * a * expansion / HUBBLE_DISTANCE
        d_fall = fall * (d_slope1 / slope1 + dlna + d_expansion / expansion)
        return a, da, d_growth, fall, d_fall


@lru_cache(maxsize=4)
def background(cosmology: Cosmology) -> Background:
    """Return the derivatives of a cosmology's background; those of the last few are kept."""
    return Background(cosmology)


def _with_respect_to_lna(spline: Any, a: Array) -> Array:
    """Return the slope of a table of `Cosmology`, as it interpolates."""
    return np.asarray(spline(np.log(np.clip(a, A_MIN, 1.0)), 1))
