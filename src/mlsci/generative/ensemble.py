"""Average of flows, ``p(x) = 1/M sum_m p_m(x)``: a normalised density like each of them.

Flows that were trained alike but start from other weights, and order the coordinates otherwise, err
in different places. By Jensen's inequality the logarithm of their average is nowhere below the
average of their logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp

from mlsci.generative.flows import Flow


class FlowEnsemble:
    """Equal mixture of trained flows on the same vectors.

    Parameters
    ----------
    members
        Flows of one dimension.

    Raises
    ------
    ValueError
        For no members, or members of different dimensions.
    """

    def __init__(self, members: Sequence[Flow]) -> None:
        dimensions = {flow.config.dim for flow in members}
        if len(dimensions) != 1:
            raise ValueError(f"an ensemble needs flows of one dimension, got {sorted(dimensions)}")
        self.members = tuple(members)

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Return ln p(x) in nats of vectors ``(n, dim)``, shape ``(n,)``, float32."""
        each = np.stack([flow.log_prob(x) for flow in self.members])
        return np.asarray(logsumexp(each, axis=0) - np.log(len(each)), np.float32)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return draws ``(n, dim)``, float32, each of a member chosen at random."""
        rng = np.random.default_rng([seed, 11])
        which = rng.integers(len(self.members), size=n)
        x = np.empty((n, self.members[0].config.dim), np.float32)
        for k, flow in enumerate(self.members):
            rows = np.flatnonzero(which == k)
            x[rows] = flow.sample(len(rows), seed=int(rng.integers(2**31)))
        return x
