"""A by-town release that Istat replaced by later ones, where the user has kept it.

The published excess of the province of Bergamo rests on the release that has its towns to 11 April.
Nobody can fetch that any more, so its hash is not known here either: whatever file the user
supplies is read with all checks, and named with its hash.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from mlsci.data.places import cache_folder

FOLDER = "italy_by_town"
ENDINGS = (".csv", ".csv.gz", ".zip", ".rds")
WANTED = (
    f"put Istat's by-town release of 4 May 2020 or later (the file as published: "
    f"{', '.join(ENDINGS)}) into a folder {FOLDER!r} of the folder in MLSCI_DATA or of data/raw, "
    "and build the book again"
)


@dataclass(frozen=True)
class Supplied:
    """A by-town release that the user keeps.

    Attributes
    ----------
    path : Path
        The file.
    sha256 : str
        Of its bytes.
    """

    path: Path
    sha256: str


def supplied() -> Supplied | None:
    """Return the by-town release that the user supplies, or None.

    Raises
    ------
    ValueError
        If there are several: which one is meant?
    """
    given = os.environ.get("MLSCI_DATA", "")
    cache = cache_folder()
    folders = [Path(given).expanduser()] if given else []
    folders += [cache] if cache is not None else []
    found = [
        path
        for folder in folders
        if (folder / FOLDER).is_dir()
        for path in sorted((folder / FOLDER).iterdir())
        if path.is_file() and path.name.lower().endswith(ENDINGS)
    ]
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"several by-town releases in {FOLDER}: {names}. Keep one of them there")
    with found[0].open("rb") as stream:
        return Supplied(found[0], hashlib.file_digest(stream, "sha256").hexdigest())
