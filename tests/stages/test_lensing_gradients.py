"""Stages of gradients: what they declare can be run; what notebooks read is what was found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsci.lensing.settings import Settings
from mlsci.stages import lensing_gradients, lensing_inference
from mlsci.stages.lensing_gradients_results import LEVELS, FieldResults, GradientResults

DECLARED = (*lensing_gradients.STAGES, *lensing_inference.STAGES)


@pytest.mark.parametrize("stage", DECLARED, ids=lambda stage: stage.name)
def test_settings_are_possible_in_every_profile(stage: Any) -> None:
    for params in stage.params.values():
        runs = [one["settings"] for one in params.get("runs", {}).values()]
        runs += list(params.get("checked", {}).values())
        runs += [params[name] for name in ("settings", "smooth") if name in params]
        if "better" in params:
            runs.append({**params["settings"], **params["better"]})
        assert runs
        for values in runs:
            assert Settings.from_json(values).memory(1) < 8 * 2**30


def test_every_source_is_there(top: Path) -> None:
    for name in {source for stage in DECLARED for source in stage.sources}:
        assert (top / "src" / "mlsci" / name).is_file()


def test_every_set_of_data_is_its_own() -> None:
    parts = [stage.params["full"] for stage in lensing_inference.STAGES if "cov" in stage.name]
    seeds = {part["seed"] + i for part in parts for i in range(part["sets"])}
    assert len(seeds) == sum(part["sets"] for part in parts) > 0


class Session:
    """A notebook's session whose artefacts are in a folder."""

    profile = "smoke"

    def __init__(self, folder: Path, artefacts: dict[str, dict[str, Any]]) -> None:
        self.folder = folder
        for name, files in artefacts.items():
            (folder / "lensing" / name).mkdir(parents=True)
            for file, value in files.items():
                (folder / "lensing" / name / file).write_text(json.dumps(value))

    def artefact(self, name: str) -> Path:
        return self.folder / name


def test_errors_are_the_worst_of_all_runs(tmp_path: Path) -> None:
    dots = {
        "1": {"a": {"paint": 1e-15, "exchange": 0.0}, "b": {"paint": 3e-15, "exchange": 0.0}},
        "2": {"a": {"paint": 2e-15, "exchange": 0.0}},
    }
    found = {
        "dots": dots, "reversal": {"positions": 1e-15, "momenta": 1e-14}, "lengths": [1e-2, 1e-5],
        "differences": {"n_s": [1e-1, 1e-9]},
    }  # fmt: skip
    results: Any = GradientResults(Session(tmp_path, {"gradients": {"gradients.json": found}}))  # type: ignore[arg-type]
    assert results.worst_dot() == 3e-15
    assert results.worst_dot(2) == 2e-15
    assert results.dots()["paint"] == {"1 rank": 3e-15, "2 ranks": 2e-15}
    assert results.dots()["exchange"]["1 rank"] == 1e-17
    assert results.least_difference("n_s") == 1e-9
    assert results.long_difference("n_s") == 1e-1


def test_costs_are_of_the_gradient_with_its_run(tmp_path: Path) -> None:
    one = {"of": "run", "name": "64", "memory_mb": 370.0, "program_mb": 185.0}
    runs = [{**one, "gradient": False, "cpu": 1.0}, {**one, "gradient": True, "cpu": 3.0}]
    steps = [{"of": "steps", "side": 64, "cpu": 2.0}, {"of": "steps", "side": 8, "cpu": 1.0}]
    record = {"results": [*runs, *steps]}
    results: Any = GradientResults(Session(tmp_path, {"gradient-cost": {"cost.json": record}}))  # type: ignore[arg-type]
    assert results.ratio("64") == 3.0
    assert results.memory("64") == pytest.approx(0.37)
    assert results.program("64") == pytest.approx(0.185)
    assert results.memory_above("64") == pytest.approx(0.185)
    assert results.steps()["side"] == 8
    assert results.steps(64)["cpu"] == 2.0
    assert results.steps(of="jaxpm") is None
    assert results.largest_side == 64


def test_a_forecast_is_the_inverse_of_what_slopes_tell(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    slopes = rng.normal(0, 1, (1, 2, 6)).repeat(4, axis=0)
    spectra, truth = np.full((4, 6), 2.0), np.array([0.1, -0.2])
    found = {
        "ell": list(range(6)), "modes": [8.0] * 6, "parameters": ["omega_m", "sigma8"],
        "truth": {"omega_m": 0.1, "sigma8": -0.2}, "lengths": [1e-2, 1e-3], "noise": 0.5,
        "spectra": spectra.tolist(), "slopes": slopes.tolist(),
        # twice too large at the first length, right at the second
        "differences": np.stack([2 * slopes[:2], slopes[:2]], axis=2).tolist(),
        "moved": (spectra + truth @ slopes[0] + 0.5).tolist(),
    }  # fmt: skip
    results: Any = GradientResults(Session(tmp_path, {"forecast": {"forecast.json": found}}))  # type: ignore[arg-type]
    variance = 2 * 2.5**2 / 8
    fisher = slopes[0] @ slopes[0].T / variance
    np.testing.assert_allclose(results.forecast(), np.linalg.inv(fisher))
    np.testing.assert_allclose(results.differenced_forecasts(0), [0.5, 1.0])
    np.testing.assert_allclose(results.scores(), np.tile(truth, (4, 1)), atol=1e-12)
    for _, errors in results.difference_errors().values():
        np.testing.assert_allclose(errors, [1.0, 0.0], atol=1e-12)


@pytest.fixture
def fields(tmp_path: Path) -> FieldResults:
    rng = np.random.default_rng(1)
    pixels = lensing_inference.FIELD["smoke"]["settings"]["pixels"]
    true = rng.standard_normal((pixels, pixels))
    sets = [
        {"acceptance": 0.7,
         **{of: {"offsets": rng.standard_normal(400).tolist(), "independent": [1000.0] * 400,
                 "deviations": [0.5] * 400} for of in ("modes", "pixels")}}
        for _ in range(2)
    ]  # fmt: skip
    field = {"values": [[0.3, 0.8], [0.31, 0.81]], "independent": [10.0, 20.0, 30.0],
             "gradients": 100, "modes": [0.0, 5.0, 0.1], "means": [0.0, 0.0, 0.0],
             "deviations": [1.0, 1.0, 1.0]}  # fmt: skip
    artefacts = {f"coverage-{i}": {"coverage.json": {"sets": sets, "gradients": 2000}}
                 for i in range(2)}  # fmt: skip
    session = Session(tmp_path, {"field": {"field.json": field}, **artefacts})
    maps = {"truth": true, "data": np.where(true > 1, np.nan, true), "best": true, "mean": -true}
    np.savez(tmp_path / "lensing" / "field" / "maps.npz", **maps)  # type: ignore[arg-type]
    return FieldResults(session)  # type: ignore[arg-type]


def test_what_is_covered_lies_along_the_diagonal(fields: FieldResults) -> None:
    assert len(fields.sets) == 4
    np.testing.assert_allclose(fields.inside("modes"), LEVELS, atol=0.08)
    assert fields.acceptance() == pytest.approx(0.7)
    assert fields.draws_per_gradient() == pytest.approx(0.5)
    assert fields.draws_per_gradient_jointly() == pytest.approx(0.2)
    assert fields.learned("modes") == 0.5


def test_agreement_is_that_of_maps(fields: FieldResults) -> None:
    lines = fields.agreement_of_maps()
    np.testing.assert_allclose(lines["most probable state"][1], 1)
    np.testing.assert_allclose(lines["mean of draws"][1], -1)
    assert fields.correlation("mean") == pytest.approx(-1)
