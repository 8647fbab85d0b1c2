"""What the stages of `mlsci.stages.deepuq` compute: the same for another set of images."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.predictive import ErrorWidth, inflated
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import as_bytes, images
from mlsci.stages.deepuq_checks import coverages, inflation, sample, search, several
from mlsci.stages.deepuq_runs import corruptions, hidden_pixels, load_model, train_model


def reconstruct_garments(job: Job) -> None:
    """Train a model of garments, and count how often its intervals hold test garments.

    As `mlsci.stages.deepuq_checks.cover` does for digits, by the reference sampler alone. The
    trained networks are not kept.
    """
    p = job.params
    made = job.work / "model"  # apart from the checkpoints, which have the same names
    made.mkdir(exist_ok=True)
    train_model(replace(job, out=made))
    model, residual = load_model(made)
    trained = json.loads((made / "metrics.json").read_text(encoding="utf-8"))
    x = images(p["images"], "test")[0][: p["data"]]
    held = images(p["images"], "validation")[0][-p["held"] :]
    mean = images(p["images"], "train")[0].mean(0, dtype=np.float64)
    arrays: dict[str, np.ndarray] = {"truth": as_bytes(x[: p["shown"]])}
    numbers: dict[str, Any] = {
        "model": {key: trained[key] for key in ("error", "variance", "log_prob")}
    }
    for name in p["corruptions"]:
        corruption = corruptions(model.image)[name]
        hidden = hidden_pixels(corruption, model.image)
        y, y_held = corruption.apply(x, seed=job.seed), corruption.apply(held, seed=job.seed + 1)
        factor, tried = inflation(model, corruption, residual, held, y_held, p)
        likelihood = Likelihood(model, corruption, inflated(residual, factor))
        modes, _ = search(likelihood, y_held, starts=p["starts"], seed=1)
        known = sample(likelihood, y_held, modes, "smc", draws=p["draws"], kept=p["kept"], seed=1)
        width = ErrorWidth.measured(known.expected, known.error, held, hidden, seed=job.seed)
        modes, _ = search(likelihood, y, starts=p["starts"], seed=job.seed)
        found = sample(likelihood, y, modes, "smc", draws=p["draws"], kept=p["kept"],
                       seed=job.seed)  # fmt: skip
        drawn = {
            "latent": found.decoded,
            "error": found.images(),
            "calibrated": width.images(found.expected, found.error, seed=job.seed),
        }
        expected = found.expected.mean(1)
        where = {"bright": hidden & (x > 0.1), "predicted": hidden & (expected > 0.1)}
        squared = np.square(expected - x)[:, hidden].mean(1, dtype=np.float64)
        numbers[name] = {
            "inflation": factor,
            "tried": tried,
            "seconds": found.seconds,
            "several": float((several(modes) > 1).mean()),
            "coverage": coverages(drawn, x, where),
            "squared_error": [float(squared.mean()), float(squared.std() / np.sqrt(len(x)))],
            "mean_image": float(np.square(mean - x)[:, hidden].mean(dtype=np.float64)),
        }
        shown = slice(p["shown"])
        arrays |= {
            f"data/{name}": as_bytes(y[shown]),
            f"mean/{name}": as_bytes(expected[shown]),
            f"std/{name}": as_bytes(2 * drawn["calibrated"][shown].std(1)),
            f"draws/{name}": as_bytes(found.decoded[shown, :3]),
        }
        print(name, numbers[name], flush=True)
    write_arrays(job.out / "garments.npz", arrays)
    files.write_json(job.out / "metrics.json", numbers)
