"""What gradients cost beside the runs they are of: processor time and memory; and beside JaxPM.

    python benchmarks/lensing_gradients.py --out gradients.json
    python benchmarks/lensing_gradients.py --runs runs.json --sides 64 128 --jaxpm --out all.json

Each line is a process of its own on one core, which does the same several times; the least time
counts, and the most memory. A gradient includes its forward run, and is with respect to all initial
modes, the cosmology and the sharpening at once. `--runs` names a JSON file with runs to time:
{"name": {"settings": {...}, "repeat": 1}}, with the settings of `mlsci.lensing.settings`.

`--sides` are those of particles whose steps are differentiated without initial conditions and maps,
as in `particle_mesh.py`, and in JaxPM from the same start.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from particle_mesh import A_START, INTERVALS, jaxpm_steps

BOOST = 2
DEFAULT: dict[str, Any] = {
    "64": {"settings": {"particles": 64, "box": 256.0, "pixels": 512, "sharpening": None}}
}


def memory() -> float:
    """Return the most memory this process had so far, in MB of 10^6 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def least(work: Callable[[], object], repeat: int) -> float:
    """Return the least processor time of several calls in seconds."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def measure_run(values: dict[str, Any], gradient: bool, repeat: int) -> dict[str, float]:
    """Time a run from white noise to maps, or its gradient."""
    from mpi4py import MPI

    from mlsci.lensing.adjoint.model import simulate_with_vjp
    from mlsci.lensing.settings import Settings
    from mlsci.lensing.simulate import simulate

    settings = Settings.from_json({"transfer": "eisenstein_hu", **values})
    number = 0

    def work(settings: Settings) -> None:
        nonlocal number  # a cosmology of its own each time: nothing is kept from the one before
        number += 1
        sigma8 = settings.cosmology.sigma8 + 1e-4 * number
        settings = replace(settings, cosmology=replace(settings.cosmology, sigma8=sigma8))
        noise = np.random.default_rng(0).standard_normal((settings.particles,) * 3)
        if gradient:
            kappa, vjp = simulate_with_vjp(noise, settings, MPI.COMM_SELF)
            vjp(kappa)
        else:
            simulate(settings, MPI.COMM_SELF, noise)

    work(replace(settings, particles=8, sharpening=settings.correction))  # compiles
    before = memory()
    cpu = least(lambda: work(settings), repeat)
    return {"cpu": cpu, "memory_mb": memory(), "program_mb": before}


def measure_steps(side: int, repeat: int) -> dict[str, float]:
    """Time the gradient of particles' last positions with respect to their first."""
    from mpi4py import MPI

    from mlsci.lensing.adjoint.cosmology import background
    from mlsci.lensing.adjoint.leapfrog import Schedule, run, run_vjp
    from mlsci.lensing.cosmology import Cosmology
    from mlsci.lensing.mesh import Mesh
    from mlsci.lensing.nbody import linear_steps

    schedule = Schedule.of(background(Cosmology()), linear_steps(A_START, 1.0, INTERVALS))

    def work(side: int) -> None:
        mesh = Mesh(float(side * BOOST), side * BOOST, MPI.COMM_SELF, "f4")
        x = start(side)
        p, x_bar = np.zeros_like(x), np.ones_like(x)
        run(mesh, x, p, schedule, lambda *_: None)
        run_vjp(mesh, x, p, x_bar, np.zeros_like(x), schedule, lambda *_: None)

    work(8)
    before = memory()
    return {"cpu": least(lambda: work(side), repeat), "memory_mb": memory(), "program_mb": before}


def start(side: int) -> np.ndarray:
    """Return the positions (n, 3) in cells from which `particle_mesh.jaxpm_steps` begins."""
    lattice = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1) * float(BOOST)
    waves = np.sin(2 * np.pi * lattice[..., ::-1] / (side * BOOST))
    return np.ascontiguousarray((lattice + waves).reshape(-1, 3))


def measure_jaxpm(side: int, repeat: int) -> dict[str, float]:
    """Time the same gradient in JaxPM, compiled as one."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before JAX counts the cores
    import jax

    x, steps = jaxpm_steps(side, BOOST)
    gradient = jax.jit(jax.grad(lambda x: steps(x)[0].sum()))

    def work() -> None:
        jax.block_until_ready(gradient(x))

    before = memory()
    compiling = least(work, 1)
    cpu = least(work, repeat)
    return {"cpu": cpu, "memory_mb": memory(), "program_mb": before, "compiling_cpu": compiling}


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Return what one job takes, in this process."""
    if job["of"] == "run":
        return measure_run(job["settings"], job["gradient"], job["repeat"])
    if job["of"] == "steps":
        return measure_steps(job["side"], job["repeat"])
    return measure_jaxpm(job["side"], job["repeat"])


def child(job: dict[str, Any]) -> dict[str, Any]:
    """Do one measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), "--job", json.dumps(job)],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{job} failed:\n{done.stdout}{done.stderr}")
    found = {**job, **json.loads(done.stdout.splitlines()[-1])}
    name = found.get("name") or f"{found['of']} {found['side']}^3"
    print(
        f"{name}{' gradient' if found.get('gradient') else ''}: {found['cpu']:.2f} s, "
        f"{found['memory_mb']:.0f} MB",
        file=sys.stderr, flush=True,
    )  # fmt: skip
    return found


def main() -> None:
    """Measure everything, and write it down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=Path, help="a JSON file with runs to time")
    parser.add_argument("--sides", type=int, nargs="*", default=[], help="of steps alone")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--jaxpm", action="store_true", help="measure JaxPM, on the least side")
    parser.add_argument("--out", type=Path, help="a JSON file; otherwise it is printed")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job is not None:
        print(json.dumps(measure(asked.job)))
        return
    from mlsci.report import files, machine

    runs = json.loads(asked.runs.read_text()) if asked.runs else DEFAULT
    jobs: list[dict[str, Any]] = [
        {"of": "run", "repeat": asked.repeat, "name": name, **one, "gradient": gradient}
        for name, one in runs.items()
        for gradient in (False, True)
    ]
    for side in asked.sides:
        jobs.append({"of": "steps", "side": side, "repeat": asked.repeat})
        if asked.jaxpm and side == min(asked.sides):
            jobs.append({"of": "jaxpm", "side": side, "repeat": asked.repeat})
    record = {
        "machine": machine.describe(),
        "measured": machine.now(),
        "results": [child(job) for job in jobs],
        "versions": machine.versions(),
    }
    if asked.out is not None:
        files.write_json(asked.out, record)
    else:
        print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
