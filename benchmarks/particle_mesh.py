"""What the particle mesh costs: processor time, time on the clock, memory; alone and beside JaxPM.

    python benchmarks/particle_mesh.py --out particle_mesh.json
    python benchmarks/particle_mesh.py --sides 128 --ranks 1 2 4 --jaxpm

Each line is a process of its own, which does the same run several times; the least time counts, and
the most memory. Compilation is timed apart, in a process with an empty cache. JaxPM is asked for
the same: as many particles, the same mesh, float32, a force at every step, the same leapfrog; on
one core, and on all. It is an optional package: `pip install --group benchmark`. How far its
particles end from ours, after the same run of fewer of them, is written down as well.

`--maps` names a JSON file with whole runs to time, from the seed to maps of convergence:
{"name": {"settings": {...}, "ranks": 1}}, with the settings of `mlsci.lensing.settings`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

A_START, INTERVALS, SPACING = 0.1, 10, 2.0  # "11 steps" as published; Mpc/h between particles


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the processor time and the time on the clock that a call takes, in seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def peak_memory() -> float:
    """Return the most memory this process had so far, in MB of 10^6 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def measure_mlsci(side: int, boost: int, precision: str, repeat: int) -> dict[str, Any]:
    """Time initial conditions and steps, and the parts of one step, at the end of a run."""
    from mpi4py import MPI

    from mlsci.lensing import initial, nbody
    from mlsci.lensing.cosmology import Cosmology
    from mlsci.lensing.mesh import Mesh
    from mlsci.lensing.power import LinearPower

    comm, cosmology = MPI.COMM_WORLD, Cosmology()
    box = SPACING * side
    power = LinearPower(cosmology, "eisenstein_hu")

    def run(side: int) -> nbody.State:
        lattice = Mesh(SPACING * side, side, comm, "f8")
        mesh = Mesh(SPACING * side, side * boost, comm, precision, lattice.grid)  # type: ignore[arg-type]
        noise = initial.white_noise(lattice, 1)
        density = initial.linear_density(lattice, noise, power)
        x, p = initial.displaced(lattice, density, cosmology, A_START)
        return nbody.State(x, p, A_START, mesh)

    def evolve(state: nbody.State) -> nbody.State:
        return nbody.evolve(state, cosmology, nbody.linear_steps(A_START, 1.0, INTERVALS))

    compilation = timed(lambda: evolve(run(32)))[0]
    before = peak_memory()
    starts, steps = [], []
    state: nbody.State | None = None
    for _ in range(repeat):
        state = None  # one set of particles at a time
        comm.barrier()
        began = time.process_time(), time.perf_counter()
        state = run(side)
        starts.append((time.process_time() - began[0], time.perf_counter() - began[1]))
        comm.barrier()
        began = time.process_time(), time.perf_counter()
        state = evolve(state)
        steps.append((time.process_time() - began[0], time.perf_counter() - began[1]))
    memory = peak_memory()
    assert state is not None
    parts = parts_of_a_step(state, repeat)
    least = {
        "initial_cpu": min(cpu for cpu, _ in starts),
        "initial_wall": min(wall for _, wall in starts),
        "steps_cpu": min(cpu for cpu, _ in steps),
        "steps_wall": min(wall for _, wall in steps),
        "memory_mb": memory,
        "memory_of_imports_mb": before,
        **parts,
    }
    both = parts["forward_cpu"] + parts["backward_cpu"]
    total = {name: comm.allreduce(value) for name, value in least.items()}
    for name in ("initial_wall", "steps_wall"):
        total[name] = comm.allreduce(least[name], MPI.MAX)
    return {
        "ranks": comm.size,
        "threads": state.mesh.threads,
        "box": box,
        "warm_up_cpu": compilation,
        "step_over_transforms": sum(parts.values()) / both,
        **total,
    }


def parts_of_a_step(state: Any, repeat: int) -> dict[str, float]:
    """Return the processor time of the parts of a step in seconds, at the end of a run."""
    from mlsci.lensing import nbody

    mesh, x, p = state.mesh, state.x, state.p
    laps: dict[str, list[float]] = {}
    last = 0.0

    def lap(name: str | None = None) -> None:
        nonlocal last
        if name is not None:
            laps.setdefault(f"{name}_cpu", []).append(time.process_time() - last)
        mesh.comm.barrier()
        last = time.process_time()

    for _ in range(repeat + 1):
        lap()
        route = mesh.route(x)
        here = route.there(x)
        out = p if here is x else np.zeros_like(here)
        lap("exchange")
        field = mesh.paint(here)
        lap("paint")
        modes = mesh.forward(field)
        del field
        lap("forward")
        mesh.divide_by_k2(modes, -1e-9)
        lap("filter")
        field = mesh.backward(modes, overwrite=True)
        del modes
        lap("backward")
        mesh.add_gradient(field, here, 1e-9, out)
        del field
        lap("read")
        route.back(out)
        lap("return")
        nbody.drift(x, p, 0.0)
        lap("drift")
    return {name: min(values) for name, values in laps.items()}


def measure_maps(values: dict[str, Any], repeat: int) -> dict[str, Any]:
    """Time whole runs, from the seed to maps."""
    from mpi4py import MPI

    from mlsci.lensing.settings import Settings
    from mlsci.lensing.simulate import simulate

    comm = MPI.COMM_WORLD
    small = {**values, "particles": 16, "box": 2000.0, "sharpening": None}
    warm_up = timed(lambda: simulate(Settings.from_json(small), comm))[0]
    settings = Settings.from_json(values)
    runs = []
    for _ in range(repeat):
        comm.barrier()
        runs.append(timed(lambda: simulate(settings, comm)))
    memory = peak_memory()
    return {
        "ranks": comm.size,
        "warm_up_cpu": comm.allreduce(warm_up),
        "cpu": comm.allreduce(min(cpu for cpu, _ in runs)),
        "wall": comm.allreduce(min(wall for _, wall in runs), MPI.MAX),
        "memory_mb": comm.allreduce(memory),
    }


def measure_jaxpm(side: int, boost: int, repeat: int) -> dict[str, Any]:
    """Time the same steps with JaxPM's forces, compiled as one."""
    x, steps = jaxpm_steps(side, boost)
    import jax

    def run() -> None:
        jax.block_until_ready(steps(x))

    compiled = timed(run)
    runs = [timed(run) for _ in range(repeat)]
    memory = peak_memory()
    return {
        "version": metadata.version("jaxpm"),
        "steps_cpu": min(cpu for cpu, _ in runs),
        "steps_wall": min(wall for _, wall in runs),
        "warm_up_cpu": compiled[0],
        "memory_mb": memory,
        "difference": difference(min(side, 32), boost),
    }


def difference(side: int, boost: int) -> float:
    """Return the rms distance, in cells, between where JaxPM and mlsci bring the same particles."""
    from mpi4py import MPI

    from mlsci.lensing import nbody
    from mlsci.lensing.cosmology import Cosmology
    from mlsci.lensing.mesh import Mesh

    start, steps = jaxpm_steps(side, boost)
    theirs = np.asarray(steps(start)[0], float)
    mesh = Mesh(float(side * boost), side * boost, MPI.COMM_SELF, "f4")
    x = np.asarray(start, float)
    state = nbody.State(x, np.zeros_like(x), A_START, mesh)
    ours = nbody.evolve(state, Cosmology(), nbody.linear_steps(A_START, 1.0, INTERVALS)).x
    return float(np.sqrt(np.mean(np.sum((theirs - ours) ** 2, axis=1))))


def jaxpm_steps(side: int, boost: int) -> tuple[Any, Callable[[Any], Any]]:
    """Return particles at the start, and the compiled run of all their steps, at rest at first."""
    import jax
    import jax.numpy as jnp
    from jaxpm.distributed import fft3d, ifft3d
    from jaxpm.kernels import fftk, gradient_kernel, invlaplace_kernel
    from jaxpm.painting import _cic_paint_impl, _cic_read_impl

    from mlsci.lensing import nbody
    from mlsci.lensing.cosmology import Cosmology

    cosmology = Cosmology()
    cells = (side * boost,) * 3
    times = nbody.linear_steps(A_START, 1.0, INTERVALS)
    factors = []
    for a, b in zip(times, times[1:]):
        m = nbody.middle(a, b)
        factors.append((cosmology.kick(a, a, m), cosmology.drift(m, a, b), cosmology.kick(b, m, b)))
    strength = 1.5 * cosmology.omega_m

    def force_at(x: Any) -> Any:
        # What `jaxpm.pm.pm_forces` does on one device; that one wants a particle for each cell.
        # In cells, JaxPM's unit, and for a mean density of one particle in a cell.
        modes = fft3d(_cic_paint_impl(jnp.zeros(cells), x))
        k = fftk(modes)
        potential = modes * invlaplace_kernel(k) * boost**3
        slopes = [ifft3d(-gradient_kernel(k, axis) * potential) for axis in range(3)]
        return jnp.stack([_cic_read_impl(slope, x) for slope in slopes], axis=-1)

    @jax.jit
    def steps(x: Any, p: Any) -> Any:
        force = force_at(x)
        for opening, drift, closing in factors:
            p = p + force * (strength * float(opening))
            x = x + p * float(drift)
            force = force_at(x)
            p = p + force * (strength * float(closing))
        return x, p

    lattice = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1) * float(boost)
    # waves, so that neither particles nor forces lie on the mesh
    x = jnp.asarray(lattice + np.sin(2 * np.pi * lattice[..., ::-1] / cells[0]), jnp.float32)
    x = x.reshape(-1, 3)
    return x, lambda x: steps(x, jnp.zeros_like(x))


def child(
    job: dict[str, Any], ranks: int, environment: dict[str, str], keep: Path | None = None
) -> dict[str, Any]:
    """Do one measurement in processes of its own, or take it from `keep`; return what it found."""
    if keep is not None:
        digest = hashlib.sha256(json.dumps([job, ranks], sort_keys=True).encode()).hexdigest()
        path = keep / f"measured-{digest[:16]}.json"
        if not path.exists():
            found = child(job, ranks, environment)
            path.with_suffix(".part").write_text(json.dumps(found))
            path.with_suffix(".part").replace(path)
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept
    command = [sys.executable, str(Path(__file__).resolve()), "--job", json.dumps(job)]
    if ranks > 1:  # the environment's own: another MPI's would start as many runs of one rank
        command = [str(Path(sys.prefix) / "bin" / "mpiexec"), "-n", str(ranks), *command]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**job, **found}


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 128], help="of the lattice")
    parser.add_argument("--boost", type=int, default=2, help="mesh over lattice")
    parser.add_argument("--precisions", nargs="+", default=["f4", "f8"], choices=["f4", "f8"])
    parser.add_argument("--ranks", type=int, nargs="+", default=[1])
    parser.add_argument("--threads", type=int, default=1, help="of a rank")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--jaxpm", action="store_true", help="measure JaxPM beside it")
    parser.add_argument("--maps", type=Path, help="a JSON file with whole runs to time")
    parser.add_argument("--keep", type=Path, help="a folder from which a killed run goes on")
    parser.add_argument("--out", type=Path, help="a JSON file; otherwise it is printed")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    return parser.parse_args()


def work(job: dict[str, Any]) -> None:
    """Do a measurement in this process, and print it as JSON."""
    if job["code"] == "jaxpm":
        if job["threads"] == 1 and hasattr(os, "sched_setaffinity"):
            # Before JAX counts the cores: it takes all that it may use, whatever one asks for.
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        print(json.dumps(measure_jaxpm(job["side"], job["boost"], job["repeat"])))
        return
    if job["code"] == "maps":
        found = measure_maps(job["settings"], job["repeat"])
    else:
        found = measure_mlsci(job["side"], job["boost"], job["precision"], job["repeat"])
    from mpi4py import MPI

    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(found))


def main() -> None:
    """Measure everything, back to back, and write it down."""
    asked = arguments()
    if asked.job:
        work(json.loads(asked.job))
        return
    from mlsci.report import files, machine

    environment = {"OMP_NUM_THREADS": str(asked.threads)}
    one = {"boost": asked.boost, "repeat": asked.repeat}
    results = []
    with tempfile.TemporaryDirectory() as empty:
        job = {**one, "code": "mlsci", "side": 32, "precision": asked.precisions[0], "repeat": 1}
        first = child(job, 1, {**environment, "NUMBA_CACHE_DIR": empty})
    for side in asked.sides:
        for ranks in asked.ranks:
            for precision in asked.precisions:
                job = {**one, "code": "mlsci", "side": side, "precision": precision}
                results.append(child(job, ranks, environment, asked.keep))
                show(results[-1])
        for threads in (1, os.cpu_count()) if asked.jaxpm else ():
            job = {**one, "code": "jaxpm", "side": side, "precision": "f4", "threads": threads}
            results.append(child(job, 1, {"OMP_NUM_THREADS": str(threads)}, asked.keep))
            show(results[-1])
    maps = {}
    for name, run in (json.loads(asked.maps.read_text()) if asked.maps else {}).items():
        job = {"code": "maps", "repeat": asked.repeat, **run}
        maps[name] = child(job, run["ranks"], environment, asked.keep)
        print(f"{name}: {maps[name]['cpu']:.1f} s of processor", file=sys.stderr, flush=True)
    record = {
        "compilation_cpu": first["warm_up_cpu"],
        "intervals": INTERVALS,
        "machine": machine.describe(),
        "measured": machine.now(),
        "maps": maps,
        "results": results,
        "versions": machine.versions(),
    }
    if asked.out:
        files.write_json(asked.out, record)
    else:
        print(json.dumps(record, indent=1))


def show(result: dict[str, Any]) -> None:
    """Print a line about a measurement."""
    total = result["steps_cpu"] + result.get("initial_cpu", 0.0)
    workers = result.get("ranks", result.get("threads"))
    line = (
        f"{result['code']:6} {result['side']}^3 {result['precision']} on {workers}: "
        f"{total:.2f} s of processor, steps {result['steps_wall']:.2f} s on the clock, "
        f"{result['memory_mb']:.0f} MB"
    )
    if "step_over_transforms" in result:
        line += f", a step is {result['step_over_transforms']:.2f} of its transforms"
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
