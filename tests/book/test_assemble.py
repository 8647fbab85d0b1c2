"""What goes into a book and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from mlsci.report import files, paths
from tests.book import fake
from workflow import assemble_book, book_records
from workflow.book_extension import compared
from workflow.book_records import BookError

NAME = "aeflow-fix"


def change(what: Callable[[nbformat.NotebookNode], Any]) -> None:
    """Change the executed notebook and seal it again."""
    path = paths.notebooks("smoke") / f"{NAME}.ipynb"
    content = nbformat.read(path, as_version=4)
    what(content)
    nbformat.write(content, path)
    fake.seal(NAME, "smoke")


def list_in_toc(home: Path, *notebooks: str) -> None:
    """Leave only some notebooks in the table of contents."""
    where = home / "book" / "_toc.yml"
    toc = yaml.safe_load(where.read_text(encoding="utf-8"))
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            chapter.pop("sections", None)
            if chapter["file"] == "aeflow/index" and notebooks:
                chapter["sections"] = [{"file": f"notebooks/{name}"} for name in notebooks]
    where.write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")


# ------------------------------------------------------------------ what is refused


def test_sound_notebooks_are_taken(home: Path) -> None:
    names = ["aeflow-models", "aeflow-likelihood", "aeflow-fix", "aeflow-tuning"]
    list_in_toc(home, *names)
    records = book_records.load("smoke")
    assert [one.name for one in records.notebooks] == names
    assert set(records.stages) == {fake.STAGE}
    assert len(records.claims) == 8
    assert len(list(records.figures())) == 4


def test_a_missing_notebook_is_named_with_its_mend(home: Path) -> None:
    (paths.notebooks("smoke") / f"{NAME}.ipynb").unlink()
    with pytest.raises(BookError, match=rf"{NAME}.*is not there.*notebook:{NAME} --profile smoke"):
        book_records.load("smoke")


def test_a_failed_notebook_stops_the_book(home: Path) -> None:
    (paths.notebooks("smoke") / f"{NAME}.failed.ipynb").write_text("{}", encoding="utf-8")
    with pytest.raises(BookError, match=rf"{NAME} failed: see .*{NAME}\.failed\.ipynb"):
        book_records.load("smoke")


@pytest.mark.parametrize("where", ["notebook", "metrics", "claim", "seal"])
def test_a_full_book_refuses_smoke_results(home: Path, where: str) -> None:
    """Wherever the profile gives a smoke result away, were it copied among the full ones."""
    fake.project(home, "full")
    folder = paths.notebooks("full")
    if where == "notebook":
        smoke = paths.notebooks("smoke") / f"{NAME}.ipynb"
        (folder / smoke.name).write_bytes(smoke.read_bytes())
        fake.seal(NAME, "full")
    elif where == "seal":
        smoke = paths.notebooks("smoke") / f"{NAME}.seal.json"
        (folder / smoke.name).write_bytes(smoke.read_bytes())
    else:
        path = folder / f"{NAME}.metrics.json"
        metrics = files.read_json(path)
        (metrics if where == "metrics" else metrics["claims"][0])["profile"] = "smoke"
        files.write_json(path, metrics)
        fake.seal(NAME, "full")
    with pytest.raises(BookError, match=f"{NAME} cannot be in a full book.*'smoke'"):
        book_records.load("full")


def test_a_stage_of_another_profile_is_refused(home: Path) -> None:
    fake.project(home, "full")
    smoke = paths.derived("smoke") / fake.STAGE / "seal.json"
    (paths.derived("full") / fake.STAGE / "seal.json").write_bytes(smoke.read_bytes())
    with pytest.raises(BookError, match=r"profile 'smoke': it cannot be in a full book"):
        book_records.load("full")


def test_results_of_an_earlier_stage_are_refused(home: Path) -> None:
    weights = paths.derived("smoke") / fake.STAGE / "weights.bin"
    weights.write_bytes(b"other weights")
    sealed = files.read_json(weights.with_name("seal.json"))
    sealed["outputs"] = {"weights.bin": files.record(weights)}
    sealed["content"] = files.digest(sealed["outputs"])
    sealed["seal"] = files.digest({k: sealed[k] for k in ("stage", "profile", "key", "outputs")})
    files.write_json(weights.with_name("seal.json"), sealed)
    with pytest.raises(BookError, match=r"was executed with an earlier aeflow/toy"):
        book_records.load("smoke")


def test_a_changed_notebook_is_refused(home: Path) -> None:
    path = paths.notebooks("smoke") / f"{NAME}.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("12.91", "1.291"), encoding="utf-8")
    with pytest.raises(BookError, match=f"{NAME} is not what was sealed"):
        book_records.load("smoke")


def test_an_unexecuted_cell_is_refused(home: Path) -> None:
    change(lambda content: content.cells[4].update(execution_count=None))
    with pytest.raises(BookError, match=f"cell 5 of notebook {NAME} was not executed"):
        book_records.load("smoke")


def test_a_cell_that_ended_in_an_error_is_refused(home: Path) -> None:
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
    change(lambda content: content.cells[4].outputs.append(error))
    with pytest.raises(BookError, match=f"cell 5 of notebook {NAME} ended in ValueError: no"):
        book_records.load("smoke")


def test_an_image_that_nobody_described_is_refused(home: Path) -> None:
    change(lambda content: content.cells[4].outputs[0].metadata.clear())
    with pytest.raises(BookError, match="without a name, a caption or an alt text"):
        assemble_book.assemble("smoke")


def test_two_notebooks_cannot_make_one_claim(home: Path) -> None:
    path = paths.notebooks("smoke") / f"{NAME}.metrics.json"
    metrics = files.read_json(path)
    metrics["claims"][0]["key"] = "aeflow.models_distance"
    files.write_json(path, metrics)
    fake.seal(NAME, "smoke")
    with pytest.raises(BookError, match=r"aeflow\.models_distance is claimed by"):
        book_records.load("smoke")


def test_a_page_without_a_file_is_refused(home: Path) -> None:
    (home / "book" / "talk.md").unlink()
    with pytest.raises(BookError, match=r"lists talk, but there is no book/talk\.md"):
        assemble_book.assemble("smoke")


def test_a_page_must_not_stand_twice_in_the_contents(home: Path) -> None:
    list_in_toc(home, NAME, NAME)
    with pytest.raises(BookError, match=f"lists notebooks/{NAME} twice"):
        book_records.load("smoke")


# ------------------------------------------------------------------ whole books


@pytest.mark.slow
def test_warnings_are_fatal_and_the_former_book_stays(home: Path) -> None:
    list_in_toc(home)
    _leave_out_links_to_notebooks(home)
    index = paths.book_html("smoke")
    files.write_bytes(index, b"the former book")
    wrong = {
        "See {doc}`nowhere`.": "nowhere",
        "As shown in {cite:p}`nobody1999`.": "nobody1999",
        "It is {claim}`aeflow.nothing`.": "no notebook claims 'aeflow.nothing'",
        "![a picture](no-such-picture.png)": "no-such-picture.png",
    }
    page = home / "book" / "reading.md"
    page.write_text(page.read_text("utf-8") + "\n" + "\n\n".join(wrong) + "\n", "utf-8")
    with pytest.raises(BookError) as refusal:
        assemble_book.assemble("smoke")
    for complaint in wrong.values():
        assert complaint in str(refusal.value)
    assert index.read_bytes() == b"the former book"


@pytest.mark.slow
def test_a_book_may_have_any_notebooks_and_none(home: Path) -> None:
    list_in_toc(home, "aeflow-tuning")
    _leave_out_links_to_notebooks(home)
    index = assemble_book.assemble("smoke")
    assert [page.stem for page in (index.parent / "notebooks").glob("*.html")] == ["aeflow-tuning"]
    list_in_toc(home)
    index = assemble_book.assemble("smoke")
    assert not (index.parent / "notebooks").exists()
    claims = (index.parent / "claims.html").read_text(encoding="utf-8")
    assert "This edition makes no claims" in claims
    assert "This edition has no figures" in (index.parent / "gallery.html").read_text("utf-8")


def _leave_out_links_to_notebooks(home: Path) -> None:
    for page in (home / "book").glob("*/index.md"):
        kept = re.sub(r"\{doc\}`[^`]*\.\./notebooks/[^`]*`", "a notebook", page.read_text("utf-8"))
        page.write_text(kept, encoding="utf-8")


@pytest.mark.slow
def test_a_full_book_says_so_and_lies_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLSCI_HOME", str(tmp_path))
    fake.project(tmp_path, "full")
    config = tmp_path / "_config.yml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    settings["repository"]["url"] = "https://github.com/someone/something"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    index = assemble_book.assemble("full")
    assert index == tmp_path / "build" / "book" / "html" / "index.html"
    page = (index.parent / "notebooks" / f"{NAME}.html").read_text(encoding="utf-8")
    assert "mlsci-badge-full" in page
    assert (
        "https://mybinder.org/v2/gh/someone/something/main"
        f"?urlpath=lab/tree/notebooks/{NAME}.py" in page
    )
    assert sorted(path.name for path in index.parents[1].iterdir()) == ["full", "html"]
    # The notebook offered is the executed one to the byte, not the one dressed up for the page.
    offered = index.parent / "downloads" / f"{NAME}.ipynb"
    assert offered.read_bytes() == (paths.notebooks("full") / f"{NAME}.ipynb").read_bytes()
    sealed = json.loads((index.parent / "seals" / f"{fake.STAGE}.json").read_text("utf-8"))
    assert sealed == files.read_json(paths.derived("full") / fake.STAGE / "seal.json")


# ------------------------------------------------------------------ settings and numbers


@pytest.fixture
def settings() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((fake.CHECKOUT / "_config.yml").read_text("utf-8"))
    found["repository"]["url"] = ""
    return found


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://github.com/someone/something.git\n", "https://github.com/someone/something"),
        ("git@github.com:someone/some.thing.git", "https://github.com/someone/some.thing"),
        ("ssh://git@gitlab.com/someone/something", "https://gitlab.com/someone/something"),
        ("/srv/git/something.git", ""),
        ("https://token@private.example/someone/something.git", ""),
        ("https://github.com.evil.example/someone/something.git", ""),
        ("", ""),
    ],
)
def test_the_repository_is_that_of_the_remote_if_public(
    settings: dict[str, Any], origin: str, url: str
) -> None:
    found = assemble_book.resolved(settings, origin)
    assert found["repository"]["url"] == url
    assert ("launch_buttons" in found) == bool(url)


def test_a_repository_that_is_set_is_not_replaced(settings: dict[str, Any]) -> None:
    settings["repository"]["url"] = "https://gitlab.com/a/b"
    found = assemble_book.resolved(settings, "https://github.com/someone/something")
    assert found["repository"]["url"] == "https://gitlab.com/a/b"
    assert found["launch_buttons"]["binderhub_url"]


def test_ours_over_published() -> None:
    assert compared(2.0, None, None) == ""
    assert compared(0.0063, None, 0.0064) == "0.984"
    assert compared(3.0, None, 0.0) == "+3"
    assert "−1.0 σ" in compared(0.0063, 0.0001, 0.0064)
