"""What depends on the cosmology alone: each derivative against differences of the function."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from mlsci.lensing.adjoint.cosmology import BACKGROUND, PARAMETERS, Background, to_parameters
from mlsci.lensing.adjoint.power import log_power_slopes
from mlsci.lensing.adjoint.sources import (
    light_cone_slopes,
    mean_convergence_slopes,
    only_redshifts,
)
from mlsci.lensing.convergence import efficiencies
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.lightcone import Field, LightCone
from mlsci.lensing.power import LinearPower
from mlsci.lensing.sources import Distribution
from mlsci.lensing.theory import mean_convergence
from mlsci.lensing.tiling import stack

COSMOLOGY = Cosmology(w0=-0.9, wa=0.2)
A = np.array([0.1, 0.3, 0.5, 0.9, 1.0])


@pytest.fixture(scope="module")
def background() -> Background:
    return Background(COSMOLOGY)


def differences(
    function: Callable[[Cosmology], object], names: Sequence[str] = BACKGROUND, step: float = 2e-3
) -> np.ndarray:
    """Quotients of fourth order."""
    found = []
    for name in names:
        value = getattr(COSMOLOGY, name)
        plus, minus, far, near = (
            np.asarray(function(dataclasses.replace(COSMOLOGY, **{name: value + times * step})))
            for times in (1, -1, 2, -2)
        )
        found.append((8 * (plus - minus) - (far - near)) / (12 * step))
    return np.array(found)


FUNCTIONS: dict[str, Callable[[Cosmology], object]] = {
    "expansion": lambda c: c.expansion(A),
    "matter_fraction": lambda c: c.matter_fraction(A),
    "growth1": lambda c: c.growth1(A),
    "slope1": lambda c: c.rate1(A) * c.growth1(A),
    "growth2": lambda c: c.growth2(A),
    "slope2": lambda c: c.rate2(A) * c.growth2(A),
    "distance": lambda c: c.distance(A),
    "drift_scale": lambda c: c.drift_scale(A),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_time(name: str, background: Background) -> None:
    expected = differences(FUNCTIONS[name])
    found = getattr(background, name)(A)
    np.testing.assert_allclose(found, expected, atol=1e-7 * np.abs(expected).max())


def test_factors_of_steps(background: Background) -> None:
    expected = differences(lambda c: c.drift(0.5, 0.4, 0.6))
    np.testing.assert_allclose(background.drift(0.5, 0.4, 0.6), expected, rtol=1e-6)
    value, slopes = background.pull(0.5, 0.4, 0.6)
    assert value == pytest.approx(1.5 * COSMOLOGY.omega_m * COSMOLOGY.kick(0.5, 0.4, 0.6))
    expected = differences(lambda c: 1.5 * c.omega_m * c.kick(0.5, 0.4, 0.6))
    np.testing.assert_allclose(slopes, expected, rtol=1e-6, atol=1e-8)


def test_tables_of_the_light_cone(background: Background) -> None:
    def cone(cosmology: Cosmology) -> LightCone:
        reach, table = float(cosmology.distance(0.5)), efficiencies(cosmology, (0.5, 1.0))
        return LightCone(cosmology, stack(300, reach, 0), Field(0.05, 8), table, reach, 1.0)

    found = light_cone_slopes(background, cone(COSMOLOGY), (0.5, 1.0))
    for name in ("growth", "spacing", "weights"):
        expected = differences(lambda c, name=name: getattr(cone(c), name))  # type: ignore[misc]
        error = np.abs(getattr(found, name) - expected)
        scale = np.abs(expected).max()
        # a table has a bend at the nearer source, which differences run over
        assert np.quantile(error, 0.999) < 1e-6 * scale, name


@pytest.mark.parametrize("z", [0.5, 1.0])
def test_mean_convergence(z: float, background: Background) -> None:
    expected = differences(lambda c: mean_convergence(c, z))
    np.testing.assert_allclose(mean_convergence_slopes(background, z), expected, rtol=1e-7)


def test_distributions_of_sources_are_refused() -> None:
    with pytest.raises(ValueError, match="not for distributions"):
        only_redshifts((0.5, Distribution((0.2, 1.0), (1.0, 1.0))))


def test_power_of_eisenstein_and_hu() -> None:
    k = np.geomspace(5e-5, 80, 30)  # also beyond both ends of the table
    found = log_power_slopes(COSMOLOGY, "eisenstein_hu", k)
    for name, slopes in zip(PARAMETERS, found):
        step = 3e-5 if name == "omega_b" else 1e-4
        expected = differences(
            lambda c: np.log(LinearPower(c, "eisenstein_hu")(k)), (name,), step
        )[0]  # fmt: skip
        np.testing.assert_allclose(slopes, expected, atol=3e-6, err_msg=name)


@pytest.mark.slow
def test_power_of_camb() -> None:
    k = np.geomspace(1e-3, 10, 30)
    found = log_power_slopes(COSMOLOGY, "camb", k)
    for name in ("omega_m", "n_s", "h", "sigma8", "omega_b"):
        # steps other than those of the derivative itself
        expected = differences(
            lambda c: np.log(LinearPower(c, "camb")(k)), (name,), 0.003
        )[0]  # fmt: skip
        error = np.abs(found[PARAMETERS.index(name)] - expected)
        assert error.max() < 2e-3 * max(1.0, np.abs(expected).max()), name


def test_parameters_that_the_background_does_not_know() -> None:
    full = dict(zip(PARAMETERS, to_parameters(np.array([1.0, 2.0, 3.0]))))
    assert full == {
        "omega_m": 1, "w0": 2, "wa": 3, "h": 0, "n_s": 0, "sigma8": 0, "omega_b": 0
    }  # fmt: skip
