"""Convergence maps from a cosmology, a seed and a few numbers.

``python -m mlsci.lensing run`` makes a field of 6.3 degrees with sources at redshift 1 from 256^3
particles in a box of 256 Mpc/h: ``lensing/maps.fits``, ``lensing/maps.png`` and
``lensing/spectra.json``. It runs alone, under ``mpiexec -n N``, or by ``workflow/lensing.sh``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlsci.lensing.settings import RefusedError, Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    options = _parser().parse_args(arguments)
    try:
        _run(options, comm)
    except KeyboardInterrupt:
        _complain(comm, "interrupted: no map was written; --snapshots and --resume keep the steps")
        return _leave(comm, 130)
    except (RefusedError, ValueError, OSError) as error:
        _complain(comm, f"refused: {error}" if isinstance(error, RefusedError) else str(error))
        # All ranks refuse alike; what one alone cannot do, such as write, must stop the others.
        return 2 if isinstance(error, RefusedError) else _leave(comm, 1)
    except BaseException:
        if comm.size > 1:
            import traceback

            traceback.print_exc()
            comm.Abort(1)
        raise
    return 0


def _leave(comm: Any, code: int) -> int:
    if comm.size > 1:
        sys.stderr.flush()
        comm.Abort(code)
    return code


def _complain(comm: Any, text: str) -> None:
    if comm.rank == 0:
        print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlsci.lensing", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="simulate, and write maps", description=__doc__)
    default = Settings()
    cosmology = default.cosmology
    add = run.add_argument
    add("--output", type=Path, default=Path("lensing"), help="folder of the results (%(default)s)")
    add("--settings", type=Path, help="JSON file of settings; options below replace them")
    numbers: dict[str, tuple[Any, str]] = {
        "seed": (int, f"of the initial conditions ({default.seed})"),
        "box": (float, f"side of the box in Mpc/h ({default.box:g})"),
        "particles": (int, f"along a side ({default.particles})"),
        "boost": (int, f"cells of the force mesh for each particle ({default.boost})"),
        "stages": (int, f"how often a force is taken from the start to today ({default.stages})"),
        "a-start": (float, f"the first scale factor ({default.a_start:g})"),
        "degrees": (float, f"side of the field ({default.degrees:g})"),
        "pixels": (int, f"along a side of the maps ({default.pixels})"),
        "planes": (int, "lens planes to trace rays through (none)"),
    }
    for name, (kind, text) in numbers.items():
        add(f"--{name}", type=kind, help=text)
    add("--sources", type=float, nargs="+", metavar="Z", help="redshifts of sources (1)")
    add("--integrator", choices=("leapfrog", "bullfrog"), help=f"({default.integrator})")
    add("--sharpening", choices=("fitted", "published", "none"),
        help="parameters of the correction for what the mesh cannot resolve (fitted)")  # fmt: skip
    add("--no-sub-evolution", action="store_true",
        help="see particles half way through steps, not at their own crossing")  # fmt: skip
    add("--galaxies", type=float, metavar="N",
        help="a square arc minute: write a catalogue of their shapes too, as HDF5")  # fmt: skip
    add("--precision", choices=("f4", "f8"), help="of the force mesh (f4)")
    add("--transfer", choices=("camb", "eisenstein_hu"), help="the linear spectrum's (camb)")
    for name in ("h", "omega_m", "omega_b", "n_s", "sigma8", "w0", "wa"):
        add(f"--{name.replace('_', '-')}", type=float, help=f"({getattr(cosmology, name):g})")
    add("--snapshots", type=int, default=0, metavar="N",
        help="keep the particles after each N steps, as HDF5")  # fmt: skip
    add("--resume", action="store_true", help="go on from the last snapshot in the output folder")
    return parser


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the settings that a command line asks for.

    Raises
    ------
    RefusedError
        For what cannot be.
    """
    from mlsci.report import files

    values: dict[str, Any] = {}
    if options.settings is not None:
        read = files.read_json(options.settings)
        if not isinstance(read, dict):
            raise RefusedError(f"{options.settings} is no JSON object of settings")
        values = read
    universe = dict(values.get("cosmology", {}))
    for name in ("h", "omega_m", "omega_b", "n_s", "sigma8", "w0", "wa"):
        if (value := getattr(options, name)) is not None:
            universe[name] = value
    if universe:
        values["cosmology"] = universe
    for name in ("seed", "box", "particles", "boost", "stages", "a_start", "degrees", "pixels",
                 "planes", "sources", "precision", "transfer", "integrator"):  # fmt: skip
        if (value := getattr(options, name)) is not None:
            values[name] = value
    if options.sharpening is not None:
        values["sharpening"] = None if options.sharpening == "none" else options.sharpening
    if options.no_sub_evolution:
        values["sub_evolution"] = False
    try:
        return Settings.from_json(values)
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, RefusedError) else RefusedError(str(error)) from error


def _run(options: argparse.Namespace, comm: Any) -> None:
    from mpi4py import MPI

    from mlsci.lensing import results
    from mlsci.lensing.simulate import simulate

    settings = settings_of(options)
    first = comm.rank == 0
    here = comm.Split_type(MPI.COMM_TYPE_SHARED)
    need, refusal = "", ""
    try:
        need = settings.check_memory(comm.size, here.size)
    except RefusedError as error:
        refusal = str(error)
    if refusals := [text for text in comm.allgather(refusal) if text]:
        raise RefusedError(refusals[0])
    if options.snapshots < 0:
        raise RefusedError("--snapshots counts steps: give 1 or more")
    if options.galaxies is not None and options.galaxies <= 0:
        raise RefusedError("--galaxies is a number per square arc minute: give more than 0")
    if options.resume and not options.snapshots:
        raise RefusedError("--resume goes with --snapshots N: snapshots go on being kept")
    clock = _Clock(first)
    if first:
        options.output.mkdir(parents=True, exist_ok=True)
        print(f"{settings.particles}^3 particles in {settings.box:g} Mpc/h need {need}", flush=True)
    maps = simulate(
        settings, comm, progress=clock,
        snapshots=options.output / "snapshots" if options.snapshots else None,
        every=options.snapshots or 1, resume=options.resume,
    )  # fmt: skip
    if first:
        clock.say("writing maps")
        for path in results.write(options.output, settings, maps, options.galaxies):
            print(path, flush=True)
    comm.barrier()


class _Clock:
    """Says on one rank how far a run is, and how long the rest may take."""

    def __init__(self, speaks: bool) -> None:
        self.speaks = speaks
        self.began = time.monotonic()
        self.first: tuple[int, float] | None = None

    def say(self, text: str) -> None:
        if self.speaks:
            print(f"[{time.monotonic() - self.began:7.1f} s] {text}", flush=True)

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if self.first is None:
            self.first = (done, now)
        text = f"step {done} of {total}: {what}"
        if done > self.first[0] and done < total:
            left = (now - self.first[1]) / (done - self.first[0]) * (total - done)
            text += f"; about {left:.0f} s left"
        self.say(text)


if __name__ == "__main__":
    sys.exit(main())
