"""The chapter's stages: what they compute, and that made-up records never pass for real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsci.mortality.may_paper import TABLE_1, TABLE_2, TALK
from mlsci.report import seal
from mlsci.stages import mortality, mortality_results, mortality_runs


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
    records, published = mortality.STAGES[:2]
    mortality_runs.summarise_records(job(folder, records, "smoke"))
    mortality_runs.repeat_publication(job(folder, published, "smoke"))
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


def test_comparison_with_a_published_number() -> None:
    real = object.__new__(mortality_results.Artefact)
    real.synthetic = False
    found = real.against(5662, within=2, source="x")
    assert found == {"published": 5662, "source": "x", "target": ">= 5660, <= 5664"}
    assert "target" not in real.against(0.23)
