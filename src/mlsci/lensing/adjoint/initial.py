"""Derivatives of initial conditions: transfer function, Lagrangian perturbation theory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from mlsci.lensing.adjoint.cosmology import Background
from mlsci.lensing.adjoint.transforms import products
from mlsci.lensing.initial import (
    _axis,
    _inverse_k2,
    _slope,
    first_order,
    lattice,
    linear_density,
    second_order,
)
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.power import LinearPower

Array = NDArray[Any]


def wavenumbers(box: float, cells: int) -> Array:
    """Return all |k| in h/Mpc that a mesh may have, but for 0: k^2 are integers of a unit."""
    return 2 * np.pi / box * np.sqrt(np.arange(1, 3 * (cells // 2) ** 2 + 1))


def linear_density_vjp(
    mesh: Mesh, density: Array, power: LinearPower, cotangent: Array
) -> tuple[Array, Array]:
    """Return the cotangents of white noise, and of the logarithm of the power.

    Parameters
    ----------
    mesh : Mesh
        The mesh of the lattice.
    density : ndarray, this rank's block in Fourier space
        What `mlsci.lensing.initial.linear_density` gave.
    power : callable
        The linear power spectrum.
    cotangent : ndarray, like `density`
        Its cotangent; changed.

    Returns
    -------
    noise : ndarray, this rank's block
    log_power : ndarray, like `wavenumbers`
        This rank's part.
    """
    table = np.zeros(3 * (mesh.cells // 2) ** 2 + 1)
    table[1:] = np.sqrt(power(wavenumbers(mesh.box, mesh.cells)) / mesh.box**3) * mesh.cells**-1.5
    parts = products(mesh, density, cotangent)
    log_power = np.zeros(len(table))
    for square, part, plane in zip(_squares(mesh), parts, cotangent):
        log_power += np.bincount(square.reshape(-1), part.reshape(-1) / 2, len(table))
        plane *= table[square]
    return mesh.backward(cotangent, overwrite=True), log_power[1:]


def linear_density_jvp(
    mesh: Mesh, density: Array, power: LinearPower, noise: Array, log_power: Array
) -> Array:
    """Return how the linear density changes with the noise and the logarithm of the power.

    Parameters
    ----------
    mesh, density, power
        As for `linear_density_vjp`.
    noise : ndarray, this rank's block
        The change of the noise.
    log_power : ndarray, like `wavenumbers`
        That of ln P.
    """
    tangent = linear_density(mesh, noise, power)
    table = np.append(0.0, log_power / 2)
    for square, before, plane in zip(_squares(mesh), density, tangent):
        plane += table[square] * before
    return tangent


def displaced_vjp(
    mesh: Mesh, density: Array, background: Background, a: float, x_bar: Array, p_bar: Array
) -> tuple[Array, Array]:
    """Return the cotangents of the density, and of the background's parameters.

    Parameters
    ----------
    mesh, density, a
        As for `mlsci.lensing.initial.displaced`, at second order.
    background : Background
        Derivatives of its cosmology.
    x_bar, p_bar : ndarray (n, 3)
        Cotangents of positions and momenta.

    Returns
    -------
    density : ndarray, this rank's block in Fourier space
    background : ndarray (3,)
        This rank's part.
    """
    slopes = np.zeros(3)
    one, two = _terms(background, a)
    for components, term in ((first_order, one), (second_order, two)):
        for axis, component in enumerate(components(mesh, density)):
            flat = component.reshape(-1)
            slopes += term[2] * np.dot(x_bar[:, axis], flat)
            slopes += term[3] * np.dot(p_bar[:, axis], flat)

    def along(axis: int, term: tuple[float, float, Array, Array]) -> Array:
        """Return a component of the cotangent of the displacements of an order."""
        return term[0] * x_bar[:, axis] + term[1] * p_bar[:, axis]

    cotangent = _first_order_transpose(mesh, (along(axis, one) for axis in range(3)))
    source = _first_order_transpose(mesh, (along(axis, two) for axis in range(3)))
    cotangent += _second_order_vjp(mesh, density, source)
    return cotangent, slopes


def displaced_jvp(
    mesh: Mesh, density: Array, background: Background, a: float, change: Array, slopes: Array
) -> tuple[Array, Array, Array, Array]:
    """Return positions and momenta, and how they change.

    Parameters
    ----------
    mesh, density, background, a
        As for `displaced_vjp`.
    change : ndarray, like `density`
        The density's.
    slopes : ndarray (3,)
        That of the background's parameters.

    Returns
    -------
    x, p, dx, dp : ndarray (n, 3)
    """
    x = lattice(mesh)
    p, dx, dp = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    one, two = _terms(background, a)
    terms = (
        (one, first_order(mesh, density), first_order(mesh, change)),
        (two, second_order(mesh, density), _second_order_jvp(mesh, density, change)),
    )
    for (length, speed, d_length, d_speed), components, changes in terms:
        for axis, (component, tangent) in enumerate(zip(components, changes)):
            flat, flat_dot = component.reshape(-1), tangent.reshape(-1)
            x[:, axis] += length * flat
            p[:, axis] += speed * flat
            dx[:, axis] += length * flat_dot + (d_length @ slopes) * flat
            dp[:, axis] += speed * flat_dot + (d_speed @ slopes) * flat
    return x, p, dx, dp


def _terms(background: Background, a: float) -> list[tuple[float, float, Array, Array]]:
    """Return for each order what multiplies it in positions and momenta, and the derivatives."""
    c = background.cosmology
    speed = a**2 * float(c.expansion(a))
    d_speed = a**2 * background.expansion(a)
    result = []
    for growth, rate, d_growth, d_slope in (
        (c.growth1(a), c.rate1(a), background.growth1(a), background.slope1(a)),
        (c.growth2(a), c.rate2(a), background.growth2(a), background.slope2(a)),
    ):
        slope = float(growth * rate)
        result.append((float(growth), speed * slope, d_growth, d_speed * slope + speed * d_slope))
    return result


def _first_order_transpose(mesh: Mesh, components: Iterable[Array]) -> Array:
    """Return the cotangent of the density for those (n,) of its displacements along each axis."""
    result: Array = np.zeros([len(k) for k in mesh.k], np.complex128)
    for axis, component in enumerate(components):
        modes = mesh.forward(component.reshape(mesh.shape))
        modes *= -1j * _slope(mesh, axis)
        result += modes
    result *= _inverse_k2(mesh)
    return result


def _second_order_vjp(mesh: Mesh, density: Array, source: Array) -> Array:
    """Return the cotangent of the density for that of the second order's displacements.

    That is given as if they were of first order, and is changed.
    """
    inverse = _inverse_k2(mesh)
    # the displacement is i k phi2, as that of first order is -i k phi1 for the density k^2 phi1
    source /= -(mesh.cells**3)
    source = mesh.backward(source, overwrite=True)
    result = np.zeros_like(density)
    diagonal = [mesh.backward(density * _bend(mesh, inverse, i, i)) for i in range(3)]
    for i in range(3):
        others = diagonal[(i + 1) % 3] + diagonal[(i + 2) % 3]
        result += mesh.forward(source * others) * _bend(mesh, inverse, i, i)
    del diagonal
    for i, j in ((1, 0), (2, 0), (2, 1)):
        bend = _bend(mesh, inverse, i, j)
        result -= 2 * mesh.forward(source * mesh.backward(density * bend)) * bend
    return result


def _second_order_jvp(mesh: Mesh, density: Array, change: Array) -> Iterator[Array]:
    """Yield how the displacements of second order change: they are quadratic in the density.

    For such a function half the difference over a step of any length is the derivative.
    """
    sizes = [
        float(mesh.comm.allreduce(float(np.sum(products(mesh, f, f))), MPI.SUM))
        for f in (density, change)
    ]
    step = np.sqrt(sizes[0] / sizes[1]) if min(sizes) > 0 else 1.0
    up = second_order(mesh, density + step * change)
    down = second_order(mesh, density - step * change)
    for plus, minus in zip(up, down):
        yield (plus - minus) / (2 * step)


def _bend(mesh: Mesh, inverse: Array, i: int, j: int) -> Array:
    """Return the transfer function of phi1,ij, real: k_i k_j / k^2."""
    if i == j:  # the Nyquist frequency has a second derivative along its axis, but no first
        return inverse * _axis(mesh, i) ** 2
    return inverse * (_slope(mesh, i) * _slope(mesh, j))


def _squares(mesh: Mesh) -> Iterator[NDArray[np.int64]]:
    """Yield |k|^2 in units of the fundamental mode's, for each plane of this rank's block."""
    fundamental = 2 * np.pi / mesh.box
    x2, y2, z2 = (np.rint(axis / fundamental).astype(np.int64) ** 2 for axis in mesh.k)
    yz = y2[:, None] + z2
    for square in x2:
        yield square + yz
