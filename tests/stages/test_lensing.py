"""Stages of lensing: what they declare can be run, and what they sum up is what runs gave."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from mlsci.lensing import io, results
from mlsci.lensing.settings import Settings
from mlsci.lensing.sharpening import fitted
from mlsci.report.seal import Job
from mlsci.stages import (
    lensing,
    lensing_checks,
    lensing_runs,
    lensing_slices,
    lensing_speed,
    lensing_surrogates,
)
from mlsci.stages.lensing_results import FINE

STAGES = {stage.name: stage for stage in lensing.STAGES}


@pytest.mark.parametrize("stage", lensing.STAGES, ids=lambda stage: stage.name)
def test_settings_are_possible_in_every_profile(stage):
    for params in stage.params.values():
        runs = params.get("maps", {}).values()
        for one in [params] if "settings" in params else runs:
            # An unfitted configuration would change with the table of fitted ones, unseen.
            assert one["settings"].get("sharpening", "fitted") != "fitted"
            ways = [{}, *params.get("few", {}).values(), params.get("many", {})]
            for change in ways:
                settings = Settings.from_json({**one["settings"], **change})
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

    from mlsci.lensing import simulate

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
    one = job("lensing/maps-raw", tmp_path, pixels=32, keep=[1, 3])
    lensing_runs.make_maps(one)
    maps, field, _ = io.read_maps(one.out / "maps.fits")
    assert set(maps) == {"KAPPA_1", "KAPPA_3"}
    assert maps["KAPPA_1"].shape == (32, 32)
    assert np.degrees(field.width) == pytest.approx(1.0)
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
    assert [values["seed"] for values in runs] == [0, 1]
    maps, _, _ = io.read_maps(one.out / "maps.fits")
    assert set(maps) == {"KAPPA_0"}
    first = json.loads((one.out / "spectra.json").read_text())["sources"][0]
    np.testing.assert_array_equal(first["power"], power[0])
    density = np.array([one["density"] for one in found["values"]])
    assert np.sum(density * np.diff(found["edges"]), axis=1) == pytest.approx(1, abs=1e-6)
    widths = [[one["moments"][0] for one in found[key]] for key in ("values", "gaussian")]
    np.testing.assert_allclose(widths[0], widths[1], rtol=0.2)  # as wide, but not as skewed
    skewness = [[one["moments"][1] for one in found[key]] for key in ("values", "gaussian")]
    assert np.mean(skewness[0]) > np.mean(np.abs(skewness[1]))


@pytest.mark.slow
@pytest.mark.mpi
def test_the_benchmark_is_a_stage(tmp_path):
    one = job("lensing/speed", tmp_path)
    lensing_speed.measure(one)
    found = json.loads((one.out / "speed.json").read_text())
    assert set(found["maps"]) == set(lensing.TIMED)
    assert found["maps"]["large"]["ranks"] == 2
    assert all(run["cpu"] > 0 for run in found["maps"].values())


def test_a_map_is_seen_as_particles_too(tmp_path):
    settings = {**lensing.TALK["smoke"], "transfer": "eisenstein_hu", "seed": 0}
    one = job("lensing/slices", tmp_path, settings=settings)
    lensing_slices.cut(one)
    with np.load(one.out / "slices.npz") as stored:
        found = {name: stored[name].astype(float) for name in stored.files}
    assert found["strip"].shape == (16, 575)
    assert found["strip"].mean() == pytest.approx(1, abs=0.1)
    spread = [found[f"slab_{i}"].std() for i in range(3)]
    assert spread[0] < spread[1] < spread[2]
    # Sharpening moves particles towards each other.
    assert found["zoom_sharpened"].std() > found["zoom_raw"].std()


def test_surrogates_are_of_the_seeds_of_costly_runs_and_beyond(tmp_path):
    seeds = [
        params["seeds"] for stage in lensing.STAGES if "surrogates" in stage.name
        for profile, params in stage.params.items() if profile == "full"
    ]  # fmt: skip
    assert seeds[0][0] == 0
    assert all(one[1] == two[0] for one, two in zip(seeds, seeds[1:]))
    fine = [STAGES[f"lensing/{name}"].params["full"] for name in FINE]
    assert [one["settings"] for one in fine[1:]] == [fine[0]["settings"]]
    dear = [seed for one in fine for seed in range(one["seed"], one["seed"] + one["seeds"])]
    assert dear == list(range(len(dear)))
    assert seeds[-1][1] >= 100 > len(dear)
    one = job("lensing/surrogates-1", tmp_path, seeds=[3, 5])
    lensing_surrogates.measure(one)
    first = (one.out / "surrogates.json").read_bytes()
    found = json.loads(first)
    assert found["seeds"] == [3, 4]
    assert np.shape(found["power"]) == (2, len(found["ell"]))
    assert np.all(np.array(found["power"]) > 0)
    # What was computed before an interruption is not computed again.
    (one.work / "seed-4.json").write_text(json.dumps({"ell": [], "power": [], "shot_noise": 1.0}))
    lensing_surrogates.measure(one)
    assert json.loads((one.out / "surrogates.json").read_bytes())["power"][1] == []


def test_surrogates_are_measured_in_the_bands_of_costly_runs():
    for profile in ("full", "smoke"):
        fine, cheap = (
            results.bands(Settings.from_json(STAGES[name].params[profile]["settings"]))
            for name in ("lensing/accuracy", "lensing/surrogates-0")
        )
        np.testing.assert_array_equal(fine.edges, cheap.edges)


def test_surrogates_are_sharpened_as_costly_runs_are():
    fine, cheap = (
        Settings.from_json(STAGES[name].params["full"]["settings"])
        for name in ("lensing/accuracy", "lensing/surrogates-0")
    )
    assert fine.correction == cheap.correction


def test_more_steps_make_almost_the_same_map(runs, tmp_path):
    one = job("lensing/steps", tmp_path)
    lensing_runs.compare_steps(one)
    found = json.loads((one.out / "steps.json").read_text())
    ways = [one.params["many"], *one.params["few"].values()]
    asked = [(seed, way["integrator"], way["stages"]) for seed in (0, 1) for way in ways]
    assert [(run["seed"], run["integrator"], run["stages"]) for run in runs] == asked
    many, shape = np.array(found["many"]), (2, len(found["ell"]))
    assert many.shape == shape == (2, len(found["edges"]) - 1)
    assert set(found["few"]) == {"leapfrog", "bullfrog"}
    for few in found["few"].values():
        power, cross = np.array(few["power"]), np.array(few["cross"])
        assert power.shape == cross.shape == shape
        correlation = cross / np.sqrt(power * many)
        assert np.all(correlation <= 1 + 1e-9)
        assert np.all(correlation.mean(1) > 0.5)


def test_integrators_are_compared_with_as_many_forces():
    for name in ("lensing/steps", "lensing/steps-fine"):
        for params in STAGES[name].params.values():
            few = params["few"]
            assert few["leapfrog"]["stages"] == few["bullfrog"]["stages"]
            assert params["many"]["stages"] > max(way["stages"] for way in few.values())


def test_a_band_of_the_comparison_of_steps_ends_at_the_goal(runs, tmp_path):
    one = job("lensing/steps", tmp_path, seeds=1)
    lensing_runs.compare_steps(one)
    edges = np.array(json.loads((one.out / "steps.json").read_text())["edges"])
    assert np.abs(edges / 2000 - 1).min() < 1e-9
    np.testing.assert_allclose(np.diff(np.log(edges)), np.log(edges[1] / edges[0]))


def test_weak_fields_are_measured_beside_theory(tmp_path):
    one = job("lensing/linear", tmp_path, boxes=[256])
    lensing_checks.follow_linear_theory(one)
    found = json.loads((one.out / "linear.json").read_text())
    for field, asked in zip(found["fields"], one.params["fields"], strict=True):
        assert field["box"] == asked["box"]
        for name in ("measured", "direct"):
            assert np.shape(field[name]) == (asked["seeds"], len(found["ell"]))
        np.testing.assert_allclose(np.mean(field["measured"], axis=0), field["periodic"], rtol=0.7)
    small, large = (np.divide(field["periodic"], field["limber"]) for field in found["fields"])
    np.testing.assert_allclose(found["boxes"][0]["ratio"], small, rtol=1e-12)
    assert np.abs(large - 1).mean() < np.abs(small - 1).mean()


@pytest.mark.slow
def test_a_fit_comes_closer_than_what_it_began_with(tmp_path):
    one = job("lensing/sharpening", tmp_path, rounds=[3, 2])
    one.params["configurations"][0].update(large=[64.0, 64], small=[64.0, 64])
    lensing_checks.calibrate(one)
    (found,) = json.loads((one.out / "sharpening.json").read_text())["configurations"]
    assert np.shape(found["raw"]) == (2, 5)
    # The box is too small for the power of theory: what is fitted may miss it, but by less.
    off = [np.sum(np.log(found[f"with_{name}"]) ** 2) for name in ("published", "fitted")]
    assert off[1] < off[0]


def test_the_numbers_of_the_package_are_those_that_were_fitted(top: Path):
    text = (top / "data/derived/lensing/sharpening/sharpening.json").read_text(encoding="utf-8")
    for found in json.loads(text)["configurations"]:
        box, particles = found["large"]
        known = fitted(found["integrator"], found["stages"], box / particles, found["boost"])
        assert dataclasses.asdict(known) == pytest.approx(found["fitted"], rel=1e-5)


def test_growth_and_second_order_are_those_of_references():
    found = {**lensing_checks.growth(), **lensing_checks.second_order()}
    assert set(found) == {"growth1", "growth2", "rate1", "rate2", "second_order"}
    assert all(value < 1e-4 for value in found.values())


def test_large_scales_grow_linearly():
    found = lensing_checks.large_scales({"box": 2048.0, "particles": 64, "finest": 0.012})
    assert found["power_z9"] == pytest.approx(1, abs=0.01)
    assert found["power_z0"] == pytest.approx(1, abs=0.01)
    assert found["momentum"] < 1e-6


@pytest.mark.mpi
@pytest.mark.slow
def test_runs_that_must_be_the_same_are(tmp_path):
    settings = {**lensing.TALK["smoke"], "transfer": "eisenstein_hu", "seed": 0}
    found = lensing_checks.any_ranks(settings, [2, 4], tmp_path)
    assert found["ranks_f4"] < 1e-7
    assert found["ranks_f8"] < 1e-12
    settings["particles"] = 64  # which takes long enough to be killed
    found = lensing_checks.killed(settings, tmp_path)
    assert found["killed_left"] == 0
    assert found["resumed"] < 1e-5


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
