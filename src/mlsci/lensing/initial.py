r"""Initial conditions: white noise, the linear density, and Lagrangian perturbation theory.

The noise is that of `pmesh`, made mode by mode as Gadget does: a seed gives the same modes on any
number of ranks, and on a finer mesh the same and more. Everything is in double precision, on the
mesh of the lattice of particles, so that a particle sits on every point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import pfft as _pfft  # noqa: F401 (pmesh asks for it)
from .cosmology import Cosmology
from .mesh import Mesh

Array = NDArray[Any]
Spectrum = Callable[[Array], Array]


def white_noise(mesh: Mesh, seed: int) -> Array:
    """Return Gaussian noise of unit variance, independent at every point but for a mean of zero.

    Parameters
    ----------
    mesh : Mesh
        The mesh of the lattice.
    seed : int
        From 0 to 2^31 - 1.

    Returns
    -------
    ndarray, this rank's block, float64

    Raises
    ------
    ValueError
        For a mesh of odd side, which the generator does not know.
    """
    try:
        from pmesh.whitenoise import generate
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the noise is that of pmesh, which is not installed: it is built from source, so "
            "install a C compiler and run `make` again"
        ) from error

    if mesh.cells % 2:
        raise ValueError(f"the noise needs a mesh of even side, not of {mesh.cells} cells")
    block = mesh.transform.output.block(mesh.transform.place)
    modes: Array = np.zeros([part.stop - part.start for part in block], np.complex128)
    generate(modes, [part.start for part in block], [mesh.cells] * 3, int(seed), False)
    if all(part.start == 0 for part in block):
        modes[0, 0, 0] = 0
    return mesh.backward(modes, overwrite=True) * mesh.cells**-1.5


def linear_density(mesh: Mesh, noise: Array, power: Spectrum) -> Array:
    r"""Return the coefficients of the linear density contrast of today.

    Parameters
    ----------
    mesh : Mesh
        The mesh of the lattice.
    noise : ndarray, this rank's block
        White noise of unit variance.
    power : callable
        The linear power spectrum of today in (Mpc/h)^3 at wavenumbers in h/Mpc.

    Returns
    -------
    ndarray, this rank's block in Fourier space
        :math:`\delta_k`, with variance P(k) / V.
    """
    # all |k|^2 are integers in units of the square of the fundamental mode: a table holds them all
    fundamental = 2 * np.pi / mesh.box
    squares = np.arange(3 * (mesh.cells // 2) ** 2 + 1)
    table = np.zeros(len(squares))
    table[1:] = np.sqrt(power(fundamental * np.sqrt(squares[1:])) / mesh.box**3)
    table *= mesh.cells**-1.5  # of the noise's variance, and of a transform that is not normalized
    modes = mesh.forward(np.asarray(noise, np.float64))
    x2, y2, z2 = (np.rint(axis / fundamental).astype(np.int64) ** 2 for axis in mesh.k)
    yz = y2[:, None] + z2
    for plane, square in zip(modes, x2):
        plane *= table[square + yz]
    return modes


def lattice(mesh: Mesh) -> Array:
    """Return the points of the lattice in this rank's block, (n, 3), in Mpc/h, in C order."""
    points = np.empty((*mesh.shape, 3))
    for axis, (start, size) in enumerate(zip(mesh.start, mesh.shape)):
        line = (start + np.arange(size)) * mesh.cell
        points[..., axis] = line.reshape([-1 if d == axis else 1 for d in range(3)])
    return points.reshape(-1, 3)


def first_order(mesh: Mesh, density: Array) -> Iterator[Array]:
    r"""Yield the components of :math:`\psi_1 = -\nabla \phi_1`, of first order.

    Parameters
    ----------
    mesh : Mesh
        The mesh of the lattice.
    density : ndarray, this rank's block in Fourier space
        The linear density of today, :math:`\nabla^2 \phi_1`.

    Yields
    ------
    ndarray, this rank's block
        The displacement along each axis for a growth factor of one, in Mpc/h.
    """
    potential = density * -_inverse_k2(mesh)
    for axis in range(3):
        yield mesh.backward(potential * (-1j * _slope(mesh, axis)), overwrite=True)


def second_order(mesh: Mesh, density: Array) -> Iterator[Array]:
    r"""Yield the components of :math:`\psi_2 = \nabla \phi_2`, for a second growth factor of one.

    :math:`\nabla^2 \phi_2 = \sum_{i>j} \phi_{1,ii} \phi_{1,jj} - \phi_{1,ij}^2` (Bouchet et al.
    1995; Scoccimarro 1998, appendix D2). Parameters and what it yields are those of `first_order`.
    """
    potential = density * -_inverse_k2(mesh)

    def bend(i: int, j: int) -> Array:
        slopes = [(axis * 1j).astype(complex) for axis in (_slope(mesh, i), _slope(mesh, j))]
        if i == j:  # the Nyquist frequency has a second derivative along its axis, but no first
            slopes = [1j * _axis(mesh, i), 1j * _axis(mesh, i)]
        return mesh.backward(potential * slopes[0] * slopes[1], overwrite=True)

    xx, yy = bend(0, 0), bend(1, 1)
    source = xx * yy
    xx += yy
    del yy
    source += xx * bend(2, 2)
    del xx
    for i, j in ((1, 0), (2, 0), (2, 1)):
        source -= bend(i, j) ** 2
    potential = mesh.forward(source)
    potential *= -_inverse_k2(mesh) / mesh.cells**3
    for axis in range(3):
        yield mesh.backward(potential * (1j * _slope(mesh, axis)), overwrite=True)


def displaced(
    mesh: Mesh, density: Array, cosmology: Cosmology, a: float, order: int = 2
) -> tuple[Array, Array]:
    """Return positions and momenta of the lattice's particles by perturbation theory.

    Parameters
    ----------
    mesh : Mesh
        The mesh of the lattice.
    density : ndarray, this rank's block in Fourier space
        The linear density of today.
    cosmology : Cosmology
        Of the growth.
    a : float
        Scale factor.
    order : {1, 2}
        The Zel'dovich approximation, or second order.

    Returns
    -------
    x, p : ndarray (n, 3)
        In Mpc/h, as `nbody` has them.
    """
    x = lattice(mesh)
    p = np.zeros_like(x)
    speed = a**2 * float(cosmology.expansion(a))
    terms = [(first_order, float(cosmology.growth1(a)), float(cosmology.rate1(a)))]
    if order == 2:
        terms.append((second_order, float(cosmology.growth2(a)), float(cosmology.rate2(a))))
    for displacement, growth, rate in terms:
        for axis, component in enumerate(displacement(mesh, density)):
            component = component.reshape(-1) * growth
            x[:, axis] += component
            component *= speed * rate
            p[:, axis] += component
    return x, p


def _axis(mesh: Mesh, axis: int) -> Array:
    """Return the wavenumbers along an axis, shaped to go with a block."""
    return mesh.k[axis].reshape([-1 if d == axis else 1 for d in range(3)])


def _slope(mesh: Mesh, axis: int) -> Array:
    """Return the wavenumbers along an axis, without that which has no real derivative."""
    k = _axis(mesh, axis)
    nyquist = np.pi * mesh.cells / mesh.box
    return np.where(np.abs(np.abs(k) - nyquist) < 1e-9 * nyquist, 0.0, k)


def _inverse_k2(mesh: Mesh) -> Array:
    k2 = sum(_axis(mesh, axis) ** 2 for axis in range(3))
    with np.errstate(divide="ignore"):
        return np.where(k2 == 0, 0.0, 1 / k2)
