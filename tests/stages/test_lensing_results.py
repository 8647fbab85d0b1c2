"""What notebooks read of lensing is what the artefacts hold."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.lensing.settings import Settings
from mlsci.stages.lensing_results import Seeds, theory_spectrum

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


def test_histograms_are_averaged(seeds: Seeds) -> None:
    value, error = seeds.histogram("values", "density")
    np.testing.assert_allclose(value, [2, 3])
    np.testing.assert_allclose(error, [1, 0])
    assert seeds.peaks_above("values", 0.05) == (3.0, 1.0)
    assert seeds.moment("values", 0) == (2.0, 1.0)


def test_halofit_agrees_with_three_other_programs() -> None:
    assert theory_spectrum([1000])[0] == pytest.approx(4.37e-10, rel=0.01)
