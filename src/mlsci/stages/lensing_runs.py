"""What the stages of `mlsci.stages.lensing` compute: runs of the batch script, and their sums."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlsci.report import files, paths
from mlsci.report.seal import Job

SMOOTHED = 1.0  # arc minutes: standard deviation of the smoothing before values are counted
EDGES = np.linspace(-0.05, 0.2, 51)  # of convergence
RESULTS = ("maps.fits", "spectra.json")
STEP = 0.25  # of bands in the logarithm of ell, about


def batch(settings: Mapping[str, Any], folder: Path, ranks: int | None = None) -> Path:
    """Return the folder with the results of a run, which the batch script makes if need be.

    Parameters
    ----------
    settings, folder
        What is run, and where its results go.
    ranks
        How many; by default as many as there are cores, or as the variable RANKS says.

    Raises
    ------
    RuntimeError
        If the run failed; what it said was printed.
    """
    wanted = folder / "settings.json"
    if files.read_json(wanted) == dict(settings) and (folder / "done").exists():
        return folder
    (folder / "done").unlink(missing_ok=True)
    files.write_json(wanted, dict(settings))
    script = paths.root() / "workflow" / "lensing.sh"
    done = subprocess.run(
        ["bash", str(script), "--settings", str(wanted), "--output", str(folder)],
        env={"PYTHON": sys.executable, **os.environ, **({"RANKS": str(ranks)} if ranks else {})},
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the lensing run failed with exit code {done.returncode}: see above")
    files.write_bytes(folder / "done", b"")
    return folder


def make_maps(job: Job) -> None:
    """Make the maps of one run; keep those of some sources, and the spectra of all."""
    _keep(job, batch(job.params["settings"], job.work / "run"), job.params["keep"])


def take_first(job: Job) -> None:
    """Take the maps and spectra of the first of several seeds."""
    folder = job.input(job.params["of"])
    for name in RESULTS:
        files.write_bytes(job.out / name, (folder / name).read_bytes())


def repeat_seeds(job: Job) -> None:
    """Collect the spectra of several seeds, beside theory, and what smoothed maps hold.

    The first seed's maps and spectra are kept as `make_maps` keeps them.
    """
    from mlsci.lensing import io

    runs, values, twins = [], [], []
    for seed in range(job.params["seed"], job.params["seed"] + job.params["seeds"]):
        result = batch({**job.params["settings"], "seed": seed}, job.work / f"seed-{seed}")
        runs.append(json.loads((result / "spectra.json").read_bytes()))
        maps, field, _ = io.read_maps(result / "maps.fits")
        kappa = maps["KAPPA_0"].astype(float)
        values.append(_histograms(kappa, field))
        twins.append(_histograms(_twin(kappa, seed), field))
        if len(runs) == 1:
            _keep(job, result, [0])
    first = runs[0]
    sources = []
    for i, source in enumerate(first["sources"]):
        each = [run["sources"][i] for run in runs]
        sources.append({
            "source": source["source"], "theory": source["theory"],
            **{key: [one[key] for one in each]
               for key in ("power", "shot_noise", "sigma", "skewness", "kurtosis", "peaks")},
        })  # fmt: skip
    files.write_json(
        job.out / "seeds.json",
        {"settings": first["settings"], "ell": first["ell"], "modes": first["modes"],
         "sources": sources, "smoothed": SMOOTHED, "edges": EDGES.tolist(),
         "values": values, "gaussian": twins},
    )  # fmt: skip


def compare_steps(job: Job) -> None:
    """Measure the maps that few and many steps make of the same initial conditions, by seed.

    ``few`` names several ways to take few of them, ``many`` is one way to take many: settings that
    differ. A band ends where the goal does, at ``goal``, so that those below it hold all that it is
    about.
    """
    from mlsci.lensing import io
    from mlsci.lensing.settings import Settings
    from mlsci.lensing.spectra import Bands

    p, goal = job.params, job.params["goal"]
    settings = Settings.from_json(p["settings"])
    low, high = 4 * 2 * np.pi / settings.sky.width, 2 / 3 * np.pi / settings.sky.pixel
    width = np.log(goal / low) / round(np.log(goal / low) / STEP)
    bands = Bands(
        settings.sky, low * np.exp(width * np.arange(int(np.log(high / low) / width) + 1))
    )
    many: list[list[float]] = []
    few: dict[str, Any] = {
        name: {"forces": one["stages"], "power": [], "cross": []} for name, one in p["few"].items()
    }

    def kappa(name: str, change: Mapping[str, Any], seed: int) -> np.ndarray:
        run = {**p["settings"], **change, "seed": seed}
        found = io.read_maps(batch(run, job.work / f"{name}-seed-{seed}") / "maps.fits")[0]
        return np.asarray(found["KAPPA_0"], float)

    for seed in range(job.seed, job.seed + p["seeds"]):
        reference = kappa("many", p["many"], seed)
        many.append(bands.measure(reference).power.tolist())
        for name, change in p["few"].items():
            one = kappa(name, change, seed)
            few[name]["power"].append(bands.measure(one).power.tolist())
            few[name]["cross"].append(bands.measure(one, reference).power.tolist())
    files.write_json(
        job.out / "steps.json",
        {"forces": p["many"]["stages"], "goal": goal, "edges": bands.edges.tolist(),
         "ell": bands.ell.tolist(), "many": many, "few": few},
    )  # fmt: skip


def _keep(job: Job, result: Path, sources: list[int]) -> None:
    """Write maps of some sources of a run, coarser, and the spectra of all."""
    from mlsci.lensing import io

    maps, field, header = io.read_maps(result / "maps.fits")
    pixels = min(job.params["pixels"], field.pixels)
    kept = {f"KAPPA_{i}": _coarser(maps[f"KAPPA_{i}"], pixels) for i in sources}
    io.write_maps(job.out / "maps.fits", kept, type(field)(field.width, pixels), header)
    files.write_json(job.out / "spectra.json", files.read_json(result / "spectra.json"))


def _histograms(kappa: np.ndarray, field: Any) -> dict[str, Any]:
    """Return one-point density, peaks a square degree and moments of the smoothed first map."""
    from mlsci.lensing import statistics

    smooth = statistics.smooth(kappa, field, np.radians(SMOOTHED / 60))
    heights = statistics.peaks(smooth)
    area = np.degrees(field.width) ** 2
    return {
        "density": statistics.distribution(smooth, EDGES).tolist(),
        "peaks": (np.histogram(heights, EDGES)[0] / area).tolist(),
        "moments": statistics.moments(smooth),
    }


def _twin(kappa: np.ndarray, seed: int) -> np.ndarray:
    """Return a Gaussian map with the amplitudes of another, and phases of white noise."""
    noise = np.fft.rfft2(np.random.default_rng([seed, 0x7A1]).standard_normal(kappa.shape))
    modes = np.abs(np.fft.rfft2(kappa - kappa.mean())) * noise / np.abs(noise)
    return np.fft.irfft2(modes, kappa.shape)


def _coarser(kappa: np.ndarray, pixels: int) -> np.ndarray:
    """Return a map of fewer pixels, each the mean of a square of them."""
    side, left = divmod(len(kappa), pixels)
    if left:
        raise ValueError(f"{len(kappa)} pixels cannot be averaged to {pixels}")
    return kappa.reshape(pixels, side, pixels, side).mean((1, 3))
