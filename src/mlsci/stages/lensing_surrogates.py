"""Cheap runs of many seeds, which tell by how much the few costly ones are off by chance.

Each ``lensing/surrogates-…`` writes ``surrogates.json``: its ``seeds``, multipoles ``ell``, and
``power`` ``(seeds, bands)`` and ``shot_noise`` ``(seeds,)`` of maps for the first source, in the
bands of the costly runs. Waves and the turns of boxes are those of a costly run of the same seed.
"""

from __future__ import annotations

from typing import Any

from mlsci.report import files
from mlsci.report.seal import Job

DIGITS = 6  # that are kept of a spectrum


def measure(job: Job) -> None:
    """Measure the spectra of the runs, one after another in this process, and keep each."""
    from mpi4py import MPI

    from mlsci.lensing import results, simulate
    from mlsci.lensing.settings import Settings

    first, last = job.params["seeds"]
    runs: list[dict[str, Any]] = []
    for seed in range(first, last):
        path = job.work / f"seed-{seed}.json"
        found = files.read_json(path)
        if found is None:
            settings = Settings.from_json({**job.params["settings"], "seed": seed})
            maps = simulate.simulate(settings, MPI.COMM_SELF)
            bands = results.bands(settings)
            found = {
                "ell": bands.ell.tolist(),
                "power": [_rounded(x) for x in bands.measure(maps.kappa[0]).power],
                "shot_noise": _rounded(maps.shot_noise[0]),
            }
            files.write_json(path, found)
        runs.append(found)
        print(f"seed {seed} of {first} to {last - 1}", flush=True)
    files.write_json(
        job.out / "surrogates.json",
        {"seeds": list(range(first, last)), "ell": runs[0]["ell"],
         **{name: [run[name] for run in runs] for name in ("power", "shot_noise")}},
    )  # fmt: skip


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
