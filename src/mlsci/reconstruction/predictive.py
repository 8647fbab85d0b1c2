"""The width of the model's error as images that were held back show it.

A `Residual` has one width a pixel, whatever is drawn there; the errors of real images are small
where the reconstruction is black and sure, large where it is grey, have tails here, and end at
black and at white there. So the random part of the error is scaled, by a factor for each range of
brightness and of spread of the expected image, and given the tails of one of Pearson's symmetric
distributions: with a factor for each draw that all of its pixels share, Student's t, or, with one
for each pixel, those lighter than a Gaussian's. Both are chosen so that the intervals of held-back
images under the same corruption hold the truth as often as they say. Where the reconstruction is
dark, most truths are exactly black, and any interval that reaches zero holds them: there the log
score decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr
from scipy.stats import chi2

from mlsci.reconstruction.calibration import interval
from mlsci.reconstruction.residual import Residual

LEVELS = (0.68, 0.95)
SCALES = tuple(0.25 * 1.2**k for k in range(20))
# Of Student's t; negative, of the sphere that a lighter-tailed error is a projection of.
FREEDOMS = (1.5, 2.0, 4.0, 1000.0, -4.0, -3.0)
DARK = 0.1  # brightness below which pixels of digits are mostly blank
SMALLEST = 0.02  # deviation below which no log score is rewarded: five grey values


@dataclass(frozen=True)
class ErrorWidth:
    """Factors for the random part of the model's error, by brightness and spread.

    Of the expected image over draws, of each pixel.

    Attributes
    ----------
    edges, spreads
        Of the ranges of brightness ``(k - 1,)`` and of standard deviation ``(m - 1,)``, rising.
    scale
        Factor of each, ``(k, m)``.
    freedom
        Of each, ``(k, m)``: degrees of freedom of Student's t (Pearson's type VII); or, negative,
        the dimension of the space on whose unit sphere a point is drawn of which the error is a
        coordinate (type II): -3 is a uniform distribution.
    """

    edges: np.ndarray
    spreads: np.ndarray
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
        edges: tuple[float, ...] = (0.02, 0.1, 0.2, 0.5, 0.8),
        spreads: tuple[float, ...] = (0.02, 0.08, 0.2),
        seed: int = 0,
        pixels: int = 1500,
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
        edges, spreads
            Of the ranges.
        seed, pixels
            So many pixels are drawn from each range; a range with fewer than 50 gets the factors of
            all spreads of its brightness, and stays as it is where these are too few.
        """
        rng = np.random.default_rng([seed, 71])
        row, column = _ranges(expected, np.asarray(edges), np.asarray(spreads))
        where = np.broadcast_to(where, truth.shape)
        shape = len(edges) + 1, len(spreads) + 1
        scale, freedom = np.ones(shape), np.full(shape, FREEDOMS[-1])
        for k in range(shape[0]):
            bright = (row == k) & where
            for m in (None, *range(shape[1])):
                places = np.argwhere(bright if m is None else bright & (column == m))
                if len(places) < 50:
                    continue
                places = places[rng.permutation(len(places))[:pixels]]
                first, rest = places[:, 0], tuple(places[:, 1:].T)
                centre, random = (v[(first, slice(None), *rest)] for v in (expected, error))
                dark = k < int(np.digitize(DARK, edges))
                chosen = _best(centre, random, truth[(first, *rest)], dark, rng)
                scale[k, slice(None) if m is None else m] = chosen[0]
                freedom[k, slice(None) if m is None else m] = chosen[1]
        return cls(np.asarray(edges), np.asarray(spreads), scale, freedom)

    def images(self, expected: np.ndarray, error: np.ndarray, *, seed: int) -> np.ndarray:
        """Return draws of the clean images, ``(n, s, *image)`` in [0, 1]."""
        rng = np.random.default_rng([seed, 72])
        place = tuple(part[:, None] for part in _ranges(expected, self.edges, self.spreads))
        # The same draw is far out, or not, in all of its pixels.
        uniform = rng.random((*expected.shape[:2], *[1] * (expected.ndim - 2)))
        factor = self.scale[place]
        for nu in np.unique(self.freedom):
            tailed = factor * _tail(nu, error, uniform)
            factor = np.where(self.freedom[place] == nu, tailed, factor)
        return np.clip(expected + factor.astype(np.float32) * error, 0, 1)


def _ranges(
    expected: np.ndarray, edges: np.ndarray, spreads: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return in which range of brightness and of spread a pixel lies, ``(n, *image)`` each."""
    return np.digitize(expected.mean(1), edges), np.digitize(expected.std(1), spreads)


def _best(
    centre: np.ndarray, random: np.ndarray, known: np.ndarray, dark: bool,
    rng: np.random.Generator,
) -> tuple[float, float]:  # fmt: skip
    """Return the factor and the degrees of freedom for pixels ``(r, s)`` of truths ``(r,)``."""

    def tried() -> Iterator[tuple[float, float, float]]:
        for nu in FREEDOMS:
            tailed = _tail(nu, random, rng.random(centre.shape)) * random
            for factor in SCALES:
                drawn = np.clip(centre + factor * tailed, 0, 1)
                if dark:
                    yield -float(log_score(drawn, known).mean()), factor, nu
                else:
                    yield sum(_divergence(drawn, known, level) for level in LEVELS), factor, nu

    return min(tried())[1:]


def _tail(freedom: float, error: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return the factor that gives Gaussian errors ``(n, s, ...)`` the tails of `freedom`.

    By a uniform number for each error, or for several at once.
    """
    if freedom > 0:
        return np.asarray(np.sqrt(freedom / np.maximum(chi2.ppf(uniform, freedom), 1e-6)))
    squared = np.square(error / np.maximum(error.std(1, keepdims=True), 1e-6))
    return np.asarray(np.sqrt(-freedom / (squared + chi2.ppf(uniform, -freedom - 1))))


def log_score(drawn: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the log density of truths ``(n, ...)`` under Gaussians of the draws' moments.

    Draws ``(n, s, ...)``; nats. Source: Dawid & Sebastiani 1999, Ann. Stat. 27, 65.
    """
    mean, std = drawn.mean(1), np.maximum(drawn.std(1, dtype=np.float64), SMALLEST)
    score: np.ndarray = -0.5 * ((mean - truth) / std) ** 2 - np.log(std) - 0.5 * np.log(2 * np.pi)
    return score


def inflated(residual: Residual, factor: float) -> Residual:
    """Return the model's error with all widths multiplied.

    Images that the model was not trained on are further from it than its own draws with their
    errors are; a posterior that takes the error for smaller than it is, is too sure. The factor
    is chosen on held-back images: Grunwald & van Ommen 2017, arXiv:1412.3730, for tempered
    likelihoods.
    """
    return Residual(factor * residual.sigma, factor * residual.factors)


def _divergence(drawn: np.ndarray, truth: np.ndarray, level: float) -> float:
    """Return the divergence of a level from the share of truths that intervals hold, in nats."""
    low, high = interval(drawn, level)
    share = float(((truth >= low) & (truth <= high)).mean())
    return float(rel_entr(share, level) + rel_entr(1 - share, 1 - level))
