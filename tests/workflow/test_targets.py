"""The front door: what each target makes, keeps and says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from mlsci.report import files

RAN = ["toy/numbers smoke", "toy/sum smoke"]


def test_the_smoke_book_is_made_once_and_again_when_something_changes(project: Any) -> None:
    first = project.run("workflow", "smoke")
    assert project.ran() == RAN
    page = project.root / "build/book/smoke/html/index.html"
    assert first.stdout.splitlines()[-1] == (
        f"The book is at build/book/smoke/html/index.html; open {page.as_uri()} in a browser."
    )
    assert "toy.steps 4" in page.read_text()

    before = os.times()
    again = project.run("workflow", "smoke")
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    assert spent < 2.0  # seconds of work: those on the clock depend on what else the machine does
    assert again.stdout.splitlines()[-2:] == [
        "fresh already: 2 stages, 2 notebooks, 1 book",
        first.stdout.splitlines()[-1],
    ]
    assert "executing" not in again.stdout

    page.with_name("style.css").unlink()
    mended = project.run("workflow", "smoke").stdout
    assert "book [smoke]: building" in mended
    assert "executing" not in mended

    (project.root / "book/index.md").write_text("# Another title")
    assert "book [smoke]: building" in project.run("workflow", "smoke").stdout

    project.edit("notebooks/toy-two.py", "seed = 0", "seed = 1")
    changed = project.run("workflow", "smoke").stdout
    assert "notebook toy-two [smoke]: executing" in changed
    assert "toy-one" not in changed
    assert "toy.seed 1" in page.read_text()

    (project.root / "notebooks/toy-two.py").unlink()
    project.run("workflow", "smoke")
    assert "toy.seed" not in page.read_text()
    assert not list((project.root / "build/notebooks/smoke").glob("toy-two*"))
    assert project.ran() == []


def test_a_stage_that_changes_is_followed_to_the_book(smoke_built: Any) -> None:
    project = smoke_built
    project.edit("toystages.py", '{"steps": 4}', '{"steps": 5}')
    out = project.run("workflow", "smoke").stdout
    assert "stage toy/sum [smoke]: stale (parameter steps changed), took 0 s last time" in out
    assert project.ran() == ["toy/sum smoke"]
    assert "notebook toy-one [smoke]: executing" in out
    assert "toy-two" not in out
    assert "toy.steps 5" in (project.root / "build/book/smoke/html/index.html").read_text()


def test_a_failing_notebook_stops_the_build(project: Any) -> None:
    project.edit("notebooks/toy-one.py", "nb.done()", "raise RuntimeError('on purpose')")
    failed = project.run("workflow", "smoke", code=1)
    assert "on purpose" in failed.stderr
    assert "notebook:toy-one failed: exit code 1" in failed.stderr
    assert "book [smoke]" not in failed.stdout
    assert "The book is at" not in failed.stdout
    missing = project.run("mlsci", "claims", "--profile", "smoke", code=1)
    assert "there is no complete build of the profile smoke yet" in missing.stderr


def test_a_failing_stage_stops_the_build(project: Any) -> None:
    project.edit("toystages.py", "checkpoint = job.work", "raise RuntimeError('on purpose')  # ")
    failed = project.run("workflow", "smoke", code=1)
    assert "stage:toy/sum failed" in failed.stderr
    assert "on purpose" in failed.stderr
    assert "executing" not in failed.stdout


def test_one_notebook_needs_its_own_chapter_only(project: Any) -> None:
    project.run("workflow", "notebook:toy-two", "--profile", "smoke")
    assert project.ran() == RAN
    assert not (project.root / "build/notebooks/smoke/toy-one.ipynb").exists()
    project.run("workflow", "stage:toy/numbers")
    assert project.ran() == ["toy/numbers full"]


def test_claims_of_the_last_full_build(project: Any) -> None:
    assert "make book" in project.run("mlsci", "claims", "--json", code=1).stderr
    project.run("workflow", "notebooks")
    claims = json.loads(project.run("mlsci", "claims", "--json").stdout)
    assert [claim["key"] for claim in claims] == ["toy.seed", "toy.steps", "toy.sum"]
    wanted = {"key", "value", "error", "published", "target", "reached", "source", "unit", "seal"}
    assert all(wanted <= set(claim) for claim in claims)
    assert claims[1]["value"] == 8
    assert claims[1]["reached"] is True
    assert all(claim["profile"] == "full" for claim in claims)
    text = project.run("mlsci", "claims").stdout
    assert "toy.steps: 8  target >= 4: reached" in text


def test_claims_with_one_key_stop_the_build(project: Any) -> None:
    project.edit("notebooks/toy-two.py", '"toy.seed"', '"toy.sum"')
    failed = project.run("workflow", "notebooks", "--profile", "smoke", code=1)
    assert "toy.sum is claimed by toy-one and by toy-two" in failed.stderr


def test_reproduce(project: Any) -> None:
    project.run("workflow", "stages")
    before = project.results()
    same = project.run("workflow", "reproduce").stdout
    assert "toy/numbers/numbers.npy identical" in same
    assert "2 of 2 outputs identical to the bit" in same
    assert project.results() == before
    assert project.ran() == ["toy/numbers full", "toy/sum full"] * 2

    other = project.run("workflow", "reproduce", TOY_NOISE="1e-6").stdout
    assert "toy/numbers/numbers.npy differs: largest difference" in other
    assert "toy/sum/sum.json differs: 1 numbers differ, most of all sum:" in other
    assert "0 of 2 outputs identical" in other
    assert project.results() != before
    report = files.read_json(project.root / "build/logs/reproduce.json")
    assert report is not None
    assert [entry["verdict"] for entry in report] == ["differs", "differs"]
    assert "2 of them were fresh" in project.run("mlsci", "run", "toy/*").stdout
    assert not (project.root / "build/reproduce").exists()


def test_reproduce_goes_on_after_a_kill(project: Any) -> None:
    process = project.start("workflow", "reproduce", TOY_PAUSE="5")
    end = time.monotonic() + 120
    while not (project.root / "build/reproduce/toy/numbers").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert not (project.root / "data").exists()
    project.ran()
    out = project.run("workflow", "reproduce").stdout
    assert "1 of 2 stages were computed by a run that was stopped" in out
    assert project.ran() == ["toy/sum full"]
    assert "toy/sum/sum.json new" in out


def test_clean_keeps_what_is_committed(project: Any) -> None:
    project.run("workflow", "stages")
    project.run("workflow", "stages", "--profile", "smoke")
    project.run("workflow", "clean")
    left = sorted(path.name for path in (project.root / "build").iterdir())
    assert left == ["locks"]
    assert (project.root / "data/derived/toy/sum/seal.json").exists()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["boook"], "unknown target 'boook'"),
        (["smoke", "--profile", "full"], "a profile of its own"),
        (["reproduce", "--profile", "smoke"], "a profile of its own"),
        (["book", "--profile", "large"], "invalid choice"),
    ],
)
def test_what_cannot_be_made(project: Any, arguments: list[str], match: str) -> None:
    assert match in project.run("workflow", *arguments, code=2).stderr


def test_a_warm_start_imports_nothing_heavy() -> None:
    heavy = ("tensorflow", "sphinx", "jupyter_book", "papermill", "matplotlib", "IPython", "scipy")
    code = (
        "import sys, workflow.__main__, workflow.dodo, workflow.reproduce, mlsci.__main__\n"
        "from mlsci import stages\n"
        "stages.all_stages()\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
