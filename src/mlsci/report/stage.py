"""What a costly stage is, and what state its artefact may be in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlsci.report import paths

_NAME = re.compile(r"[a-z][a-z0-9]*/[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class Stage:
    """One costly computation.

    Parameters
    ----------
    name
        ``chapter/slug``, such as ``aeflow/ae-d32-s0``.
    run
        ``module:function``, imported only when the stage runs; called with a `Job`.
    params
        JSON parameters for each profile that the stage has; ``seed`` among them, else 0.
    sources
        Globs below ``src/mlsci``: the code that the result depends on. The function itself, and
        what it uses of its own module, is watched without being named here.
    datasets
        Names in `mlsci.data`, for each profile.
    inputs
        Names of the stages whose artefacts this one reads.
    """

    name: str
    run: str
    params: Mapping[str, Mapping[str, Any]]
    sources: tuple[str, ...]
    datasets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"stage name {self.name!r}: write chapter/slug, lower case")
        if not re.fullmatch(r"[\w.]+:\w+", self.run):
            raise ValueError(f"{self.name}: run is {self.run!r}, write 'module:function'")
        for profile in (*self.params, *self.datasets):
            paths.check_profile(profile)

    @property
    def chapter(self) -> str:
        """The chapter, the part of the name before the slash."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class State:
    """Whether an artefact can be used, and why not."""

    kind: Literal["fresh", "missing", "stale", "damaged"]
    why: str = ""

    @property
    def fresh(self) -> bool:
        """Whether the artefact can be used."""
        return self.kind == "fresh"

    def __str__(self) -> str:
        return f"{self.kind} ({self.why})" if self.why else self.kind
