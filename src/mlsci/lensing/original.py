"""What the published program does otherwise, in numbers: boxes it projects, growth it interpolates.

Source: MADLens 1.0 (Boehm, Feng, Lee, Dai 2021, arXiv:2012.07266), `ImageGenerator.generate` and
`DriftFactor` of the particle mesh it stands on.
"""

from __future__ import annotations

import numpy as np

from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.nbody import middle

ORIENTATIONS = 6  # of a box: turns by right angles, in a fixed order, used again and again


def boxes_projected(
    cosmology: Cosmology, times: np.ndarray, reach: float, box: float, original: bool = False
) -> int:
    """Return how many times a box is projected in a run.

    In each step, those boxes are to be projected that overlap the shell between the distances of
    the step's ends, as far as the sources. The original takes the greater of the outer distance
    and that of the sources where the lesser is meant: every step then goes out to the sources.

    Parameters
    ----------
    times
        Scale factors at which steps begin and end.
    reach, box
        Distance of the sources and side of a box in Mpc/h.
    original
        Whether to count by the original's rule.
    """
    outer = np.maximum if original else np.minimum
    distance = cosmology.distance(times)
    far, near = distance[:-1], np.clip(distance[1:], 0, None)
    last, first = outer(far, reach) // box, near // box
    return int(np.sum((last - first + 1)[near < reach]))


def interpolated_drift(
    cosmology: Cosmology, a_start: float, a_end: float, a: np.ndarray
) -> np.ndarray:
    """Return by how much the original misplaces a particle within a step, over the step's drift.

    It knows the growth D at the ends and at the middle of steps, and takes it to be linear in the
    logarithm of a between these: what it adds at a is the drift from a_start with a wrong D(a).

    Parameters
    ----------
    a_start, a_end
        Ends of the step.
    a
        Scale factors within it.
    """
    known = np.array([a_start, middle(a_start, a_end), a_end])
    linear = np.interp(np.log(a), np.log(known), cosmology.growth1(known))
    drift = cosmology.growth1(a_end) - cosmology.growth1(a_start)
    return (linear - cosmology.growth1(a)) / drift
