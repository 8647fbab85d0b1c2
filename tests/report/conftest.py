"""A project of its own for each test: an empty root, and stages that the test declares."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlsci import stages
from mlsci.report.seal import Stage

FUNCTIONS = '''
"""What the stages of a test compute."""
import json


def double(value):
    return 2 * value


def write(job):
    """Write a parameter, doubled."""
    (job.out / "value.json").write_text(json.dumps(double(job.params["value"])))


def constant(job):
    (job.out / "value.json").write_text("1")


def add(job):
    values = [json.loads((job.input(name) / "value.json").read_text()) for name in job.stage.inputs]
    (job.out / "sum.json").write_text(json.dumps(sum(values)))


def count(job):
    """Count to three; fail after each step but the last."""
    done = job.work / "done"
    step = int(done.read_text()) + 1 if done.exists() else 1
    done.write_text(str(step))
    (job.out / "partial.txt").write_text("half")
    if step < job.params["steps"]:
        raise RuntimeError("stopped half-way")
    (job.out / "partial.txt").rename(job.out / "count.txt")


def nothing(job):
    pass


def curious(job):
    job.input("toy/other")
'''


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of an empty project, with one source and the functions of its stages."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "src/mlsci/toy").mkdir(parents=True)
    (tmp_path / "src/mlsci/toy/model.py").write_text("def f(x):\n    return x + 1\n")
    (tmp_path / "toyfunctions.py").write_text(FUNCTIONS)
    monkeypatch.setenv("MLSCI_HOME", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "toyfunctions", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


@pytest.fixture
def declare(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that makes some stages the only ones that there are."""

    def declare(*declared: Stage) -> None:
        known = stages._ordered({stage.name: stage for stage in declared})
        monkeypatch.setattr(stages, "all_stages", lambda: known)

    return declare
