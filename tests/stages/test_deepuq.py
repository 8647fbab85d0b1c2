"""Stages of reconstruction, at toy size: each runs, and its numbers mean what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsci.reconstruction.corruption import Corruption, GaussianBlur, columns_hidden
from mlsci.report.seal import Job
from mlsci.stages import (
    deepuq,
    deepuq_checks,
    deepuq_examples,
    deepuq_garments,
    deepuq_rivals,
    deepuq_runs,
)

STAGES = {stage.name: stage for stage in deepuq.STAGES}
TINY = {"inside": "mnist-5k", "train": 400, "validation": 80, "test": 80}


class Here(Job):
    """A job whose inputs lie, without seals, in a folder."""

    def input(self, name: str) -> Path:
        return self.store / name


def job(name: str, folder: Path, **changes: Any) -> Job:
    stage = STAGES[f"deepuq/{name}"]
    params = {**stage.params["smoke"], "images": TINY, **changes}
    out, work = folder / "deepuq" / name, folder / "work" / name
    out.mkdir(parents=True)
    work.mkdir(parents=True)
    return Here(stage, "smoke", params, 0, out, work, folder)


def metrics(done: Job) -> Any:
    return json.loads((done.out / "metrics.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained model."""
    top = tmp_path_factory.mktemp("deepuq")
    small = {"decoder": {"latent": 3, "hidden": [16]}, "encoder": [16], "rank": 2}
    one = job("model", top, **small, flow={"layers": 2, "hidden": [8]})
    deepuq_runs.train_model(one)
    found = metrics(one)
    assert found["error"]["test"] < found["variance"]
    assert found["log_det_error"] < 1e-4
    return top


def test_stages_of_all_corruptions_are_declared_alike_in_both_profiles() -> None:
    for kind, names in (("calibration", deepuq.CALIBRATED), ("coverage", deepuq.COVERED)):
        assert set(names["smoke"]) <= set(names["full"]) <= set(deepuq.DIGITS)
        for name in names["full"]:
            stage = STAGES[f"deepuq/{kind}-{name}"]
            assert {p["corruption"] for p in stage.params.values()} == {name}
            assert ("smoke" in stage.params) == (name in names["smoke"])
    assert deepuq.COVERED["full"] == tuple(deepuq.DIGITS)
    for name in deepuq.CALIBRATED["full"]:
        full = STAGES[f"deepuq/calibration-{name}"].params["full"]
        assert all(data % deepuq_runs.CHUNK == 0 for _, data, _ in full["methods"].values())
        assert min(data for _, data, _ in full["methods"].values()) >= 200  # hundreds, for each
        assert full["methods"]["smc"][1] == 500


def test_hidden_pixels_are_those_that_no_datum_shows() -> None:
    image = (6, 6, 1)
    hidden = deepuq_runs.hidden_pixels(Corruption(columns_hidden(image, 1, 2)), image)
    assert hidden.sum() == 12
    assert deepuq_runs.hidden_pixels(Corruption(GaussianBlur(3, 1.0)), image).all()
    assert set(deepuq_runs.corruptions((28, 28, 1))) == set(deepuq.DIGITS)


@pytest.mark.slow
def test_calibration_on_the_models_own_data(folder: Path) -> None:
    methods = {"laplace": ["laplace", 30, 80], "smc": ["smc", 30, 80]}
    one = job("calibration-solid-mask", folder, data=30, methods=methods)
    deepuq_checks.calibrate(one)
    with np.load(one.out / "calibration.npz") as stored:
        assert stored["ranks/smc"].shape == (30, 3)
        assert stored["ranks/smc"].max() <= one.params["kept"]
        assert (stored["rhat/smc"] < 1.5).all()
        # Two of the draws take the truth's place; coverage rises with credibility.
        assert stored["chance/smc"].shape == (2, 99)
        assert (np.diff(stored["tarp/laplace"]) >= 0).all()
    for method in methods:
        found = metrics(one)["methods"][method]["coverage"]["full"]["all"]
        assert found["0.95"][0] == pytest.approx(0.95, abs=0.05)


@pytest.mark.slow
def test_coverage_of_test_images_grows_with_what_is_taken_in(folder: Path) -> None:
    one = job("coverage-noise", folder, corruption="sparse-mask", methods={"smc": 80})
    deepuq_checks.cover(one)
    found = metrics(one)
    of = {part: values["predicted"]["0.95"][0]
          for part, values in found["methods"]["smc"]["coverage"].items()}  # fmt: skip
    assert of["latent"] < 0.8 < of["calibrated"]
    assert of["latent"] < of["error"]
    squared = {float(factor): values[0] for factor, values in found["tried"].items()}
    assert found["inflation"] == min(squared, key=lambda factor: squared[factor])


@pytest.mark.slow
def test_garments_are_treated_as_digits_are(folder: Path) -> None:
    small = {"decoder": {"latent": 3, "hidden": [16]}, "encoder": [16], "rank": 2}
    training = deepuq.TRAINED["smoke"]["training"] | {"epochs": 20}
    one = job("garments", folder, **small, training=training, corruptions=["noise"])
    deepuq_garments.reconstruct_garments(one)
    found = metrics(one)["noise"]
    for level in ("0.68", "0.95"):
        of = {part: values["predicted"][level][0] for part, values in found["coverage"].items()}
        assert of["latent"] < of["calibrated"]
    assert found["squared_error"][0] < found["mean_image"]  # it has looked at the data
    assert not (one.out / "decoder.npz").exists()
    # After an interruption the training that is done is not done again, nor taken for damaged.
    before = (one.out / "metrics.json").read_bytes()
    deepuq_garments.reconstruct_garments(one)
    again = json.loads((one.out / "metrics.json").read_bytes())
    assert again["model"] == json.loads(before)["model"]
    with np.load(one.out / "garments.npz") as stored:
        assert stored["draws/noise"].shape == (3, 3, 28, 28)


@pytest.mark.slow
def test_rivals_are_tried_on_both_corruptions(folder: Path) -> None:
    one = job("rivals", folder)
    for name, factor in zip(one.params["corruptions"], (2.0, 1.0)):
        stored = folder / "deepuq" / f"coverage-{name}"
        stored.mkdir(exist_ok=True)
        (stored / "metrics.json").write_text(json.dumps({"inflation": factor}))
    deepuq_rivals.compare(one)
    found = metrics(one)["scores"]
    for name in one.params["corruptions"]:
        for label, values in found[name].items():
            assert 0 < values["squared_error"][0] < 1, label
        assert {"posterior", "wiener", "nearest", "total variation"} < set(found[name])
        assert "log_score" not in found[name]["nearest"]
        with np.load(one.out / "rivals.npz") as stored:
            of_images = stored[f"{name}/posterior/log_score"]
            assert len(of_images) == one.params["data"]
            mean = found[name]["posterior"]["log_score"][0]
            assert of_images.mean() == pytest.approx(mean, rel=1e-5)


@pytest.mark.slow
def test_single_digits_are_reconstructed(folder: Path) -> None:
    methods = {
        "mixture": ["mixture", "modes", 100],
        "variational flow": ["variational", "modes", 200],
    }
    one = job("bimodal", folder, methods=methods)
    deepuq_examples.weigh_modes(one)
    for kind in ("measured", "white"):
        for label in methods:
            found = metrics(one)[kind]["methods"][label]
            assert sum(found["mode_weights"]) == pytest.approx(1)
            assert sum(found["digits"]) == one.params["kept"]
    two = job("explorer", folder, widths=[2, 14], levels=[0.5])
    deepuq_examples.precompute(two)
    with np.load(two.out / "explorer.npz") as stored:
        assert stored["mask"].shape == (2, 2, 8, 28, 28)


def test_log_scores_reward_the_right_width_and_squared_errors_the_right_mean() -> None:
    rng = np.random.default_rng(0)
    truth = 1 + rng.standard_normal((50, 5, 4, 1))
    hidden = np.ones((5, 4, 1), bool)
    hidden[0] = False
    drawn = {w: 1 + w * rng.standard_normal((50, 400, 5, 4, 1)) for w in (0.5, 1.0, 2.0)}
    found = {w: deepuq_rivals.scores(values, truth, hidden) for w, values in drawn.items()}
    best = -0.5 * np.log(2 * np.pi) - 0.5
    assert found[1.0]["log_score"][0] == pytest.approx(best, abs=0.1)
    assert found[1.0]["log_score"][0] > max(found[w]["log_score"][0] for w in (0.5, 2.0))
    for values in found.values():
        assert values["squared_error"][0] == pytest.approx(1, abs=0.1)
    shifted = deepuq_rivals.scores(drawn[1.0] + 1, truth, hidden)
    assert shifted["squared_error"][0] == pytest.approx(2, abs=0.2)
