"""A pytest plugin that makes nbval compare pictures, too.

nbval leaves images out of its comparison since drawing differs between machines. Here a notebook is
executed twice on one machine, and the same artefacts must give the same picture, byte for byte.
"""

from __future__ import annotations

from typing import Any

COMPARED = ("image/png",)


def pytest_collectstart(collector: Any) -> None:
    """Take pictures off the list of what is not compared."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare = tuple(
            kind for kind in collector.skip_compare if kind not in COMPARED
        )
