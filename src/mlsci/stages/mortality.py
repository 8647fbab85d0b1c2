"""Stages of the chapter on excess mortality: records, published numbers, all regions and ages."""

from __future__ import annotations

from typing import Any

from mlsci.mortality.supply import supplied
from mlsci.report.seal import Stage

DATA = {"full": ("italy_mortality",), "smoke": ()}
READERS = tuple(
    f"mortality/{name}.py"
    for name in (
        *("compilation", "countries", "errors", "italy", "march", "may_paper", "official"),
        *("populations", "records", "regions", "releases", "simulate", "synthetic_releases"),
        *("towns", "weekly", "weeks"),
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


def _with_supplied(params: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return parameters that change with the by-town release that the user supplies, if any."""
    given = supplied()
    full = {**params["full"], "supplied": given.sha256 if given is not None else None}
    return {**params, "full": full}


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
        run="mlsci.stages.mortality_published_runs:repeat_publication",
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
    Stage(
        name="covid/bergamo",
        run="mlsci.stages.mortality_runs:follow_bergamo",
        params=_with_supplied(PARAMS),
        sources=(*READERS, *MODELS, "mortality/bergamo.py", "mortality/supply.py"),
        datasets=DATA,
    ),
)
