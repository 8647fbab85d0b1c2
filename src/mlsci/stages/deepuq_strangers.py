"""What the stages of `mlsci.stages.deepuq` compute: whether strange images are reported."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlsci.reconstruction.corruption import Compose, Corruption
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.misfit import DISCREPANCIES, LEVEL, Usual, discrepancies
from mlsci.report import files
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import images
from mlsci.stages.deepuq_checks import sample, search
from mlsci.stages.deepuq_runs import BLUR_NOISE, corruptions, load_model


def report_strangers(job: Job) -> None:
    """Count how many images that the model was not made for are reported, and how many digits.

    Under each corruption and under none: what is hidden cannot be reported. Each image is compared
    with what is expected at the highest maximum of its posterior, those held back as well.
    """
    p = job.params
    model, residual = load_model(job.input("deepuq/model"))
    known = corruptions(model.image) | {"none": Corruption(Compose(), BLUR_NOISE)}
    held = images(p["images"], "validation")[0][-p["held"] :]
    test = images(p["images"], "test")[0][: p["data"] + p["strangers"]]
    kinds = {"digits": test[: p["data"]], **strangers(test[p["data"] :])}
    for other in p["others"]:
        kinds[other] = images(p["images"] | {"inside": other}, "test")[0][: p["strangers"]]
    numbers: dict[str, Any] = {"level": LEVEL}
    for name in p["corruptions"]:
        likelihood = Likelihood(model, known[name], residual)
        usual = Usual(measured(likelihood, held, p, seed=job.seed + 1))
        numbers[name] = {}
        for k, (kind, x) in enumerate(kinds.items()):
            values = measured(likelihood, x, p, seed=job.seed + 2 + k)
            each = dict(zip(DISCREPANCIES, usual.p_values(values).T, strict=True))
            each["both"] = usual.p_value(values)
            found = {which: float((p_value <= LEVEL).mean()) for which, p_value in each.items()}
            ratio = np.median(values, axis=0) / np.median(usual.discrepancies, axis=0)
            numbers[name][kind] = found | {"images": len(x), "ratio": ratio.tolist()}
            print(name, kind, numbers[name][kind], flush=True)
    files.write_json(job.out / "metrics.json", numbers)


def strangers(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return what digits ``(n, h, w, 1)`` can be turned into that is none, by name."""
    other = np.roll(x, 1, axis=0)
    half = x.shape[1] // 2
    return {
        "negatives": 1 - x,
        "two digits": np.maximum(x, other),
        "upside down": x[:, ::-1],
        "two halves": np.concatenate([x[:, :half], other[:, half:]], 1),
    }


def measured(likelihood: Likelihood, x: np.ndarray, p: Any, *, seed: int) -> np.ndarray:
    """Return the discrepancies of images under the likelihood's corruption, ``(n, 2)``."""
    y = likelihood.corruption.apply(x, seed=seed)
    modes, _ = search(likelihood, y, starts=p["starts"], seed=seed)
    found = sample(likelihood, y, modes, "map", draws=40, kept=1, seed=seed)
    return discrepancies(likelihood, found.u, y)
