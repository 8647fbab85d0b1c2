r"""BullFrog, an integrator that is exact to second order of perturbation theory in every step.

Rampf, List and Hahn 2025, arXiv:2409.19049 (JCAP 02, 020): positions drift for half a step of
growth :math:`D_1`, velocities :math:`v = dx/dD_1` become :math:`\alpha v + \beta A / D_1` with the
acceleration :math:`A = -\nabla \nabla^{-2} \delta` of the middle, positions drift for the other
half. :math:`\alpha + \beta = 1` keeps the Zel'dovich approximation exact, as FastPM's leapfrog does
(`mlsci.lensing.nbody`), and :math:`\alpha` is such that velocities of second order are exact, too.
One force a step, where the leapfrog takes one more for all: as many forces are one more step.

Between the ends of a step that is a corner, which lies off the way of whatever turns within a step,
by a quarter of the kick times half of the step. What looks at particles on their way is told of the
parabola instead that has the velocities of both ends, of its middle and of the two chords that meet
there: the ends are the same.

Particles, momenta and callbacks are those of `mlsci.lensing.nbody`, so that light cones and
sharpening serve both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from .cosmology import Cosmology
from .forces import add_force
from .nbody import Array, Callback, State, drift, middle


def weights(cosmology: Cosmology, a_start: float, a_end: float) -> tuple[float, float]:
    r"""Return how much of the velocity a kick keeps, and what it adds of the acceleration.

    With :math:`E = D_2` as a function of :math:`D = D_1`, its slope :math:`E'`, a step from
    :math:`D_n` and its middle :math:`D_{n+1/2}`,

    .. math:: \alpha = \frac{E'_{n+1} - F}{E'_n - F}, \qquad
        F = \frac{E_n + E'_n (D_{n+1/2} - D_n)}{D_{n+1/2}} - D_{n+1/2},

    since :math:`E - D^2` is the acceleration of second order.

    Parameters
    ----------
    cosmology
        Of the growth.
    a_start, a_end
        Scale factors between which the step goes.

    Returns
    -------
    (alpha, beta / D_1 of the middle)
    """
    first, last = (float(cosmology.growth1(a)) for a in (a_start, a_end))
    slope, slope_after = (_slope(cosmology, a) for a in (a_start, a_end))
    between = 0.5 * (first + last)
    force = (float(cosmology.growth2(a_start)) + slope * (between - first)) / between - between
    alpha = (slope_after - force) / (slope - force)
    return alpha, (1 - alpha) / between


def _slope(cosmology: Cosmology, a: float) -> float:
    """Return dD2/dD1."""
    logarithmic = cosmology.rate2(a) / cosmology.rate1(a)
    return float(logarithmic * cosmology.growth2(a) / cosmology.growth1(a))


def half(cosmology: Cosmology, a_start: float, a_end: float) -> float:
    """Return the scale factor at which one half of a step's growth is done."""
    goal = 0.5 * float(cosmology.growth1(a_start) + cosmology.growth1(a_end))
    return float(brentq(lambda a: float(cosmology.growth1(a)) - goal, a_start, a_end, xtol=1e-14))


def evolve(
    state: State,
    cosmology: Cosmology,
    steps: Sequence[float] | Array,
    callback: Callback | None = None,
) -> State:
    """Move particles through a growing sequence of scale factors.

    Parameters
    ----------
    state : State
        At the first scale factor. Its arrays are taken over: they are changed in place.
    cosmology : Cosmology
        Of the growth.
    steps : sequence of float
        Scale factors where steps begin and end.
    callback : callable, optional
        Called for each half of a step with (a_start, a_end, x, p) as `mlsci.lensing.nbody.evolve`
        does for a whole one: both are drifts with the momenta of their middle, along the chords.

    Returns
    -------
    State
        At the last scale factor.

    Raises
    ------
    ValueError
        If the steps do not grow, or do not begin at the state's time.
    FloatingPointError
        If positions are no numbers any more.
    """
    times = [float(a) for a in steps]
    if len(times) < 2 or any(after <= before for before, after in zip(times, times[1:])):
        raise ValueError("the scale factors of the steps must be two or more, and grow")
    if not math.isclose(times[0], state.a, rel_tol=1e-12):
        raise ValueError(
            f"the state is at a = {state.a:.6g}, but the steps begin at {times[0]:.6g}: begin them "
            "at the state's"
        )
    x, v = (np.ascontiguousarray(values, np.float64) for values in (state.x, state.p))
    v *= float(cosmology.drift_scale(times[0]))
    for a_start, a_end in zip(times, times[1:]):
        a_half = half(cosmology, a_start, a_end)
        width = float(cosmology.growth1(a_half) - cosmology.growth1(a_start))
        keep, add = weights(cosmology, a_start, a_end)
        drift(x, v, width)
        change = (keep - 1) * v
        add_force(state.mesh, x, add, change)
        drift(x, v, -width)
        # The first chord has a quarter of the change of velocity, the second three of them.
        for a_from, a_to, share in ((a_start, a_half, 0.25), (a_half, a_end, 0.5)):
            drift(v, change, share)
            if callback is not None:
                scale = float(cosmology.drift_scale(middle(a_from, a_to)))
                v /= scale
                callback(a_from, a_to, x, v)
                v *= scale
            drift(x, v, width)
        drift(v, change, 0.25)
    v /= float(cosmology.drift_scale(times[-1]))
    return State(x, v, times[-1], state.mesh)
