"""What the stages of `mlsci.stages.deepuq` compute: whether its probabilities are frequencies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsci.reconstruction.calibration import (
    credibility,
    exact_coverage,
    expected_coverage,
    interval_coverage,
    ranks,
    simulate,
)
from mlsci.reconstruction.corruption import Corruption
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.model import BaseDecoder
from mlsci.reconstruction.modes import Modes, find_modes
from mlsci.reconstruction.posterior import posterior
from mlsci.reconstruction.predictive import ErrorWidth, inflated
from mlsci.reconstruction.residual import Residual
from mlsci.reconstruction.result import Reconstruction
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import Clock, images
from mlsci.stages.deepuq_runs import CHUNK, corruptions, hidden_pixels, load_model

LEVELS = (0.68, 0.95)
CREDIBILITIES = np.linspace(0.01, 0.99, 99)
NEAR = 5.0  # nats below the heaviest mode: those that count


@dataclass(frozen=True)
class Sampled:
    """Posteriors of many data by one method, gathered from chunks.

    Attributes
    ----------
    u
        Draws ``(n, s, d)``.
    expected, error
        Clean images and the random part of their error, ``(n, s, *image)``.
    decoded
        As the model makes the draws.
    weights
        Largest difference between the modes' masses and their shares of draws, ``(n,)``.
    numbers
        ``(n,)`` by name.
    seconds
        CPU.
    """

    u: np.ndarray
    expected: np.ndarray
    error: np.ndarray
    decoded: np.ndarray
    weights: np.ndarray
    numbers: dict[str, np.ndarray]
    seconds: float

    def images(self) -> np.ndarray:
        """Return draws of the clean images with the model's error as it is."""
        return self.expected + self.error


def chunks(n: int) -> Iterator[slice]:
    """Yield slices of n data that fit into memory together."""
    for i in range(0, n, CHUNK):
        yield slice(i, min(i + CHUNK, n))


def search(
    likelihood: Likelihood, y: np.ndarray, *, starts: int, seed: int
) -> tuple[list[Modes], float]:
    """Return the modes of each chunk of data, and the CPU seconds that they took."""
    with Clock() as clock:
        found = [
            find_modes(likelihood, likelihood.whitened(y[part]), starts=starts, seed=seed)
            for part in chunks(len(y))
        ]
    return found, clock.record["cpu_seconds"]


def sample(
    likelihood: Likelihood, y: np.ndarray, modes: list[Modes], method: str, *, draws: int,
    kept: int, seed: int,
) -> Sampled:  # fmt: skip
    """Sample the posteriors of data ``(n, ...)`` by a method of `posterior`."""
    found: list[Reconstruction] = []
    with Clock() as clock:
        for k, part in enumerate(chunks(len(y))):
            options: dict[str, Any] = {"method": method, "draws": draws, "modes": modes[k]}
            found.append(posterior(likelihood, y[part], seed=1000 * seed + k, **options))
    parts = [one.parts(kept, seed=k) for k, one in enumerate(found)]
    heaviest = [np.abs(one.mode_weights - one.modes.weights).max(1) for one in found]
    names = {name: [one.numbers[name] for one in found] for name in found[0].numbers}
    flags = {f"flag: {name}": [one.flags[name] for one in found] for name in found[0].flags}
    own = {"p_value": [one.p_value for one in found],
           "discrepancy": [one.discrepancy for one in found]}  # fmt: skip
    return Sampled(
        np.concatenate([one.draws(kept, seed=k) for k, one in enumerate(found)]),
        np.concatenate([expected for expected, _ in parts]),
        np.concatenate([error for _, error in parts]),
        np.concatenate([one.decoded(kept, seed=k) for k, one in enumerate(found)]),
        np.concatenate(heaviest),
        {name: np.concatenate(v) for name, v in (names | flags | own).items()},
        clock.record["cpu_seconds"],
    )


def several(modes: list[Modes]) -> np.ndarray:
    """Return how many modes count, ``(n,)``."""
    masses = [one.mixture.log_mass for one in modes]
    near = [(mass > mass.max(1, keepdims=True) - NEAR).sum(1) for mass in masses]
    return np.concatenate(near).astype(np.uint8)


def calibrate(job: Job) -> None:
    """Rank the truth among draws, for data that the model makes itself."""
    p = job.params
    model, residual = load_model(job.input("deepuq/model"))
    corruption = corruptions(model.image)[p["corruption"]]
    likelihood = Likelihood(model, corruption, residual)
    u, clean, y = simulate(likelihood, p["data"], seed=job.seed)
    hidden = hidden_pixels(corruption, model.image)
    modes, seconds = search(likelihood, y, starts=p["starts"], seed=job.seed)
    arrays = {"modes": several(modes), "levels": CREDIBILITIES}
    numbers: dict[str, Any] = {"modes_seconds": seconds, "methods": {}}
    for label, (method, data, draws) in p["methods"].items():
        n = slice(0, data)
        found = sample(likelihood, y[n], modes[: -(-data // CHUNK)], method, draws=draws,
                       kept=p["kept"], seed=job.seed)  # fmt: skip
        where = {
            "all": np.broadcast_to(hidden, clean[n].shape),
            "bright": hidden & (clean[n] > 0.1),
            "predicted": hidden & (found.decoded.mean(1) > 0.1),
        }
        numbers["methods"][label] = {
            "seconds": found.seconds,
            "data": data,
            "coverage": coverages({"full": found.images()}, clean[n], where),
            "flags": shares(found.numbers),
        }
        arrays |= {
            f"ranks/{label}": ranks(found.u, u[n]).astype(np.uint8),
            f"tarp/{label}": expected_coverage(
                credibility(found.u, u[n], seed=job.seed), CREDIBILITIES
            ),
            f"weights/{label}": found.weights.astype(np.float16),
        }
        arrays |= {f"{k}/{label}": v.astype(np.float32) for k, v in measures(found.numbers).items()}
        if method == "smc":
            chance = exact_coverage(found.u, u[n], CREDIBILITIES, rounds=p["rounds"], seed=job.seed)
            arrays[f"chance/{label}"] = chance.astype(np.float32)
        print(p["corruption"], label, numbers["methods"][label], flush=True)
    write_arrays(job.out / "calibration.npz", arrays)
    files.write_json(job.out / "metrics.json", numbers)


def coverages(
    drawn: dict[str, np.ndarray], truth: np.ndarray, where: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Return share and error of truths within intervals, by draws, pixels and level."""
    return {
        kind: {
            active: {
                str(level): interval_coverage(values, truth, level, chosen) for level in LEVELS
            }
            for active, chosen in where.items()
        }
        for kind, values in drawn.items()
    }


def measures(numbers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the numbers that are no flags."""
    return {name: values for name, values in numbers.items() if not name.startswith("flag: ")}


def shares(numbers: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the share of data that each flag is raised for."""
    return {
        name.removeprefix("flag: "): float(values.mean())
        for name, values in numbers.items()
        if name.startswith("flag: ")
    }


def cover(job: Job) -> None:
    """Count how often intervals hold the truth, for real test images under one corruption.

    Held-back validation images say by how much the model's error must be inflated, then how wide
    it is; test images are then looked at once, by every method.
    """
    p = job.params
    model, residual = load_model(job.input("deepuq/model"))
    corruption = corruptions(model.image)[p["corruption"]]
    hidden = hidden_pixels(corruption, model.image)
    x = images(p["images"], "test")[0][: p["data"]]
    held = images(p["images"], "validation")[0][-p["held"] :]
    y, y_held = corruption.apply(x, seed=job.seed), corruption.apply(held, seed=job.seed + 1)
    factor, tried = inflation(model, corruption, residual, held, y_held, p)
    likelihood = Likelihood(model, corruption, inflated(residual, factor))
    modes, _ = search(likelihood, y_held, starts=p["starts"], seed=1)
    known = sample(likelihood, y_held, modes, "smc", draws=p["draws"], kept=p["kept"], seed=1)
    width = ErrorWidth.measured(known.expected, known.error, held, hidden, seed=job.seed)
    numbers: dict[str, Any] = {
        "inflation": factor, "tried": tried, "scale": width.scale.tolist(),
        "freedom": width.freedom.tolist(),
    }  # fmt: skip
    print(numbers, flush=True)
    modes, seconds = search(likelihood, y, starts=p["starts"], seed=job.seed)
    numbers |= {"modes_seconds": seconds, "methods": {}}
    arrays: dict[str, np.ndarray] = {"modes": several(modes)}
    for method, draws in p["methods"].items():
        found = sample(likelihood, y, modes, method, draws=draws, kept=p["kept"], seed=job.seed)
        mean = found.expected.mean(1)
        drawn = {
            "latent": found.decoded,
            "error": found.images(),
            "calibrated": width.images(found.expected, found.error, seed=job.seed),
        }
        where = {"bright": hidden & (x > 0.1), "predicted": hidden & (mean > 0.1)}
        numbers["methods"][method] = {
            "seconds": found.seconds,
            "coverage": coverages(drawn, x, where),
            "squared_error": float(np.square(mean - x)[:, hidden].mean(dtype=np.float64)),
            "flags": shares(found.numbers),
        }
        arrays[f"weights/{method}"] = found.weights.astype(np.float16)
        arrays |= {f"{name}/{method}": v.astype(np.float32)
                   for name, v in measures(found.numbers).items()}  # fmt: skip
        print(p["corruption"], method, numbers["methods"][method], flush=True)
    write_arrays(job.out / "coverage.npz", arrays)
    files.write_json(job.out / "metrics.json", numbers)


def inflation(
    model: BaseDecoder, corruption: Corruption, residual: Residual, held: np.ndarray,
    y_held: np.ndarray, p: Any,
) -> tuple[float, dict[str, list[float]]]:  # fmt: skip
    """Return the factor for the model's error that is best on a few held-back images.

    Of those tried, that of the least squared error of the mean; all of them with this error and the
    coverage of 95% intervals without any further calibration.
    """
    hidden, x = hidden_pixels(corruption, model.image), held[: p["tried"]]
    tried: dict[float, list[float]] = {}
    for factor in p["factors"]:
        likelihood = Likelihood(model, corruption, inflated(residual, factor))
        modes, _ = search(likelihood, y_held[: p["tried"]], starts=p["starts"], seed=2)
        found = sample(likelihood, y_held[: p["tried"]], modes, "smc", draws=p["draws"],
                       kept=p["kept"], seed=2)  # fmt: skip
        mean = found.expected.mean(1)
        where = hidden & (mean > 0.1)
        squared = np.square(mean - x)[:, hidden].mean(dtype=np.float64)
        tried[factor] = [float(squared), interval_coverage(found.images(), x, 0.95, where)[0]]
    best = min(tried, key=lambda factor: tried[factor][0])
    return best, {str(factor): values for factor, values in tried.items()}
