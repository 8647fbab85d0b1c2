"""The integrators that a run can choose between, and at which scale factors they take a force.

``"leapfrog"``
    FastPM's, `mlsci.lensing.nbody`: steps even in the scale factor. It can be undone, and has the
    derivatives of `mlsci.lensing.adjoint`.
``"bullfrog"``
    `mlsci.lensing.bullfrog`. As its steps are exact to second order of perturbation theory, those
    before haloes form can be long; after that they are even in ln a, as the time is in which
    matter falls into haloes and crosses them.

What is counted are forces: the leapfrog's one before the first step stands for a step of BullFrog.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from mlsci.lensing import bullfrog, nbody

Integrator = Literal["leapfrog", "bullfrog"]

EVOLVE: dict[Integrator, Callable[..., nbody.State]] = {
    "leapfrog": nbody.evolve,
    "bullfrog": bullfrog.evolve,
}
FORMED = 0.42  # the scale factor to which BullFrog's steps are long
EARLY = 3 / 11  # of all its steps are taken before


def times(integrator: Integrator, a_start: float, stages: int) -> np.ndarray:
    """Return the scale factors from the start to today where steps begin and end.

    Parameters
    ----------
    integrator
        Of the steps.
    a_start
        The first scale factor.
    stages
        How often a force is taken.

    Returns
    -------
    ndarray
        ``(stages,)`` of the leapfrog, ``(stages + 1,)`` of BullFrog.
    """
    if integrator == "leapfrog":
        return nbody.linear_steps(a_start, 1.0, stages - 1)
    part = np.linspace(0, 1, stages + 1)
    if a_start >= FORMED:
        return np.asarray(a_start ** (1 - part))
    early = a_start + (FORMED - a_start) * part / EARLY
    late = FORMED ** ((1 - part) / (1 - EARLY))
    return np.where(part < EARLY, early, late)
