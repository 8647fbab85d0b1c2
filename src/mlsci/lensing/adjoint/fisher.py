"""Forecasts and compression with exact derivatives of spectra.

A spectrum is quadratic in its map, so its derivative is twice the cross-spectrum of the map with
the map's derivative: no differences of runs, hence no step to choose, and no noise from particles
that cross the edges of boxes between one run and the next.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mpi4py import MPI

from mlsci.lensing.adjoint.model import Inputs, simulate_with_jvp
from mlsci.lensing.settings import Settings
from mlsci.lensing.spectra import Bands


def spectra_with_slopes(
    noise: np.ndarray, settings: Settings, bands: Bands, parameters: Sequence[str],
    comm: MPI.Comm | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return spectra of the maps of one run, and their derivatives with the cosmology.

    Parameters
    ----------
    noise : ndarray, this rank's block of the lattice
        White noise, held fixed.
    settings : Settings
        The run.
    bands : Bands
        Of the spectra.
    parameters : sequence of str
        Names of parameters of the cosmology.
    comm : MPI.Comm, optional
        All ranks by default.

    Returns
    -------
    spectra : ndarray (sources, bands)
        In steradians.
    slopes : ndarray (parameters, sources, bands)
    """
    spectra, slopes = np.empty(0), []
    for name in parameters:
        direction = Inputs(np.zeros_like(noise), {name: 1.0})
        kappa, change = simulate_with_jvp(noise, settings, direction, comm)
        spectra = np.array([bands.measure(one).power for one in kappa])
        slopes.append([2 * bands.measure(*pair).power for pair in zip(kappa, change)])
    return spectra, np.array(slopes)


def fisher_matrix(slopes: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the Fisher matrix of Gaussian data whose mean depends on parameters.

    Parameters
    ----------
    slopes : ndarray (parameters, n)
        Derivatives of the mean of the data.
    covariance : ndarray (n, n)
        Of the data.

    Returns
    -------
    ndarray (parameters, parameters)
        Its inverse is the covariance of the parameters. Source: Tegmark, Taylor & Heavens 1997,
        arXiv:astro-ph/9603021, eq. 15, first term left out.
    """
    return slopes @ np.linalg.solve(covariance, slopes.T)


def score(
    data: np.ndarray, mean: np.ndarray, slopes: np.ndarray, covariance: np.ndarray
) -> np.ndarray:
    """Return a number for each parameter: all that the data know of it, to first order.

    The score of a Gaussian likelihood, times the inverse of its Fisher matrix: near the parameters
    at which mean and slopes were taken, an unbiased estimate of how far the truth is from them.
    Source: Alsing & Wandelt 2018, arXiv:1712.00012, eqs. 6-12.

    Parameters
    ----------
    data : ndarray (..., n)
        One set of data, or many.
    mean, slopes, covariance
        Of the data, as for `fisher_matrix`.

    Returns
    -------
    ndarray (..., parameters)
    """
    gradient = (data - mean) @ np.linalg.solve(covariance, slopes.T)
    solved = np.linalg.solve(fisher_matrix(slopes, covariance), gradient[..., None])
    return np.asarray(solved[..., 0])
