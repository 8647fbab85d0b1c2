"""How spectra of maps depend on the parameters of the sharpening: a gradient to fit them by.

`mlsci.lensing.calibration` fits what boxes hold of the matter's power; here the maps themselves are
fitted, all light cone effects included, to any target: theory, or maps of better runs. One gradient
has the derivatives for all four parameters, at the cost of two or three runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.fft
from mpi4py import MPI
from scipy.optimize import minimize

from mlsci.lensing.adjoint.model import SHARPENING, simulate_with_vjp
from mlsci.lensing.settings import Settings
from mlsci.lensing.sharpening import Sharpening
from mlsci.lensing.spectra import Bands


def spectrum_vjp(bands: Bands, kappa: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
    """Return the gradient with respect to a map, from that with respect to its spectrum.

    Parameters
    ----------
    bands : Bands
        Of the spectrum.
    kappa : ndarray (y, x)
        The map.
    cotangent : ndarray (bands,)
        The gradient with respect to `bands.measure(kappa).power`.

    Returns
    -------
    ndarray (y, x)
    """
    window = bands.window
    mean = np.sum(window * kappa) / np.sum(window)
    modes = scipy.fft.rfft2(window * (kappa - mean))
    counts = bands._sum(np.ones(bands._ell.shape))
    area = bands.field.pixel**4 / bands.field.width**2 / np.mean(window**2)
    shares = np.append(area * cotangent / counts, 0.0)[bands._band]  # band -1: outside of all
    back = 2 * kappa.size * window * scipy.fft.irfft2(shares * modes, kappa.shape)
    return np.asarray(back - window * np.sum(back) / np.sum(window))


def mismatch(
    numbers: np.ndarray, settings: Settings, noises: Sequence[np.ndarray], bands: Bands,
    target: np.ndarray, comm: MPI.Comm | None = None,
) -> tuple[float, np.ndarray]:  # fmt: skip
    """Return how far mean spectra are from a target, and the gradient.

    Parameters
    ----------
    numbers : ndarray (4,)
        ln low, ln high, ln alpha0, and mu.
    settings : Settings
        The run; its sharpening is not used.
    noises : sequence of ndarray
        White noise of the runs whose spectra are averaged; this rank's blocks.
    bands : Bands
        Of the spectra.
    target : ndarray (sources, bands)
        What the mean of the spectra should be.
    comm : MPI.Comm, optional
        All ranks by default.

    Returns
    -------
    value : float
        The mean over sources and bands of the squared logarithm of the ratio.
    gradient : ndarray (4,)
    """
    low, high, alpha0 = np.exp(numbers[:3])
    moved = replace(settings, sharpening=Sharpening(low, high, alpha0, float(numbers[3])))

    def spectra(maps: np.ndarray) -> np.ndarray:
        return np.array([bands.measure(one).power for one in maps])

    runs = [simulate_with_vjp(noise, moved, comm) for noise in noises]
    mean = np.mean([spectra(kappa) for kappa, _ in runs], axis=0)
    off = np.log(mean / target)
    slopes = 2 * off / mean / off.size / len(runs)
    total = np.zeros(len(SHARPENING))
    while runs:  # each run's particles are given up with it
        kappa, vjp = runs.pop()
        back = np.array([spectrum_vjp(bands, *pair) for pair in zip(kappa, slopes)])
        gradient = vjp(back).sharpening
        total += [gradient[name] for name in SHARPENING]
    return float(np.mean(off**2)), total * [low, high, alpha0, 1.0]


def fit_sharpening(
    settings: Settings, start: Sharpening, noises: Sequence[np.ndarray], bands: Bands,
    target: np.ndarray, iterations: int = 30, comm: MPI.Comm | None = None,
) -> tuple[Sharpening, list[float]]:  # fmt: skip
    """Return the parameters that bring mean spectra closest to a target.

    Parameters are those of `mismatch`; L-BFGS goes from `start`.

    Returns
    -------
    sharpening : Sharpening
    trace : list of float
        The mismatch at the start and after each iteration.
    """
    first = [*np.log([start.low, start.high, start.alpha0]), start.mu]
    trace: list[float] = []

    def downhill(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = mismatch(numbers, settings, noises, bands, target, comm)
        if not trace:
            trace.append(value)
        return value, gradient

    found = minimize(
        downhill, first, jac=True, method="L-BFGS-B",
        callback=lambda intermediate_result: trace.append(float(intermediate_result.fun)),
        options={"maxiter": iterations},
    )  # fmt: skip
    low, high, alpha0 = (float(value) for value in np.exp(found.x[:3]))
    return Sharpening(low, high, alpha0, float(found.x[3])), trace
