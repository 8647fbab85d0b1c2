"""What the stages of the benchmark's table compute: a model, its samples, its outlier scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlsci.generative.autoencoder import AutoEncoder
from mlsci.generative.classifier import Classifier
from mlsci.generative.code_densities import DENSITIES, CodeDensity, TrainedDensity
from mlsci.generative.detection import detection
from mlsci.generative.flows import Flow
from mlsci.generative.pixelflow import PixelFlow
from mlsci.generative.quality import frechet_distance, neighbourhoods
from mlsci.generative.rivals import (
    AutoEncoderWithDensity,
    Compression,
    PCARival,
    PixelFlowRival,
    Rival,
)
from mlsci.generative.two_sample import classifier_accuracy, closer_to_training, frechet_error
from mlsci.generative.vae import VAE
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import Clock, as_bytes, foreign
from mlsci.stages.pae_runs import splits

# The kind of networks that a stage trained, by the part of its name between "/" and "-s".
NETWORKS: dict[str, type[AutoEncoder]] = {
    "ae-d32": AutoEncoder,
    "vae-d32": VAE,
}


def build(job: Job) -> Rival:
    """Return the model of a row, with the parts that other stages have trained."""
    p = job.params
    if not p["networks"]:
        if p["density"] == "pixel-flow":
            background = [n for n in job.stage.inputs if n.startswith("pae/background")]
            return PixelFlowRival(
                PixelFlow.load(job.input(f"aeflow/pixelflow-s{job.seed}") / "flow.npz"),
                PixelFlow.load(job.input(background[0]) / "flow.npz") if background else None,
            )
        return PCARival(32) if p["density"] == "pca" else Compression()
    kind = NETWORKS[p["networks"].partition("/")[2].rpartition("-s")[0]]
    networks = kind.load(job.input(p["networks"]) / "model.npz")
    density: CodeDensity
    if "/" in p["density"]:
        density = TrainedDensity(Flow.load(job.input(p["density"]) / "mixture_flow.npz"))
    else:
        name = "mixture" if p["density"] == "gaussian" else p["density"]
        density = DENSITIES[name](networks.config.latent, p["settings"], job.seed)
    return AutoEncoderWithDensity(networks, density, evidence=p["evidence"])


def benchmark(job: Job) -> None:
    """Fit a row of the table, and measure it: samples, reconstructions, outliers."""
    p, x = job.params, splits(job.params["images"])
    model = build(job)
    with Clock() as clock:
        model.fit(x["train"], x["validation"], work=job.work, seed=job.seed)
    result: dict[str, Any] = {"fit": clock.record}
    reconstructed = model.reconstruct(x["test"])
    if reconstructed is not None:
        error = np.mean(np.square(reconstructed - x["test"]), dtype=np.float64)
        result["error_test"] = float(error)
    with Clock() as clock:
        drawn = model.sample(p["sizes"]["samples"], seed=job.seed)
    if drawn is not None:
        classifier = Classifier.load(job.input("aeflow/classifier") / "classifier.npz")
        result["sampling"] = clock.record
        result["samples"] = sample_measures(classifier, x, drawn, p["sizes"]["neighbours"])
        if job.seed == 0:
            write_arrays(job.out / "shown.npz", {"x": as_bytes(drawn[:64])})
    result["detection"] = detections(model, outsiders(p, x["test"], job.seed), p["sizes"])
    files.write_json(job.out / "metrics.json", result)


def sample_measures(
    classifier: Classifier, x: dict[str, np.ndarray], drawn: np.ndarray, neighbours: int
) -> dict[str, float]:
    """Return what tells samples from test images, in the features of a classifier."""
    drawn = np.clip(drawn, 0, 1)
    real, fake = classifier.features(x["test"]), classifier.features(drawn)
    near = neighbourhoods(real[:neighbours], fake[:neighbours])
    flat = {name: v.reshape(len(v), -1) for name, v in x.items()}
    return {
        "frechet": frechet_distance(real, fake),
        "frechet_error": frechet_error(real, fake),
        "precision": near.precision,
        "recall": near.recall,
        "density": near.density,
        "coverage": near.coverage,
        "told_apart": classifier_accuracy(real, fake),
        "closer_to_training": closer_to_training(
            drawn.reshape(len(drawn), -1)[:2000], flat["train"][:neighbours], flat["test"]
        ),
    }


def outsiders(p: Mapping[str, Any], test: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Return the familiar test images, under "familiar", and sets of foreign ones."""
    rng = np.random.default_rng([seed, 13])
    noise = rng.uniform(size=test.shape).astype(np.float32)
    sets = {"familiar": test}
    for name, source in p["strangers"].items():
        sets[name] = foreign({**p["images"], "outside": source})
    return sets | {
        "flipped left-right": test[:, :, ::-1],
        "flipped upside down": test[:, ::-1],
        "noise": noise,
    }


def detections(
    model: Rival, sets: dict[str, np.ndarray], sizes: dict[str, int]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return AUROC, AUPR and FPR95 by score and set of foreign images."""
    found = {name: dict(model.scores(x)) for name, x in sets.items()}
    for name, x in sets.items():
        found[name] |= model.costly_scores(x[: sizes["costly"]])
    inside = found.pop("familiar")
    return {
        score: {name: detection(inside[score], found[name][score]).as_dict() for name in found}
        for score in inside
    }
