"""Standard output and error, seen on the terminal and kept in a log."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def fix_environment() -> None:
    """Start this program again unless its environment is the fixed one; call it first of all.

    The order of sets of strings, TensorFlow's chatter and the language of messages must not
    depend on who runs the program.
    """
    fixed = {"PYTHONHASHSEED": "0", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    if any(os.environ.get(name) != value for name, value in fixed.items()):
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **fixed})


@contextmanager
def tee(log: Path) -> Iterator[None]:
    """Copy all that this process and its children print into `log`, from scratch.

    Works on the file descriptors, so that what compiled libraries print is kept as well. Where
    Python's streams do not end in descriptors (a notebook), they are left alone.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    streams = [
        stream
        for stream, number in ((sys.stdout, 1), (sys.stderr, 2))
        if stream is not None and _descriptor(stream) == number
    ]
    with log.open("wb", buffering=0) as copy:
        for stream in streams:  # what was printed before is not the log's
            stream.flush()
        pumps = [_Pump(stream.fileno(), copy.fileno()) for stream in streams]
        try:
            yield
        finally:
            for stream in streams:
                with suppress(ValueError, OSError):
                    stream.flush()
            for pump in pumps:
                pump.close()


def _descriptor(stream: object) -> int | None:
    try:
        return stream.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return None


class _Pump:
    """Puts a pipe in a descriptor's place, and copies what comes through to two places."""

    def __init__(self, number: int, copy: int) -> None:
        self.number = number
        self.original = os.dup(number)
        reading, writing = os.pipe()
        os.dup2(writing, number)
        os.close(writing)
        self.thread = threading.Thread(target=self._run, args=(reading, copy), daemon=True)
        self.thread.start()

    def _run(self, reading: int, copy: int) -> None:
        with suppress(OSError):
            while chunk := os.read(reading, 65536):
                for target in (self.original, copy):
                    with suppress(OSError):
                        os.write(target, chunk)
        os.close(reading)

    def close(self) -> None:
        os.dup2(self.original, self.number)
        self.thread.join(timeout=2.0)  # a child that lives on may hold the pipe open
        if not self.thread.is_alive():
            os.close(self.original)
