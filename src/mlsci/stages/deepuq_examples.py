"""What the stages of `mlsci.stages.deepuq` compute: single digits, and how long it takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlsci.generative.persistence import config_from_dict
from mlsci.generative.training import TrainingConfig
from mlsci.reconstruction.corruption import Compose, Corruption, columns_hidden
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.modes import find_modes
from mlsci.reconstruction.posterior import posterior
from mlsci.reconstruction.variational import Ascent
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import Clock, as_bytes, images
from mlsci.stages.deepuq_runs import CHUNK, WHITE, corruptions, load_model


def reconstruct_digits(job: Job) -> None:
    """Reconstruct the published test digits with every method."""
    p = job.params
    model, residual = load_model(job.input("deepuq/model"))
    x = images(p["images"], "test")[0]
    arrays: dict[str, np.ndarray] = {}
    numbers: dict[str, Any] = {}
    for name, corruption in corruptions(model.image).items():
        truth = x[p["digits"][name]][None]
        y = corruption.apply(truth, seed=job.seed)
        likelihood = Likelihood(model, corruption, residual)
        data = likelihood.whitened(y)
        modes = find_modes(likelihood, data, starts=p["starts"], bank=p["bank"], seed=job.seed)
        found = posterior(likelihood, y, draws=p["draws"], modes=modes, seed=job.seed)
        clean = found.summary(p["draws"] // 2)
        arrays |= {
            f"truth/{name}": as_bytes(truth[0]),
            f"data/{name}": as_bytes(y[0]),
            f"map/{name}": as_bytes(model.images(modes.mixture.mean[0, :1])[0]),
            f"mean/{name}": as_bytes(clean.mean[0]),
            f"std/{name}": clean.std[0].astype(np.float16),
            f"draws/{name}": as_bytes(found.decoded(p["shown"])[0]),
        }
        numbers[name] = {
            "p_value": float(found.p_value[0]),
            "rhat": float(found.numbers["rhat"][0]),
            "mode_weights": found.mode_weights[0].tolist(),
        }
        print(name, numbers[name], flush=True)
    write_arrays(job.out / "digits.npz", arrays)
    files.write_json(job.out / "metrics.json", numbers)


def weigh_modes(job: Job) -> None:
    """Find the modes of the masked four, and their weights by every method."""
    p = job.params
    model, residual = load_model(job.input("deepuq/model"))
    train, labels = images(p["images"], "train")
    truth = images(p["images"], "test")[0][p["digit"]][None]
    corruption = corruptions(model.image)["solid-mask"]
    y = corruption.apply(truth, seed=job.seed)
    arrays: dict[str, np.ndarray] = {"truth": as_bytes(truth[0]), "data": as_bytes(y[0])}
    numbers: dict[str, Any] = {}
    training = config_from_dict(TrainingConfig, p["flow"]["training"])
    ascent = config_from_dict(Ascent, p["flow"] | {"training": training})
    for kind, error in (("measured", residual), ("white", WHITE)):
        likelihood = Likelihood(model, corruption, error)
        data = likelihood.whitened(y)
        modes = find_modes(
            likelihood, data, starts=p["starts"], bank=p["bank"], exact=True, seed=job.seed
        )
        arrays[f"modes/{kind}"] = as_bytes(model.images(modes.mixture.mean[0]))
        numbers[kind] = {"evidence": modes.mixture.weights[0].tolist(), "methods": {}}
        for label, (method, start, draws) in p["methods"].items():
            flow = ascent if method == "variational" else None
            with Clock() as clock:
                found = posterior(likelihood, y, method=method, start=start, draws=draws,
                                  ascent=flow, modes=modes, seed=job.seed)  # fmt: skip
            u = found.draws(p["kept"])[0]
            digit = labels[nearest_by_pixels(model.images(u), train)]
            numbers[kind]["methods"][label] = clock.record | {
                "mode_weights": found.mode_weights[0].tolist(),
                "digits": np.bincount(digit, minlength=10).tolist(),
                "log_evidence": nullable(found.weighted.log_evidence[0]),
                "flags": [name for name, raised in found.flags.items() if raised[0]],
                **{name: float(values[0]) for name, values in found.numbers.items()},
            }
            arrays[f"u/{kind}/{label}"] = u.astype(np.float16)
            print(kind, label, numbers[kind]["methods"][label], flush=True)
    write_arrays(job.out / "bimodal.npz", arrays)
    files.write_json(job.out / "metrics.json", numbers)


def nullable(value: float) -> float | None:
    """Return a number that JSON can hold."""
    return float(value) if np.isfinite(value) else None


def nearest_by_pixels(x: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the index of the nearest known image of each image, ``(n,)``."""
    flat, others = x.reshape(len(x), -1), known.reshape(len(known), -1)
    squared = np.square(others).sum(1)
    parts = [
        (0.5 * squared - flat[i : i + 100] @ others.T).argmin(1) for i in range(0, len(flat), 100)
    ]
    return np.concatenate(parts)


def measure_speed(job: Job) -> None:
    """Time the search for maxima, the sampler, and one image from start to end, on one core."""
    p = job.params
    model, residual = load_model(job.input("deepuq/model"))
    corruption = corruptions(model.image)["solid-mask"]
    y = corruption.apply(images(p["images"], "test")[0][: p["maxima"]], seed=job.seed)
    with Clock() as compiling:
        likelihood = Likelihood(model, corruption, residual)
        posterior(likelihood, y[:1], method="importance", draws=400, starts=2)
    with Clock() as maxima:
        modes = find_modes(likelihood, likelihood.whitened(y), starts=10, seed=job.seed)
    with Clock() as sampling:
        effective = [
            posterior(likelihood, y[i : i + CHUNK], draws=p["draws"]).numbers["effective"]
            for i in range(0, p["sampled"], CHUNK)
        ]
    with Clock() as one:
        found = posterior(likelihood, y[:1], method="importance", draws=2000, seed=job.seed)
        found.summary(200)
    with Clock() as one_reference:
        posterior(likelihood, y[:1], draws=p["draws"], seed=job.seed).summary(200)
    numbers = {
        "compile": compiling.record,
        "maxima": maxima.record
        | {"images": len(y), "reached": float(np.mean(modes.decrement < 0.05))},
        "sampling": sampling.record
        | {"images": p["sampled"], "effective": float(np.concatenate(effective).sum())},
        "one": one.record,
        "one_reference": one_reference.record,
    }  # fmt: skip
    print(numbers, flush=True)
    files.write_json(job.out / "metrics.json", numbers)


def precompute(job: Job) -> None:
    """Reconstruct a few digits for every width of a mask and every level of noise."""
    p = job.params
    model, residual = load_model(job.input("deepuq/model"))
    truth = images(p["images"], "test")[0][p["digits"]]
    series = {
        "mask": [Corruption(columns_hidden(model.image, 14 - w // 2, 13 + w // 2))
                 for w in p["widths"]],
        "noise": [Corruption(Compose(), level) for level in p["levels"]],
    }  # fmt: skip
    arrays: dict[str, np.ndarray] = {"truth": as_bytes(truth)}
    for name, steps in series.items():
        shown = []
        for corruption in steps:
            y = corruption.apply(truth, seed=job.seed)
            found = posterior(Likelihood(model, corruption, residual), y, draws=p["draws"])
            clean = found.summary(200)
            strip = [y, clean.mean, 2 * clean.std, *np.moveaxis(found.decoded(p["shown"]), 1, 0)]
            shown.append(np.stack([as_bytes(one) for one in strip], 1))
            print(name, len(shown), flush=True)
        arrays[name] = np.stack(shown)  # (steps, digits, pictures, *image)
    write_arrays(job.out / "explorer.npz", arrays)
    files.write_json(job.out / "metrics.json", {k: p[k] for k in ("widths", "levels")})
