"""What the stages of `mlsci.stages.lensing_gradients` compute.

``lensing/gradients`` writes ``gradients.json``: errors of dot-product tests by number of ranks, run
and operation; of the reversed run; and of differences by their length.

``lensing/gradient-cost`` writes ``cost.json``, as ``benchmarks/lensing_gradients.py`` does.

``lensing/forecast`` writes ``forecast.json``: spectra (seeds, bands) and their slopes (seeds,
parameters, bands), exact and by differences of several lengths; and spectra of another cosmology.

``lensing/fit`` writes ``fit.json``: the sharpening, the mismatch after each iteration, and spectra.

``lensing/field`` writes ``field.json``, ``maps.npz``: what was found from one map, and the truth.

``lensing/coverage-*`` write ``coverage.json``: for several sets of data the truths of large-scale
modes and pixels, and the means and deviations of draws.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsci.report import files, paths
from mlsci.report.seal import Job

if TYPE_CHECKING:
    from mlsci.lensing.adjoint.inference import FieldPosterior


def check(job: Job) -> None:
    """Test derivatives on one and more ranks, and by differences of all lengths."""
    from mpi4py import MPI

    from mlsci.lensing.adjoint import checks
    from mlsci.lensing.adjoint.model import Inputs
    from mlsci.lensing.settings import Settings

    dots: dict[str, dict[str, dict[str, float]]] = {}
    for ranks in job.params["ranks"]:
        dots[str(ranks)] = {}
        for name, values in job.params["checked"].items():
            path = job.work / "settings.json"
            files.write_json(path, values)
            dots[str(ranks)][name] = _on_ranks(ranks, path)
    smooth = Settings.from_json(job.params["smooth"])
    plain = dataclasses.replace(smooth, sharpening=None)
    still = np.zeros((smooth.particles,) * 3)
    noise = checks.white_noise(smooth, MPI.COMM_SELF, 1)
    ways = {
        "initial modes": (plain, Inputs(noise)),
        "initial modes, sharpened": (smooth, Inputs(noise)),
        "parameters of the sharpening": (smooth, Inputs(still, {}, checks.FILTER)),
        **{
            name: (plain, Inputs(still, {name: 1.0}))
            for name in ("omega_m", "sigma8", "n_s", "h", "w0")
        },
    }
    lengths = job.params["lengths"]
    files.write_json(
        job.out / "gradients.json",
        {"dots": dots, "reversal": checks.reversal(dataclasses.replace(plain, particles=32)),
         "lengths": lengths,
         "differences": {name: checks.differences(*way, lengths) for name, way in ways.items()}},
    )  # fmt: skip


def _on_ranks(ranks: int, settings: Path) -> dict[str, float]:
    """Return what `mlsci.lensing.adjoint.checks` prints on some ranks."""
    # the environment's own: another MPI's would start as many runs of one rank
    mpiexec = Path(sys.prefix) / "bin" / "mpiexec"
    command = [sys.executable, "-m", "mlsci.lensing.adjoint.checks", str(settings)]
    done = subprocess.run(
        [str(mpiexec), "-n", str(ranks), *command], stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(job: Job) -> None:
    """Run the benchmark; JaxPM is measured beside it where it is installed.

    Raises
    ------
    RuntimeError
        If the benchmark failed; what it said was printed.
    """
    p = job.params
    runs = job.work / "runs.json"
    files.write_json(runs, p["runs"])
    script = paths.root() / "benchmarks" / "lensing_gradients.py"
    command = [
        sys.executable, str(script), "--runs", str(runs), "--out", str(job.out / "cost.json"),
        "--sides", *map(str, p["sides"]), "--repeat", str(p["repeat"]),
    ]  # fmt: skip
    if importlib.util.find_spec("jaxpm"):
        command.append("--jaxpm")
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise RuntimeError(f"the benchmark failed with exit code {done.returncode}: see above")


def forecast(job: Job) -> None:
    """Differentiate spectra exactly and by differences, and measure those of other universes."""
    from mpi4py import MPI

    from mlsci.lensing.adjoint.fisher import spectra_with_slopes
    from mlsci.lensing.settings import Settings
    from mlsci.lensing.simulate import simulate
    from mlsci.lensing.spectra import Bands

    p = job.params
    settings, names = Settings.from_json(p["settings"]), tuple(p["moved"])
    low, high, count = p["edges"]
    bands = Bands(settings.sky, np.geomspace(low, high, count))

    def noise(seed: int) -> np.ndarray:
        return np.random.default_rng([job.seed, seed]).standard_normal((settings.particles,) * 3)

    def spectrum(seed: int, moved: dict[str, float], sigma: float = 0.0) -> np.ndarray:
        cosmology = settings.cosmology
        values = {name: getattr(cosmology, name) + by for name, by in moved.items()}
        other = dataclasses.replace(settings, cosmology=dataclasses.replace(cosmology, **values))
        kappa = simulate(other, MPI.COMM_SELF, noise(seed)).kappa[0]
        rng = np.random.default_rng([job.seed, seed, 1])
        return bands.measure(kappa + rng.normal(0, sigma, kappa.shape)).power

    spectra, slopes, differences, moved = [], [], [], []
    for seed in range(p["seeds"]):
        found, exact = spectra_with_slopes(noise(seed), settings, bands, names, MPI.COMM_SELF)
        spectra.append(found[0].tolist())
        slopes.append(exact[:, 0].tolist())
        moved.append(spectrum(seed + p["seeds"], p["moved"], p["noise"]).tolist())
        if seed < p["differenced"]:
            differences.append([
                [((spectrum(seed, {name: h}) - spectrum(seed, {name: -h})) / (2 * h)).tolist()
                 for h in p["lengths"]]
                for name in names
            ])  # fmt: skip
    files.write_json(
        job.out / "forecast.json",
        {"ell": bands.ell.tolist(), "modes": bands.modes.tolist(), "parameters": names,
         "truth": p["moved"], "lengths": p["lengths"],
         # the spectrum of white noise in pixels
         "noise": p["noise"] ** 2 * settings.sky.pixel**2,
         "spectra": spectra, "slopes": slopes, "differences": differences, "moved": moved},
    )  # fmt: skip


def fit(job: Job) -> None:
    """Fit the sharpening of coarse runs to the spectra of finer runs of the same universes."""
    from mpi4py import MPI

    from mlsci.lensing.adjoint.calibration import fit_sharpening
    from mlsci.lensing.initial import white_noise
    from mlsci.lensing.mesh import Mesh
    from mlsci.lensing.settings import Settings
    from mlsci.lensing.sharpening import Sharpening
    from mlsci.lensing.simulate import simulate
    from mlsci.lensing.spectra import Bands

    p = job.params
    coarse = Settings.from_json(p["settings"])
    fine = Settings.from_json({**p["settings"], **p["better"]})
    low, high, count = p["edges"]
    bands, comm = Bands(coarse.sky, np.geomspace(low, high, count)), MPI.COMM_SELF
    lattice = Mesh(coarse.box, coarse.particles, comm, "f8")

    def spectrum(settings: Settings, seed: int) -> np.ndarray:
        """Return the spectrum without shot noise."""
        made = simulate(dataclasses.replace(settings, seed=seed), comm)
        return bands.measure(made.kappa[0]).power - made.shot_noise[0]

    def shot_noise() -> float:
        return float(simulate(dataclasses.replace(coarse, seed=0), comm).shot_noise[0])

    # boxes are turned by the seed of the settings, so all runs of the fit share the first
    seeds, start = p["seeds"], Sharpening(**p["start"])
    noises = [white_noise(lattice, seed) for seed in seeds]
    meshes = Mesh(fine.box, fine.particles, comm, "f8")
    target = np.mean([
        bands.measure(simulate(fine, comm, white_noise(meshes, seed)).kappa[0]).power
        for seed in seeds
    ], axis=0)  # fmt: skip
    target = target - simulate(fine, comm).shot_noise[0] + shot_noise()
    sharpening, trace = fit_sharpening(
        coarse, start, noises, bands, target[None], p["iterations"], comm
    )
    runs = {"better": fine}
    for name, one in (("fitted", sharpening), ("start", start), ("none", None)):
        runs[name] = dataclasses.replace(coarse, sharpening=one)
    files.write_json(
        job.out / "fit.json",
        {"ell": bands.ell.tolist(), "trace": trace, "sharpening": dataclasses.asdict(sharpening),
         "start": p["start"],
         # universes that the fit has not seen
         "spectra": {name: [spectrum(run, seed).tolist() for seed in p["fresh"]]
                     for name, run in runs.items()}},
    )  # fmt: skip


def infer(job: Job) -> None:
    """Find initial conditions and cosmology from one map."""
    from mlsci.lensing.adjoint.inference import agreement, large_scale_modes, most_probable
    from mlsci.lensing.adjoint.sampling import independent_draws

    p = job.params
    posterior, truth, states, chances = _explore(p, job.seed)
    modes = posterior.modes
    best, trace = most_probable(posterior, np.zeros(len(truth)), p["iterations"])
    mean = states.mean(0)
    maps = {
        "truth": posterior.maps(truth)[0], "data": posterior.data[0],
        "best": posterior.maps(best)[0],
        "mean": np.mean([posterior.maps(state)[0] for state in states[::4]], axis=0),
    }  # fmt: skip
    _write_arrays(job.out / "maps.npz", {name: one.astype("f4") for name, one in maps.items()})
    box = posterior.settings.box
    k, best_agrees = agreement(posterior.noise(best), posterior.noise(truth), box)
    _, mean_agrees = agreement(posterior.noise(mean), posterior.noise(truth), box)
    _, draw_agrees = agreement(posterior.noise(states[-1]), posterior.noise(truth), box)
    large = np.array([large_scale_modes(posterior.noise(state), p["cut"]) for state in states])
    chain = np.concatenate([large, states[:, modes:]], axis=1)
    values = np.array([list(posterior.parameters(state).values()) for state in states])
    files.write_json(
        job.out / "field.json",
        {"trace": trace, "k": k.tolist(), "best": best_agrees.tolist(),
         "mean": mean_agrees.tolist(), "draw": draw_agrees.tolist(),
         "acceptance": float(chances.mean()), "gradients": p["draws"] * p["leaps"],
         "independent": independent_draws(chain).tolist(), "parameters": list(p["priors"]),
         "truth": list(posterior.parameters(truth).values()),
         "best_values": list(posterior.parameters(best).values()), "values": values.tolist(),
         "modes": large_scale_modes(posterior.noise(truth), p["cut"]).tolist(),
         "means": large.mean(0).tolist(), "deviations": large.std(0, ddof=1).tolist()},
    )  # fmt: skip


def cover(job: Job) -> None:
    """Find initial conditions from several maps, and write down where the truths are."""
    from mlsci.lensing.adjoint.inference import large_scale_modes
    from mlsci.lensing.adjoint.sampling import independent_draws

    p = job.params
    for seed in range(job.seed, job.seed + p["sets"]):
        done = job.work / f"set-{seed}.json"
        if done.exists():
            continue
        posterior, truth, states, chances = _explore(p, seed)
        found: dict[str, Any] = {"acceptance": float(chances.mean())}
        large = np.array([large_scale_modes(posterior.noise(state), p["cut"]) for state in states])
        pixels = np.array([posterior.maps(state)[0].reshape(-1) for state in states])
        for name, chain, true in (
            ("modes", large, large_scale_modes(posterior.noise(truth), p["cut"])),
            ("pixels", pixels, posterior.maps(truth)[0].reshape(-1)),
        ):
            found[name] = {
                "independent": np.round(independent_draws(chain), 1).tolist(),
                "deviations": _short(chain.std(0, ddof=1)),
                "offsets": _short((true - chain.mean(0)) / chain.std(0, ddof=1)),
            }
        files.write_json(done, found)
    sets = [files.read_json(path) for path in sorted(job.work.glob("set-*.json"))]
    files.write_json(
        job.out / "coverage.json", {"sets": sets, "gradients": p["draws"] * p["leaps"]}
    )


def _explore(p: Any, seed: int) -> tuple[FieldPosterior, np.ndarray, np.ndarray, np.ndarray]:
    """Return a posterior, its truth, draws from it, and the chances that these were accepted."""
    from mlsci.lensing.adjoint.inference import observed, randomized
    from mlsci.lensing.adjoint.sampling import sample
    from mlsci.lensing.settings import Settings

    settings = Settings.from_json(p["settings"])
    priors = {name: (mean, width) for name, (mean, width) in p["priors"].items()}
    seen = _mask(settings.pixels)
    posterior, truth = observed(settings, p["sigma"], seen, priors, seed, p["foreground"])
    start = randomized(posterior, p["iterations"], seed)
    states, chances = sample(
        posterior, start, p["draws"], p["burn_in"], p["leaps"], p["step"], seed
    )
    return posterior, truth, states, chances


def _mask(pixels: int) -> np.ndarray:
    """Return where a map is seen: not behind two bright stars."""
    y, x = (np.mgrid[:pixels, :pixels] + 0.5) / pixels
    first = (x - 0.68) ** 2 + (y - 0.3) ** 2 < 0.14**2
    second = (x - 0.22) ** 2 + (y - 0.75) ** 2 < 0.09**2
    seen: np.ndarray = ~(first | second)
    return seen


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    import io

    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    files.write_bytes(path, content.getvalue())
