"""Spectra of maps on the flat sky, and of the density in a box.

A map of a field is not periodic: it is multiplied by a window that falls to zero at its edges, and
the loss is made up for on average. Masks are part of that window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.fft

from mlsci.lensing.lightcone import Field
from mlsci.lensing.mesh import Mesh


@dataclass(frozen=True)
class Spectrum:
    """Band powers.

    `ell` (or k) is the mean of a band's modes, `error` one standard deviation for Gaussian modes,
    `modes` how many independent ones the band holds, after what the window takes.
    """

    ell: np.ndarray
    power: np.ndarray
    error: np.ndarray
    modes: np.ndarray


class Bands:
    """Measures spectra of maps in bands of ell.

    Parameters
    ----------
    field
        That of the maps.
    edges
        ``(bands + 1,)`` increasing multipoles.
    mask
        ``(pixels, pixels)``, 1 where a map is to be used, 0 where not, or a weight; None for all.
        Where it changes abruptly it mixes scales: smooth it first.
    taper
        Share of the field's width over which the window falls at each edge.

    Raises
    ------
    ValueError
        For bands without a mode, or a mask of the wrong shape.
    """

    def __init__(
        self, field: Field, edges: np.ndarray, mask: np.ndarray | None = None, taper: float = 0.1
    ) -> None:
        self.field, self.edges = field, np.asarray(edges, float)
        shape = (field.pixels, field.pixels)
        if mask is not None and mask.shape != shape:
            raise ValueError(f"the mask is {mask.shape}, the maps are {shape}")
        edge = _taper(field.pixels, taper)
        self.window = np.outer(edge, edge) * (1.0 if mask is None else mask)
        frequency = 2 * np.pi / field.width * scipy.fft.fftfreq(field.pixels, 1 / field.pixels)
        half = np.abs(frequency[: field.pixels // 2 + 1])
        self._ell = np.hypot(frequency[:, None], half)
        # A real map's modes come in pairs, of which the transform keeps one but for two columns.
        self._twice = np.full(self._ell.shape, 2.0)
        self._twice[:, 0] = 1
        if field.pixels % 2 == 0:
            self._twice[:, -1] = 1
        self._band = np.digitize(self._ell, self.edges) - 1
        self._band[(self._ell == 0) | (self._band == len(self.edges) - 1)] = -1
        if np.any(self._sum(np.ones(self._ell.shape)) == 0):
            raise ValueError(
                f"a band holds no mode of a field of {np.degrees(field.width):.2f} degrees with "
                f"{field.pixels} pixels: modes are {2 * np.pi / field.width:.0f} apart and reach "
                f"to {half.max() * np.sqrt(2):.0f}"
            )

    @cached_property
    def ell(self) -> np.ndarray:
        """Mean multipole of each band's modes ``(bands,)``."""
        return self._sum(self._ell) / self._sum(np.ones(self._ell.shape))

    @cached_property
    def modes(self) -> np.ndarray:
        """Independent real modes in each band ``(bands,)``."""
        loss = np.mean(self.window**2) ** 2 / np.mean(self.window**4)
        return self._sum(np.ones(self._ell.shape)) * loss

    def average(self, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return what the bands of a theory's maps hold on average, for a map to be compared with.

        The window mixes neighbouring multipoles: the expectation of a mode is the theory convolved
        with the square of the window's transform. It is the transform of the correlation function
        times the window's own, on a field of twice the width, where the window does not meet its
        copies. Source: Hivon et al. 2002, arXiv:astro-ph/0105302, sec. 2, for a flat sky.

        Parameters
        ----------
        function
            Gives the theory at an array of multipoles; it is interpolated from some hundred.
        """
        n = 2 * self.field.pixels
        step = np.pi / self.field.width
        ell = step * np.hypot(scipy.fft.fftfreq(n, 1 / n)[:, None], np.arange(n // 2 + 1))
        points = np.geomspace(step, ell.max(), 400)
        theory = np.interp(ell, points, np.asarray(function(points), float))
        theory[0, 0] = 0  # the mean is subtracted
        pairs = scipy.fft.irfft2(np.abs(scipy.fft.rfft2(self.window, (n, n))) ** 2, (n, n))
        pairs *= scipy.fft.irfft2(theory, (n, n)) / np.sum(self.window**2)
        expected = scipy.fft.rfft2(pairs).real[::2, ::2]
        return self._sum(expected) / self._sum(np.ones(self._ell.shape))

    def measure(self, kappa: np.ndarray, other: np.ndarray | None = None) -> Spectrum:
        """Return the spectrum of a map ``(pixels, pixels)``, or of two maps with each other.

        The error is that of Gaussian modes: C sqrt(2 / modes), or for two maps
        sqrt((C12^2 + C11 C22) / modes). Source: Hivon et al. 2002, arXiv:astro-ph/0105302, sec. 2.
        """
        first = self._modes_of(kappa)
        power = self._mean(first, first)
        if other is None:
            error = power * np.sqrt(2 / self.modes)
        else:
            second = self._modes_of(other)
            both, power = power * self._mean(second, second), self._mean(first, second)
            error = np.sqrt((power**2 + both) / self.modes)
        return Spectrum(self.ell, power, error, self.modes)

    def _modes_of(self, kappa: np.ndarray) -> np.ndarray:
        mean = np.sum(self.window * kappa) / np.sum(self.window)
        return scipy.fft.rfft2(self.window * (kappa - mean))

    def _mean(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        cross = (first * second.conj()).real
        area = self.field.pixel**4 / self.field.width**2 / np.mean(self.window**2)
        return area * self._sum(cross) / self._sum(np.ones(self._ell.shape))

    def _sum(self, values: np.ndarray) -> np.ndarray:
        inside = self._band >= 0
        return np.bincount(
            self._band[inside], (values * self._twice)[inside], minlength=len(self.edges) - 1
        )


def _taper(pixels: int, share: float) -> np.ndarray:
    """Return a window that rises as a squared sine over a share of its length at both ends."""
    at = (np.arange(pixels) + 0.5) / pixels
    edge = np.minimum(at, 1 - at)
    return np.sin(np.pi / 2 * np.clip(edge / max(share, 1e-12), 0, 1)) ** 2


def particle_power(mesh: Mesh, x: np.ndarray, edges: np.ndarray) -> Spectrum:
    """Return the power spectrum of particles in a periodic box, of all ranks together.

    In (Mpc/h)^3, with the cloud-in-cell window divided out and the shot noise, box^3 over the
    number of particles, left in.

    Parameters
    ----------
    mesh
        On which they are painted; power near its Nyquist frequency is aliased.
    x
        ``(n, 3)`` of this rank, in Mpc/h.
    edges
        ``(bands + 1,)`` increasing wave numbers in h/Mpc.

    Raises
    ------
    ValueError
        For bands without a mode.
    """
    comm = mesh.comm
    particles = comm.allreduce(len(x))
    modes = mesh.forward(mesh.paint(mesh.route(x).there(x))) / particles
    window = [np.sinc(k * mesh.cell / (2 * np.pi)) ** -4 for k in mesh.k]
    back = np.outer(window[1], window[2])
    # All |k|^2 are integers in units of the square of the fundamental mode.
    fundamental = 2 * np.pi / mesh.box
    x2, y2, z2 = (np.rint(k / fundamental).astype(np.int64) ** 2 for k in mesh.k)
    transverse = y2[:, None] + z2
    # Modes come in pairs, of which the transform keeps one but for two planes.
    twice = np.where((z2 == 0) | (2 * np.sqrt(z2) == mesh.cells), 1.0, 2.0)
    weight = np.broadcast_to(twice, transverse.shape).ravel()
    squares = np.zeros((2, 3 * (mesh.cells // 2) ** 2 + 1))
    for square, undo, plane in zip(x2, window[0], modes):  # one fits the processor's cache
        power = (plane.real**2 + plane.imag**2) * back * twice
        at = (square + transverse).ravel()
        squares[0] += np.bincount(at, weight, squares.shape[1])
        squares[1] += np.bincount(at, power.ravel() * undo, squares.shape[1])
    squares = comm.allreduce(squares)
    k = fundamental * np.sqrt(np.arange(squares.shape[1]))
    band = np.searchsorted(edges, k, side="right") - 1
    inside = (band >= 0) & (band < len(edges) - 1) & (k > 0)
    count, total_k, total = (
        np.bincount(band[inside], values[inside], len(edges) - 1)
        for values in (squares[0], squares[0] * k, squares[1] * mesh.box**3)
    )
    if np.any(count == 0):
        raise ValueError(
            f"a band holds no mode of a box of {mesh.box:.0f} Mpc/h with {mesh.cells} cells: modes "
            f"are {fundamental:.3g} h/Mpc apart"
        )
    mean = total / count
    return Spectrum(total_k / count, mean, mean * np.sqrt(2 / count), count)
