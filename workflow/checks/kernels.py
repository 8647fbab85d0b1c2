"""A pytest plugin with which the kernels of nbval start one after another.

Two kernels that start at the same moment may choose the same ports, and then one never answers:
https://github.com/jupyter/jupyter_client/issues/487.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlsci.report import locks

START = 60.0  # seconds that nbval gives a kernel


def one_at_a_time(start: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that starts kernels while no other process, or thread, does."""

    def started(*args: Any, **settings: Any) -> Any:
        with locks.hold("kernel", "the start of a kernel", wait=5 * START):
            return start(*args, **settings)

    return started


def pytest_configure() -> None:
    """Let nbval's notebooks take turns."""
    from nbval import kernel

    kernel.start_new_kernel = one_at_a_time(kernel.start_new_kernel)
