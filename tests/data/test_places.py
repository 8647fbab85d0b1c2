"""Who provides a data set: the order of the places, and what is said when none has it."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlsci import data
from mlsci.data.registry import REGISTRY, DataFile, DataSet, PackagedTable, SystemPackage
from mlsci.report import paths


def python_package(tiny, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a Python package that carries the tiny set as a table, and breaks if imported."""
    folder = tiny.root / "site" / "tinytable"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported, only to find a file')")
    rows = np.column_stack([tiny.images.reshape(len(tiny.images), -1), tiny.labels])
    text = "\n".join(",".join(map(str, row)) for row in rows) + "\n"
    (folder / "table.csv.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.syspath_prepend(folder.parent)
    table = PackagedTable("tiny-table", "tinytable", "table.csv.gz", white=255, interleave=False)
    tiny.change(table=table)
    return folder


def test_places_are_tried_in_order_and_all_give_the_same_data(tiny, monkeypatch) -> None:
    monkeypatch.setenv("MLSCI_DATA", str(tiny.root / "given"))
    folder = tiny.write(tiny.root / "given" / "tiny")
    cache = tiny.write(tiny.cache)
    system = tiny.write(tiny.root / "usr" / "tiny", gz=False)
    tiny.change(system=SystemPackage("dataset-tiny", system))
    package = python_package(tiny, monkeypatch)

    for kind, place, provider in (
        ("folder", folder, "the folder in MLSCI_DATA, 12 + 4 images"),
        ("cache", cache, "the cache data/raw, 12 + 4 images"),
        ("system", system, "the Debian package dataset-tiny, 12 + 4 images"),
        ("package", package, "the Python package tiny-table, 12 + 4 images"),
    ):
        found = data.available("tiny")
        assert found is not None
        assert (found.kind, found.provider) == (kind, provider)
        loaded = data.load("tiny", "all")
        assert loaded.provider == provider
        np.testing.assert_array_equal(loaded.images, tiny.images)
        np.testing.assert_array_equal(loaded.labels, tiny.labels)
        shutil.rmtree(place)
    assert data.available("tiny") is None


def test_a_place_that_lacks_a_file_is_passed_over_and_named(tiny, monkeypatch) -> None:
    monkeypatch.setenv("MLSCI_DATA", str(tiny.root / "given"))
    (tiny.write(tiny.root / "given" / "tiny") / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(data.MissingData) as caught:
        data.load("tiny")
    assert f"{tiny.root / 'given' / 'tiny'} lacks t10k-labels-idx1-ubyte" in caught.value.cause
    tiny.write(tiny.cache)
    assert data.load("tiny").provider.startswith("the cache")


def test_missing_mnist_says_where_it_looked_and_what_to_do(tiny, monkeypatch) -> None:
    monkeypatch.setenv("MLSCI_DATA", str(tiny.root / "nowhere"))
    with pytest.raises(data.MissingData) as caught:
        data.load("mnist")
    error = caught.value
    assert error.name == "mnist"
    assert "train-images-idx3-ubyte" in error.file
    assert str(tiny.root / "nowhere" / "mnist") in error.cause
    assert str(tiny.root / "project" / "data" / "raw" / "mnist") in error.cause
    assert "`make data`" in error.mend
    assert "MLSCI_DATA" in error.mend
    assert "mnist-5k" in error.mend  # named, never taken instead
    for part in (error.name, error.file, error.cause, error.mend):
        assert part in str(error)


def test_outside_of_a_project_there_is_no_cache(tiny, monkeypatch) -> None:
    def root() -> Path:
        raise paths.NoProjectError("no project here")

    monkeypatch.setattr(paths, "root", root)
    with pytest.raises(data.MissingData, match="not within the project's folder"):
        data.load("mnist")


def test_an_absent_python_package_is_named(tiny) -> None:
    tiny.change(table=PackagedTable("no-such", "no_such_module", "x.csv.gz", 255, False))
    with pytest.raises(data.MissingData, match="no-such is not installed") as caught:
        data.load("tiny")
    assert "no-such" in caught.value.mend


def test_plain_files_are_found_but_are_not_images(tiny, monkeypatch) -> None:
    plain = DataSet(
        *("plain", "Plain", "A table", "CC0", "None", "None"),
        files=(DataFile("table.csv", "0" * 64),),
        kind="files",
    )
    monkeypatch.setitem(REGISTRY, "plain", plain)
    folder = tiny.cache.parent / "plain"
    folder.mkdir(parents=True)
    (folder / "table.csv").write_text("a,b\n")
    found = data.available("plain")
    assert found is not None
    assert found.provider == "the cache data/raw, 1 files"
    with pytest.raises(ValueError, match="not a set of images"):
        data.load("plain")


def test_report_names_every_set_and_provider(tiny) -> None:
    table = data.report().splitlines()
    assert len({len(line) for line in table}) == 1  # aligned
    rows = {line.split("|")[1].strip(): line for line in table[2:]}
    assert set(rows) == set(data.names())
    assert "the Python package scikit-learn" in rows["digits"]
    assert "missing" in rows["mnist"]
    assert str(tiny.root) not in data.report()
    tiny.write(tiny.cache)
    assert "the cache data/raw" in data.report()


def test_importing_and_loading_is_light_and_offline() -> None:
    """No heavy package comes with the import, and neither import nor load opens a connection."""
    program = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("a connection was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from mlsci import data
data.load("digits"), data.load("mnist-5k"), data.report()
try:
    data.load("mnist")
except data.MissingData:
    pass
heavy = {"tensorflow", "keras", "tf_keras", "pandas", "sklearn", "mlxtend", "matplotlib",
         "pooch", "requests"}
sys.exit(", ".join(sorted(heavy & set(sys.modules))) or 0)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
