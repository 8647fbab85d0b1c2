"""Where an executed notebook came from.

``build/notebooks/<profile>/<nb>.seal.json``, written last by the runner::

    {"schema": 1, "notebook": "aeflow-fix", "profile": "full",
     "seal": "<sha256 of notebook, profile, key and outputs>",
     "key": "<sha256 of inputs>",
     "inputs": {"source": "<sha256 of notebooks/aeflow-fix.py>", "parameters": {"profile": "full"},
                "package": "<sha256 of all code of src/mlsci>", "runner": "<sha256>",
                "artefacts": {"aeflow/ae": "<sha256: `seal` of the stage's seal.json>"}},
     "outputs": {"build/notebooks/full/aeflow-fix.ipynb": {"sha256": "...", "bytes": 123}, ...},
     "provenance": PROVENANCE,
     "record": {"execution_seconds": 12.3, "finished": "2024-01-01T00:00:00Z",
                "machine": {"cpu": "...", "cores": 2, "system": "..."},
                "claims": 5, "figures": 4}}

PROVENANCE is also the executed notebook's ``metadata.mlsci``; it has no time in it, so that
executing again changes no byte::

    {"notebook": "aeflow-fix", "profile": "full", "seed": 0, "parameters": {...},
     "commit": {"commit": "<hash>" or null, "dirty": false},
     "source": "<sha256 of notebooks/aeflow-fix.py>", "package": "<sha256>",
     "inputs": {"aeflow/ae": "<seal>"}, "versions": {"python": "3.11.7", "numpy": "..."}}

A figure's output in the notebook has the metadata
``{"mlsci": {"figure": "latent-scatter", "caption": "...", "alt": "..."}}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlsci.report import files, machine, paths, seal, sources
from mlsci.report.paths import Profile
from mlsci.report.seal import State

SCHEMA = 1


def seal_file(notebook: str, profile: Profile) -> Path:
    """Return where an executed notebook's seal lies."""
    return paths.notebooks(profile) / f"{notebook}.seal.json"


def describe(
    source: Path,
    profile: Profile,
    parameters: Mapping[str, Any],
    seed: int,
    artefacts: Mapping[str, str],
) -> dict[str, Any]:
    """Return the provenance of an execution of the notebook `source`."""
    return {
        "notebook": source.stem,
        "profile": profile,
        "seed": seed,
        "parameters": dict(parameters),
        "commit": machine.commit(),
        "source": files.sha256(source),
        "package": sources.package_hash(),
        "inputs": dict(sorted(artefacts.items())),
        "versions": machine.versions(),
    }


def inputs(provenance: Mapping[str, Any], runner: str) -> dict[str, Any]:
    """Return the part of a provenance that decides whether an execution is fresh."""
    return {
        "source": provenance["source"],
        "parameters": provenance["parameters"],
        "package": provenance["package"],
        "runner": runner,
        "artefacts": provenance["inputs"],
    }


def write_seal(
    provenance: Mapping[str, Any],
    runner: str,
    outputs: Mapping[str, Any],
    record: Mapping[str, Any],
) -> None:
    """Seal an executed notebook whose outputs are all in place."""
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "notebook": provenance["notebook"],
        "profile": provenance["profile"],
        "inputs": inputs(provenance, runner),
        "outputs": dict(outputs),
        "provenance": dict(provenance),
        "record": dict(record),
    }
    content["key"] = files.digest(content["inputs"])
    content["seal"] = _name_of(content)
    files.write_json(seal_file(content["notebook"], content["profile"]), content)


def _name_of(content: Mapping[str, Any]) -> str:
    return files.digest({name: content[name] for name in ("notebook", "profile", "key", "outputs")})


def check(source: Path, profile: Profile, parameters: Mapping[str, Any], runner: str) -> State:
    """Return whether a notebook's executed form can be used as it is."""
    where = seal_file(source.stem, profile)
    if not where.exists():
        return State("missing")
    content: Any = files.read_json(where)
    try:
        intact = content["seal"] == _name_of(content) and content["schema"] == SCHEMA
        before, outputs = dict(content["inputs"]), content["outputs"]
        artefacts = dict(before["artefacts"])
    except (KeyError, TypeError, ValueError):
        intact = False
    if not intact:
        return State("damaged", f"{where.name} is not a seal that this project wrote")
    wrong = files.damage(paths.root(), outputs)
    if wrong:
        return State("damaged", wrong)
    now = {
        "source": files.sha256(source),
        "parameters": dict(parameters),
        "package": sources.package_hash(),
        "runner": runner,
    }
    for name, value in now.items():
        if before[name] != value:
            return State("stale", f"{name} changed")
    for name, sealed in artefacts.items():
        try:
            state = seal.check(seal.find(name), profile)
        except (LookupError, ValueError) as problem:
            return State("stale", str(problem))
        found = seal.read(name, profile)
        if not state.fresh or found is None or found["seal"] != sealed:
            return State("stale", f"input {name} changed")
    return State("fresh")
