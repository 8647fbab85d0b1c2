"""The numbers of executed notebooks: present, finite, and within declared bounds.

The bounds are in ``tests/notebooks/bounds.toml``, one table for a claim's key or for a pattern of
keys, with limits for each profile that has it::

    ["aeflow.frechet_ratio"]
    smoke = [0.0, 2.0]
    full = [0.0, 0.1]

They say what cannot be, not what is hoped for (that is a claim's target): a number outside them
means that something is broken. A key must have bounds, and bounds must have a key.
"""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlsci.report import claims
from workflow.checks.findings import Finding

Bounds = Mapping[str, Mapping[str, tuple[float, float]]]


def findings(folder: Path, bounds: Bounds, profile: str, top: Path) -> list[Finding]:
    """Return what is wrong with the ``*.metrics.json`` of a folder."""
    found: list[Finding] = []
    used: set[str] = set()
    for path in sorted(folder.glob("*.metrics.json")):
        where = path.relative_to(top).as_posix()
        metrics: Any = json.loads(path.read_text(encoding="utf-8"))
        if metrics["profile"] != profile:
            found.append(Finding(where, 1, f"profile {metrics['profile']}, not {profile}"))
        if not metrics["claims"] and not metrics["figures"]:
            found.append(Finding(where, 1, "neither a claim nor a figure"))
        for claim in metrics["claims"]:
            entry = _entry(claim["key"], bounds)
            if entry is not None:
                used.add(entry)
            limits = None if entry is None else bounds[entry].get(profile)
            found += [Finding(where, 1, f"{claim['key']} {f}") for f in _faults(claim, limits)]
    found += [
        Finding("tests/notebooks/bounds.toml", 1, f"no notebook claims {entry} [{profile}]")
        for entry in bounds
        if profile in bounds[entry] and entry not in used
    ]
    return found


def _entry(key: str, bounds: Bounds) -> str | None:
    """Return the entry for a key: the key itself, else the longest pattern that matches it."""
    if key in bounds:
        return key
    return max((one for one in bounds if fnmatch.fnmatchcase(key, one)), key=len, default=None)


def _faults(claim: Mapping[str, Any], limits: tuple[float, float] | None) -> list[str]:
    value, error, target = claim["value"], claim["error"], claim["target"]
    faults = [
        f"has {what} that is not finite: {number}"
        for what, number in (
            ("a value", value),
            ("an error", error),
            ("a reference", claim["published"]),
        )
        if number is not None and not math.isfinite(number)
    ]
    if value is None:
        faults.append("has no value")
    if error is not None and error < 0:
        faults.append(f"has a negative error: {error}")
    if None not in (target, value) and claims.reaches(value, target) != claim["reached"]:
        faults.append(f"is {value}, target {target}, and says reached: {claim['reached']}")
    if limits is None:
        faults.append("has no bounds in tests/notebooks/bounds.toml: add what it may be at most")
    elif value is not None and not limits[0] <= value <= limits[1]:
        faults.append(f"is {value}, outside of what is possible: {limits[0]} to {limits[1]}")
    return faults
