"""The benchmark's table, at small size: every row runs, and the notebooks' numbers come of it."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig
from mlsci.generative.classifier import Classifier, ClassifierConfig
from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.pixelflow import PixelFlow, PixelFlowConfig
from mlsci.generative.vae import VAE, VAEConfig
from mlsci.report import notebook
from mlsci.report.seal import Job
from mlsci.report.session import Session
from mlsci.stages import (
    pae,
    pae_bench_runs,
    pae_features,
    pae_results,
    pae_runs,
    pae_strangers,
)  # fmt: skip

STAGES = {stage.name: stage for stage in pae.STAGES}
TINY = {"inside": "mnist-5k", "outside": "digits", "train": 300, "validation": 60, "test": 60}


class Here(Job):
    """A job whose inputs lie, without seals, in a folder."""

    def input(self, name: str) -> Path:
        return self.store / name


def job(name: str, folder: Path, **changes: Any) -> Job:
    stage = STAGES[name]
    params = {**stage.params.get("smoke", stage.params["full"]), **changes}
    params |= {"images": TINY, "strangers": pae.STRANGERS["smoke"]}
    out, work = folder / name, folder / "work" / name
    out.mkdir(parents=True)
    work.mkdir(parents=True)
    return Here(stage, "smoke", params, 0, out, work, folder)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    shape = {"latent": 3, "channels": (4, 4)}
    AutoEncoder(AutoEncoderConfig(**shape)).save(tmp_path / "aeflow/ae-d32-s0/model.npz")
    VAE(VAEConfig(**shape)).save(tmp_path / "aeflow/vae-d32-s0/model.npz")
    Flow(FlowConfig(dim=3, layers=2, hidden=(8,), components=2)).save(
        tmp_path / "aeflow/latent-ae-d32-s0/mixture_flow.npz"
    )
    for seed in (1, 2):
        VAE(VAEConfig(**shape, seed=seed)).save(tmp_path / f"aeflow/vae-d32-s{seed}/model.npz")
    pixels = PixelFlowConfig(couplings=(2, 2), channels=(4, 4))
    for stage in ("aeflow/pixelflow-s0", "pae/background-s0"):
        PixelFlow(pixels).save(tmp_path / stage / "flow.npz")
    Classifier(ClassifierConfig(channels=(4, 4))).save(
        tmp_path / "aeflow/classifier/classifier.npz"
    )
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("row", sorted(pae.ROWS))
def test_a_row_is_measured(row: str, trained: Path) -> None:
    sizes = {"samples": 40, "costly": 10, "neighbours": 30}
    one = job(f"pae/bench-{row}-s0", trained, sizes=sizes)
    if one.params["autoencoder"]:
        one.params["autoencoder"]["model"] = one.params["autoencoder"]["model"] | {
            "latent": 3,
            "channels": (4, 4),
        }
    module, _, function = one.stage.run.partition(":")
    getattr(importlib.import_module(module), function)(one)
    result = json.loads((one.out / "metrics.json").read_text())
    assert result["detection"]
    for sets in result["detection"].values():
        assert set(sets) == {
            "handwritten digits", "flipped left-right", "flipped upside down", "noise",
        }  # fmt: skip
        assert all(0 <= v <= 1 for values in sets.values() for v in values.values())
    if "samples" in result:
        assert result["samples"]["frechet"] > 0
        assert result["samples"]["frechet_error"] > 0
        assert (one.out / "shown.npz").exists()
    corrected = " + compressed size" if row.endswith("-corrected") else ""
    assert (f"Laplace evidence{corrected}" in result["detection"]) == pae.ROWS[row].evidence
    if corrected:
        assert all(score.endswith(corrected) for score in result["detection"])


@pytest.mark.slow
def test_the_background_is_trained_on_mutated_images(tmp_path: Path) -> None:
    model = {"couplings": [2, 2], "channels": [4, 4]}
    one = job("pae/background-s0", tmp_path, model=model)
    pae_bench_runs.train_background(one)
    assert PixelFlow.load(one.out / "flow.npz").config.couplings == (2, 2)
    history = json.loads((one.out / "metrics.json").read_text())["history"]
    assert np.isfinite(history["validation"]).all()


@pytest.mark.slow
def test_classes_that_were_left_out_are_strangers(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = job("pae/left-out-s0", trained, model={"latent": 3, "channels": (4, 4)})
    pae_bench_runs.score_left_out(one)
    monkeypatch.setattr(Session, "artefact", lambda self, name: trained / name)
    results = pae_results.Results(notebook("pae-test", profile="smoke"))
    found = json.loads((one.out / "metrics.json").read_text())
    monkeypatch.setattr(results, "seeds_of", lambda stem: [found])
    classes, table = results.left_out_table()
    assert sorted(classes) == ["sevens", "threes"]
    assert {"PAE, ln p(z)", "compressed size, compressed size"} <= set(table)
    assert all(0 <= value <= 1 for row in table.values() for value, _ in row)
    assert "PAE, Laplace evidence + compressed size" in table
    for i, name in enumerate(classes):
        ours = max(row[i][0] for key, row in table.items() if key.startswith("PAE, "))
        best = max(row[i][0] for row in table.values())
        assert max(results.left_out_shortfall()[name], 0) == pytest.approx(best - ours)


@pytest.mark.slow
def test_reconstructions_are_scored_by_each_meaning(trained: Path) -> None:
    one = job("pae/reconstruction-s0", trained)
    pae_runs.score_reconstructions(one)
    found = json.loads((one.out / "metrics.json").read_text())["auroc"]
    assert len(found) == 4
    for sets in found.values():
        assert set(sets) == {
            "handwritten digits", "flipped left-right", "flipped upside down", "noise",
        }  # fmt: skip
        assert all(0 <= value <= 1 for value in sets.values())


@pytest.mark.slow
def test_estimates_of_the_evidence_are_compared(tmp_path: Path) -> None:
    one = job("pae/evidence", tmp_path, compared=4, timed=10, latent=2)
    pae_runs.compare_evidence(one)
    with np.load(one.out / "evidence.npz") as stored:
        for name in ("laplace", "importance", "annealed"):
            assert stored[name].shape == (4,)
            assert np.isfinite(stored[name]).all()
        parts = sum(stored[f"laplace_{part}"] for part in ("likelihood", "prior", "volume"))
        np.testing.assert_allclose(parts, stored["laplace"], rtol=1e-4)
    metrics = json.loads((one.out / "metrics.json").read_text())
    assert sum(metrics["rank"]) == metrics["laplace_images"] == 10
    checks = job("pae/checks", tmp_path, known=20, scored=12)
    pae_runs.check_short_cuts(checks)
    found = json.loads((checks.out / "metrics.json").read_text())
    assert found["linear_error"] < 1e-6
    assert found["rank"] <= 1
    assert found["floor_is_prior"] > 0.99
    assert set(found["auroc"]) >= {"ln p(z)", "Laplace evidence", "Laplace, summed gradients"}


@pytest.mark.slow
def test_the_evidence_is_timed_without_its_compilation(trained: Path) -> None:
    one = job("pae/laplace-d32", trained, batch=4, timed=4)
    pae_runs.time_evidence(one)
    found = json.loads((one.out / "metrics.json").read_text())
    assert found["laplace_seconds"]["cpu_seconds"] < found["compilation_seconds"]["cpu_seconds"]
    assert sum(found["rank"]) == found["laplace_images"] == 4


@pytest.mark.slow
def test_spectrum_and_repeated_trainings(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spectrum = job("pae/spectrum", trained, sizes=[2, 20])
    pae_runs.latent_spectrum(spectrum)
    ease = job("pae/ease", trained)
    pae_runs.train_again_and_again(ease)
    monkeypatch.setattr(Session, "artefact", lambda self, name: trained / name)
    results = pae_results.Results(notebook("pae-test", profile="smoke"))
    for values in results.singular_values().values():
        assert values[0] == 1
        assert (np.diff(values) <= 0).all()
    errors = results.metrics("spectrum")["pca_error"]
    assert errors["20"] < errors["2"]
    settings = STAGES["pae/ease"].params["smoke"]
    for kind in ("PAE", "VAE"):
        runs = [r for r in results.metrics("ease")["runs"] if r["kind"] == kind]
        assert len(runs) == len(settings["rates"]) * len(settings["seeds"])
        done = sum(len(v) for v in results.repeated(kind, "frechet").values())
        assert results.failures(kind) + done == len(runs)
    assert results.failures("VAE") == 0
    assert 0 <= results.mixture_failures() <= len(settings["rates"]) * len(settings["seeds"])
    assert results.worst_over_best("VAE", "error") >= 1


@pytest.mark.slow
def test_strangers_of_a_user_are_scored(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(2, 50, 28, 28, 1)).astype(np.float32)
    found = pae_strangers.auroc_of_strangers(trained, x[0], x[0], seeds=(0,))
    assert found == {"ln p(z)": (0.5, None), "reconstruction": (0.5, None)}
    other = pae_strangers.auroc_of_strangers(trained, 0.1 * x[0], x[1], seeds=(0, 0))
    assert other["reconstruction"] == (1.0, 0.0)
    assert pae_strangers.main([str(trained / "nothing.zip")]) == 1
    assert "images_evaluation.zip" in capsys.readouterr().err


@pytest.mark.slow
def test_images_go_out_and_features_come_back(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = np.random.default_rng(0).uniform(size=(40, 28, 28, 1)).astype(np.float32)
    pae_features.write_images(trained, test, trained / "out")
    for name in ("test", "samples", "reconstructions"):
        x = np.load(trained / f"out/{name}.npy")
        assert (x.shape, x.dtype) == ((40, 28, 28), np.uint8)
    features = np.random.default_rng(1).normal(size=(2000, 3))
    real, fake = trained / "real.npy", trained / "fake.npy"
    np.save(real, features)
    np.save(fake, features + 2.0)
    assert pae_features.main(["distance", str(real), str(fake)]) == 0
    assert float(capsys.readouterr().out) == pytest.approx(12, rel=1e-3)
    np.save(fake, features[:3])
    assert pae_features.main(["distance", str(real), str(fake)]) == 1
    assert "n above d" in capsys.readouterr().err


def test_rows_read_what_is_there() -> None:
    for name, row in pae.ROWS.items():
        for seed in row.seeds:
            stage = STAGES[f"pae/bench-{name}-s{seed}"]
            assert stage.params["full"]["seed"] == seed
            assert ("smoke" in stage.params) == (seed == 0 and row.small)
            if "/" in row.networks:
                assert f"{row.networks}-s{seed}" in stage.inputs


class Stored(pae_results.Results):
    """Results of rows that a test wrote down."""

    def __init__(self, numbers: dict[str, list[dict[str, Any]]]) -> None:
        super().__init__(notebook("pae-test", profile="full"))
        self._numbers = numbers

    def rows(self) -> list[str]:
        return list(self._numbers)

    def every(self, row: str) -> list[dict[str, Any]]:
        return self._numbers[row]


def measured(auroc: float, frechet: float | None) -> dict[str, Any]:
    samples: dict[str, Any] = {}
    if frechet is not None:
        samples = {"samples": {"frechet": frechet, "frechet_error": 0.1}}
        samples["frechet_reconstructions"] = 2.0
    return {"detection": {"ln p(z)": {"digits": {"auroc": auroc}}}, **samples}


def test_the_table_is_over_seeds_and_best_is_best() -> None:
    results = Stored(
        {
            "pae": [measured(0.8, 1.0), measured(0.9, 3.0)],
            "vae": [measured(0.9, 5.0)],
            "compression": [measured(0.6, None)],
        }
    )
    column = results.sample_column("frechet")
    assert column["PAE [15]"] == (2.0, pytest.approx(np.sqrt(2)))
    assert column["VAE [15]"] == (5.0, 0.1)
    assert "compressed size" not in column
    assert results.sampled() == ["pae", "vae"]
    assert results.best_rival("frechet", "pae") == (5.0, 0.1)
    assert results.over_floor("pae") == (1.0, pytest.approx(np.sqrt(0.5)))
    assert results.floors() == {"reconstructions": 2.0}
    assert results.strangers() == ["digits"]
    assert results.shortfall("pae", "digits")[0] == pytest.approx(0.05)
    assert results.shortfall("pae", "digits", learned=True)[0] == pytest.approx(0.05)
    results.every("compression")[0]["detection"]["compressed size"] = {"digits": {"auroc": 1.0}}
    assert results.shortfall("pae", "digits")[0] == pytest.approx(0.15)
    assert results.shortfall("pae", "digits", learned=True)[0] == pytest.approx(0.05)
    # another row of the same label is the same model
    results.every("pae")[0]["detection"] |= {"ln p(x)": {"digits": {"auroc": 0.7}}}
    results.every("pae")[1]["detection"] |= {"ln p(x)": {"digits": {"auroc": 0.7}}}
    corrected = Stored({**results._numbers, "pae-corrected": [measured(1.0, None)]})
    assert corrected.shortfall("pae", "digits")[0] == pytest.approx(0.0)
    del results.every("compression")[0]["detection"]["compressed size"]
    assert set(results.detection_table(rows=["vae"])) == {"VAE, ln p(z)"}
    table = results.detection_table()
    assert table["compressed size, ln p(z)"] == [(0.6, None)]


def test_meanings_of_the_reconstruction_are_averaged_over_seeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results = Stored({"pae": [measured(0.8, 1.0)]})
    found = [{"auroc": {"squared error": {"digits": value}}} for value in (0.7, 0.9)]
    monkeypatch.setattr(results, "seeds_of", lambda stem: found)
    (value, error), = results.reconstruction_table()["squared error"]  # fmt: skip
    assert (value, error) == (pytest.approx(0.8), pytest.approx(np.sqrt(0.02)))


def test_rows_say_how_long_their_networks_were_trained() -> None:
    assert pae.ROWS["pae"].title == f"PAE [{pae.TRAINING['full']['epochs']}]"
    assert pae.ROWS["pca"].title == pae.ROWS["pca"].label
    halved = pae.SHORT["full"]["epochs"] / 2
    for row in pae.ROWS.values():
        short = row.networks in pae.AUTOENCODERS
        assert row.epochs == (halved if short else 15 if row.networks else 0)


def test_errors_are_against_annealing() -> None:
    arrays = {
        "laplace": np.array([1.0, 2.5]),
        "annealed": np.array([1.5, 0.0]),
        "from_prior": np.array([-9.0, 1.0]),
    }
    error = pae_results.evidence_errors(arrays, "laplace")
    np.testing.assert_allclose(error, [-0.5, 1.5])
    assert pae_results.share_within(error, 1) == 0.5


def test_failures_of_the_evidence_have_one_cause_each() -> None:
    arrays = {
        "laplace": np.array([0.5, -5.0, 1.5, -3.0, 2.0]),
        "importance": np.array([0.2, 0.0, 0.3, -2.0, 0.1]),
        "annealed": np.array([0.0, 0.0, 0.0, 0.0, 0.5]),
        "from_prior": np.array([-4.0, 3.0, -4.0, 0.9, -1.0]),
    }
    modes = pae_results.several_modes(arrays)
    np.testing.assert_array_equal(modes, [False, True, False, False, False])
    found = pae_results.failures_explained(arrays)
    assert found == {"modes": 1, "shape": 2, "rest": 1}
    failed = np.abs(pae_results.evidence_errors(arrays, "laplace")) > 1
    assert sum(found.values()) == failed.sum()


def test_minutes_are_for_ten_thousand_images(monkeypatch: pytest.MonkeyPatch) -> None:
    results = pae_results.Results(notebook("pae-test", profile="smoke"))
    found = {"laplace_seconds": {"cpu_seconds": 30.0}, "laplace_images": 5000}
    monkeypatch.setattr(results, "metrics", lambda name: found)
    assert results.laplace_minutes("laplace-d32") == 1.0
    assert results.has("evidence")
    assert not results.has("laplace-d32")
