"""Where everything lies: the one module that knows the project's folders.

Layout, below the project's root::

    data/derived/<stage>/                 full artefacts and their seal.json (committed)
    build/derived/smoke/<stage>/          smoke artefacts and their seal.json
    build/work/<profile>/<stage>/         what an interrupted stage left, to resume from
    build/notebooks/<profile>/            <nb>.ipynb, <nb>.metrics.json, <nb>.seal.json
    build/figures/<profile>/<nb>/         <figure>.png
    build/claims/<profile>.json           every claim of the last complete build
    build/book/                           assembled sources and the HTML
    build/logs/                           logs of stages and notebooks
    build/locks/                          lock files (see :mod:`mlsci.report.locks`)
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal, get_args

Profile = Literal["full", "smoke"]
PROFILES: tuple[Profile, ...] = get_args(Profile)


class NoProjectError(RuntimeError):
    """The project's root folder was not found."""


def check_profile(profile: str) -> Profile:
    """Return `profile` if it is one of the two; raise `ValueError` otherwise."""
    for known in PROFILES:
        if profile == known:
            return known
    raise ValueError(f"unknown profile {profile!r}: choose one of {', '.join(PROFILES)}")


def _is_root(folder: Path) -> bool:
    project = folder / "pyproject.toml"
    return (
        (folder / "notebooks").is_dir()
        and project.is_file()
        and "mlsci" in project.read_text(encoding="utf-8", errors="replace")
    )


def root() -> Path:
    """Return the project's root.

    It is the folder named by the environment variable ``MLSCI_HOME``, else the first folder with
    ``notebooks/`` and a ``pyproject.toml`` that names mlsci, upward from the working directory and
    then from this package.
    """
    home = os.environ.get("MLSCI_HOME")
    return _find_root(home, Path.cwd())


@cache
def _find_root(home: str | None, start: Path) -> Path:
    if home:
        folder = Path(home).expanduser().resolve()
        if not folder.is_dir():
            raise NoProjectError(
                f"MLSCI_HOME names {folder}, which is not a folder: correct or unset it"
            )
        return folder
    for begin in (start, Path(__file__).resolve()):
        for folder in (begin, *begin.parents):
            if _is_root(folder):
                return folder
    raise NoProjectError(
        f"no project found upward from {start}: run inside the checkout, "
        "or name its root in the environment variable MLSCI_HOME"
    )


def source() -> Path:
    """Return the folder of the package's sources: the checkout's, else the installed one."""
    here = root() / "src" / "mlsci"
    return here if here.is_dir() else Path(__file__).resolve().parents[1]


def build() -> Path:
    """Return the folder of everything that can be made again."""
    return root() / "build"


def derived(profile: Profile) -> Path:
    """Return the folder whose sub-folders are the stages' artefacts."""
    return root() / "data" / "derived" if profile == "full" else build() / "derived" / profile


def notebook_sources() -> list[Path]:
    """Return the notebooks' sources (Jupytext percent scripts), sorted by name."""
    return sorted((root() / "notebooks").glob("*.py"))


def notebooks(profile: Profile) -> Path:
    """Return the folder of executed notebooks, their metrics and seals."""
    return build() / "notebooks" / profile


def figures(profile: Profile, notebook: str) -> Path:
    """Return the folder of a notebook's figures."""
    return build() / "figures" / profile / notebook


def claims(profile: Profile) -> Path:
    """Return the file with every claim of the last complete build."""
    return build() / "claims" / f"{profile}.json"


def book_html(profile: Profile) -> Path:
    """Return the book's first page."""
    where = build() / "book"
    return (where if profile == "full" else where / profile) / "html" / "index.html"


def work(label: str) -> Path:
    """Return the folder of unfinished work; `label` is a profile, or names another store."""
    return build() / "work" / label


def logs() -> Path:
    """Return the folder of logs."""
    return build() / "logs"


def locks() -> Path:
    """Return the folder of lock files."""
    return build() / "locks"


def relative(path: Path) -> str:
    """Return `path` below the root with forward slashes, for messages and records."""
    try:
        return path.resolve().relative_to(root()).as_posix()
    except ValueError:
        return path.as_posix()
