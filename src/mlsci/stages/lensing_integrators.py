"""Maps of few steps by BullFrog against those of many by the leapfrog, of the same waves.

Writes ``steps.json`` as `mlsci.stages.lensing_runs.compare_steps` does: "few" are BullFrog's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlsci.lensing import bullfrog, initial, nbody
from mlsci.lensing.settings import Settings
from mlsci.report import files
from mlsci.report.seal import Job
from mlsci.stages.lensing_runs import STEP

EVOLVE = {"bullfrog": bullfrog.evolve, "leapfrog": nbody.evolve}


def compare_steps(job: Job) -> None:
    """Measure maps of few steps by one integrator and of many by the other, seed by seed."""
    from mlsci.lensing.spectra import Bands

    p = job.params
    settings, goal = Settings.from_json(p["settings"]), p["goal"]
    low, high = 4 * 2 * np.pi / settings.sky.width, 2 / 3 * np.pi / settings.sky.pixel
    width = np.log(goal / low) / round(np.log(goal / low) / STEP)
    edges = low * np.exp(width * np.arange(int(np.log(high / low) / width) + 1))
    bands = Bands(settings.sky, edges)
    found: dict[str, list[list[float]]] = {"few": [], "many": [], "cross": []}
    for seed in range(job.seed, job.seed + p["seeds"]):
        path = job.work / f"seed-{seed}.json"
        one = files.read_json(path)
        if one is None:
            few, many = (
                kappa(Settings.from_json({**p["settings"], "seed": seed}), EVOLVE[name], stages)
                for name, stages in zip(("bullfrog", "leapfrog"), p["stages"], strict=True)
            )
            pairs = {"few": (few,), "many": (many,), "cross": (few, many)}
            one = {name: bands.measure(*pair).power.tolist() for name, pair in pairs.items()}
            files.write_json(path, one)
        for name, power in one.items():
            found[name].append(power)
        print(f"seed {seed} of {p['seeds']}", flush=True)
    files.write_json(
        job.out / "steps.json",
        {"stages": p["stages"], "goal": goal, "edges": edges.tolist(),
         "ell": bands.ell.tolist(), **found},
    )  # fmt: skip


def kappa(settings: Settings, evolve: Callable[..., nbody.State], stages: int) -> np.ndarray:
    """Return the map of a run for its first source by an integrator, without sharpening.

    On one rank, and of as many scale factors, in equal distances, as there are `stages`. By
    `mlsci.lensing.nbody.evolve` it is the map of `mlsci.lensing.simulate.simulate`.
    """
    from mpi4py import MPI

    from mlsci.lensing.convergence import convergence, efficiencies
    from mlsci.lensing.lightcone import LightCone
    from mlsci.lensing.mesh import Mesh
    from mlsci.lensing.power import LinearPower
    from mlsci.lensing.tiling import stack

    cosmology = settings.cosmology
    lattice = Mesh(settings.box, settings.particles, MPI.COMM_SELF, "f8")
    cells = settings.particles * settings.boost
    mesh = Mesh(settings.box, cells, MPI.COMM_SELF, settings.precision, lattice.grid)
    noise = initial.white_noise(lattice, settings.seed)
    density = initial.linear_density(lattice, noise, LinearPower(cosmology, settings.transfer))
    x, p = initial.displaced(lattice, density, cosmology, settings.a_start)
    cone = LightCone(
        cosmology, stack(settings.box, settings.reach, settings.seed), settings.sky,
        efficiencies(cosmology, settings.sources), settings.reach, settings.density,
    )  # fmt: skip

    def look(a_start: float, a_end: float, x: np.ndarray, p: np.ndarray) -> None:
        if float(cosmology.distance(a_end)) < settings.reach:
            cone.advance(nbody.middle(a_start, a_end), a_start, a_end, x, p)

    steps = nbody.linear_steps(settings.a_start, 1.0, stages - 1)
    evolve(nbody.State(x, p, settings.a_start, mesh), cosmology, steps, look)
    found: np.ndarray = convergence(cone.maps, cosmology, settings.sources)[0]
    return found
