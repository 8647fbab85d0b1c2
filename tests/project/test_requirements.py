"""pyproject.toml, locks and environment.yml agree; the checks for that find what is wrong."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from workflow.checks import requirements


@pytest.fixture
def project(top: Path) -> dict[str, Any]:
    return requirements.read_project(top)


@pytest.fixture
def conda(top: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((top / "environment.yml").read_text())
    return content


def test_main_lock_holds_all_that_is_declared(top: Path, project: dict[str, Any]) -> None:
    lock = (top / "requirements.lock").read_text()
    assert requirements.lock_faults(lock, requirements.declared(project).values()) == []


@pytest.mark.parametrize("group", ["source", "bootstrap"])
def test_small_locks_hold_their_group(top: Path, project: dict[str, Any], group: str) -> None:
    lock = (top / f"requirements-{group}.lock").read_text()
    wanted = [Requirement(text) for text in project["dependency-groups"][group]]
    assert requirements.lock_faults(lock, wanted) == []


def test_what_builds_the_package_is_locked(top: Path, project: dict[str, Any]) -> None:
    wanted = [Requirement(text) for text in project["build-system"]["requires"]]
    lock = (top / "requirements.lock").read_text()
    assert requirements.lock_faults(lock, wanted) == []


LOCK = """\
one==1.0 \\
    --hash=sha256:00
    # via mlsci
two==2.5 ; python_version < '4' \\
    --hash=sha256:11
"""


def test_a_lock_in_order_passes() -> None:
    wanted = [Requirement("one"), Requirement("two>=2,<3")]
    assert requirements.lock_faults(LOCK, wanted) == []


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        (LOCK.replace("    --hash=sha256:00\n", ""), "one has no hash"),
        (LOCK.replace("two==2.5", "two==3.5"), "two 3.5 does not meet two<3,>=2"),
        (LOCK.replace("two", "three"), "two is missing"),
        ("--index-url https" + "://example.org\n" + LOCK, "holds an address"),
        ("one>=1\n" + LOCK, "not a pinned package: 'one>=1'"),
    ],
)
def test_a_fault_of_a_lock_is_found(lock: str, expected: str) -> None:
    wanted = [Requirement("one"), Requirement("two>=2,<3")]
    assert any(expected in fault for fault in requirements.lock_faults(lock, wanted))


def test_conda_environment_is_in_step(conda: dict[str, Any], project: dict[str, Any]) -> None:
    assert requirements.conda_faults(conda, project) == []
    assert conda["channels"][0] == "conda-forge"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("numpy>=2", "numpy>=1", "numpy>=1 should be numpy>=2"),
        ("numpy>=2", None, "numpy is missing"),
        ("numpy>=2", "flask", "flask is not in pyproject.toml"),
        ("numpy>=2", "scipy", "scipy is listed twice"),
        ("python>=3.11,<3.13", "python>=3.11", "python>=3.11 is not python"),
    ],
)
def test_a_difference_of_the_conda_environment_is_found(
    conda: dict[str, Any], project: dict[str, Any], before: str, after: str | None, expected: str
) -> None:
    changed = copy.deepcopy(conda)
    listed = changed["dependencies"]
    listed[listed.index(before) : listed.index(before) + 1] = [after] if after else []
    assert any(expected in fault for fault in requirements.conda_faults(changed, project))
