"""The sharpening displacement is the filtered force, and its published parameters are found."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from mlsci.lensing.fitted import FITTED
from mlsci.lensing.forces import add_force
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.sharpening import (
    PUBLISHED,
    Sharpening,
    displacement,
    fitted,
    published,
)

MESH = Mesh(32.0, 16, MPI.COMM_SELF, "f8")
X = np.random.default_rng(0).uniform(0, 32, (300, 3))


def test_an_open_filter_is_gravity() -> None:
    force = np.zeros_like(X)
    add_force(MESH, X, 1.0, force)
    moved = displacement(MESH, X, Sharpening(0.0, 1e6, 0.25, -2.0), 0.5)
    np.testing.assert_allclose(moved, force, atol=1e-12 * np.abs(force).max())


def test_the_amplitude_is_a_power_of_the_scale_factor() -> None:
    wide = Sharpening(0.3, 2.0, 0.01, -2.5)
    today, early = (displacement(MESH, X, wide, a) for a in (1.0, 0.5))
    np.testing.assert_allclose(early, today * 2**2.5, rtol=1e-10)


def test_nothing_is_moved_beyond_the_filter() -> None:
    scale = np.abs(displacement(MESH, X, Sharpening(0.0, 1e6, 1.0, 0.0), 1.0)).max()
    for shut in (Sharpening(1e3, 1e6, 1.0, 0.0), Sharpening(0.0, 1e-2, 1.0, 0.0)):
        assert np.abs(displacement(MESH, X, shut, 1.0)).max() < 1e-10 * scale


def test_all_of_it_sums_to_nothing() -> None:
    moved = displacement(MESH, X, Sharpening(0.3, 2.0, 1.0, 0.0), 1.0)
    assert np.abs(moved.sum(0)).max() < 1e-12 * np.abs(moved).sum()


def test_published_parameters_are_found_or_the_choice_is_named() -> None:
    for (stages, spacing, boost), parameters in PUBLISHED.items():
        assert published(stages, spacing, boost) == parameters
    assert published(11, 2.0, 2).amplitude(1.0) == 0.01298855
    with pytest.raises(LookupError, match="no sharpening is known for 12 stages"):
        published(12, 2.0, 2)


def test_fitted_parameters_are_found_and_add_about_as_much_as_the_published() -> None:
    for integrator, known in FITTED.items():
        for (stages, spacing, boost), numbers in known.items():
            found = fitted(integrator, stages, spacing, boost)
            assert found == Sharpening(**numbers)
            before = published(stages, spacing, boost)
            assert 0.2 < found.amplitude(0.6) / before.amplitude(0.6) < 5


def test_where_nothing_is_fitted_the_leapfrog_has_what_is_published() -> None:
    assert fitted("leapfrog", 11, 2.0, 2) == published(11, 2.0, 2)
    with pytest.raises(LookupError, match="no sharpening is known for 11 stages, 2 Mpc/h"):
        fitted("bullfrog", 11, 2.0, 2)
