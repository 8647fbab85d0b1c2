r"""Steps in time of the particle mesh: FastPM's leapfrog (Feng, Chu, Seljak and McDonald 2016).

Conventions, for all who touch particles:

- A rank holds its block of the particle lattice in C order, and keeps it for the whole run: row i of
  `x` and `p` belongs to the same particle at all times, and on any number of ranks the blocks put
  together are the same lattice.
- `x` (n, 3), float64, are comoving positions in Mpc/h. They are *never wrapped* into the box: a
  particle that leaves at one side goes on to negative positions or beyond `box`. Whoever needs a cell
  or a box wraps for himself.
- `p` (n, 3), float64, are momenta :math:`p = a^3 E(a)\, dx/da` in Mpc/h.
- A drift takes `x` from `a_i` to `a_f` with the momentum at `a_c`,
  ``x += p * cosmology.drift(a_c, a_i, a_f)``; a kick takes `p` from `a_i` to `a_f` with the force at
  `a_c`, ``p += f * 1.5 * Omega_m * cosmology.kick(a_c, a_i, a_f)`` with
  :math:`f = -\nabla \nabla^{-2} \delta` in Mpc/h. The factors are those which make every step exact
  in the Zel'dovich approximation (equations 19-22 of the paper).
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
