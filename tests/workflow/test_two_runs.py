"""Two runs at once do not meet: the second says who holds what, and a dead holder holds nothing."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mlsci.report import locks


@pytest.fixture
def busy(project: Any) -> Iterator[subprocess.Popen[str]]:
    """A workflow in the middle of a long stage."""
    process = project.start("workflow", "stages", "--profile", "smoke", TOY_PAUSE="600")
    end = time.monotonic() + 120
    while "toy/sum smoke" not in "".join(
        path.read_text() for path in project.root.glob("runs.log")
    ):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    yield process
    process.kill()
    process.communicate()


def test_the_second_run_says_who_holds_the_project(
    project: Any, busy: subprocess.Popen[str]
) -> None:
    second = project.run("workflow", "smoke", code=1)
    assert f"the project is held by process {busy.pid}" in second.stderr
    assert "stages --profile smoke" in second.stderr  # what it does
    assert "since 2" in second.stderr
    assert " s ago" in second.stderr
    assert f"kill {busy.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    for target in ("clean", "data", "reproduce"):
        assert "is held by" in project.run("workflow", target, code=1).stderr


def test_a_stage_is_computed_once_at_a_time(project: Any, busy: subprocess.Popen[str]) -> None:
    second = project.run("mlsci", "run", "toy/sum", "--profile", "smoke", code=1)
    assert f"stage toy/sum [smoke] is held by process {busy.pid}" in second.stderr
    assert (
        "1 of them were fresh"
        in project.run("mlsci", "run", "toy/numbers", "--profile", "smoke").stdout
    )
    project.run("mlsci", "run", "toy/sum", "--profile", "full")


def test_a_killed_holder_holds_nothing(project: Any, busy: subprocess.Popen[str]) -> None:
    busy.kill()
    busy.communicate()
    assert (project.root / "build/locks/project.json").exists()  # what it left behind
    project.run("workflow", "stages", "--profile", "smoke")
    assert not (project.root / "build/locks/project.json").exists()


def test_a_lock_can_be_waited_for(home: Any) -> None:
    with (
        locks.hold("thing", "the thing"),
        pytest.raises(locks.BusyError) as caught,
        locks.hold("thing", "the thing"),
    ):
        pytest.fail("held twice")
    assert f"the thing is held by process {os.getpid()}" in str(caught.value)
    with locks.hold("thing", "the thing", wait=0.1):
        pass


def test_the_lock_counts_and_not_the_note_beside_it(home: Any) -> None:
    note = home.root / "build/locks/thing.json"
    note.parent.mkdir(parents=True)
    for text in ('{"pid": 1, "since": "yesterday", "epoch": 0.0}', "nonsense"):
        note.write_text(text)
        with locks.hold("thing", "the thing"):
            note.write_text(text)
            with (
                pytest.raises(locks.BusyError, match="the thing is held"),
                locks.hold("thing", "the thing"),
            ):
                pytest.fail("held twice")
