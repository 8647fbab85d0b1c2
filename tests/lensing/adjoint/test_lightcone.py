"""One shell of the light cone alone: crossings are differentiated through what defines them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlsci.lensing.adjoint.lightcone import Tables, advance_jvp, advance_vjp
from mlsci.lensing.convergence import efficiencies
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.lightcone import Field, LightCone
from mlsci.lensing.tiling import stack

PLANCK, SOURCES, BOX, COUNT = Cosmology(), (0.5, 1.0), 300.0, 400
REACH = float(PLANCK.distance(0.5))


def cone() -> LightCone:
    table = efficiencies(PLANCK, SOURCES)
    field = Field(np.radians(6.3), 24)
    return LightCone(PLANCK, stack(BOX, REACH, 0), field, table, REACH, 1e-3)


class Moved(LightCone):
    """A light cone whose tables and factors are moved along a direction."""

    def move(self, h: float, tables: Tables, drift: np.ndarray) -> Moved:
        self.growth = self.growth + h * tables.growth
        self.weights = self.weights + h * tables.weights
        self.spacing = self.spacing + h * float(tables.spacing)
        self.by = h * drift
        return self

    def drift(self, a_c: float, a_i: float, a_f: float) -> Any:
        values = list(super().drift(a_c, a_i, a_f))
        values[8] += self.by[0]
        values[9] += self.by[1]
        return tuple(values)


@pytest.mark.parametrize("times", [(0.55, 0.5, 0.6), (0.75, 0.7, 0.8), (0.95, 0.9, 1.0)])
@pytest.mark.parametrize("shifted", [False, True])
def test_one_shell(times: tuple[float, float, float], shifted: bool) -> None:
    rng = np.random.default_rng(0)
    x, p = rng.uniform(0, BOX, (COUNT, 3)), rng.normal(0, 3, (COUNT, 3))
    offset = rng.normal(0, 0.5, (COUNT, 3)) if shifted else None
    dx, dp, moves = rng.standard_normal((3, COUNT, 3))
    one = cone()
    cotangent = rng.standard_normal(one.maps.shape)
    tables = Tables(
        one.growth * rng.normal(0, 0.1, one.growth.shape),
        one.weights * rng.normal(0, 0.1, one.weights.shape), np.array(0.3 * one.spacing),
    )  # fmt: skip
    drift = rng.normal(0, 0.1, 2)
    x_bar, p_bar, tables_bar = np.zeros_like(x), np.zeros_like(p), Tables.zeros(one)
    offset_bar, drift_bar = advance_vjp(
        one, times, x, p, offset, cotangent, x_bar, p_bar, tables_bar
    )
    change = np.zeros_like(cotangent)
    moved = moves if shifted else None
    advance_jvp(one, times, x, p, offset, dx, dp, moved, drift, tables, change)
    pairs: list[tuple[Any, Any]] = [
        (x_bar, dx), (p_bar, dp), (drift_bar, drift), (tables_bar.growth, tables.growth),
        (tables_bar.weights, tables.weights), (tables_bar.spacing, tables.spacing),
    ]  # fmt: skip
    if offset_bar is not None:
        pairs.append((offset_bar, moves))
    back = sum(float(np.vdot(a, b)) for a, b in pairs)
    assert abs(back - np.vdot(cotangent, change)) < 1e-11 * abs(back)

    def maps(h: float) -> np.ndarray:
        seen = Moved(PLANCK, one.tiling, one.field, efficiencies(PLANCK, SOURCES), REACH, 1e-3)
        seen.move(h, tables, drift)
        at = None if offset is None else offset + h * moves
        seen.advance(*times, x + h * dx, p + h * dp, at)
        return seen.maps

    # steps short enough that hardly a particle crosses an edge of a pixel
    by_steps = (maps(1e-6) - maps(-1e-6)) / 2e-6
    assert np.quantile(np.abs(by_steps - change), 0.95) < 1e-6 * np.abs(change).max()
    assert np.abs(change).max() > 0
