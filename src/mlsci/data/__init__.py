"""Data sets by name, with licence, official address and the hash of their content.

A set is looked for in this order: the folder `<name>` in the folder which the environment variable
`MLSCI_DATA` names; the cache `data/raw/<name>` of the project; a Debian package; a Python package.
Nothing is ever downloaded by importing or loading: only :func:`fetch`, which `make data` calls,
does that.

>>> from mlsci import data
>>> digits = data.load("digits", split="test")
>>> digits.images.shape, digits.images.dtype, len(digits)
((297, 8, 8), dtype('uint8'), 297)
"""

from __future__ import annotations

from .errors import DamagedData, DataError, MissingData
from .fetching import fetch
from .idx import unpack
from .loader import ImageSet, load, path
from .places import Found, available
from .registry import REGISTRY, DataFile, DataSet, content_sha256, describe

__all__ = [
    "DamagedData",
    "DataError",
    "DataFile",
    "DataSet",
    "Found",
    "ImageSet",
    "MissingData",
    "available",
    "content_sha256",
    "describe",
    "fetch",
    "load",
    "names",
    "path",
    "report",
    "unpack",
]


def names() -> tuple[str, ...]:
    """Return the names of all data sets."""
    return tuple(REGISTRY)


def report() -> str:
    """Return a table (Markdown) of the data sets and of who provides each on this machine.

    No file is opened: the sets are looked for, not verified.
    """
    rows = [("data set", "title", "size", "provider", "licence")]
    for name, dataset in REGISTRY.items():
        found = available(name)
        provider = found.provider.rpartition(f", {dataset.size}")[0] if found else "missing"
        rows.append((name, dataset.title, dataset.size, provider, dataset.licence))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)
