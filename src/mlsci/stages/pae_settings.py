"""Settings that the stages of the chapter on the probabilistic auto-encoder share."""

from __future__ import annotations

from typing import Any

from mlsci.stages.aeflow import BOTH, IMAGES, NETWORK, QUICK

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

# The schedule of all networks that the benchmark trains itself: three passes over one half of the
# training images.
SHORT: dict[str, dict[str, Any]] = {
    "full": {"epochs": 3, "batch": 64, "rate": 3e-3, "warmup": 100, "average": 0.995,
             "weight_decay": 0.05},
    "smoke": {"epochs": 3, "batch": 50, "rate": 3e-3, "warmup": 5, "average": 0.8},
}  # fmt: skip
FEWER: dict[str, dict[str, Any]] = {
    "full": {**IMAGES["full"], "train": IMAGES["full"]["train"] // 2},
    "smoke": {**IMAGES["smoke"], "train": 600},
}

# How the densities of codes are fitted; the flow is the quick one of the chapter on flows, smaller
# than the main one and trained for fewer epochs, but in smaller batches: there may be fewer codes.
SCHEDULE: dict[str, dict[str, Any]] = {
    "full": {"epochs": 14, "batch": 512, "rate": 2e-3, "warmup": 200, "weight_decay": 0.1},
    "smoke": {"epochs": 6, "batch": 100, "rate": 3e-3, "warmup": 20, "average": 0.9},
}
DENSITIES: dict[str, dict[str, dict[str, Any]]] = {
    "full": {
        "normal": {},
        "gaussian": {"components": 1},
        "mixture": {"components": 50},
        "flow": {"shape": QUICK["full"]["shape"],
                 "training": {**QUICK["full"]["training"], "batch": 256, "warmup": 100,
                              "average": 0.995}},
        "second-vae": {"hidden": [512, 512],
                       "training": {**SCHEDULE["full"], "rate": 1e-3, "weight_decay": 0.0}},
        "vib": {"model": {"latent": 32}, "training": SHORT["full"]},
    },
    "smoke": {
        "normal": {},
        "gaussian": {"components": 1},
        "mixture": {"components": 5},
        "flow": {"shape": {"layers": 2, "hidden": [32]},
                 "training": {**SCHEDULE["smoke"], "batch": 50}},
        "second-vae": {"hidden": [32], "training": SCHEDULE["smoke"]},
        "vib": {"model": {"latent": 8, "channels": [8, 16]}, "training": SHORT["smoke"]},
    },
}  # fmt: skip
SIZES: dict[str, dict[str, int]] = {
    "full": {"samples": 10000, "costly": 500, "neighbours": 10000},
    "smoke": {"samples": 500, "costly": 50, "neighbours": 300},
}
