"""A copy of the toy project for each test, and a way to run the real commands in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Project:
    """A toy project, and the commands that run in it in processes of their own."""

    root: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def environment(self, **extra: str) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("MLSCI_")},
            "MLSCI_HOME": str(self.root),
            "MLSCI_STAGES": "toystages",
            "PYTHONPATH": f"{self.root}{os.pathsep}{CHECKOUT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            **extra,
        }

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        """Start ``python -m arguments``."""
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=self.root,
            env=self.environment(**extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell ignores the keyboard's signal in what it runs in the background, and children
            # inherit that: here it must work wherever the tests run.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        self.started.append(process)
        return process

    def stop(self) -> None:
        """End what a failed test has left running; children follow their parents."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def run(
        self, *arguments: str, code: int | tuple[int, ...] = 0, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python -m arguments`` to its end, which must be the exit code that is given."""
        process = self.start(*arguments, **extra)
        out, err = process.communicate(timeout=300)
        expected = code if isinstance(code, tuple) else (code,)
        assert process.returncode in expected, f"exit code {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def ran(self) -> list[str]:
        """Which stages have run since this was last asked."""
        log = self.root / "runs.log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def results(self) -> dict[str, bytes]:
        """Everything that must not depend on how often the work was interrupted."""
        folders = ("data/derived", "build/derived", "build/notebooks", "build/figures")
        found: dict[str, bytes] = {}
        for folder in (*folders, "build/claims", "build/book"):
            for path in sorted((self.root / folder).rglob("*")):
                if path.name.startswith(".") or path.name.endswith("seal.json"):
                    continue  # what a killed write left under a temporary name; times of day
                if path.is_file():
                    found[path.relative_to(self.root).as_posix()] = path.read_bytes()
        return found

    def edit(self, name: str, before: str, after: str) -> None:
        """Change a file of the project."""
        path = self.root / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A fresh copy of the toy project."""
    shutil.copytree(Path(__file__).with_name("project"), tmp_path / "project")
    project = Project(tmp_path / "project")
    yield project
    project.stop()


@pytest.fixture(scope="session")
def _smoke_built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("smoke") / "project"
    shutil.copytree(Path(__file__).with_name("project"), root)
    built = Project(root)
    built.run("workflow", "smoke")
    built.ran()
    return root


@pytest.fixture
def smoke_built(_smoke_built: Path, tmp_path: Path) -> Iterator[Project]:
    """A copy of the toy project with its smoke book built."""
    shutil.copytree(_smoke_built, tmp_path / "built")
    project = Project(tmp_path / "built")
    yield project
    project.stop()


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Callable[[Project], None]:
    """Return a function that makes this process work in a project, too."""

    def enter(project: Project) -> None:
        for name in ("MLSCI_HOME", "MLSCI_STAGES"):
            monkeypatch.setenv(name, project.environment()[name])
        monkeypatch.syspath_prepend(project.root)
        monkeypatch.delitem(sys.modules, "toystages", raising=False)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)

    return enter


@pytest.fixture
def home(project: Project, enter: Callable[[Project], None]) -> Project:
    """A fresh copy of the toy project that this process works in."""
    enter(project)
    return project


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Nothing here may be collected from the toy project."""
    assert not any("workflow/project" in str(item.path) for item in items)
