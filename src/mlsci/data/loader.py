"""Read an image set from wherever it was found, and trust nothing before it is verified."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from . import idx
from .errors import DamagedData
from .places import Found, available, missing, stored
from .registry import DataFile, DataSet, PackagedTable, Split, describe

Part = Literal["train", "test", "all"]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and their labels, verified and read-only.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, height, width)
        0 is black. Divide by np.float32(255) for [0, 1]: a float64 divisor costs twice the memory.
    labels : ndarray of int64, shape (n,)
        Index into the classes of `mlsci.data.describe(name)`.
    name : str
        The data set.
    split : {"train", "test", "all"}
        The part of it; "all" is train followed by test.
    provider : str
        Who provided it and how much: "the Debian package …, 60,000 + 10,000 images".
    sha256 : str
        Hash of the content of the whole set, `mlsci.data.content_sha256(name)`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    name: str
    split: Part
    provider: str
    sha256: str

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)


def load(name: str, split: Part = "train") -> ImageSet:
    """Load an image set from the first place that has it; nothing is ever downloaded here.

    Parameters
    ----------
    name : str
        "fashion-mnist" (70,000), "mnist" (70,000), "mnist-5k" (5,000) or "digits" (1,797, 8 x 8).
    split : {"train", "test", "all"}
        Which part; "all" is the training images followed by the test images.

    Returns
    -------
    ImageSet
        Its hashes, sizes and labels have been checked against the registry.

    Raises
    ------
    MissingData
        If no place has it; the message says where it was looked for and what to do.
    DamagedData
        If a file is not the published one; the message says what is wrong with it.
    """
    dataset = describe(name)
    if dataset.kind != "images":
        raise ValueError(
            f"{name} is not a set of images: it has files, see data.available({name!r})"
        )
    if split not in get_args(Part):
        raise ValueError(f"split {split!r}: choose one of {', '.join(get_args(Part))}")
    found = available(name)
    if found is None:
        raise missing(dataset)
    return _read(dataset, found, split)


def _read(dataset: DataSet, found: Found, split: Part) -> ImageSet:
    splits: tuple[Split, ...] = ("train", "test") if split == "all" else (split,)
    contents = _contents(dataset, found, splits)
    parts = [_pair(dataset, found, contents, s) for s in splits]
    images = parts[0][0] if len(parts) == 1 else np.concatenate([p[0] for p in parts])
    labels = np.concatenate([p[1] for p in parts]).astype(np.int64)
    images.flags.writeable = labels.flags.writeable = False
    return ImageSet(images, labels, dataset.name, split, found.provider, dataset.sha256)


def path(name: str, file: str) -> Path:
    """Return where a file of a data set lies, after verifying its content.

    Parameters
    ----------
    name : str
        The data set, "italy_mortality" for one.
    file : str
        One of its files, by the name in the registry.

    Returns
    -------
    Path
        The file, gzipped or not, whatever its name: `mlsci.data.unpack` reads both.

    Raises
    ------
    ValueError
        If the set has no file of that name.
    MissingData, DamagedData
        As `load` does.
    """
    dataset = describe(name)
    record = next((f for f in dataset.files if f.name == file), None)
    if record is None:
        there = ", ".join(f.name for f in dataset.files)
        raise ValueError(f"{name} has no file {file!r}; it has {there}")
    found = available(name)
    result = None if found is None else stored(found.path, record)
    if found is None or result is None:
        raise missing(dataset)
    check(dataset, found, record, _content(dataset, found, record))
    return result


def verify(dataset: DataSet, found: Found) -> None:
    """Check every file of a data set that was found.

    Parameters
    ----------
    dataset : DataSet
        Its record.
    found : Found
        Where it lies.

    Raises
    ------
    DamagedData
        If one of them is not the published one.
    """
    if dataset.kind == "images":
        _read(dataset, found, "all")
        return
    for file in dataset.files:
        check(dataset, found, file, _content(dataset, found, file))


def check(dataset: DataSet, found: Found, file: DataFile, content: bytes) -> None:
    """Check the content of one file: for an IDX file its form first, for the better message.

    Parameters
    ----------
    dataset : DataSet
        The record of its data set.
    found : Found
        Where it lies.
    file : DataFile
        The record of the file.
    content : bytes
        Decompressed.

    Raises
    ------
    DamagedData
        With the cause and the mend.
    """
    if file.shape:
        _array(dataset, found, file, content)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise _damaged(
            dataset,
            found,
            file,
            "its form is right, but its content is not the published one "
            f"(sha256 of the decompressed content is not {file.sha256[:12]}…)",
        )


def _pair(
    dataset: DataSet, found: Found, contents: Mapping[str, bytes], split: Split
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the verified images and labels of a split."""
    files = dataset.file(split, "images"), dataset.file(split, "labels")
    images, labels = (_array(dataset, found, f, contents[f.name]) for f in files)
    if len(images) != len(labels):
        cause = f"holds {len(labels):,} labels for the {len(images):,} images of {files[0].name}"
        raise _damaged(dataset, found, files[1], cause)
    for file in files:
        check(dataset, found, file, contents[file.name])
    return images, labels


def _array(dataset: DataSet, found: Found, file: DataFile, content: bytes) -> NDArray[np.uint8]:
    """Decode a file and check that it holds the kind of array which its name promises."""
    try:
        values = idx.decode(content)
    except idx.IdxError as error:
        raise _damaged(dataset, found, file, str(error)) from None
    if values.ndim != len(file.shape):
        kinds = {1: "labels (1 dimension)", 3: "images (3 dimensions)"}
        holds = kinds.get(values.ndim, f"{values.ndim} dimensions")
        cause = f"wrong magic number {content[:4].hex(' ')}: it holds {holds}"
        if values.ndim in kinds:
            cause += "; the files of images and labels seem to be swapped"
        raise _damaged(dataset, found, file, cause)
    if values.shape[1:] != file.shape[1:]:
        sizes = [" x ".join(map(str, shape[1:])) for shape in (values.shape, file.shape)]
        raise _damaged(dataset, found, file, f"holds images of {sizes[0]} pixels, not {sizes[1]}")
    return values


def _contents(dataset: DataSet, found: Found, splits: tuple[Split, ...]) -> dict[str, bytes]:
    if found.kind == "package":
        return _table_contents(dataset, found)
    files = [file for file in dataset.files if file.split in splits]
    return {file.name: _content(dataset, found, file) for file in files}


def _content(dataset: DataSet, found: Found, file: DataFile) -> bytes:
    path = stored(found.path, file)
    if path is None:  # it was there a moment ago
        raise missing(dataset)
    try:
        return idx.unpack(path)
    except idx.IdxError as error:
        raise _damaged(dataset, found, file, str(error)) from None


def _table_contents(dataset: DataSet, found: Found) -> dict[str, bytes]:
    """Turn a Python package's table into the IDX files that the registry has hashes of."""
    table, (_, height, width) = dataset.table, dataset.file("train", "images").shape
    assert table is not None  # or it would not have been found in a package
    whole = DataFile(found.path.name, "")
    try:
        text = idx.unpack(found.path).decode("ascii")
        rows = np.loadtxt(text.splitlines(), delimiter=",", dtype=np.int64, ndmin=2)
        images, labels = arrange(rows, table, (height, width))
    except ValueError as error:  # of gzip, of the text, of a number, of the shape
        raise _damaged(dataset, found, whole, str(error)) from None
    start = 0
    contents = {}
    for split in get_args(Split):
        rows_of_split = slice(start, start := start + dataset.count(split))
        for what, values in (("images", images), ("labels", labels)):
            file = dataset.file(split, "images" if what == "images" else "labels")
            contents[file.name] = idx.encode(values[rows_of_split])
    return contents


def arrange(
    rows: NDArray[np.int64], table: PackagedTable, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Turn the rows of a table into images and labels, scaled and ordered as `table` says.

    Parameters
    ----------
    rows : ndarray of int64, shape (n, height * width + 1)
        Pixels, then the label.
    table : PackagedTable
        Its scale and order.
    size : tuple of int
        Height and width.
    """
    pixels, labels = rows[:, :-1], rows[:, -1]
    if pixels.min() < 0 or pixels.max() > table.white:
        raise ValueError(f"pixels from {pixels.min()} to {pixels.max()}, not 0 to {table.white}")
    images = ((2 * 255 * pixels + table.white) // (2 * table.white)).reshape(-1, *size)
    if table.interleave:
        # rank of each row within its class; sorting by (rank, class) takes one of each in turn
        by_class = np.argsort(labels, kind="stable")
        counts = np.bincount(labels)
        rank = np.empty(len(labels), np.int64)
        rank[by_class] = np.concatenate([np.arange(n) for n in counts])
        order = np.lexsort((labels, rank))
        images, labels = images[order], labels[order]
    return images.astype(np.uint8), labels.astype(np.uint8)


def _damaged(dataset: DataSet, found: Found, file: DataFile, cause: str) -> DamagedData:
    path = found.path if found.kind == "package" else stored(found.path, file)
    mend = {
        "folder": "put the published file there, or unset MLSCI_DATA and run `make data`",
        "cache": "run `make data`, which fetches it anew",
        "system": f"reinstall {dataset.system.package if dataset.system else 'the package'}, "
        "or set MLSCI_DATA to a folder with an undamaged copy",
        "package": f"install {dataset.table.package if dataset.table else 'the package'} anew, in "
        "the version that requirements.lock names",
    }[found.kind]
    return DamagedData(dataset.name, str(path or file.name), cause, mend)
