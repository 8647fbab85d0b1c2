r"""Steps in time of the particle mesh: FastPM's leapfrog (Feng, Chu, Seljak and McDonald 2016).

Conventions, for all who touch particles:

- A rank holds its block of the particle lattice in C order, and keeps it for the whole run: row i
  of `x` and `p` belongs to the same particle at all times, and on any number of ranks the blocks
  put together are the same lattice.
- `x` (n, 3), float64, are comoving positions in Mpc/h. They are *never wrapped* into the box: a
  particle that leaves at one side goes on to negative positions or beyond `box`. Whoever needs a
  cell or a place in the box wraps it there.
- `p` (n, 3), float64, are momenta :math:`p = a^3 E(a)\, dx/da` in Mpc/h.
- A drift takes `x` from `a_i` to `a_f` with the momentum at `a_c`,
  ``x += p * cosmology.drift(a_c, a_i, a_f)``; a kick takes `p` from `a_i` to `a_f` with the force
  at `a_c`, ``p += f * cosmology.kick(a_c, a_i, a_f)`` with
  :math:`f = -\frac{3}{2} \Omega_m \nabla \nabla^{-2} \delta` in Mpc/h. The
  factors are those which make every step exact in the Zel'dovich approximation (equations 17-20
  of the paper).
- One step from `a_start` to `a_end` is kick, drift, kick; the momentum of its drift is that at
  ``a_c = middle(a_start, a_end)``, the geometric mean.

The light cone looks at every step once, before the particles move: `evolve` calls
``callback(a_start, a_end, x, p)`` with the positions at `a_start` and the momenta at the middle of
the step, so that a particle's position at any `a` between is, exactly as the step has it,
``x + p * cosmology.drift(middle(a_start, a_end), a_start, a)``. The callback must not change `x` or
`p`, and must copy what it keeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cosmology import Cosmology
from .forces import add_force
from .mesh import Mesh

Array = NDArray[Any]
Callback = Callable[[float, float, Array, Array], object]


@dataclass
class State:
    """Particles at one time, and the mesh of their forces.

    Attributes
    ----------
    x, p : ndarray (n, 3)
        Positions and momenta of this rank's particles, in Mpc/h, both at `a`.
    a : float
        Scale factor.
    mesh : Mesh
        Its side is B times that of the lattice.
    """

    x: Array
    p: Array
    a: float
    mesh: Mesh


def linear_steps(a_start: float, a_end: float, steps: int) -> Array:
    """Return scale factors in equal distances: (steps + 1,), the first and last included.

    The published runs of "11 steps" count these numbers: there, `steps` is 10.
    """
    return np.linspace(a_start, a_end, steps + 1)


def middle(a_start: float, a_end: float) -> float:
    """Return the scale factor at which the drift of a step takes its momentum.

    Parameters
    ----------
    a_start, a_end : float
        Scale factors between which the step goes.

    Returns
    -------
    float
        Their geometric mean.
    """
    return math.sqrt(a_start * a_end)


def evolve(
    state: State,
    cosmology: Cosmology,
    steps: Sequence[float] | Array,
    callback: Callback | None = None,
) -> State:
    """Move particles through a sequence of scale factors.

    One force a step, and one more at the start: the kick which ends a step and that which begins
    the next have the same force, and are one. Reversed steps undo it to rounding.

    Parameters
    ----------
    state : State
        At the first scale factor. Its arrays are taken over: they are changed in place.
    cosmology : Cosmology
        Of the drifts and kicks.
    steps : sequence of float
        Scale factors where steps begin and end, growing or falling.
    callback : callable, optional
        Called in every step with (a_start, a_end, x, p), as said at the top.

    Returns
    -------
    State
        At the last scale factor.

    Raises
    ------
    ValueError
        If the steps do not begin at the state's time, or go both ways.
    FloatingPointError
        If positions are no numbers any more.
    """
    times = [float(a) for a in steps]
    ways = {math.copysign(1.0, after - before) for before, after in zip(times, times[1:])}
    if len(times) < 2 or len(ways) != 1 or len(set(times)) != len(times):
        raise ValueError("the scale factors of the steps must be two or more, and grow or fall")
    if not math.isclose(times[0], state.a, rel_tol=1e-12):
        raise ValueError(
            f"the state is at a = {state.a:.6g}, but the steps begin at {times[0]:.6g}: begin them "
            "at the state's"
        )
    # C order, since a drift goes through them as one line
    x, p = (np.ascontiguousarray(values, np.float64) for values in (state.x, state.p))
    mesh = state.mesh
    strength = 1.5 * cosmology.omega_m
    closing = 0.0  # what the step before has left of its last kick
    for a_start, a_end in zip(times, times[1:]):
        a_mid = middle(a_start, a_end)
        kick = closing + float(cosmology.kick(a_start, a_start, a_mid))
        add_force(mesh, x, strength * kick, p)
        if callback is not None:
            callback(a_start, a_end, x, p)
        drift(x, p, float(cosmology.drift(a_mid, a_start, a_end)))
        closing = float(cosmology.kick(a_end, a_mid, a_end))
    add_force(mesh, x, strength * closing, p)
    return State(x, p, times[-1], mesh)


def drift(x: Array, p: Array, factor: float) -> None:
    """Move particles by a multiple of their momenta, in pieces that stay in the processor's cache.

    Parameters
    ----------
    x, p : ndarray (n, 3), float64, in C order
        Positions, which are changed in place, and momenta.
    factor : float
        The drift factor.

    Raises
    ------
    FloatingPointError
        If positions are no numbers any more.
    """
    flat, speeds = x.reshape(-1), p.reshape(-1)
    sums = 0.0
    for start in range(0, len(flat), _PIECE):
        part = flat[start : start + _PIECE]
        part += factor * speeds[start : start + _PIECE]
        sums += float(part.sum())
    if not math.isfinite(sums):
        raise FloatingPointError(
            "positions have become infinite or NaN: the initial conditions or the cosmology "
            "are not what they should be"
        )


_PIECE = 1 << 15
