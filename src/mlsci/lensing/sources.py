"""Lensed sources, and how strongly matter along the way to them lenses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlsci.lensing.cosmology import HUBBLE_DISTANCE, Cosmology

_FINE = 4001  # points to which a tabulated distribution is interpolated


@dataclass(frozen=True)
class Distribution:
    """Sources spread over redshift, n(z), linear between the points of a table.

    Parameters
    ----------
    z
        Increasing redshifts, two or more; there are no sources outside them.
    density
        Sources per unit of redshift at each z, of any normalisation, not negative.

    Raises
    ------
    ValueError
        For a table that is no distribution, or has sources at redshift 0.
    """

    z: tuple[float, ...]
    density: tuple[float, ...]

    def __post_init__(self) -> None:
        z, density = np.asarray(self.z, float), np.asarray(self.density, float)
        if z.ndim != 1 or z.shape != density.shape or len(z) < 2:
            raise ValueError("z and density of a distribution must be two rows of equal length")
        if not (np.all(np.diff(z) > 0) and z[0] >= 0):
            raise ValueError("the redshifts of a distribution must increase from 0 or above")
        if not (np.all(density >= 0) and np.isfinite(density).all() and density.any()):
            raise ValueError("densities of sources must not be negative, and some be positive")
        if z[0] == 0 and density[0] > 0:
            raise ValueError("a distribution must not have sources at redshift 0: start it at 0")


Source = float | Distribution  # all sources at one redshift, or spread


def farthest(source: Source) -> float:
    """Return the redshift of the most distant sources."""
    return float(source.z[-1]) if isinstance(source, Distribution) else float(source)


def efficiency(cosmology: Cosmology, source: Source, distance: np.ndarray) -> np.ndarray:
    """Return the lensing efficiency q, the mean of 1 - chi / chi_source over sources behind chi.

    Parameters
    ----------
    distance
        Comoving distances chi in Mpc/h, of any shape.

    Returns
    -------
    np.ndarray
        Of the shape of `distance`; 1 at the observer, 0 behind the last source.
    """
    distance = np.asarray(distance, float)
    if not isinstance(source, Distribution):
        behind = float(cosmology.distance(1 / (1 + source)))
        return np.clip(1 - distance / behind, 0.0, None)
    z = np.union1d(np.linspace(source.z[0], source.z[-1], _FINE), source.z)
    density = np.interp(z, source.z, source.density)
    chi = cosmology.distance(1 / (1 + z))
    # Integrals over z of n and of n / chi from each point to the end; n / chi is 0 where n is.
    inverse = np.divide(density, chi, out=np.zeros_like(chi), where=chi > 0)
    count, parallax = _from_the_end(density, z), _from_the_end(inverse, z)
    q = (count - chi * parallax) / count[0]
    before = 1 - distance * parallax[0] / count[0]
    return np.where(distance < chi[0], before, np.interp(distance, chi, q, right=0.0))


def kernel(cosmology: Cosmology, source: Source, distance: np.ndarray) -> np.ndarray:
    """Return the kernel W in h/Mpc: kappa is the integral of W delta over comoving distance.

    W = 3/2 Omega_m (H0/c)^2 chi q(chi) / a(chi). Source: Bartelmann & Schneider 2001,
    arXiv:astro-ph/9912508, eq. 6.19.
    """
    distance = np.asarray(distance, float)
    prefactor = 1.5 * cosmology.omega_m / HUBBLE_DISTANCE**2
    strength = efficiency(cosmology, source, distance) / cosmology.scale_factor(distance)
    return prefactor * distance * strength


def _from_the_end(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the integral by trapezia from each point to the last."""
    pieces = np.diff(x) * (values[1:] + values[:-1]) / 2
    return np.concatenate([np.cumsum(pieces[::-1])[::-1], [0.0]])
