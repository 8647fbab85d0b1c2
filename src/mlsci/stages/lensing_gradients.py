"""Stages of the section on gradients of lensing maps: how exact, what they cost, two uses."""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Stage

_FORWARD = tuple(
    f"lensing/{name}.py"
    for name in (
        "bullfrog", "compiled", "convergence", "cosmology", "exchange", "fft", "forces", "initial",
        "integrators", "io", "kernels", "lightcone", "mesh", "nbody", "pfft", "power", "raytracing",
        "settings", "sharpening", "shear", "simulate", "sources", "spectra", "theory", "tiling",
    )
)  # fmt: skip
CODE = _FORWARD + tuple(
    f"lensing/adjoint/{name}.py"
    for name in (
        "cosmology", "forces", "initial", "kernels", "leapfrog", "lightcone", "mesh", "model",
        "power", "sources", "transforms",
    )
)  # fmt: skip

PLAIN: dict[str, Any] = {"box": 256.0, "transfer": "eisenstein_hu", "sharpening": None}
SOME = {"low": 0.3, "high": 2.0, "alpha0": 0.5, "mu": -2.0}  # a strong sharpening, for tests

# Small enough that a step of 1e-6 hardly moves a particle over an edge of a pixel or of a box.
SMOOTH: dict[str, Any] = {
    **PLAIN, "particles": 8, "pixels": 16, "degrees": 5.5, "stages": 6, "precision": "f8",
    "sources": [0.5, 1.0], "sharpening": SOME, "seed": 5,
}  # fmt: skip
CHECKED: dict[str, dict[str, Any]] = {
    "two sources, sharpened": {**SMOOTH, "particles": 16},
    "not sharpened": {**SMOOTH, "particles": 16, "sharpening": None},
    "one source, mesh as fine as the lattice":
        {**SMOOTH, "particles": 16, "sources": [0.8], "boost": 1},
    "sharpened, without sub-evolution": {**SMOOTH, "particles": 16, "sub_evolution": False},
}  # fmt: skip

# What is timed: as the original was, and more.
_TIMED: dict[str, Any] = {**PLAIN, "degrees": 6.3, "pixels": 512, "stages": 11}
COST: dict[str, dict[str, Any]] = {
    "64": {"settings": {**_TIMED, "particles": 64}},
    "64-f8": {"settings": {**_TIMED, "particles": 64, "precision": "f8"}},
    "64-sharpened": {"settings": {**_TIMED, "particles": 64, "sharpening": SOME}},
    "64-40": {"settings": {**_TIMED, "particles": 64, "stages": 40}, "repeat": 1},
    "96": {"settings": {**_TIMED, "particles": 96, "box": 512.0}, "repeat": 1},
    "128": {"settings": {**_TIMED, "particles": 128}, "repeat": 1},
    # memory does not depend on the number of steps, so few are enough
    "256": {"settings": {**_TIMED, "particles": 256, "stages": 3}, "repeat": 1},
}
_SMALL_COST = {
    name: {
        "settings": {**one["settings"], "particles": 16, "pixels": 32, "degrees": 5.5},
        "repeat": 1,
    }
    for name, one in COST.items()
}

FORECAST: dict[str, dict[str, Any]] = {
    "full": {
        "settings": {**PLAIN, "particles": 64, "degrees": 6.0, "pixels": 128},
        "seeds": 16, "edges": [110, 1500, 10], "lengths": [3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5],
        "differenced": 4, "moved": {"omega_m": 0.01, "sigma8": 0.02}, "noise": 0.004, "seed": 0,
    },
    "smoke": {
        "settings": {**PLAIN, "particles": 16, "degrees": 6.0, "pixels": 32},
        "seeds": 3, "edges": [90, 700, 5], "lengths": [1e-2, 1e-4],
        "differenced": 1, "moved": {"omega_m": 0.01, "sigma8": 0.02}, "noise": 0.004, "seed": 0,
    },
}  # fmt: skip

_FITTED: dict[str, Any] = {**PLAIN, "degrees": 6.0, "sharpening": SOME}
FIT: dict[str, dict[str, Any]] = {
    "full": {
        "settings": {**_FITTED, "particles": 64, "pixels": 128},
        "better": {"particles": 128, "sharpening": "published"},
        "start": {"low": 0.3, "high": 0.8, "alpha0": 0.03, "mu": -2.6},
        "edges": [150, 1500, 9], "seeds": [0, 1], "fresh": [2, 3, 4], "iterations": 12, "seed": 0,
    },
    "smoke": {
        "settings": {**_FITTED, "particles": 16, "pixels": 32},
        "better": {"particles": 32, "sharpening": SOME},
        "start": {"low": 0.1, "high": 0.4, "alpha0": 0.1, "mu": -2.6},
        "edges": [100, 600, 5], "seeds": [0], "fresh": [2], "iterations": 2, "seed": 0,
    },
}  # fmt: skip

STAGES: tuple[Stage, ...] = (
    Stage(
        name="lensing/gradients",
        run="mlsci.stages.lensing_gradients_runs:check",
        params={
            "full": {
                "checked": CHECKED,
                "smooth": SMOOTH,
                "ranks": [1, 2, 4],
                "lengths": [10 ** (-i / 2) for i in range(4, 19)],
                "seed": 0,
            },
            "smoke": {
                "checked": {"two sources, sharpened": SMOOTH},
                "smooth": SMOOTH,
                "ranks": [1, 2],
                "lengths": [1e-3, 1e-5, 1e-6],
                "seed": 0,
            },
        },
        sources=(*CODE, "lensing/adjoint/checks.py"),
    ),
    Stage(
        name="lensing/gradient-cost",
        run="mlsci.stages.lensing_gradients_runs:measure",
        params={
            "full": {"runs": COST, "sides": [64, 128], "repeat": 2, "seed": 0},
            "smoke": {"runs": _SMALL_COST, "sides": [16], "repeat": 1, "seed": 0},
        },
        sources=CODE,
    ),
    Stage(
        name="lensing/forecast",
        run="mlsci.stages.lensing_gradients_runs:forecast",
        params=FORECAST,
        sources=(*CODE, "lensing/adjoint/fisher.py"),
    ),
    Stage(
        name="lensing/fit",
        run="mlsci.stages.lensing_gradients_runs:fit",
        params=FIT,
        sources=(*CODE, "lensing/adjoint/calibration.py"),
    ),
)
