"""What the stages of `mlsci.stages.deepuq` compute: what else there is, on the same data."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from mlsci.generative.persistence import config_from_dict
from mlsci.generative.training import TrainingConfig
from mlsci.reconstruction.amortised import ConditionalFlow, ConditionalVAE
from mlsci.reconstruction.calibration import interval_coverage, simulate
from mlsci.reconstruction.classical import Wiener, nearest, total_variation
from mlsci.reconstruction.corruption import Corruption
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.predictive import ErrorWidth, inflated, log_score
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import Clock, as_bytes, images
from mlsci.stages.deepuq_checks import Sampled, sample, search
from mlsci.stages.deepuq_runs import corruptions, hidden_pixels, load_model

Draw = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def compare(job: Job) -> None:
    """Train networks for each of a few corruptions; try them, and the rest, on all of these.

    The width of every method's random error is calibrated on the same held-back images under the
    corruption that is tried, but for amortised networks, which know only the corruption of their
    training: theirs is calibrated there.
    """
    p = job.params
    model, residual = load_model(job.input("deepuq/model"))
    x = {s: images(p["images"], s)[0] for s in ("train", "validation", "test")}
    truth, held = x["test"][: p["data"]], x["validation"][-p["held"] :]
    chosen = {name: corruptions(model.image)[name] for name in p["corruptions"]}
    wiener = Wiener(x["train"])
    likelihoods = {
        name: Likelihood(model, corruption, inflated(residual, inflation_of(job, name)))
        for name, corruption in chosen.items()
    }
    trained: dict[str, tuple[Draw, ErrorWidth]] = {}
    numbers: dict[str, Any] = {"training": {}, "scores": {}}
    for name, corruption in chosen.items():
        y_held = corruption.apply(held, seed=job.seed + 1)
        hidden = hidden_pixels(corruption, model.image)
        likelihood = likelihoods[name]
        for kind, train in (("cvae", train_vae), ("cflow", train_flow)):
            with Clock() as clock:
                draw = train(p, likelihood, x["train"], held, job.seed)
            numbers["training"][f"{kind} for {name}"] = clock.record
            width = ErrorWidth.measured(*draw(y_held), held, hidden, seed=job.seed)
            trained[f"{kind} for {name}"] = (draw, width)
            print("trained", kind, name, clock.record, flush=True)
    arrays: dict[str, np.ndarray] = {"truth": as_bytes(truth[: p["shown"]])}
    for name, corruption in chosen.items():
        y, y_held = (corruption.apply(v, seed=job.seed + k) for k, v in enumerate((truth, held)))
        hidden = hidden_pixels(corruption, model.image)
        likelihood = likelihoods[name]
        drawn: dict[str, np.ndarray] = {}
        seconds: dict[str, float] = {}
        with Clock() as clock:
            ours = posterior(likelihood, y, p)
        known = posterior(likelihood, y_held, p)
        width = ErrorWidth.measured(known.expected, known.error, held, hidden, seed=job.seed)
        drawn["posterior"] = width.images(ours.expected, ours.error, seed=0)
        seconds["posterior"] = clock.record["cpu_seconds"]
        for label, (draw, own) in trained.items():
            with Clock() as clock:
                expected, error = draw(y)
            drawn[label] = own.images(expected, error, seed=0)
            seconds[label] = clock.record["cpu_seconds"]
        with Clock() as clock:
            mean, std = wiener(y, corruption)
        noise = np.random.default_rng(job.seed).standard_normal((len(y), p["kept"], *model.image))
        drawn["wiener"] = mean[:, None] + std * noise
        seconds["wiener"] = clock.record["cpu_seconds"]
        with Clock() as clock:
            best = smoothest(y_held, held, y, corruption, p["weights"], hidden)
        drawn["total variation"] = best[:, None]
        seconds["total variation"] = clock.record["cpu_seconds"]
        with Clock() as clock:
            known_images = nearest(y, corruption, x["train"])
        drawn["nearest"] = known_images[:, None]
        seconds["nearest"] = clock.record["cpu_seconds"]
        numbers["scores"][name] = {
            label: scores(values, truth, hidden) | {"seconds": seconds[label]}
            for label, values in drawn.items()
        }
        for label, values in drawn.items():
            arrays[f"{name}/{label}"] = as_bytes(values[: p["shown"]].mean(1))
            arrays |= {f"{name}/{label}/{key}": one.astype(np.float32)
                       for key, one in by_image(values, truth, hidden).items()}  # fmt: skip
            print(name, label, numbers["scores"][name][label], flush=True)
        arrays[f"{name}/data"] = as_bytes(y[: p["shown"]])
    write_arrays(job.out / "rivals.npz", arrays)
    files.write_json(job.out / "metrics.json", numbers)


def inflation_of(job: Job, name: str) -> float:
    """Return the factor for the model's error that held-back images asked for."""
    stored = job.input(f"deepuq/coverage-{name}") / "metrics.json"
    return float(json.loads(stored.read_text(encoding="utf-8"))["inflation"])


def posterior(likelihood: Likelihood, y: np.ndarray, p: Any) -> Sampled:
    """Return draws of the reference sampler."""
    modes, _ = search(likelihood, y, starts=8, seed=0)
    return sample(likelihood, y, modes, "smc", draws=p["draws"], kept=p["kept"], seed=0)


def train_vae(
    p: Any, likelihood: Likelihood, train: np.ndarray, held: np.ndarray, seed: int
) -> Draw:
    """Train a conditional VAE on real images under the likelihood's corruption."""
    pairs = []
    for k, x in enumerate((train, held)):
        y = likelihood.corruption.apply(x, seed=seed + 2 + k)
        pairs.append((x.reshape(len(x), -1), y.reshape(len(x), -1)))
    vae = ConditionalVAE(pairs[0][0].shape[1], likelihood.model.latent, p["hidden"], seed=seed)
    vae.fit(pairs[0], pairs[1], config_from_dict(TrainingConfig, p["training"]))

    def draw(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, error = vae.parts(y.reshape(len(y), -1), p["kept"], seed=0)
        shape = (len(y), p["kept"], *likelihood.model.image)
        return mean.reshape(shape), error.reshape(shape)

    return draw


def train_flow(
    p: Any, likelihood: Likelihood, train: np.ndarray, held: np.ndarray, seed: int
) -> Draw:
    """Train a conditional flow of base variables on what the model itself makes."""
    pairs = []
    for k, n in enumerate((len(train), len(held))):
        u, _, y = simulate(likelihood, n, seed=seed + 4 + k)
        pairs.append((u.astype(np.float32), y.reshape(n, -1).astype(np.float32)))
    size, latent = pairs[0][1].shape[1], likelihood.model.latent
    flow = ConditionalFlow(size, latent, p["layers"], p["summary"], seed=seed)
    flow.fit(pairs[0], pairs[1], config_from_dict(TrainingConfig, p["training"]))

    def draw(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        u = flow.sample(y.reshape(len(y), -1), p["kept"], seed=0)
        # Elsewhere the flow returns codes that no image has: the decoder is kept within its range.
        u = np.clip(np.nan_to_num(u), -6, 6)
        return likelihood.clean_parts(u, y, seed=0)

    return draw


def smoothest(
    y_held: np.ndarray, held: np.ndarray, y: np.ndarray, corruption: Corruption,
    weights: list[float], hidden: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return total-variation reconstructions with the weight that is best on held-back images."""
    image = held.shape[1:]

    def error(weight: float) -> float:
        found = total_variation(y_held, corruption, image, weight=weight)
        return float(np.square(found - held)[:, hidden].mean())

    return total_variation(y, corruption, image, weight=min(weights, key=error))


def by_image(drawn: np.ndarray, truth: np.ndarray, hidden: np.ndarray) -> dict[str, np.ndarray]:
    """Return squared error and Gaussian log score of draws ``(n, s, *image)``, ``(n,)`` each.

    Means over hidden pixels. The log score, `mlsci.reconstruction.predictive.log_score`, is in nats
    a pixel, of all methods by the same number of draws; a single draw has none.
    """
    offset = (drawn.mean(1) - truth)[:, hidden].astype(np.float64)
    found = {"squared_error": np.square(offset).mean(1)}
    if drawn.shape[1] > 1:
        found["log_score"] = log_score(drawn[:, :, hidden], truth[:, hidden]).mean(1)
    return found


def scores(drawn: np.ndarray, truth: np.ndarray, hidden: np.ndarray) -> dict[str, Any]:
    """Return what `by_image` does with its mean and error, and the coverage of 95% intervals."""
    found: dict[str, Any] = {
        key: [float(values.mean()), float(values.std() / np.sqrt(len(truth)))]
        for key, values in by_image(drawn, truth, hidden).items()
    }
    if drawn.shape[1] > 1:
        where = hidden & (drawn.mean(1) > 0.1)
        found["coverage"] = list(interval_coverage(drawn, truth, 0.95, where))
    return found
