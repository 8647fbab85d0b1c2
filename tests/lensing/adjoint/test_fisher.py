"""Forecasts and compression: slopes of spectra, and what scores keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mpi4py import MPI

from mlsci.lensing.adjoint.fisher import fisher_matrix, score, spectra_with_slopes
from mlsci.lensing.settings import Settings
from mlsci.lensing.simulate import simulate
from mlsci.lensing.spectra import Bands

SMALL = Settings(
    particles=8, box=256.0, pixels=8, degrees=4.5, stages=4, sources=(0.8,), precision="f8",
    sharpening=None, transfer="eisenstein_hu", boost=1, seed=5,
)  # fmt: skip


def noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((8, 8, 8))


def test_slopes_of_spectra_are_those_of_differences() -> None:
    bands = Bands(SMALL.sky, np.geomspace(200, 600, 3))
    _, slopes = spectra_with_slopes(noise(), SMALL, bands, ("omega_m", "sigma8"))
    for name, found in zip(("omega_m", "sigma8"), slopes):
        value, h = getattr(SMALL.cosmology, name), 1e-5
        up, down = (
            simulate(
                replace(SMALL, cosmology=replace(SMALL.cosmology, **{name: value + step})),
                MPI.COMM_SELF, noise(),
            ).kappa
            for step in (h, -h)
        )  # fmt: skip
        expected = (bands.measure(up[0]).power - bands.measure(down[0]).power) / (2 * h)
        # a longer way in distance than elsewhere: some particles run over edges of pixels
        np.testing.assert_allclose(found[0], expected, atol=1e-3 * np.abs(expected).max())


def test_scores_keep_what_linear_data_know() -> None:
    rng = np.random.default_rng(0)
    slopes = rng.standard_normal((2, 12))
    root = rng.standard_normal((12, 12))
    covariance = root @ root.T + np.eye(12)
    truth, mean = np.array([0.3, -0.2]), rng.standard_normal(12)
    data = mean + truth @ slopes + rng.multivariate_normal(np.zeros(12), covariance, 20_000)
    found = score(data, mean, slopes, covariance)
    expected = np.linalg.inv(fisher_matrix(slopes, covariance))
    error = np.sqrt(np.diag(expected) / len(data))
    assert np.all(np.abs(found.mean(0) - truth) < 4 * error)
    np.testing.assert_allclose(np.cov(found.T), expected, rtol=0.05, atol=0.05 * expected.max())
