"""Claims: the numbers that the compendium stands for, recorded by the notebooks that found them.

``build/notebooks/<profile>/<nb>.metrics.json``, written by the runner beside the notebook::

    {"schema": 1, "notebook": "aeflow-fix", "profile": "full", "seed": 0,
     "claims": [CLAIM, ...],
     "figures": [{"name": "latent-scatter", "caption": "...", "alt": "...",
                  "file": "build/figures/full/aeflow-fix/latent-scatter.png", "sha256": "...",
                  "seal": {"aeflow/ae": "<sha256>"}}, ...],
     "artefacts": {"aeflow/ae": "<seal>", ...}}

``build/claims/<profile>.json``, written when every notebook of a build is done, and what
``python -m mlsci claims --json`` prints (its list of claims, sorted by key)::

    {"schema": 1, "profile": "full", "notebooks": ["aeflow-fix", ...], "claims": [CLAIM, ...]}

A CLAIM has exactly these fields::

    {"key": "aeflow.frechet_ratio",     # chapter first; unique in the compendium
     "value": 0.072, "error": 0.004,    # finite numbers; error >= 0 or null
     "published": 0.06, "source": "Boehm & Seljak 2020, table 1",   # or null; a number has a source
     "target": "<= 0.1", "reached": true,          # null, null without a target
     "unit": "nats", "description": "...",         # or null
     "text": "0.0720 ± 0.0040 nats",               # value, error and unit as shown and glued
     "notebook": "aeflow-fix", "profile": "full",
     "seal": {"aeflow/ae-d32-s0": "<sha256 that the stage's seal.json has as `seal`>"}}

`seal` names the artefacts that the notebook had loaded when it made the claim.
"""

from __future__ import annotations

import math
import numbers
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from mlsci.report import files, paths
from mlsci.report.paths import Profile

SCHEMA = 1
_KEY = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9][a-z0-9_]*)+")
_TARGET = re.compile(r"(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


class ClaimError(ValueError):
    """A claim that cannot be recorded as it is."""


class NoBuildError(LookupError):
    """There is no complete build whose claims could be shown."""


def conditions(target: str) -> list[tuple[str, float]]:
    """Return a target's conditions: ``"<= 0.1"``, or several with commas, ``">= 0.9, <= 1.1"``.

    >>> conditions(">= 0.9, <= 1.1")
    [('>=', 0.9), ('<=', 1.1)]
    """
    found = []
    for part in target.replace("≤", "<=").replace("≥", ">=").split(","):
        match = _TARGET.fullmatch(part.strip())
        if match is None:
            raise ClaimError(
                f"target {target!r}: write a comparison such as '<= 0.1', or several with commas"
            )
        found.append((match[1], float(match[2])))
    return found


def reaches(value: float, target: str) -> bool:
    """Whether a value meets all conditions of a target; its error plays no part."""
    return all(_COMPARE[sign](value, limit) for sign, limit in conditions(target))


def number(value: Any, what: str) -> float | int:
    """Return a finite Python number from a number, a NumPy scalar or an array of one element."""
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ClaimError(f"{what} is {value!r}, not a number")
    plain = int(value) if isinstance(value, numbers.Integral) else float(value)
    if not math.isfinite(plain):
        raise ClaimError(
            f"{what} is {plain}: a claim must be finite, mend the computation before it"
        )
    return plain


def shown(value: float, error: float | None, fmt: str | None, unit: str | None) -> str:
    """Return value, error and unit for readers.

    Without `fmt`, the error has two significant digits and the value as many decimals; without
    an error, a whole number is shown as it is, any other with three significant digits.

    >>> shown(12.9134, 0.4123, None, "nats")
    '12.91 ± 0.41 nats'
    >>> shown(0.0064012, None, None, None)
    '0.0064'
    """
    if error is None:
        text = format(value, fmt or ("d" if isinstance(value, int) else ".3g"))
    elif fmt is not None or error == 0:
        text = f"{format(value, fmt or '.3g')} ± {format(error, fmt or '.2g')}"
    else:
        power = 0
        largest = max(abs(value), error)
        if not 1e-4 <= largest < 1e6:
            power = math.floor(math.log10(largest))
        decimals = min(max(0, 1 - math.floor(math.log10(error)) + power), 17)
        scaled, spread = (Decimal(one).scaleb(-power) for one in (value, error))
        text = f"{scaled:.{decimals}f} ± {spread:.{decimals}f}"
        if power:
            text = f"({text})e{power:+03d}"
    return f"{text} {unit}" if unit else text


def make(
    key: str,
    value: Any,
    *,
    notebook: str,
    profile: Profile,
    seal: Mapping[str, str],
    error: Any = None,
    published: Any = None,
    target: str | None = None,
    source: str | None = None,
    unit: str | None = None,
    fmt: str | None = None,
    description: str | None = None,
) -> dict[str, Any]:
    """Return a claim's record; `ClaimError` says what is wrong with it."""
    chapter = notebook.partition("-")[0]
    if not _KEY.fullmatch(key):
        raise ClaimError(f"claim key {key!r}: write chapter.quantity in lower case, digits and _")
    if not key.startswith(chapter + "."):
        raise ClaimError(f"claim key {key!r} of notebook {notebook} must begin with '{chapter}.'")
    plain = number(value, key)
    spread = None if error is None else number(error, f"the error of {key}")
    if spread is not None and spread < 0:
        raise ClaimError(f"the error of {key} is {spread}: it cannot be negative")
    reference = None if published is None else number(published, f"the published value of {key}")
    if reference is not None and not source:
        raise ClaimError(f"{key} has a published value: name its source as well (source=…)")
    return {
        "key": key,
        "value": plain,
        "error": spread,
        "published": reference,
        "target": target,
        "reached": None if target is None else reaches(plain, target),
        "source": source,
        "unit": unit,
        "description": description,
        "text": shown(plain, spread, fmt, unit),
        "notebook": notebook,
        "profile": profile,
        "seal": dict(sorted(seal.items())),
    }


def merged(metrics: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the claims of several notebooks, sorted by key; a key in two of them is an error."""
    claims: dict[str, dict[str, Any]] = {}
    for one in metrics:
        for claim in one["claims"]:
            other = claims.setdefault(claim["key"], claim)
            if other is not claim:
                raise ClaimError(
                    f"{claim['key']} is claimed by {other['notebook']} and by "
                    f"{claim['notebook']}: rename one"
                )
    return [claims[key] for key in sorted(claims)]


def gather(profile: Profile) -> list[dict[str, Any]]:
    """Collect the claims of all notebooks into ``build/claims/<profile>.json``."""
    names = [path.stem for path in paths.notebook_sources()]
    found = []
    for name in names:
        metrics = files.read_json(paths.notebooks(profile) / f"{name}.metrics.json")
        if metrics is None:
            raise NoBuildError(f"notebook {name} has no metrics [{profile}]: run it first")
        found.append(metrics)
    claims = merged(found)
    content = {"schema": SCHEMA, "profile": profile, "notebooks": names, "claims": claims}
    if files.read_json(paths.claims(profile)) != content:
        files.write_json(paths.claims(profile), content)
    return claims


def last_build(profile: Profile) -> list[dict[str, Any]]:
    """Return every claim of the last complete build."""
    content = files.read_json(paths.claims(profile))
    if content is None:
        target = "book" if profile == "full" else "smoke"
        raise NoBuildError(
            f"there is no complete build of the profile {profile} yet: make one with  make {target}"
        )
    claims: list[dict[str, Any]] = content["claims"]
    return claims
