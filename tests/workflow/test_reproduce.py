"""What is said of two runs of a stage that differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow import reproduce


def verdicts(before: Path, after: Path) -> dict[str, str]:
    found = reproduce.compare("toy/a", before, after)
    return {difference.output: f"{difference.verdict} {difference.detail}" for difference in found}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
        (folder / "seal.json").write_text(folder.name)  # never compared
    return before, after


def test_files_that_come_and_go(folders: tuple[Path, Path]) -> None:
    before, after = folders
    (before / "old.txt").write_text("x")
    (after / "new.txt").write_text("x")
    for folder in folders:
        (folder / "same.bin").write_bytes(b"x")
    (before / "other.bin").write_bytes(b"x")
    (after / "other.bin").write_bytes(b"xy")
    assert verdicts(before, after) == {
        "new.txt": "new ",
        "old.txt": "gone ",
        "other.bin": "differs 1 bytes before, 2 now",
        "same.bin": "identical ",
    }


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            {"a": {"b": [1.0, 2.0]}},
            {"a": {"b": [1.0, 2.2]}},
            ["1 numbers differ", "a.b[1]: 2 before, 2.2 now (0.091"],
        ),
        ({"a": 0}, {"a": 1e-9}, ["(1 relative)"]),
        ({"a": "x", "b": 1}, {"a": "y", "b": 1}, ["1 other values differ"]),
        ({"a": 1}, {"a": 1, "b": 2}, ["1 entries are in one of the two only"]),
        ({"a": True}, {"a": False}, ["1 other values differ"]),
    ],
)
def test_json(folders: tuple[Path, Path], old: Any, new: Any, words: list[str]) -> None:
    for folder, value in zip(folders, (old, new), strict=True):
        (folder / "a.json").write_text(json.dumps(value))
    said = verdicts(*folders)["a.json"]
    for word in words:
        assert word in said


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_difference_of_numbers(old: float, new: float) -> None:
    change = reproduce._relative(old, new)
    assert 0 <= change <= 2
    assert change == reproduce._relative(new, old)
    assert (change == 0) == (old == new) or abs(new - old) < 1e-300


def test_json_that_is_equal_but_written_differently(folders: tuple[Path, Path]) -> None:
    for folder, text in zip(folders, ('{"a":1}', '{"a": 1}'), strict=True):
        (folder / "a.json").write_text(text)
    assert "equal values" in verdicts(*folders)["a.json"]
    (folders[1] / "a.json").write_text("{")
    assert "cannot be read" in verdicts(*folders)["a.json"]


def test_arrays(folders: tuple[Path, Path]) -> None:
    before, after = folders
    one = np.array([0.0, -4.0], np.float16)
    np.savez(before / "a.npz", one=one, two=np.arange(3), gone=np.zeros(1))
    np.savez(after / "a.npz", one=one + np.float16(0.5), two=np.arange(3))
    said = verdicts(before, after)["a.npz"]
    assert "1 arrays are in one of the two only" in said
    assert "largest difference 0.12 of the largest value, in one" in said
    np.savez(after / "a.npz", one=one, two=np.arange(4), gone=np.zeros(1))
    assert "two has another shape" in verdicts(before, after)["a.npz"]
    np.savez(after / "a.npz", one=one, two=np.arange(3), gone=np.array([np.nan]))
    assert "gone" in verdicts(before, after)["a.npz"]
    np.savez_compressed(after / "a.npz", one=one, two=np.arange(3), gone=np.zeros(1))
    assert "equal arrays" in verdicts(before, after)["a.npz"]


def test_replacing_can_be_repeated_after_a_kill(tmp_path: Path) -> None:
    new, folder = tmp_path / "store/a", tmp_path / "derived/a"
    for place, text in ((new, "new"), (folder, "old")):
        place.mkdir(parents=True)
        (place / "x").write_text(text)
    (tmp_path / "derived/.a.new").mkdir()  # what a killed replacement leaves
    (tmp_path / "derived/.a.old").mkdir()
    reproduce.replace(new, folder)
    assert (folder / "x").read_text() == "new"
    assert (new / "x").read_text() == "new"
    assert [path.name for path in folder.parent.iterdir()] == ["a"]
