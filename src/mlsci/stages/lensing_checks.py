"""What the stages that test the lensing library at full size compute.

``lensing/linear`` writes ``linear.json``: for each of its ``fields``, spectra of weak Gaussian
fields through a light cone of boxes of some size, ``measured``, and of the same fields without
particles, ``direct``, both (seeds, bands), beside Limber's integral, ``limber``, and the exact mean
for such boxes, ``periodic``, both (bands,); ``boxes`` has the ratio of the two for more boxes.

``lensing/sharpening`` writes ``sharpening.json``: for each of its ``configurations`` the
``published`` and the ``fitted`` parameters, the fit's ``error`` (of ln k_l, ln k_s, ln alpha0, mu;
null where the power does not depend on it), and the matter power that a light cone sees over
theory, ``raw``, ``with_published``, ``with_fitted`` (steps, bands), at scale factors ``a`` and wave
numbers ``k``. Theory is half-way between halofit and HMcode, whose ratio is ``theories`` (bands,)
in the middle step. Deviations that are ``allowed`` (steps, bands) weigh the same in the fit;
multipoles that a wave is seen at from its distance tell them, as the goals for maps do.

``lensing/checks`` writes ``checks.json``: one number a name, each what its function tells.
"""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlsci.report import files
from mlsci.report.seal import Job
from mlsci.stages.lensing_runs import batch


def follow_linear_theory(job: Job) -> None:
    """Measure weak fields through the light cone."""
    from mlsci.lensing import linear

    setup, fields, boxes = linear.Setup(), [], []
    for one in job.params["fields"]:
        mine = dataclasses.replace(setup, box=float(one["box"]), cells=one["cells"])
        seeds = range(job.seed, job.seed + one["seeds"])
        spectra = {
            name: [[float(f"{x:.5g}") for x in function(mine, seed)] for seed in seeds]
            for name, function in (("measured", linear.measured), ("direct", linear.direct))
        }
        fields.append({
            "box": mine.box, **spectra,
            "limber": linear.limber(mine).tolist(), "periodic": linear.periodic(mine).tolist(),
        })  # fmt: skip
    for box in job.params["boxes"]:
        other = dataclasses.replace(setup, box=float(box))
        ratio = linear.periodic(other) / linear.limber(other)
        boxes.append({"box": other.box, "ratio": ratio.tolist()})
    files.write_json(
        job.out / "linear.json",
        {"ell": setup.bands.ell.tolist(), "modes": setup.bands.modes.tolist(), "fields": fields,
         "boxes": boxes},
    )  # fmt: skip


def calibrate(job: Job) -> None:
    """Fit the sharpening to the matter power that light cones of each configuration lack."""
    from mlsci.lensing import theory
    from mlsci.lensing.cosmology import Cosmology

    cosmology = Cosmology()
    halofit, hmcode = (theory.matter_power(cosmology, 1.5, m) for m in ("takahashi", "mead2020"))

    def goal(k: np.ndarray, a: np.ndarray) -> np.ndarray:
        # The two differ by some per cent: half-way between them.
        return np.sqrt(halofit(k, a) * hmcode(k, a))

    found = []
    same = {name: value for name, value in job.params.items() if name != "configurations"}
    for number, one in enumerate(job.params["configurations"]):
        path = job.work / f"configuration-{number}.json"
        fitted = files.read_json(path)
        if fitted is None or fitted["asked"] != [one, same]:
            fitted = {"asked": [one, same], **_calibrated(one, same, cosmology, goal)}
            k = np.array(fitted["k"])
            middle = np.full_like(k, fitted["a"][len(fitted["a"]) // 2])
            fitted["theories"] = (hmcode(k, middle) / halofit(k, middle)).tolist()
            files.write_json(path, fitted)
        found.append({name: value for name, value in fitted.items() if name != "asked"})
    files.write_json(job.out / "sharpening.json", {"configurations": found})


def _calibrated(
    one: Mapping[str, Any], params: Mapping[str, Any], cosmology: Any, goal: Any
) -> dict[str, Any]:
    """Return what a configuration lacks, its parameters, and what it has with them."""
    from mlsci.lensing import calibration
    from mlsci.lensing.sharpening import published

    edges = tuple(np.geomspace(params["coarsest"], one["finest"], one["bands"] + 1))

    def boxes(size: list[Any], seed: int, signs: tuple[float, ...]) -> calibration.Steps:
        return calibration.Steps(
            calibration.Boxes(
                size[0], size[1], one["boost"], one["stages"], seed, tuple(params["times"]), edges,
                signs, one["integrator"],
            ),
            cosmology,
        )  # fmt: skip

    large = boxes(one["large"], params["seed"], (1.0, -1.0))
    small = boxes(one["small"], params["seed"] + 1, (1.0,))
    before = published(one["stages"], one["large"][0] / one["large"][1], one["boost"])
    ell = np.outer([float(cosmology.distance(a)) for a in small.a], small.k)
    allowed = np.select(
        [ell < last for last, _ in params["allowed"]], [share for _, share in params["allowed"]],
        default=params["beyond"],
    )  # fmt: skip
    after, error = calibration.fit_to_large(large, small, goal, before, params["rounds"], allowed)
    print(one["integrator"], after, flush=True)
    shares = {"raw": None, "with_published": before, "with_fitted": after}
    return {
        **one, "a": small.a.tolist(), "k": small.k.tolist(), "allowed": allowed.tolist(),
        "published": dataclasses.asdict(before), "fitted": dataclasses.asdict(after),
        "error": [float(one) if np.isfinite(one) else None for one in error],
        **{name: large.share(goal, sharpened).tolist() for name, sharpened in shares.items()},
    }  # fmt: skip


def check(job: Job) -> None:
    """Compare with references, and runs with each other that must be the same."""
    found = {
        **growth(),
        **second_order(),
        **large_scales(job.params["large"]),
        **any_ranks(job.params["settings"], job.params["ranks"], job.work),
        **killed(job.params["settings"], job.work),
    }
    files.write_json(job.out / "checks.json", found)


def growth() -> dict[str, float]:
    """Return the largest relative differences of growth and its rates from a dense integration."""
    from scipy.integrate import odeint

    from mlsci.lensing.cosmology import Cosmology

    c, a = Cosmology(), np.linspace(0.05, 1.0, 96)

    def equations(y: np.ndarray, a: float) -> list[float]:
        # d2D/da2 + (3 / a + dlnE / da) dD/da = 3/2 Omega_m D / (a^5 E^2), in a itself.
        drag = (3 + float(c.expansion_slope(a))) / a
        pull = 1.5 * c.omega_m / (a**5 * float(c.expansion(a)) ** 2)
        one, one1, two, two1 = y
        return [one1, pull * one - drag * one1, two1, pull * (two - one**2) - drag * two1]

    start = 2e-3
    grid = np.concatenate([[start], a])
    first = [start, 1, -3 / 7 * start**2, -6 / 7 * start]
    y = odeint(equations, first, grid, rtol=1e-12, atol=0)[1:]
    norm = y[-1, 0]
    pairs = {
        "growth1": (c.growth1(a), y[:, 0] / norm), "growth2": (c.growth2(a), y[:, 2] / norm**2),
        "rate1": (c.rate1(a), a * y[:, 1] / y[:, 0]), "rate2": (c.rate2(a), a * y[:, 3] / y[:, 2]),
    }  # fmt: skip
    return {name: float(np.abs(got / true - 1).max()) for name, (got, true) in pairs.items()}


def second_order() -> dict[str, float]:
    """Return the error of second-order displacements of two crossing waves, over the largest.

    delta = cos kx + cos ky has phi_2 = -cos kx cos ky / 2 k^2.
    """
    from mpi4py import MPI

    from mlsci.lensing import initial
    from mlsci.lensing.mesh import Mesh

    cells, box = 32, 100.0
    mesh, k = Mesh(box, cells, MPI.COMM_SELF, "f8"), 2 * np.pi / box
    phase = 2 * np.pi * np.arange(cells) / cells
    x, y = np.broadcast_arrays(phase[:, None, None], phase[None, :, None] + np.zeros((1, 1, cells)))
    modes = mesh.forward(np.ascontiguousarray(np.cos(x) + np.cos(y))) / cells**3
    true = np.stack([np.sin(x) * np.cos(y), np.cos(x) * np.sin(y), 0 * x]) / (2 * k)
    got = np.stack(list(initial.second_order(mesh, modes)))
    return {"second_order": float(np.abs(got - true).max() / np.abs(true).max())}


def large_scales(size: dict[str, Any]) -> dict[str, float]:
    """Return the power of the largest waves over linear theory, at z = 9 and 0, and momentum.

    The mean of two runs with fixed amplitudes and opposite phases. `momentum` is the sum of all
    momenta over that of their sizes.
    """
    from mlsci.lensing import calibration, initial, nbody
    from mlsci.lensing.cosmology import Cosmology
    from mlsci.lensing.power import LinearPower
    from mlsci.lensing.spectra import particle_power

    cosmology, linear = Cosmology(), LinearPower(Cosmology())
    edges, start = np.array([0.0, size["finest"]]), 0.1
    boxes = calibration.Boxes(size["box"], size["particles"], 2, 11, 5, (), ())
    lattice, mesh = boxes.meshes()
    ratios, momentum = [], 0.0
    for sign in boxes.signs:
        noise = calibration.fixed_noise(lattice, boxes.seed, sign)
        density = initial.linear_density(lattice, noise, linear)
        square = sum(k**2 for k in np.meshgrid(*lattice.k, indexing="ij"))
        weight = np.where(lattice.k[2] > 0, 2.0, 1.0) * (square > 0) * (square < edges[1] ** 2)
        true = boxes.box**3 * np.sum(weight * np.abs(density) ** 2) / np.sum(weight)
        x, p = initial.displaced(lattice, density, cosmology, start)
        # Particles that have hardly left their lattice have no shot noise; nor later on, here.
        first = particle_power(mesh, x, edges).power[0] / float(cosmology.growth1(start)) ** 2
        times = nbody.linear_steps(start, 1.0, boxes.stages - 1)
        state = nbody.evolve(nbody.State(x, p, start, mesh), cosmology, times)
        last = particle_power(mesh, state.x, edges).power[0]
        ratios.append([first / true, last / true])
        momentum = max(momentum, float(np.abs(state.p.sum(0)).max() / np.abs(state.p).sum()))
    early, late = np.mean(ratios, axis=0)
    return {"power_z9": float(early), "power_z0": float(late), "momentum": momentum}


def any_ranks(settings: dict[str, Any], ranks: list[int], work: Path) -> dict[str, float]:
    """Return by how much maps of some ranks differ from that of one at most, over its norm."""
    found = {}
    for precision in ("f4", "f8"):
        alone, *others = (
            _kappa(batch({**settings, "precision": precision}, work / f"{precision}-{n}", n))
            for n in (1, *ranks)
        )
        found[f"ranks_{precision}"] = max(_distance(one, alone) for one in others)
    return found


def killed(settings: dict[str, Any], work: Path) -> dict[str, float]:
    """Return by how much the map of a run that was killed and resumed differs from a whole one.

    And the number of unfinished or unreadable results that the killed run left: none.
    """
    from mlsci.lensing import io

    whole, folder = batch(settings, work / "whole", 1), work / "killed"
    files.write_json(folder / "settings.json", dict(settings))
    command = [sys.executable, "-m", "mlsci.lensing", "run", "--snapshots", "1",
               "--settings", str(folder / "settings.json"), "--output", str(folder)]  # fmt: skip
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 600
        while not (folder / "snapshots" / "step-0003.h5").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError("the run that was to be killed ended by itself: see above")
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    broken = sum((folder / name).exists() for name in ("maps.fits", "spectra.json"))
    for path in (folder / "snapshots").glob("step-*.h5"):
        broken += not np.isfinite(io.read_snapshot(path).x).all()
    subprocess.run([*command, "--resume"], check=True)
    return {"killed_left": float(broken), "resumed": _distance(_kappa(folder), _kappa(whole))}


def _kappa(folder: Path) -> np.ndarray:
    from mlsci.lensing import io

    return io.read_maps(folder / "maps.fits")[0]["KAPPA_0"].astype(float)


def _distance(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.linalg.norm(one - two) / np.linalg.norm(two))
