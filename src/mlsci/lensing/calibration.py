r"""New parameters for the sharpening, from the matter power that a configuration lacks.

What counts is what a light cone sees: particles that it meets early and late in a step, moved by
the displacement of the middle of the step. A box is therefore measured at two times within a step,
Gauss and Legendre's points, as a share of the power that theory has there. A large box tells what
is missing; then the four parameters are those for which sharpening adds it, in the mean of squared
logarithms over bands, each in units of what is allowed to it. They are searched for in a small box,
in which sharpening adds a little more or less than in a large one, since it has other haloes: that
is measured in both, and the search repeated. No map and no spectrum of the sky is looked at.

The amplitudes of initial waves are fixed to their mean, and two runs begin with opposite phases,
which takes most of the scatter of a box away (Angulo and Pontzen 2016, arXiv:1603.05253).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from scipy.optimize import least_squares

from mlsci.lensing import initial, nbody, sharpening
from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.integrators import EVOLVE, Integrator, times
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.power import LinearPower
from mlsci.lensing.sharpening import Sharpening
from mlsci.lensing.spectra import particle_power

PHASES = (0.5 - 3**-0.5 / 2, 0.5 + 3**-0.5 / 2)  # of a step, in the scale factor
Theory = Callable[[np.ndarray, np.ndarray], np.ndarray]  # P(k, a)


@dataclass(frozen=True)
class Boxes:
    """Runs of which the matter power is measured.

    Parameters
    ----------
    box, particles, boost, stages
        As in `Settings`.
    seed
        Of the phases.
    times
        Scale factors; the steps that hold them are measured.
    edges
        ``(bands + 1,)`` wave numbers in h/Mpc.
    signs
        Of the initial waves, one for each run.
    integrator
        As in `Settings`.
    """

    box: float
    particles: int
    boost: int
    stages: int
    seed: int
    times: tuple[float, ...]
    edges: tuple[float, ...]
    signs: tuple[float, ...] = (1.0, -1.0)
    integrator: Integrator = "leapfrog"

    def meshes(self) -> tuple[Mesh, Mesh]:
        """Return those of the lattice and of the force."""
        lattice = Mesh(self.box, self.particles, MPI.COMM_SELF, "f8")
        return lattice, Mesh(
            self.box, self.particles * self.boost, MPI.COMM_SELF, "f4", lattice.grid
        )


def fixed_noise(mesh: Mesh, seed: int, sign: float = 1.0) -> np.ndarray:
    """Return white noise whose modes all have the amplitude that noise has in the mean.

    A sign of -1 gives the noise that starts opposite.
    """
    modes = mesh.forward(initial.white_noise(mesh, seed))
    size, mean = np.abs(modes), mesh.cells**1.5
    # The mean of all is zero but for rounding, and stays so.
    modes *= np.divide(sign * mean, size, out=np.zeros_like(size), where=size > 1e-9 * mean)
    return mesh.backward(modes, overwrite=True) * mesh.cells**-3.0


class Steps:
    """What a light cone could see of a box in some steps.

    Positions and momenta are kept in single precision: to 1e-7 of the box.

    Attributes
    ----------
    a, k
        Scale factors half-way through what is seen of the steps ``(steps,)``; mean wave numbers
        ``(bands,)``.
    """

    def __init__(self, boxes: Boxes, cosmology: Cosmology) -> None:
        self._boxes, self._cosmology = boxes, cosmology
        self._kept: list[tuple[float, float, np.ndarray, np.ndarray]] = []
        lattice, self._mesh = boxes.meshes()
        start = 0.1
        steps = times(boxes.integrator, start, boxes.stages)
        steps = steps[: 1 + int(np.searchsorted(steps, max(boxes.times), side="right"))]
        evolve = EVOLVE[boxes.integrator]
        for sign in boxes.signs:
            noise = fixed_noise(lattice, boxes.seed, sign)
            density = initial.linear_density(lattice, noise, LinearPower(cosmology))
            x, p = initial.displaced(lattice, density, cosmology, start)
            evolve(nbody.State(x, p, start, self._mesh), cosmology, steps, self._keep)
        seen = self._kept[: len(self._kept) // len(boxes.signs)]
        self.a = np.array([nbody.middle(a, b) for a, b, _, _ in seen])
        self.k = particle_power(self._mesh, x[:8], np.array(boxes.edges)).ell

    def share(self, theory: Theory, sharpened: Sharpening | None = None) -> np.ndarray:
        """Return the matter power over a theory's ``(steps, bands)``, less the shot noise."""
        each = np.array([self._one(theory, sharpened, *step) for step in self._kept])
        return each.reshape(len(self._boxes.signs), len(self.a), -1).mean(0)

    def _keep(self, a_start: float, a_end: float, x: np.ndarray, p: np.ndarray) -> None:
        if any(a_start <= a < a_end for a in self._boxes.times):
            self._kept.append((a_start, a_end, x.astype(np.float32), p.astype(np.float32)))

    def _one(
        self, theory: Theory, sharpened: Sharpening | None, a_start: float, a_end: float,
        x: np.ndarray, p: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        middle = nbody.middle(a_start, a_end)

        def at(a: float) -> np.ndarray:
            return x + p.astype(float) * float(self._cosmology.drift(middle, a_start, a))

        moved = np.zeros((1, 3))
        if sharpened is not None:
            moved = sharpening.displacement(self._mesh, at(middle), sharpened, middle)
        shot, edges = self._boxes.box**3 / len(x), np.array(self._boxes.edges)
        shares = []
        for phase in PHASES:
            a = a_start + phase * (a_end - a_start)
            power = particle_power(self._mesh, at(a) + moved, edges).power - shot
            shares.append(power / theory(self.k, np.full_like(self.k, a)))
        return np.mean(shares, axis=0)


def fit(
    steps: Steps, theory: Theory, missing: np.ndarray, start: Sharpening, rounds: int = 6,
    allowed: np.ndarray | float = 1.0,
) -> tuple[Sharpening, np.ndarray]:  # fmt: skip
    """Return the parameters that add a given power, found by Gauss and Newton's method.

    Parameters
    ----------
    steps
        In which sharpening is tried.
    theory
        P(k, a) in (Mpc/h)^3.
    missing
        ``(steps, bands)``: power that there should be over that of the particles.
    start
        Where the search begins.
    rounds
        How often the parameters are improved, at most.
    allowed
        ``(steps, bands)``: relative deviations that weigh the same.

    Returns
    -------
    Sharpening, error
        And ``(4,)`` standard errors of ln k_l, ln k_s, ln alpha0 and mu, taking bands as
        independent, and what is left over as their scatter; infinite where the power does not
        depend on a parameter.
    """
    before = steps.share(theory)

    def left(numbers: np.ndarray) -> np.ndarray:
        gained = steps.share(theory, _sharpening(numbers)) / before
        return np.ravel(np.log(gained / missing) / allowed)

    begin = [np.log(start.low), np.log(start.high), np.log(start.alpha0), start.mu]
    found = least_squares(left, begin, diff_step=0.02, max_nfev=rounds)
    information = found.jac.T @ found.jac
    # A cut k_s far beyond what a mesh resolves changes nothing.
    known = np.diag(information) > 1e-8 * np.diag(information).max()
    variance = np.full(len(begin), np.inf)
    variance[known] = np.diag(np.linalg.pinv(information[np.ix_(known, known)], hermitian=True))
    freedom = max(1, found.fun.size - int(known.sum()))
    return _sharpening(found.x), np.sqrt(
        np.maximum(variance, 0) * (found.fun @ found.fun) / freedom
    )


def fit_to_large(
    large: Steps, small: Steps, theory: Theory, start: Sharpening,
    rounds: Sequence[int] = (6, 4), allowed: np.ndarray | float = 1.0,
) -> tuple[Sharpening, np.ndarray]:  # fmt: skip
    """Return the parameters with which a large box has the power of theory, and their errors.

    Parameters
    ----------
    large, small
        Boxes of the same spacing, boost and stages: one to be brought to theory, and one that is
        cheaper to try parameters in.
    theory, start, allowed
        As in `fit`.
    rounds
        Of each search: there is one, then another for what the one before left in the large box.
    """
    missing, found = 1 / large.share(theory), start
    for number, most in enumerate(rounds):
        if number:
            gained = small.share(theory, found) / small.share(theory)
            missing = gained / large.share(theory, found)
        found, error = fit(small, theory, missing, found, most, allowed)
    return found, error


def _sharpening(numbers: np.ndarray) -> Sharpening:
    low, high, alpha0 = (float(value) for value in np.exp(numbers[:3]))
    return Sharpening(low, high, alpha0, float(numbers[3]))
