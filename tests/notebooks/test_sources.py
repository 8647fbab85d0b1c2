"""The notebooks and pages of this checkout keep the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow.checks import findings, notebooks, prose

TOP = findings.root()
SOURCES = sorted((TOP / "notebooks").glob("*.py"))
PAGES = sorted((TOP / "book").rglob("*.md"))


def test_there_are_notebooks_and_pages() -> None:
    assert SOURCES
    assert PAGES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_notebook_narrates_and_holds_no_logic(path: Path) -> None:
    assert [str(one) for one in notebooks.source(path, TOP)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(TOP / "book").as_posix())
def test_page_has_no_typed_in_decimal(path: Path) -> None:
    assert [str(one) for one in prose.page(path, TOP)] == []


def test_exceptions_are_used() -> None:
    """A rule that nothing breaks any more needs no exception."""
    used = {
        (path.stem, tag)
        for path in SOURCES
        for (name, tag) in notebooks.EXCEPTIONS
        if name == path.stem and f'"{tag}"' in path.read_text(encoding="utf-8")
    }
    assert set(notebooks.EXCEPTIONS) == used
    assert all(reason.strip() for reason in notebooks.EXCEPTIONS.values())
