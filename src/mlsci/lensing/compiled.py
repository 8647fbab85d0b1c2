"""How the hot loops are compiled, and where the machine code is kept.

Compilation costs seconds, so its result is kept between runs: in NUMBA_CACHE_DIR where that is set,
else in the user's cache folder (XDG_CACHE_HOME, or `~/.cache`), never beside the source. Where that
folder cannot be written, each process compiles for itself.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

# multiplications and additions may be fused and reordered; NaN and infinity stay what they are
_FLOATS = {"contract", "reassoc", "arcp", "nsz"}
# whose loops others compile into their own
_SHARED = ("compiled.py", "kernels.py", "lightcone.py")
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": _FLOATS}


def cache_folder() -> Path | None:
    """Return where compiled loops are kept; None where no folder can be written."""
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(base) / "mlsci" / "numba")
        folder = folder / _shared_sources()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no such folder, or no home
        return None
    return folder if os.access(folder, os.W_OK) else None


def _shared_sources() -> str:
    """Return a hash of what is compiled into functions of other modules, which numba cannot see."""
    here = Path(__file__).parent
    texts = b"".join((here / name).read_bytes() for name in _SHARED)
    return hashlib.sha256(texts).hexdigest()[:12]


def inlined(function: Function) -> Function:
    """Compile a small function into those that call it."""
    return cast(Function, numba.njit(function, forceinline=True, **_OPTIONS))


def compiled(function: Function) -> Function:
    """Compile a function at its first call (numba); it lets other threads run meanwhile."""
    folder, settings = cache_folder(), cast(Any, numba.config)
    before = settings.CACHE_DIR
    # the place is fixed when a function is decorated: other packages keep theirs
    settings.CACHE_DIR = str(folder or "")
    try:
        return cast(Function, numba.njit(function, cache=folder is not None, **_OPTIONS))
    finally:
        settings.CACHE_DIR = before


def share(work: Callable[[int, int], object], size: int, threads: int) -> None:
    """Do the parts of a range in as many threads.

    Parameters
    ----------
    work : callable
        Takes where a part begins and ends; parts must not touch each other's results, and the
        hot loop within must be `compiled`.
    size, threads : int
        The range is 0, …, size - 1, and goes into `threads` equal parts.
    """
    if threads == 1:
        work(0, size)
        return
    bounds = [size * part // threads for part in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, *part) for part in zip(bounds, bounds[1:])]:
            done.result()
