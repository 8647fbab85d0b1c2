"""A fit finds what was put in; fixed amplitudes are fixed."""

from __future__ import annotations

import numpy as np
import pytest
from mpi4py import MPI

from mlsci.lensing.calibration import Boxes, Steps, fit, fit_to_large, fixed_noise
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.sharpening import Sharpening

EDGES = tuple(np.geomspace(0.3, 3.0, 8))


def theory(k, a):
    return a**2 * k**-2.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_fixed_noise_has_the_mean_amplitude_in_every_wave(sign):
    mesh = Mesh(10.0, 8, MPI.COMM_SELF, "f8")
    noise = fixed_noise(mesh, 3, sign)
    power = np.abs(mesh.forward(noise)) ** 2 / 8**3
    assert power[0, 0, 0] < 1e-20
    np.testing.assert_allclose(power.ravel()[1:], 1, rtol=1e-10)
    np.testing.assert_allclose(noise, sign * fixed_noise(mesh, 3), atol=1e-12)


def test_a_pair_is_the_mean_of_its_runs():
    boxes = {signs: Boxes(64.0, 16, 2, 6, 1, (0.6, 0.8), EDGES[:4], signs)
             for signs in ((1.0,), (-1.0,), (1.0, -1.0))}  # fmt: skip
    share = {signs: Steps(one, Cosmology()).share(theory) for signs, one in boxes.items()}
    assert share[1.0,].shape == (2, 3)
    np.testing.assert_allclose(share[1.0, -1.0], (share[1.0,] + share[-1.0,]) / 2, rtol=1e-12)


def test_the_parameters_that_were_put_in_are_found():
    steps = Steps(Boxes(32.0, 32, 2, 6, 1, (0.5, 0.8), EDGES, (1.0,)), Cosmology())
    put_in = Sharpening(0.5, 4.0, 0.004, -2.0)
    missing = steps.share(theory, put_in) / steps.share(theory)
    assert missing.max() > 1.1
    found, error = fit(steps, theory, missing, Sharpening(0.4, 5.0, 0.003, -2.2), rounds=8)
    np.testing.assert_allclose(steps.share(theory, found) / steps.share(theory), missing, rtol=5e-3)
    assert found.amplitude(0.6) == pytest.approx(put_in.amplitude(0.6), rel=0.1)
    assert error.shape == (4,)
    assert np.all(np.isfinite(error))


def test_what_the_power_does_not_depend_on_has_no_error():
    steps = Steps(Boxes(32.0, 32, 2, 6, 1, (0.5, 0.8), EDGES, (1.0,)), Cosmology())
    open_end = Sharpening(0.5, 1e7, 0.004, -2.0)
    missing = steps.share(theory, open_end) / steps.share(theory)
    _, error = fit(steps, theory, missing * 1.01, open_end, rounds=1)
    np.testing.assert_array_equal(np.isinf(error), [False, True, False, False])


@pytest.mark.parametrize("integrator", ["leapfrog", "bullfrog"])
def test_a_large_box_has_the_power_asked_for_where_it_is_asked_for(integrator):
    cosmology, put_in = Cosmology(), Sharpening(0.5, 4.0, 0.004, -2.0)
    small, large = (
        Steps(Boxes(box, side, 2, 6, seed, (0.6,), EDGES, (1.0,), integrator), cosmology)
        for box, side, seed in ((32.0, 32, 1), (48.0, 48, 2))
    )
    share = large.share(theory, put_in)

    def goal(k, a):
        return theory(k, a) * np.interp(k, large.k, share.mean(0))

    allowed = np.where(small.k < 1.5, 0.01, 1.0)
    off = {}
    for rounds in ((5,), (5, 4)):
        found, _ = fit_to_large(large, small, goal, put_in, rounds, allowed)
        left = np.log(large.share(goal, found) / (share / share.mean(0)))
        off[rounds] = np.abs(left[:, small.k < 1.5]).max()
    assert off[5, 4] < 0.6 * off[5,] < 0.03
