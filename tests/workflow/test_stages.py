"""The registry of stages, and the compendium's own stages in it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from mlsci import stages
from mlsci.report import paths, sources
from mlsci.report.seal import Stage

PACKAGE = Path(stages.__file__).resolve().parents[1]
# These hand over data and files; what matters of them is hashed as content.
CARRIERS = {"data", "report", "stages"}


def stage(name: str, *inputs: str) -> Stage:
    return Stage(name, "toyfunctions:write", {"smoke": {}}, (), inputs=inputs)


def declare(home: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (home / "declared.py").write_text("from mlsci.report.seal import Stage\n" + text)
    monkeypatch.delitem(sys.modules, "declared", raising=False)
    monkeypatch.syspath_prepend(home)
    monkeypatch.setenv("MLSCI_STAGES", "declared")


ONE = 'STAGES = (Stage("toy/b", "m:f", {"smoke": {}}, (), inputs=("toy/a",)), {})'


def test_stages_come_after_what_they_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = 'Stage("toy/a", "m:f", {"full": {}, "smoke": {}}, ())'
    declare(tmp_path, monkeypatch, ONE.replace(", {})", f", {first})"))
    assert list(stages.all_stages()) == ["toy/a", "toy/b"]
    assert [one.name for one in stages.with_inputs(["toy/b"], "smoke")] == ["toy/a", "toy/b"]
    with pytest.raises(ValueError, match="toy/b has no parameters for the profile full"):
        stages.with_inputs(["toy/b"], "full")
    with pytest.raises(KeyError, match="did you mean toy/"):
        stages.find("toy/c")


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ("", "stage toy/b reads toy/a, which no chapter declares"),
        (
            'Stage("toy/a", "m:f", {"smoke": {}}, (), inputs=("toy/b",))',
            "in a circle: toy/b -> toy/a",
        ),
        ('Stage("toy/b", "m:f", {"smoke": {}}, ())', "two stages are called toy/b"),
    ],
)
def test_what_a_registry_may_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, match: str
) -> None:
    declare(tmp_path, monkeypatch, ONE.replace(", {})", f", {more})"))
    with pytest.raises(ValueError, match=match):
        stages.all_stages()


def test_a_chapter_that_fails_to_import_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(tmp_path, monkeypatch, "import no_such_package")
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        stages.all_stages()
    monkeypatch.setenv("MLSCI_STAGES", "no_such_chapter")
    with pytest.raises(ModuleNotFoundError, match="no_such_chapter"):
        stages.all_stages()


def imported(path: Path) -> set[str]:
    """The modules of this package that a module imports, as sources below ``src/mlsci``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] == "mlsci" and len(parts) > 1 and parts[1] not in CARRIERS:
                file = PACKAGE.joinpath(*parts[1:]).with_suffix(".py")
                if file.is_file():
                    found.add(file.relative_to(PACKAGE).as_posix())
    return found


COMPENDIUM = [pytest.param(one, id=one.name) for one in stages.all_stages().values()]


@pytest.mark.parametrize("one", COMPENDIUM)
def test_the_sources_of_a_stage_are_closed_under_import(one: Stage) -> None:
    """What a source imports from the package is a source as well: else its changes go unseen."""
    named = set(sources.hashes(one.sources))
    for source in sorted(named):
        missing = imported(PACKAGE / source) - named
        assert not missing, f"{one.name} names {source}, which imports {sorted(missing)}"


@pytest.mark.parametrize("one", COMPENDIUM)
def test_the_function_of_a_stage_is_there(one: Stage) -> None:
    assert sources.function_hash(one.run)
    assert set(one.params) <= set(paths.PROFILES)
