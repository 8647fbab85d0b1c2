"""The numbers that the executed notebooks claim are there, finite and possible."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from workflow.checks import findings, metrics

TOP = findings.root()
BOUNDS = Path(__file__).with_name("bounds.toml")
# Full results are looked at where they were made; the smoke ones must be there.
PROFILES = [
    "smoke",
    *(["full"] if (TOP / "build" / "claims" / "full.json").is_file() else []),
]

pytestmark = pytest.mark.notebook


@pytest.mark.parametrize("profile", PROFILES)
def test_numbers_are_present_finite_and_within_bounds(profile: str) -> None:
    folder = TOP / "build" / "notebooks" / profile
    if not any(folder.glob("*.metrics.json")):
        pytest.skip("no executed notebooks: run `make smoke` first")
    bounds = tomllib.loads(BOUNDS.read_text(encoding="utf-8"))
    assert [str(one) for one in metrics.findings(folder, bounds, profile, TOP)] == []


def test_bounds_are_well_formed() -> None:
    for key, entry in tomllib.loads(BOUNDS.read_text(encoding="utf-8")).items():
        assert set(entry) <= {"smoke", "full"}, key
        assert entry, key
        for low, high in entry.values():
            assert low < high, key
