"""What the stage ``lensing/slices`` computes: the universe of a map, seen as particles."""

from __future__ import annotations

import numpy as np

from mlsci.report import arrays, files
from mlsci.report.seal import Job

TIMES = (0.1, 0.5, 1.0)  # scale factors at which the box is cut


def cut(job: Job) -> None:
    """Cut slabs from the box, before and after sharpening, and a strip from the light cone."""
    from mpi4py import MPI

    from mlsci.lensing import initial, nbody, sharpening
    from mlsci.lensing.integrators import EVOLVE
    from mlsci.lensing.mesh import Mesh
    from mlsci.lensing.power import LinearPower
    from mlsci.lensing.settings import Settings
    from mlsci.lensing.slices import LightStrip, slab
    from mlsci.lensing.tiling import stack

    settings, params = Settings.from_json(job.params["settings"]), job.params
    cosmology, box, thickness = settings.cosmology, settings.box, params["thickness"]
    comm = MPI.COMM_SELF
    lattice = Mesh(box, settings.particles, comm, "f8")
    mesh = Mesh(box, settings.particles * settings.boost, comm, settings.precision, lattice.grid)
    noise = initial.white_noise(lattice, settings.seed)
    density = initial.linear_density(lattice, noise, LinearPower(cosmology, settings.transfer))
    x, p = initial.displaced(lattice, density, cosmology, settings.a_start)
    tiling = stack(box, settings.reach, settings.seed)
    strip = LightStrip(cosmology, tiling, settings.reach, thickness, 2 * settings.spacing)
    found = {"slab_0": slab(x, box, thickness, params["cells"])}

    def look(a_start: float, a_end: float, x: np.ndarray, p: np.ndarray) -> None:
        strip.advance(a_start, a_end, x, p)
        if a_start < TIMES[1] <= a_end:
            moved = p * float(cosmology.drift(nbody.middle(a_start, a_end), a_start, TIMES[1]))
            moved += x
            found["slab_1"] = slab(moved, box, thickness, params["cells"])

    state = nbody.State(x, p, settings.a_start, mesh)
    state = EVOLVE[settings.integrator](state, cosmology, settings.times, look)
    found["slab_2"] = slab(state.x, box, thickness, params["cells"])
    side, cells = params["zoom"], params["cells"] // 2
    found["zoom_raw"] = slab(state.x, box, thickness, cells, side)
    assert settings.correction is not None
    moved = sharpening.displacement(mesh, state.x, settings.correction, 1.0)
    found["zoom_sharpened"] = slab(state.x + moved, box, thickness, cells, side)
    found["strip"] = strip.density(settings.density)
    # Half precision is enough for pictures.
    arrays.write_arrays(
        job.out / "slices.npz", {name: one.astype(np.float16) for name, one in found.items()}
    )
    files.write_json(
        job.out / "slices.json",
        {"box": box, "thickness": thickness, "zoom": side, "times": TIMES, "reach": settings.reach,
         "cell": strip.cell, "degrees": settings.degrees},
    )  # fmt: skip
