"""The posterior of initial conditions and cosmology for a map: its gradient, and its mask."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from mpi4py import MPI

from mlsci.lensing.adjoint.inference import FieldPosterior, with_parameters
from mlsci.lensing.settings import Settings
from mlsci.lensing.simulate import simulate

SMALL = Settings(
    particles=8, box=256.0, pixels=8, degrees=4.5, stages=4, sources=(0.8,), precision="f8",
    sharpening=None, transfer="eisenstein_hu", boost=1, seed=5,
)  # fmt: skip
PRIORS = {"omega_m": (0.3, 0.02), "sigma8": (0.8, 0.05)}


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((8, 8, 8))


@pytest.fixture(scope="module")
def posterior() -> FieldPosterior:
    rng = np.random.default_rng(1)
    truth = with_parameters(SMALL, {"omega_m": 0.31, "sigma8": 0.83})
    kappa = simulate(truth, MPI.COMM_SELF, noise(0)).kappa
    sigma = 0.5 * float(kappa.std())
    seen = np.ones((8, 8), bool)
    seen[2:4, 2:4] = False
    data = kappa + rng.normal(0, sigma, kappa.shape)
    return FieldPosterior(SMALL, data, sigma, seen, PRIORS)


def test_posterior_has_the_gradient_of_its_value(posterior: FieldPosterior) -> None:
    rng = np.random.default_rng(2)
    state = rng.standard_normal(posterior.modes + 2)
    way = rng.standard_normal(len(state))
    _, gradient = posterior(state)
    h = 1e-5
    by_steps = (posterior(state + h * way)[0] - posterior(state - h * way)[0]) / (2 * h)
    assert by_steps == pytest.approx(gradient @ way, rel=1e-5)


def test_masked_pixels_say_nothing(posterior: FieldPosterior) -> None:
    state = np.random.default_rng(3).standard_normal(posterior.modes + 2)
    data = posterior.data.copy()
    data[:, ~posterior.seen] = np.nan
    blind = dataclasses.replace(posterior, data=data)
    assert blind(state)[0] == pytest.approx(posterior(state)[0], rel=1e-12)
