r"""What a step costs on many ranks: bytes that cross the network, and the time they take.

A force needs two transforms, two exchanges of particles, and the rims of the mesh. What a rank
sends is counted here from the layouts, exactly but for the particles: with displacements of
dispersion s along each axis, a share :math:`\sqrt{2/\pi}\, s / w` of them has left a block of
width w.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .kernels import ABOVE, BELOW
from .mesh import process_grid

_PARTICLE = 3 * 8  # bytes of a position or a force


@dataclass(frozen=True)
class Traffic:
    """What a rank sends to others for one force.

    Attributes
    ----------
    transforms, rims, particles : float
        In bytes.
    messages : int
        How many there are at most.
    """

    transforms: float
    rims: float
    particles: float
    messages: int

    @property
    def total(self) -> float:
        """All bytes."""
        return self.transforms + self.rims + self.particles


@dataclass(frozen=True)
class Costs:
    """What one core and its share of the network do.

    Attributes
    ----------
    particle : float
        Seconds a particle: painting, reading and moving it.
    transform : float
        Seconds a cell and binary logarithm of the number of cells, for both transforms.
    bandwidth : float
        Bytes a second that a rank sends while all others do.
    latency : float
        Seconds a message.
    """

    particle: float
    transform: float
    bandwidth: float
    latency: float


def traffic(side: int, boost: int, ranks: int, itemsize: int, spread: float) -> Traffic:
    """Return what a rank sends for one force.

    Parameters
    ----------
    side : int
        Particles along a side.
    boost : int
        Cells of the mesh for each of them.
    ranks : int
        Number of ranks.
    itemsize : {4, 8}
        Bytes of a number on the mesh.
    spread : float
        Dispersion of displacements along an axis, in distances between particles.

    Returns
    -------
    Traffic
    """
    cells = side * boost
    grid = process_grid(side, ranks)
    block = cells**2 * (cells // 2 + 1) * 2 * itemsize / ranks
    transforms = 2 * block * sum(1 - 1 / parts for parts in grid)
    sizes = [cells / parts for parts in grid] + [cells] * (3 - len(grid))
    split = [parts > 1 for parts in grid] + [False] * (3 - len(grid))
    padded = [size + (BELOW + ABOVE - 1) * cut for size, cut in zip(sizes, split)]
    # to read from the potential, and one that was painted, in double precision
    planes = (BELOW + ABOVE - 1) * itemsize + 8
    rims = sum(planes * math.prod(padded) / padded[axis] for axis in range(3) if split[axis])
    staying = 1.0
    for parts in grid:
        if parts > 1:
            staying *= 1 - min(1.0, math.sqrt(2 / math.pi) * spread * parts / side)
    particles = 2 * _PARTICLE * side**3 / ranks * (1 - staying)
    pairs = sum(parts - 1 for parts in grid)
    # two transforms; three passes along each axis; counts, positions and forces among all
    messages = 2 * pairs + 3 * sum(split) + 3 * (ranks - 1)
    return Traffic(transforms, rims, particles, messages)


def step_time(
    side: int, boost: int, ranks: int, itemsize: int, spread: float, costs: Costs
) -> float:
    """Return the seconds of a step on the clock, when ranks do not wait for each other.

    Parameters
    ----------
    side, boost, ranks, itemsize, spread
        As in `traffic`.
    costs : Costs
        Measured on the machine, or assumed.

    Returns
    -------
    float
    """
    sent = traffic(side, boost, ranks, itemsize, spread)
    cells = (side * boost) ** 3
    work = costs.particle * side**3 + costs.transform * cells * math.log2(cells)
    return work / ranks + sent.total / costs.bandwidth + sent.messages * costs.latency
