"""Whether a model can have made the data: misfits, ranked among those of images that it can make.

The p-value of a `Reconstruction` takes the model's error for Gaussian, which that of real images is
not; and it sums over all data alike, so that a stroke which the model cannot make is one among many
pixels of noise. Here two discrepancies of the posterior (Gelman, Meng & Stern 1996, Stat. Sinica 6,
733) are compared with those of images that were held back, under the same corruption:

misfit
    the mean over draws of the whitened misfit squared, a datum;
excess
    the energy of what is in the data and not in the expected data: their difference, smoothed over
    a pixel, where it is positive. Noise averages out, and a stroke does not.

The p-value of both together is the conformal one (Vovk, Gammerman & Shafer 2005, chapter 2; Bates
et al. 2023, arXiv:2104.08279, section 2): the rank of a new image among itself and those held back,
ordered by the more extreme of the two ranks. Of images like those held back a share of at most p
has a value of p or less, whatever the distribution of the discrepancies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.result import Reconstruction

SMOOTHED = 1.0  # pixels of the data
LEVEL = 0.05  # share of images like those held back that is reported all the same
DRAWS = 40
DISCREPANCIES = ("misfit", "excess")


def discrepancies(likelihood: Likelihood, u: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return misfit and excess of data ``(n, ...)`` for draws ``(n, s, d)``, ``(n, 2)``."""
    data = likelihood.whitened(y)
    squared = -2 * (likelihood.log_likelihood(u, data) - likelihood.log_normalisation)
    n, s, d = u.shape
    images = likelihood.model.images(u.reshape(n * s, d))
    expected = np.asarray(likelihood.corruption.operator(images)).reshape(n, s, *y.shape[1:])
    seen = likelihood.corruption.observed(likelihood.model.image)
    left = np.where(seen, y - expected.mean(1, dtype=np.float64), 0.0)
    smooth = gaussian_filter(left, (0, SMOOTHED, SMOOTHED, 0), mode="constant")
    excess = np.square(np.maximum(smooth, 0)).sum((1, 2, 3))
    return np.stack([squared.mean(1) / likelihood.size, excess], 1)


@dataclass(frozen=True)
class Usual:
    """What is usual: the discrepancies of images that the model can make, under one corruption.

    Attributes
    ----------
    discrepancies
        ``(m, 2)``; no p-value is below ``1 / (m + 1)``.
    """

    discrepancies: np.ndarray

    @classmethod
    def measured(cls, found: Reconstruction) -> Usual:
        """Measure them on reconstructions of held-back images."""
        return cls(discrepancies(found.likelihood, found.draws(DRAWS), found.y))

    def p_values(self, values: np.ndarray) -> np.ndarray:
        """Return the conformal p-values of discrepancies ``(n, k)``, of each, ``(n, k)``."""
        pairs = zip(values.T, self.discrepancies.T, strict=True)
        return np.stack([ranked_p_value(*pair) for pair in pairs], 1)

    def p_value(self, values: np.ndarray) -> np.ndarray:
        """Return the conformal p-values of discrepancies ``(n, k)``, of all k together, ``(n,)``.

        Each new image by itself is pooled with those held back: the ranks of all are exchangeable
        if it is like them.
        """
        known = self.discrepancies
        among = (known[None] >= known[:, None]).sum(1)  # itself included
        ranks = among[None] + (values[:, None] >= known[None])  # (n, m, k)
        own = (1 + len(known)) * self.p_values(values).min(1)
        return (1 + (ranks.min(2) <= own[:, None]).sum(1)) / (1 + len(known))

    def judged(self, found: Reconstruction, *, level: float = LEVEL) -> Reconstruction:
        """Return the result with p-values that are ranks among what is usual, and its flag.

        In place of the Gaussian `p_value`, that of both discrepancies; "p misfit" and "p excess"
        are among its numbers.

        Raises
        ------
        ValueError
            For a level that so few images cannot tell.
        """
        if not 1 / (1 + len(self.discrepancies)) <= level < 1:
            raise ValueError(
                f"{len(self.discrepancies)} held-back images have no p-value as small as {level}: "
                "hold back more"
            )
        values = discrepancies(found.likelihood, found.draws(DRAWS), found.y)
        each, together = self.p_values(values), self.p_value(values)
        return replace(
            found,
            p_value=together,
            flags=found.flags | {"the model cannot make the data": together <= level},
            numbers=found.numbers
            | {f"p {name}": each[:, k] for k, name in enumerate(DISCREPANCIES)},
        )


def ranked_p_value(discrepancy: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the share of reference images that fit no better, ``(n,)`` in (0, 1].

    Parameters
    ----------
    discrepancy
        Of the images in question, ``(n,)``.
    reference
        Of held-back images under the same corruption, ``(m,)``.
    """
    above = (np.asarray(reference) >= np.asarray(discrepancy)[:, None]).sum(1)
    return (1 + above) / (1 + len(reference))
