"""The first chapter's stages: what is trained on, what is foreign, how results are averaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsci.report import notebook
from mlsci.stages import aeflow, aeflow_results, aeflow_runs, all_stages

SMOKE = aeflow.IMAGES["smoke"]


def test_splits_share_no_image_and_are_always_the_same() -> None:
    splits = {s: aeflow_runs.images(SMOKE, s) for s in ("train", "validation", "test")}
    seen: list[set[bytes]] = []
    for split, (x, labels) in splits.items():
        assert x.shape == (SMOKE[split], 28, 28, 1)
        assert x.dtype == np.float32
        assert (x.min(), x.max()) == (0, 1)
        assert len(labels) == len(x)
        assert set(labels) == set(range(10))
        seen.append({image.tobytes() for image in x})
    for k, first in enumerate(seen):
        assert len(first) == len(list(splits.values())[k][0])
        assert all(not first & other for other in seen[k + 1 :])
    again = aeflow_runs.images(SMOKE, "validation")[0]
    np.testing.assert_array_equal(again, splits["validation"][0])


def test_full_splits_use_every_image() -> None:
    sizes = aeflow.IMAGES["full"]
    assert sizes["train"] + sizes["validation"] == 60_000
    assert sizes["test"] == 10_000


def test_foreign_images_are_enlarged_and_centred() -> None:
    x = aeflow_runs.foreign(SMOKE)
    assert x.shape[1:] == (28, 28, 1)
    frame = np.ones((28, 28), bool)
    frame[2:-2, 2:-2] = False
    assert (x[:, frame] == 0).all()
    blocks = x[:, 2:-2, 2:-2, 0].reshape(len(x), 8, 3, 8, 3)
    assert (np.ptp(blocks, axis=(2, 4)) == 0).all()
    assert x.max() == 1


def test_every_profile_has_what_its_stages_read() -> None:
    stages = all_stages()
    for stage in aeflow.STAGES:
        for profile in stage.params:
            assert all(profile in stages[name].params for name in stage.inputs)
    for stem in ("ae-d32", "vae-d32", "latent-ae-d32", "latent-vae-d32", "pixelflow", "outliers"):
        assert {f"aeflow/{stem}-s{seed}" for seed in aeflow.SEEDS} <= set(stages)


def test_rates_of_full_models_do_not_depend_on_the_seed() -> None:
    first, second = (all_stages()[f"aeflow/ae-d32-s{seed}"].params["full"] for seed in (0, 1))

    def without_seed(values: Any) -> Any:
        if isinstance(values, dict):
            return {k: without_seed(v) for k, v in values.items() if k != "seed"}
        return values

    assert without_seed(first) == without_seed(second)
    assert first != second


class Stored(aeflow_results.Results):
    """Results over artefacts that a test wrote, without seals."""

    def __init__(self, folder: Path) -> None:
        super().__init__(notebook("aeflow-test", profile="full"))
        self._folder = folder

    def folder(self, name: str) -> Path:
        return self._folder / name


def _write(folder: Path, metrics: dict[str, Any]) -> None:
    folder.mkdir()
    (folder / "metrics.json").write_text(json.dumps(metrics))


def test_results_average_over_seeds(tmp_path: Path) -> None:
    for seed, (flow, prior) in enumerate([(1.0, 10.0), (2.0, 40.0), (6.0, 40.0)]):
        for kind in ("ae", "vae"):
            samples = {
                "mixture_flow": {"frechet": flow, "density": 0.5},
                "prior": {"frechet": prior},
            }
            metrics = {
                "samples": samples,
                "densities": {"gaussian": {"test": 1.0}, "flow": {"test": 1.0 + flow}},
            }
            _write(tmp_path / f"latent-{kind}-d32-s{seed}", metrics)
        _write(
            tmp_path / f"ensemble-ae-d32-s{seed}",
            {"test": 3.0 + flow, "sets": {"frechet": [flow, 3 * flow], "density": [0.5, 1.5]}},
        )
        _write(
            tmp_path / f"sets-ae-d32-s{seed}",
            {"floor": 2.0, "frechet": {"mixture": [3 * flow, 5 * flow], "mixture_flow": [4, 6]}},
        )
    _write(tmp_path / "classifier", {"training_images": {"density": 2.0}})
    results = Stored(tmp_path)
    deviation = np.std([1, 2, 6], ddof=1)
    pick = aeflow_results.picked("frechet", "mixture_flow")
    assert results.spread("latent-ae-d32", pick) == (3.0, pytest.approx(deviation))
    assert results.gains("ae")["flow"] == (pytest.approx(3.0), pytest.approx(deviation))
    ratios = [0.1, 0.05, 0.15]
    assert results.over_prior("vae")[0] == pytest.approx(np.mean(ratios))
    assert results.over_prior("vae")[1] == pytest.approx(np.std(ratios, ddof=1))
    assert results.against_training("vae", "density") == (0.25, 0.0)
    # The auto-encoder's main density is the average of flows, over several sets of samples.
    assert results.ensemble_gain()[0] == pytest.approx(5.0)
    assert results.over_prior("ae")[0] == pytest.approx(2 * np.mean(ratios))
    assert results.against_training("ae", "density") == (0.5, 0.0)
    assert results.flow_over("ae", "mixture") == (0.5, 0.0)
    assert results.flow_over("ae", "codes")[0] == pytest.approx(3.0)
    assert results.single_over_floor() == (2.5, 0.0)
    noise = np.sqrt(2 * np.mean(np.square([1, 2, 6]))) / 2
    assert results.sets_noise() == pytest.approx(noise)


def test_published_errors_are_those_at_the_sizes_asked_for() -> None:
    assert aeflow_results.published_errors([8, 64, 128.0]) == {8: 0.01135, 128: 0.00402}
