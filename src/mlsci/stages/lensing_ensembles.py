"""Spectra over several seeds, and what they say of theory, of steps, and of chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsci.lensing.control_variates import controlled_mean
from mlsci.lensing.settings import Settings

Curve = tuple[np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class Seeds:
    """Spectra of one source over several seeds, and what their smoothed maps hold.

    Attributes
    ----------
    ell, modes
        ``(bands,)``.
    power
        ``(seeds, bands)`` with shot noise; `shot` ``(seeds,)`` is that of each.
    theory
        Averages over bands, by model.
    edges, found
        Bins of convergence, and histograms by ("values" or "gaussian").
    """

    settings: Settings
    ell: np.ndarray
    modes: np.ndarray
    power: np.ndarray
    shot: np.ndarray
    theory: dict[str, np.ndarray]
    edges: np.ndarray
    found: dict[str, list[dict[str, Any]]]

    @property
    def signal(self) -> np.ndarray:
        """Spectra less their shot noise ``(seeds, bands)``."""
        return self.power - self.shot[:, None]

    def mean(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean spectrum without shot noise, and its error from the seeds' spread."""
        return mean_and_error(self.signal)

    def ratio(self, model: str = "takahashi", noisy: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean over theory and its error; `noisy` with the shot noise left in."""
        return mean_and_error((self.power if noisy else self.signal) / self.theory[model])

    def worst(self, model: str, low: float, high: float) -> tuple[float, float]:
        """Return the largest deviation from theory between two multipoles, in percent, and error.

        In the smallest fields no band lies between them; then it is that of the nearest.
        """
        return _worst(*self.ratio(model), self.between(low, high))

    def excess(self, model: str, low: float, high: float) -> tuple[float, float]:
        """Return the mean excess over theory between two multipoles, in percent, and its error.

        Bands count by their modes.
        """
        each = self.weighted(self.signal / self.theory[model], low, high)
        value, error = mean_and_error(each)
        return 100 * (float(value[0]) - 1), 100 * float(error[0])

    def weighted(self, values: np.ndarray, low: float, high: float) -> np.ndarray:
        """Return the means ``(n, 1)`` of values ``(n, bands)`` between two multipoles, by modes."""
        inside = self.between(low, high)
        return values[:, inside] @ (self.modes[inside] / self.modes[inside].sum())[:, None]

    def between(self, low: float, high: float) -> np.ndarray:
        """Return which bands lie between two multipoles, or the nearest where none does."""
        inside = np.flatnonzero((self.ell > low) & (self.ell < high))
        if len(inside):
            return inside
        return np.array([np.argmin(np.abs(np.log(self.ell / np.sqrt(low * high))))])

    def at(self, ell: float, noisy: bool = False) -> tuple[float, float]:
        """Return the mean over halofit at a multipole, and its error, from the bands around it."""
        value, error = self.ratio(noisy=noisy)
        where = np.log(self.ell)
        return tuple(float(np.interp(np.log(ell), where, one)) for one in (value, error))  # type: ignore[return-value]

    def histogram(self, of: str, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean "density" or "peaks" in each bin of "values" or "gaussian", and error."""
        return mean_and_error(np.array([one[kind] for one in self.found[of]]))

    def moment(self, of: str, which: int) -> tuple[float, float]:
        """Return standard deviation (0), skewness (1) or kurtosis (2) of smoothed maps."""
        value, error = mean_and_error(np.array([[one["moments"][which]] for one in self.found[of]]))
        return float(value[0]), float(error[0])

    def peaks_above(self, of: str, height: float) -> tuple[float, float]:
        """Return how many peaks a square degree are higher than a convergence, and the error."""
        high = self.edges[:-1] >= height - 1e-9
        each = [[np.sum(np.array(one["peaks"])[high])] for one in self.found[of]]
        value, error = mean_and_error(np.array(each))
        return float(value[0]), float(error[0])


@dataclass(frozen=True)
class Controlled:
    """The mean over seeds, with surrogates that tell what of it is chance.

    Attributes
    ----------
    seeds
        The costly runs.
    twins, others
        Spectra of surrogates without their shot noise, of the same seeds and of other ones,
        ``(seeds, bands)``.
    """

    seeds: Seeds
    twins: np.ndarray
    others: np.ndarray

    def ratio(self, model: str = "takahashi") -> tuple[np.ndarray, np.ndarray]:
        """Return the mean over theory and its error."""
        found = controlled_mean(self.seeds.signal / self.seeds.theory[model], *self._over(model))
        return found.mean, found.error

    def correlation(self) -> np.ndarray:
        """Return by how much runs and their surrogates correlate, by band."""
        return controlled_mean(self.seeds.signal, self.twins, self.others).correlation

    def worst(self, model: str, low: float, high: float) -> tuple[float, float]:
        """Return the largest deviation from theory between two multipoles, as `Seeds.worst`."""
        return _worst(*self.ratio(model), self.seeds.between(low, high))

    def excess(self, model: str, low: float, high: float) -> tuple[float, float]:
        """Return the mean excess over theory between two multipoles, as `Seeds.excess`."""
        seeds = self.seeds
        runs = seeds.signal / seeds.theory[model]
        found = controlled_mean(
            *(seeds.weighted(one, low, high) for one in (runs, *self._over(model)))
        )
        return 100 * (float(found.mean[0]) - 1), 100 * float(found.error[0])

    def _over(self, model: str) -> tuple[np.ndarray, np.ndarray]:
        return self.twins / self.seeds.theory[model], self.others / self.seeds.theory[model]


@dataclass(frozen=True)
class Steps:
    """Maps of few and of many steps, of the same initial conditions.

    Attributes
    ----------
    forces
        How many few and many are.
    goal
        Multipole at which a band ends.
    edges, ell
        ``(bands + 1,)`` and ``(bands,)``.
    few, many, cross
        Spectra of the maps and of one with the other, ``(seeds, bands)``.
    """

    forces: tuple[int, int]
    goal: float
    edges: np.ndarray
    ell: np.ndarray
    few: np.ndarray
    many: np.ndarray
    cross: np.ndarray

    def correlation(self) -> Curve:
        """Return the coefficient of correlation by band, and its error where seeds give one."""
        return _mean_if(self.cross / np.sqrt(self.few * self.many))

    def ratio(self) -> Curve:
        """Return the spectrum of few steps over that of many, and its error likewise."""
        return _mean_if(self.few / self.many)

    def least(self) -> tuple[float, float | None]:
        """Return the correlation of the band up to the goal that has the least, and its error."""
        value, error = self.correlation()
        at = int(np.argmin(np.where(self.edges[1:] < self.goal * (1 + 1e-9), value, np.inf)))
        return float(value[at]), None if error is None else float(error[at])

    def whole(self) -> tuple[float, float | None]:
        """Return the correlation of maps that hold all waves up to the goal, and its error."""
        share = np.diff(self.edges**2) * (self.edges[1:] < self.goal * (1 + 1e-9))
        few, many, cross = (power @ share for power in (self.few, self.many, self.cross))
        value, error = _mean_if((cross / np.sqrt(few * many))[:, None])
        return float(value[0]), None if error is None else float(error[0])

    def reach(self, level: float) -> float:
        """Return where the last band ends before the first that correlates by less than a level."""
        below = self.correlation()[0] < level
        return float(self.edges[np.argmax(below) if below.any() else -1])


def _worst(value: np.ndarray, error: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """Return the largest deviation from 1 of some values, in percent, and its error."""
    at = inside[np.argmax(np.abs(value[inside] - 1))]
    return 100 * abs(float(value[at]) - 1), 100 * float(error[at])


def mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over the first axis, and its standard error."""
    return values.mean(0), values.std(0, ddof=1) / np.sqrt(len(values))


def _mean_if(values: np.ndarray) -> Curve:
    """Return the mean over the first axis, and its standard error if there are two or more."""
    return mean_and_error(values) if len(values) > 1 else (values[0], None)
