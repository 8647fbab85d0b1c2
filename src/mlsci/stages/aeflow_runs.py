"""What the stages of `mlsci.stages.aeflow` compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlsci import data
from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig, as_images
from mlsci.generative.persistence import config_from_dict, round_to_half
from mlsci.generative.training import TrainingConfig
from mlsci.generative.vae import VAE, VAEConfig
from mlsci.report import files
from mlsci.report.seal import Job


def images(sizes: dict[str, Any], split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels ``(n, h, w, 1)`` in [0, 1] and labels ``(n,)`` of the split: train, validation or test.

    The validation images are drawn from the data set's training images, the same ones for every model.
    """
    source = data.load(sizes["inside"], split="test" if split == "test" else "train")
    order = np.random.default_rng(2020).permutation(len(source.images))
    if split == "test":
        chosen = np.arange(sizes["test"])
    elif split == "validation":
        chosen = order[-sizes["validation"] :]
    else:
        chosen = order[: sizes["train"]]
    return as_images(source.images[chosen]), source.labels[chosen]


def build(kind: str, values: dict[str, Any]) -> AutoEncoder:
    """Return an untrained auto-encoder ("ae") or variational one ("vae")."""
    if kind == "vae":
        return VAE(config_from_dict(VAEConfig, values))
    return AutoEncoder(config_from_dict(AutoEncoderConfig, values))


def train_model(job: Job) -> None:
    """Train an auto-encoder or VAE; keep the weights (as float16), the history, the errors."""
    p = job.params
    model = build(p["kind"], p["model"])
    train, validation, test = (images(p["images"], s)[0] for s in ("train", "validation", "test"))
    history = model.fit(
        train,
        validation,
        config_from_dict(TrainingConfig, p["training"]),
        checkpoint=job.work / "checkpoint.npz",
        log=print,
    )
    round_to_half(model)
    model.save(job.out / "model.npz")
    files.write_json(
        job.out / "metrics.json",
        {
            "history": history.as_dict(),
            "n_parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
            "sigma": model.sigma,
            "error_train": squared_error(model, train[: len(test)]),
            "error_test": squared_error(model, test),
        },
    )


def squared_error(model: AutoEncoder, x: np.ndarray) -> float:
    """Mean squared error a pixel of the reconstructions."""
    return float(np.mean(np.square(model.reconstruct(x) - x), dtype=np.float64))
