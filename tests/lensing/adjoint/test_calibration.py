"""Sharpening fitted by gradient: the gradient is right, and planted parameters' spectra are met."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from mpi4py import MPI

from mlsci.lensing.adjoint.calibration import fit_sharpening, mismatch, spectrum_vjp
from mlsci.lensing.settings import Settings
from mlsci.lensing.sharpening import Sharpening
from mlsci.lensing.simulate import simulate
from mlsci.lensing.spectra import Bands

SMALL = Settings(
    particles=8, box=256.0, pixels=16, degrees=4.5, stages=4, sources=(0.8,), precision="f8",
    sharpening=Sharpening(0.1, 1.0, 4.0, -0.5), transfer="eisenstein_hu", boost=1, seed=5,
)  # fmt: skip
BANDS = Bands(SMALL.sky, np.geomspace(150, 700, 5))


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((8, 8, 8))


def target() -> np.ndarray:
    maps = simulate(SMALL, MPI.COMM_SELF, noise(0)).kappa
    return np.array([BANDS.measure(one).power for one in maps])


def test_gradient_of_a_spectrum() -> None:
    rng = np.random.default_rng(0)
    kappa, change = rng.standard_normal((2, 16, 16))
    cotangent = rng.standard_normal(4)
    h = 1e-4  # of a quadratic form: exact at any length
    slopes = BANDS.measure(kappa + h * change).power - BANDS.measure(kappa - h * change).power
    back = spectrum_vjp(BANDS, kappa, cotangent)
    assert np.vdot(back, change) == pytest.approx(cotangent @ slopes / (2 * h), rel=1e-8)


def test_gradient_of_the_mismatch() -> None:
    numbers, way = np.array([np.log(0.2), np.log(1.5), np.log(2.0), -1.0]), np.array([1, 2, 1, 0.5])
    arguments = (SMALL, [noise(0), noise(1)], BANDS, target(), MPI.COMM_SELF)
    _, gradient = mismatch(numbers, *arguments)
    h = 1e-5
    up, down = (mismatch(numbers + step * way, *arguments)[0] for step in (h, -h))
    assert gradient @ way == pytest.approx((up - down) / (2 * h), rel=1e-4)


@pytest.mark.slow
def test_planted_parameters_are_met_in_the_spectra() -> None:
    start = dataclasses.replace(SMALL.sharpening, alpha0=1.0, mu=0.0)  # type: ignore[type-var]
    wanted, arguments = target(), ([noise(0)], BANDS)
    found, trace = fit_sharpening(SMALL, start, *arguments, wanted, 5, MPI.COMM_SELF)
    assert trace[-1] < 0.3 * trace[0]
    assert found.alpha0 > start.alpha0
