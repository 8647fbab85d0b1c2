"""Every operation: transposes are transposes on any number of ranks, changes are those that come.

Scripts run on 1, 2 and 4 ranks; what differs from rank to rank is drawn with the rank as seed.
"""

from __future__ import annotations

from typing import Any

import pytest

COMMON = """
    import numpy as np
    from mpi4py import MPI
    from mlsci.lensing.mesh import Mesh

    comm = MPI.COMM_WORLD
    rng = np.random.default_rng(comm.rank)
    box, cells, n = 10.0, 16, 200
    mesh = Mesh(box, cells, comm, "f8")
    x = rng.uniform(-box, 2 * box, (n, 3))
    dx, g = rng.standard_normal((2, n, 3))

    def dot(*pairs):
        return comm.allreduce(sum(float(np.vdot(a, b)) for a, b in pairs))

    def same(left, right):
        assert abs(left - right) < 1e-11 * abs(left), (left, right)

    def slope(function, step):
        return (function(step) - function(-step)) / (2 * step)
"""

TRANSFORMS = """
    from mlsci.lensing.adjoint.transforms import products
    field, other = rng.standard_normal((2, *mesh.shape))
    modes = mesh.forward(other)
    # transposes, in the inner product of all modes
    total = comm.allreduce(float(products(mesh, mesh.forward(field), modes).sum()))
    same(total, dot((field, mesh.backward(modes))))
    print("same")
"""

PARTICLES = """
    from mlsci.lensing.adjoint.mesh import gradient_transpose, paint_jvp, paint_vjp, read_gradient
    route = mesh.route(x)
    here, moves, given = route.there(x), route.there(dx), route.there(g)
    same(dot((route.there(x), given)), dot((x, route.back(given))))
    field = rng.standard_normal(mesh.shape)
    # paint
    cotangent = np.zeros_like(here)
    paint_vjp(mesh, field, here, 1.0, cotangent)
    same(dot((cotangent, moves)), dot((field, paint_jvp(mesh, here, moves))))
    by_steps = slope(lambda h: mesh.paint(here + h * moves), 1e-6)
    assert np.quantile(np.abs(by_steps - paint_jvp(mesh, here, moves)), 0.9) < 1e-7
    # readout: in the field, and in the positions
    read = np.zeros_like(here)
    mesh.add_gradient(field, here, 1.0, read)
    same(dot((read, given)), dot((field, gradient_transpose(mesh, here, given))))
    value, change, back = (np.zeros_like(here) for _ in range(3))
    product = read_gradient(mesh, field, here, moves, False, 2.0, value, 1.0, change)
    np.testing.assert_allclose(value, 2 * read, atol=1e-12)
    same(comm.allreduce(product), dot((read, moves)))
    read_gradient(mesh, field, here, given, True, 1.0, value, -3.0, back)
    np.testing.assert_allclose(value, 3 * read, atol=1e-12)
    same(dot((change, given)), dot((back, moves)) / -3)
    print("same")
"""

FORCES = """
    from mlsci.lensing.adjoint.forces import Pull, SharpeningPull, gravity, pull_jvp, sharpening_jvp
    from mlsci.lensing.forces import add_force
    from mlsci.lensing.sharpening import Sharpening, displacement

    def force(x):
        out = np.zeros_like(x)
        add_force(mesh, x, 1.0, out)
        return out

    value, cotangent = np.zeros_like(x), np.zeros_like(x)
    product = Pull(mesh, x, gravity(mesh, x)).vjp(g, 1.0, cotangent, 1.0, value)
    again, tangent = pull_jvp(mesh, x, dx, gravity(mesh, x))
    np.testing.assert_allclose(value, force(x), atol=1e-13)
    np.testing.assert_allclose(again, value, atol=1e-13)
    same(comm.allreduce(product), dot((value, g)))
    other = cotangent.copy()  # what is there stays; multiples of each its own
    Pull(mesh, x, gravity(mesh, x)).vjp(g, -2.0, other, 0.5, value)
    np.testing.assert_allclose(value, 1.5 * again, atol=1e-13)
    np.testing.assert_allclose(other, -cotangent, atol=1e-12)
    same(dot((cotangent, dx)), dot((g, tangent)))
    error = np.abs(slope(lambda h: force(x + h * dx), 1e-5) - tangent)
    assert np.median(error) < 1e-7 * np.abs(tangent).max()

    numbers, changes = np.array([0.5, 3.0, 0.02, -2.0]), np.array([0.1, 0.2, 0.01, 0.3])
    sharpening = Sharpening(*numbers)
    pull = SharpeningPull(mesh, x, sharpening, 0.5)
    np.testing.assert_allclose(pull.value(), displacement(mesh, x, sharpening, 0.5), atol=1e-13)
    cotangent = np.zeros_like(x)
    pull.vjp(g, 1.0, cotangent)
    _, tangent = sharpening_jvp(mesh, x, dx, sharpening, 0.5, changes)
    same(dot((cotangent, dx), (pull.parameters, changes)), dot((g, tangent)))

    def moved(h):
        return displacement(mesh, x + h * dx, Sharpening(*(numbers + h * changes)), 0.5)

    error = np.abs(slope(moved, 1e-5) - tangent)
    assert np.median(error) < 1e-7 * np.abs(tangent).max()
    print("same")
"""

INITIAL = """
    import dataclasses
    from mlsci.lensing.adjoint.cosmology import BACKGROUND, Background
    from mlsci.lensing.adjoint.initial import (
        displaced_jvp, displaced_vjp, linear_density_jvp, linear_density_vjp, wavenumbers,
    )
    from mlsci.lensing.cosmology import Cosmology
    from mlsci.lensing.initial import displaced, linear_density
    from mlsci.lensing.power import LinearPower

    mesh = Mesh(64.0, 16, comm, "f8")
    cosmology = Cosmology()
    background, power = Background(cosmology), LinearPower(cosmology, "eisenstein_hu")
    noise, change = rng.standard_normal((2, *mesh.shape))
    k = wavenumbers(mesh.box, mesh.cells)
    log_power, slopes = 0.3 * np.sin(30 * k), np.array([0.1, 0.2, 0.3])
    density = linear_density(mesh, noise, power)
    moved = linear_density_jvp(mesh, density, power, change, log_power)
    x, p, dx, dp = displaced_jvp(mesh, density, background, 0.1, moved, slopes)
    for found, known in zip((x, p), displaced(mesh, density, cosmology, 0.1)):
        np.testing.assert_allclose(found, known, atol=1e-12)
    x_bar, p_bar = rng.standard_normal((2, *x.shape))
    cotangent, slopes_bar = displaced_vjp(mesh, density, background, 0.1, x_bar, p_bar)
    noise_bar, log_bar = linear_density_vjp(mesh, density, power, cotangent)
    same(
        dot((noise_bar, change), (log_bar, log_power), (slopes_bar, slopes)),
        dot((x_bar, dx), (p_bar, dp)),
    )

    def ends(h):
        values = {n: getattr(cosmology, n) + h * by for n, by in zip(BACKGROUND, slopes)}
        other = dataclasses.replace(cosmology, **values)
        tilted = lambda at: power(at) * np.exp(h * np.interp(at, k, log_power))
        moved = linear_density(mesh, noise + h * change, tilted)
        return np.array(displaced(mesh, moved, other, 0.1))

    error = np.abs(slope(ends, 1e-4) - [dx, dp])
    assert error.max() < 1e-8 * np.abs(dx).max()
    print("same")
"""

STEPS = """
    from mlsci.lensing import initial, nbody
    from mlsci.lensing.adjoint.cosmology import Background
    from mlsci.lensing.adjoint.leapfrog import Schedule, run, run_jvp, run_vjp
    from mlsci.lensing.cosmology import Cosmology

    lattice = Mesh(64.0, 16, comm, "f8")
    noise = rng.standard_normal(lattice.shape)
    delta = initial.linear_density(lattice, noise, lambda k: 500 * (k / 0.1) ** -1.5)
    x, p = initial.displaced(lattice, delta, Cosmology(), 0.1)
    mesh = Mesh(64.0, 32, comm, "f8", lattice.grid)
    schedule = Schedule.of(Background(Cosmology()), nbody.linear_steps(0.1, 1.0, 4))
    gain = np.array([0.3, -0.2, 0.1, 0.4])  # what is seen at every step: a multiple of x and of p
    slopes = np.array([0.1, 0.2, 0.3])
    change = rng.standard_normal((2, *x.shape))
    target = rng.standard_normal((3, *x.shape))
    seen = np.zeros_like(x)

    def look(step, x, p, dx, dp):
        seen[:] += gain[step] * (dx + 0.01 * dp)

    def look_back(step, x, p, x_bar, p_bar):
        x_bar += gain[step] * target[2]
        p_bar += gain[step] * 0.01 * target[2]

    end, ends = (x.copy(), p.copy()), change.copy()
    run_jvp(mesh, *end, *ends, schedule, slopes, look)
    there = x.copy(), p.copy()
    run(mesh, *there, schedule, lambda *_: None)
    np.testing.assert_allclose(there, end, atol=1e-12)
    cotangents = target[:2].copy()
    background = run_vjp(mesh, *there, *cotangents, schedule, look_back)
    # back where it began
    assert np.abs(there[0] - x).max() < 1e-10 * 64
    assert np.abs(there[1] - p).max() < 1e-10 * np.abs(end[1]).max()
    same(
        dot((cotangents[0], change[0]), (cotangents[1], change[1]), (background, slopes)),
        dot((target[0], ends[0]), (target[1], ends[1]), (target[2], seen)),
    )
    print("same")
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_transposes_and_changes(ranks: int, on_ranks: Any) -> None:
    parts = (TRANSFORMS, PARTICLES, FORCES, INITIAL, STEPS)  # in one go: programs start slowly
    assert on_ranks("".join((COMMON, *parts)), ranks).count("same") == len(parts) * ranks
