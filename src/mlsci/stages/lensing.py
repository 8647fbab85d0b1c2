"""Stages of the chapter on lensing maps: maps with and without corrections, spreads over seeds."""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Stage

CODE = tuple(
    f"lensing/{name}.py"
    for name in (
        "compiled", "convergence", "cosmology", "exchange", "fft", "forces", "initial", "io",
        "kernels", "lightcone", "mesh", "nbody", "power", "raytracing", "results", "settings",
        "sharpening", "shear", "simulate", "sources", "spectra", "statistics", "theory", "tiling",
    )
)  # fmt: skip

# What both corrections do: none; particles at their own crossing; and sharpened as well.
VARIANTS: dict[str, dict[str, Any]] = {
    "raw": {"sharpening": None, "sub_evolution": False},
    "evolved": {"sharpening": None},
    "sharpened": {},
}
FIELD: dict[str, dict[str, Any]] = {
    "full": {"box": 256.0, "particles": 256, "degrees": 4.0, "pixels": 1024,
             "sources": [0.5, 1.0, 1.5, 2.0]},
    "smoke": {"box": 64.0, "particles": 32, "degrees": 1.5, "pixels": 96, "sources": [0.5, 1.0]},
}  # fmt: skip
TALK: dict[str, dict[str, Any]] = {
    "full": {"box": 256.0, "particles": 256, "degrees": 6.3, "pixels": 1024, "sources": [1.0]},
    "smoke": {"box": 64.0, "particles": 32, "degrees": 1.5, "pixels": 96, "sources": [1.0]},
}
COARSE: dict[str, dict[str, Any]] = {
    "full": {**TALK["full"], "particles": 128, "pixels": 512},
    "smoke": TALK["smoke"],
}


def _maps(variant: str) -> Stage:
    return Stage(
        name=f"lensing/maps-{variant}",
        run="mlsci.stages.lensing_runs:make_maps",
        params={
            profile: {"settings": {**field, **VARIANTS[variant], "seed": 0}, "keep": "KAPPA_1",
                      "pixels": min(512, field["pixels"]), "seed": 0}
            for profile, field in FIELD.items()
        },
        sources=CODE,
    )  # fmt: skip


def _seeds(name: str, settings: dict[str, dict[str, Any]], count: int) -> Stage:
    return Stage(
        name=f"lensing/{name}",
        run="mlsci.stages.lensing_runs:repeat_seeds",
        params={
            profile: {"settings": values, "seeds": count if profile == "full" else 2, "seed": 1}
            for profile, values in settings.items()
        },
        sources=CODE,
    )


STAGES: tuple[Stage, ...] = (
    Stage(
        name="lensing/talk",
        run="mlsci.stages.lensing_runs:make_maps",
        params={
            profile: {
                "settings": {**settings, "seed": 0},
                "keep": "KAPPA_0",
                "pixels": settings["pixels"],
                "seed": 0,
            }
            for profile, settings in TALK.items()
        },
        sources=CODE,
    ),
    *(_maps(variant) for variant in VARIANTS),
    # What is asked of the maps: the mean of seeds at the full resolution, against theory.
    _seeds("accuracy", TALK, 8),
    _seeds("seeds-sharpened", COARSE, 16),
    _seeds("seeds-evolved", {p: {**s, **VARIANTS["evolved"]} for p, s in COARSE.items()}, 16),
    Stage(
        name="lensing/steps",
        run="mlsci.stages.lensing_runs:compare_steps",
        params={
            profile: {
                "settings": {**settings, "sharpening": None},
                "stages": [11, 41] if profile == "full" else [6, 11],
                "seed": 0,
            }
            for profile, settings in COARSE.items()
        },
        sources=CODE,
    ),
)
