"""Short cuts to Laplace's evidence that are in use, so that their cost can be told.

Each gives a number for every image without an error message: a likelihood whose width has a floor,
and a Hessian from summed gradients. Right is `mlsci.generative.laplace`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tensorflow as tf

from mlsci.generative.batches import compiled
from mlsci.generative.laplace import Laplace, jacobian
from mlsci.generative.latent_model import LOG_2PI, LatentModel


def joint_with_floor(
    model: LatentModel, x: np.ndarray, z: np.ndarray, floor: float, batch: int = 1000
) -> np.ndarray:
    """Return ``ln p(x | z) + ln p(z)`` with no pixel's width below `floor`, ``(n,)`` nats.

    There is no volume term. For data in [0, 1] and a floor far above 1 the likelihood is the same
    for all of them, and the prior is left.
    """
    floored = replace(model, sigma=np.maximum(model.sigma, model.dtype(floor)))
    white = floored.whitened(x)

    def joint(white: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        return floored.log_likelihood(white, z) + floored.log_prior(z)

    evaluate = compiled(joint)
    z = np.asarray(z, model.dtype)
    parts = [
        evaluate(tf.constant(white[i : i + batch]), tf.constant(z[i : i + batch])).numpy()
        for i in range(0, len(x), batch)
    ]
    return np.concatenate(parts).astype(np.float64) + floored.log_normalisation


def summed_gradient_curvature(decoder_jacobian: np.ndarray) -> np.ndarray:
    """Return ``(J^T 1)(J^T 1)^T`` of Jacobians ``(n, m, d)``: what stands in for ``J^T J``.

    An automatic derivative of all outputs at once is that of their sum; the outer product with
    itself, ``(n, d, d)``, has rank one.
    """
    summed = decoder_jacobian.sum(1)
    return summed[:, :, None] * summed[:, None, :]


def volume_from_summed_gradients(
    model: LatentModel, found: Laplace, batch: int = 250
) -> tuple[np.ndarray, np.ndarray]:
    """Return the volume term with a Hessian from summed gradients, and the rank of that Hessian.

    Parameters
    ----------
    model
        The joint density.
    found
        Its expansion, whose `precision` holds the exact curvature of prior and likelihood.
    batch
        Data at once.

    Returns
    -------
    log_volume, rank
        ``(n,)`` each; the volume is NaN where the sum with the prior's curvature is not positive.
    """

    def white_jacobian(z: tf.Tensor) -> tf.Tensor:
        return jacobian(model.white, tf.ensure_shape(z, (None, model.latent)))

    evaluate = compiled(white_jacobian)
    volume, rank = [], []
    for i in range(0, len(found.z), batch):
        z = tf.constant(np.asarray(found.z[i : i + batch], model.dtype))
        exact_jacobian = evaluate(z).numpy().astype(np.float64)
        exact = np.einsum("nma,nmb->nab", exact_jacobian, exact_jacobian)
        short = summed_gradient_curvature(exact_jacobian)
        rank.append(np.linalg.matrix_rank(short, hermitian=True))
        sign, log_det = np.linalg.slogdet(found.precision[i : i + batch] - exact + short)
        log_volume = 0.5 * model.latent * LOG_2PI - 0.5 * log_det
        volume.append(np.where(sign > 0, log_volume, np.nan))
    return np.concatenate(volume), np.concatenate(rank)
