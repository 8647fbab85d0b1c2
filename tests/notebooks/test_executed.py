"""The executed notebooks of the smoke profile are complete. They are made by `make smoke`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workflow.checks import findings, notebooks

TOP = findings.root()
FOLDER = TOP / "build" / "notebooks" / "smoke"
NAMES = sorted(path.stem for path in (TOP / "notebooks").glob("*.py"))

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="no executed notebooks: run `make smoke` first"),
]


def test_every_notebook_was_executed_and_no_other_is_there() -> None:
    assert NAMES
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_executed_notebook_is_complete(name: str) -> None:
    assert [str(one) for one in notebooks.executed(FOLDER / f"{name}.ipynb", TOP)] == []


@pytest.mark.parametrize("name", NAMES)
def test_executed_notebook_is_that_of_the_present_source(name: str) -> None:
    """Cells of the source, in their order, with the injected parameters between them."""
    import jupytext
    import nbformat

    source = jupytext.read(TOP / "notebooks" / f"{name}.py", fmt="py:percent")
    executed = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    kept = [
        cell.source
        for cell in executed.cells
        if "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    assert kept == [cell.source for cell in source.cells]


@pytest.mark.parametrize("name", NAMES)
def test_executed_notebook_names_no_path_of_this_machine(name: str) -> None:
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert str(TOP) not in text
    assert os.fspath(Path.home()) + "/" not in text or Path.home() == Path("/")
