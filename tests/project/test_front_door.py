"""README, citation, licence and make's targets say what is so."""

from __future__ import annotations

import re
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from workflow.checks import findings, requirements, tracked


@pytest.fixture
def citation(top: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((top / "CITATION.cff").read_text(encoding="utf-8"))
    return content


def test_citation_has_what_the_format_asks_for(citation: dict[str, Any]) -> None:
    known = {
        *("cff-version", "message", "title", "type", "version", "license", "authors"),
        *("keywords", "abstract", "references", "doi", "identifiers", "date-released"),
        *("repository-code", "url", "preferred-citation", "contact", "commit"),
    }
    assert set(citation) <= known
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["message"]
    assert citation["title"]
    assert isinstance(citation.get("date-released", date.today()), date)  # noqa: DTZ011
    entries = [citation, *citation["references"]]
    for entry in entries:
        assert entry["title"]
        assert entry["type"]
        assert entry["authors"]
        for author in entry["authors"]:
            assert set(author) in ({"name"}, {"family-names", "given-names"})


def test_citation_agrees_with_the_package(citation: dict[str, Any], top: Path) -> None:
    project = requirements.read_project(top)["project"]
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert [one["name"] for one in citation["authors"]] == [
        one["name"] for one in project["authors"]
    ]


def test_licence_is_complete(top: Path) -> None:
    text = (top / "LICENSE").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE\n                       Version 3, 29 June 2007" in text
    assert "15. Disclaimer of Warranty." in text
    assert "END OF TERMS AND CONDITIONS" in text


def targets(top: Path) -> set[str]:
    text = (top / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    return set(phony.split())


def test_help_lists_every_target(top: Path) -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=top, check=True, capture_output=True, text=True
    ).stdout
    assert {line.split()[0] for line in shown.splitlines()[1:]} == targets(top)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "book/rerun.md"])
def test_commands_in_the_documents_exist(name: str, top: Path) -> None:
    text = (top / name).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE))
    assert {"book", "test"} <= named or name == "CONTRIBUTING.md"
    assert named <= targets(top)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_in_the_documents_lead_somewhere(name: str, top: Path) -> None:
    text = (top / name).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert re.match(r"https?://", link) or (top / link).exists(), link


def test_pictures_in_the_readme_have_alternative_text(top: Path) -> None:
    pictures = re.findall(r"!\[([^\]]*)\]", (top / "README.md").read_text(encoding="utf-8"))
    assert pictures
    assert all(len(alt) > 20 for alt in pictures)


def test_python_blocks_in_the_documents_parse(top: Path) -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        blocks = re.findall(r"^```python\n(.*?)^```$", (top / name).read_text(), re.M | re.S)
        assert blocks, name
        for block in blocks:
            compile(block, name, "exec")


def test_committed_files_hold_no_path_address_or_bulk(top: Path) -> None:
    try:
        files = findings.tracked_files(top)
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("not a git checkout")
    assert len(files) > 20
    assert [str(one) for one in tracked.findings(files, top)] == []


@pytest.mark.parametrize(
    "line",
    [
        "see /ho" + "me/someone/data",
        'open("/ro' + 'ot/x")',
        "cd /wo" + "rk/main",
        "in C:\\\\Users\\me",
        "from files.python" + "hosted.org",
        "cp ../sha" + "red/data .",
    ],
)
def test_a_path_or_address_is_found(line: str) -> None:
    assert len(tracked.text_findings("a.md", line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "build/work/full and data/root/x",
        "/usr/share/datasets/fashion-mnist",
        "PYTHON=/path/to/python3.12",
        "https://example.org/home/me",
        "{x}/work/y",
    ],
)
def test_an_ordinary_line_passes(line: str) -> None:
    assert tracked.text_findings("a.md", line) == []


def test_bulk_is_found(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(b"\0" * (tracked.FILE_MB * 2**20 + 1))
    (found,) = tracked.findings([large], tmp_path)
    assert "files over 3 MB stay out" in found.message
