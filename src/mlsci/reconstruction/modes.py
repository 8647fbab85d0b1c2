"""The distinct modes of posteriors: climbs from many starts, and a Gaussian about each summit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlsci.reconstruction.laplace import Mixture, distinct, with_exact_precision
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.maximum import PriorBank, maximise


@dataclass(frozen=True)
class Modes:
    """The distinct modes of n posteriors.

    Attributes
    ----------
    mixture
        A Gaussian about each, highest maximum first.
    decrement
        What the climb to the highest maximum still lacks, ``(n,)`` nats.
    """

    mixture: Mixture
    decrement: np.ndarray


def find_modes(
    likelihood: Likelihood,
    data: np.ndarray,
    *,
    starts: int = 12,
    bank: int = 5000,
    exact: bool = False,
    seed: int = 0,
) -> Modes:
    """Return the distinct modes of the posteriors of whitened data ``(n, size)``.

    Parameters
    ----------
    likelihood, data
        Of what.
    starts, bank
        Climbs for each datum, and the prior draws that they start from.
    exact
        Whether the Gaussians have the exact curvature, not that of Gauss and Newton.
    seed
        Of the starts.
    """
    chosen = PriorBank(likelihood, size=bank, seed=seed).starts(data, starts, seed=seed)
    maxima = maximise(likelihood, data, chosen)
    mixture = distinct(maxima)
    if exact:
        mixture = with_exact_precision(mixture, likelihood.precision(mixture.mean, data))
    best = maxima.log_joint.argmax(1)
    return Modes(mixture, maxima.decrement[np.arange(len(data)), best])
