r"""The steps in time, backwards: derivatives of a whole trajectory without a record of it.

A leapfrog is its own inverse: a kick is undone with the same force, which depends on positions
only, a drift with the same momenta. So the adjoint goes back in time with the particles, and
nothing is stored; each step costs one force and its transpose (the reversible adjoint of pmwd: Li,
Modi, Jamieson et al. 2022, arXiv:2211.09815). Positions and momenta in double precision come back
to rounding; in single precision they would spoil derivatives by 1e-3.

The steps are those of `mlsci.lensing.nbody.evolve` but for the last kick, which no map sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsci.lensing.adjoint.cosmology import Background
from mlsci.lensing.adjoint.forces import Pull, gravity, pull_jvp
from mlsci.lensing.forces import add_force
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.nbody import drift, middle

Array = NDArray[Any]
Observer = Callable[[int, Array, Array], None]  # step, x, p
ObserverVjp = Callable[[int, Array, Array, Array, Array], None]  # and their cotangents, to add to
ObserverJvp = Callable[[int, Array, Array, Array, Array], None]  # and their changes


@dataclass(frozen=True)
class Schedule:
    """Steps in time, each a kick and a drift.

    Attributes
    ----------
    times : ndarray (steps + 1,)
        Scale factors.
    kicks, drifts : ndarray (steps,)
        What multiplies the force, and the momenta.
    kick_slopes, drift_slopes : ndarray (3, steps)
        Their derivatives with respect to the background's parameters.
    """

    times: Array
    kicks: Array
    drifts: Array
    kick_slopes: Array
    drift_slopes: Array

    @classmethod
    def of(cls, background: Background, times: Sequence[float] | Array) -> Schedule:
        """Return the steps between scale factors."""
        kicks, drifts, kick_slopes, drift_slopes = [], [], [], []
        closing, closing_slopes = 0.0, np.zeros(3)
        for a_start, a_end in zip(times, times[1:]):
            a_mid = middle(a_start, a_end)
            opening, slopes = background.pull(a_start, a_start, a_mid)
            kicks.append(closing + opening)
            kick_slopes.append(closing_slopes + slopes)
            drifts.append(float(background.cosmology.drift(a_mid, a_start, a_end)))
            drift_slopes.append(background.drift(a_mid, a_start, a_end))
            closing, closing_slopes = background.pull(a_end, a_mid, a_end)
        lists = kicks, drifts, np.transpose(kick_slopes), np.transpose(drift_slopes)
        return cls(np.asarray(times, float), *map(np.array, lists))


def run(mesh: Mesh, x: Array, p: Array, schedule: Schedule, observe: Observer) -> None:
    """Move particles through all steps, in place.

    Parameters
    ----------
    mesh : Mesh
        Of the forces.
    x, p : ndarray (n, 3), float64, in C order
        Positions and momenta at the first scale factor; then positions at the last, and momenta in
        the middle of the last step.
    schedule : Schedule
        The steps.
    observe : callable
        Called as `mlsci.lensing.nbody.evolve` calls its callback, with the number of the step.
    """
    for step, (kick, length) in enumerate(zip(schedule.kicks, schedule.drifts)):
        add_force(mesh, x, float(kick), p)
        observe(step, x, p)
        drift(x, p, float(length))


def run_vjp(
    mesh: Mesh, x: Array, p: Array, x_bar: Array, p_bar: Array, schedule: Schedule,
    observe: ObserverVjp,
) -> Array:  # fmt: skip
    """Go back through all steps with particles and cotangents, in place.

    Parameters
    ----------
    mesh, schedule
        As for `run`.
    x, p : ndarray (n, 3)
        As `run` has left them; then as it began.
    x_bar, p_bar : ndarray (n, 3)
        Cotangents of the end; then of the start.
    observe : callable
        Called in each step with its number, x, p, and their cotangents, to which it adds those of
        what the observer of `run` saw.

    Returns
    -------
    ndarray (3,)
        This rank's part of the cotangents of Omega_m, w0, wa, through kicks and drifts.
    """
    background = np.zeros(3)
    for step in reversed(range(len(schedule.kicks))):
        kick, length = float(schedule.kicks[step]), float(schedule.drifts[step])
        drift(x, p, -length)
        background += schedule.drift_slopes[:, step] * np.vdot(x_bar, p)
        drift(p_bar, x_bar, length)
        observe(step, x, p, x_bar, p_bar)
        pull = Pull(mesh, x, gravity(mesh, x))
        background += schedule.kick_slopes[:, step] * pull.vjp(p_bar, kick, x_bar, -kick, p)
    return background


def run_jvp(
    mesh: Mesh, x: Array, p: Array, dx: Array, dp: Array, schedule: Schedule, background: Array,
    observe: ObserverJvp,
) -> None:  # fmt: skip
    """Move particles and their changes through all steps, in place.

    Parameters
    ----------
    mesh, x, p, schedule
        As for `run`.
    dx, dp : ndarray (n, 3)
        How positions and momenta change.
    background : ndarray (3,)
        How Omega_m, w0 and wa change.
    observe : callable
        Called in each step with its number, x, p, dx and dp.
    """
    kicks, drifts = background @ schedule.kick_slopes, background @ schedule.drift_slopes
    for step in range(len(schedule.kicks)):
        kick, length = float(schedule.kicks[step]), float(schedule.drifts[step])
        force, tangent = pull_jvp(mesh, x, dx, gravity(mesh, x))
        drift(p, force, kick)
        drift(dp, tangent, kick)
        drift(dp, force, float(kicks[step]))
        observe(step, x, p, dx, dp)
        drift(x, p, length)
        drift(dx, dp, length)
        drift(dx, p, float(drifts[step]))
