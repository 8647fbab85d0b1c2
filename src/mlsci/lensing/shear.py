"""Shear and deflection of a convergence, exact for a map of uniform square pixels.

Outside its field a map is taken to be zero, not to repeat: fields are summed over pixels (by
Fourier transforms of twice the width, Hockney & Eastwood 1981), each with the closed form of a
uniform square's field. With the deflection alpha = grad psi and psi's Laplacian 2 kappa, the shear
is gamma1 = (psi,xx - psi,yy) / 2, gamma2 = psi,xy (Bartelmann & Schneider 2001, eqs. 3.5-3.11).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.ndimage

from mlsci.lensing.lightcone import Field


def shear(kappa: np.ndarray, field: Field) -> np.ndarray:
    """Return the shear ``(2, y, x)``, gamma1 and gamma2, of a convergence ``(y, x)``.

    gamma1 is positive for images stretched along x, gamma2 along the line x = y.
    """
    return _convolve(kappa, field, "shear")


def deflection(kappa: np.ndarray, field: Field) -> np.ndarray:
    """Return the deflection ``(2, y, x)`` along x and y, in radians, at the centres of pixels.

    A ray seen at theta comes from theta - alpha.
    """
    return _convolve(kappa, field, "deflection") * field.pixel


def curl_and_divergence(gamma: np.ndarray, field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Return E and B maps ``(y, x)`` of a shear ``(2, y, x)``: convergence, and what is none.

    Kaiser & Squires 1993, in Fourier space, with the field set in zeros of its own width. A shear
    that goes on beyond the field leaves B modes near its edges.
    """
    n = field.pixels
    frequency = scipy.fft.fftfreq(2 * n)
    lx, ly = np.meshgrid(frequency, frequency)
    square = lx**2 + ly**2
    square[0, 0] = np.inf
    cos, sin = (lx**2 - ly**2) / square, 2 * lx * ly / square
    one, two = (scipy.fft.fft2(part, (2 * n, 2 * n)) for part in gamma)
    e = scipy.fft.ifft2(cos * one + sin * two).real[:n, :n]
    b = scipy.fft.ifft2(cos * two - sin * one).real[:n, :n]
    return e, b


def shape_noise(field: Field, dispersion: float, density: float, seed: int) -> np.ndarray:
    """Return noise for a map of shear or convergence ``(y, x)``, white and Gaussian.

    Parameters
    ----------
    dispersion
        Standard deviation of one component of a galaxy's intrinsic ellipticity.
    density
        Galaxies per square arc minute.

    Raises
    ------
    ValueError
        For a density that is not positive, or a negative dispersion.
    """
    if not (density > 0 and dispersion >= 0):
        raise ValueError("shape noise needs a positive density and a dispersion not below zero")
    galaxies = density * (np.degrees(field.pixel) * 60) ** 2
    rng = np.random.default_rng(seed)
    return rng.normal(0, dispersion / np.sqrt(galaxies), (field.pixels, field.pixels))


def galaxies(
    kappa: np.ndarray, field: Field, dispersion: float, density: float, seed: int
) -> dict[str, np.ndarray]:
    """Return a catalogue of galaxies behind a convergence ``(y, x)``, by column ``(n,)``.

    `x` and `y` are places in degrees about the centre of the field, at random and unclustered, `e1`
    and `e2` what is seen of an ellipticity: the reduced shear ``g1``, ``g2`` = gamma / (1 - kappa),
    by linear interpolation of maps, and the galaxy's own, which is Gaussian.
    Source: Bartelmann & Schneider 2001, arXiv:astro-ph/9912508, secs. 4.2-4.3.

    Parameters
    ----------
    dispersion, density
        As in `shape_noise`: of one component, and galaxies per square arc minute.
    """
    if not (density > 0 and dispersion >= 0):
        raise ValueError("galaxies need a positive density and a dispersion not below zero")
    rng = np.random.default_rng([seed, 0x6A1])
    number = rng.poisson(density * (np.degrees(field.width) * 60) ** 2)
    x, y = rng.uniform(-0.5, 0.5, (2, number))
    pixel = (np.stack([y, x]) + 0.5) * field.pixels - 0.5
    reduced = [
        scipy.ndimage.map_coordinates(part / (1 - kappa), pixel, order=1, mode="nearest")
        for part in shear(kappa, field)
    ]
    own = rng.normal(0, dispersion, (2, number))
    width = np.degrees(field.width)
    return {
        "x": x * width, "y": y * width, "g1": reduced[0], "g2": reduced[1],
        "e1": reduced[0] + own[0], "e2": reduced[1] + own[1],
    }  # fmt: skip


def _convolve(kappa: np.ndarray, field: Field, kind: str) -> np.ndarray:
    n = field.pixels
    if kappa.shape != (n, n):
        raise ValueError(f"the map is {kappa.shape}, its field has {n} pixels along a side")
    source = scipy.fft.rfft2(kappa, (2 * n, 2 * n))
    return np.stack([
        scipy.fft.irfft2(source * kernel, (2 * n, 2 * n))[:n, :n] for kernel in _kernels(n, kind)
    ])  # fmt: skip


@lru_cache(maxsize=4)
def _kernels(pixels: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the transforms of a unit square's fields at all distances that a map knows."""
    # Corners of the square around the origin, seen from each pixel; further than half way round is
    # the other side.
    steps = scipy.fft.fftfreq(2 * pixels, 1 / (2 * pixels))
    total: list[np.ndarray] = [np.zeros((2 * pixels, 2 * pixels)) for _ in range(2)]
    for sx in (-0.5, 0.5):
        for sy in (-0.5, 0.5):
            x, y = np.meshgrid(steps + sx, steps + sy)
            sign = np.sign(sx * sy) / np.pi
            log = 0.5 * np.log(x**2 + y**2)
            if kind == "shear":
                # psi,xx = atan(y/x) at the corners over pi, psi,yy = atan(x/y), psi,xy = log r
                parts = (0.5 * (np.arctan(y / x) - np.arctan(x / y)), log)
            else:
                parts = (y * log + x * np.arctan(y / x), x * log + y * np.arctan(x / y))
            for field, part in zip(total, parts):
                field += sign * part
    first, second = (scipy.fft.rfft2(field) for field in total)
    return first, second
