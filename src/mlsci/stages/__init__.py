"""The registry of costly stages.

Each chapter has a module here with ``STAGES: tuple[Stage, ...]``. Those modules are imported to
list the stages, so they import heavy packages only inside functions.
"""

from __future__ import annotations

import difflib
import importlib
import os
from collections.abc import Iterable

from mlsci.report.paths import Profile
from mlsci.report.seal import Stage

CHAPTERS = (
    "mlsci.stages.aeflow",
    "mlsci.stages.pae",
    "mlsci.stages.mortality",
    "mlsci.stages.covid_counterfactual",
    "mlsci.stages.covid_backtest",
    "mlsci.stages.covid_hierarchical",
    "mlsci.stages.lensing",
    "mlsci.stages.lensing_gradients",
    "mlsci.stages.lensing_inference",
    "mlsci.stages.deepuq",
)


def modules() -> tuple[str, ...]:
    """Return the modules that declare stages; ``MLSCI_STAGES`` (comma-separated) replaces them."""
    named = os.environ.get("MLSCI_STAGES")
    return CHAPTERS if named is None else tuple(name for name in named.split(",") if name)


def all_stages() -> dict[str, Stage]:
    """Return every stage by name, each after the stages that it reads."""
    declared: dict[str, Stage] = {}
    for module in modules():
        for stage in importlib.import_module(module).STAGES:
            if stage.name in declared:
                raise ValueError(f"two stages are called {stage.name}: rename one in {module}")
            declared[stage.name] = stage
    return _ordered(declared)


def _ordered(declared: dict[str, Stage]) -> dict[str, Stage]:
    ordered: dict[str, Stage] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in ordered:
            return
        if name in path:
            raise ValueError(f"stages read each other in a circle: {' -> '.join((*path, name))}")
        if name not in declared:
            raise ValueError(f"stage {path[-1]} reads {name}, which no chapter declares")
        for upstream in declared[name].inputs:
            visit(upstream, (*path, name))
        ordered[name] = declared[name]

    for name in declared:
        visit(name, ())
    return ordered


def find(name: str) -> Stage:
    """Return the stage called `name`; the error suggests names that are close."""
    stages = all_stages()
    if name not in stages:
        close = difflib.get_close_matches(name, stages, n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise KeyError(f"no stage is called {name!r}{hint} (list them: python -m mlsci status)")
    return stages[name]


def with_inputs(names: Iterable[str], profile: Profile) -> list[Stage]:
    """Return the named stages and all that they read, in the order in which to run them."""
    stages = all_stages()
    wanted: set[str] = set()

    def visit(name: str) -> None:
        if name not in wanted:
            wanted.add(name)
            for upstream in stages[name].inputs:
                visit(upstream)

    for name in names:
        visit(name)
    chosen = [stage for stage in stages.values() if stage.name in wanted]
    for stage in chosen:
        if profile not in stage.params:
            raise ValueError(f"stage {stage.name} has no parameters for the profile {profile}")
    return chosen
