"""Stages of the section on inference from lensing maps: one field, and the coverage over many.

What they compute is in `mlsci.stages.lensing_gradients_runs`.
"""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Stage
from mlsci.stages.lensing_gradients import CODE, PLAIN

SOURCES = (
    *CODE, "lensing/adjoint/inference.py", "lensing/adjoint/sampling.py",
    "lensing/adjoint/split.py",
)  # fmt: skip

# One box reaches from the observer to the sources. Where boxes meet, a particle that leaves one
# comes back elsewhere, and no gradient knows of it: posteriors of a stack of boxes are too rough.
# The noise is that of shapes of ellipticity 0.26, eleven a square minute.
_FIELD: dict[str, Any] = {
    **PLAIN, "box": 768.0, "boost": 1, "stages": 4, "degrees": 29.0, "sources": [0.27],
}  # fmt: skip
_TOY: dict[str, Any] = {
    "settings": {**_FIELD, "particles": 16, "pixels": 8}, "sigma": 0.001, "foreground": 0.3,
    "iterations": 4, "burn_in": 5, "draws": 6, "leaps": 3, "step": 0.3, "cut": 2,
}  # fmt: skip
_CHAIN: dict[str, Any] = {
    "settings": {**_FIELD, "particles": 64, "pixels": 16}, "sigma": 0.0005, "foreground": 0.3,
    "iterations": 15, "leaps": 12, "step": 0.12, "cut": 4,
}  # fmt: skip
_FREE = {"priors": {"omega_m": [0.3089, 0.02], "sigma8": [0.8159, 0.05]}, "seed": 0}
FIELD: dict[str, dict[str, Any]] = {
    "full": {**_CHAIN, **_FREE, "burn_in": 8, "draws": 32},
    "smoke": {**_TOY, **_FREE},
}
COVERAGE: dict[str, dict[str, Any]] = {
    "full": {**_CHAIN, "priors": {}, "burn_in": 4, "draws": 16},
    "smoke": {**_TOY, "priors": {}},
}
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
    *(_coverage(part) for part in range(PARTS)),
)
