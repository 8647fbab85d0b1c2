"""The hierarchical model's likelihood with its thousands of effects integrated out.

A Poisson count y whose logarithm of expectation is near ``eta`` acts as a Gaussian observation of
it: ``z = eta + (y - mu) / mu`` with precision ``mu = exp(eta)``. Taken at the posterior mode, that
is Laplace's approximation (Rue, Martino and Chopin 2009, J. R. Stat. Soc. B 71, 319, section 3.2),
and a good one here, as the effects are known to a few per cent. What remains is linear and
Gaussian: the effects' posterior is an arrowhead, a block for each year, and the marginal likelihood
of the hyperparameters is exact for the pseudo-observations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from mlsci.mortality import arrowhead
from mlsci.mortality import hierarchical_prior as prior
from mlsci.mortality.hierarchical_prior import DTYPE, Layout


class Observations(NamedTuple):
    """Gaussian pseudo-observations and their sums over the design, ``z`` log rates."""

    weight: tf.Tensor  # W, (years, regions, ages, weeks); 0 where nothing is observed
    weighted: tf.Tensor  # W z, the same shape
    field: tf.Tensor  # W X by age, (years, ages, regions * weeks * effects)
    tilt: tf.Tensor  # W X summed over regions, (years, ages, weeks * effects)
    level: tf.Tensor  # W X summed over regions and weeks, (years, ages, effects)
    shared: tf.Tensor  # X' W X, (effects, effects)
    shared_score: tf.Tensor  # X' W z, (effects,)
    constant: tf.Tensor  # ln of the normal densities at their peaks, less z' W z / 2, ()


class HierarchicalLikelihood:
    """Marginal likelihood and posterior of the effects, for one `Layout`.

    Examples
    --------
    >>> import numpy as np
    >>> from mlsci.mortality.hierarchical_prior import MEDIAN, Layout
    >>> weeks, years = np.arange(4.0), np.array([2015, 2016])
    >>> layout = Layout(np.array([0, 0]), np.array([-1.0, 0.0]), weeks, years)
    >>> likelihood = HierarchicalLikelihood(layout)
    >>> deaths, days = np.full((2, 2, 2, 4), 70.0), np.full((2, 4), 7.0)
    >>> rates = likelihood.mode(MEDIAN, deaths, days)
    >>> bool(np.allclose(np.exp(rates), 10, rtol=1e-2))
    True
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.design, self.groups = prior.shared_effects(layout)
        self._factor = tf.function(self._factorise)
        self._posterior = tf.function(self._log_posterior)
        self._gradient = tf.function(self._log_posterior_gradient)

    def observe(self, deaths: np.ndarray, days: np.ndarray, log_rates: np.ndarray) -> Observations:
        """Return the pseudo-observations that counts are, near given log rates.

        Parameters
        ----------
        deaths
            Counts ``(years, regions, ages, weeks)``; NaN where nothing is observed.
        days
            Length of the weeks, ``(years, weeks)``.
        log_rates
            Logarithms of deaths a day to linearise about, shaped as `deaths`.

        Raises
        ------
        ValueError
            If the counts do not have the layout's shape, or none is observed.
        """
        if deaths.shape != self.layout.shape or not np.isfinite(deaths).any():
            raise ValueError(
                f"deaths of shape {deaths.shape}: give observed ones as (years, regions, ages, "
                f"weeks), {self.layout.shape}"
            )
        seen = np.isfinite(deaths)
        mu = np.exp(log_rates) * days[:, None, None]
        weight = np.where(seen, mu, 0.0)
        above = log_rates - self.layout.baseline[0]
        weighted = np.where(seen, mu * above + deaths - mu, 0.0)
        square = np.sum(weighted[seen] ** 2 / weight[seen])
        constant = 0.5 * (np.log(weight[seen] / (2 * np.pi)).sum() - square)
        Y, R, A, T = deaths.shape
        P = len(self.groups)
        flat = self.design.reshape(Y, -1, P)
        product = flat * weight.reshape(Y, -1, 1)
        shared = sum(x.T @ wx for x, wx in zip(flat, product))
        score = np.einsum("ynp,yn->p", flat, weighted.reshape(Y, -1))
        product = product.reshape(Y, R, A, T, P)
        tensors = (
            weight,
            weighted,
            np.moveaxis(product, 2, 1).reshape(Y, A, R * T * P),
            product.sum(1).reshape(Y, A, T * P),
            product.sum((1, 3)),
            shared,
            score,
            constant,
        )
        return Observations(*(tf.constant(x, DTYPE) for x in tensors))

    def log_posterior(self, theta: tf.Tensor, seen: Observations) -> tf.Tensor:
        """Return log prior plus log marginal likelihood of log hyperparameters, ``()``."""
        return self._posterior(theta, seen)

    def gradient(self, theta: tf.Tensor, seen: Observations) -> tuple[tf.Tensor, tf.Tensor]:
        """Return `log_posterior` and its gradient ``(15,)``."""
        return self._gradient(theta, seen)

    def effects(self, theta: np.ndarray, seen: Observations) -> tuple[float, arrowhead.Dense]:
        """Return the log marginal likelihood, and the posterior of the effects."""
        value, factor = self._factor(tf.constant(theta, DTYPE), seen)
        return float(value), arrowhead.Dense(*(part.numpy() for part in factor))

    def log_rates(
        self, theta: np.ndarray, year: int, own: np.ndarray, shared: np.ndarray
    ) -> np.ndarray:
        """Return log deaths a day ``(regions, ages, weeks, n)`` of effects ``(effects, n)``."""
        _, R, A, T = self.layout.shape
        n = own.shape[-1]
        phi, c = (x.numpy()[:, None, None] for x in prior.loadings(tf.constant(theta), self.layout))
        field, level, tilt = np.split(own, (R * T, R * T + A))
        rates = (self.design[year].reshape(-1, len(self.groups)) @ shared).reshape(R, A, T, n)
        rates += phi * field.reshape(R, 1, T, n) + level[:, None] + c * tilt
        return rates + self.layout.baseline[0]

    def mode(
        self,
        theta: np.ndarray,
        deaths: np.ndarray,
        days: np.ndarray,
        start: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the posterior mode of the log rates, given log hyperparameters.

        Newton's iteration from `start`, or from each region and age's own mean rate. Three steps
        reach it, since the logarithms of the rates are within tenths of where they start.
        """
        if start is None:
            start = crude_log_rates(deaths, days)
        for _ in range(3):
            _, posterior = self.effects(theta, self.observe(deaths, days, start))
            own, shared = posterior.mean()
            start = np.stack(
                [
                    self.log_rates(theta, y, part[:, None], shared[:, None])[..., 0]
                    for y, part in enumerate(own)
                ]
            )
        return start

    def _arrowhead(
        self, theta: tf.Tensor, seen: Observations
    ) -> tuple[arrowhead.Arrowhead, tf.Tensor]:
        """Return the posterior arrowhead, and half the log determinant of the prior's."""
        Y, R, A, T = self.layout.shape
        P = len(self.groups)
        covariance = prior.year_covariance(theta, self.layout)
        deviation = prior.shared_deviations(theta, self.groups, self.layout)
        phi, c = prior.loadings(theta, self.layout)
        half, inverse = [], []
        for matrix in (covariance.field, covariance.tilt):
            lower = tf.linalg.cholesky(matrix)
            half.append(tf.reduce_sum(tf.math.log(tf.linalg.diag_part(lower))))
            inverse.append(tf.linalg.cholesky_solve(lower, tf.eye(len(matrix), dtype=DTYPE)))
        half_log = -Y * (half[0] + half[1] + 0.5 * A * tf.math.log(covariance.level))
        half_log -= tf.reduce_sum(tf.math.log(deviation))

        w_phi = seen.weight * phi[:, None]
        z_age = tf.reduce_sum(seen.weighted, 1)  # (years, ages, weeks)
        w_age = tf.reduce_sum(seen.weight, 1)
        eye_t = tf.eye(T, dtype=DTYPE)
        field = tf.reshape(tf.reduce_sum(w_phi * phi[:, None], 2), (Y, R * T))
        field_level = tf.reshape(tf.transpose(w_phi, (0, 1, 3, 2)), (Y, R * T, A))
        field_tilt = tf.reduce_sum(w_phi * c[:, None], 2)[..., None] * eye_t
        field_tilt = tf.reshape(field_tilt, (Y, R * T, T))
        tilt = tf.reduce_sum(w_age * c[:, None] ** 2, 1)
        level = tf.reduce_sum(w_age, 2) + 1 / covariance.level
        level_tilt = w_age * c[:, None]
        turned = [tf.transpose(x, (0, 2, 1)) for x in (field_level, field_tilt, level_tilt)]
        own = tf.concat(
            [
                tf.concat([inverse[0] + tf.linalg.diag(field), field_level, field_tilt], 2),
                tf.concat([turned[0], tf.linalg.diag(level), level_tilt], 2),
                tf.concat([turned[1], turned[2], inverse[1] + tf.linalg.diag(tilt)], 2),
            ],
            1,
        )
        cross = [
            tf.reshape(tf.einsum("a,yan->yn", phi, seen.field), (Y, R * T, P)),
            seen.level,
            tf.reshape(tf.einsum("a,yan->yn", c, seen.tilt), (Y, T, P)),
        ]
        score = [
            tf.reshape(tf.reduce_sum(seen.weighted * phi[:, None], 2), (Y, R * T)),
            tf.reduce_sum(z_age, 2),
            tf.reduce_sum(z_age * c[:, None], 1),
        ]
        arrow = arrowhead.Arrowhead(
            own,
            tf.concat(cross, 1),
            seen.shared + tf.linalg.diag(deviation**-2),
            tf.concat(score, 1),
            seen.shared_score,
        )
        return arrow, half_log

    def _factorise(
        self, theta: tf.Tensor, seen: Observations
    ) -> tuple[tf.Tensor, arrowhead.Factor]:
        arrow, half_log = self._arrowhead(theta, seen)
        factor = arrowhead.factorise(arrow)
        peak = 0.5 * arrowhead.square(factor) + half_log - arrowhead.half_log_determinant(factor)
        return peak + seen.constant, factor

    def _log_posterior(self, theta: tf.Tensor, seen: Observations) -> tf.Tensor:
        return self._factorise(theta, seen)[0] + prior.log_prior(theta)

    def _log_posterior_gradient(
        self, theta: tf.Tensor, seen: Observations
    ) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(theta)
            value = self._log_posterior(theta, seen)
        return value, tape.gradient(value, theta)


def crude_log_rates(deaths: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Return each region and age's log mean deaths a day, shaped as `deaths`.

    Half a death, spread over regions and ages as deaths are, keeps the logarithm finite.
    """
    exposed = np.where(np.isfinite(deaths), days[:, None, None], 0.0).sum((0, 3), keepdims=True)
    counted = np.nansum(deaths, axis=(0, 3), keepdims=True)
    some = counted.sum(1, keepdims=True) * counted.sum(2, keepdims=True) / counted.sum() ** 2
    rates = (counted + 0.5 * some + 1e-3) / exposed
    return np.broadcast_to(np.log(rates), deaths.shape)
