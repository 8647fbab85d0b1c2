"""Normalizing flows on vectors: a base density, and a trained bijection from it to the data.

The change of variables is ``ln p(x) = ln p_base(u) + ln |det du/dx|``, ``u = f^-1(x)``. Every flow
starts as the Gaussian (or Gaussian mixture) with the moments of its training data, and training can
only improve on that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import tensorflow as tf
from tensorflow_probability import bijectors as tfb

from mlsci.generative.batches import compiled, in_batches
from mlsci.generative.bijectors import (
    Autoregressive,
    Coupling,
    Dropout,
    affine,
    inverse_and_log_det,
    whitening,
)
from mlsci.generative.mixture import GaussianMixtureBase
from mlsci.generative.networks import MLP
from mlsci.generative.persistence import config_from_dict, load_module, save_module
from mlsci.generative.training import History, TrainingConfig, TrainingFailedError, fit
from mlsci.generative.transforms import Affine, RationalQuadraticSpline, Transform

START = 20_000  # vectors that the mixture is started from; all of them train it

Family = Literal["realnvp", "maf", "spline", "autoregressive-spline"]
AUTOREGRESSIVE = ("maf", "autoregressive-spline")


@dataclass(frozen=True)
class FlowConfig:
    """Shape of a flow.

    Attributes
    ----------
    dim
        Dimension of the data.
    family
        "realnvp", affine couplings (arXiv:1605.08803); "maf", affine autoregressive layers
        (arXiv:1705.07057); "spline" and "autoregressive-spline", the same two kinds of layer with
        rational-quadratic splines (arXiv:1906.04032). Couplings are quick both ways; autoregressive
        layers fit better, and take `dim` passes to sample.
    layers
        Number of layers, each followed by a fixed random permutation.
    hidden
        Widths of each layer's conditioner.
    components
        Of the base density: 1, a standard normal; more, a trained Gaussian mixture.
    bins
        Of a spline.
    seed
        Of the weights and permutations.
    """

    dim: int = 32
    family: Family = "realnvp"
    layers: int = 8
    hidden: tuple[int, ...] = (128, 128)
    components: int = 1
    bins: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if self.family not in get_args(Family):
            raise ValueError(f"unknown family {self.family!r}: use one of {get_args(Family)}")
        if self.dim < 2 or self.layers < 1 or self.components < 1 or self.bins < 2:
            raise ValueError(
                f"impossible flow {self}: dim >= 2, layers, components >= 1, bins >= 2"
            )


class Flow(tf.Module):
    """A density on vectors ``(n, dim)``.

    `fit`, then `log_prob` and `sample`; `to_base` and `from_base` are the bijection itself.

    Examples
    --------
    >>> import numpy as np
    >>> from mlsci.generative.flows import Flow, FlowConfig
    >>> flow = Flow(FlowConfig(dim=2, layers=2, hidden=(8,)))
    >>> flow.sample(5, seed=0).shape
    (5, 2)
    """

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        self.config = config
        rng = np.random.default_rng([config.seed, 2])
        d = config.dim
        transform: Transform = Affine()
        if config.family.endswith("spline"):
            transform = RationalQuadraticSpline(config.bins)

        def conditioner(d_in: int, d_out: int) -> tf.Module:
            return MLP(rng, d_in, config.hidden, d_out, gain_out=0.01)

        chain: list[tfb.Bijector] = []
        for k in range(config.layers):
            if config.family in AUTOREGRESSIVE:
                chain.append(Autoregressive(rng, d, transform, config.hidden))
            else:
                chain.append(Coupling(d, transform, conditioner, flip=bool(k % 2)))
            chain.append(tfb.Permute(rng.permutation(d).astype(np.int32)))
        self._whitening = affine(np.zeros(d, np.float32), np.eye(d, dtype=np.float32))
        self.bijector = tfb.Chain([self._whitening, *chain])
        self.base = GaussianMixtureBase(d, config.components)
        self._log_prob = compiled(self.log_prob_tensor)
        self._forward = compiled(self.bijector.forward)
        self._inverse = compiled(self.bijector.inverse)

    def log_prob_tensor(self, x: tf.Tensor, dropout: Dropout | None = None) -> tf.Tensor:
        """Return ln p(x) in nats, ``(n,)``, differentiable; `dropout` is for training."""
        u, log_det = inverse_and_log_det(self.bijector.bijectors, x, 1, dropout)
        return self.base.log_prob(u) + log_det

    def fit(
        self,
        train: np.ndarray,
        validation: np.ndarray,
        config: TrainingConfig,
        *,
        noise: np.ndarray | None = None,
        dropout: float = 0.0,
        checkpoint: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> History:
        """Maximise the likelihood of vectors.

        By gradient steps; then, with the layers fixed, by expectation-maximisation of the base:
        so the weights and moments of its components are those of the data, which steps with
        averaged weights only come near.

        Parameters
        ----------
        train, validation
            ``(n, dim)`` and ``(m, dim)``.
        config, checkpoint, log
            See `mlsci.generative.training.fit`.
        noise
            ``(n, dim)``, standard deviation of Gaussian noise drawn afresh at every step and added
            to `train` (for a VAE, that of q(z|x): the flow is then fitted to the aggregated
            posterior itself).
        dropout
            Share of the conditioners' hidden units that are dropped at every step; of
            autoregressive families only.

        Returns
        -------
        History
            Losses are minus ln p in nats.

        Raises
        ------
        ValueError
            For vectors that do not fit, or a dropout outside [0, 1) or of couplings.
        TrainingFailedError
            If the result is no better on `validation` than the density it started from.
        """
        train, validation = self._checked(train), self._checked(validation)
        if not 0 <= dropout < 1 or (dropout and self.config.family not in AUTOREGRESSIVE):
            raise ValueError(
                f"cannot train a flow {self.config.family!r} with a dropout of {dropout}: it must "
                f"be in [0, 1), and 0 unless the family is one of {AUTOREGRESSIVE}"
            )
        start = whitening(train)
        for own, measured in zip(self._whitening.bijectors, start.bijectors, strict=True):
            for variable, value in zip(own.variables, measured.variables, strict=True):
                variable.assign(value)
        self.base.initialise(self.to_base(train[:START]), seed=self.config.seed)
        before = float(self.log_prob(validation).mean())
        scale = np.zeros_like(train) if noise is None else self._checked(noise)

        def loss(x: tf.Tensor, std: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            x += std * tf.random.stateless_normal(tf.shape(x), seed)
            if not dropout:
                return -tf.reduce_mean(self.log_prob_tensor(x))
            rate = tf.where(seed[0] < 0, 0.0, dropout)  # none in validation
            return -tf.reduce_mean(self.log_prob_tensor(x, Dropout(rate, seed)))

        history = fit(
            loss,
            self.trainable_variables,
            [train, scale],
            [validation, np.zeros_like(validation)],
            config,
            checkpoint=checkpoint,
            log=log,
        )
        rng = np.random.default_rng([config.seed, 7])
        noisy = train + scale * rng.standard_normal(train.shape, dtype=np.float32)
        self.base.refine(self.to_base(noisy))
        after = float(self.log_prob(validation).mean())
        if not after > before:
            raise TrainingFailedError(
                f"the flow did not learn: validation ln p {after:.3f} is not above the "
                f"{before:.3f} nats that it started from; train longer or lower the rate"
            )
        return history

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Return ln p(x) in nats, ``(n,)``, float32."""
        return in_batches(self._log_prob, self._checked(x))

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return draws ``(n, dim)``, float32."""
        return self.from_base(self.base.sample(n, seed=seed))

    def to_base(self, x: np.ndarray) -> np.ndarray:
        """Return the base vectors of data vectors, ``(n, dim)``."""
        return in_batches(self._inverse, self._checked(x))

    def from_base(self, u: np.ndarray) -> np.ndarray:
        """Return the data vectors of base vectors, ``(n, dim)``."""
        return in_batches(self._forward, self._checked(u))

    def _checked(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, np.float32)
        if x.ndim != 2 or x.shape[1] != self.config.dim:
            raise ValueError(f"vectors must be (n, {self.config.dim}), got {x.shape}")
        if not np.isfinite(x).all():
            raise ValueError("vectors hold NaN or infinity: drop or mend these rows first")
        return x

    def save(self, path: Path) -> None:
        """Write configuration and weights to one .npz file (to a temporary name, then renamed)."""
        save_module(self, asdict(self.config), path)

    @classmethod
    def load(cls, path: Path) -> Flow:
        """Read what `save` wrote; ValueError naming the file if it does not fit."""
        return load_module(lambda values: cls(config_from_dict(FlowConfig, values)), path)


def log_det_error(flow: Flow, x: np.ndarray) -> float:
    """Return the largest error of a layer's log-determinant on vectors ``(n, dim)``, in nats.

    Each layer's ``inverse_log_det_jacobian`` is compared, at the points that reach it, with the
    determinant of the Jacobian by automatic differentiation.
    """
    worst = 0.0
    y = tf.constant(np.asarray(x, np.float32))
    for bijector in flow.bijector.bijectors:
        with tf.GradientTape() as tape:
            tape.watch(y)
            u = bijector.inverse(tf.identity(y))
        jacobian = tape.batch_jacobian(u, y).numpy().astype(np.float64)
        exact = np.linalg.slogdet(jacobian)[1]
        stated = bijector.inverse_log_det_jacobian(tf.identity(y), event_ndims=1).numpy()
        worst = max(worst, float(np.abs(stated - exact).max()))
        y = tf.constant(u.numpy())
    return worst


def interpolate(flow: Flow, start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Return walks ``(n, steps, dim)`` from start to end ``(n, dim)``, straight in the base."""
    share = np.linspace(0, 1, steps, dtype=np.float32)[None, :, None]
    first, last = flow.to_base(start)[:, None], flow.to_base(end)[:, None]
    walk = (1 - share) * first + share * last
    return flow.from_base(walk.reshape(-1, flow.config.dim)).reshape(len(start), steps, -1)
