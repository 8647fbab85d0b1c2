"""Faults for the tests, and a book that is built in no time; Python imports this at its start.

``TOY_KILL=n`` with ``TOY_KILL_IN=text``: a process whose command line has the text kills itself
before its n-th change to a file of the project. ``TOY_COUNT=file`` counts the changes instead.
"""

import atexit
import os
import signal
import sys
import types
from pathlib import Path

HOME = os.environ.get("MLSCI_HOME", "")
CHANGES = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate")
seen = {"changes": 0}


def _is_change(event: str, arguments: tuple) -> bool:
    if event not in CHANGES or not arguments:
        return False
    path = arguments[0]
    if not isinstance(path, str | bytes | os.PathLike) or (
        event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
    ):
        return False
    name = os.fsdecode(path)
    return name.startswith(HOME) or (event != "open" and not name.startswith("/"))


def _watch(event: str, arguments: tuple) -> None:
    if _is_change(event, arguments):
        seen["changes"] += 1
        if str(seen["changes"]) == os.environ.get("TOY_KILL"):
            os.kill(os.getpid(), signal.SIGKILL)


def _write_count(file: str) -> None:
    Path(file).write_text(str(seen["changes"]))


def _assemble(profile: str) -> Path:
    """A book of one page that names the notebooks' claims."""
    from mlsci.report import claims, files, paths

    page = paths.book_html(profile)
    text = "\n".join(f"{claim['key']} {claim['text']}" for claim in claims.last_build(profile))
    files.write_bytes(page, f"<html>{text}</html>".encode())
    files.write_bytes(page.with_name("style.css"), b"body {}")
    return page


if HOME:
    with Path(HOME, "pids.log").open("a") as log:
        log.write(f"{os.getpid()}\n")
    if os.environ.get("TOY_KILL_IN", "\0") in " ".join(sys.orig_argv):
        sys.addaudithook(_watch)
        if "TOY_COUNT" in os.environ:
            atexit.register(_write_count, os.environ["TOY_COUNT"])
    module = types.ModuleType("workflow.assemble_book")
    module.assemble = _assemble
    sys.modules[module.__name__] = module
