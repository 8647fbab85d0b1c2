"""Killed at any moment, the work goes on from there, and ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlsci import stages
from mlsci.report import seal

KILLED = -signal.SIGKILL


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def living(project: Any) -> list[int]:
    """The processes of the project that still run; each has noted its number at its start."""
    pids = {int(line) for line in (project.root / "pids.log").read_text().split()}
    return [pid for pid in pids if _lives(pid)]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")  # a dead process may wait for an init that never asks
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return not Path("/proc/self/stat").exists()


def changes(project: Any, where: str, *command: str) -> int:
    """How many changes to files a command makes, in the processes that `where` picks."""
    count = project.root / "count"
    project.run(*command, TOY_KILL_IN=where, TOY_COUNT=str(count))
    return int(count.read_text())


def spread(total: int, points: int, last: int) -> Iterator[int]:
    """Yield moments over the whole of the work, and each of the last, when results are placed."""
    yield from sorted({*range(1, total, max(total // points, 1)), *range(total - last, total + 1)})


def kill_at(project: Any, moment: int, where: str, *command: str) -> bool:
    """Run a command that is killed at that change to a file; return whether it lived that long."""
    ended = project.run(*command, code=(KILLED, 0), TOY_KILL_IN=where, TOY_KILL=str(moment))
    return ended.returncode == KILLED


@pytest.mark.slow
def test_a_stage_killed_before_any_change_to_a_file(home: Any) -> None:
    command = ("mlsci", "run", "toy/*", "--profile", "smoke")
    total = changes(home, "-m mlsci", *command)
    expected = home.results()
    assert total > 40
    for moment in spread(total, 7, 6):
        shutil.rmtree(home.root / "build")
        assert kill_at(home, moment, "-m mlsci", *command)
        for stage in stages.all_stages().values():
            # Whatever there is, is whole: no half-made artefact looks like one.
            assert seal.check(stage, "smoke").kind in ("fresh", "missing"), moment
        home.run(*command)
        assert home.results() == expected, moment


@pytest.mark.slow
def test_a_replaced_stage_killed_before_any_change_to_a_file(home: Any) -> None:
    command = ("mlsci", "run", "toy/numbers", "--profile", "smoke", "--force")
    home.run(*command)
    before = home.results()
    total = changes(home, "-m mlsci", *command)
    killed = 0
    for moment in spread(total, 3, 10):
        killed += kill_at(home, moment, "-m mlsci", *command)
        home.run(*command[:-1])
        assert home.results() == before, moment
    assert killed >= 8


def test_a_result_that_was_only_to_be_renamed_is_not_computed_again(home: Any) -> None:
    command = ("mlsci", "run", "toy/numbers", "--profile", "smoke")
    total = changes(home, "-m mlsci", *command)
    for moment in range(total, 0, -1):
        shutil.rmtree(home.root / "build")
        assert kill_at(home, moment, "-m mlsci", *command)
        if not seal.check(seal.find("toy/numbers"), "smoke").fresh:
            break
    home.ran()
    home.run(*command)
    assert seal.check(seal.find("toy/numbers"), "smoke").fresh
    assert home.ran() == []


def test_a_killed_stage_goes_on_from_its_checkpoint(project: Any) -> None:
    command = ("mlsci", "run", "toy/sum", "--profile", "full")
    process = project.start(*command, TOY_PAUSE="0.2")
    work = project.root / "build/work/full/toy/sum"
    wait_for(lambda: '"step": 3' in "".join(p.read_text() for p in work.glob("*/*.json")), "step 3")
    process.kill()
    process.communicate()
    out = project.run(*command).stdout
    assert "step 0" not in out
    assert "step 7" in out
    assert not work.exists()


@pytest.mark.slow
def test_a_notebook_killed_before_a_change_to_a_file(smoke_built: Any) -> None:
    project = smoke_built
    command = ("workflow.run_notebook", "toy-one", "--profile", "smoke")
    total = changes(project, "run_notebook", *command)
    expected = project.results()
    killed = 0
    for moment in (total // 4, *range(total - 8, total - 2, 2)):
        (project.root / "build/notebooks/smoke/toy-one.seal.json").unlink(missing_ok=True)
        killed += kill_at(project, moment, "run_notebook", *command)
        project.run("workflow", "notebook:toy-one", "--profile", "smoke")
        assert project.results() == expected, moment
        assert not list((project.root / "build/work/notebooks/smoke").glob("*")), moment
    assert killed >= 2


@pytest.mark.slow
def test_a_killed_kernel_fails_the_notebook(project: Any) -> None:
    project.run("mlsci", "run", "toy/*", "--profile", "smoke")
    source = "notebooks/toy-one.py"
    project.edit(source, "nb.done()", "import os\nos.kill(os.getpid(), 9)\nnb.done()")
    failed = project.run("workflow", "notebook:toy-one", "--profile", "smoke", code=1)
    assert "toy-one" in failed.stderr
    assert not (project.root / "build/notebooks/smoke/toy-one.seal.json").exists()
    project.edit(source, "import os\nos.kill(os.getpid(), 9)\n", "")
    project.run("workflow", "notebook:toy-one", "--profile", "smoke")


@pytest.mark.slow
def test_the_book_killed_before_a_change_to_a_file(smoke_built: Any) -> None:
    project = smoke_built
    shutil.rmtree(project.root / "build/book")
    total = changes(project, "book_step", "workflow", "smoke")
    expected = project.results()
    for moment in spread(total, 3, 4):
        shutil.rmtree(project.root / "build/book")
        # The workflow sees its child die, says so and ends.
        failed = project.run(
            "workflow", "smoke", code=1, TOY_KILL_IN="book_step", TOY_KILL=str(moment)
        )
        assert "killed by signal 9" in failed.stderr
        project.run("workflow", "smoke")
        assert project.results() == expected, moment


@pytest.mark.slow
def test_the_whole_killed_at_random(smoke_built: Any) -> None:
    project = smoke_built
    expected = project.results()
    draw = random.Random(0)
    for _ in range(2):
        shutil.rmtree(project.root / "build")
        for _ in range(3):
            process = project.start("workflow", "smoke", TOY_PAUSE="0.1")
            try:
                process.wait(draw.uniform(0.1, 6.0))
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
        project.run("workflow", "smoke")
        results = project.results()
        assert [name for name in expected if results.get(name) != expected[name]] == []
        assert set(results) == set(expected)
        wait_for(lambda: not living(project), "the end of the children")


@pytest.mark.parametrize("where", ["stage", "notebook"])
def test_an_interruption_from_the_keyboard(project: Any, where: str) -> None:
    wait = 'open("begun", "w").close()\nimport time\ntime.sleep(600)\nnb.done()'
    project.edit("notebooks/toy-two.py", "nb.done()", wait)
    pause = "600" if where == "stage" else "0"
    process = project.start("workflow", "notebook:toy-two", "--profile", "smoke", TOY_PAUSE=pause)
    begun = "work/smoke/toy/sum/*/*.json" if where == "stage" else "notebooks/smoke/begun"
    wait_for(lambda: list((project.root / "build").glob(begun)), where)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.strip().endswith("interrupted: what was finished is kept; run the same to go on")
    assert "Traceback" not in err
    wait_for(lambda: not living(project), "the end of the children")


def test_children_end_with_a_killed_parent(project: Any) -> None:
    wait = 'open("begun", "w").close()\nimport time\ntime.sleep(600)\nnb.done()'
    project.edit("notebooks/toy-two.py", "nb.done()", wait)
    process = project.start("workflow", "notebook:toy-two", "--profile", "smoke")
    wait_for(lambda: list(project.root.glob("build/notebooks/smoke/begun")), "the notebook")
    assert len(living(project)) == 3  # workflow, runner and kernel
    process.kill()
    process.communicate()
    wait_for(lambda: not living(project), "the end of runner and kernel")
