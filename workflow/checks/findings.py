"""What a check found, and where the checks look."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One thing to mend; prints as ``path:line: message``."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def root() -> Path:
    """Return the checkout that these checks are part of."""
    return Path(__file__).resolve().parents[2]


def tracked_files(top: Path) -> list[Path]:
    """Return the files that git tracks, and those it would if they were added."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=top,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = (top / name for name in sorted(set(listed.split("\0"))) if name)
    return [path for path in found if path.is_file()]
