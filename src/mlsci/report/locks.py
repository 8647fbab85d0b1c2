"""Locks that say who holds them, and that die with their holder.

The lock is the operating system's (through `filelock`), so a killed process frees it. Beside it
lies a small JSON file that names the holder; it informs, and decides nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlsci.report import files, machine, paths


class BusyError(RuntimeError):
    """Another process holds the lock."""


@contextmanager
def hold(name: str, what: str, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock `name` for as long as the context lasts.

    Parameters
    ----------
    name
        The lock's name; slashes become hyphens.
    what
        What the lock guards, for the message ("the project", "stage aeflow/ae").
    wait
        Seconds to wait for the holder before `BusyError` is raised.
    """
    import filelock

    where = paths.locks() / (name.replace("/", "-") + ".lock")
    where.parent.mkdir(parents=True, exist_ok=True)
    holder = where.with_suffix(".json")
    lock = filelock.FileLock(where)
    try:
        lock.acquire(timeout=wait)
    except filelock.Timeout:
        raise BusyError(_message(what, files.read_json(holder) or {})) from None
    try:
        command = " ".join([Path(sys.argv[0] or "python").name, *sys.argv[1:]])
        files.write_json(
            holder,
            {"pid": os.getpid(), "command": command, "since": machine.now(), "epoch": time.time()},
        )
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _message(what: str, holder: dict[str, object]) -> str:
    pid = holder.get("pid")
    if pid is None:
        return f"{what} is held by another process that has only just begun: try again in a moment"
    epoch = holder.get("epoch")
    age = f", {_age(time.time() - epoch)} ago" if isinstance(epoch, float) else ""
    return (
        f"{what} is held by process {pid} ({holder.get('command')}) "
        f"since {holder.get('since')}{age}.\n"
        f"Wait until it ends, or stop it (kill {pid}) and run this again: "
        "what it has finished is kept, and the lock goes with the process."
    )


def _age(seconds: float) -> str:
    minutes = int(max(seconds, 0.0) // 60)
    if minutes < 1:
        return f"{int(max(seconds, 0.0))} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
