"""Laplace's approximation of the evidence ``ln p(x)`` of a decoder and a flow.

With ``z = b(u)``, ``u`` the base variable of the flow, expand about the largest value of
``p(x | g(b(u))) p(u)``:

    ln p(x) ~ ln p(x | g(z*)) + ln p(z*) + 1/2 ln det Sigma_z + d/2 ln 2 pi,

    Sigma_z^-1 = J^T J / sigma^2 + A^T C A,   J = dg/dz,  A = du/dz,  C = -d^2 ln p(u) / du^2,

which is the expansion in u written with quantities at z. Source: Boehm & Seljak 2020,
arXiv:2006.05479; MacKay 2003, chapter 27. Nothing goes through the flow's slow
direction: a point is moved in z, and u follows. J and A are exact, by batched forward-mode
differentiation; J^T J leaves out second derivatives of g alone (Gauss-Newton), and they vanish
almost everywhere for a decoder of ReLUs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from mlsci.generative.batches import compiled
from mlsci.generative.latent_model import LOG_2PI, LatentModel


def jacobian(function: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor) -> tf.Tensor:
    """Return ``df/dz`` of every row, a column at a time as in forward mode, ``(n, m, d)``.

    A column ``J e`` is the derivative, in w, of ``e . J^T w``: reverse mode taken twice, which
    needs nothing but gradients. ``J^T w`` is linear in w, so that in a compiled graph only the
    function itself and one linear pass a column are left of it (Townsend 2017, "A new trick for
    calculating Jacobian vector products").

    Parameters
    ----------
    function
        From ``(n, d)`` to ``(n, m)``, row by row.
    z
        ``(n, d)``, d known.
    """
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            inner.watch(z)
            value = function(z)
        weights = tf.zeros_like(value)
        outer.watch(weights)
        pulled = inner.gradient(value, z, weights, tf.UnconnectedGradients.ZERO)
    columns = []
    for k in range(z.shape[1]):
        tangent = tf.broadcast_to(tf.one_hot(k, z.shape[1], dtype=z.dtype), tf.shape(z))
        columns.append(outer.gradient(pulled, weights, tangent, tf.UnconnectedGradients.ZERO))
    return tf.stack(columns, -1)


@dataclass(frozen=True)
class Laplace:
    """The expansion of n data; nats in float64.

    Attributes
    ----------
    log_likelihood, log_prior, log_volume
        ``ln p(x | g(z*))``, ``ln p(z*)`` and ``1/2 ln det Sigma_z + d/2 ln 2 pi``, ``(n,)``.
    z
        The maxima z*, ``(n, d)``.
    precision
        ``Sigma_z^-1``, ``(n, d, d)``.
    decrement
        ``1/2 v^T Sigma v``, v the gradient that is left, ``(n,)`` nats: what further steps would
        still gain.
    rank
        Of the decoder's Jacobian, ``(n,)``; below d where the decoder ignores a direction.
    """

    log_likelihood: np.ndarray
    log_prior: np.ndarray
    log_volume: np.ndarray
    z: np.ndarray
    precision: np.ndarray
    decrement: np.ndarray
    rank: np.ndarray

    @property
    def log_evidence(self) -> np.ndarray:
        """``ln p(x)``, ``(n,)`` nats."""
        return self.log_likelihood + self.log_prior + self.log_volume


class LaplaceExpansion:
    """Expands data of one `LatentModel`; compiled once, then called on any number of data.

    Parameters
    ----------
    model
        What is integrated.
    steps
        Largest number of descent steps. They use the curvature of the start (a chord method):
        Jacobians are taken twice, at the start and at the end, however many steps there are.
    refreshes
        Times that the descent is done again with the curvature at its end.
    batch
        Data at once.
    """

    def __init__(
        self, model: LatentModel, *, steps: int = 8, refreshes: int = 1, batch: int = 250
    ) -> None:
        self.model, self.steps, self.refreshes, self.batch = model, steps, refreshes, batch
        self._curvature_tensors = compiled(self._curvature)
        self._value_and_gradient = compiled(self._objective)

    def __call__(self, x: np.ndarray, start: np.ndarray) -> Laplace:
        """Expand data ``(n, ...)``, descending from codes `start` ``(n, d)``.

        Raises
        ------
        ValueError
            For shapes that do not fit, or no data.
        """
        white = self.model.whitened(x)
        start = np.asarray(start, self.model.dtype)
        if len(x) == 0 or start.shape != (len(x), self.model.latent):
            raise ValueError(f"need a start ({len(x)}, {self.model.latent}), got {start.shape}")
        slices = [slice(i, i + self.batch) for i in range(0, len(x), self.batch)]
        parts = [self._expand(white[s], start[s]) for s in slices]
        names = Laplace.__dataclass_fields__
        return Laplace(**{k: np.concatenate([getattr(p, k) for p in parts]) for k in names})

    def _expand(self, white: np.ndarray, z: np.ndarray) -> Laplace:
        for _ in range(1 + self.refreshes):
            steep, _, _ = self._precisions(z)
            z = self._descend(white, z, steep)
        steep, exact, rank = self._precisions(z)
        # Between the components of a mixture the base is convex the wrong way; where that outweighs
        # the likelihood there is no maximum, and the curvature of the likelihood alone is used.
        lowest = np.linalg.eigvalsh(exact)[:, 0]
        precision = np.where((lowest > 0)[:, None, None], exact, steep)
        _, gradient, log_likelihood, log_prior = self._evaluate(white, z)
        step = np.linalg.solve(precision, gradient[..., None])[..., 0]
        d = self.model.latent
        return Laplace(
            log_likelihood=log_likelihood + self.model.log_normalisation,
            log_prior=log_prior,
            log_volume=0.5 * d * LOG_2PI - 0.5 * np.linalg.slogdet(precision)[1],
            z=z,
            precision=precision,
            decrement=0.5 * (gradient * step).sum(-1),
            rank=rank,
        )

    def _curvature(self, z: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return ``J^T J / sigma^2``, ``A`` and ``C``, ``(n, d, d)`` each."""
        z = tf.ensure_shape(z, (None, self.model.latent))
        decoder = jacobian(self.model.white, z)
        flow = jacobian(lambda z: self.model.to_base(z)[0], z)
        if self.model.standard_base:
            base = tf.eye(self.model.latent, batch_shape=tf.shape(z)[:1], dtype=z.dtype)
        else:
            u = tf.stop_gradient(self.model.to_base(z)[0])
            base = -jacobian(self._base_gradient, tf.ensure_shape(u, z.shape))
        return tf.matmul(decoder, decoder, transpose_a=True), flow, base

    def _base_gradient(self, u: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(u)
            value = self.model.base_log_prob(u)
        return tape.gradient(value, u)

    def _precisions(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a precision to descend with, the exact one, and the rank of the decoder."""
        likelihood, flow, base = (
            t.numpy().astype(np.float64) for t in self._curvature_tensors(tf.constant(z))
        )
        prior = flow.transpose(0, 2, 1) @ base @ flow
        values, vectors = np.linalg.eigh(0.5 * (prior + prior.transpose(0, 2, 1)))
        upward = (vectors * np.clip(values, 0, None)[:, None, :]) @ vectors.transpose(0, 2, 1)
        spectrum = np.linalg.eigvalsh(likelihood)
        tolerance = spectrum[:, -1:] * self.model.latent * np.finfo(self.model.dtype).eps
        rank = (spectrum > tolerance).sum(-1)
        small = 1e-9 * spectrum[:, -1, None, None] * np.eye(self.model.latent)
        return likelihood + upward + small, likelihood + prior, rank

    def _objective(self, white: tf.Tensor, z: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return ``-ln p(x | z) - ln p(u(z))``, its gradient in z, and ln p(x | z), ln p(z)."""
        with tf.GradientTape() as tape:
            tape.watch(z)
            u, log_det = self.model.to_base(z)
            log_base = self.model.base_log_prob(u)
            residual = white - self.model.white(z)
            # Summed in double precision: a thousand pixels would cost a single one 1e-4 nats.
            squared = tf.reduce_sum(tf.cast(tf.square(residual), tf.float64), -1)
            value = 0.5 * squared - tf.cast(log_base, tf.float64)
        return value, tape.gradient(value, z), -0.5 * squared, log_base + log_det

    def _evaluate(self, white: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
        tensors = self._value_and_gradient(tf.constant(white), tf.constant(z))
        return tuple(t.numpy().astype(np.float64) for t in tensors)

    def _descend(self, white: np.ndarray, z: np.ndarray, precision: np.ndarray) -> np.ndarray:
        """Take damped steps ``z - (P + l diag P)^-1 gradient``, each datum with its own damping."""
        value, gradient, *_ = self._evaluate(white, z)
        damping = np.zeros(len(z))
        diagonal = np.einsum("nii->ni", precision)[:, :, None] * np.eye(self.model.latent)
        for _ in range(self.steps):
            damped = precision + damping[:, None, None] * diagonal
            step = np.linalg.solve(damped, gradient[..., None])[..., 0]
            if 0.5 * np.max((gradient * step).sum(-1)) < 1e-12 * (1 + np.abs(value).max()):
                break
            trial: np.ndarray = (z - step).astype(self.model.dtype)
            new_value, new_gradient, *_ = self._evaluate(white, trial)
            better = new_value < value
            damping = np.where(better, damping / 4, np.maximum(4 * damping, 0.5))
            z = np.where(better[:, None], trial, z)
            gradient = np.where(better[:, None], new_gradient, gradient)
            value = np.where(better, new_value, value)
        return z


def importance_evidence(
    model: LatentModel, x: np.ndarray, expansion: Laplace, *, samples: int = 64, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Correct Laplace's evidence by importance sampling from its own Gaussian.

    Returns
    -------
    log_evidence
        ``(n,)`` nats; its exponential is unbiased.
    effective
        Share of effective samples, ``(n,)`` in (0, 1]; near 0 where the posterior is not Gaussian.
    """
    rng = np.random.default_rng(seed)
    n, d = expansion.z.shape
    white = tf.constant(model.whitened(x))
    factor = np.linalg.cholesky(expansion.precision)
    log_det = np.log(np.einsum("nii->ni", factor)).sum(-1)

    def joint(white: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        return model.log_likelihood(white, z) + model.log_prior(z)

    evaluate = compiled(joint)
    log_weights = np.empty((samples, n))
    for k in range(samples):
        noise = rng.standard_normal((n, d))
        move = np.linalg.solve(factor.transpose(0, 2, 1), noise[..., None])[..., 0]
        z = (expansion.z + move).astype(model.dtype)
        log_proposal = log_det - 0.5 * (noise**2).sum(-1) - 0.5 * d * LOG_2PI
        log_joint = np.concatenate(
            [evaluate(white[i : i + 1000], z[i : i + 1000]).numpy() for i in range(0, n, 1000)]
        )
        log_weights[k] = log_joint.astype(np.float64) + model.log_normalisation - log_proposal
    top = log_weights.max(0)
    weights = np.exp(log_weights - top)
    effective = weights.sum(0) ** 2 / (weights**2).sum(0) / samples
    return top + np.log(weights.mean(0)), effective
