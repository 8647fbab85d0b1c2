"""The way back needs little memory beside that of particles and their cotangents."""

from __future__ import annotations

import tracemalloc

import numpy as np
from mpi4py import MPI

from mlsci.lensing.adjoint.cosmology import background
from mlsci.lensing.adjoint.forces import SharpeningPull
from mlsci.lensing.adjoint.leapfrog import Schedule, run_vjp
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.nbody import linear_steps
from mlsci.lensing.sharpening import Sharpening

SIDE = 32


def particles(side: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 64.0, (side**3, 3))


def steps_back(side: int, steps: int) -> int:
    """Return the most bytes of arrays that steps back make, over those of positions."""
    mesh = Mesh(64.0, side, MPI.COMM_SELF, "f4")
    schedule = Schedule.of(background(Cosmology()), linear_steps(0.1, 1.0, steps))
    x = particles(side)
    p, x_bar, p_bar = np.zeros_like(x), np.ones_like(x), np.zeros_like(x)
    tracemalloc.start()
    run_vjp(mesh, x, p, x_bar, p_bar, schedule, lambda *_: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_steps_back_make_no_array_of_particles_however_many() -> None:
    steps_back(4, 1)  # compiles
    few, many = (steps_back(SIDE, steps) for steps in (2, 6))
    # the mesh as it is painted, in double precision, and with it in single, is half of this
    assert few < particles(SIDE).nbytes
    assert many < 1.1 * few


def test_parameters_of_the_sharpening_are_compared_plane_by_plane() -> None:
    def peak(side: int) -> int:
        mesh, x = Mesh(64.0, 2 * side, MPI.COMM_SELF, "f4"), particles(side)[: 4 * side]
        pull, cotangent = SharpeningPull(mesh, x, Sharpening(0.3, 2.0, 0.5, -2.0), 0.5), x.copy()
        tracemalloc.start()
        pull.vjp(np.ones_like(x), 1.0, cotangent)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(4)
    # a mesh, its transform, and a transform of single precision: no array of double precision
    assert peak(SIDE) < 2.5 * (2 * SIDE) ** 3 * 4
