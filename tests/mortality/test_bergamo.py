"""The province of Bergamo, from a by-town release that a user supplies."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsci.mortality import bergamo, supply, synthetic_releases
from mlsci.mortality.releases import Releases


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("towns")


@pytest.fixture(scope="module")
def country(folder) -> Releases:
    return synthetic_releases.of_synthetic_country(folder, seed=3, size=0.05)


def test_a_part_of_the_towns_stands_for_the_province(country) -> None:
    """One of the made-up province's two towns is of class 1, and has data to 11 April."""
    early, late = (bergamo.covered(country.towns, until) for until in ("03-28", "04-11"))
    assert (early.towns, early.all_towns, early.factor) == (2, 2, 1)
    assert (late.towns, late.all_towns) == (1, 2)
    expected = synthetic_releases.SHARES[[0, 2]].sum() / synthetic_releases.SHARES[0]
    assert late.factor == pytest.approx(expected, rel=0.02)


def test_the_rule_of_may_needs_towns_to_11_april(country) -> None:
    part, found = bergamo.may_deaths(country.towns)
    assert part.series.week_ends[-1] == "04-11"
    # Each week is at least the official deaths of the real province, which the rule has built in.
    assert found.published[0, 0] >= 3101
    with pytest.raises(ValueError, match="no town of the province Bergamo has data for 2020"):
        bergamo.covered(country.towns, "05-09")


def test_a_release_is_found_where_the_user_puts_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MLSCI_DATA", str(tmp_path))
    monkeypatch.setattr(supply, "cache_folder", lambda: tmp_path / "cache")
    assert supply.supplied() is None
    place = tmp_path / supply.FOLDER
    place.mkdir()
    (place / "README.md").write_text("not a table")
    assert supply.supplied() is None
    (place / "comuni.csv").write_bytes(b"abc")
    given = supply.supplied()
    assert given is not None
    assert given.path == place / "comuni.csv"
    assert given.sha256.startswith("ba7816bf")  # of "abc": FIPS 180-2, appendix B.1
    (place / "comuni.zip").write_bytes(b"abc")
    with pytest.raises(ValueError, match=r"several by-town releases .*: comuni\.csv, comuni\.zip"):
        supply.supplied()
    for path in place.iterdir():
        path.unlink()
    there = tmp_path / "cache" / supply.FOLDER
    there.mkdir(parents=True)
    (there / "comuni.csv").write_bytes(b"abc")
    assert supply.supplied() is not None
