"""Tempered sequential Monte Carlo, batched over data: the reference for posteriors of many modes.

Particles go from a start q to the posterior p along ``q^(1 - b) p^b``. A step in b is as large as
leaves half of the particles effective, for each datum by itself; the particles are then resampled
and moved by Metropolis steps: along the difference of two other particles (ter Braak 2006, Stat.
Comput. 16, 239), which has the shape of the posterior whatever that is, and leads from mode to mode
when the two are in different ones; from the mixture about the modes, also by independent draws of
it. From the prior, nothing knows of the modes. Source: Del Moral, Doucet & Jasra 2006, J. R. Stat.
Soc. B 68, 411, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import logsumexp

from mlsci.reconstruction.importance import systematic
from mlsci.reconstruction.laplace import Mixture, standard_normal
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.maximum import temperature

Start = Literal["prior", "modes"]

WHOLE = 0.15  # share of moves by a whole difference, from mode to mode
SHAKE = 1e-4  # what is added to a difference, so that every place can be reached


@dataclass(frozen=True)
class Particles:
    """Equally weighted draws of n posteriors.

    Attributes
    ----------
    u
        ``(n, chains, s, d)``: s particles of each of several independent runs.
    log_evidence
        ``ln p(y)``, mean over the runs, ``(n,)`` nats.
    evidence_error
        Its standard error from the spread between runs, ``(n,)``.
    temperatures
        Steps in temperature, ``(n,)``, of the slowest run.
    acceptance
        Share of accepted local moves at the posterior itself, ``(n,)``.
    """

    u: np.ndarray
    log_evidence: np.ndarray
    evidence_error: np.ndarray
    temperatures: np.ndarray
    acceptance: np.ndarray


@dataclass
class _State:
    """Particles ``(r, s, d)`` of r runs on their way, with ln q and ln p of each, ``(r, s)``."""

    u: np.ndarray
    log_start: np.ndarray
    log_joint: np.ndarray

    def log_target(self, beta: np.ndarray) -> np.ndarray:
        return (1 - beta[:, None]) * self.log_start + beta[:, None] * self.log_joint

    def take(self, *index: np.ndarray) -> _State:
        return _State(self.u[index], self.log_start[index], self.log_joint[index])

    def put(self, part: _State, *index: np.ndarray) -> None:
        self.u[index], self.log_start[index] = part.u, part.log_start
        self.log_joint[index] = part.log_joint


class _Mover:
    """Metropolis steps of many runs at once, with a step size for each that adapts."""

    def __init__(
        self, likelihood: Likelihood, data: np.ndarray, q: Mixture, *, leaps: bool,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.likelihood, self.data, self.q = likelihood, data, q
        self.leaps, self.rng = leaps, rng
        self.scale = np.full(len(data), 2.4 / np.sqrt(2 * q.mean.shape[-1]))
        self.acceptance = np.zeros(len(data))

    def state(self, u: np.ndarray, rows: np.ndarray) -> _State:
        u = u.astype(self.likelihood.model.dtype).astype(np.float64)
        log_joint = self.likelihood.log_joint(u, self.data[rows])
        return _State(u, self.q.rows(rows).log_prob(u), log_joint)

    def move(self, state: _State, rows: np.ndarray, beta: np.ndarray, steps: int) -> None:
        """Move the particles of some runs in place; every fourth step leaps, if any do."""
        count = state.u.shape[1]
        for k in range(steps):
            if self.leaps and k % 4 == 3:
                trial = self.state(self.q.rows(rows).sample(count, self.rng), rows)
                self._accept(state, trial, beta, state.log_start - trial.log_start)
                continue
            # One half moves by differences within the other, which stays: each is a valid step.
            order = self.rng.permuted(np.tile(np.arange(count), (len(rows), 1)), axis=1)
            first, second = order[:, : count // 2], order[:, count // 2 :]
            taken = [self._differ(state, rows, beta, *pair)
                     for pair in ((first, second), (second, first))]  # fmt: skip
            self.acceptance[rows] = np.mean(taken, axis=0)
            self.scale[rows] *= np.exp(0.5 * (self.acceptance[rows] - 0.25))

    def _differ(
        self, state: _State, rows: np.ndarray, beta: np.ndarray, moving: np.ndarray,
        still: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        """Move some particles ``(r, m)`` along differences of others; return the share accepted."""
        run, others = np.arange(len(rows))[:, None], still.shape[1]
        one = self.rng.integers(0, others, moving.shape)
        two = (one + self.rng.integers(1, others, moving.shape)) % others
        along = state.u[run, still[run, one]] - state.u[run, still[run, two]]
        whole = self.rng.random(moving.shape) < WHOLE
        size = np.where(whole, 1.0, self.scale[rows][:, None])
        part = state.take(run, moving)
        shaken = part.u + SHAKE * self.rng.standard_normal(along.shape)
        trial = self.state(shaken + size[..., None] * along, rows)
        share = self._accept(part, trial, beta, np.zeros(part.log_joint.shape))
        state.put(part, run, moving)
        return share

    def _accept(
        self, state: _State, trial: _State, beta: np.ndarray, log_proposal: np.ndarray
    ) -> np.ndarray:
        """Return the share of accepted particles of each run."""
        gain = trial.log_target(beta) - state.log_target(beta) + log_proposal
        yes = np.log(self.rng.random(gain.shape)) < gain
        state.put(trial.take(*np.nonzero(yes)), *np.nonzero(yes))
        return yes.mean(1)


def sequential(
    likelihood: Likelihood,
    data: np.ndarray,
    modes: Mixture,
    *,
    start: Start = "modes",
    particles: int = 256,
    chains: int = 4,
    moves: int = 8,
    final_moves: int = 32,
    effective: float = 0.5,
    seed: int = 0,
) -> Particles:
    """Sample the posteriors of whitened data ``(n, size)``.

    Parameters
    ----------
    likelihood, data
        Of what.
    modes
        Gaussians about the modes; for "prior" they give the dimension alone.
    start
        "prior", or "modes" for their `defensive` mixture; then every fourth move is an independent
        draw from it, which leaps between modes.
    particles, chains
        Of each run, and runs for each datum: independent, so that their agreement means something.
    moves, final_moves
        Metropolis steps at each temperature, and at the posterior.
    effective
        Share of the particles that a step in temperature leaves effective.
    seed
        Of all draws.
    """
    n, d = modes.mean.shape[0], modes.mean.shape[-1]
    rng = np.random.default_rng([seed, 31])
    datum = np.repeat(np.arange(n), chains)
    q = (standard_normal(n, d) if start == "prior" else modes.defensive()).rows(datum)
    mover = _Mover(likelihood, data[datum], q, leaps=start == "modes", rng=rng)
    runs = np.arange(len(datum))
    state = mover.state(q.sample(particles, rng), runs)
    beta, log_evidence, steps = np.zeros(len(runs)), np.zeros(len(runs)), np.zeros(len(runs))
    while len(active := runs[beta < 1]):
        part = state.take(active)
        ratio = part.log_joint - part.log_start
        following = temperature(ratio, beta[active], effective * particles)
        log_weights = (following - beta[active])[:, None] * ratio
        log_evidence[active] += logsumexp(log_weights, axis=1) - np.log(particles)
        weights = np.exp(log_weights - log_weights.max(1, keepdims=True))
        chosen = systematic(weights, particles, rng)
        part = part.take(np.arange(len(active))[:, None], chosen)
        beta[active] = following
        steps[active] += 1
        mover.move(part, active, following, moves)
        state.put(part, active)
    mover.move(state, runs, beta, final_moves)
    of_runs = log_evidence.reshape(n, chains)
    mean = logsumexp(of_runs, axis=1) - np.log(chains)
    spread = np.exp(of_runs - mean[:, None]).std(1, ddof=min(1, chains - 1))
    return Particles(
        u=_shuffled(state.u, rng).reshape(n, chains, particles, d),
        log_evidence=mean,
        evidence_error=spread / np.sqrt(chains),
        temperatures=steps.reshape(n, chains).max(1),
        acceptance=mover.acceptance.reshape(n, chains).mean(1),
    )


def _shuffled(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return particles in random order: copies of one lie side by side after resampling."""
    order = rng.permuted(np.tile(np.arange(u.shape[1]), (len(u), 1)), axis=1)
    return u[np.arange(len(u))[:, None], order]
