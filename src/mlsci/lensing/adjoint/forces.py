r"""Derivatives of particles' pull on each other: gravity, and the displacement that sharpens.

Both are of one form. Particles are painted, the mesh is filtered by a real, even function of k, and
the gradient of the result is read at the particles:
:math:`v_i = \sum_m G_m(x_i)\, \phi_m` with :math:`\phi = S \rho`,
:math:`\rho_m = \sum_j W_m(x_j)`. Such a filter S is its own transpose, so a cotangent g of v gives
that of the positions as

.. math:: \bar x_i = \sum_m g_i \cdot \nabla G_m(x_i)\, \phi_m
          + \sum_m \nabla W_m(x_i)\, (S \sigma)_m, \quad \sigma_m = \sum_j g_j \cdot G_m(x_j):

two transforms more than the pull itself, which comes along for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from mlsci.lensing.adjoint.mesh import gradient_transpose, paint_jvp, paint_vjp, read_gradient
from mlsci.lensing.adjoint.transforms import products
from mlsci.lensing.forces import density
from mlsci.lensing.lightcone import NONE
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.sharpening import Sharpening

Array = NDArray[Any]
Filter = Callable[[Array], None]  # changes coefficients in place


class Pull:
    """The pull on particles, and what its derivatives with respect to all of them need.

    Parameters
    ----------
    mesh : Mesh
        The mesh of the force.
    x : ndarray (n, 3)
        Positions of all of this rank's particles in Mpc/h.
    screen : callable
        The filter: multiplies coefficients by a real, even function of k, in place.
    compare : callable, optional
        For derivatives with respect to the filter: `vjp` calls it with the filtered coefficients
        of the density, and with those of the potential's cotangent.
    """

    def __init__(
        self, mesh: Mesh, x: Array, screen: Filter,
        compare: Callable[[Array, Array], None] | None = None,
    ):  # fmt: skip
        self._mesh, self._screen, self._compare = mesh, screen, compare
        self._route = mesh.route(x)
        self._here = self._route.there(x)
        field = density(mesh, self._here)
        screen(field)
        self._field = field if compare is not None else None
        self._potential: Array | None = mesh.backward(field, overwrite=compare is None)

    def value(self) -> Array:
        """Return the pull (n, 3); to be asked for before `vjp`."""
        pull = np.zeros_like(self._here)
        self._mesh.add_gradient(self._known(), self._here, 1.0, pull)
        return self._route.back(pull)

    def vjp(
        self, g: Array, rate: float, cotangent: Array,
        factor: float = 0.0, value: Array | None = None,
    ) -> float:  # fmt: skip
        """Add the cotangent of positions for that of the pull, and the pull itself if asked.

        In place, so that on one rank there is no further array of the particles' size. To be
        called once: meshes are given up as soon as they are not needed any more.

        Parameters
        ----------
        g : ndarray (n, 3)
            The cotangent of the pull.
        rate : float
            Of what is added to `cotangent`.
        cotangent : ndarray (n, 3)
            That of positions; changed in place.
        factor : float
            Of what is added to `value`.
        value : ndarray (n, 3), optional
            To which to add the pull; changed in place.

        Returns
        -------
        float
            This rank's part of the inner product of `g` and the pull.
        """
        mesh, route, here = self._mesh, self._route, self._here
        given = route.there(g)
        alone = given is g
        read = NONE if value is None else value if alone else np.zeros_like(here)
        back = cotangent if alone else np.zeros_like(here)
        product = read_gradient(mesh, self._known(), here, given, True, factor, read, rate, back)
        self._potential = None
        field = mesh.forward(gradient_transpose(mesh, here, given))
        if self._compare is not None and self._field is not None:
            self._compare(self._field, field)
            self._field = None
        self._screen(field)
        paint_vjp(mesh, mesh.backward(field, overwrite=True), here, rate, back)
        if not alone:
            cotangent += route.back(back)
            if value is not None:
                value += route.back(read)
        return product

    def _known(self) -> Array:
        if self._potential is None:
            raise RuntimeError("the potential is given up after a vjp: make another pull")
        return self._potential


def pull_jvp(
    mesh: Mesh, x: Array, dx: Array, screen: Filter, change: Filter | None = None
) -> tuple[Array, Array]:
    """Return the pull on particles, and how it changes.

    Parameters
    ----------
    mesh, x, screen
        As for `Pull`.
    dx : ndarray (n, 3)
        How the particles move.
    change : callable, optional
        The change of the filter, which multiplies coefficients in place.

    Returns
    -------
    pull, change : ndarray (n, 3)
    """
    route = mesh.route(x)
    here, moved = route.there(x), route.there(dx)
    field = density(mesh, here)
    more = field.copy() if change is not None else None
    screen(field)
    value, tangent = np.zeros_like(here), np.zeros_like(here)
    field = mesh.backward(field, overwrite=True)
    read_gradient(mesh, field, here, moved, False, 1.0, value, 1.0, tangent)
    field = mesh.forward(paint_jvp(mesh, here, moved))
    screen(field)
    if change is not None and more is not None:
        change(more)
        field += more
    mesh.add_gradient(mesh.backward(field, overwrite=True), here, 1.0, tangent)
    return route.back(value), route.back(tangent)


def gravity(mesh: Mesh, x: Array) -> Filter:
    r"""Return the filter whose pull is the force :math:`-\nabla \nabla^{-2} \delta`."""
    particles = mesh.comm.allreduce(len(x), MPI.SUM)
    return lambda field: mesh.divide_by_k2(field, 1.0 / particles)


def sharpener(mesh: Mesh, x: Array, sharpening: Sharpening, a: float) -> Filter:
    """Return the filter whose pull is the displacement of `mlsci.lensing.sharpening`."""
    particles = mesh.comm.allreduce(len(x), MPI.SUM)
    factor = sharpening.amplitude(a) / particles
    return lambda field: mesh.band_pass(field, sharpening.low, sharpening.high, factor)


def sharpener_slopes(mesh: Mesh, sharpening: Sharpening, a: float) -> Iterator[tuple[Array, ...]]:
    """Yield the logarithmic slopes of the filter with low, high, alpha0 and mu, plane by plane.

    Of the filter alpha0 a^mu exp(-low^2 / k^2 - k^4 / high^4) / k^2 (Dai et al. 2018, eqs. 5-8).
    """
    kx, ky, kz = mesh.k
    across = ky[:, None] ** 2 + kz**2
    for k in kx:
        k2 = k**2 + across
        inverse = np.divide(1.0, k2, out=np.zeros_like(k2), where=k2 > 0)
        low = -2 * sharpening.low * inverse
        high = 4 / sharpening.high**5 * np.square(k2)
        yield low, high, np.array(1 / sharpening.alpha0), np.array(np.log(a))


class SharpeningPull(Pull):
    """The displacement that sharpens, with derivatives for its parameters as well.

    Parameters
    ----------
    mesh, x, sharpening, a
        As in `mlsci.lensing.sharpening.displacement`.

    Attributes
    ----------
    parameters : ndarray (4,)
        After `vjp`, this rank's part of the cotangents of low, high, alpha0 and mu.
    """

    def __init__(self, mesh: Mesh, x: Array, sharpening: Sharpening, a: float):
        self.parameters = np.zeros(4)

        def compare(filtered: Array, cotangent: Array) -> None:
            slopes = sharpener_slopes(mesh, sharpening, a)
            for one, other, plane in zip(filtered, cotangent, slopes):
                parts = products(mesh, one, other)
                self.parameters += [float(np.sum(parts * slope)) for slope in plane]

        super().__init__(mesh, x, sharpener(mesh, x, sharpening, a), compare)


def sharpening_jvp(
    mesh: Mesh, x: Array, dx: Array, sharpening: Sharpening, a: float, parameters: Array
) -> tuple[Array, Array]:
    """Return the displacement that sharpens, and how it changes with positions and parameters.

    Parameters
    ----------
    mesh, x, sharpening, a
        As in `mlsci.lensing.sharpening.displacement`.
    dx : ndarray (n, 3)
        How particles move.
    parameters : ndarray (4,)
        How low, high, alpha0 and mu change.
    """
    screen = sharpener(mesh, x, sharpening, a)

    def change(field: Array) -> None:
        screen(field)
        for modes, plane in zip(field, sharpener_slopes(mesh, sharpening, a)):
            modes *= sum(by * slope for by, slope in zip(parameters, plane))

    return pull_jvp(mesh, x, dx, screen, change if np.any(parameters) else None)
