"""The light cone: each particle once, at its own time; maps of what is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from mlsci.lensing.convergence import convergence, efficiencies, sharpen
from mlsci.lensing.cosmology import HUBBLE_DISTANCE, Cosmology
from mlsci.lensing.lightcone import Field, LightCone, depths
from mlsci.lensing.sources import efficiency
from mlsci.lensing.theory import mean_convergence, shot_noise
from mlsci.lensing.tiling import stack

PLANCK = Cosmology()
BOX = 200.0
FIELD = Field(np.radians(4.0), 16)
Z_SOURCE = 0.9
REACH = float(PLANCK.distance(1 / (1 + Z_SOURCE)))


def cone(density=1.0, field=FIELD, seed=0, sources=(Z_SOURCE,), cosmology=PLANCK, box=BOX):
    table = efficiencies(cosmology, sources)
    reach = float(cosmology.distance(1 / (1 + max(sources))))
    return LightCone(cosmology, stack(box, reach, seed), field, table, reach, density)


def momentum(a, cosmology=PLANCK):
    """Of a particle that moves as D1 times its displacement of today."""
    return a**2 * cosmology.expansion(a) * cosmology.rate1(a) * cosmology.growth1(a)


def run(light_cone, steps, q, psi, cosmology=PLANCK):
    """Move particles as q + D1 psi, in steps between the scale factors given."""
    for a_i, a_f in zip(steps[:-1], steps[1:]):
        a_c = np.sqrt(a_i * a_f)
        x = q + cosmology.growth1(a_i) * psi
        light_cone.advance(a_c, a_i, a_f, x, momentum(a_c, cosmology) * psi)
    return light_cone


def particles(n, seed, speed=20.0, box=BOX):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, box, (n, 3)), rng.normal(0, speed, (n, 3))


def by_hand(tiling, q, psi):
    """Find what crosses the front by bisection: copies of each particle, tile by tile."""
    found = []
    for tile in range(len(tiling.axes)):
        start = tiling.signs[tile] * q[:, tiling.axes[tile]] + tiling.shifts[tile]
        speed = tiling.signs[tile] * psi[:, tiling.axes[tile]]
        for n in range(len(q)):
            for copy in range(-4, tile + 5):

                def ahead(chi, n=n, copy=copy, start=start, speed=speed):
                    grown = PLANCK.growth1(PLANCK.scale_factor(chi))
                    return start[n, 2] + copy * BOX + grown * speed[n, 2] - chi

                near, far = tile * BOX, min((tile + 1) * BOX, REACH)
                if not (ahead(near) > 0 > ahead(far)):
                    continue
                chi = brentq(ahead, near, far, xtol=1e-10)
                y = start[n, :2] + PLANCK.growth1(PLANCK.scale_factor(chi)) * speed[n, :2]
                y -= BOX * np.floor(y / BOX + 0.5)
                found.append([*y / chi, chi])
    return np.array(found)


def test_maps_are_those_of_bisection():
    q, psi = particles(40, seed=1)
    one = run(cone(), np.linspace(0.4, 1.0, 5), q, psi)
    events = by_hand(one.tiling, q, psi)
    expected = np.zeros((FIELD.pixels, FIELD.pixels))
    counted = 0
    for tx, ty, chi in events:
        u, v = (np.array([tx, ty]) + FIELD.width / 2) / FIELD.pixel - 0.5
        a = PLANCK.scale_factor(chi)
        mass = 1.5 * PLANCK.omega_m / HUBBLE_DISTANCE**2 * (1 - chi / REACH) / (a * chi)
        counted += -1 < u < FIELD.pixels and -1 < v < FIELD.pixels
        for i in range(FIELD.pixels):
            for j in range(FIELD.pixels):
                share = max(0, 1 - abs(u - i)) * max(0, 1 - abs(v - j))
                expected[j, i] += share * mass / FIELD.pixel**2
    assert counted > 20
    assert one.counted == counted
    np.testing.assert_allclose(one.maps[..., 0], expected, rtol=1e-6, atol=1e-6 * expected.max())


@settings(max_examples=12)
@given(st.integers(1, 12), st.integers(0, 100), st.floats(0.3, 0.5))
def test_what_moves_evenly_is_seen_the_same_in_any_number_of_steps(steps, seed, a_start):
    """FastPM's drift is exact for D1 times a displacement; so are crossings within it."""
    q, psi = particles(3000, seed, speed=60.0)
    whole = run(cone(seed=seed), np.array([a_start, 1.0]), q, psi)
    parts = run(cone(seed=seed), np.linspace(a_start, 1.0, steps + 1), q, psi)
    assert parts.counted == whole.counted
    np.testing.assert_allclose(parts.maps, whole.maps, rtol=1e-6, atol=1e-9 * whole.maps.max())


def test_positions_wrapped_or_not_are_the_same():
    q, psi = particles(3000, 5)
    steps = np.array([0.5, 0.7, 1.0])
    one = run(cone(), steps, q, psi)
    moved = q + BOX * np.random.default_rng(0).integers(-2, 3, q.shape)
    two = run(cone(), steps, moved, psi)
    assert one.counted == two.counted
    np.testing.assert_allclose(one.maps, two.maps, rtol=1e-9, atol=1e-9 * one.maps.max())


def test_particles_in_parts_add_up():
    q, psi = particles(3000, 7)
    steps = np.array([0.5, 0.8, 1.0])
    whole = run(cone(), steps, q, psi)
    parts = [run(cone(), steps, q[part], psi[part]) for part in (slice(0, 1100), slice(1100, None))]
    assert whole.counted == sum(part.counted for part in parts)
    total = sum(part.maps for part in parts)
    np.testing.assert_allclose(total, whole.maps, rtol=1e-11, atol=1e-13 * whole.maps.max())


def lattice(n, box=BOX):
    side = (np.arange(n) + 0.5) * box / n
    return np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)


def test_a_lattice_at_rest_has_the_volume_and_the_mean_of_the_cone():
    n = 50
    q = lattice(n)
    density = (n / BOX) ** 3
    maps, counted = [], []
    for seed in range(4):
        one = run(cone(density, seed=seed), np.linspace(0.4, 1.0, 7), q, np.zeros_like(q))
        maps.append(one.maps[..., 0])
        counted.append(one.counted)
    seen = FIELD.width + FIELD.pixel * 1.0  # a particle just outside still lends to a pixel
    volume = (seen**2) * REACH**3 / 3
    np.testing.assert_allclose(np.mean(counted), density * volume, rtol=3e-3)
    mean = mean_convergence(PLANCK, Z_SOURCE)
    np.testing.assert_allclose(np.mean(maps), mean, rtol=3e-3)
    # no direction is favoured: no seams, no edges
    assert np.std(np.mean(maps, axis=0)) < 0.05 * mean
    edge = np.mean(maps, axis=0)[[0, -1]].mean() + np.mean(maps, axis=0)[:, [0, -1]].mean()
    np.testing.assert_allclose(edge / 2, mean, rtol=0.02)
    kappa = convergence(one.maps, PLANCK, (Z_SOURCE,))
    assert abs(kappa.mean()) < 0.005 * mean


def test_all_sources_in_one_pass_are_those_one_by_one():
    q, psi = particles(5000, 11)
    steps = np.linspace(0.4, 1.0, 4)
    reach = float(PLANCK.distance(1 / 1.9))
    chi = depths(reach)
    sources = (0.3, 0.6, 0.9)
    tables = [efficiency(PLANCK, z, chi)[:, None] for z in sources]
    tiling = stack(BOX, reach, 0)
    together = LightCone(PLANCK, tiling, FIELD, np.concatenate(tables, axis=1), reach, 1.0)
    run(together, steps, q, psi)
    for s, table in enumerate(tables):
        alone = run(LightCone(PLANCK, tiling, FIELD, table, reach, 1.0), steps, q, psi)
        np.testing.assert_allclose(together.maps[..., s], alone.maps[..., 0], rtol=1e-12)
        np.testing.assert_allclose(together.squares[s], alone.squares[0], rtol=1e-12)


def test_shot_noise_of_unclustered_particles():
    """Its estimate from the particles is the integral over distance, and the maps' own variance."""
    q, psi = particles(60_000, 3, speed=0.0)
    one = run(cone(density=len(q) / BOX**3), np.array([0.4, 1.0]), q, psi)
    expected = shot_noise(PLANCK, len(q) / BOX**3, Z_SOURCE)
    np.testing.assert_allclose(one.shot_noise()[0], expected, rtol=0.05)


def test_offsets_move_what_is_seen_and_not_when():
    q = particles(2000, 13)[0]
    steps = (np.sqrt(0.7), 0.7, 1.0)
    one, two, three = cone(), cone(), cone()
    none = np.zeros_like(q)
    one.advance(*steps, q, none)
    two.advance(*steps, q, none, offset=none)
    np.testing.assert_array_equal(one.maps, two.maps)
    shift = np.array([0.3, -0.2, 0.5])
    three.advance(*steps, q, none, offset=none + shift)
    two = cone()
    two.advance(*steps, q + shift, none)
    # The same but for what enters and leaves at ends of tiles and of the drift.
    assert abs(three.counted - two.counted) < 0.02 * two.counted
    assert np.corrcoef(three.maps.ravel(), two.maps.ravel())[0, 1] > 0.95


def test_tilings_turn_neighbours_and_repeat_nothing():
    tiling = stack(100.0, 3000.0, seed=4)
    assert tiling.depth == 3000
    sight = tiling.axes[:, 2]
    assert np.all(sight[1:] != sight[:-1])
    assert np.all(np.sort(tiling.axes, axis=1) == [0, 1, 2])
    assert len(np.unique(tiling.shifts[:, 0])) == 30
    y = tiling.place(7, np.random.default_rng(0).uniform(-500, 500, (1000, 3)))
    assert np.all((y[:, 2] >= 700) & (y[:, 2] < 800))
    assert np.all(np.abs(y[:, :2]) <= 50)
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(tiling.shifts, stack(100.0, 3000.0, seed=5).shifts)
    # A cosmology with a longer reach sees the same boxes, and more.
    farther = stack(100.0, 3001.0, seed=4)
    for name in ("axes", "signs", "shifts"):
        assert len(getattr(farther, name)) == 31
        np.testing.assert_array_equal(getattr(farther, name)[:30], getattr(tiling, name))


def test_what_a_box_cannot_fill_is_refused():
    table = efficiencies(PLANCK, (Z_SOURCE,))
    with pytest.raises(ValueError, match="wider than the box"):
        LightCone(PLANCK, stack(BOX, REACH, 0), Field(0.2, 16), table, REACH, 1.0)
    with pytest.raises(ValueError, match="boxes reach"):
        LightCone(PLANCK, stack(BOX, REACH - 300, 0), FIELD, table, REACH, 1.0)


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_sharpening_undoes_the_assignment(seed):
    """Of a map that is its own mirror image at the edges, here of a few cosines."""
    rng = np.random.default_rng(seed)
    n = 32
    at = np.arange(n) + 0.5
    k = rng.integers(0, 12, 2)
    plain = np.outer(np.cos(np.pi * k[0] * at / n), np.cos(np.pi * k[1] * at / n))
    fine = np.arange(-1, 1, 1 / 500) + 1 / 1000
    assigned = [sum((1 - abs(d)) / 500 * np.cos(np.pi * m * (at + d) / n) for d in fine) for m in k]
    np.testing.assert_allclose(sharpen(np.outer(*assigned)), plain, atol=1e-4)
