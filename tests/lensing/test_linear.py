"""Weak fields through the light cone have the spectrum that theory foretells."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mlsci.lensing import linear

SETUP = linear.Setup()


def test_the_fewer_boxes_meet_the_less_is_lost():
    """2 % where four boxes of 256 Mpc/h meet among the lenses, less where two large ones do."""
    limber = linear.limber(SETUP)
    lost = [
        1 - np.mean(linear.periodic(dataclasses.replace(SETUP, box=box)) / limber)
        for box in (256.0, 768.0)
    ]
    assert 0.015 < lost[0] < 0.03
    assert 0 < lost[1] < 0.5 * lost[0]


def test_a_setup_of_one_box_at_one_depth_is_a_sum_over_its_waves():
    """Far off, lenses at one depth see waves that do not change along the line of sight."""
    thin = dataclasses.replace(
        SETUP, near=1900.0, far=2040.0, edges=(200.0, 260.0, 320.0), degrees=5.0
    )
    np.testing.assert_allclose(linear.periodic(thin) / linear.limber(thin), 1, atol=0.15)


@pytest.mark.slow
def test_weak_fields_have_the_spectrum_foretold_to_a_percent():
    """The mean of many small runs, every step of which is that of a real one."""
    runs = 400
    found = np.array([linear.measured(SETUP, seed) for seed in range(runs)])
    share = found / linear.periodic(SETUP)
    weight = SETUP.bands.modes / SETUP.bands.modes.sum()
    each = share @ weight
    assert each.std() / np.sqrt(runs) < 0.008
    assert abs(each.mean() - 1) < 0.01
    # No band stands out.
    error = share.std(0) / np.sqrt(runs)
    assert np.all(error < 0.025)
    assert np.all(np.abs(share.mean(0) - 1) < 4 * error)
