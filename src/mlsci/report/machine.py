"""What a record says of the machine, the software and the cost of a computation."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mlsci.report import paths


def now() -> str:
    """Return the present time, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that mlsci computes with."""
    found = {"python": platform.python_version()}
    try:
        needs = metadata.requires("mlsci") or []
    except metadata.PackageNotFoundError:
        needs = []
    for need in ["mlsci", "keras", *needs]:
        name = re.match(r"[A-Za-z0-9._-]+", need)
        if name is None or "extra ==" in need:
            continue
        try:
            found[name.group().lower()] = metadata.version(name.group())
        except metadata.PackageNotFoundError:
            continue
    return dict(sorted(found.items()))


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@cache
def _describe() -> tuple[tuple[str, Any], ...]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        ("cpu", _cpu()),
        ("cores", cores),
        ("system", f"{platform.system()} {platform.machine()}"),
    )


def describe() -> dict[str, Any]:
    """Return the processor's name, the cores at hand and the system; no name of the machine."""
    return dict(_describe())


def _git(*arguments: str) -> str | None:
    try:
        result = subprocess.run(
            ["git", "-C", str(paths.root()), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()


def commit() -> dict[str, Any]:
    """Return ``{"commit": hash or None, "dirty": …}``.

    `dirty` tells whether a file that can change results (package, notebooks, workflow) differs
    from the commit; it is None without a repository.
    """
    head = _git("rev-parse", "HEAD")
    if not head:
        return {"commit": None, "dirty": None}
    changed = _git("status", "--porcelain", "--", "src", "notebooks", "workflow")
    return {"commit": head, "dirty": None if changed is None else bool(changed)}


def is_tracked(path: Path) -> bool:
    """Whether git can bring `path` back."""
    return bool(_git("ls-files", "--", paths.relative(path)))


def _usage() -> tuple[float, float]:
    """CPU seconds of this process and its children, and its peak memory in MiB."""
    try:
        import resource
    except ImportError:  # not on Windows
        return time.process_time(), 0.0
    unit = 2**20 if sys.platform == "darwin" else 2**10
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = own.ru_maxrss / unit
    try:  # unlike ru_maxrss, the kernel's own mark can be reset
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        mark = re.search(r"VmHWM:\s+(\d+) kB", status)
        peak = int(mark.group(1)) / 1024 if mark else peak
    except OSError:
        pass
    seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return seconds, peak


def _reset_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


@dataclass
class Meter:
    """The cost of what is computed from the making of this object on."""

    began: float = field(default_factory=time.perf_counter)
    cpu: float = field(init=False)

    def __post_init__(self) -> None:
        _reset_peak()
        self.cpu = _usage()[0]

    def read(self) -> dict[str, float]:
        """Return wall and CPU seconds (children's included) and this process's peak memory."""
        cpu, peak = _usage()
        return {
            "wall_seconds": round(time.perf_counter() - self.began, 2),
            "cpu_seconds": round(cpu - self.cpu, 2),
            "peak_memory_mb": round(peak, 1),
        }
