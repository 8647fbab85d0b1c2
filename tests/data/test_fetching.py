"""Fetching: dropped connections, killed runs and bad servers leave nothing half-done."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlsci import data
from mlsci.data import fetching, idx, registry
from mlsci.data.registry import SystemPackage

FILES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]


def everything_below(folder: Path) -> list[str]:
    """Return all files, hidden ones too."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def is_complete(tiny) -> bool:
    np.testing.assert_array_equal(data.load("tiny", "all").images, tiny.images)
    return everything_below(tiny.cache.parent) == sorted(f"tiny/{name}" for name in FILES)


def test_a_missing_set_is_downloaded_once(tiny, web) -> None:
    assert data.available("tiny") is None
    assert data.fetch(["tiny"])["tiny"].kind == "cache"
    assert web.requests == FILES
    assert is_complete(tiny)
    data.fetch(["tiny"])
    assert web.requests == FILES


@pytest.mark.parametrize("how", ["drop", "cut", "hang up", 503])
def test_a_connection_dropped_half_way_is_tried_again(tiny, web, capsys, how) -> None:
    web.plan[FILES[0]] = [how, how]
    data.fetch(["tiny"])
    assert web.requests == [FILES[0]] * 3 + FILES[1:]
    # at each request, only verified files had their final name
    assert web.seen == [[], [], [], [FILES[0]], sorted(FILES[:2]), sorted(FILES[:3])]
    assert is_complete(tiny)
    assert "trying again (3 of 3)" in capsys.readouterr().out


@pytest.mark.parametrize("how", ["drop", "cut"])
def test_a_connection_that_always_drops_leaves_nothing(tiny, web, how) -> None:
    web.plan[FILES[0]] = [how] * fetching.ATTEMPTS
    with pytest.raises(data.MissingData, match="Tried") as caught:
        data.fetch(["tiny"])
    assert f"{web.address}first/{FILES[0]}" in caught.value.cause
    assert web.requests == [FILES[0]] * fetching.ATTEMPTS
    assert everything_below(tiny.cache.parent) == []
    assert data.available("tiny") is None
    data.fetch(["tiny"])  # the server has recovered
    assert is_complete(tiny)


def test_what_is_complete_is_not_downloaded_again(tiny, web) -> None:
    web.plan[FILES[2]] = [404]
    with pytest.raises(data.MissingData, match="404"):
        data.fetch(["tiny"])
    assert web.requests == FILES[:3]  # 404 is an answer: asked once
    assert everything_below(tiny.cache.parent) == sorted(f"tiny/{name}" for name in FILES[:2])
    assert data.available("tiny") is None
    data.fetch(["tiny"])
    assert web.requests == FILES[:3] + FILES[2:]
    assert is_complete(tiny)


def test_a_killed_run_leaves_nothing_that_looks_complete(tiny, web, tmp_path: Path) -> None:
    record = tmp_path / "record.pickle"
    record.write_bytes(pickle.dumps(tiny.record))
    program = """
import pickle, sys
from mlsci.data import fetch, registry
with open(sys.argv[1], "rb") as stream:
    registry.REGISTRY["tiny"] = pickle.load(stream)
fetch(["tiny"])
"""
    web.plan[FILES[1]] = ["stall"]
    run = subprocess.Popen([sys.executable, "-c", program, str(record)], stdout=subprocess.DEVNULL)
    try:
        assert web.stalled.wait(60)
    finally:
        run.kill()
        run.wait()
    web.released.set()
    assert [p.name for p in tiny.cache.iterdir()] == [FILES[0]]
    assert data.available("tiny") is None
    data.fetch(["tiny"])
    assert web.requests == [FILES[0], FILES[1], *FILES[1:]]
    np.testing.assert_array_equal(data.load("tiny", "all").images, tiny.images)


WRONG = {
    "a page instead of a file": b"<!DOCTYPE html><title>Sign in to this network</title>",
    "another set's file": gzip.compress(idx.encode(np.zeros((12, 5, 6), np.uint8))),
    "labels for images": gzip.compress(idx.encode(np.zeros(12, np.uint8))),
}


# The names are given: made of the bytes, which hold the time, they would differ between workers.
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_wrong_content_is_refused_and_the_next_address_asked(tiny, web, wrong: bytes) -> None:
    tiny.change(addresses=(f"{web.address}first/", f"{web.address}second/"))
    web.plan[FILES[0]] = [wrong] * fetching.ATTEMPTS
    data.fetch(["tiny"])
    assert web.requests.count(FILES[0]) == fetching.ATTEMPTS + 1
    assert is_complete(tiny)


def test_a_server_that_decompresses_on_the_way_does_no_harm(tiny, web) -> None:
    web.plan[FILES[0]] = [tiny.contents[FILES[0].removesuffix(".gz")]]
    data.fetch(["tiny"])
    assert is_complete(tiny)


def test_an_address_that_does_not_answer_is_left_at_once(tiny, web, capsys) -> None:
    tiny.change(addresses=("http://127.0.0.1:1/", f"{web.address}second/"))
    data.fetch(["tiny"])
    assert is_complete(tiny)
    assert "trying again" not in capsys.readouterr().out


def test_without_a_network_nothing_is_left_behind(tiny, web) -> None:
    tiny.change(addresses=("http://127.0.0.1:1/",))
    with pytest.raises(data.MissingData, match="cannot be reached"):
        data.fetch(["tiny"])
    assert list(tiny.cache.parent.iterdir()) == []


def test_damage_in_the_cache_is_mended(tiny, web, capsys) -> None:
    tiny.write(tiny.cache)
    (tiny.cache / FILES[0]).write_bytes(b"\x1f\x8b broken")
    data.fetch(["tiny"])
    assert web.requests == FILES[:1]
    assert is_complete(tiny)
    assert FILES[0] in capsys.readouterr().out


def test_damage_in_the_cache_uncovers_the_next_place(tiny, web) -> None:
    tiny.change(system=SystemPackage("dataset-tiny", tiny.write(tiny.root / "usr" / "tiny")))
    tiny.write(tiny.cache)
    (tiny.cache / FILES[0]).write_bytes(b"\x1f\x8b broken")
    assert data.fetch(["tiny"])["tiny"].kind == "system"
    assert web.requests == []


def test_damage_in_the_given_folder_is_reported_and_left_alone(tiny, web, monkeypatch) -> None:
    monkeypatch.setenv("MLSCI_DATA", str(tiny.root / "given"))
    folder = tiny.write(tiny.root / "given" / "tiny")
    (folder / FILES[0]).write_bytes(b"broken")
    with pytest.raises(data.DamagedData, match="unset MLSCI_DATA"):
        data.fetch(["tiny"])
    assert (folder / FILES[0]).read_bytes() == b"broken"
    assert web.requests == []


def test_without_names_what_cannot_be_had_is_reported_only(tiny, web, monkeypatch, capsys) -> None:
    record = tiny.record
    monkeypatch.setattr(
        fetching, "REGISTRY", {"tiny": record, "digits": registry.REGISTRY["digits"]}
    )
    web.plan[FILES[0]] = [404]
    assert set(data.fetch()) == {"digits"}
    out = capsys.readouterr().out
    assert "tiny: train-images-idx3-ubyte" in out
    assert "404" in out
    assert "digits: the Python package scikit-learn, 1,500 + 297 images" in out


def test_files_with_addresses_of_their_own_are_fetched_one_by_one(tiny, web, monkeypatch) -> None:
    texts = {"a.tsv": b"region\tdeaths\nMarche\t3\n", "b.rds": b"\xfd7zXZ not gzipped"}
    web.files = {"one.tsv": gzip.compress(texts["a.tsv"]), "two": texts["b.rds"]}
    records = tuple(
        registry.DataFile(name, hashlib.sha256(text).hexdigest(), address=f"{web.address}x/{file}")
        for (name, text), file in zip(texts.items(), web.files)
    )
    plain = registry.DataSet(*("plain", "P", "Files", "CC0", "None", "None"), records, "files")
    monkeypatch.setitem(registry.REGISTRY, "plain", plain)
    with pytest.raises(data.MissingData, match="make data"):
        data.path("plain", "a.tsv")
    web.plan["two"] = ["drop", b"something else"]
    data.fetch(["plain"])
    assert web.requests == ["one.tsv", "two", "two", "two"]
    assert {name: data.unpack(data.path("plain", name)) for name in texts} == texts
    with pytest.raises(ValueError, match=r"no file 'c.tsv'; it has a.tsv, b.rds"):
        data.path("plain", "c.tsv")
    (tiny.cache.parent / "plain" / "a.tsv.gz").write_bytes(texts["b.rds"])
    with pytest.raises(data.DamagedData, match="not the published one"):
        data.path("plain", "a.tsv")


# ---------------------------------------------------------------------------------------------
# The Debian package, with a stand-in for apt-get


def commands(tiny, monkeypatch, apt_get: str) -> Path:
    """Put an `apt-get` (shell script) first in PATH; return the log of its calls."""
    folder = tiny.root / "bin"
    folder.mkdir()
    log = tiny.root / "apt.log"
    script = folder / "apt-get"
    script.write_text(f'#!/bin/sh\necho "$@" >> {log}\n{apt_get}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    tiny.change(system=SystemPackage("dataset-tiny", Path("/usr/share/datasets/tiny-for-tests")))
    return log


@pytest.fixture
def archive(tiny) -> Path:
    """Build the Debian package of the tiny set."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no dpkg-deb on this system, so no Debian package can be built")
    tree = tiny.root / "tree"
    tiny.write(tree / "usr/share/datasets/tiny-for-tests")
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(
        "Package: dataset-tiny\nVersion: 1\nArchitecture: all\n"
        "Maintainer: Nobody <nobody@example.org>\nDescription: tiny\n"
    )
    goal = tiny.root / "dataset-tiny_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(tree), str(goal)], check=True, capture_output=True)
    return goal


def test_the_debian_package_is_unpacked_first(tiny, web, archive, monkeypatch) -> None:
    log = commands(tiny, monkeypatch, f"cp {archive} .")
    assert data.fetch(["tiny"])["tiny"].kind == "cache"
    assert log.read_text().split()[-2:] == ["download", "dataset-tiny"]
    assert len(log.read_text().splitlines()) == 1
    assert web.requests == []
    assert is_complete(tiny)


def test_package_lists_are_renewed_without_root(tiny, web, archive, monkeypatch) -> None:
    log = commands(
        tiny,
        monkeypatch,
        f"""case "$*" in
  *Dir::State::Lists=*update) exit 0 ;;
  *Dir::State::Lists=*download*) cp {archive} . ;;
  *) echo 'E: Unable to locate package dataset-tiny' >&2; exit 100 ;;
esac""",
    )
    data.fetch(["tiny"])
    calls = [line.split() for line in log.read_text().splitlines()]
    assert [("download" in call, "update" in call) for call in calls] == [
        (True, False),
        (False, True),
        (True, False),
    ]
    assert str(tiny.cache.parent) in log.read_text()  # its own lists, not the system's
    assert web.requests == []
    assert is_complete(tiny)


def test_without_the_package_the_address_is_asked(tiny, web, monkeypatch) -> None:
    commands(tiny, monkeypatch, "echo 'E: Unable to locate package' >&2; exit 100")
    data.fetch(["tiny"])
    assert web.requests == FILES
    assert is_complete(tiny)


def test_without_apt_the_address_is_asked(tiny, web, monkeypatch) -> None:
    tiny.change(system=SystemPackage("dataset-tiny", Path("/usr/share/datasets/tiny-for-tests")))
    monkeypatch.setenv("PATH", str(tiny.root))
    data.fetch(["tiny"])
    assert web.requests == FILES


def test_a_damaged_package_is_refused(tiny, web, archive, monkeypatch) -> None:
    commands(tiny, monkeypatch, f"head -c 300 {archive} > broken.deb")
    data.fetch(["tiny"])
    assert web.requests == FILES
    assert is_complete(tiny)


def test_both_ways_failing_are_both_named(tiny, web, monkeypatch) -> None:
    commands(tiny, monkeypatch, "echo 'E: Unable to locate package dataset-tiny' >&2; exit 100")
    web.plan[FILES[0]] = [403]
    with pytest.raises(data.MissingData, match="Tried") as caught:
        data.fetch(["tiny"])
    assert "Unable to locate package dataset-tiny" in caught.value.cause
    assert "403" in caught.value.cause
    assert everything_below(tiny.cache.parent) == []
