"""Scale factors of steps: from the start to today, as many forces as were asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsci.lensing import nbody
from mlsci.lensing.integrators import EARLY, EVOLVE, FORMED, times


@given(st.sampled_from(sorted(EVOLVE)), st.floats(0.02, 0.95), st.integers(2, 60))
def test_steps_go_from_the_start_to_today(integrator: str, a_start: float, stages: int) -> None:
    found = times(integrator, a_start, stages)
    assert (found[0], found[-1]) == (a_start, 1.0)
    assert np.all(np.diff(found) > 0)
    assert len(found) == stages + (integrator == "bullfrog")


def test_the_leapfrog_has_even_steps() -> None:
    np.testing.assert_array_equal(times("leapfrog", 0.1, 11), nbody.linear_steps(0.1, 1.0, 10))


@pytest.mark.parametrize("stages", [11, 22, 44])
def test_steps_of_bullfrog_are_even_in_a_and_then_in_its_logarithm(stages: int) -> None:
    found = times("bullfrog", 0.1, stages)
    before = round(EARLY * stages)
    assert found[before] == pytest.approx(FORMED, rel=1e-12)
    np.testing.assert_allclose(np.diff(found[: before + 1]), (FORMED - 0.1) / before)
    np.testing.assert_allclose(np.diff(np.log(found[before:])), -np.log(FORMED) / (stages - before))


def test_a_late_start_has_steps_even_in_the_logarithm() -> None:
    np.testing.assert_allclose(np.diff(np.log(times("bullfrog", 0.5, 10))), np.log(2) / 10)
