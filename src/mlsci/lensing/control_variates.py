r"""Means of few costly runs, with the help of many cheap ones of the same kind.

A coarse run that begins from the same waves as a fine one errs with it: where chance put many
clusters into one, they are in the other. What the coarse runs beside the few fine ones differ by
from the mean of very many coarse runs is therefore chance, and tells by how much the fine ones are
off. Source: Chartier et al. 2021, arXiv:2009.08970 (CARPool), section 2; the error by leaving out
one at a time, Efron & Stein 1981, Ann. Statist. 9, 586.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Controlled:
    """A mean whose scatter a control variate has taken away.

    Attributes
    ----------
    mean, error
        The estimate and its standard error ``(values,)``.
    slope
        By how much a run changes for a change of its surrogate.
    correlation
        Of runs and their surrogates.
    """

    mean: np.ndarray
    error: np.ndarray
    slope: np.ndarray
    correlation: np.ndarray


def controlled_mean(runs: np.ndarray, twins: np.ndarray, others: np.ndarray) -> Controlled:
    r"""Return the mean of runs, controlled by surrogates of which the mean is better known.

    :math:`\bar y - \beta (\bar c - \mu)`, with the slope :math:`\beta` of the regression of runs on
    their twins, each value by itself, and :math:`\mu` the mean of the other surrogates. The error
    is that of leaving out one run with its twin at a time, where the slope changes as well, and
    that of :math:`\mu`, in squares.

    Parameters
    ----------
    runs
        ``(n, values)``, three or more.
    twins
        Surrogates of the same seeds ``(n, values)``, in the same order.
    others
        Surrogates of other seeds ``(m, values)``, two or more.

    Raises
    ------
    ValueError
        For too few, for runs and twins that do not belong together, or twins without scatter.
    """
    if runs.shape != twins.shape:
        raise ValueError(f"runs are {runs.shape}, their twins {twins.shape}: they go in pairs")
    n, m = len(runs), len(others)
    if n < 3 or m < 2:
        raise ValueError(f"{n} pairs and {m} other surrogates: three and two are the least")
    if np.any(np.ptp(twins, axis=0) == 0):
        raise ValueError("surrogates that are all the same cannot control anything")
    centre = others.mean(0)
    keep = ~np.eye(n, dtype=bool)
    left = np.array([_estimate(runs[some], twins[some], centre) for some in keep])
    slope = _slope(runs, twins)
    variance = (n - 1) / n * np.sum((left - left.mean(0)) ** 2, axis=0)
    variance += slope**2 * others.var(0, ddof=1) / m
    return Controlled(
        _estimate(runs, twins, centre), np.sqrt(variance), slope,
        slope * twins.std(0) / np.where(runs.std(0) > 0, runs.std(0), 1),
    )  # fmt: skip


def _estimate(runs: np.ndarray, twins: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return runs.mean(0) - _slope(runs, twins) * (twins.mean(0) - centre)


def _slope(runs: np.ndarray, twins: np.ndarray) -> np.ndarray:
    centred = twins - twins.mean(0)
    return np.sum(centred * (runs - runs.mean(0)), axis=0) / np.sum(centred**2, axis=0)
