"""Where data sets are looked for, in order, without opening a file.

1. the folder `<name>` in the folder that the environment variable MLSCI_DATA names;
2. the cache, `data/raw/<name>` in the project, which `mlsci.data.fetch` fills;
3. a system package;
4. a Python package.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import MissingData
from .registry import DataFile, DataSet, describe

Kind = Literal["folder", "cache", "system", "package"]


@dataclass(frozen=True)
class Found:
    """Where a data set lies.

    Attributes
    ----------
    name : str
        The data set.
    kind : {"folder", "cache", "system", "package"}
        Which of the four places.
    path : Path
        The folder of its files, or the table in the Python package.
    provider : str
        The place and how much it provides, in words, without any path of this machine.
    """

    name: str
    kind: Kind
    path: Path
    provider: str


@dataclass(frozen=True)
class _Place:
    kind: Kind
    label: str
    path: Path | None
    state: str = ""  # why there is no path


def cache_folder() -> Path | None:
    """Return the folder of fetched data, `data/raw` in the project; None outside of a project."""
    # here, not above: `mlsci.report` seals data by their hashes, and imports this package
    from mlsci.report import paths

    try:
        return paths.root() / "data" / "raw"
    except paths.NoProjectError:
        return None


def stored(folder: Path, file: DataFile) -> Path | None:
    """Return where a file lies in a folder, gzipped (looked for first) or not."""
    candidates = (folder / f"{file.name}.gz", folder / file.name)
    return next((path for path in candidates if path.is_file()), None)


def available(name: str) -> Found | None:
    """Say who provides a data set, without loading it.

    Parameters
    ----------
    name : str
        One of the names in the registry.

    Returns
    -------
    Found or None
        The first place that holds all its files; their content is not looked at.
    """
    dataset = describe(name)
    for place in _places(dataset):
        if place.path is not None and not _lack(dataset, place):
            provider = f"{place.label}, {dataset.size}"
            return Found(name, place.kind, place.path, provider)
    return None


def missing(dataset: DataSet) -> MissingData:
    """Return the error which says where a data set was looked for, and what to do."""
    looked = [f"{place.label}: {_lack(dataset, place)}" for place in _places(dataset)]
    if dataset.addresses or all(file.address for file in dataset.files):
        mend = (
            "run `make data`, which downloads it (with a network), or set MLSCI_DATA to a folder "
            f"with a folder `{dataset.name}` that holds these files"
        )
    elif dataset.table is not None:
        mend = f"run `make`, which installs the Python package {dataset.table.package}"
    else:
        mend = f"set MLSCI_DATA to a folder with a folder `{dataset.name}` that holds these files"
    if dataset.smaller:
        smaller = describe(dataset.smaller)
        mend += (
            f"; or do with the smaller set {smaller.name!r} ({smaller.size}), where that is enough"
        )
    return MissingData(
        dataset.name,
        ", ".join(f.name for f in dataset.files),
        "not found. Looked in" + "".join(f"\n    - {line}" for line in looked),
        mend,
    )


def _places(dataset: DataSet) -> Iterator[_Place]:
    given = os.environ.get("MLSCI_DATA", "")
    label = "the folder in MLSCI_DATA"
    if given:
        yield _Place("folder", label, Path(given).expanduser() / dataset.name)
    else:
        yield _Place("folder", label, None, "MLSCI_DATA is not set")
    cache = cache_folder()
    if cache is not None:
        yield _Place("cache", "the cache data/raw", cache / dataset.name)
    else:
        yield _Place("cache", "the cache data/raw", None, "not within the project's folder")
    if dataset.system is not None:
        label = f"the Debian package {dataset.system.package}"
        yield _Place("system", label, dataset.system.folder)
    if dataset.table is not None:
        package = dataset.table.package
        # finds the package without importing it
        spec = importlib.util.find_spec(dataset.table.module)
        roots = spec.submodule_search_locations if spec is not None else None
        path = Path(next(iter(roots))) / dataset.table.path if roots else None
        state = f"{package} is not installed"
        yield _Place("package", f"the Python package {package}", path, state)


def _lack(dataset: DataSet, place: _Place) -> str:
    """Say what a place lacks; nothing when it holds the whole set."""
    if place.path is None:
        return place.state
    if place.kind == "package":
        return "" if place.path.is_file() else f"there is no {place.path}"
    if not place.path.is_dir():
        return f"there is no folder {place.path}"
    absent = [file.name for file in dataset.files if stored(place.path, file) is None]
    return f"{place.path} lacks {', '.join(absent)}" if absent else ""
