"""The graph of tasks: stages, notebooks, claims, book.

``python -m workflow TARGET`` runs it under the project's lock; ``doit -f workflow/dodo.py list``
shows it. Freshness of every task is a matter of seals (content), never of doit's own memory, which
forgets finished tasks when it is killed: so that memory is thrown away after each run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from doit import get_var
from doit.exceptions import TaskFailed
from doit.reporter import ConsoleReporter

from mlsci import stages
from mlsci.report import claims, locks, paths, provenance, seal
from mlsci.report.paths import Profile
from workflow import book_step, processes, run_notebook

Task = dict[str, Any]


class Reporter(ConsoleReporter):
    """Says what failed, and how much was fresh; the steps speak for themselves."""

    def __init__(self, outstream: Any, options: Any) -> None:
        super().__init__(outstream, options)
        self.fresh: dict[str, int] = {}

    def execute_task(self, task: Any) -> None:
        pass

    def skip_uptodate(self, task: Any) -> None:
        kind = task.name.partition(":")[0]
        self.fresh[kind] = self.fresh.get(kind, 0) + 1

    def _write_failure(self, result: Any, write_exception: bool = True) -> None:
        failure = result["exception"]
        sys.stderr.write(f"{result['task'].name} failed: {failure.get_msg().strip()}\n")

    def complete_run(self) -> None:
        for error in self.runtime_errors:
            sys.stderr.write(f"{error}\n")
        if self.fresh:
            counts = ", ".join(
                f"{count} {kind}{'s' * (count > 1)}" for kind, count in self.fresh.items()
            )
            self.write(f"fresh already: {counts}\n")


DOIT_CONFIG = {
    "default_tasks": ["book"],
    "reporter": Reporter,
    "verbosity": 2,
    "dep_file": str(paths.build() / "doit.json"),
    "backend": "json",
}


def _profile() -> Profile:
    return paths.check_profile(get_var("profile", "full"))


def _stages(profile: Profile) -> list[seal.Stage]:
    return [stage for stage in stages.all_stages().values() if profile in stage.params]


def task_stage() -> Iterator[Task]:
    """Costly computations, each run unless its seal is fresh."""
    profile = _profile()
    for stage in _stages(profile):
        yield {
            "name": stage.name,
            "actions": [(_run_stage, [stage, profile])],
            "uptodate": [(_stage_is_fresh, [stage, profile])],
            "task_dep": [f"stage:{name}" for name in stage.inputs],
        }


def _stage_is_fresh(stage: seal.Stage, profile: Profile) -> bool:
    return seal.check(stage, profile).fresh


def _run_stage(stage: seal.Stage, profile: Profile) -> TaskFailed | None:
    try:
        # Not doit's own streams: loggers that a stage's packages set up would outlive them.
        with redirect_stdout(sys.__stdout__), redirect_stderr(sys.__stderr__):
            seal.execute(stage, profile)
    except (seal.NotReadyError, locks.BusyError) as error:
        return TaskFailed(str(error))
    return None


def task_notebook() -> Iterator[Task]:
    """Notebooks, each executed unless its seal is fresh; after its chapter's stages."""
    profile = _profile()
    known = _stages(profile)
    for source in paths.notebook_sources():
        chapter = source.stem.partition("-")[0]
        yield {
            "name": source.stem,
            "actions": [(_run_notebook, [source.stem, profile])],
            "uptodate": [(_notebook_is_fresh, [source, profile])],
            "task_dep": [f"stage:{stage.name}" for stage in known if stage.chapter == chapter],
        }


def _notebook_is_fresh(source: Path, profile: Profile) -> bool:
    state = provenance.check(source, profile, {"profile": profile}, run_notebook.runner_hash())
    return state.fresh


def _run_notebook(name: str, profile: Profile) -> TaskFailed | None:
    code = processes.run_module("workflow.run_notebook", name, "--profile", profile)
    return TaskFailed(processes.exit_text(code)) if code else None


def task_claims() -> Task:
    """The claims of all notebooks, in one file."""
    profile = _profile()
    return {
        "actions": [(_gather, [profile])],
        "task_dep": [f"notebook:{source.stem}" for source in paths.notebook_sources()],
    }


def _gather(profile: Profile) -> TaskFailed | None:
    known = {source.stem for source in paths.notebook_sources()}
    for path in paths.notebooks(profile).glob("*.*"):
        # Of notebooks that are no more, of killed writes, and of failures that are mended.
        if path.name.partition(".")[0] not in known or path.name.endswith(".failed.ipynb"):
            path.unlink()
    try:
        claims.gather(profile)
    except (LookupError, ValueError) as error:
        return TaskFailed(str(error))
    return None


def task_book() -> Task:
    """The book, from the executed notebooks."""
    profile = _profile()
    return {
        "actions": [(_build_book, [profile])],
        "uptodate": [(_book_is_fresh, [profile])],
        "task_dep": ["stage", "claims"],
    }


def _book_is_fresh(profile: Profile) -> bool:
    return book_step.check(profile).fresh


def _build_book(profile: Profile) -> TaskFailed | None:
    code = processes.run_module("workflow.book_step", "--profile", profile)
    return TaskFailed(processes.exit_text(code)) if code else None
