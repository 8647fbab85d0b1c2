"""A whole run with its derivatives: maps of the convergence, and how they depend on all inputs.

White noise and cosmology to maps: transfer function, perturbation theory, steps in time,
sharpening, light cone, lensing kernel. `simulate_with_vjp` gives the maps and pulls cotangents of
them back to all inputs at once; `simulate_with_jvp` pushes one direction of the inputs forward.
Neither keeps a record of the run: memory does not grow with the number of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from mlsci.lensing.adjoint.cosmology import PARAMETERS, background, to_parameters
from mlsci.lensing.adjoint.forces import SharpeningPull, sharpening_jvp
from mlsci.lensing.adjoint.initial import (
    displaced_jvp,
    displaced_vjp,
    linear_density_jvp,
    linear_density_vjp,
    wavenumbers,
)
from mlsci.lensing.adjoint.leapfrog import Schedule, run, run_jvp, run_vjp
from mlsci.lensing.adjoint.lightcone import Tables, advance_jvp, advance_vjp
from mlsci.lensing.adjoint.power import log_power_slopes
from mlsci.lensing.adjoint.sources import light_cone_slopes, mean_convergence_slopes, only_redshifts
from mlsci.lensing.convergence import sharpen
from mlsci.lensing.initial import displaced, linear_density
from mlsci.lensing.lightcone import LightCone
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.nbody import drift, middle
from mlsci.lensing.power import LinearPower
from mlsci.lensing.settings import RefusedError, Settings
from mlsci.lensing.sharpening import Sharpening
from mlsci.lensing.simulate import _cones, _maps, _observe

Array = NDArray[Any]

SHARPENING = tuple(field.name for field in fields(Sharpening))


@dataclass(frozen=True)
class Inputs:
    """A number for each input of a run: a direction in which to change them, or a gradient.

    Attributes
    ----------
    noise : ndarray, this rank's block of the lattice
        For the white noise.
    cosmology, sharpening : mapping
        For parameters, by their names in `Cosmology` and `Sharpening`; those left out are 0.
    """

    noise: Array
    cosmology: Mapping[str, float] = field(default_factory=dict)
    sharpening: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for given, known in ((self.cosmology, PARAMETERS), (self.sharpening, SHARPENING)):
            if unknown := sorted(set(given) - set(known)):
                raise ValueError(f"no parameter is called {', '.join(unknown)}: {', '.join(known)}")


Vjp = Callable[[Array], Inputs]


def simulate_with_vjp(
    noise: Array, settings: Settings, comm: MPI.Comm | None = None, foreground: float = 0.0
) -> tuple[Array, Vjp]:
    """Return maps of the convergence, and the function that gives gradients of what they become.

    Parameters
    ----------
    noise : ndarray, this rank's block of the lattice
        White noise of unit variance, as `mlsci.lensing.initial.white_noise` gives it.
    settings : Settings
        The run. Precision "f8" makes gradients exact to rounding.
    comm : MPI.Comm, optional
        The ranks; all of them by default.
    foreground : float
        Share of the distance to the farthest sources within which matter is left out of the maps;
        over as much again it comes in. A particle that is near is seen as one point that any change
        moves over many pixels: it adds little to a map, and much to its gradient.

    Returns
    -------
    kappa : ndarray (sources, y, x)
        The same on all ranks. Its mean is not corrected for a foreground that is left out.
    vjp : callable
        Takes the gradient of a number with respect to `kappa`, the same on all ranks, and returns
        the gradient with respect to the inputs: parameters the same on all ranks, noise for each
        rank's block. It may be called again.

    Raises
    ------
    RefusedError
        For lens planes, sources that are distributions, or another integrator than the leapfrog.
    """
    model = _Model(noise, settings, MPI.COMM_WORLD if comm is None else comm, foreground)
    kappa, *ends = model.forward()

    def vjp(cotangent: Array) -> Inputs:
        model.check(cotangent)
        if not ends:
            ends.extend(model.forward()[1:])
        # no name is left for them here: their memory is free as soon as they are not needed
        return model.backward(cotangent, ends.pop(0), ends.pop(0))

    return kappa, vjp


def simulate_with_jvp(
    noise: Array, settings: Settings, change: Inputs, comm: MPI.Comm | None = None,
    foreground: float = 0.0,
) -> tuple[Array, Array]:  # fmt: skip
    """Return maps of the convergence, and how they change with the inputs.

    Parameters
    ----------
    noise, settings, comm, foreground
        As for `simulate_with_vjp`.
    change : Inputs
        The direction in which inputs change.

    Returns
    -------
    kappa, change : ndarray (sources, y, x)
    """
    ranks = MPI.COMM_WORLD if comm is None else comm
    return _Model(noise, settings, ranks, foreground).tangent(change)


class _Model:
    """What the directions of a run share."""

    def __init__(self, noise: Array, settings: Settings, comm: MPI.Comm, foreground: float):
        if settings.planes:
            raise RefusedError("derivatives are those of maps without lens planes: set planes to 0")
        if settings.integrator != "leapfrog":
            raise RefusedError("derivatives go back through the leapfrog's steps: take it")
        try:
            self.redshifts = only_redshifts(settings.sources)
        except ValueError as error:
            raise RefusedError(str(error)) from error
        self.settings, self.comm, self.noise = settings, comm, noise
        self.lattice = Mesh(settings.box, settings.particles, comm, "f8")
        cells = settings.particles * settings.boost
        self.mesh = Mesh(settings.box, cells, comm, settings.precision, self.lattice.grid)
        self.background = background(settings.cosmology)
        self.power = LinearPower(settings.cosmology, settings.transfer)
        self.schedule = _schedule(settings)
        self.foreground = foreground
        self.cone = self.empty()

    def seen_of(self, cells: int) -> Array:
        """Return the share (cells + 1, 1) of matter that is seen at depths out to the reach."""
        depth = np.linspace(0.0, 1.0, cells + 1)[:, None]
        if self.foreground == 0:
            return np.ones_like(depth)
        return np.clip(depth / self.foreground - 1, 0.0, 1.0)

    def empty(self) -> LightCone:
        """Return a light cone that has seen nothing yet."""
        cone = _cones(self.settings)["sources"]
        cone.weights = cone.weights * self.seen_of(len(cone.weights) - 1)
        return cone

    def tables(self) -> Tables:
        """Return the derivatives of the light cone's tables."""
        whole = _cones(self.settings)["sources"]
        tables = light_cone_slopes(self.background, whole, self.redshifts)
        return replace(tables, weights=tables.weights * self.seen_of(len(whole.weights) - 1))

    def step(self, number: int) -> tuple[float, float, float]:
        """Return the scale factors of a step: those of its momenta, its start and its end."""
        a_start, a_end = (float(a) for a in self.schedule.times[number : number + 2])
        return middle(a_start, a_end), a_start, a_end

    def seen(self, number: int) -> bool:
        """Return whether the light cone meets particles in a step."""
        a_end = self.schedule.times[number + 1]
        return float(self.settings.cosmology.distance(a_end)) < self.settings.reach

    def half(self, number: int) -> tuple[float, Array]:
        """Return the drift factor to the middle of a step, and its derivatives."""
        a_mid, a_start, _ = self.step(number)
        drift = self.settings.cosmology.drift(a_mid, a_start, a_mid)
        return float(drift), self.background.drift(a_mid, a_start, a_mid)

    def drift_slopes(self, number: int) -> Array:
        """Return the derivatives (2, 3) of a step's drift scale and of growth at its start."""
        a_mid, a_start, _ = self.step(number)
        return np.stack([self.background.drift_scale(a_mid), self.background.growth1(a_start)])

    # --- forward ------------------------------------------------------------------------------

    def density(self) -> Array:
        return linear_density(self.lattice, self.noise, self.power)

    def forward(self) -> tuple[Array, Array, Array]:
        """Return the maps, and particles as the steps leave them."""
        settings = self.settings
        self.cone = self.empty()
        cones = {"sources": self.cone}
        x, p = displaced(self.lattice, self.density(), settings.cosmology, settings.a_start)

        def observe(number: int, x: Array, p: Array) -> None:
            _observe(settings, self.mesh, cones, self.step(number)[1:], x, p)

        run(self.mesh, x, p, self.schedule, observe)
        self.cone.gather(self.comm)
        return _maps(settings, cones).kappa, x, p

    # --- backward -----------------------------------------------------------------------------

    def check(self, cotangent: Array) -> None:
        """Refuse the gradient of other maps than these."""
        if np.shape(cotangent) != (there := np.shape(self.cone.maps.T)):
            raise ValueError(f"the gradient is {np.shape(cotangent)}, the maps are {there}")

    def backward(self, cotangent: Array, x: Array, p: Array) -> Inputs:
        """Return the gradient, going back with particles, whose arrays are changed."""
        maps = np.ascontiguousarray(np.moveaxis(sharpen(np.asarray(cotangent, float)), 0, 2))
        settings = self.settings
        background, filters = np.zeros(3), np.zeros(4)
        tables = Tables.zeros(self.cone)

        def observe(number: int, x: Array, p: Array, x_bar: Array, p_bar: Array) -> None:
            if self.seen(number):
                slopes, parameters = self.observe_vjp(number, x, p, maps, x_bar, p_bar, tables)
                background[:] += slopes
                filters[:] += parameters

        x_bar, p_bar = np.zeros_like(x), np.zeros_like(p)
        background += run_vjp(self.mesh, x, p, x_bar, p_bar, self.schedule, observe)
        slopes = self.tables()
        background += np.tensordot(slopes.growth, tables.growth, 2)
        background += np.tensordot(slopes.weights, tables.weights, 2)
        background += slopes.spacing * tables.spacing
        if self.comm.rank == 0:  # the maps are the same on all ranks
            background -= _means(settings) @ maps.sum((0, 1))
        del x, p
        density = self.density()
        a_start = settings.a_start
        density_bar, more = displaced_vjp(
            self.lattice, density, self.background, a_start, x_bar, p_bar
        )
        noise, log_power = linear_density_vjp(self.lattice, density, self.power, density_bar)
        cosmology = to_parameters(background + more) + _log_power(settings) @ log_power
        cosmology, filters = self.comm.allreduce(cosmology), self.comm.allreduce(filters)
        sharpening = {} if settings.correction is None else _named(SHARPENING, filters)
        return Inputs(noise, _named(PARAMETERS, cosmology), sharpening)

    def observe_vjp(
        self, number: int, x: Array, p: Array, maps: Array, x_bar: Array, p_bar: Array,
        tables: Tables,
    ) -> tuple[Array, Array]:  # fmt: skip
        """Add cotangents of what the light cone sees in a step; return those of parameters."""
        settings, times = self.settings, self.step(number)
        correction, moving = settings.correction, settings.sub_evolution
        if correction is None and moving:
            _, found = advance_vjp(self.cone, times, x, p, None, maps, x_bar, p_bar, tables)
            return found @ self.drift_slopes(number), np.zeros(4)
        length, length_slopes = self.half(number)
        half, half_bar = x.copy(), np.zeros_like(x)
        drift(half, p, length)
        pull = None if correction is None else SharpeningPull(self.mesh, half, correction, times[0])
        offset = None if pull is None else pull.value()
        if moving:
            seen = (x, p, offset, maps, x_bar, p_bar, tables)
        else:
            seen = (half, np.zeros_like(p), offset, maps, half_bar, np.zeros_like(p), tables)
        offset_bar, found = advance_vjp(self.cone, times, *seen)
        del offset, seen
        parameters = np.zeros(4)
        if pull is not None and offset_bar is not None:
            pull.vjp(offset_bar, 1.0, half_bar)
            parameters = pull.parameters
        x_bar += half_bar
        drift(p_bar, half_bar, length)
        slopes = found @ self.drift_slopes(number) + length_slopes * np.vdot(half_bar, p)
        return slopes, parameters

    # --- forward, with a direction ------------------------------------------------------------

    def tangent(self, change: Inputs) -> tuple[Array, Array]:
        """Return the maps, and how they change."""
        settings = self.settings
        cosmology = np.array([change.cosmology.get(name, 0.0) for name in PARAMETERS])
        filters = np.array([change.sharpening.get(name, 0.0) for name in SHARPENING])
        background = to_parameters(np.eye(3)).T @ cosmology
        slopes = self.tables()
        tables = Tables(
            np.tensordot(background, slopes.growth, 1),
            np.tensordot(background, slopes.weights, 1), background @ slopes.spacing,
        )  # fmt: skip
        density = self.density()
        moved = linear_density_jvp(
            self.lattice, density, self.power, change.noise, cosmology @ _log_power(settings)
        )
        x, p, dx, dp = displaced_jvp(
            self.lattice, density, self.background, settings.a_start, moved, background
        )
        maps = np.zeros_like(self.cone.maps)

        def observe(number: int, x: Array, p: Array, dx: Array, dp: Array) -> None:
            if self.seen(number):
                self.observe_jvp(number, x, p, dx, dp, background, filters, tables, maps)

        run_jvp(self.mesh, x, p, dx, dp, self.schedule, background, observe)
        self.cone.gather(self.comm)
        maps = self.comm.allreduce(maps) - background @ _means(settings)
        return _maps(settings, {"sources": self.cone}).kappa, sharpen(np.moveaxis(maps, 2, 0))

    def observe_jvp(
        self, number: int, x: Array, p: Array, dx: Array, dp: Array, background: Array,
        filters: Array, tables: Tables, maps: Array,
    ) -> None:  # fmt: skip
        """Let the light cone see a step, and add to the change of its maps."""
        settings, times = self.settings, self.step(number)
        offset = d_offset = None
        if settings.correction is not None or not settings.sub_evolution:
            length, slopes = self.half(number)
            half, d_half = x + length * p, dx + length * dp + (background @ slopes) * p
            if settings.correction is not None:
                offset, d_offset = sharpening_jvp(
                    self.mesh, half, d_half, settings.correction, times[0], filters
                )
            if not settings.sub_evolution:
                x, p, dx, dp = half, np.zeros_like(p), d_half, np.zeros_like(p)
        self.cone.advance(*times, x, p, offset)
        drift = self.drift_slopes(number) @ background
        advance_jvp(self.cone, times, x, p, offset, dx, dp, d_offset, drift, tables, maps)


def _named(names: tuple[str, ...], values: Array) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values)}


# What depends on the settings alone is kept for the next run of the same ones.


@lru_cache(maxsize=4)
def _schedule(settings: Settings) -> Schedule:
    return Schedule.of(background(settings.cosmology), settings.times)


@lru_cache(maxsize=4)
def _log_power(settings: Settings) -> Array:
    """Return the derivatives (parameters, wavenumbers) of ln P on the lattice."""
    k = wavenumbers(settings.box, settings.particles)
    return log_power_slopes(settings.cosmology, settings.transfer, k)


@lru_cache(maxsize=4)
def _means(settings: Settings) -> Array:
    """Return the derivatives (3, sources) of what all matter gives."""
    known, redshifts = background(settings.cosmology), only_redshifts(settings.sources)
    return np.stack([mean_convergence_slopes(known, z) for z in redshifts], axis=1)
