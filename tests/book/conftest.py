from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.book import fake
from workflow import assemble_book


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with toy notebooks of the smoke profile; nothing is built."""
    monkeypatch.setenv("MLSCI_HOME", str(tmp_path))
    return fake.project(tmp_path, "smoke")


@pytest.fixture(scope="session")
def toy_book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of HTML of a book made of toy notebooks."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLSCI_HOME", str(root))
        fake.project(root, "smoke")
        yield assemble_book.assemble("smoke").parent


@pytest.fixture(scope="session")
def html(request: pytest.FixtureRequest) -> Path:
    """The folder of the book to look at.

    MLSCI_BOOK_HTML names it; else the smoke book of this checkout; else one of toy notebooks.
    """
    named = os.environ.get("MLSCI_BOOK_HTML")
    built = Path(named) if named else fake.CHECKOUT / "build" / "book" / "smoke" / "html"
    if (built / "index.html").is_file():
        return built.resolve()
    assert not named, f"MLSCI_BOOK_HTML names {named}, where there is no index.html: make the book"
    toy: Path = request.getfixturevalue("toy_book")
    return toy


@pytest.fixture(scope="session")
def pages(html: Path) -> list[Path]:
    """Every HTML page of the book."""
    found = sorted(html.rglob("*.html"))
    assert len(found) > 15
    return found
