"""Keep TensorFlow's notices about itself out of notebooks and logs.

On import it writes, from compiled code and with the time of day, that it found no GPU and that it
uses oneDNN. In a notebook that would be an output that differs at each execution. `install`, called
when `mlsci.report` is imported, takes these lines out of what that one import writes; all else
that it writes is passed on. TensorFlow itself is imported no sooner than it would be.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

_NOTICE = re.compile(rb"I\d{4} |WARNING: All log messages before absl::InitializeLog")


def install() -> None:
    """Make the import of TensorFlow quiet in this process, if it is still to come."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" not in sys.modules and not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow where the other finders do, once, and has it loaded quietly."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if (
            module.__spec__ is not None
        ):  # code that asks the module for its loader gets the real one
            module.__spec__.loader = module.__loader__ = self.loader
        with without_notices():
            self.loader.exec_module(module)


@contextmanager
def without_notices() -> Iterator[None]:
    """Hold back what is written to the error descriptor; then pass it on without the notices."""
    try:
        original = os.dup(2)
    except OSError:  # there is no such descriptor
        yield
        return
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            held.seek(0)
            for line in held:
                if not _NOTICE.match(line):
                    os.write(2, line)
