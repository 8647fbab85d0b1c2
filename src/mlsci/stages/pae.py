"""Stages of the chapter on the probabilistic auto-encoder: a table of models × measures × seeds.

A row of the table is an entry of `ROWS`; its stage ``pae/bench-<row>-s<seed>`` fits what is not
fitted yet, draws samples, scores outliers, and keeps the numbers. Auto-encoders that the chapter on
flows has trained are taken from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlsci.report.seal import Stage
from mlsci.stages.aeflow import BOTH, IMAGES, INSIDE, NETWORK, TRAINING

PROFILES = ("full", "smoke")
FLOWS = ("generative/bijectors.py", "generative/flows.py", "generative/mixture.py",
         "generative/transforms.py")  # fmt: skip
MODELS = (
    *NETWORK, *FLOWS, "generative/dense_autoencoder.py", "generative/laplace.py",
    "generative/latent_model.py", "generative/pae.py", "generative/vae.py",
)  # fmt: skip
RIVALS = (
    *MODELS, "generative/code_densities.py", "generative/complexity.py",
    "generative/likelihood_ratio.py", "generative/pca.py", "generative/pixelflow.py",
    "generative/rae.py", "generative/rivals.py", "generative/two_stage.py",
    "generative/typicality.py", "generative/vae_variants.py",
)  # fmt: skip
MEASURES = ("generative/classifier.py", "generative/detection.py", "generative/outliers.py",
            "generative/quality.py", "generative/two_sample.py")  # fmt: skip

# Foreign images from other data sets, MNIST and scikit-learn's digits; flipped garments and noise
# are made from the familiar test images.
STRANGERS: dict[str, dict[str, str]] = {
    "full": {"handwritten digits": "mnist", "8x8 digits": "digits"},
    "smoke": {"handwritten digits": "digits"},
}
SETS = {p: tuple(dict.fromkeys((*BOTH[p], *STRANGERS[p].values()))) for p in PROFILES}

# How the densities of codes are fitted; `flow` is also what makes the probabilistic auto-encoder.
SCHEDULE: dict[str, dict[str, Any]] = {
    "full": {"epochs": 14, "batch": 512, "rate": 2e-3, "warmup": 200, "weight_decay": 0.1},
    "smoke": {"epochs": 6, "batch": 100, "rate": 3e-3, "warmup": 20, "average": 0.9},
}
DENSITIES: dict[str, dict[str, dict[str, Any]]] = {
    "full": {
        "normal": {},
        "gaussian": {"components": 1},
        "mixture": {"components": 50},
        "flow": {
            "shape": {"family": "autoregressive-spline", "layers": 4, "hidden": [256, 256],
                      "bins": 6, "components": 100},
            "training": SCHEDULE["full"],
        },
        "second-vae": {"hidden": [512, 512],
                       "training": {**SCHEDULE["full"], "rate": 1e-3, "weight_decay": 0.0}},
    },
    "smoke": {
        "normal": {},
        "gaussian": {"components": 1},
        "mixture": {"components": 5},
        "flow": {
            "shape": {"layers": 2, "hidden": [32], "components": 5},
            "training": SCHEDULE["smoke"],
        },
        "second-vae": {"hidden": [32], "training": SCHEDULE["smoke"]},
    },
}  # fmt: skip
SIZES: dict[str, dict[str, int]] = {
    "full": {"samples": 10000, "costly": 1000, "neighbours": 10000},
    "smoke": {"samples": 500, "costly": 50, "neighbours": 300},
}


@dataclass(frozen=True)
class Row:
    """A model of the table.

    Attributes
    ----------
    label
        As the tables of the book name it.
    networks
        Stem of the stage that trained the auto-encoder; empty for a model without one.
    density
        Of its codes, a name in `DENSITIES`, or the stem of the stage that trained a flow of them;
        for a model without codes its kind, see `mlsci.stages.pae_bench_runs.build`.
    seeds
        Of the networks and of the density.
    evidence
        Whether Laplace's evidence is among its outlier scores.
    inputs
        Other stages that it reads.
    """

    label: str
    networks: str
    density: str
    seeds: tuple[int, ...] = (0,)
    evidence: bool = False
    inputs: tuple[str, ...] = field(default=())


ROWS: dict[str, Row] = {
    "pae": Row("PAE", "aeflow/ae-d32", "aeflow/latent-ae-d32", evidence=True),
    "ae-mixture": Row("AE + 50 Gaussians", "aeflow/ae-d32", "mixture"),
    "ae-gaussian": Row("AE + Gaussian", "aeflow/ae-d32", "gaussian"),
    "vae": Row("VAE", "aeflow/vae-d32", "normal"),
    "vae-flow": Row("VAE + flow", "aeflow/vae-d32", "flow"),
    "two-stage": Row("two-stage VAE", "aeflow/vae-d32", "second-vae"),
    "pca": Row("probabilistic PCA", "", "pca"),
    "compression": Row("compressed size", "", "compression"),
}


def _bench(name: str, row: Row, seed: int) -> Stage:
    networks = f"{row.networks}-s{seed}" if row.networks else ""
    density = f"{row.density}-s{seed}" if "/" in row.density else row.density
    read = ("aeflow/classifier", networks, density if "/" in density else "", *row.inputs)
    return Stage(
        name=f"pae/bench-{name}-s{seed}",
        run="mlsci.stages.pae_bench_runs:benchmark",
        params={
            p: {
                "images": IMAGES[p],
                "networks": networks,
                "density": density,
                "settings": DENSITIES[p].get(density, {}),
                "evidence": row.evidence,
                "strangers": STRANGERS[p],
                "sizes": SIZES[p],
                "seed": seed,
            }
            for p in (PROFILES if seed == 0 else ("full",))
        },
        sources=(*RIVALS, *MEASURES),
        datasets=SETS,
        inputs=tuple(name for name in read if name),
    )


def _evidence() -> Stage:
    """Return the stage that compares estimates of ln p(x): talk's variant, latent size 8."""
    training: dict[str, dict[str, Any]] = {
        "full": {**TRAINING["full"], "epochs": 6},
        "smoke": TRAINING["smoke"],
    }
    sizes: dict[str, dict[str, Any]] = {
        "full": {"compared": 100, "timed": 10000, "samples": 256,
                 "annealing": {"temperatures": 400, "chains": 8, "leapfrogs": 4}},
        "smoke": {"compared": 10, "timed": 50, "samples": 32,
                  "annealing": {"temperatures": 20, "chains": 2, "leapfrogs": 2}},
    }  # fmt: skip
    return Stage(
        name="pae/evidence",
        run="mlsci.stages.pae_runs:compare_evidence",
        params={
            p: {
                "images": IMAGES[p],
                "latent": 8,
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


def _spectrum() -> Stage:
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


def _ease() -> Stage:
    """Return the stage that trains small models again and again, at rates a factor of ten apart."""
    settings: dict[str, dict[str, Any]] = {
        "full": {
            "seeds": [0, 1, 2, 3, 4],
            "rates": [1.3e-3, 4e-3, 1.3e-2],
            "train": 10000,
            "model": {"latent": 16, "channels": [16, 32], "blocks": 1},
            "training": {"epochs": 4, "batch": 128, "warmup": 50, "average": 0.99},
            "flow": {"epochs": 8, "batch": 256, "rate": 2e-3, "warmup": 50, "average": 0.99},
            "shape": {"layers": 4, "hidden": [64, 64], "components": 20},
        },
        "smoke": {
            "seeds": [0],
            "rates": [2e-3, 2e-2],
            "train": 500,
            "model": {"latent": 8, "channels": [4, 8], "blocks": 0},
            "training": {"epochs": 2, "batch": 50, "warmup": 10, "average": 0.9},
            "flow": {"epochs": 3, "batch": 50, "rate": 3e-3, "warmup": 10, "average": 0.9},
            "shape": {"layers": 2, "hidden": [16], "components": 3},
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


STAGES: tuple[Stage, ...] = (
    _evidence(),
    _spectrum(),
    _ease(),
    *(_bench(name, row, seed) for name, row in ROWS.items() for seed in row.seeds),
)
