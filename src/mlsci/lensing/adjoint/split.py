"""Hamiltonian Monte Carlo whose step does not shrink with the number of modes, as a TFP kernel.

Before data are seen every mode is Gaussian, of unit variance. The motion under that prior alone is
a rotation of positions and momenta, which is followed exactly; only the likelihood kicks:

    p += e/2 grad ln L(q);  (q, p) -> (q cos e + p sin e, p cos e - q sin e);  p += e/2 grad ln L(q)

The energy error is that of the likelihood, so a step is as long as the *data* allow. The leapfrog
step, which errs for each mode that the data hardly tell anything of, must shrink as modes^(-1/4)
(Beskos, Pinski, Sanz-Serna & Stuart 2011, Stoch. Proc. Appl. 121, 2201; Shahbaba et al. 2014,
Stat. Comput. 24, 339).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

Tensor = Any


class SplitResults(NamedTuple):
    """What a proposal leaves, named as the kernels that wrap it expect."""

    log_acceptance_correction: Tensor
    target_log_prob: Tensor
    grads_target_log_prob: Tensor
    step_size: Tensor


class SplitHamiltonianMonteCarlo(tfp.mcmc.TransitionKernel):
    """Proposals for a standard normal prior times a likelihood; `MetropolisHastings` accepts them.

    Parameters
    ----------
    target_log_prob_fn : callable
        Of a state (numbers,), float64: ln of prior times likelihood, prior included.
    step_size : float
        Of a step, in radians of the prior's rotation; a quarter of a turn forgets the state.
    num_leapfrog_steps : int
        Steps, each of one gradient, for a proposal.
    """

    def __init__(
        self,
        target_log_prob_fn: Callable[[Tensor], Tensor],
        step_size: float,
        num_leapfrog_steps: int,
    ) -> None:
        self._parameters = {
            "target_log_prob_fn": target_log_prob_fn,
            "step_size": step_size,
            "num_leapfrog_steps": num_leapfrog_steps,
        }

    @property
    def target_log_prob_fn(self) -> Callable[[Tensor], Tensor]:
        """What is sampled."""
        return self._parameters["target_log_prob_fn"]  # type: ignore[return-value]

    @property
    def parameters(self) -> dict[str, Any]:
        """What the kernel was made with."""
        return self._parameters

    @property
    def is_calibrated(self) -> bool:
        """Whether draws are those of the target without a test of acceptance: no."""
        return False

    def one_step(
        self, current_state: Tensor, previous_kernel_results: SplitResults, seed: Any = None
    ) -> tuple[Tensor, SplitResults]:
        """Return the state at the end of the trajectory of a fresh momentum."""
        before = previous_kernel_results
        momentum = tf.random.stateless_normal(
            tf.shape(current_state), tfp.random.sanitize_seed(seed), dtype=current_state.dtype
        )
        step = tf.cast(before.step_size, current_state.dtype)
        turn, lift = tf.cos(step), tf.sin(step)

        def kicked(q: Tensor, p: Tensor, gradient: Tensor) -> Tensor:
            return p + 0.5 * step * (gradient + q)  # without the prior's own force, -q

        def advance(
            i: Tensor, q: Tensor, p: Tensor, value: Tensor, gradient: Tensor
        ) -> tuple[Tensor, ...]:
            p = kicked(q, p, gradient)
            q, p = turn * q + lift * p, turn * p - lift * q
            value, gradient = tfp.math.value_and_gradient(self.target_log_prob_fn, q)
            return i + 1, q, kicked(q, p, gradient), value, gradient

        _, state, last, value, gradient = tf.while_loop(
            lambda i, *_: i < self._parameters["num_leapfrog_steps"],
            advance,
            (0, current_state, momentum, before.target_log_prob, before.grads_target_log_prob),
            parallel_iterations=1,
        )
        correction = 0.5 * (tf.reduce_sum(momentum**2) - tf.reduce_sum(last**2))
        return state, SplitResults(correction, value, gradient, before.step_size)

    def bootstrap_results(self, init_state: Tensor) -> SplitResults:
        """Return what the first step starts from."""
        value, gradient = tfp.math.value_and_gradient(self.target_log_prob_fn, init_state)
        step = tf.convert_to_tensor(self._parameters["step_size"], init_state.dtype)
        return SplitResults(tf.zeros_like(value), value, gradient, step)
