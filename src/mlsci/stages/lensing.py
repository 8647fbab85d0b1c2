"""Stages of the chapter on lensing maps: maps with and without corrections, spreads over seeds."""

from __future__ import annotations

from typing import Any

from mlsci.lensing.fitted import FITTED
from mlsci.report.seal import Stage

CODE = tuple(
    f"lensing/{name}.py"
    for name in (
        "__main__", "bullfrog", "compiled", "convergence", "cosmology", "exchange", "fft", "forces",
        "initial", "integrators", "io", "kernels", "lightcone", "mesh", "nbody", "pfft", "power",
        "raytracing", "results", "settings", "sharpening", "shear", "simulate", "sources",
        "spectra", "statistics", "theory", "tiling",
    )
)  # fmt: skip

# Fitted numbers are given, not named: the settings of a stage have to tell all that it depends on.
BEST: dict[str, dict[str, Any]] = {
    "full": {"integrator": "bullfrog", "sharpening": FITTED["bullfrog"][11, 1.0, 2]},
    "smoke": {"integrator": "bullfrog",
              "sharpening": {"low": 0.3, "high": 2.0, "alpha0": 0.01, "mu": -2.0}},
}  # fmt: skip
# Sharpened with the parameters of others, which are for the leapfrog.
PUBLISHED: dict[str, Any] = {"sharpening": "published"}

# What both corrections do: none; particles at their own crossing; and sharpened as well.
VARIANTS: dict[str, dict[str, Any]] = {
    "raw": {"sharpening": None, "sub_evolution": False},
    "evolved": {"sharpening": None},
    "sharpened": {},
}
KEPT = {"sharpened": [0, 1, 2, 3]}  # sources whose maps are kept, where not only z = 1
FIELD: dict[str, dict[str, Any]] = {
    "full": {"box": 256.0, "particles": 256, "degrees": 4.0, "pixels": 1024,
             "sources": [0.5, 1.0, 1.5, 2.0], **BEST["full"]},
    "smoke": {"box": 64.0, "particles": 32, "degrees": 1.0, "pixels": 64,
              "sources": [0.5, 1.0, 1.5, 2.0], **BEST["smoke"]},
}  # fmt: skip
SKY: dict[str, dict[str, Any]] = {
    "full": {"box": 256.0, "particles": 256, "degrees": 6.3, "pixels": 1024, "sources": [1.0]},
    "smoke": {"box": 64.0, "particles": 32, "degrees": 1.5, "pixels": 96, "sources": [1.0]},
}
TALK = {profile: {**values, **BEST[profile]} for profile, values in SKY.items()}
# Toys of which no theory is wanted do without the program that is slow to start.
TOY_THEORY: dict[str, dict[str, Any]] = {"full": {}, "smoke": {"transfer": "eisenstein_hu"}}
COARSE: dict[str, dict[str, Any]] = {
    "full": {**SKY["full"], **PUBLISHED, "particles": 128, "pixels": 512},
    "smoke": {**SKY["smoke"], **PUBLISHED},
}
FINE = {p: {**s, "pixels": COARSE[p]["pixels"]} for p, s in SKY.items()}
# An eighth of the particles of a fine run, sharpened as that is, which keeps the two alike: raw
# maps, or with parameters for their own spacing, follow the fine ones less closely.
SURROGATE: dict[str, dict[str, Any]] = {
    "full": {"particles": 128}, "smoke": {"particles": 16},
}  # fmt: skip
# Seeds at which parts of the surrogates begin and end.
PARTS: dict[str, tuple[int, ...]] = {"full": (0, 50, 100, 200), "smoke": (0, 3, 6, 9)}

# Whole runs that are timed: those for which times of the original are known, and a large one.
TIMED: dict[str, dict[str, Any]] = {
    "sparse": {"box": 512.0, "particles": 64, "sharpening": None},
    "medium": {"box": 512.0, "particles": 128, "sharpening": None},
    "dense": {"box": 256.0, "particles": 128, "sharpening": None},
    "dense-sharpened": {"box": 256.0, "particles": 128, **PUBLISHED},
    "large": {"box": 256.0, "particles": 256, **PUBLISHED},
}


def _timed(profile: str, name: str) -> dict[str, Any]:
    toy = {"box": 64.0, "particles": 32} if profile == "smoke" else {}
    settings = {**SKY[profile], "pixels": 512, **TIMED[name], **toy}
    return {
        "settings": settings,
        **({"ranks": 2, "repeat": 1} if name == "large" else {"ranks": 1}),
    }


def _maps(variant: str) -> Stage:
    return Stage(
        name=f"lensing/maps-{variant}",
        run="mlsci.stages.lensing_runs:make_maps",
        params={
            profile: {"settings": {**field, **VARIANTS[variant], "seed": 0},
                      "keep": KEPT.get(variant, [1]),
                      "pixels": min(256, field["pixels"]), "seed": 0}
            for profile, field in FIELD.items()
        },
        sources=CODE,
    )  # fmt: skip


def _seeds(
    name: str, settings: dict[str, dict[str, Any]], count: int, pixels: int = 128, toys: int = 2,
    first: dict[str, int] | None = None,
) -> Stage:  # fmt: skip
    return Stage(
        name=f"lensing/{name}",
        run="mlsci.stages.lensing_runs:repeat_seeds",
        params={
            profile: {
                "settings": values,
                "seeds": count if profile == "full" else min(toys, count),
                "pixels": pixels,
                "seed": 0 if first is None else first[profile],
            }
            for profile, values in settings.items()
        },
        sources=CODE,
    )


def _steps(name: str, settings: dict[str, dict[str, Any]], count: int, *few: str) -> Stage:
    forces = {"full": (11, 16, 41), "smoke": (6, 8, 11)}
    return Stage(
        name=f"lensing/{name}",
        run="mlsci.stages.lensing_runs:compare_steps",
        params={
            profile: {
                "settings": {**values, **TOY_THEORY[profile], "sharpening": None},
                "few": {
                    one: {"integrator": one.split(",")[0],
                          "stages": forces[profile][int(one.endswith("more"))]}
                    for one in few
                },
                "many": {"integrator": "leapfrog", "stages": forces[profile][2]},
                "seeds": count if profile == "full" else min(2, count),
                "goal": 2000,
                "seed": 0,
            }
            for profile, values in settings.items()
        },
        sources=CODE,
    )  # fmt: skip


def _surrogates(part: int) -> Stage:
    return Stage(
        name=f"lensing/surrogates-{part}",
        run="mlsci.stages.lensing_surrogates:measure",
        params={
            profile: {
                "settings": {**TALK[profile], **TOY_THEORY[profile], **SURROGATE[profile]},
                "seeds": list(edges[part : part + 2]),
                "seed": 0,
            }
            for profile, edges in PARTS.items()
        },
        sources=CODE,
    )


STAGES: tuple[Stage, ...] = (
    *(_maps(variant) for variant in VARIANTS),
    # What is asked of the maps: the mean of seeds at the full resolution, against theory.
    _seeds("accuracy", TALK, 8, pixels=512, toys=3),
    _seeds("accuracy-more", TALK, 8, first={"full": 8, "smoke": 3}),
    # And coarser ones of the same and of many more seeds, which tell what of that mean is chance.
    *(_surrogates(part) for part in range(len(PARTS["full"]) - 1)),
    # The talk's picture: the first of those seeds.
    Stage(
        name="lensing/talk",
        run="mlsci.stages.lensing_runs:take_first",
        params={profile: {"of": "lensing/accuracy", "seed": 0} for profile in TALK},
        sources=CODE,
        inputs=("lensing/accuracy",),
    ),
    # One of the same seeds: the ratio of their spectra has little scatter.
    _seeds("published", {p: {**s, **PUBLISHED} for p, s in SKY.items()}, 1),
    _seeds("seeds-sharpened", COARSE, 8),
    _seeds("seeds-evolved", {p: {**s, **VARIANTS["evolved"]} for p, s in COARSE.items()}, 4),
    _steps("steps", COARSE, 6, "leapfrog", "bullfrog"),
    # The same at the full resolution, where a run of many steps is dear.
    _steps("steps-fine", FINE, 2, "leapfrog", "bullfrog", "bullfrog, more"),
    # The same universe as the maps of seed 0, as particles.
    Stage(
        name="lensing/slices",
        run="mlsci.stages.lensing_slices:cut",
        params={
            "full": {"settings": {**TALK["full"], "seed": 0}, "thickness": 8.0, "zoom": 48.0,
                     "cells": 256, "seed": 0},
            "smoke": {"settings": {**TALK["smoke"], "seed": 0}, "thickness": 16.0, "zoom": 24.0,
                      "cells": 32, "seed": 0},
        },
        sources=(*CODE, "lensing/slices.py"),
    ),
    Stage(
        name="lensing/sharpening",
        run="mlsci.stages.lensing_checks:calibrate",
        params={
            "full": {
                "configurations": [
                    {"integrator": "bullfrog", "large": [256.0, 256], "small": [128.0, 128],
                     "boost": 2, "stages": 11, "finest": 6.0, "bands": 22},
                ],
                "coarsest": 0.2, "times": [0.5, 0.68, 0.86], "rounds": [5, 4], "seed": 101,
                "allowed": [[2000, 0.03], [5000, 0.08]], "beyond": 0.3,
            },
            "smoke": {
                "configurations": [
                    {"integrator": "bullfrog", "large": [64.0, 32],
                     "small": [64.0, 32], "boost": 2, "stages": 11, "finest": 2.0, "bands": 5},
                ],
                "coarsest": 0.2, "times": [0.5, 0.68], "rounds": [2], "seed": 101,
                "allowed": [[2000, 0.03], [5000, 0.08]], "beyond": 0.3,
            },
        },
        sources=(*CODE, "lensing/calibration.py"),
    ),
    Stage(
        name="lensing/linear",
        run="mlsci.stages.lensing_checks:follow_linear_theory",
        params={
            "full": {
                "fields": [{"box": 256, "cells": 32, "seeds": 600},
                           {"box": 1152, "cells": 144, "seeds": 40}],
                "boxes": [256, 512, 768, 1152], "seed": 0,
            },
            "smoke": {
                "fields": [{"box": 256, "cells": 32, "seeds": 10},
                           {"box": 512, "cells": 64, "seeds": 3}],
                "boxes": [256, 512], "seed": 0,
            },
        },
        sources=(*CODE, "lensing/linear.py"),
    ),
    Stage(
        name="lensing/checks",
        run="mlsci.stages.lensing_checks:check",
        params={
            "full": {
                "settings": {**SKY["smoke"], **PUBLISHED, "seed": 0},
                "large": {"box": 1024.0, "particles": 128, "finest": 0.03},
                "ranks": [2, 4], "seed": 0,
            },
            "smoke": {
                "settings": {**TALK["smoke"], "seed": 0},
                "large": {"box": 1024.0, "particles": 32, "finest": 0.03},
                "ranks": [2], "seed": 0,
            },
        },
        sources=(*CODE, "lensing/calibration.py"),
    ),
    Stage(
        name="lensing/speed",
        run="mlsci.stages.lensing_speed:measure",
        params={
            "full": {
                "sides": [64, 128], "ranks": [1, 2, 4], "precisions": ["f4", "f8"], "repeat": 3,
                "maps": {name: _timed("full", name) for name in TIMED}, "seed": 0,
            },
            "smoke": {
                "sides": [16], "ranks": [1, 2], "precisions": ["f4"], "repeat": 1,
                "maps": {name: _timed("smoke", name) for name in TIMED}, "seed": 0,
            },
        },
        sources=CODE,
    ),
)  # fmt: skip
