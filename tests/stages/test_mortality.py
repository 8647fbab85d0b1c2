"""The chapter's stages: what they compute, and that made-up records never pass for real ones."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlsci.mortality.may_paper import TABLE_1, TABLE_2, TALK
from mlsci.report import seal
from mlsci.stages import (
    mortality,
    mortality_published_runs,
    mortality_results,
    mortality_runs,
)


def job(tmp_path: Path, stage: seal.Stage, profile: Any, **params: Any) -> seal.Job:
    for name in ("out", "work"):
        (tmp_path / name).mkdir(exist_ok=True)
    return seal.Job(
        stage=stage,
        profile=profile,
        params={**stage.params["smoke"], **params},
        seed=0,
        out=tmp_path / "out",
        work=tmp_path / "work",
        store=tmp_path,
    )


class FakeSession:
    """A session whose artefacts lie in one folder."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.folder, self.profile = folder, profile

    def artefact(self, name: str) -> Path:
        return self.folder


@pytest.fixture(scope="module")
def computed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("stages")
    stages = {stage.name: stage for stage in mortality.STAGES}
    mortality_runs.summarise_records(job(folder, stages["covid/records"], "smoke"))
    mortality_runs.follow_bergamo(job(folder, stages["covid/bergamo"], "smoke"))
    published = job(folder, stages["covid/published"], "smoke")
    mortality_published_runs.repeat_publication(published)
    return folder / "out"


@pytest.mark.slow
def test_made_up_records_cannot_become_full_results(tmp_path) -> None:
    with pytest.raises(ValueError, match="must not be computed from these records"):
        mortality_runs.read(job(tmp_path, mortality.STAGES[0], "full"))
    assert {stage.params["full"]["country"] for stage in mortality.STAGES} == {"Italy"}
    assert {stage.datasets["full"] for stage in mortality.STAGES} == {("italy_mortality",)}


@pytest.mark.slow
def test_results_carry_their_source_to_the_notebook(computed) -> None:
    found = mortality_results.Artefact(FakeSession(computed, "smoke"), "published")  # type: ignore[arg-type]
    assert found.synthetic
    assert "synthetic country" in found.note
    assert found.against(5662, within=2) == {}
    assert found.target("<= 1") == {}
    with pytest.raises(ValueError, match="the profile full shows synthetic country"):
        mortality_results.Artefact(FakeSession(computed, "full"), "published")  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_relabelled_artefact_is_refused(computed, tmp_path) -> None:
    for path in computed.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    numbers = json.loads((tmp_path / "published.json").read_text())
    (tmp_path / "published.json").write_text(json.dumps(numbers | {"synthetic": False}))
    with pytest.raises(ValueError, match="shows synthetic country"):
        mortality_results.Artefact(FakeSession(tmp_path, "full"), "published")  # type: ignore[arg-type]


@pytest.mark.slow
def test_numbers_hang_together(computed) -> None:
    published = mortality_results.Artefact(FakeSession(computed, "smoke"), "published")  # type: ignore[arg-type]
    numbers, arrays = published.numbers, published.arrays
    assert set(numbers["table_1"]["white"]) == set(TABLE_1)
    for region in TABLE_2:
        shares = numbers["table_2"]["whole"][region]
        assert 0.9 < sum(shares) < 1.1
    for row in numbers["table_1"]["white"].values():
        assert row["published"] >= row["plain"] - 1e-9
    assert set(numbers["talk"]) == set(TALK)
    added = [numbers["official"][r][1] - numbers["official"][r][0] for r in numbers["regions"]]
    plain = [numbers["table_1"]["white"][r]["plain"] for r in numbers["regions"]]
    np.testing.assert_allclose(arrays["cumulative"][:, -1] + added, plain)
    groups = mortality_results.young_and_old(numbers)
    assert list(groups) == ["below 50", "50-59", "60-69", "70-79", "80-89", "90+"]
    assert sum(g[0] for g in groups.values()) == pytest.approx(sum(numbers["ages"]["excess"]))


@pytest.mark.slow
def test_records_agree_with_the_weekly_table(computed) -> None:
    records = mortality_results.Artefact(FakeSession(computed, "smoke"), "records")  # type: ignore[arg-type]
    assert records.numbers["largest_difference"] == 0
    assert list(mortality_results.coverage(records.numbers)) == list(
        mortality_results.RELEASES.values()
    )
    assert records.arrays["by_region"].shape[1:] == records.arrays["week_days"].shape


@pytest.mark.slow
def test_the_province_is_computed_from_towns_that_are_made_up(computed) -> None:
    found = mortality_results.Artefact(FakeSession(computed, "smoke"), "bergamo")  # type: ignore[arg-type]
    assert found.arrays == {}
    words, claims = mortality_results.bergamo_in_may(found)
    assert "synthetic country" in words
    assert [claim["key"] for claim in claims] == ["covid.bergamo_may"]
    assert "Not real" in claims[0]["description"]
    assert "published" not in claims[0]


def test_the_published_province_is_claimed_once_its_towns_are_supplied() -> None:
    real = object.__new__(mortality_results.Artefact)
    real.synthetic, real.numbers = False, {"may": None, "all_towns": 242}
    words, claims = mortality_results.bergamo_in_may(real)
    assert claims == []
    for part in ("6285 ± 39", "italy_by_town", "MLSCI_DATA"):
        assert part in words
    shown = {"source": "Istat, supplied: a.zip, 0123", "towns": 200, "published": 6280.0}
    real.numbers["may"] = shown | {"published_error": 40.0, "plain": 6200.0, "plain_error": 90.0}
    words, claims = mortality_results.bergamo_in_may(real)
    assert "200 of 242 towns to 11 April (Istat, supplied: a.zip, 0123): 6280 ± 40" in words
    assert claims[0]["published"] == 6285
    assert claims[0]["target"] == ">= 6222, <= 6348"


@pytest.mark.slow
def test_a_release_that_a_user_supplies_is_read_for_the_full_profile(
    tmp_path, monkeypatch, computed
) -> None:
    """The made-up by-town file, in the place where a user would put the real one."""
    place = tmp_path / "italy_by_town"
    place.mkdir()
    (place / "comuni.csv").write_bytes(
        (computed.parent / "work" / "comune_giorno.csv").read_bytes()
    )
    monkeypatch.setenv("MLSCI_DATA", str(tmp_path))
    given = mortality._with_supplied(mortality.PARAMS)["full"]["supplied"]
    stages = {stage.name: stage for stage in mortality.STAGES}
    country = SimpleNamespace(synthetic=False)
    full = job(tmp_path, stages["covid/bergamo"], "full", supplied=given)
    towns = mortality_runs._later_towns(full, country)  # type: ignore[arg-type]
    assert towns is not None
    assert towns.source.startswith("Istat, supplied: comuni.csv, ")
    assert mortality_runs._may_bergamo(towns)["towns"] == 1
    stale = job(tmp_path, stages["covid/bergamo"], "full", supplied="of another file")
    with pytest.raises(ValueError, match=r"comuni.csv has changed since the start: run again"):
        mortality_runs._later_towns(stale, country)  # type: ignore[arg-type]


@pytest.mark.slow
def test_records_agree_with_another_compilation(computed) -> None:
    records = mortality_results.Artefact(FakeSession(computed, "smoke"), "records")  # type: ignore[arg-type]
    assert abs(mortality_results.compiled_difference(records.numbers, "ordinary")) < 5


def test_comparison_with_a_published_number() -> None:
    real = object.__new__(mortality_results.Artefact)
    real.synthetic = False
    found = real.against(5662, within=2, source="x")
    assert found == {"published": 5662, "source": "x", "target": ">= 5660, <= 5664"}
    assert "target" not in real.against(0.23)
