"""BullFrog obeys the equation of motion, and perturbation theory to second order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpi4py import MPI

from mlsci.lensing import bullfrog, initial, nbody
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.mesh import Mesh

COSMOLOGY = Cosmology()
BOX, SIDE = 64.0, 16


def start(a: float = 0.1) -> nbody.State:
    lattice = Mesh(BOX, SIDE, MPI.COMM_SELF, "f8")
    noise = np.random.default_rng(0).standard_normal((SIDE,) * 3)
    delta = initial.linear_density(lattice, noise, lambda k: 500 * (k / 0.1) ** -1.5)
    x, p = initial.displaced(lattice, delta, COSMOLOGY, a)
    return nbody.State(x, p, a, Mesh(BOX, 2 * SIDE, MPI.COMM_SELF, "f8"))


@settings(deadline=None, max_examples=6)
@given(st.floats(0.05, 0.95), st.floats(0.1, 0.9), st.floats(-1.4, -0.7))
def test_small_steps_obey_the_equation_of_motion(a: float, omega_m: float, w0: float) -> None:
    # dv/dD = -3/2 Omega_m(a) / (f^2 D) (v - A / D), from x'' and the growth equation
    cosmology = Cosmology(omega_m=omega_m, w0=w0)
    width = 4e-3
    keep, add = bullfrog.weights(cosmology, a * (1 - width), a * (1 + width))
    growth = cosmology.growth1(np.array([a * (1 - width), a, a * (1 + width)]))
    rate = 1.5 * cosmology.matter_fraction(a) / cosmology.rate1(a) ** 2 / growth[1]
    assert -np.log(keep) / (growth[2] - growth[0]) == pytest.approx(rate, rel=1e-3)
    assert keep + add * 0.5 * (growth[0] + growth[2]) == pytest.approx(1, abs=1e-14)


def second_order(evolve: Callable[..., nbody.State], steps: int) -> float:
    """Displacements of second order after a few steps, over those of theory."""
    side = 32
    lattice = Mesh(BOX, side, MPI.COMM_SELF, "f8")
    q = initial.lattice(lattice)
    k = 2 * np.pi / BOX
    field = (np.cos(k * q[:, 0]) + np.cos(k * q[:, 1] + 1)).reshape((side,) * 3)
    found, theory = np.zeros_like(q), np.zeros_like(q)
    for sign in (0.1, -0.1):  # odd orders cancel in the sum
        delta = lattice.forward(field) * sign / side**3
        x, p = initial.displaced(lattice, delta, COSMOLOGY, 0.1)
        state = nbody.State(x, p, 0.1, Mesh(BOX, 2 * side, MPI.COMM_SELF, "f8"))
        found += evolve(state, COSMOLOGY, nbody.linear_steps(0.1, 1, steps)).x - q
        theory += initial.displaced(lattice, delta, COSMOLOGY, 1.0)[0] - q
    return float((found * theory).sum() / (theory**2).sum())


def test_few_steps_are_right_to_second_order_where_those_of_the_leapfrog_are_not() -> None:
    # the mesh itself is off by less than a hundredth, as many steps show
    assert second_order(bullfrog.evolve, 2) == pytest.approx(1, abs=0.01)
    assert second_order(nbody.evolve, 2) < 0.8
    assert second_order(nbody.evolve, 20) == pytest.approx(1, abs=0.01)


def test_momentum_is_kept() -> None:
    state = start()
    before = state.p.sum(0)
    after = bullfrog.evolve(state, COSMOLOGY, nbody.linear_steps(0.1, 1.0, 5))
    np.testing.assert_allclose(after.p.sum(0), before, rtol=0, atol=1e-13 * np.abs(after.p).sum())


def test_it_ends_where_the_leapfrog_does_if_steps_are_many() -> None:
    few, many = (
        [evolve(start(), COSMOLOGY, nbody.linear_steps(0.1, 1.0, n)) for n in (10, 40)]
        for evolve in (bullfrog.evolve, nbody.evolve)
    )
    apart = [np.abs(a.x - b.x).mean() for a, b in zip(few, many)]
    moved = np.abs(few[1].x - start().x).mean()
    assert apart[1] < 0.15 * apart[0] < 0.01 * moved
    np.testing.assert_allclose(few[1].p, many[1].p, atol=0.1 * np.abs(many[1].p).max())


def test_a_stop_on_the_way_changes_nothing() -> None:
    steps = nbody.linear_steps(0.1, 1.0, 6)
    whole = bullfrog.evolve(start(), COSMOLOGY, steps)
    rest = bullfrog.evolve(bullfrog.evolve(start(), COSMOLOGY, steps[:4]), COSMOLOGY, steps[3:])
    np.testing.assert_allclose(rest.x, whole.x, rtol=0, atol=1e-11 * BOX)
    np.testing.assert_allclose(rest.p, whole.p, rtol=0, atol=1e-11 * np.abs(whole.p).max())


def test_the_callback_can_foretell_both_halves_of_a_step() -> None:
    seen: list[float] = []
    foretold: list[np.ndarray] = []

    def look(a_start: float, a_end: float, x: np.ndarray, p: np.ndarray) -> None:
        if foretold:
            np.testing.assert_allclose(x, foretold.pop(), rtol=0, atol=1e-12)
        seen.extend((a_start, a_end))
        factor = COSMOLOGY.drift(nbody.middle(a_start, a_end), a_start, a_end)
        foretold.append(x + float(factor) * p)

    end = bullfrog.evolve(start(), COSMOLOGY, [0.1, 0.4, 1.0], look)
    assert seen == [0.1, seen[1], seen[1], 0.4, 0.4, seen[5], seen[5], 1.0]
    halves = COSMOLOGY.growth1(np.array([0.1, seen[1], 0.4]))
    assert halves[1] == pytest.approx(halves[::2].mean(), rel=1e-12)
    np.testing.assert_allclose(end.x, foretold.pop(), rtol=0, atol=1e-12)


def test_a_step_is_seen_on_the_parabola_with_the_velocities_of_its_ends() -> None:
    first, places, momenta = start(), [], []
    velocity = first.p * float(COSMOLOGY.drift_scale(0.1))

    def look(a_start: float, a_end: float, x: np.ndarray, p: np.ndarray) -> None:
        places.append(x.copy())
        momenta.append(p * float(COSMOLOGY.drift_scale(nbody.middle(a_start, a_end))))

    end = bullfrog.evolve(first, COSMOLOGY, [0.1, 0.4], look)
    width = float(np.diff(COSMOLOGY.growth1(np.array([0.1, 0.4])))[0])
    last = end.p * float(COSMOLOGY.drift_scale(0.4))
    curve = (last - velocity) / width
    middle = places[0] + velocity * width / 2 + curve * (width / 2) ** 2 / 2
    np.testing.assert_allclose(places[1], middle, rtol=0, atol=1e-11)
    np.testing.assert_allclose(end.x, places[0] + (velocity + last) * width / 2, atol=1e-11)
    np.testing.assert_allclose(momenta[0] + momenta[1], velocity + last, atol=1e-11)


def test_the_way_between_the_ends_is_near_that_of_many_steps() -> None:
    def seen(steps: int, at: float) -> np.ndarray:
        found: list[np.ndarray] = []

        def look(a_start: float, a_end: float, x: np.ndarray, p: np.ndarray) -> None:
            if a_start <= at < a_end:
                drift = COSMOLOGY.drift(nbody.middle(a_start, a_end), a_start, at)
                found.append(x + p * float(drift))

        bullfrog.evolve(start(), COSMOLOGY, nbody.linear_steps(0.1, 1.0, steps), look)
        return found[0]

    for at in (0.6, 0.7, 0.75, 0.8):  # in steps of .15: their ends and thirds
        true = seen(96, at)
        apart = [np.abs(seen(n, at) - true).mean() for n in (6, 12)]
        assert apart[1] < 0.4 * apart[0]


def test_wrong_steps_are_refused() -> None:
    state = start()
    with pytest.raises(ValueError, match="begin them at the state's"):
        bullfrog.evolve(state, COSMOLOGY, [0.2, 1.0])
    for steps in ([0.1], [0.1, 0.5, 0.3], [0.1, 0.1], [1.0, 0.1]):
        with pytest.raises(ValueError, match="two or more, and grow"):
            bullfrog.evolve(state, COSMOLOGY, steps)
    state.p[3, 1] = np.nan
    with pytest.raises(FloatingPointError, match="infinite or NaN"):
        bullfrog.evolve(state, COSMOLOGY, [0.1, 1.0])
