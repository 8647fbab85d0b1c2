"""A whole run: initial conditions, steps in time, the light cone, maps.

All of it gives the same on any number of ranks, and after an interruption.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from mlsci.lensing import initial, io, nbody, sharpening
from mlsci.lensing.convergence import convergence, efficiencies
from mlsci.lensing.integrators import EVOLVE
from mlsci.lensing.lightcone import LightCone
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.power import LinearPower
from mlsci.lensing.raytracing import (  # fmt: skip
    Distortion,
    lens_plane,
    overdensity,
    plane_edges,
    plane_efficiencies,
    trace,
)
from mlsci.lensing.settings import RefusedError, Settings
from mlsci.lensing.sources import farthest
from mlsci.lensing.tiling import stack

Progress = Callable[[int, int, str], object]  # done, of how many, what


@dataclass(frozen=True)
class Maps:
    """What a run gives, the same on each rank.

    `kappa` ``(sources, y, x)`` is the convergence, less its mean over the sky; `shot_noise`
    ``(sources,)`` the white spectrum in steradians that as many particles at random would have;
    `planes` distances and convergences of lens planes, if there were to be any; `counted` how many
    particles the light cone met.
    """

    kappa: np.ndarray
    shot_noise: np.ndarray
    planes: tuple[tuple[float, np.ndarray], ...]
    counted: int


def simulate(
    settings: Settings,
    comm: MPI.Comm | None = None,
    noise: np.ndarray | None = None,
    progress: Progress | None = None,
    snapshots: Path | None = None,
    every: int = 1,
    resume: bool = False,
) -> Maps:
    """Return the maps of a run.

    Parameters
    ----------
    settings
        The run.
    comm
        Its ranks, all by default; each calls this function.
    noise
        White noise in this rank's block of the lattice instead of that of the seed.
    progress
        Called on each rank with the steps done, all steps, and what was done.
    snapshots, every
        Folder for snapshots, one after each so many steps; none is written after the last.
    resume
        Whether to go on from the last snapshot of these settings in that folder.

    Raises
    ------
    RefusedError
        If a rank's part of a mesh would be too thin, or a snapshot is of other settings.
    """
    comm = MPI.COMM_WORLD if comm is None else comm
    try:
        lattice = Mesh(settings.box, settings.particles, comm, "f8")
        cells = settings.particles * settings.boost
        mesh = Mesh(settings.box, cells, comm, settings.precision, lattice.grid)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    times, evolve = settings.times, EVOLVE[settings.integrator]
    cones = _cones(settings)
    done = 0
    found = _last(snapshots, comm) if resume and snapshots is not None else None
    if found is not None:
        kept = io.read_snapshot(found, lattice.start, lattice.shape)
        if kept.settings != settings.to_json():
            raise RefusedError(
                f"{found} is of a run with other settings: repeat them, or name another folder"
            )
        done = int(np.argmin(np.abs(times - kept.a)))
        state = nbody.State(kept.x, kept.p, float(times[done]), mesh)
        for name, cone in cones.items():
            cone.restore({key: kept.sums[f"{name}-{key}"] for key in cone.sums()}, comm.rank == 0)
        _say(progress, done, len(times) - 1, "read from the last snapshot")
    else:
        state = _start(settings, lattice, mesh, noise)
        _say(progress, 0, len(times) - 1, "initial conditions")

    def look(a_start: float, a_end: float, x: np.ndarray, p: np.ndarray) -> None:
        nonlocal done
        _observe(settings, mesh, cones, (a_start, a_end), x, p)
        if a_end < times[done + 1]:  # BullFrog shows its steps in halves
            return
        done += 1
        _say(progress, done, len(times) - 1, f"a = {a_end:.3f}")

    if snapshots is None:
        evolve(state, settings.cosmology, times, look)
    else:
        if comm.rank == 0:
            Path(snapshots).mkdir(parents=True, exist_ok=True)
        comm.barrier()
        while done < len(times) - 1:
            segment = times[done : min(done + every, len(times) - 1) + 1]
            state = evolve(state, settings.cosmology, segment, look)
            if done < len(times) - 1:
                _keep(Path(snapshots), done, settings, state, lattice, cones)
    for cone in cones.values():
        cone.gather(comm)
    return _maps(settings, cones)


def traced(settings: Settings, maps: Maps) -> list[Distortion]:
    """Return what sources suffer behind the lens planes of a run, in the order of `sources`.

    Raises
    ------
    RefusedError
        For a run without planes.
    """
    if not maps.planes:
        raise RefusedError("rays need lens planes: ask for some 20 in the settings")
    distances = [
        float(settings.cosmology.distance(1 / (1 + farthest(z)))) for z in settings.sources
    ]
    order = np.argsort(distances)
    field = settings.sky
    planes = (lens_plane(distance, kappa, field) for distance, kappa in maps.planes)
    found = trace(planes, field, [distances[i] for i in order])
    back = np.argsort(order)
    return [found[i] for i in back]


def _start(settings: Settings, lattice: Mesh, mesh: Mesh, noise: Any) -> nbody.State:
    """Return the particles at the first scale factor."""
    cosmology = settings.cosmology
    if noise is None:
        noise = initial.white_noise(lattice, settings.seed)
    density = initial.linear_density(lattice, noise, LinearPower(cosmology, settings.transfer))
    x, p = initial.displaced(lattice, density, cosmology, settings.a_start)
    return nbody.State(x, p, settings.a_start, mesh)


def _cones(settings: Settings) -> dict[str, LightCone]:
    """Return the light cones to fill: of sources, and of lens planes."""
    tables = {"sources": efficiencies(settings.cosmology, settings.sources)}
    if settings.planes:
        tables["planes"] = plane_efficiencies(plane_edges(settings.reach, settings.planes))
    tiling = stack(settings.box, settings.reach, settings.seed)
    return {
        name: LightCone(
            settings.cosmology, tiling, settings.sky, table, settings.reach, settings.density
        )
        for name, table in tables.items()
    }


def _observe(
    settings: Settings, mesh: Mesh, cones: dict[str, LightCone], times: tuple[float, float],
    x: np.ndarray, p: np.ndarray,
) -> None:  # fmt: skip
    """Let the light cones see one drift."""
    cosmology, (a_start, a_end) = settings.cosmology, times
    if float(cosmology.distance(a_end)) >= settings.reach:
        return
    middle = nbody.middle(a_start, a_end)
    offset = None
    if settings.correction is not None or not settings.sub_evolution:
        half = x + p * float(cosmology.drift(middle, a_start, middle))
        if settings.correction is not None:
            offset = sharpening.displacement(mesh, half, settings.correction, middle)
        if not settings.sub_evolution:
            x, p = half, np.zeros_like(half)
    for cone in cones.values():
        cone.advance(middle, a_start, a_end, x, p, offset)


def _maps(settings: Settings, cones: dict[str, LightCone]) -> Maps:
    cone = cones["sources"]
    planes: tuple[tuple[float, np.ndarray], ...] = ()
    if "planes" in cones:
        edges = plane_edges(settings.reach, settings.planes)
        planes = tuple(overdensity(cones["planes"].maps, settings.cosmology, edges))
    kappa = convergence(cone.maps, settings.cosmology, settings.sources)
    return Maps(kappa, cone.shot_noise(), planes, cone.counted)


def _keep(
    folder: Path, done: int, settings: Settings, state: nbody.State, lattice: Mesh,
    cones: dict[str, LightCone],
) -> None:  # fmt: skip
    """Write a snapshot of all ranks."""
    comm = lattice.comm
    sums: dict[str, np.ndarray] = {}
    for name, cone in cones.items():
        for key, values in cone.sums().items():
            total = comm.reduce(values)
            if comm.rank == 0:
                sums[f"{name}-{key}"] = np.asarray(total)
    snapshot = io.Snapshot(state.a, state.x, state.p, sums, settings.to_json())
    path = folder / f"step-{done:04d}.h5"
    io.write_snapshot(path, snapshot, lattice.start, lattice.shape, lattice.cells, comm)


def _last(folder: Path, comm: MPI.Comm) -> Path | None:
    """Return the latest complete snapshot in a folder, the same on all ranks."""
    found = sorted(Path(folder).glob("step-*.h5")) if comm.rank == 0 else []
    last: Path | None = comm.bcast(found[-1] if found else None)
    return last


def _say(progress: Progress | None, done: int, total: int, what: str) -> None:
    if progress is not None:
        progress(done, total, what)
