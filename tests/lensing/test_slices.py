"""Pictures of particles count each particle once, at the time that belongs to its depth."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.lensing import nbody
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.slices import LightStrip, slab
from mlsci.lensing.tiling import stack

BOX = 100.0


def lattice(side: int) -> np.ndarray:
    at = (np.arange(side) + 0.5) * BOX / side
    return np.stack(np.meshgrid(at, at, at, indexing="ij"), -1).reshape(-1, 3)


def test_a_lattice_has_the_mean_density_everywhere() -> None:
    x = lattice(20)
    np.testing.assert_allclose(slab(x, BOX, 25.0, 10), 1)
    np.testing.assert_allclose(slab(x, BOX, 25.0, 10, side=50.0), 1)
    np.testing.assert_allclose(slab(x + 3 * BOX, BOX, 25.0, 10), 1)


@pytest.mark.parametrize("speed", [0.0, 2.0])
def test_a_strip_of_a_lattice_is_even(speed: float) -> None:
    """At rest, or all moving alike: then copies of the box move on, and nothing is lost."""
    cosmology, reach = Cosmology(), 700.0
    strip = LightStrip(cosmology, stack(BOX, reach, 1), reach, 20.0, 10.0)
    x = lattice(20)
    p = np.full_like(x, speed)
    for a_start, a_end in zip(*(nbody.linear_steps(0.1, 1.0, 10)[i : i + 10] for i in (0, 1))):
        strip.advance(a_start, a_end, x, p)
        x = x + p * float(cosmology.drift(nbody.middle(a_start, a_end), a_start, a_end))
    density = strip.density(len(x) / BOX**3)
    assert density.shape == (10, 70)
    # Rows of particles enter and leave a strip that is four of them thick.
    assert density.mean() == pytest.approx(1, abs=0.02 if speed == 0 else 0.12)
    assert density.max() < 2
