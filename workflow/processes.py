"""Child processes that end with the process that started them.

A killed parent cannot clean up: its children would go on, and write into the next run's files.
So each child watches its parent, and kills its own process group when the parent has gone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from mlsci.report import paths

PARENT = "MLSCI_PARENT"
POLL_SECONDS = 0.25


def run_module(module: str, *arguments: str) -> int:
    """Run ``python -m module arguments`` to its end and return its exit code."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=Path(__file__).resolve().parents[1],
        env={**os.environ, PARENT: str(os.getpid()), "MLSCI_HOME": str(paths.root())},
        start_new_session=True,
    )
    try:
        return child.wait()
    finally:  # on Ctrl-C above all, which a child in its own session does not see
        if child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def end_with_parent() -> None:
    """Watch the parent that `run_module` named; without one, do nothing."""
    parent = os.environ.pop(PARENT, None)
    if parent is not None:
        threading.Thread(target=_watch, args=(int(parent),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def exit_text(code: int) -> str:
    """Return how a child ended, for a message."""
    if code >= 0:
        return f"exit code {code}"
    hint = ", perhaps for want of memory" if code == -signal.SIGKILL else ""
    return f"killed by signal {-code}{hint}"
