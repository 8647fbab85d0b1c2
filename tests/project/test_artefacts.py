"""The committed results of the full profile are complete, and fit the present sources."""

from __future__ import annotations

import pytest

from mlsci import stages
from mlsci.report import seal

FULL = [stage for stage in stages.all_stages().values() if "full" in stage.params]


def test_there_are_stages() -> None:
    assert FULL


@pytest.mark.parametrize("stage", FULL, ids=lambda stage: stage.name)
def test_committed_result_is_fresh(stage: seal.Stage) -> None:
    """Otherwise `make book` would compute for hours on a reader's machine."""
    state = seal.check(stage, "full")
    assert state.fresh, f"{stage.name} is {state}: run python -m mlsci run '{stage.name}'"
