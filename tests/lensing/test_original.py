"""What is said of the published program: its boxes, its growth between steps."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.lensing import nbody, original
from mlsci.lensing.cosmology import Cosmology

TIMES = nbody.linear_steps(0.1, 1.0, 10)
C = Cosmology()


def test_a_maximum_for_a_minimum_costs_24_boxes() -> None:
    """256 Mpc/h, sources at z = 1: what running the program gave, counted there."""
    reach = float(C.distance(0.5))
    assert original.boxes_projected(C, TIMES, reach, 256.0, original=True) == 38
    assert original.boxes_projected(C, TIMES, reach, 256.0) == 14


@pytest.mark.parametrize("box", [100.0, 333.0, 5000.0])
def test_every_box_is_projected_at_least_once(box: float) -> None:
    reach = float(C.distance(0.4))
    steps = np.sum(C.distance(TIMES[1:]) < reach)
    found = original.boxes_projected(C, TIMES, reach, box)
    assert max(np.ceil(reach / box), steps) <= found <= np.ceil(reach / box) + steps
    assert original.boxes_projected(C, TIMES, reach, box, original=True) >= found


def test_interpolated_growth_is_exact_where_it_is_known() -> None:
    a = np.array([0.1, nbody.middle(0.1, 0.19), 0.19])
    np.testing.assert_allclose(original.interpolated_drift(C, 0.1, 0.19, a), 0, atol=1e-12)
    between = original.interpolated_drift(C, 0.1, 0.19, np.linspace(0.1, 0.19, 301))
    assert np.abs(between).max() == pytest.approx(0.023, abs=0.001)  # as found in its maps
    # A convex function lies below its chords, and D grows almost as exp(ln a).
    assert between.min() > -1e-12
