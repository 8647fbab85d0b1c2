"""What the stages of the benchmark's table compute: a model, its samples, its outlier scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig
from mlsci.generative.classifier import Classifier
from mlsci.generative.code_densities import DENSITIES, CodeDensity, TrainedDensity
from mlsci.generative.complexity import complexity_corrected
from mlsci.generative.detection import detection
from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.input_complexity import EVIDENCES
from mlsci.generative.likelihood_ratio import mutated
from mlsci.generative.pae import PAE
from mlsci.generative.persistence import config_from_dict, round_to_half
from mlsci.generative.pixelflow import PixelFlow, PixelFlowConfig
from mlsci.generative.quality import frechet_distance, neighbourhoods
from mlsci.generative.rae import RegularisedAutoEncoder
from mlsci.generative.rivals import (
    AutoEncoderWithDensity,
    Compression,
    PCARival,
    PixelFlowRival,
    Rival,
    VAEEnsemble,
)
from mlsci.generative.training import TrainingConfig
from mlsci.generative.two_sample import classifier_accuracy, closer_to_training, frechet_error
from mlsci.generative.vae import VAE
from mlsci.generative.vae_variants import AnnealedVAE, FullSigmaVAE
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import Clock, as_bytes, images
from mlsci.stages.pae_runs import outsiders, splits

# Kinds of networks, as rows name them, and as the names of stages that trained them begin.
KINDS: dict[str, type[AutoEncoder]] = {
    "ae": AutoEncoder,
    "map": AutoEncoder,
    "vae": VAE,
    "annealed-vae": AnnealedVAE,
    "full-sigma-vae": FullSigmaVAE,
    "rae": RegularisedAutoEncoder,
}


def build(job: Job, x: Mapping[str, np.ndarray]) -> Rival:
    """Return the model of a row; its networks are trained, here or by another stage."""
    p = job.params
    if not p["networks"]:
        return _without_networks(job)
    if p["autoencoder"] is None:
        kind = KINDS[p["networks"].partition("/")[2].partition("-")[0]]
        networks = kind.load(job.input(p["networks"]) / "model.npz")
    else:
        networks = trained(job, x)
    density: CodeDensity
    if "/" in p["density"]:
        density = TrainedDensity(Flow.load(job.input(p["density"]) / "mixture_flow.npz"))
    else:
        name = "mixture" if p["density"] == "gaussian" else p["density"]
        density = DENSITIES[name](networks.config.latent, p["settings"], job.seed)
    return AutoEncoderWithDensity(networks, density, evidence=p["evidence"])


def _without_networks(job: Job) -> Rival:
    kind = job.params["density"]
    if kind == "pca":
        return PCARival(32)
    if kind == "waic":
        names = [name for name in job.stage.inputs if name.startswith("aeflow/vae-")]
        return VAEEnsemble([VAE.load(job.input(name) / "model.npz") for name in names])
    if kind == "pixel-flow":
        return PixelFlowRival(
            PixelFlow.load(job.input(f"aeflow/pixelflow-s{job.seed}") / "flow.npz"),
            PixelFlow.load(job.input(f"pae/background-s{job.seed}") / "flow.npz"),
        )
    return Compression()


def trained(job: Job, x: Mapping[str, np.ndarray]) -> AutoEncoder:
    """Train the auto-encoder of a row, resumable."""
    p = job.params["autoencoder"]
    kind = KINDS[p["kind"]]
    networks = kind(config_from_dict(kind.config_type, p["model"] | {"seed": job.seed}))
    training = config_from_dict(TrainingConfig, p["training"] | {"seed": job.seed})
    checkpoint = job.work / "networks.npz"
    if p["kind"] == "map":
        # The first step of the talk's variant; the flow of the codes comes with the row's density.
        pae = PAE(networks, Flow(FlowConfig(networks.config.latent, layers=1)), variant="map")
        pae.fit_autoencoder(x["train"], x["validation"], training, checkpoint=checkpoint, log=print)
        error = np.mean(np.square(networks.reconstruct(x["validation"]) - x["validation"]))
        networks.log_sigma.assign(0.5 * np.log(error))
    else:
        networks.fit(x["train"], x["validation"], training, checkpoint=checkpoint, log=print)
    return networks


def train_background(job: Job) -> None:
    """Train a flow on pixels some of which are noise, the background of a likelihood ratio."""
    p, x = job.params, splits(job.params["images"])
    flow = PixelFlow(config_from_dict(PixelFlowConfig, p["model"]))
    history = flow.fit(
        mutated(x["train"], p["share"], seed=job.seed),
        mutated(x["validation"], p["share"], seed=job.seed + 1),
        config_from_dict(TrainingConfig, p["training"]),
        checkpoint=job.work / "checkpoint.npz",
        log=print,
    )
    round_to_half(flow)
    flow.save(job.out / "flow.npz")
    files.write_json(job.out / "metrics.json", {"history": history.as_dict()})


def benchmark(job: Job) -> None:
    """Fit a row of the table, and measure it: samples, reconstructions, outliers."""
    p, x = job.params, splits(job.params["images"])
    with Clock() as clock:
        model = build(job, x)
    result: dict[str, Any] = {"build": clock.record}
    with Clock() as clock:
        model.fit(x["train"], x["validation"], work=job.work, seed=job.seed)
    result["fit"] = clock.record
    classifier = Classifier.load(job.input("aeflow/classifier") / "classifier.npz")
    reconstructed = model.reconstruct(x["test"])
    if reconstructed is not None:
        error = np.mean(np.square(reconstructed - x["test"]), dtype=np.float64)
        result["error_test"] = float(error)
        real, fake = classifier.features(x["test"]), classifier.features(reconstructed)
        result["frechet_reconstructions"] = frechet_distance(real, fake)
    with Clock() as clock:
        drawn = model.sample(p["sizes"]["samples"], seed=job.seed)
    if drawn is not None:
        result["sampling"] = clock.record
        result["samples"] = sample_measures(classifier, x, drawn, p["sizes"]["neighbours"])
        if job.seed == 0:
            write_arrays(job.out / "shown.npz", {"x": as_bytes(drawn[:64])})
    with Clock() as clock:
        sets = outsiders(p, x["test"], job.seed)
        result["detection"] = detections(model, sets, p["sizes"])
    result["scoring"] = clock.record
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


def score_left_out(job: Job) -> None:
    """Train without some classes, then score their images as strangers."""
    p, seed = job.params, job.seed
    left = [int(label) for label in p["left_out"]]
    x, labels = {}, {}
    for split in ("train", "validation", "test"):
        pixels, labels[split] = images(p["images"], split)
        x[split] = pixels[~np.isin(labels[split], left)]
    networks = AutoEncoder(config_from_dict(AutoEncoderConfig, p["model"] | {"seed": seed}))
    training = config_from_dict(TrainingConfig, p["training"] | {"seed": seed})
    checkpoint = job.work / "networks.npz"
    networks.fit(x["train"], x["validation"], training, checkpoint=checkpoint, log=print)
    models: dict[str, Rival] = {
        name: AutoEncoderWithDensity(
            networks,
            DENSITIES[kind](networks.config.latent, p["settings"][name], seed),
            evidence=name == "PAE",
        )
        for name, kind in (
            ("PAE", "flow"),
            ("AE + mixture", "mixture"),
            ("AE + Gaussian", "mixture"),
        )
    }
    models |= {"probabilistic PCA": PCARival(32), "compressed size": Compression()}
    pixels = images(p["images"], "test")[0]
    found: dict[str, dict[str, float]] = {}
    for name, model in models.items():
        model.fit(x["train"], x["validation"], work=job.work, seed=seed)
        inside = _every_score(model, x["test"], p["costly"])
        for label, stranger in p["left_out"].items():
            outside = _every_score(model, pixels[labels["test"] == int(label)], p["costly"])
            for score, values in inside.items():
                auroc = detection(values, outside[score]).auroc
                found.setdefault(f"{name}, {score}", {})[stranger] = auroc
        print(name, found, flush=True)
    files.write_json(job.out / "metrics.json", {"auroc": found})


def _every_score(model: Rival, x: np.ndarray, costly: int) -> dict[str, np.ndarray]:
    """Return the scores of a model, the costly ones and their corrections of the first few."""
    found = dict(model.costly_scores(x[:costly]))
    corrected = {
        f"{name} + compressed size": complexity_corrected(found[name], x[:costly])
        for name in EVIDENCES
        if name in found
    }
    return {**model.scores(x), **found, **corrected}
