"""pyproject.toml, the locks and environment.yml must say the same."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")


def declared(project: dict[str, Any]) -> dict[NormalizedName, Requirement]:
    """Return the requirements of pyproject.toml with those of all extras, by canonical name."""
    table = project["project"]
    texts = [*table["dependencies"], *chain(*table["optional-dependencies"].values())]
    return {canonicalize_name(one.name): one for one in map(Requirement, texts)}


def read_project(top: Path) -> dict[str, Any]:
    """Return the content of pyproject.toml."""
    return tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))


def lock_faults(lock: str, wanted: Iterable[Requirement]) -> list[str]:
    """Return how a lock's text differs from what it must be."""
    faults = []
    pins: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\S)", lock):
        match = _PIN.match(block)
        if match is None:
            faults.append(f"not a pinned package: {block.splitlines()[0]!r}")
            continue
        pins.setdefault(canonicalize_name(match[1]), []).append(match[2])
        if "--hash=sha256:" not in block:
            faults.append(f"{match[1]} has no hash")
    if re.search(r"https?://|file:|--index|--find-links|--extra-index", lock):
        faults.append("it holds an address: write it with `make lock`")
    for requirement in wanted:
        versions = pins.get(canonicalize_name(requirement.name), [])
        if not versions:
            faults.append(f"{requirement.name} is missing: run `make lock`")
        faults += [
            f"{requirement.name} {version} does not meet {requirement}: run `make lock`"
            for version in versions
            if Version(version) not in requirement.specifier
        ]
    return faults


def conda_faults(environment: dict[str, Any], project: dict[str, Any]) -> list[str]:
    """Return how environment.yml differs from pyproject.toml: names, bounds, Python."""
    faults = []
    conda = [one for one in environment["dependencies"] if isinstance(one, str)]
    pip = [
        text for one in environment["dependencies"] if isinstance(one, dict) for text in one["pip"]
    ]
    if "-e ." not in pip:
        faults.append("the pip section does not install the package itself (-e .)")
    listed: dict[NormalizedName, SpecifierSet] = {}
    for text in [*conda, *(text for text in pip if not text.startswith("-"))]:
        one = Requirement(text)
        name = canonicalize_name(one.name)
        if name in listed:
            faults.append(f"{name} is listed twice")
        listed[name] = one.specifier
    python = listed.pop(canonicalize_name("python"), None)
    if python != SpecifierSet(project["project"]["requires-python"]):
        faults.append(f"python{python} is not python{project['project']['requires-python']}")
    for tool in ("pip", "c-compiler"):  # no package of ours asks for them
        listed.pop(canonicalize_name(tool), None)
    wanted = {name: one.specifier for name, one in declared(project).items()}
    for name in sorted({*wanted, *listed}):
        if name not in listed:
            faults.append(f"{name} is missing")
        elif name not in wanted:
            faults.append(f"{name} is not in pyproject.toml")
        elif wanted[name] != listed[name]:
            faults.append(f"{name}{listed[name]} should be {name}{wanted[name]}")
    return faults
