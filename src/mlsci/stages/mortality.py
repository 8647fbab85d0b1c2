"""Stages of the chapter on excess mortality: records, published numbers, all regions and ages."""

from __future__ import annotations

from typing import Any

from mlsci.report.seal import Stage

DATA = {"full": ("italy_mortality",), "smoke": ()}
READERS = tuple(
    f"mortality/{name}.py"
    for name in (
        *("errors", "italy", "march", "may_paper", "official", "populations", "records"),
        *("regions", "releases", "simulate", "synthetic_releases", "towns", "weekly", "weeks"),
    )
)
MODELS = tuple(
    f"mortality/{name}.py" for name in ("conditional_gp", "counterfactual", "excess", "predictive")
)
# The full profile reads Italy's records, the smoke profile makes up a country.
PARAMS: dict[str, dict[str, Any]] = {
    "full": {"country": "Italy"},
    "smoke": {"country": "synthetic", "seed": 0},
}

STAGES: tuple[Stage, ...] = (
    Stage(
        name="covid/records",
        run="mlsci.stages.mortality_runs:summarise_records",
        params=PARAMS,
        sources=(*READERS, *MODELS),
        datasets=DATA,
    ),
    Stage(
        name="covid/published",
        run="mlsci.stages.mortality_runs:repeat_publication",
        params=PARAMS,
        sources=(*READERS, *MODELS, "mortality/rates.py"),
        datasets=DATA,
    ),
    Stage(
        name="covid/regions",
        run="mlsci.stages.mortality_runs:predict_regions",
        params=PARAMS,
        sources=(*READERS, *MODELS),
        datasets=DATA,
    ),
)
