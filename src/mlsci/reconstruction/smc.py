"""Tempered sequential Monte Carlo, batched over data: the reference for posteriors of many modes.

Particles go from a start q to the posterior p along ``q^(1 - b) p^b``. A step in b is as large as
leaves half of the particles effective, for each datum by itself; the particles are then resampled
and moved by Metropolis steps: along the difference of two other particles (ter Braak 2006, Stat.
Comput. 16, 239), which has the shape of the posterior whatever that is; and to independent draws of
q, which lead from mode to mode. Source: Del Moral, Doucet & Jasra 2006, J. R. Stat. Soc. B 68, 411,
section 3.

This is done twice. Scouts come from the prior, where q knows nothing of the posterior, and few of
them end in a narrow mode. A mixture of Gaussians is fitted to them (Cappe et al. 2008,
arXiv:0710.4242, for importance sampling): it is so near to the posterior that independent runs from
there take two or three steps, and that a leap to a draw of it is accepted as often as not. Runs at
the posterior tell of it more than scouts did, so that the mixture is fitted again to these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import logsumexp

from mlsci.reconstruction.expectation import fitted
from mlsci.reconstruction.importance import systematic
from mlsci.reconstruction.laplace import Mixture, standard_normal
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.maximum import temperature

Start = Literal["prior", "modes"]

PRIOR = 0.02  # share of the prior in what runs start from, so that nothing is out of reach
KNOWN = 0.2  # share of the modes that a search has found
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


@dataclass(frozen=True)
class _Way:
    """What particles met on their way from q to p: ``ln p(y)``, and steps in temperature, (r,)."""

    log_evidence: np.ndarray
    steps: np.ndarray


class _Mover:
    """Metropolis steps of many runs at once, with a step size for each that adapts."""

    def __init__(
        self, likelihood: Likelihood, data: np.ndarray, q: Mixture, *, leap_every: int,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.likelihood, self.data, self.q = likelihood, data, q
        self.leap_every, self.rng = leap_every, rng
        self.scale = np.full(len(data), 2.4 / np.sqrt(2 * q.mean.shape[-1]))
        self.acceptance = np.zeros(len(data))

    def state(self, u: np.ndarray, rows: np.ndarray) -> _State:
        u = u.astype(self.likelihood.model.dtype).astype(np.float64)
        log_joint = self.likelihood.log_joint(u, self.data[rows])
        return _State(u, self.q.rows(rows).log_prob(u), log_joint)

    def temper(self, particles: int, moves: int, effective: float) -> tuple[_State, _Way]:
        """Take particles of q to the posterior."""
        runs = np.arange(len(self.data))
        state = self.state(self.q.sample(particles, self.rng), runs)
        beta, log_evidence, steps = np.zeros((3, len(runs)))
        while len(active := runs[beta < 1]):
            part = state.take(active)
            ratio = part.log_joint - part.log_start
            following = temperature(ratio, beta[active], effective * particles)
            log_weights = (following - beta[active])[:, None] * ratio
            log_evidence[active] += logsumexp(log_weights, axis=1) - np.log(particles)
            weights = np.exp(log_weights - log_weights.max(1, keepdims=True))
            chosen = systematic(weights, particles, self.rng)
            part = part.take(np.arange(len(active))[:, None], chosen)
            beta[active] = following
            steps[active] += 1
            self.move(part, active, following, moves)
            state.put(part, active)
        return state, _Way(log_evidence, steps)

    def move(self, state: _State, rows: np.ndarray, beta: np.ndarray, steps: int) -> None:
        """Move the particles of some runs in place; some steps leap, if any do."""
        count = state.u.shape[1]
        for k in range(steps):
            if self.leap_every and k % self.leap_every == self.leap_every - 1:
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
    scouts: int = 1600,
    moves: int = 8,
    final_moves: int = 60,
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
        What the runs start from and leap to: "prior", the mixture that is fitted to scouts, which
        know nothing of the modes; or "modes", this and the `modes`.
    particles, chains
        Of each run, and runs for each datum: independent but for what they start from, so that
        their agreement means something.
    scouts
        Particles that come from the prior.
    moves, final_moves
        Metropolis steps at each temperature, and at the posterior.
    effective
        Share of the particles that a step in temperature leaves effective.
    seed
        Of all draws.
    """
    n, d = modes.mean.shape[0], modes.mean.shape[-1]
    rng = np.random.default_rng([seed, 31])
    scout = _Mover(likelihood, data, standard_normal(n, d), leap_every=0, rng=rng)
    found, _ = scout.temper(scouts, moves, effective)
    scout.move(found, np.arange(n), np.ones(n), moves)
    q = fitted(found.u, rng=rng).defensive(prior=PRIOR)
    if start == "modes":
        q = q.joined(modes.defensive(prior=PRIOR), KNOWN)
    runs, datum = np.arange(n * chains), np.repeat(np.arange(n), chains)
    mover = _Mover(likelihood, data[datum], q.rows(datum), leap_every=2, rng=rng)
    state, way = mover.temper(particles, moves, effective)
    mover.move(state, runs, np.ones(len(runs)), final_moves // 3)
    # From here on the target is the posterior, whatever q is: leaps may go to a better one.
    q = fitted(state.u.reshape(n, -1, d), rng=rng).defensive(prior=PRIOR)
    mover.q = q.rows(datum)
    state.log_start = mover.q.log_prob(state.u)
    mover.move(state, runs, np.ones(len(runs)), final_moves - final_moves // 3)
    of_runs = way.log_evidence.reshape(n, chains)
    mean = logsumexp(of_runs, axis=1) - np.log(chains)
    spread = np.exp(of_runs - mean[:, None]).std(1, ddof=min(1, chains - 1))
    return Particles(
        u=_shuffled(state.u, rng).reshape(n, chains, particles, d),
        log_evidence=mean,
        evidence_error=spread / np.sqrt(chains),
        temperatures=way.steps.reshape(n, chains).max(1),
        acceptance=mover.acceptance.reshape(n, chains).mean(1),
    )


def _shuffled(u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return particles in random order: copies of one lie side by side after resampling."""
    order = rng.permuted(np.tile(np.arange(u.shape[1]), (len(u), 1)), axis=1)
    return u[np.arange(len(u))[:, None], order]
