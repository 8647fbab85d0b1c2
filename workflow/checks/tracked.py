"""What committed files must not hold: paths of a machine, addresses of registries, bulk."""

from __future__ import annotations

import re
from pathlib import Path

from workflow.checks.findings import Finding

FILE_MB = 3
DERIVED_MB = 30
# Put together here, so that this file does not find itself.
_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("py" + "pi", "org"),
        ("python" + "hosted", "org"),
        ("registry", "npm" + "js", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("conda", "anaconda", "org"),
        ("repo", "anaconda", "com"),
    )
)
_PATHS = re.compile(
    r"(?<![\w.>})\]*~-])/(?:home|Users|mnt|media)/\w[\w.-]*"
    r"|(?<![\w.>})\]*~-])/(?:root|work|tmp)/\w[\w.-]*"
    r"|\b[A-Z]:\\\\?Users"
)
_BESIDE = "../" + "shared"


def text_findings(name: str, text: str, top: Path | None = None) -> list[Finding]:
    """Return the paths and addresses in one file's text."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        for host in _HOSTS:
            if host in line:
                found.append(Finding(name, number, f"names the registry host {host}: leave it out"))
        match = _PATHS.search(line)
        if match or (top is not None and str(top) in line):
            what = match[0] if match else str(top)
            found.append(Finding(name, number, f"names a path of one machine: {what}"))
        if _BESIDE in line and name != ".ci/run":
            found.append(Finding(name, number, f"names {_BESIDE}, which users do not have"))
    return found


def findings(files: list[Path], top: Path) -> list[Finding]:
    """Return everything in tracked files that must not be there."""
    found = []
    derived = 0.0
    for path in files:
        name = path.relative_to(top).as_posix()
        content = path.read_bytes()
        megabytes = len(content) / 2**20
        if name.startswith("data/derived/"):
            derived += megabytes
        elif megabytes > FILE_MB:
            found.append(Finding(name, 1, f"{megabytes:.1f} MB: files over {FILE_MB} MB stay out"))
        if b"\0" not in content:
            found += text_findings(name, content.decode("utf-8", errors="replace"), top)
    if derived > DERIVED_MB:
        found.append(
            Finding(
                "data/derived", 1, f"{derived:.1f} MB in all: at most {DERIVED_MB} are committed"
            )
        )
    return found
