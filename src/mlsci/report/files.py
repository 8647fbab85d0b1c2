"""Small files written safely, and hashes of their content."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

Json = Any  # what `json` reads and writes; narrowed where it is used


def canonical(value: Json) -> str:
    """Return JSON that is equal for equal values: sorted keys, no spaces, NaN refused."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Json) -> str:
    """Return the SHA-256 of a JSON value."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, flush it to the disk, and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, value: Json) -> None:
    """Write a JSON value for people and machines, atomically; NaN and infinity are refused."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path) -> Json | None:
    """Return a file's JSON value, or None where there is no file or no JSON in it."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def listing(folder: Path) -> dict[str, Path]:
    """Return the files below a folder by relative name, without those of a leading dot."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            found[name.as_posix()] = path
    return found


def record(path: Path) -> dict[str, Any]:
    """Return what a seal says of an output: ``{"sha256": …, "bytes": …}``."""
    return {"sha256": sha256(path), "bytes": path.stat().st_size}


def damage(folder: Path, outputs: dict[str, Any]) -> str | None:
    """Return what is wrong with a folder's files against a seal's `outputs`, or None."""
    for name, sealed in sorted(outputs.items()):
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != sealed["bytes"] or sha256(path) != sealed["sha256"]:
            return f"{name} is not the file that was sealed"
    return None
