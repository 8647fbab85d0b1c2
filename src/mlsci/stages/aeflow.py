"""Stages of the chapter on auto-encoders and flows.

Trained models, the densities of their codes, and what was measured of them.
"""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Stage

SEEDS = (0, 1, 2)
LATENT_SIZES = (4, 8, 16, 64, 128)  # besides 32
BETAS = (0.25, 4.0, 16.0)  # besides 1
NETWORK = ("generative/autoencoder.py", "generative/batches.py", "generative/images.py",
           "generative/networks.py", "generative/persistence.py",
           "generative/training.py")  # fmt: skip

# Which images are learned, which are foreign to the model, and how many of each.
IMAGES: dict[str, dict[str, Any]] = {
    "full": {"inside": "fashion-mnist", "outside": "mnist", "train": 59000, "validation": 1000,
             "test": 10000},
    "smoke": {"inside": "mnist-5k", "outside": "digits", "train": 2000, "validation": 500,
              "test": 500},
}  # fmt: skip
INSIDE = {profile: (values["inside"],) for profile, values in IMAGES.items()}
BOTH = {p: (values["inside"], values["outside"]) for p, values in IMAGES.items()}

TRAINING: dict[str, dict[str, Any]] = {
    "full": {"epochs": 15, "batch": 128, "rate": 4e-3, "weight_decay": 0.05},
    "smoke": {"epochs": 3, "batch": 64, "rate": 3e-3, "warmup": 20, "average": 0.9},
}
SHAPE: dict[str, dict[str, Any]] = {
    "full": {"channels": [32, 64], "hidden": 0, "blocks": 2},
    "smoke": {"channels": [8, 16], "hidden": 0, "blocks": 1},
}


def _model(kind: str, latent: int, seed: int) -> Stage:
    params = {
        profile: {
            "kind": kind,
            "images": IMAGES[profile],
            "model": {"latent": latent, "seed": seed, **SHAPE[profile]},
            "training": {**TRAINING[profile], "seed": seed},
            "seed": seed,
        }
        for profile in _profiles(seed)
    }
    return Stage(
        name=f"aeflow/{kind}-d{latent}-s{seed}",
        run="mlsci.stages.aeflow_runs:train_model",
        params=params,
        sources=(*NETWORK, *(("generative/vae.py",) if kind == "vae" else ())),
        datasets=INSIDE,
    )


FLOW = (
    *NETWORK, "generative/bijectors.py", "generative/classifier.py", "generative/flows.py",
    "generative/mixture.py", "generative/quality.py", "generative/transforms.py",
    "generative/vae.py",
)  # fmt: skip
# Schedules of the flows: of couplings, and of what samples are drawn through.
COUPLINGS: dict[str, dict[str, Any]] = {
    "full": {
        "epochs": 14,
        "batch": 512,
        "rate": 2e-3,
        "warmup": 200,
        "average": 0.999,
        "weight_decay": 0.1,
    },
    "smoke": {"epochs": 12, "batch": 100, "rate": 3e-3, "warmup": 20, "average": 0.9},
}
LATENT: dict[str, dict[str, Any]] = {
    "full": {
        "mixtures": {"gaussian": 1, "mixture": 50},
        "flows": {
            "flow": {"shape": {"layers": 8, "hidden": [128, 128]},
                     "training": COUPLINGS["full"]},
            "mixture_flow": {
                "shape": {"family": "maf", "layers": 8, "hidden": [384, 384], "components": 100},
                "training": {**COUPLINGS["full"], "epochs": 32},
                "dropout": 0.25,
            },
        },
        # Width of the noise added to an auto-encoder's codes, in standard deviations of a code: it
        # keeps the flow from learning single codes by heart.
        "jitter": 0.05,
    },
    "smoke": {
        "mixtures": {"gaussian": 1, "mixture": 5},
        "flows": {
            "flow": {"shape": {"layers": 4, "hidden": [32]}, "training": COUPLINGS["smoke"]},
            "mixture_flow": {
                "shape": {"family": "maf", "layers": 2, "hidden": [64], "components": 5},
                "training": COUPLINGS["smoke"],
                "dropout": 0.1,
            },
        },
        "jitter": 0.05,
    },
}  # fmt: skip

# The sweep has a short schedule, but where few latent variables need the main one, and a flow that
# is quicker than the main one.
SHORT: dict[str, dict[str, Any]] = {
    "full": {**TRAINING["full"], "epochs": 6},
    "smoke": {**TRAINING["smoke"], "epochs": 2},
}
QUICK: dict[str, dict[str, Any]] = {
    "full": {"shape": {"layers": 6, "hidden": [128, 128], "components": 50},
             "training": {**COUPLINGS["full"], "epochs": 10}},
    "smoke": {"shape": {"layers": 2, "hidden": [32], "components": 5},
              "training": {**COUPLINGS["smoke"], "epochs": 8}},
}  # fmt: skip


SETS = {"full": 8, "smoke": 2}  # of samples, each as many as test images


def _profiles(seed: int) -> tuple[str, ...]:
    """Return the profiles that have this seed: the smoke profile has one."""
    return ("full", "smoke") if seed == 0 else ("full",)


def _classifier() -> Stage:
    training: dict[str, dict[str, Any]] = {
        "full": {"epochs": 8, "rate": 3e-3, "weight_decay": 0.05},
        "smoke": {"epochs": 4, "batch": 50, "rate": 2e-3, "warmup": 20, "average": 0.9},
    }
    return Stage(
        name="aeflow/classifier",
        run="mlsci.stages.aeflow_runs:train_classifier",
        params={p: {"images": IMAGES[p], "model": {}, "training": training[p]} for p in IMAGES},
        sources=(*NETWORK, "generative/classifier.py", "generative/quality.py"),
        datasets=INSIDE,
    )


def _latent(kind: str, latent: int, seed: int) -> Stage:
    of = f"aeflow/{kind}-d{latent}-s{seed}"
    return Stage(
        name=f"aeflow/latent-{kind}-d{latent}-s{seed}",
        run="mlsci.stages.aeflow_runs:fit_latent",
        params={
            p: {
                "kind": kind,
                "of": of,
                "images": IMAGES[p],
                "keep": ["mixture_flow"] if kind == "ae" else [],
                "seed": seed,
                **LATENT[p],
            }
            for p in _profiles(seed)
        },
        sources=FLOW,
        datasets=INSIDE,
        inputs=(of, "aeflow/classifier"),
    )


def _ensemble(seed: int) -> Stage:
    """Return a stage that averages the main flow of the auto-encoder's codes with further ones."""
    of, first = f"aeflow/ae-d32-s{seed}", f"aeflow/latent-ae-d32-s{seed}"
    return Stage(
        name=f"aeflow/ensemble-ae-d32-s{seed}",
        run="mlsci.stages.aeflow_runs:fit_ensemble",
        params={
            p: {
                "of": of,
                "first": first,
                "images": IMAGES[p],
                "members": 2,
                "sets": SETS[p],
                **LATENT[p]["flows"]["mixture_flow"],
                "jitter": LATENT[p]["jitter"],
                "seed": seed,
            }
            for p in _profiles(seed)
        },
        sources=(*FLOW, "generative/ensemble.py"),
        datasets=INSIDE,
        inputs=(of, first, "aeflow/classifier"),
    )


def _sets(seed: int) -> Stage:
    """Return a stage that measures several sets of samples of the auto-encoder's densities."""
    of, flow = f"aeflow/ae-d32-s{seed}", f"aeflow/latent-ae-d32-s{seed}"
    return Stage(
        name=f"aeflow/sets-ae-d32-s{seed}",
        run="mlsci.stages.aeflow_runs:repeat_samples",
        params={
            p: {
                "of": of,
                "flow": flow,
                "images": IMAGES[p],
                "components": LATENT[p]["mixtures"]["mixture"],
                "sets": SETS[p],
                "seed": seed,
            }
            for p in _profiles(seed)
        },
        sources=FLOW,
        datasets=INSIDE,
        inputs=(of, flow, "aeflow/classifier"),
    )


def _sweep(kind: str, latent: int, beta: float, profiles: tuple[str, ...]) -> Stage:
    """Return a stage of the sweep: one model, its flow, its samples."""
    variant = {"beta": beta} if kind == "vae" else {}
    return Stage(
        name=f"aeflow/sweep-{kind}-d{latent}" + (f"-b{beta:g}" if kind == "vae" else ""),
        run="mlsci.stages.aeflow_runs:sweep",
        params={
            p: {
                "kind": kind,
                "images": IMAGES[p],
                "model": {"latent": latent, "seed": 0, **SHAPE[p], **variant},
                "model_training": (TRAINING if kind == "ae" and latent <= 16 else SHORT)[p],
                "keep": [],
                "seed": 0,
                "mixtures": {"gaussian": 1},
                "flows": {"mixture_flow": QUICK[p]},
                "jitter": 0.05,
            }
            for p in profiles
        },
        sources=FLOW,
        datasets=INSIDE,
        inputs=("aeflow/classifier",),
    )


def _pixel_flow(seed: int) -> Stage:
    shape: dict[str, dict[str, Any]] = {
        "full": {"seed": seed},
        "smoke": {"couplings": [2, 2], "channels": [8, 16], "seed": seed},
    }
    training: dict[str, dict[str, Any]] = {
        "full": {"epochs": 4, "batch": 128, "rate": 1e-3, "seed": seed},
        "smoke": {"epochs": 2, "batch": 50, "rate": 1e-3, "warmup": 40, "average": 0.9},
    }
    return Stage(
        name=f"aeflow/pixelflow-s{seed}",
        run="mlsci.stages.aeflow_runs:train_pixel_flow",
        params={
            p: {"images": IMAGES[p], "model": shape[p], "training": training[p], "seed": seed}
            for p in _profiles(seed)
        },
        sources=(*NETWORK, "generative/bijectors.py", "generative/classifier.py",
                 "generative/pixelflow.py", "generative/quality.py", "generative/transforms.py"),
        datasets=BOTH,
        inputs=("aeflow/classifier",),
    )  # fmt: skip


def _outliers(seed: int) -> Stage:
    samples = {"full": 16, "smoke": 2}
    return Stage(
        name=f"aeflow/outliers-s{seed}",
        run="mlsci.stages.aeflow_runs:score_outliers",
        params={
            p: {"images": IMAGES[p], "importance_samples": samples[p], "seed": seed}
            for p in _profiles(seed)
        },
        sources=FLOW,
        datasets=BOTH,
        inputs=tuple(f"aeflow/{part}-d32-s{seed}" for part in ("ae", "vae", "latent-ae")),
    )


BOTH_PROFILES = ("full", "smoke")
STAGES: tuple[Stage, ...] = (
    _classifier(),
    *(_model(kind, 32, seed) for seed in SEEDS for kind in ("ae", "vae")),
    *(_latent(kind, 32, seed) for seed in SEEDS for kind in ("ae", "vae")),
    *(_ensemble(seed) for seed in SEEDS),
    *(_sets(seed) for seed in SEEDS),
    *(_pixel_flow(seed) for seed in SEEDS),
    *(_outliers(seed) for seed in SEEDS),
    *(_sweep("ae", d, 1.0, BOTH_PROFILES if d == 8 else ("full",)) for d in LATENT_SIZES),
    *(_sweep("vae", d, 1.0, ("full",)) for d in (8, 16, 64)),
    *(_sweep("vae", 32, beta, BOTH_PROFILES if beta == 4.0 else ("full",)) for beta in BETAS),
)
