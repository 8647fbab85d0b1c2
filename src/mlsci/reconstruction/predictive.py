"""The width of the model's error as images that were held back show it.

A `Residual` has one width a pixel, whatever is drawn there; the errors of real images are small
where the reconstruction is black, large where it is grey, and have tails. Here the random part of
the error is scaled: by a factor for each range of brightness of the reconstruction, and by a
common factor a draw, so that a pixel has Student's tails. Both are chosen so that the intervals of
held-back images under the same corruption hold the truth as often as they say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from mlsci.reconstruction.calibration import interval

LEVELS = (0.68, 0.95)
SCALES = tuple(0.25 * 1.25**k for k in range(14))
FREEDOMS = (2.0, 4.0, 1000.0)


@dataclass(frozen=True)
class ErrorWidth:
    """Factors for the random part of the model's error, by brightness of the expected image.

    Attributes
    ----------
    edges
        Of the ranges of brightness, ``(k - 1,)``, rising.
    scale
        Factor of each, ``(k,)``.
    freedom
        Degrees of freedom of Student's t of each, ``(k,)``.
    """

    edges: np.ndarray
    scale: np.ndarray
    freedom: np.ndarray

    @classmethod
    def measured(
        cls,
        expected: np.ndarray,
        error: np.ndarray,
        truth: np.ndarray,
        where: np.ndarray,
        *,
        edges: tuple[float, ...] = (0.05, 0.2, 0.5, 0.8),
        seed: int = 0,
        pixels: int = 3000,
    ) -> ErrorWidth:
        """Choose the factors on images of which the truth is known.

        Parameters
        ----------
        expected, error
            Of `Likelihood.clean_parts`, ``(n, s, *image)``.
        truth
            ``(n, *image)``.
        where
            Which pixels count, booleans that broadcast to `truth`.
        edges
            Of the ranges.
        seed, pixels
            So many pixels are drawn from each range; a range with fewer than 50 stays as it is.
        """
        rng = np.random.default_rng([seed, 71])
        s = expected.shape[1]
        place = np.digitize(expected.mean(1), edges)
        where = np.broadcast_to(where, truth.shape)
        scale, freedom = np.ones(len(edges) + 1), np.full(len(edges) + 1, FREEDOMS[-1])
        for k in range(len(edges) + 1):
            rows = np.argwhere((place == k) & where)
            if len(rows) < 50:
                continue
            rows = rows[rng.permutation(len(rows))[:pixels]]
            first, rest = rows[:, 0], tuple(rows[:, 1:].T)
            centre, random = (v[(first, slice(None), *rest)] for v in (expected, error))
            known = truth[(first, *rest)]
            misses = {}
            for nu in FREEDOMS:
                common = np.sqrt(nu / rng.chisquare(nu, (len(rows), s)))
                for factor in SCALES:
                    drawn = np.clip(centre + factor * common * random, 0, 1)
                    misses[factor, nu] = sum(
                        abs(_inside(drawn, known, level) - level) for level in LEVELS
                    )
            scale[k], freedom[k] = min(misses, key=lambda pair: misses[pair])
        return cls(np.asarray(edges), scale, freedom)

    def images(self, expected: np.ndarray, error: np.ndarray, *, seed: int) -> np.ndarray:
        """Return draws of the clean images, ``(n, s, *image)`` in [0, 1]."""
        rng = np.random.default_rng([seed, 72])
        place = np.digitize(expected.mean(1), self.edges)[:, None]
        uniform = rng.random((*expected.shape[:2], *[1] * (expected.ndim - 2)))
        factor = self.scale[place]
        for nu in np.unique(self.freedom):
            # The same draw is far out, or not, in all of its pixels.
            common = np.sqrt(nu / np.maximum(chi2.ppf(uniform, nu), 1e-6))
            factor = np.where(self.freedom[place] == nu, factor * common, factor)
        return np.clip(expected + factor.astype(np.float32) * error, 0, 1)


def _inside(drawn: np.ndarray, truth: np.ndarray, level: float) -> float:
    low, high = interval(drawn, level)
    return float(((truth >= low) & (truth <= high)).mean())
