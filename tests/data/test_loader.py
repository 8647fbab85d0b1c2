"""Loading: what comes out, and that no damage of any kind gets through."""

from __future__ import annotations

import gzip
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsci import data
from mlsci.data import loader
from mlsci.data.registry import PackagedTable, SystemPackage

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.mark.parametrize("gz", [True, False])
def test_splits(tiny, gz: bool) -> None:
    tiny.write(tiny.cache, gz)
    for split, rows in (("train", slice(12)), ("test", slice(12, 16)), ("all", slice(16))):
        part = data.load("tiny", split)
        assert (part.name, part.split, part.sha256) == ("tiny", split, data.content_sha256("tiny"))
        assert part.images.dtype == np.uint8
        assert part.labels.dtype == np.int64
        np.testing.assert_array_equal(part.images, tiny.images[rows])
        np.testing.assert_array_equal(part.labels, tiny.labels[rows])
        assert len(part) == len(part.labels)
        for values in (part.images, part.labels):
            assert not values.flags.writeable
    assert data.load("tiny").split == "train"


def test_a_gz_name_on_decompressed_content_is_read(tiny) -> None:
    tiny.write(tiny.cache)
    (tiny.cache / f"{IMAGES}.gz").write_bytes(tiny.contents[IMAGES])
    np.testing.assert_array_equal(data.load("tiny").images, tiny.images[:12])


def truncated(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {IMAGES: gzip.compress(contents[IMAGES])[:-30]}


def half(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {IMAGES: gzip.compress(contents[IMAGES][:200])}


def empty(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {IMAGES: b""}


def swapped(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {IMAGES: gzip.compress(contents[LABELS]), LABELS: gzip.compress(contents[IMAGES])}


def wrong_magic(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {IMAGES: gzip.compress(b"\0\0\x0d\x03" + contents[IMAGES][4:])}


def web_page(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {IMAGES: b"<!DOCTYPE html><title>404</title>"}


def one_pixel(contents: dict[str, bytes]) -> dict[str, bytes]:
    values = bytearray(contents[IMAGES])
    values[100] ^= 1
    return {IMAGES: gzip.compress(bytes(values))}


def one_label(contents: dict[str, bytes]) -> dict[str, bytes]:
    values = bytearray(contents[LABELS])
    values[-1] ^= 1
    return {LABELS: gzip.compress(bytes(values))}


def too_few_labels(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {LABELS: gzip.compress(contents[TEST_LABELS])}


def splits_swapped(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {
        IMAGES: gzip.compress(contents[TEST_IMAGES]),
        LABELS: gzip.compress(contents[TEST_LABELS]),
    }


def another_size(contents: dict[str, bytes]) -> dict[str, bytes]:
    header = struct.pack(">IIII", 0x803, 12, 6, 5)
    return {IMAGES: gzip.compress(header + contents[IMAGES][16:])}


@pytest.mark.parametrize(
    ("damage", "file", "cause"),
    [
        (truncated, IMAGES, "truncated: its gzip stream breaks off after"),
        (half, IMAGES, "truncated: 200 bytes, where 12 x 5 x 6 values take 376"),
        (empty, IMAGES, "too short"),
        (swapped, IMAGES, "wrong magic number 00 00 08 01: it holds labels .* swapped"),
        (wrong_magic, IMAGES, "wrong magic number 00 00 0d 03"),
        (web_page, IMAGES, "not an IDX file"),
        (one_pixel, IMAGES, "not the published one .*sha256"),
        (one_label, LABELS, "not the published one .*sha256"),
        (too_few_labels, LABELS, f"holds 4 labels for the 12 images of {IMAGES}"),
        (splits_swapped, IMAGES, "not the published one"),
        (another_size, IMAGES, "holds images of 6 x 5 pixels, not 5 x 6"),
    ],
)
@pytest.mark.parametrize(
    ("place", "mend"),
    [("folder", "unset MLSCI_DATA"), ("cache", "make data"), ("system", "dataset-t")],
)
def test_damage_is_refused_with_file_cause_and_mend(
    tiny,
    monkeypatch,
    damage: Callable[[dict[str, bytes]], dict[str, bytes]],
    file: str,
    cause: str,
    place: str,
    mend: str,
) -> None:
    folder = tiny.cache if place == "cache" else tiny.root / "given" / "tiny"
    if place == "folder":
        monkeypatch.setenv("MLSCI_DATA", str(folder.parent))
    if place == "system":
        tiny.change(system=SystemPackage("dataset-tiny", folder))
    tiny.write(folder)
    for name, stored in damage(tiny.contents).items():
        (folder / f"{name}.gz").write_bytes(stored)
    for split in ("train", "all"):
        with pytest.raises(data.DamagedData, match=cause) as caught:
            data.load("tiny", split)
        assert caught.value.file == str(folder / f"{file}.gz")
        assert mend in caught.value.mend
    if damage is not splits_swapped:
        assert len(data.load("tiny", "test")) == 4  # the other split is sound


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(data.DamagedData("a", "b", "c", "d")))
    assert (error.name, error.file, error.cause, error.mend) == ("a", "b", "c", "d")
    assert str(error) == "a: b: c\n  Mend: d"


def test_wrong_names_are_answered_with_the_right_ones(tiny) -> None:
    with pytest.raises(ValueError, match=r"no data set named 'fashion'.*fashion-mnist, mnist"):
        data.load("fashion")
    with pytest.raises(ValueError, match="split 'validation': choose one of train, test, all"):
        data.load("digits", "validation")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("0,0,0\n0,0", "column"),
        ("0,0,x\n", "x"),
        ("0,0,0,0,300,1\n", "pixels from 0 to 300, not 0 to 255"),
        ("1,2,3,4,5,6,7,1\n", "reshape"),
        ("\n".join("1," * 30 + "1" for _ in range(16)), "not the published one"),
    ],
)
def test_a_changed_table_of_a_package_is_refused(
    tiny, monkeypatch, tmp_path: Path, text: str, cause: str
) -> None:
    package = tmp_path / "site" / "tinytable"
    package.mkdir(parents=True)
    (package / "t.csv.gz").write_bytes(gzip.compress(text.encode()))
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(package.parent)
    tiny.change(table=PackagedTable("tiny-table", "tinytable", "t.csv.gz", 255, False))
    with pytest.raises(data.DamagedData, match=cause) as caught:
        data.load("tiny")
    assert caught.value.file == str(package / "t.csv.gz")
    assert "tiny-table anew" in caught.value.mend


@given(st.integers(1, 255))
def test_scaling_to_bytes_rounds_halves_upwards_and_can_be_undone(white: int) -> None:
    values = np.arange(white + 1)
    table = PackagedTable("", "", "", white, interleave=False)
    rows = np.column_stack([values, np.zeros_like(values)])
    scaled = loader.arrange(rows, table, (1, 1))[0].ravel().astype(float)
    np.testing.assert_array_equal(scaled, np.floor(255 * values / white + 0.5))
    np.testing.assert_array_equal(np.round(scaled * white / 255), values)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_interleaving_takes_one_of_each_class_in_turn(labels: list[int]) -> None:
    """Rows stay whole and in their order within a class; turns get no longer."""
    rows = np.column_stack([np.arange(len(labels)), sorted(labels)])
    table = PackagedTable("", "", "", 255, interleave=True)
    images, classes = loader.arrange(rows, table, (1, 1))
    which = images.ravel()
    assert sorted(which) == list(range(len(labels)))
    np.testing.assert_array_equal(classes, np.array(sorted(labels))[which])
    for c in set(labels):
        assert (np.diff(which[classes == c].astype(int)) > 0).all()
    turns = np.flatnonzero(np.diff(classes.astype(int)) <= 0) + 1
    sizes = np.diff([0, *turns, len(labels)])
    assert (np.diff(sizes) <= 0).all()
