"""The posterior of initial conditions and cosmology for a map: gradient, mask, best state."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mlsci.lensing.adjoint.inference import (
    FieldPosterior,
    agreement,
    coverage,
    large_scale_modes,
    most_probable,
    observed,
    randomized,
    with_parameters,
)
from mlsci.lensing.settings import Settings

SMALL = Settings(
    particles=8, box=256.0, pixels=8, degrees=4.5, stages=4, sources=(0.8,), precision="f8",
    sharpening=None, transfer="eisenstein_hu", boost=1, seed=5,
)  # fmt: skip
PRIORS = {"omega_m": (0.3, 0.02), "sigma8": (0.8, 0.05)}


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((8, 8, 8))


@pytest.fixture(scope="module")
def made_up() -> tuple[FieldPosterior, np.ndarray]:
    seen = np.ones((8, 8), bool)
    seen[2:4, 2:4] = False
    return observed(SMALL, 0.02, seen, PRIORS, seed=1)


def test_posterior_has_the_gradient_of_its_value(
    made_up: tuple[FieldPosterior, np.ndarray],
) -> None:
    posterior, _ = made_up
    rng = np.random.default_rng(2)
    state = rng.standard_normal(posterior.modes + 2)
    way = rng.standard_normal(len(state))
    _, gradient = posterior(state)
    h = 1e-5
    by_steps = (posterior(state + h * way)[0] - posterior(state - h * way)[0]) / (2 * h)
    assert by_steps == pytest.approx(gradient @ way, rel=1e-5)


def test_masked_pixels_say_nothing(made_up: tuple[FieldPosterior, np.ndarray]) -> None:
    posterior, truth = made_up
    assert np.isnan(posterior.data[0, 2:4, 2:4]).all()
    other = np.where(posterior.seen, posterior.data, 7.0)
    filled = dataclasses.replace(posterior, data=other)
    assert filled(truth)[0] == pytest.approx(posterior(truth)[0], rel=1e-12)


def test_the_truth_explains_the_data(made_up: tuple[FieldPosterior, np.ndarray]) -> None:
    posterior, truth = made_up
    missed = ((posterior.data - posterior.maps(truth)) / posterior.sigma)[:, posterior.seen]
    assert missed.size == 60
    assert 0.5 < np.mean(missed**2) < 1.6


def test_the_sky_stays_the_same_when_sources_move_into_another_box() -> None:
    truth, maps, boxes = np.random.default_rng(4).standard_normal(8**3 + 1), [], []
    for omega_m in (0.3, 0.31, 0.32):
        priors = {"omega_m": (omega_m, 0.01)}
        wide = dataclasses.replace(SMALL, sources=(0.72,))
        posterior, _ = observed(wide, 0.02, np.ones((8, 8), bool), priors, seed=1)
        maps.append(posterior.maps(np.append(truth[:-1], 0.0))[0].ravel())
        moved = with_parameters(wide, {"omega_m": omega_m})
        boxes.append(int(np.ceil(moved.reach / moved.box)))
    assert len(set(boxes)) == 2, boxes
    assert np.corrcoef(maps).min() > 0.95


@pytest.mark.slow
def test_the_most_probable_field_explains_the_map(
    made_up: tuple[FieldPosterior, np.ndarray],
) -> None:
    posterior, truth = made_up
    start = np.zeros(posterior.modes + 2)
    found, trace = most_probable(posterior, start, iterations=8)
    assert np.all(np.diff(trace) >= 0)
    missed = ((posterior.data - posterior.maps(found)) / posterior.sigma)[:, posterior.seen]
    first = posterior(start)[0]
    assert trace[-1] > first
    assert np.mean(missed**2) < -2 * first / missed.size / 1.5  # the start explains nothing
    k, r = agreement(posterior.noise(found), posterior.noise(truth), SMALL.box)
    assert len(k) == len(r) == 4
    assert r[0] > 0.2


@pytest.mark.slow
def test_a_randomized_state_scatters_as_a_draw_and_explains_the_map(
    made_up: tuple[FieldPosterior, np.ndarray],
) -> None:
    posterior, _ = made_up
    start = np.random.default_rng(5).standard_normal(posterior.modes + 2)
    found = randomized(posterior, iterations=10, seed=5)
    assert 0.8 < np.mean(found**2) < 1.2

    def missed(state: np.ndarray) -> float:
        off = (posterior.data - posterior.maps(state)) / posterior.sigma
        return float(np.nanmean(off**2))

    assert missed(found) < 0.6 * missed(start)
    again = randomized(posterior, iterations=10, seed=6)
    assert abs(np.corrcoef(found, again)[0, 1]) < 0.5


def test_agreement_knows_no_amplitude() -> None:
    np.testing.assert_allclose(agreement(noise(0), 2 * noise(0), 256.0)[1], 1)
    np.testing.assert_allclose(agreement(noise(0), -noise(0), 256.0)[1], -1)
    assert np.abs(agreement(noise(0), noise(1), 256.0)[1]).max() < 0.8


def test_large_scale_modes_are_independent_and_of_unit_variance() -> None:
    fields = np.random.default_rng(0).standard_normal((3000, 8, 8, 8))
    modes = np.array([large_scale_modes(field, 2) for field in fields])
    # of 33 wave vectors with |k| <= 2, the origin and one of each pair left out, two numbers each
    assert modes.shape == (3000, 32)
    covariance = np.cov(modes.T)
    np.testing.assert_allclose(covariance, np.eye(32), atol=6 / np.sqrt(3000))


@pytest.mark.parametrize("draws", [10, 200])
def test_intervals_hold_what_they_should(draws: int) -> None:
    rng = np.random.default_rng(draws)
    chains, truths = rng.standard_normal((draws, 40_000)), rng.standard_normal(40_000)
    offsets = (truths - chains.mean(0)) / chains.std(0, ddof=1)
    levels = np.array([0.5, 0.68, 0.95])
    np.testing.assert_allclose(coverage(offsets, draws, levels), levels, atol=0.01)
    # and notice what is off
    assert coverage(2 * offsets, draws, levels)[2] < 0.8
