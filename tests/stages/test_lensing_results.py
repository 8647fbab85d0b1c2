"""What notebooks read of lensing is what the artefacts hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsci.lensing.settings import Settings
from mlsci.stages.lensing_ensembles import Controlled, Seeds, Steps
from mlsci.stages.lensing_results import theory_spectrum
from mlsci.stages.lensing_speed_results import ORIGINAL, SpeedResults, displacement

ELL = np.array([300.0, 600.0, 1200.0, 2400.0, 4800.0])


@pytest.fixture
def seeds() -> Seeds:
    """Two seeds whose signal is 0.9 and 1.1 of a flat theory, but for one band."""
    theory = np.full(5, 2.0)
    signal = theory * np.array([[0.9], [1.1]])
    signal[:, 3] *= 1.2
    shot = np.array([0.5, 0.7])
    one = {"density": [1.0, 3.0], "peaks": [4.0, 2.0], "moments": [1.0, 0.0, 0.0]}
    other = {"density": [3.0, 3.0], "peaks": [0.0, 4.0], "moments": [3.0, 0.0, 0.0]}
    return Seeds(
        Settings(), ELL, np.ones(5), signal + shot[:, None], shot, {"takahashi": theory},
        np.array([0.0, 0.05, 0.1]), {"values": [one, other], "gaussian": [one, one]},
    )  # fmt: skip


def test_shot_noise_is_subtracted_seed_by_seed(seeds: Seeds) -> None:
    value, error = seeds.ratio()
    np.testing.assert_allclose(value, [1, 1, 1, 1.2, 1])
    np.testing.assert_allclose(error[:3], 0.1)
    np.testing.assert_allclose(seeds.ratio(noisy=True)[0][0], 1.3)


def test_the_worst_band_is_found_between_the_limits(seeds: Seeds) -> None:
    assert seeds.worst("takahashi", 300, 2000)[0] == pytest.approx(0, abs=1e-9)
    value, error = seeds.worst("takahashi", 2000, 5000)
    assert value == pytest.approx(20)
    assert error == pytest.approx(12)
    assert seeds.worst("takahashi", 2000, 2300)[0] == pytest.approx(20)  # the nearest band


def test_the_mean_excess_has_a_sign_and_the_spread_of_seeds(seeds: Seeds) -> None:
    value, error = seeds.excess("takahashi", 1000, 3000)
    assert value == pytest.approx(10)  # of two bands, 0 and 20
    assert error == pytest.approx(11)
    assert seeds.excess("takahashi", 2000, 2300)[0] == pytest.approx(20)


def test_values_between_bands_are_interpolated(seeds: Seeds) -> None:
    assert seeds.at(1200 * np.sqrt(2))[0] == pytest.approx(1.1)


def test_what_surrogates_know_to_be_chance_is_taken_away() -> None:
    """Runs twice their surrogates but for a constant; the surrogates' mean over others is 1."""
    rng = np.random.default_rng(0)
    twins, others = 1.3 + 0.1 * rng.standard_normal((5, 5)), np.array([[0.9], [1.1]]) + np.zeros(5)
    theory, shot = np.full(5, 2.5), np.full(5, 0.5)
    fine = Seeds(
        Settings(), ELL, np.ones(5), 2 * twins + 0.5 + shot[:, None], shot,
        {"takahashi": theory}, np.array([0.0, 1.0]), {},
    )  # fmt: skip
    found = Controlled(fine, twins, others)
    assert fine.worst("takahashi", 300, 2000)[0] > 15
    value, error = found.ratio()
    np.testing.assert_allclose(value, 1)
    np.testing.assert_allclose(error, 2 * 0.1 / 2.5)
    np.testing.assert_allclose(found.correlation(), 1)
    assert found.worst("takahashi", 300, 2000) == pytest.approx((0, 8), abs=1e-9)
    assert found.excess("takahashi", 300, 2000) == pytest.approx((0, 8), abs=1e-9)


def test_the_least_correlation_is_that_of_bands_that_end_below_the_goal() -> None:
    edges = np.array([100.0, 1000.0, 2000.0, 4000.0])
    power = np.array([[4.0, 4.0, 4.0], [1.0, 1.0, 1.0]])
    steps = Steps((11, 41), 2000, edges, edges[1:] / 1.5, power, power / 4,
                  power / 2 * [[1.0, 0.9, 0.5], [1.0, 0.7, 0.5]])  # fmt: skip
    assert steps.least() == pytest.approx((0.8, 0.1))
    assert [steps.reach(level) for level in (0.9, 0.7, 0.4)] == [1000, 2000, 4000]
    np.testing.assert_allclose(steps.ratio()[0], 4)
    alone = Steps((11, 41), 2000, edges, edges[1:], power[:1], power[:1] / 4, power[:1] / 2)
    assert alone.least() == (1.0, None)
    assert alone.whole() == (pytest.approx(1.0), None)


def test_whole_maps_correlate_as_their_strong_bands_do() -> None:
    edges = np.array([100.0, 1000.0, 2000.0, 4000.0])
    few, many = np.array([[8.0, 2.0, 7.0]]), np.array([[2.0, 2.0, 7.0]])
    steps = Steps((11, 41), 2000, edges, edges[1:], few, many, np.array([[3.0, 1.0, 0.0]]))
    modes = np.array([1000**2 - 100**2, 2000**2 - 1000**2])
    expected = modes @ [3, 1] / np.sqrt((modes @ [8, 2]) * (modes @ [2, 2]))
    assert steps.whole()[0] == pytest.approx(expected)


def test_histograms_are_averaged(seeds: Seeds) -> None:
    value, error = seeds.histogram("values", "density")
    np.testing.assert_allclose(value, [2, 3])
    np.testing.assert_allclose(error, [1, 0])
    assert seeds.peaks_above("values", 0.05) == (3.0, 1.0)
    assert seeds.moment("values", 0) == (2.0, 1.0)


def test_halofit_agrees_with_three_other_programs() -> None:
    assert theory_spectrum([1000])[0] == pytest.approx(4.37e-10, rel=0.01)


class FakeSession:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def artefact(self, name: str) -> Path:
        assert name == "lensing/speed"
        return self.folder


def line(ranks: int, precision: str = "f4") -> dict[str, Any]:
    parts = {f"{name}_cpu": 0.1 for name in
             ("paint", "filter", "read", "drift", "forward", "backward")}  # fmt: skip
    return {
        "code": "mlsci", "side": 64, "ranks": ranks, "precision": precision, "steps_cpu": 5.0,
        "steps_wall": 5.0 / ranks, "step_over_transforms": 2.0 + (precision == "f8"), **parts,
        "exchange_cpu": 0.0, "return_cpu": 0.0,
    }  # fmt: skip


def jaxpm(threads: int) -> dict[str, Any]:
    return {
        "code": "jaxpm", "side": 64, "threads": threads, "precision": "f4", "version": "1",
        "steps_cpu": 15.0, "steps_wall": 10.0, "warm_up_cpu": 40.0, "memory_mb": 900.0,
        "difference": 1e-6,
    }  # fmt: skip


def speed(tmp_path: Path, extra: list[dict[str, Any]]) -> SpeedResults:
    run = {"cpu": 4.0, "wall": 3.0, "memory_mb": 700.0}
    found = {
        "compilation_cpu": 9.0, "measured": "2024-01-01T00:00:00Z",
        "machine": {"cores": 2, "cpu": "a processor"},
        "maps": dict.fromkeys([*ORIGINAL, "large"], run),
        "results": [line(1), line(2), line(1, "f8"), line(2, "f8"), *extra],
    }  # fmt: skip
    (tmp_path / "speed.json").write_text(json.dumps(found))
    return SpeedResults(FakeSession(tmp_path))  # type: ignore[arg-type]


def test_speed_is_compared_with_the_same(tmp_path: Path) -> None:
    results = speed(tmp_path, [jaxpm(1), jaxpm(2)])
    assert results.times_less("dense") == pytest.approx(107 / 4)
    assert results.over_transforms() == 3.0
    assert results.speedup() == pytest.approx(2)
    assert [(key, ratio) for key, ratio, _ in results.over_jaxpm()] == [
        ("lensing.speed_over_jaxpm_1", 3.0),  # processor time on one core
        ("lensing.speed_over_jaxpm_2", 4.0),  # the clock on two
    ]
    assert results.beside_jaxpm()["2 cores"] == {"JaxPM 1": 10.0, "this": 2.5}
    assert "exchange" not in results.parts()
    assert results.parts()["paint"]["float32"] == pytest.approx(1e8 / 64**3)


def test_jaxpm_may_be_missing(tmp_path: Path) -> None:
    results = speed(tmp_path, [])
    assert results.over_jaxpm() == []
    assert list(results.beside_jaxpm()) == ["one core"]
    assert "pip install --group benchmark" in results.said_of_jaxpm()


def test_prediction_scales_until_the_network_takes_over(tmp_path: Path) -> None:
    results = speed(tmp_path, [])
    walls = [results.predicted(256, ranks) for ranks in (1, 16, 256)]
    assert walls[0] > walls[1] > walls[2] > walls[0] / 256
    assert results.network_share(256, 1) == 0
    assert 0 < results.network_share(1024, 1024) < 1


def test_matter_moves_some_six_megaparsecs() -> None:
    """The linear dispersion along an axis today in this cosmology is near 6 Mpc/h."""
    assert displacement() == pytest.approx(6, rel=0.1)
