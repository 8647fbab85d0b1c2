"""How exact the derivatives are: dot-product tests, a reversed run, differences of all lengths.

    mpiexec -n 2 python -m mlsci.lensing.adjoint.checks settings.json

prints the errors of `operations` and of `whole_run` on so many ranks, as JSON.

For a linear function J and random u and v, <J u, v> and <u, J^T v> are the same number, computed in
two ways; an error is their difference over it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from mlsci.lensing.adjoint.cosmology import background
from mlsci.lensing.adjoint.forces import Pull, SharpeningPull, gravity, pull_jvp, sharpening_jvp
from mlsci.lensing.adjoint.initial import (
    displaced_jvp,
    displaced_vjp,
    linear_density_jvp,
    linear_density_vjp,
    wavenumbers,
)
from mlsci.lensing.adjoint.leapfrog import Schedule, run, run_jvp, run_vjp
from mlsci.lensing.adjoint.lightcone import Tables, advance_jvp, advance_vjp
from mlsci.lensing.adjoint.mesh import gradient_transpose, paint_jvp, paint_vjp, read_gradient
from mlsci.lensing.adjoint.model import Inputs, simulate_with_jvp, simulate_with_vjp
from mlsci.lensing.adjoint.transforms import inner, products
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.initial import displaced, linear_density
from mlsci.lensing.lightcone import NONE
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.nbody import linear_steps, middle
from mlsci.lensing.power import LinearPower
from mlsci.lensing.settings import Settings
from mlsci.lensing.sharpening import Sharpening
from mlsci.lensing.simulate import _cones, simulate

Array = NDArray[Any]
Pairs = Sequence[tuple[Any, Any]]

# A direction in which all parameters change at once.
COSMOLOGY = {
    "omega_m": 0.1, "sigma8": 0.2, "n_s": 0.3, "h": 0.2, "w0": 0.3, "wa": 0.2, "omega_b": 0.01,
}  # fmt: skip
FILTER = {"low": 0.1, "high": 0.2, "alpha0": 0.3, "mu": 0.1}


def _mismatch(comm: MPI.Comm, forwards: Pairs, backwards: Pairs) -> float:
    one, two = (sum(inner(comm, np.asarray(a, float), np.asarray(b, float)) for a, b in pairs)
                for pairs in (forwards, backwards))  # fmt: skip
    return abs(one - two) / abs(one)


def operations(settings: Settings, comm: MPI.Comm, seed: int = 0) -> dict[str, float]:
    """Return the error of the dot-product test of every operation of a run.

    Parameters
    ----------
    settings : Settings
        Of the run whose meshes, particles and light cone are taken; with a sharpening.
    comm : MPI.Comm
        The ranks.
    seed : int
        Of the random directions.
    """
    rng = np.random.default_rng([seed, comm.rank])
    lattice = Mesh(settings.box, settings.particles, comm, "f8")
    cells = settings.particles * settings.boost
    mesh = Mesh(settings.box, cells, comm, "f8", lattice.grid)
    cosmology, known = settings.cosmology, background(settings.cosmology)
    power = LinearPower(cosmology, settings.transfer)
    noise, d_noise = rng.standard_normal((2, *lattice.shape))
    density = linear_density(lattice, noise, power)
    x, p = displaced(lattice, density, cosmology, 0.5)
    dx, dp, x_bar, p_bar = rng.standard_normal((4, *x.shape))
    found = {}

    field, other = rng.standard_normal((2, *mesh.shape))
    modes = mesh.forward(other)
    parts = products(mesh, mesh.forward(field), modes)
    pairs = [(field, mesh.backward(modes))]
    found["Fourier transform"] = _mismatch(comm, [(parts, np.ones_like(parts))], pairs)

    route = mesh.route(x)
    here, moves, given = route.there(x), route.there(dx), route.there(x_bar)
    found["exchange"] = _mismatch(comm, [(moves, given)], [(dx, route.back(given))])

    cotangent = np.zeros_like(here)
    paint_vjp(mesh, field, here, 1.0, cotangent)
    change = paint_jvp(mesh, here, moves)
    found["paint"] = _mismatch(comm, [(field, change)], [(cotangent, moves)])

    read = np.zeros_like(here)
    mesh.add_gradient(other, here, 1.0, read)
    tangent, cotangent = np.zeros_like(here), np.zeros_like(here)
    read_gradient(mesh, field, here, moves, False, 0.0, NONE, 1.0, tangent)
    read_gradient(mesh, field, here, given, True, 0.0, NONE, 1.0, cotangent)
    forwards = [(read, given), (tangent, given)]
    backwards = [(other, gradient_transpose(mesh, here, given)), (cotangent, moves)]
    found["readout"] = _mismatch(comm, forwards, backwards)

    cotangent = np.zeros_like(x)
    Pull(mesh, x, gravity(mesh, x)).vjp(p_bar, 1.0, cotangent)
    tangent = pull_jvp(mesh, x, dx, gravity(mesh, x))[1]
    found["force"] = _mismatch(comm, [(tangent, p_bar)], [(cotangent, dx)])

    sharpening, slopes = settings.correction or Sharpening(0.3, 2.0, 0.5, -2.0), np.arange(1.0, 5)
    pull = SharpeningPull(mesh, x, sharpening, 0.5)
    cotangent = np.zeros_like(x)
    pull.vjp(p_bar, 1.0, cotangent)
    tangent = sharpening_jvp(mesh, x, dx, sharpening, 0.5, slopes)[1]
    backwards = [(cotangent, dx), (pull.parameters, slopes)]
    found["sharpening"] = _mismatch(comm, [(tangent, p_bar)], backwards)

    log_power = np.sin(30 * wavenumbers(settings.box, settings.particles))
    ground = np.array([0.1, 0.2, 0.3])
    moved = linear_density_jvp(lattice, density, power, d_noise, log_power)
    _, _, ddx, ddp = displaced_jvp(lattice, density, known, 0.1, moved, ground)
    modes, ground_bar = displaced_vjp(lattice, density, known, 0.1, x_bar, p_bar)
    noise_bar, power_bar = linear_density_vjp(lattice, density, power, modes)
    backwards = [(noise_bar, d_noise), (power_bar, log_power), (ground_bar, ground)]
    found["initial conditions"] = _mismatch(comm, [(ddx, x_bar), (ddp, p_bar)], backwards)

    schedule = Schedule.of(known, linear_steps(0.1, 1.0, 4))
    start = displaced(lattice, density, cosmology, 0.1)
    end_x, end_p = (one.copy() for one in start)
    end_dx, end_dp, first_x, first_p = dx.copy(), dp.copy(), x_bar.copy(), p_bar.copy()
    run_jvp(mesh, end_x, end_p, end_dx, end_dp, schedule, ground, lambda *_: None)
    ground_bar = run_vjp(mesh, end_x, end_p, first_x, first_p, schedule, lambda *_: None)
    forwards = [(end_dx, x_bar), (end_dp, p_bar)]
    backwards = [(first_x, dx), (first_p, dp), (ground_bar, ground)]
    found["steps"] = _mismatch(comm, forwards, backwards)

    found["light cone, one shell"] = _one_shell(settings, comm, x, p, dx, dp, rng)
    return found


def _one_shell(
    settings: Settings, comm: MPI.Comm, x: Array, p: Array, dx: Array, dp: Array,
    rng: np.random.Generator,
) -> float:  # fmt: skip
    """Return the error for what one drift, from a = 0.7 to 0.8, adds to the maps."""
    cone = _cones(settings)["sources"]
    times = (middle(0.7, 0.8), 0.7, 0.8)
    same = np.random.default_rng(1)  # on all ranks
    cotangent, drift = same.standard_normal(cone.maps.shape), same.standard_normal(2)
    tables = Tables(
        cone.growth * same.standard_normal(cone.growth.shape),
        cone.weights * same.standard_normal(cone.weights.shape), np.array(0.3 * cone.spacing),
    )  # fmt: skip
    offset, moves = rng.normal(0, 0.5, (2, *x.shape))
    x_bar, p_bar, back = np.zeros_like(x), np.zeros_like(p), Tables.zeros(cone)
    offset_bar, drift_bar = advance_vjp(cone, times, x, p, offset, cotangent, x_bar, p_bar, back)
    change = np.zeros_like(cotangent)
    advance_jvp(cone, times, x, p, offset, dx, dp, moves, drift, tables, change)
    backwards = [
        (x_bar, dx), (p_bar, dp), (offset_bar, moves), (drift_bar, drift),
        (back.growth, tables.growth), (back.weights, tables.weights),
        (back.spacing, tables.spacing),
    ]  # fmt: skip
    return _mismatch(comm, [(cotangent, change)], backwards)


def white_noise(settings: Settings, comm: MPI.Comm, seed: int) -> Array:
    """Return this rank's block of noise that is the same on any number of ranks."""
    whole = np.random.default_rng(seed).standard_normal((settings.particles,) * 3)
    lattice = Mesh(settings.box, settings.particles, comm, "f8")
    block = tuple(slice(s, s + n) for s, n in zip(lattice.start, lattice.shape))
    return whole[block].copy()


def whole_run(settings: Settings, comm: MPI.Comm) -> float:
    """Return the error of the dot-product test from all inputs to the maps."""
    noise, d_noise = (white_noise(settings, comm, seed) for seed in (0, 1))
    filters = FILTER if settings.correction else {}
    kappa, vjp = simulate_with_vjp(noise, settings, comm)
    change = Inputs(d_noise, COSMOLOGY, filters)
    _, tangent = simulate_with_jvp(noise, settings, change, comm)
    cotangent = np.random.default_rng(2).standard_normal(kappa.shape)
    back = vjp(cotangent)
    backwards = comm.allreduce(float(np.vdot(back.noise, d_noise)))
    backwards += sum(back.cosmology[name] * by for name, by in COSMOLOGY.items())
    backwards += sum(back.sharpening[name] * by for name, by in filters.items())
    forwards = float(np.vdot(cotangent, tangent))
    return abs(forwards - backwards) / abs(forwards)


def reversal(settings: Settings) -> dict[str, float]:
    """Return how far particles are from their start after all steps forwards and back.

    `positions` over the side of the box, `momenta` over the largest at the end.
    """
    lattice = Mesh(settings.box, settings.particles, MPI.COMM_SELF, "f8")
    cells = settings.particles * settings.boost
    mesh = Mesh(settings.box, cells, MPI.COMM_SELF, settings.precision)
    power = LinearPower(settings.cosmology, settings.transfer)
    density = linear_density(lattice, white_noise(settings, MPI.COMM_SELF, 0), power)
    x, p = displaced(lattice, density, settings.cosmology, settings.a_start)
    times = linear_steps(settings.a_start, 1.0, settings.stages - 1)
    schedule = Schedule.of(background(settings.cosmology), times)
    begin = x.copy(), p.copy()
    run(mesh, x, p, schedule, lambda *_: None)
    largest = float(np.abs(p).max())
    run_vjp(mesh, x, p, np.zeros_like(x), np.zeros_like(p), schedule, lambda *_: None)
    return {
        "positions": float(np.abs(x - begin[0]).max()) / settings.box,
        "momenta": float(np.abs(p - begin[1]).max()) / largest,
    }


def differences(
    settings: Settings, change: Inputs, lengths: Sequence[float], seed: int = 0
) -> list[float]:
    """Return the errors of central differences of the maps against their exact change.

    Parameters
    ----------
    settings : Settings
        The run.
    change : Inputs
        A direction.
    lengths : sequence of float
        By which inputs are moved along it, forwards and back.
    seed : int
        Of the noise.

    Returns
    -------
    list of float
        Norms of the differences of maps' changes, over that of the exact one.
    """
    noise = white_noise(settings, MPI.COMM_SELF, seed)
    _, exact = simulate_with_jvp(noise, settings, change, MPI.COMM_SELF)
    errors = []
    for h in lengths:
        up, down = (
            simulate(_along(settings, change, step), MPI.COMM_SELF, noise + step * change.noise)
            for step in (h, -h)
        )
        by_steps = (up.kappa - down.kappa) / (2 * h)
        errors.append(float(np.linalg.norm(by_steps - exact) / np.linalg.norm(exact)))
    return errors


def _along(settings: Settings, change: Inputs, h: float) -> Settings:
    def moved(where: Cosmology | Sharpening, by: Any) -> Any:
        return replace(where, **{name: getattr(where, name) + h * by[name] for name in by})

    correction = settings.correction
    return replace(
        settings, cosmology=moved(settings.cosmology, change.cosmology),
        sharpening=None if correction is None else moved(correction, change.sharpening),
    )  # fmt: skip


def main() -> None:
    """Print the errors of dot-product tests on all ranks."""
    comm = MPI.COMM_WORLD
    settings = Settings.from_json(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    found = {**operations(settings, comm), "whole run": whole_run(settings, comm)}
    if comm.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
