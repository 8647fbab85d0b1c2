"""Stages of lensing: what they declare can be run, and what they sum up is what runs gave."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mlsci.lensing import io
from mlsci.lensing.settings import Settings
from mlsci.report.seal import Job
from mlsci.stages import lensing, lensing_runs

STAGES = {stage.name: stage for stage in lensing.STAGES}


@pytest.mark.parametrize("stage", lensing.STAGES, ids=lambda stage: stage.name)
def test_settings_are_possible_in_every_profile(stage):
    for params in stage.params.values():
        settings = Settings.from_json(params["settings"])
        for stages in params.get("stages", [settings.stages]):
            Settings.from_json({**params["settings"], "stages": stages})
        assert settings.memory(1) < 6 * 2**30


def test_every_source_is_there(top: Path):
    for name in lensing.CODE:
        assert (top / "src" / "mlsci" / name).is_file()


def job(name: str, tmp_path: Path, **changes: object) -> Job:
    stage = STAGES[name]
    out, work = tmp_path / "out", tmp_path / "work"
    out.mkdir()
    work.mkdir()
    params = {**stage.params["smoke"], **changes}
    return Job(stage, "smoke", params, int(params["seed"]), out, work, tmp_path)


@pytest.fixture
def runs(monkeypatch):
    """Stand-ins for runs of the batch script, in this process."""
    from mpi4py import MPI

    from mlsci.lensing import results, simulate

    asked = []

    def batch(values, folder):
        asked.append(values)
        settings = Settings.from_json({**values, "transfer": "eisenstein_hu", "particles": 16,
                                       "sharpening": None})  # fmt: skip
        results.write(folder, settings, simulate.simulate(settings, MPI.COMM_SELF))
        return folder

    monkeypatch.setattr(lensing_runs, "batch", batch)
    return asked


def test_maps_are_kept_at_the_size_asked_for(runs, tmp_path):
    one = job("lensing/maps-raw", tmp_path, pixels=48)
    lensing_runs.make_maps(one)
    maps, field, _ = io.read_maps(one.out / "maps.fits")
    assert maps["KAPPA_1"].shape == (48, 48)
    assert np.degrees(field.width) == pytest.approx(1.5)
    whole, _, _ = io.read_maps(one.work / "run" / "maps.fits")
    np.testing.assert_allclose(maps["KAPPA_1"].mean(), whole["KAPPA_1"].mean(), atol=1e-7)
    assert json.loads((one.out / "spectra.json").read_text())["sources"][1]["source"] == 1.0


def test_seeds_are_collected(runs, tmp_path):
    one = job("lensing/seeds-evolved", tmp_path)
    lensing_runs.repeat_seeds(one)
    found = json.loads((one.out / "seeds.json").read_text())
    power = np.array(found["sources"][0]["power"])
    assert power.shape == (2, len(found["ell"]))
    assert not np.allclose(power[0], power[1], atol=0)
    assert [values["seed"] for values in runs] == [1, 2]


def test_more_steps_make_almost_the_same_map(runs, tmp_path):
    one = job("lensing/steps", tmp_path)
    lensing_runs.compare_steps(one)
    found = json.loads((one.out / "steps.json").read_text())
    assert [values["stages"] for values in runs] == found["stages"]
    assert 0.5 < np.mean(found["correlation"]) <= 1


@pytest.mark.mpi
@pytest.mark.slow
def test_the_batch_script_is_run_once_for_the_same_settings(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("RANKS", "2")
    values = {**lensing.TALK["smoke"], "transfer": "eisenstein_hu", "seed": 3}
    folder = lensing_runs.batch(values, tmp_path / "run")
    assert all((folder / name).is_file() for name in lensing_runs.RESULTS)
    assert "2 ranks" in capfd.readouterr().out
    lensing_runs.batch(values, tmp_path / "run")
    assert "ranks" not in capfd.readouterr().out
    with pytest.raises(RuntimeError, match="exit code 2"):
        lensing_runs.batch({**values, "degrees": 9.0}, tmp_path / "run")
