"""Stages of the chapter on the probabilistic auto-encoder beside its table of models."""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Stage
from mlsci.stages.aeflow import FLOW, IMAGES, INSIDE, NETWORK, SHAPE, TRAINING
from mlsci.stages.aeflow import SHORT as SWEEP
from mlsci.stages.pae_settings import (
    DENSITIES,
    FEWER,
    MODELS,
    PROFILES,
    RIVALS,
    SCHEDULE,
    SETS,
    SHORT,
    SIZES,
    STRANGERS,
)  # fmt: skip


def evidence() -> Stage:
    """Return the stage that compares estimates of ln p(x): talk's variant, latent size 8."""
    training: dict[str, dict[str, Any]] = {
        "full": {**TRAINING["full"], "epochs": 6},
        "smoke": TRAINING["smoke"],
    }
    sizes: dict[str, dict[str, Any]] = {
        "full": {"compared": 100, "timed": 10000, "samples": 256,
                 "annealing": {"temperatures": 100, "chains": 16, "leapfrogs": 4, "power": 2},
                 "annealing_from_prior": {"temperatures": 200, "chains": 8, "leapfrogs": 4}},
        "smoke": {"compared": 25, "timed": 50, "samples": 32,
                  "annealing": {"temperatures": 20, "chains": 2, "leapfrogs": 2, "power": 2},
                  "annealing_from_prior": {"temperatures": 20, "chains": 2, "leapfrogs": 2}},
    }  # fmt: skip
    return Stage(
        name="pae/evidence",
        run="mlsci.stages.pae_runs:compare_evidence",
        params={
            p: {
                "images": IMAGES[p],
                "latent": 8 if p == "full" else 3,
                "channels": [16, 32] if p == "full" else [4, 8],
                "layers": 6 if p == "full" else 2,
                "autoencoder": training[p],
                "flow": SCHEDULE[p],
                "seed": 0,
                **sizes[p],
            }
            for p in PROFILES
        },
        sources=(*MODELS, "generative/annealing.py"),
        datasets=INSIDE,
    )


def timing() -> Stage:
    """Return the stage that times Laplace's evidence with the networks of the table."""
    return Stage(
        name="pae/laplace-d32",
        run="mlsci.stages.pae_runs:time_evidence",
        params={"full": {"images": IMAGES["full"], "batch": 250, "timed": 5000, "seed": 0}},
        sources=MODELS,
        datasets={"full": INSIDE["full"]},
        inputs=("aeflow/ae-d32-s0", "aeflow/latent-ae-d32-s0"),
    )


def checks() -> Stage:
    """Return the stage that holds the evidence to what is known, and short cuts to the evidence."""
    return Stage(
        name="pae/checks",
        run="mlsci.stages.pae_runs:check_short_cuts",
        params={
            p: {
                "images": IMAGES[p],
                "strangers": STRANGERS[p],
                "known": 1000 if p == "full" else 100,
                "scored": 1000 if p == "full" else 50,
                "floor": 10.0,
                "seed": 0,
            }
            for p in PROFILES
        },
        sources=(*MODELS, "generative/factor_analysis.py", "generative/outliers.py",
                 "generative/shortcuts.py"),
        datasets=SETS,
        inputs=("pae/evidence",),
    )  # fmt: skip


def reconstruction(seed: int) -> Stage:
    """Return the stage that asks what a reconstruction error is, as an outlier score."""
    return Stage(
        name=f"pae/reconstruction-s{seed}",
        run="mlsci.stages.pae_runs:score_reconstructions",
        params={
            p: {"images": IMAGES[p], "strangers": STRANGERS[p], "seed": seed}
            for p in (PROFILES if seed == 0 else ("full",))
        },
        sources=(*NETWORK, "generative/outliers.py", "generative/reconstruction_scores.py"),
        datasets=SETS,
        inputs=(f"aeflow/ae-d32-s{seed}",),
    )


def left_out() -> Stage:
    """Return the stage that trains without two classes, whose images are then strangers."""
    names = {"full": {"3": "dresses", "7": "sneakers"}, "smoke": {"3": "threes", "7": "sevens"}}
    return Stage(
        name="pae/left-out-s0",
        run="mlsci.stages.pae_bench_runs:score_left_out",
        params={
            p: {
                "images": FEWER[p],
                "left_out": names[p],
                "costly": SIZES[p]["costly"],
                "model": {"latent": 32, **SHAPE[p]},
                "training": SHORT[p],
                "settings": {
                    "PAE": DENSITIES[p]["flow"],
                    "AE + mixture": DENSITIES[p]["mixture"],
                    "AE + Gaussian": DENSITIES[p]["gaussian"],
                },
                "seed": 0,
            }
            for p in PROFILES
        },
        sources=(*RIVALS, "generative/detection.py", "generative/input_complexity.py",
                 "generative/outliers.py"),
        datasets=INSIDE,
    )  # fmt: skip


def larger(kind: str) -> Stage:
    """Return the stage that trains a model of the paper's other latent size, 40."""
    return Stage(
        name=f"pae/{kind}-d40",
        run="mlsci.stages.aeflow_runs:sweep",
        params={
            p: {
                "kind": kind,
                "images": IMAGES[p],
                "model": {"latent": 40, "seed": 0, **SHAPE[p]},
                "model_training": (TRAINING if kind == "ae" else SWEEP)[p],
                "keep": [],
                "seed": 0,
                "mixtures": {"gaussian": 1},
                "flows": {},
                "jitter": 0.05,
            }
            for p in PROFILES
        },
        sources=FLOW,
        datasets=INSIDE,
        inputs=("aeflow/classifier",),
    )


def spectrum() -> Stage:
    """Return the stage that asks which directions of a latent space are in use."""
    networks = ("aeflow/ae-d32-s0", "aeflow/vae-d32-s0")
    return Stage(
        name="pae/spectrum",
        run="mlsci.stages.pae_runs:latent_spectrum",
        params={
            p: {"images": IMAGES[p], "sizes": [4, 8, 16, 32, 64, 128], "seed": 0} for p in PROFILES
        },
        sources=(*NETWORK, "generative/pca.py", "generative/vae.py"),
        datasets=INSIDE,
        inputs=networks,
    )


def ease() -> Stage:
    """Return the stage that trains small models again and again, at rates a factor of ten apart."""
    settings: dict[str, dict[str, Any]] = {
        "full": {
            "seeds": [0, 1, 2, 3, 4],
            "rates": [1.3e-3, 4e-3, 1.3e-2],
            "train": 10000,
            "model": {"latent": 16, "channels": [16, 32], "blocks": 1},
            "training": {"epochs": 4, "batch": 128, "warmup": 50, "average": 0.99},
            "flow": {"epochs": 16, "batch": 256, "rate": 2e-3, "warmup": 50, "average": 0.99},
            "shape": {"layers": 4, "hidden": [64, 64]},
            "mixture": 20,
        },
        "smoke": {
            "seeds": [0],
            "rates": [2e-3, 2e-2],
            "train": 500,
            "model": {"latent": 8, "channels": [4, 8], "blocks": 0},
            "training": {"epochs": 2, "batch": 50, "warmup": 10, "average": 0.9},
            "flow": {"epochs": 3, "batch": 50, "rate": 3e-3, "warmup": 10, "average": 0.9},
            "shape": {"layers": 2, "hidden": [16]},
            "mixture": 3,
        },
    }
    return Stage(
        name="pae/ease",
        run="mlsci.stages.pae_runs:train_again_and_again",
        params={p: {"images": IMAGES[p], "seed": 0, **settings[p]} for p in PROFILES},
        sources=(*MODELS, "generative/classifier.py", "generative/quality.py"),
        datasets=INSIDE,
        inputs=("aeflow/classifier",),
    )
