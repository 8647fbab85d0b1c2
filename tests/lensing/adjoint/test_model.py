"""Whole runs: both directions of the derivative agree to rounding, and with differences."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI

from mlsci.lensing.adjoint.model import Inputs, simulate_with_jvp, simulate_with_vjp
from mlsci.lensing.settings import RefusedError, Settings
from mlsci.lensing.sharpening import Sharpening
from mlsci.lensing.simulate import simulate
from mlsci.lensing.sources import Distribution

SMALL = Settings(
    particles=8, box=256.0, pixels=16, degrees=5.5, stages=6, sources=(0.5, 1.0), precision="f8",
    sharpening=Sharpening(0.3, 2.0, 0.5, -2.0), transfer="eisenstein_hu", seed=5,
)  # fmt: skip
VARIANTS = {
    "sharpened": {},
    "plain": {"sharpening": None},
    "one-source": {"sources": (0.8,), "boost": 1},
    "snapshots": {"sub_evolution": False},
    "plain-snapshots": {"sub_evolution": False, "sharpening": None},
}
COSMOLOGY = {
    "omega_m": 0.1, "sigma8": 0.2, "n_s": 0.3, "h": 0.2, "w0": 0.3, "wa": 0.2, "omega_b": 0.01,
}  # fmt: skip
FILTER = {"low": 0.1, "high": 0.2, "alpha0": 0.3, "mu": 0.1}


def variant(name: str) -> Settings:
    return dataclasses.replace(SMALL, **VARIANTS[name])  # type: ignore[arg-type]


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((8, 8, 8))


def direction(settings: Settings, **kept: Any) -> Inputs:
    filters = FILTER if settings.correction else {}
    return Inputs(**{"noise": noise(1), "cosmology": COSMOLOGY, "sharpening": filters, **kept})


def product(gradient: Inputs, change: Inputs) -> float:
    total = float(np.vdot(gradient.noise, change.noise))
    total += sum(gradient.cosmology[name] * by for name, by in change.cosmology.items())
    return total + sum(gradient.sharpening[name] * by for name, by in change.sharpening.items())


def maps_along(settings: Settings, change: Inputs, h: float) -> np.ndarray:
    values = {n: getattr(settings.cosmology, n) + h * by for n, by in change.cosmology.items()}
    cosmology = dataclasses.replace(settings.cosmology, **values) if values else settings.cosmology
    moved = dataclasses.replace(settings, cosmology=cosmology)
    if settings.correction is not None:
        values = {
            n: getattr(settings.correction, n) + h * by for n, by in change.sharpening.items()
        }
        moved = dataclasses.replace(
            moved, sharpening=dataclasses.replace(settings.correction, **values)
        )
    return simulate(moved, MPI.COMM_SELF, noise(0) + h * change.noise).kappa


@pytest.mark.parametrize("name", VARIANTS)
def test_forwards_and_backwards_agree_to_rounding(name: str) -> None:
    settings = variant(name)
    change = direction(settings)
    kappa, vjp = simulate_with_vjp(noise(0), settings, MPI.COMM_SELF)
    again, tangent = simulate_with_jvp(noise(0), settings, change, MPI.COMM_SELF)
    expected = simulate(settings, MPI.COMM_SELF, noise(0)).kappa
    for one in (kappa, again):
        np.testing.assert_allclose(one, expected, atol=1e-13)
    cotangent = np.random.default_rng(2).standard_normal(kappa.shape)
    forwards = float(np.vdot(cotangent, tangent))
    assert abs(forwards - product(vjp(cotangent), change)) < 1e-11 * abs(forwards)
    # and again: the first call leaves nothing changed
    assert abs(forwards - product(vjp(cotangent), change)) < 1e-11 * abs(forwards)


def test_a_foreground_may_be_left_out() -> None:
    whole, _ = simulate_with_vjp(noise(0), SMALL, MPI.COMM_SELF)
    change = direction(SMALL)
    kappa, vjp = simulate_with_vjp(noise(0), SMALL, MPI.COMM_SELF, foreground=0.3)
    again, tangent = simulate_with_jvp(noise(0), SMALL, change, MPI.COMM_SELF, foreground=0.3)
    np.testing.assert_allclose(again, kappa, atol=1e-13)
    cotangent = np.random.default_rng(2).standard_normal(kappa.shape)
    forwards = float(np.vdot(cotangent, tangent))
    assert abs(forwards - product(vjp(cotangent), change)) < 1e-11 * abs(forwards)
    # less matter everywhere; half of it is nearer than that, for sources half as far as the others
    assert np.all(kappa.mean((1, 2)) < whole.mean((1, 2)) - 0.001)
    assert kappa.std() < whole.std()


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("sharpened", "noise"), ("sharpened", "sharpening"), ("plain", "noise")]
    + [(name, "cosmology") for name in ("sharpened", "snapshots")],
)
def test_differences_have_a_plateau(name: str, inputs: str) -> None:
    settings = variant(name)
    none: dict[str, Any] = {"noise": 0 * noise(1), "cosmology": {}, "sharpening": {}}
    change = direction(settings, **{key: none[key] for key in none if key != inputs})
    _, tangent = simulate_with_jvp(noise(0), settings, change, MPI.COMM_SELF)
    size = np.linalg.norm(tangent)
    assert size > 0
    errors = []
    for h in (7e-6, 4e-6, 2e-6):
        by_steps = (maps_along(settings, change, h) - maps_along(settings, change, -h)) / (2 * h)
        errors.append(float(np.linalg.norm(by_steps - tangent) / size))
    # Longer steps run over edges of cells and boxes, shorter ones are lost in rounding and, for the
    # cosmology, in the tolerance of the growth equation, which is divided by the step.
    assert sorted(errors)[1] < (1e-5 if inputs == "cosmology" else 1e-7), errors


def test_what_has_no_derivative_here_is_refused() -> None:
    with pytest.raises(RefusedError, match="lens planes"):
        simulate_with_vjp(noise(0), dataclasses.replace(SMALL, planes=3), MPI.COMM_SELF)
    spread = Distribution((0.2, 0.9), (1.0, 1.0))
    with pytest.raises(RefusedError, match="distributions"):
        simulate_with_vjp(noise(0), dataclasses.replace(SMALL, sources=(spread,)), MPI.COMM_SELF)
    other = dataclasses.replace(SMALL, integrator="bullfrog")
    with pytest.raises(RefusedError, match="the leapfrog's steps"):
        simulate_with_vjp(noise(0), other, MPI.COMM_SELF)
    with pytest.raises(ValueError, match="no parameter is called omega"):
        Inputs(noise(0), {"omega": 1.0})


RANKS = """
    import json, sys
    import numpy as np
    from mpi4py import MPI
    from mlsci.lensing.adjoint.model import Inputs, simulate_with_jvp, simulate_with_vjp
    from mlsci.lensing.mesh import Mesh
    from mlsci.lensing.settings import Settings

    comm, side = MPI.COMM_WORLD, 16
    settings = Settings.from_json({**json.loads(sys.argv[1]), "particles": side})
    noise, change = np.random.default_rng(3).standard_normal((2, side, side, side))
    lattice = Mesh(settings.box, side, comm, "f8")
    block = tuple(slice(s, s + n) for s, n in zip(lattice.start, lattice.shape))
    cosmology = {"omega_m": 0.1, "sigma8": 0.2, "n_s": 0.3, "h": 0.2, "w0": 0.3}
    filters = {"low": 0.1, "high": 0.2, "alpha0": 0.3, "mu": 0.1}
    mine, moves = noise[block].copy(), Inputs(change[block].copy(), cosmology, filters)
    kappa, vjp = simulate_with_vjp(mine, settings, comm)
    _, tangent = simulate_with_jvp(mine, settings, moves, comm)
    cotangent = np.random.default_rng(1).standard_normal(kappa.shape)
    gradient = vjp(cotangent)
    back = comm.allreduce(float(np.vdot(gradient.noise, moves.noise)))
    back += sum(gradient.cosmology[name] * by for name, by in cosmology.items())
    back += sum(gradient.sharpening[name] * by for name, by in filters.items())
    forwards = np.vdot(cotangent, tangent)
    assert abs(back - forwards) < 1e-11 * abs(forwards), back / forwards - 1
    # the gradient itself is that of one rank
    _, vjp = simulate_with_vjp(noise, settings, MPI.COMM_SELF)
    whole = vjp(cotangent)
    scale = np.abs(whole.noise).max()
    np.testing.assert_allclose(gradient.noise, whole.noise[block], atol=1e-9 * scale)
    for name in cosmology:
        np.testing.assert_allclose(gradient.cosmology[name], whole.cosmology[name], rtol=1e-8)
    print("same")
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 4])
def test_any_number_of_ranks_has_the_same_gradient(ranks: int, on_ranks: Any) -> None:
    import json

    text = json.dumps(SMALL.to_json())
    assert on_ranks(RANKS, ranks, text).count("same") == ranks
