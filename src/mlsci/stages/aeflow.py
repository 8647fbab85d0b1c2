"""Stages of the chapter on auto-encoders and flows: trained models, their densities, and what was measured of them."""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Job, Stage

SEEDS = (0, 1, 2)
NETWORK = ("generative/autoencoder.py", "generative/networks.py", "generative/training.py",
           "generative/persistence.py")  # fmt: skip

# Which images are learned, which are foreign to the model, and how many of each.
IMAGES: dict[str, dict[str, Any]] = {
    "full": {"inside": "fashion-mnist", "outside": "mnist", "train": 57000, "validation": 3000,
             "test": 10000},
    "smoke": {"inside": "mnist-5k", "outside": "digits", "train": 2000, "validation": 500,
              "test": 500},
}  # fmt: skip
INSIDE = {profile: (values["inside"],) for profile, values in IMAGES.items()}
BOTH = {p: (values["inside"], values["outside"]) for p, values in IMAGES.items()}

TRAINING: dict[str, dict[str, Any]] = {
    "full": {"epochs": 25, "batch": 128, "rate": 3e-3},
    "smoke": {"epochs": 3, "batch": 64, "rate": 3e-3, "warmup": 20, "average": 0.9},
}
SHAPE: dict[str, dict[str, Any]] = {
    "full": {"channels": [32, 64], "hidden": 0, "blocks": 1},
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
        for profile in (("full", "smoke") if seed == 0 else ("full",))
    }
    return Stage(
        name=f"aeflow/{kind}-d{latent}-s{seed}",
        run="mlsci.stages.aeflow_runs:train_model",
        params=params,
        sources=(*NETWORK, *(("generative/vae.py",) if kind == "vae" else ())),
        datasets=INSIDE,
    )


STAGES: tuple[Stage, ...] = (*(_model(kind, 32, seed) for seed in SEEDS for kind in ("ae", "vae")),)
