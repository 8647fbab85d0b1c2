"""Stages of the chapter on the probabilistic auto-encoder: a table of models × measures × seeds.

A row of the table is an entry of `ROWS`; its stage ``pae/bench-<row>-s<seed>`` fits what is not
fitted yet, draws samples, scores outliers, and keeps the numbers. Auto-encoders that the chapter on
flows has trained are taken from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlsci.report.seal import Stage
from mlsci.stages.aeflow import BOTH, IMAGES, INSIDE, LATENT, NETWORK, QUICK, SHAPE, TRAINING
from mlsci.stages.aeflow import SEEDS as AEFLOW_SEEDS
from mlsci.stages.aeflow import STAGES as AEFLOW

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

# How the densities of codes are fitted; the flow is the main one of the chapter on flows.
SCHEDULE: dict[str, dict[str, Any]] = {
    "full": {"epochs": 14, "batch": 512, "rate": 2e-3, "warmup": 200, "weight_decay": 0.1},
    "smoke": {"epochs": 6, "batch": 100, "rate": 3e-3, "warmup": 20, "average": 0.9},
}
DENSITIES: dict[str, dict[str, dict[str, Any]]] = {
    "full": {
        "normal": {},
        "gaussian": {"components": 1},
        "mixture": {"components": 50},
        "flow": LATENT["full"]["flows"]["mixture_flow"],
        "second-vae": {"hidden": [512, 512],
                       "training": {**SCHEDULE["full"], "rate": 1e-3, "weight_decay": 0.0}},
    },
    "smoke": {
        "normal": {},
        "gaussian": {"components": 1},
        "mixture": {"components": 5},
        "flow": LATENT["smoke"]["flows"]["mixture_flow"],
        "second-vae": {"hidden": [32], "training": SCHEDULE["smoke"]},
    },
}  # fmt: skip
SIZES: dict[str, dict[str, int]] = {
    "full": {"samples": 10000, "costly": 500, "neighbours": 10000},
    "smoke": {"samples": 500, "costly": 50, "neighbours": 300},
}


# Auto-encoders that the benchmark trains itself, all with the networks of the chapter on flows and
# one schedule, a third as long as there: the kind, and what its configuration adds.
AUTOENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "short-ae": ("ae", {}),
    "map-ae": ("map", {}),
    "beta-vae": ("annealed-vae", {"beta": 4.0}),
    "full-sigma-vae": ("full-sigma-vae", {}),
    "rae-gp": ("rae", {"latent_weight": 1e-3, "gradient_weight": 1e-3}),
    "rae-sn": ("rae", {"latent_weight": 1e-3, "spectral": True}),
}
SHORT: dict[str, dict[str, Any]] = {
    "full": {**TRAINING["full"], "epochs": 5},
    "smoke": {**TRAINING["smoke"], "epochs": 3},
}


@dataclass(frozen=True)
class Row:
    """A model of the table.

    Attributes
    ----------
    label
        As the tables of the book name it.
    networks
        Stem of the stage that trained the auto-encoder, or a name in `AUTOENCODERS`; empty for a
        model without one.
    density
        Of its codes, a name in `DENSITIES`, or the stem of the stage that trained a flow of them;
        for a model without codes its kind, see `mlsci.stages.pae_bench_runs.build`.
    seeds
        Of the networks and of the density; none for a row that is ready, and not run.
    evidence
        Whether Laplace's evidence is among its outlier scores.
    inputs
        Other stages that it reads.
    small
        Whether the smoke profile has the row, with the first seed.
    """

    label: str
    networks: str
    density: str
    seeds: tuple[int, ...] = (0,)
    evidence: bool = False
    inputs: tuple[str, ...] = ()
    small: bool = True

    @property
    def title(self) -> str:
        """The label, and in brackets the epochs of the auto-encoder if there is one."""
        return f"{self.label} [{self.epochs}]" if self.epochs else self.label

    @property
    def epochs(self) -> int:
        """Passes over the training images that the auto-encoder has had; 0 without one."""
        if not self.networks:
            return 0
        return int((SHORT if self.networks in AUTOENCODERS else TRAINING)["full"]["epochs"])


ROWS: dict[str, Row] = {
    "pae": Row("PAE", "aeflow/ae-d32", "aeflow/latent-ae-d32", AEFLOW_SEEDS, evidence=True),
    "ae-mixture": Row("AE + 50 Gaussians", "aeflow/ae-d32", "mixture", AEFLOW_SEEDS),
    "ae-gaussian": Row("AE + Gaussian", "aeflow/ae-d32", "gaussian", AEFLOW_SEEDS),
    "vae": Row("VAE", "aeflow/vae-d32", "normal", AEFLOW_SEEDS),
    "vae-flow": Row("VAE + flow", "aeflow/vae-d32", "flow", ()),
    "two-stage": Row("two-stage VAE", "aeflow/vae-d32", "second-vae", AEFLOW_SEEDS),
    "map": Row("PAE of the talk", "map-ae", "flow", (), evidence=True),
    "short": Row("AE, short, + 50 Gaussians", "short-ae", "mixture", ()),
    "rae-gp": Row("RAE-GP + 50 Gaussians", "rae-gp", "mixture", ()),
    "rae-sn": Row("RAE-SN + 50 Gaussians", "rae-sn", "mixture", ()),
    "beta-vae": Row("beta-VAE, annealed", "beta-vae", "normal", ()),
    "full-sigma": Row("VAE, a width a pixel", "full-sigma-vae", "normal", ()),
    "waic": Row(
        "three VAEs",
        "",
        "waic",
        small=False,
        inputs=tuple(f"aeflow/vae-d32-s{seed}" for seed in AEFLOW_SEEDS),
    ),
    "pixel-flow": Row(
        "flow on pixels", "", "pixel-flow", inputs=("aeflow/pixelflow-s0", "pae/background-s0")
    ),
    "pca": Row("probabilistic PCA", "", "pca"),
    "compression": Row("compressed size", "", "compression"),
}


def bench(name: str, row: Row, seed: int) -> Stage:
    """Return the stage that measures a row with one seed."""
    here = row.networks in AUTOENCODERS
    networks = f"{row.networks}-s{seed}" if row.networks and not here else row.networks
    density = f"{row.density}-s{seed}" if "/" in row.density else row.density
    read = ("aeflow/classifier", *(n for n in (networks, density) if "/" in n), *row.inputs)
    kind, model = AUTOENCODERS.get(row.networks, ("", {}))
    return Stage(
        name=f"pae/bench-{name}-s{seed}",
        run="mlsci.stages.pae_bench_runs:benchmark",
        params={
            p: {
                "images": IMAGES[p],
                "networks": networks,
                "autoencoder": {
                    "kind": kind,
                    "model": {"latent": 32, **SHAPE[p], **model},
                    "training": SHORT[p],
                }
                if here
                else None,
                "density": density,
                "settings": DENSITIES[p].get(density, {}),
                "evidence": row.evidence,
                "strangers": STRANGERS[p],
                "sizes": SIZES[p],
                "seed": seed,
            }
            for p in (PROFILES if seed == 0 and row.small else ("full",))
        },
        sources=(*RIVALS, *MEASURES),
        datasets=SETS,
        inputs=read,
    )


def background(seed: int) -> Stage:
    """Return the stage that trains the background model of the likelihood ratio."""
    like = next(s for s in AEFLOW if s.name == f"aeflow/pixelflow-s{seed}")
    return Stage(
        name=f"pae/background-s{seed}",
        run="mlsci.stages.pae_bench_runs:train_background",
        params={
            p: {
                "images": IMAGES[p],
                "model": like.params[p]["model"],
                "training": like.params[p]["training"],
                "share": 0.2,
                "seed": seed,
            }
            for p in PROFILES
        },
        sources=(*NETWORK, "generative/bijectors.py", "generative/likelihood_ratio.py",
                 "generative/pixelflow.py", "generative/transforms.py"),
        datasets=INSIDE,
    )  # fmt: skip


def _evidence() -> Stage:
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


def _checks() -> Stage:
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


def _reconstruction(seed: int) -> Stage:
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
                "images": IMAGES[p],
                "left_out": names[p],
                "model": {"latent": 32, **SHAPE[p]},
                "training": SHORT[p],
                "settings": {
                    "PAE": QUICK[p],
                    "AE + mixture": DENSITIES[p]["mixture"],
                    "AE + Gaussian": DENSITIES[p]["gaussian"],
                },
                "seed": 0,
            }
            for p in PROFILES
        },
        sources=(*RIVALS, "generative/detection.py", "generative/outliers.py"),
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


STAGES: tuple[Stage, ...] = (
    _evidence(),
    _checks(),
    *(_reconstruction(seed) for seed in AEFLOW_SEEDS),
    _spectrum(),
    _ease(),
    background(0),
    *(bench(name, row, seed) for name, row in ROWS.items() for seed in row.seeds),
)
