"""The root is found from anywhere inside the project, and nowhere else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsci.report import files, machine, paths


def test_the_environment_names_the_root(home: Path) -> None:
    assert paths.root() == home
    assert paths.derived("full") == home / "data/derived"
    assert paths.derived("smoke") == home / "build/derived/smoke"
    assert paths.book_html("full") == home / "build/book/html/index.html"
    assert paths.book_html("smoke") == home / "build/book/smoke/html/index.html"


def test_a_name_that_is_no_folder_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSCI_HOME", "/no/such/folder")
    with pytest.raises(paths.NoProjectError, match="not a folder"):
        paths.root()


def test_the_root_is_found_upward(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLSCI_HOME")
    (home / "pyproject.toml").write_text('name = "mlsci"')
    inside = home / "build/notebooks/smoke"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert paths.root() == home


def test_outside_it_is_the_checkout_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLSCI_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert paths.root() in Path(paths.__file__).resolve().parents


@pytest.mark.parametrize("name", ["", "Full", "large"])
def test_there_are_two_profiles(name: str) -> None:
    with pytest.raises(ValueError, match="choose one of full, smoke"):
        paths.check_profile(name)


finite = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), json_values))
def test_digests_do_not_depend_on_order(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert files.digest(turned) == files.digest(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_what_is_not_json_is_not_written(tmp_path: Path, value: object) -> None:
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "a.json", value)
    with pytest.raises(ValueError):
        files.digest(value)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "a.json"
    files.write_json(where, {"a": 1})

    def fail(number: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write_json(where, {"a": 2})
    assert files.read_json(where) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_commit_and_changes(home: Path) -> None:
    assert machine.commit() == {"commit": None, "dirty": None}

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=home, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", "src")
    git("commit", "--quiet", "-m", "One")
    head = git("rev-parse", "HEAD")
    (home / "README.md").write_text("Prose.")
    assert machine.commit() == {"commit": head, "dirty": False}
    (home / "src/mlsci/toy/model.py").write_text("x = 1")
    assert machine.commit() == {"commit": head, "dirty": True}
    assert machine.is_tracked(home / "src")
    assert not machine.is_tracked(home / "README.md")


def test_a_meter_measures_the_memory_of_its_own_time() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the kernel's mark cannot be reset here")
    big = bytearray(200 * 2**20)
    del big
    meter = machine.Meter()
    small = meter.read()["peak_memory_mb"]
    big = bytearray(200 * 2**20)
    large = meter.read()
    del big
    assert large["peak_memory_mb"] > small + 150
    assert machine.Meter().read()["peak_memory_mb"] < large["peak_memory_mb"] - 100
    assert large["wall_seconds"] >= 0
