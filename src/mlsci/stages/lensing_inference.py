"""Stages of the section on inference from lensing maps: one field, and the coverage over many.

What they compute is in `mlsci.stages.lensing_gradients_runs`.
"""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Stage
from mlsci.stages.lensing_gradients import CODE, PLAIN

SOURCES = (*CODE, "lensing/adjoint/inference.py", "lensing/adjoint/sampling.py")

# Nearer than that, single particles jump over many pixels as modes change.
_FIELD: dict[str, Any] = {**PLAIN, "boost": 1, "stages": 4, "degrees": 5.5}
_TOY: dict[str, Any] = {
    "settings": {**_FIELD, "particles": 16, "pixels": 8, "degrees": 5.0}, "sigma": 0.01,
    "foreground": 0.3, "iterations": 4, "burn_in": 5, "draws": 6, "leaps": 3, "step": 0.1, "cut": 2,
}  # fmt: skip
FIELD: dict[str, dict[str, Any]] = {
    "full": {
        "settings": {**_FIELD, "particles": 64, "pixels": 16}, "sigma": 0.004, "foreground": 0.15,
        "priors": {"omega_m": [0.3089, 0.02], "sigma8": [0.8159, 0.05]}, "iterations": 40,
        "burn_in": 8, "draws": 22, "leaps": 20, "step": 0.065, "cut": 4, "seed": 0,
    },
    "smoke": {**_TOY, "priors": {"omega_m": [0.3089, 0.02], "sigma8": [0.8159, 0.05]}, "seed": 0},
}  # fmt: skip
COVERAGE: dict[str, dict[str, Any]] = {
    "full": {
        "settings": {**_FIELD, "particles": 32, "pixels": 8}, "sigma": 0.003, "foreground": 0.15,
        "priors": {}, "iterations": 25, "burn_in": 6, "draws": 22, "leaps": 14, "step": 0.1,
        "cut": 4,
    },
    "smoke": {**_TOY, "priors": {}},
}  # fmt: skip
# One chain as large as that of the field, but with the cosmology held fixed.
CHAIN: dict[str, dict[str, Any]] = {
    "full": {
        **FIELD["full"], "priors": {}, "iterations": 25, "burn_in": 4, "draws": 14, "leaps": 22,
        "step": 0.06, "sets": 1, "seed": 50,
    },
    "smoke": {**_TOY, "priors": {}, "sets": 1, "seed": 50},
}  # fmt: skip
PARTS = 4  # of the coverage, each with so many sets of data:
SETS = {"full": 5, "smoke": 1}


def _coverage(part: int) -> Stage:
    return Stage(
        name=f"lensing/coverage-{part}",
        run="mlsci.stages.lensing_gradients_runs:cover",
        params={
            profile: {**values, "sets": SETS[profile], "seed": 100 + part * SETS[profile]}
            for profile, values in COVERAGE.items()
            if profile == "full" or part < 2
        },
        sources=SOURCES,
    )


STAGES: tuple[Stage, ...] = (
    Stage(
        name="lensing/field",
        run="mlsci.stages.lensing_gradients_runs:infer",
        params=FIELD,
        sources=SOURCES,
    ),
    Stage(
        name="lensing/chain",
        run="mlsci.stages.lensing_gradients_runs:cover",
        params=CHAIN,
        sources=SOURCES,
    ),
    *(_coverage(part) for part in range(PARTS)),
)
