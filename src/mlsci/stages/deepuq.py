"""Stages of the chapter on reconstruction: a model of digits, its posteriors, their calibration."""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Stage

MODEL = (
    *(f"generative/{name}.py" for name in (
        "batches", "bijectors", "flows", "mixture", "networks", "persistence", "training",
        "transforms",
    )),
    "reconstruction/decoder.py",
    "reconstruction/residual.py",
)  # fmt: skip
POSTERIOR = (
    *MODEL,
    "stages/deepuq_runs.py",
    *(f"reconstruction/{name}.py" for name in (
        "calibration", "convergence", "corruption", "el2o", "expectation", "hmc", "importance",
        "laplace", "likelihood", "maximum", "model", "modes", "population", "posterior", "result",
        "smc", "variational",
    )),
)  # fmt: skip
CHECKS = (*POSTERIOR, "reconstruction/predictive.py")

# The corruptions of arXiv:1910.10046 and the test digits it shows them on, by place in the set.
DIGITS = {"solid-mask": 6, "sparse-mask": 1, "noise": 6, "mask-and-noise": 12, "blur": 6}
# Those under which samplers are calibrated on data of the model itself; at small size the first
# one alone: the others differ by a matrix.
CALIBRATED: dict[str, tuple[str, ...]] = {"full": tuple(DIGITS), "smoke": tuple(DIGITS)[:1]}
# Those that rivals are trained for.
RIVALLED = ("solid-mask", "noise")
# Those under which intervals are counted on test digits.
COVERED: dict[str, tuple[str, ...]] = {"full": tuple(DIGITS), "smoke": RIVALLED}
# Those under which garments are reconstructed.
WORN: dict[str, tuple[str, ...]] = {"full": RIVALLED, "smoke": RIVALLED[:1]}

TRAINED: dict[str, dict[str, Any]] = {
    "full": {
        "decoder": {"latent": 10, "hidden": [128, 256]},
        "encoder": [512, 256],
        "training": {"epochs": 50, "batch": 256, "rate": 2e-3, "weight_decay": 0.02},
        "flow": {"layers": 6, "hidden": [64, 64]},
        "flow_training": {"epochs": 40, "batch": 512, "rate": 2e-3, "warmup": 200,
                          "weight_decay": 0.05},
        "sigma": 0.1,
        "rank": 40,
    },
    "smoke": {
        "decoder": {"latent": 4, "hidden": [32, 64]},
        "encoder": [64, 32],
        "training": {"epochs": 8, "batch": 64, "rate": 3e-3, "warmup": 20, "average": 0.9},
        "flow": {"layers": 1, "hidden": [16]},
        "flow_training": {"epochs": 8, "batch": 100, "rate": 3e-3, "warmup": 20,
                          "average": 0.9},
        "sigma": 0.1,
        "rank": 5,
    },
}  # fmt: skip
# Method, data, and draws for each datum.
CALIBRATION: dict[str, dict[str, Any]] = {
    "full": {"data": 500, "starts": 8, "kept": 100, "rounds": 20,
             "methods": {
        "laplace": ["laplace", 500, 400], "mixture": ["mixture", 500, 400],
        "importance": ["importance", 500, 1000], "hmc": ["hmc", 200, 1200],
        "smc": ["smc", 500, 1600],
    }},
    "smoke": {"data": 10, "starts": 2, "kept": 40, "rounds": 2,
              "methods": {
        "laplace": ["laplace", 10, 80], "mixture": ["mixture", 10, 80],
        "importance": ["importance", 10, 80], "hmc": ["hmc", 10, 40],
        "smc": ["smc", 10, 80],
    }},
}  # fmt: skip

COVERAGE: dict[str, dict[str, Any]] = {
    "full": {
        "data": 200,
        "held": 300,
        "starts": 8,
        "draws": 200,
        "kept": 100,
        "tried": 60,
        "factors": [1.0, 2.0],
        "methods": {"laplace": 400, "mixture": 400, "importance": 2000, "hmc": 400, "smc": 200},
    },
    "smoke": {
        "data": 10,
        "held": 10,
        "starts": 2,
        "draws": 80,
        "kept": 40,
        "tried": 5,
        "factors": [1.0],
        "methods": {"laplace": 80, "mixture": 80, "importance": 80, "hmc": 40, "smc": 80},
    },
}

IMAGES: dict[str, dict[str, Any]] = {
    "full": {"inside": "mnist", "train": 58000, "validation": 2000, "test": 10000},
    "smoke": {"inside": "mnist-5k", "train": 3000, "validation": 500, "test": 500},
}
DATA = {profile: (values["inside"],) for profile, values in IMAGES.items()}


def _stage(
    name: str, run: str, params: dict[str, dict[str, Any]], sources: tuple[str, ...],
    inputs: tuple[str, ...] = (),
) -> Stage:  # fmt: skip
    return Stage(
        name=f"deepuq/{name}",
        run=f"mlsci.stages.{run}",
        params={p: {"images": IMAGES[p], "seed": 0, **values} for p, values in params.items()},
        sources=sources,
        datasets=DATA,
        inputs=inputs,
    )


def _garments() -> Stage:
    """Return the stage of another set of images; small, digits stand for it."""
    sizes: dict[str, dict[str, Any]] = {
        "full": {"data": 200, "held": 300, "starts": 8, "draws": 200, "kept": 100, "tried": 60,
                 "factors": [1.0, 2.0], "shown": 3},
        "smoke": {"data": 10, "held": 10, "starts": 2, "draws": 80, "kept": 40, "tried": 5,
                  "factors": [1.0], "shown": 3,
                  "training": TRAINED["smoke"]["training"] | {"epochs": 3}},
    }  # fmt: skip
    chosen = {"full": IMAGES["full"] | {"inside": "fashion-mnist"}, "smoke": IMAGES["smoke"]}
    return Stage(
        name="deepuq/garments",
        run="mlsci.stages.deepuq_garments:reconstruct_garments",
        params={
            p: {"images": chosen[p], "seed": 0, "corruptions": list(WORN[p]), **TRAINED[p],
                **sizes[p]}
            for p in sizes
        },
        sources=(*CHECKS, "stages/deepuq_checks.py"),
        datasets={p: (values["inside"],) for p, values in chosen.items()},
    )  # fmt: skip


def _strangers() -> Stage:
    """Return the stage of images that the model was not made for."""
    sizes: dict[str, dict[str, Any]] = {
        "full": {"corruptions": [*DIGITS, "none"], "held": 300, "data": 300, "strangers": 80,
                 "others": ["fashion-mnist"], "starts": 5},
        "smoke": {"corruptions": ["noise", "none"], "held": 40, "data": 20, "strangers": 10,
                  "others": [], "starts": 2},
    }  # fmt: skip
    return Stage(
        name="deepuq/strangers",
        run="mlsci.stages.deepuq_strangers:report_strangers",
        params={p: {"images": IMAGES[p], "seed": 0, **values} for p, values in sizes.items()},
        sources=(*CHECKS, "reconstruction/misfit.py", "stages/deepuq_checks.py"),
        datasets={
            p: (values["inside"], *sizes[p]["others"]) for p, values in IMAGES.items()
        },
        inputs=("deepuq/model",),
    )  # fmt: skip


STAGES: tuple[Stage, ...] = (
    _stage(
        "model",
        "deepuq_runs:train_model",
        TRAINED,
        MODEL,
    ),
    _stage(
        "digits",
        "deepuq_examples:reconstruct_digits",
        {
            "full": {"digits": DIGITS, "draws": 2000, "starts": 24, "bank": 10000, "shown": 8},
            "smoke": {"digits": DIGITS, "draws": 160, "starts": 4, "bank": 500, "shown": 8},
        },
        POSTERIOR,
        ("deepuq/model",),
    ),
    _stage(
        "bimodal",
        "deepuq_examples:weigh_modes",
        {
            "full": {"digit": 6, "starts": 64, "bank": 20000, "kept": 500, "methods": {
                "Laplace": ["laplace", "modes", 2000],
                "mixture": ["mixture", "modes", 2000],
                "EL2O": ["el2o", "modes", 400000],
                "importance": ["importance", "modes", 400000],
                "learnt importance": ["population", "modes", 20000],
                "HMC": ["hmc", "modes", 2000],
                "SMC": ["smc", "modes", 2000],
                "SMC from the prior": ["smc", "prior", 2000],
                "variational flow": ["variational", "modes", 20000],
            }, "flow": {
                "layers": 8, "hidden": [64, 64], "powers": [0.03, 0.1, 0.2, 0.4, 0.7, 1.0],
                "training": {"epochs": 8, "batch": 256, "rate": 3e-3, "warmup": 50,
                             "average": 0.99},
            }},
            "smoke": {"digit": 6, "starts": 6, "bank": 500, "kept": 100, "methods": {
                "Laplace": ["laplace", "modes", 200],
                "mixture": ["mixture", "modes", 200],
                "EL2O": ["el2o", "modes", 400],
                "importance": ["importance", "modes", 400],
                "learnt importance": ["population", "modes", 400],
                "HMC": ["hmc", "modes", 80],
                "SMC": ["smc", "modes", 200],
                "SMC from the prior": ["smc", "prior", 200],
                "variational flow": ["variational", "modes", 200],
            }, "flow": {
                "layers": 1, "hidden": [16], "powers": [1.0],
                "training": {"epochs": 1, "batch": 32, "rate": 3e-3, "warmup": 5, "average": 0.9},
            }},
        },
        POSTERIOR,
        ("deepuq/model",),
    ),
    *(
        _stage(
            f"calibration-{name}",
            "deepuq_checks:calibrate",
            {
                profile: {"corruption": name, **values}
                for profile, values in CALIBRATION.items()
                if name in CALIBRATED[profile]
            },
            POSTERIOR,
            ("deepuq/model",),
        )
        for name in CALIBRATED["full"]
    ),
    *(
        _stage(
            f"coverage-{name}",
            "deepuq_checks:cover",
            {
                profile: {"corruption": name, **values}
                for profile, values in COVERAGE.items()
                if name in COVERED[profile]
            },
            CHECKS,
            ("deepuq/model",),
        )
        for name in COVERED["full"]
    ),
    _strangers(),
    _stage(
        "rivals",
        "deepuq_rivals:compare",
        {
            "full": {"corruptions": list(RIVALLED), "data": 300, "held": 300,
                     "draws": 200, "kept": 100, "shown": 8, "hidden": [256, 128], "layers": 8,
                     "summary": [256, 64], "weights": [0.01, 0.03, 0.1, 0.2, 0.4],
                     "training": {"epochs": 10, "batch": 256, "rate": 2e-3, "warmup": 200}},
            "smoke": {"corruptions": list(RIVALLED), "data": 20, "held": 20,
                      "draws": 80, "kept": 40, "shown": 8, "hidden": [32, 16], "layers": 2,
                      "summary": [16, 8], "weights": [0.1],
                      "training": {"epochs": 2, "batch": 100, "rate": 3e-3, "warmup": 20,
                                   "average": 0.9}},
        },
        (*CHECKS, "reconstruction/amortised.py", "reconstruction/classical.py",
         "stages/deepuq_checks.py"),
        ("deepuq/model", "deepuq/coverage-solid-mask", "deepuq/coverage-noise"),
    ),
    _stage(
        "speed",
        "deepuq_examples:measure_speed",
        {
            "full": {"maxima": 1000, "sampled": 30, "draws": 1600},
            "smoke": {"maxima": 20, "sampled": 10, "draws": 80},
        },
        POSTERIOR,
        ("deepuq/model",),
    ),
    _stage(
        "explorer",
        "deepuq_examples:precompute",
        {
            "full": {"digits": [6, 1, 12], "draws": 200, "shown": 5,
                     "widths": [2, 8, 12, 14, 16, 20, 26],
                     "levels": [0.1, 0.3, 0.5, 1.0, 1.5]},
            "smoke": {"digits": [6, 1], "draws": 80, "shown": 5, "widths": [14],
                      "levels": [0.5]},
        },
        POSTERIOR,
        ("deepuq/model",),
    ),
    _garments(),
)  # fmt: skip
