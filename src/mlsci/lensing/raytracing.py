"""Rays through many lens planes, and what they do to images: beyond the Born approximation.

Light runs straight between planes and is bent at each where it meets it, so that the planes act on
one another. The distortion of images follows exactly, with a rotation that one plane cannot give.
Source: Jain, Seljak & White 2000, arXiv:astro-ph/9901191, sec. 2; Hilbert et al. 2009,
arXiv:0809.5035, sec. 2.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.ndimage

from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.lightcone import CELLS, Field, depths
from mlsci.lensing.shear import deflection, shear


@dataclass(frozen=True)
class LensPlane:
    """The lensing by matter at one distance, of sources infinitely far behind it.

    Parameters
    ----------
    distance
        Comoving, in Mpc/h.
    alpha
        ``(2, y, x)``: deflections along x and y in radians, at the centres of pixels.
    tidal
        ``(3, y, x)``: second derivatives psi,xx, psi,yy and psi,xy of the potential.
    """

    distance: float
    alpha: np.ndarray
    tidal: np.ndarray


@dataclass(frozen=True)
class Distortion:
    """How images of sources at one distance are distorted; all maps are ``(y, x)`` of the image.

    The Jacobian of source positions is ((1 - kappa - gamma1, -gamma2 - omega), (-gamma2 + omega,
    1 - kappa + gamma1)). `position` ``(2, y, x)`` is where on the unlensed sky an image is from.
    """

    kappa: np.ndarray
    gamma: np.ndarray
    omega: np.ndarray
    position: np.ndarray


def plane_edges(reach: float, planes: int) -> np.ndarray:
    """Return the distances ``(planes + 1,)`` between slices of equal thickness."""
    return np.linspace(0.0, reach, planes + 1)


def plane_efficiencies(edges: np.ndarray, cells: int = CELLS) -> np.ndarray:
    """Return ``(cells + 1, planes)`` for `LightCone`: 1 within a plane's slice, 0 outside."""
    at = np.digitize(depths(float(edges[-1]), cells), edges[1:-1])
    return (at[:, None] == np.arange(len(edges) - 1)).astype(float)


def overdensity(
    projected: np.ndarray, cosmology: Cosmology, edges: np.ndarray
) -> Iterable[tuple[float, np.ndarray]]:
    """Yield distance and convergence ``(y, x)`` of each plane that a `LightCone` summed.

    Less the mean of all matter. A plane's distance is the mean over its slice, by lensing weight
    for far sources: so the Born sum over planes is that over particles but for their spread within
    a slice.
    """
    from mlsci.lensing.cosmology import HUBBLE_DISTANCE

    for number, (near, far) in enumerate(zip(edges[:-1], edges[1:])):
        x, weight = np.polynomial.legendre.leggauss(32)
        chi = near + (x + 1) / 2 * (far - near)
        strength = 1.5 * cosmology.omega_m / HUBBLE_DISTANCE**2 * chi / cosmology.scale_factor(chi)
        strength = strength * weight * (far - near) / 2
        mean = float(strength.sum())
        yield float(chi @ strength / mean), projected[..., number] - mean


def lens_plane(distance: float, kappa: np.ndarray, field: Field) -> LensPlane:
    """Return the plane of a convergence ``(y, x)``, for sources infinitely far behind it."""
    one, two = shear(kappa, field)
    return LensPlane(distance, deflection(kappa, field), np.stack([kappa + one, kappa - one, two]))


def trace(planes: Iterable[LensPlane], field: Field, sources: Sequence[float]) -> list[Distortion]:
    """Follow a ray from each pixel's centre through planes, and return what sources suffer.

    Parameters
    ----------
    planes
        In order of distance.
    field
        Of the image, and of the planes' maps: angles are about its centre. Rays that leave it meet
        what is at its edge.
    sources
        Comoving distances in Mpc/h, rising.

    Raises
    ------
    ValueError
        For planes or sources out of order.
    """
    n = field.pixels
    angle = (np.arange(n) + 0.5) * field.pixel - field.width / 2
    theta = np.stack(np.meshgrid(angle, angle))
    # Transverse position and direction of each ray, and their derivatives by the image's angle.
    place, heading = np.zeros_like(theta), theta.copy()
    d_place = np.zeros((2, 2, n, n))
    d_heading = np.zeros((2, 2, n, n))
    d_heading[0, 0] = d_heading[1, 1] = 1
    at = 0.0
    waiting, found = list(sources), []
    if waiting != sorted(waiting) or not waiting or waiting[0] <= 0:
        raise ValueError("sources must be at positive distances, in rising order")

    def advance(distance: float) -> None:
        nonlocal at, place, d_place
        if distance < at:
            raise ValueError("lens planes must come in order of distance")
        place = place + (distance - at) * heading
        d_place = d_place + (distance - at) * d_heading
        at = distance

    for plane in planes:
        while waiting and waiting[0] <= plane.distance:
            advance(waiting.pop(0))
            found.append(_distortion(d_place / at, place / at))
        if not waiting:
            break
        advance(plane.distance)
        pixel = (place / at + field.width / 2) / field.pixel - 0.5
        alpha = _at(plane.alpha, pixel)
        xx, yy, xy = _at(plane.tidal, pixel)
        heading = heading - alpha
        bend = np.array([[xx, xy], [xy, yy]])
        d_heading = d_heading - np.einsum("ij...,jk...->ik...", bend, d_place / at)
    for distance in waiting:
        advance(distance)
        found.append(_distortion(d_place / at, place / at))
    return found


def born(planes: Iterable[tuple[float, np.ndarray]], source: float) -> np.ndarray:
    """Return the convergence ``(y, x)`` of planes in the Born approximation.

    Parameters
    ----------
    planes
        Distances and convergences, as from `overdensity`.
    source
        Distance of the sources in Mpc/h.
    """
    return sum(
        (max(0.0, 1 - distance / source) * kappa for distance, kappa in planes), np.zeros(())
    )


def _distortion(jacobian: np.ndarray, position: np.ndarray) -> Distortion:
    (xx, xy), (yx, yy) = jacobian
    gamma = np.stack([(yy - xx) / 2, -(xy + yx) / 2])
    return Distortion(1 - (xx + yy) / 2, gamma, (yx - xy) / 2, position)


def _at(maps: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    """Return maps ``(m, y, x)`` at places (x, y) in pixels, between them by cubic splines."""
    return np.stack([
        scipy.ndimage.map_coordinates(one, pixel[::-1], order=3, mode="nearest") for one in maps
    ])  # fmt: skip
