"""Flat w0-wa cosmology: expansion, distances, growth, and FastPM's kick and drift factors.

Matter and dark energy only: radiation, which changes distances to z = 1 by 1e-4, is left to the
transfer function. Lengths are in Mpc/h, so that H0 / c = 1 / 2997.92458 whatever h is. The time
variable is the scale factor a throughout, 1 today.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicHermiteSpline

HUBBLE_DISTANCE = 2997.92458  # c / H0 in Mpc/h
A_MIN = 1e-3  # where the tables begin: deep in matter domination
_POINTS = 2048  # of the tables, even in ln a: cubic interpolation is then good to 1e-10


@dataclass(frozen=True)
class Cosmology:
    """Parameters of a flat universe of matter and dark energy, w(a) = w0 + wa (1 - a).

    The default is Planck 2015 (arXiv:1502.01589, table 4, last column).

    Parameters
    ----------
    h
        H0 in 100 km/s/Mpc.
    omega_m, omega_b
        Density of all matter and of baryons today, in units of the critical density.
    n_s, sigma8
        Tilt of the primordial spectrum; linear rms density in spheres of 8 Mpc/h today.
    w0, wa
        Equation of state of dark energy (Chevallier & Polarski 2001, Linder 2003).

    Raises
    ------
    ValueError
        For values outside the range in which the formulas hold.
    """

    h: float = 0.6774
    omega_m: float = 0.3089
    omega_b: float = 0.0486
    n_s: float = 0.9667
    sigma8: float = 0.8159
    w0: float = -1.0
    wa: float = 0.0

    def __post_init__(self) -> None:
        ranges = {
            "h": (0.2, 2.0), "omega_m": (0.02, 1.0), "omega_b": (0.0, self.omega_m),
            "n_s": (0.3, 2.0), "sigma8": (1e-3, 3.0), "w0": (-3.0, -0.3), "wa": (-3.0, 1.5),
        }  # fmt: skip
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} = {getattr(self, name)} is not between {low} and {high}")
        if self.w0 + self.wa > -0.05:
            raise ValueError(
                f"w0 + wa = {self.w0 + self.wa}: dark energy would rule the early universe; "
                "choose w0 + wa below -0.05"
            )

    # --- expansion and distance ---------------------------------------------------------------

    def expansion(self, a: ArrayLike) -> np.ndarray:
        """Return E(a) = H(a) / H0."""
        a = np.asarray(a, float)
        return np.sqrt(self.omega_m * a**-3 + self._dark_energy(a))

    def matter_fraction(self, a: ArrayLike) -> np.ndarray:
        """Return Omega_m(a), the share of matter in the energy density at a."""
        a = np.asarray(a, float)
        matter = self.omega_m * a**-3
        return matter / (matter + self._dark_energy(a))

    def expansion_slope(self, a: ArrayLike) -> np.ndarray:
        """Return dln E / dln a."""
        a = np.asarray(a, float)
        matter = self.matter_fraction(a)
        return -1.5 * (matter + (1 - matter) * (1 + self.w0 + self.wa * (1 - a)))

    def distance(self, a: ArrayLike) -> np.ndarray:
        """Return the comoving distance in Mpc/h to what is seen at scale factor a.

        Raises
        ------
        ValueError
            For a outside [0.001, 1].
        """
        return self._tables.distance(_log(a))

    def scale_factor(self, distance: ArrayLike) -> np.ndarray:
        """Return the scale factor at which light comes from a comoving distance in Mpc/h.

        The inverse of `distance`, by Newton's method on its table.
        """
        distance = np.asarray(distance, float)
        tables = self._tables
        if distance.size and not (distance.min() >= 0 and distance.max() <= tables.horizon):
            raise ValueError(f"distances must be between 0 and {tables.horizon:.0f} Mpc/h")
        lna = tables.first_guess(distance)
        for _ in range(3):
            a = np.exp(lna)
            slope = -HUBBLE_DISTANCE / (a * self.expansion(a))
            lna = np.clip(lna - (tables.distance(lna) - distance) / slope, np.log(A_MIN), 0.0)
        return np.exp(lna)

    # --- growth -------------------------------------------------------------------------------

    def growth1(self, a: ArrayLike) -> np.ndarray:
        """Return D1(a), the linear growth factor, 1 today."""
        return self._tables.growth1(_log(a))

    def growth2(self, a: ArrayLike) -> np.ndarray:
        """Return D2(a) of second-order displacements; negative, close to -3/7 D1(a)^2.

        The solution of D2'' + (2 + dlnE/dlna) D2' = 3/2 Omega_m(a) (D2 - D1^2) (primes are d/dlna)
        that grows as a^2 early, for D1 of 1 today. Displacements are ``-D1 grad phi1 + D2 grad
        phi2`` with phi1's Laplacian the linear density of today, phi2's the sum over i > j of
        phi1,ii phi1,jj - phi1,ij^2. Source: Bouchet et al. 1995; Scoccimarro 1998, app. D2.
        """
        return self._tables.growth2(_log(a))

    def rate1(self, a: ArrayLike) -> np.ndarray:
        """Return f1(a) = dln D1 / dln a."""
        lna = _log(a)
        return self._tables.slope1(lna) / self._tables.growth1(lna)

    def rate2(self, a: ArrayLike) -> np.ndarray:
        """Return f2(a) = dln D2 / dln a, close to 2 f1."""
        lna = _log(a)
        return self._tables.slope2(lna) / self._tables.growth2(lna)

    # --- FastPM's time integration ------------------------------------------------------------

    def drift(self, a_c: ArrayLike, a_i: ArrayLike, a_f: ArrayLike) -> np.ndarray:
        """Return FastPM's drift factor: ``x += p * drift(a_c, a_i, a_f)``.

        With the momentum p = a^3 E(a) dx/da that particles have at a_c, positions move from a_i
        to a_f so that linear growth is exact: (D1(a_f) - D1(a_i)) / (a_c^3 E(a_c) dD1/da(a_c)).
        Source: Feng et al. 2016, arXiv:1603.00476, eqs. 17-20.
        """
        return self.drift_scale(a_c) * (self.growth1(a_f) - self.growth1(a_i))

    def drift_scale(self, a_c: ArrayLike) -> np.ndarray:
        """Return the drift factor for a unit of growth, 1 / (a_c^3 E(a_c) dD1/da(a_c))."""
        a_c = np.asarray(a_c, float)
        return 1 / (a_c**2 * self.expansion(a_c) * self._tables.slope1(_log(a_c)))

    def kick(self, a_c: ArrayLike, a_i: ArrayLike, a_f: ArrayLike) -> np.ndarray:
        """Return FastPM's kick factor: ``p += f * kick(a_c, a_i, a_f)``.

        The force f, that at a_c, is -3/2 omega_m times the gradient of the inverse Laplacian of
        delta, in Mpc/h. The factor is (G(a_f) - G(a_i)) / (a_c^2 E(a_c) dG/da(a_c)) with
        G = a^3 E dD1/da, so that momenta grow as in linear theory.
        Source: Feng et al. 2016, arXiv:1603.00476, eqs. 17-20.
        """
        a_c = np.asarray(a_c, float)
        # The growth equation makes dG/da = 3/2 omega_m D1 / (a^2 E), with no second derivative.
        scale = 1.5 * self.omega_m * self.growth1(a_c)
        return (self._momentum_growth(a_f) - self._momentum_growth(a_i)) / scale

    def _momentum_growth(self, a: ArrayLike) -> np.ndarray:
        """Return G(a) = a^3 E dD1/da, how momenta grow in linear theory."""
        a = np.asarray(a, float)
        return a**2 * self.expansion(a) * self._tables.slope1(_log(a))

    # --- internals ----------------------------------------------------------------------------

    def _dark_energy(self, a: np.ndarray) -> np.ndarray:
        """Return the density of dark energy over the critical density of today."""
        power = -3 * (1 + self.w0 + self.wa)
        return (1 - self.omega_m) * a**power * np.exp(-3 * self.wa * (1 - a))

    @cached_property
    def _tables(self) -> _Tables:
        return _Tables(self)


class _Tables:
    """Distance and growth as cubic Hermite splines in ln a: values and slopes are both exact."""

    def __init__(self, cosmology: Cosmology) -> None:
        lna = np.linspace(np.log(A_MIN), 0.0, _POINTS)
        a = np.exp(lna)

        def equations(lna: float, y: np.ndarray) -> list[float]:
            at = np.exp(lna)
            drag = 2 + float(cosmology.expansion_slope(at))
            pull = 1.5 * float(cosmology.matter_fraction(at))
            return [
                y[1], pull * y[0] - drag * y[1],
                y[3], pull * (y[2] - y[0] ** 2) - drag * y[3],
                -HUBBLE_DISTANCE / (at * float(cosmology.expansion(at))),
            ]  # fmt: skip

        # Matter dominates at A_MIN: D1 = a, D2 = -3/7 a^2. Distance counts from there, for now.
        start = [A_MIN, A_MIN, -3 / 7 * A_MIN**2, -6 / 7 * A_MIN**2, 0.0]
        solved = solve_ivp(
            equations, (lna[0], 0.0), start, "DOP853", lna, rtol=1e-11, atol=1e-15
        )  # fmt: skip
        if not solved.success:
            raise ValueError(f"the growth equation could not be solved: {solved.message}")
        one, slope1, two, slope2, distance = solved.y
        slopes = np.array([equations(at, y) for at, y in zip(lna, solved.y.T)]).T
        norm = one[-1]
        distance = distance - distance[-1]
        self.horizon = float(distance[0])
        self.growth1: Spline = CubicHermiteSpline(lna, one / norm, slopes[0] / norm)
        self.slope1: Spline = CubicHermiteSpline(lna, slope1 / norm, slopes[1] / norm)
        self.growth2: Spline = CubicHermiteSpline(lna, two / norm**2, slopes[2] / norm**2)
        self.slope2: Spline = CubicHermiteSpline(lna, slope2 / norm**2, slopes[3] / norm**2)
        self.distance: Spline = CubicHermiteSpline(lna, distance, slopes[4])
        inverse: tuple[np.ndarray, np.ndarray] = (distance[::-1], np.log(a)[::-1])
        self.first_guess: Spline = lambda d: np.interp(d, *inverse)


Spline = Callable[[np.ndarray], np.ndarray]


def _log(a: ArrayLike) -> np.ndarray:
    a = np.asarray(a, float)
    if a.size and not (a.min() >= A_MIN * (1 - 1e-9) and a.max() <= 1 + 1e-9):
        raise ValueError(
            f"scale factors must be between {A_MIN} and 1, not {a.min():.4g} … {a.max():.4g}"
        )
    return np.log(np.clip(a, A_MIN, 1.0))
