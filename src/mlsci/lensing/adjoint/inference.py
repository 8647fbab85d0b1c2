"""Field-level inference: initial conditions and cosmology from a noisy, masked convergence map.

The posterior of all white-noise modes z and of a few parameters, each of unit variance before the
data are seen:

    ln p = -|z|^2 / 2 - |t|^2 / 2 - sum over seen pixels of (data - kappa(z, t))^2 / 2 sigma^2,

with parameters ``mean + 3 width tanh(t / 3)``: almost Gaussian, but within three widths of the
mean, however far a sampler leaps. The gradient is that of the simulator's adjoint, so a step of
any optimiser or sampler costs as much with a million modes as with ten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.stats
from mpi4py import MPI
from scipy.optimize import minimize

from mlsci.lensing.adjoint.model import simulate_with_vjp
from mlsci.lensing.settings import Settings


def with_parameters(settings: Settings, values: Mapping[str, float]) -> Settings:
    """Return settings with other values of some cosmological parameters."""
    if not values:
        return settings
    return replace(settings, cosmology=replace(settings.cosmology, **values))


@dataclass(frozen=True)
class FieldPosterior:
    """The posterior of white noise and parameters, on one rank.

    Attributes
    ----------
    settings : Settings
        The run that explains the data.
    data : ndarray (sources, y, x)
        The observed convergence.
    sigma : float
        Standard deviation of its white noise in a pixel.
    seen : ndarray (y, x), bool
        False where the map is masked.
    priors : mapping
        Mean and width of each parameter of the cosmology to be found; the others are the settings'.
    foreground : float
        As in `simulate_with_vjp`.
    """

    settings: Settings
    data: np.ndarray
    sigma: float
    seen: np.ndarray
    priors: Mapping[str, tuple[float, float]]
    foreground: float = 0.0

    @property
    def modes(self) -> int:
        """Number of modes; the parameters follow them in a state."""
        return self.settings.particles**3

    def parameters(self, state: np.ndarray) -> dict[str, float]:
        """Return the parameters (their names, values) of a state (modes + parameters,)."""
        pairs = zip(self.priors.items(), np.tanh(state[self.modes :] / 3))
        return {name: float(mean + 3 * width * t) for (name, (mean, width)), t in pairs}

    def noise(self, state: np.ndarray) -> np.ndarray:
        """Return the white noise (n, n, n) of a state."""
        return state[: self.modes].reshape((self.settings.particles,) * 3)

    def maps(self, state: np.ndarray) -> np.ndarray:
        """Return the convergence (sources, y, x) that a state makes, without noise."""
        settings = with_parameters(self.settings, self.parameters(state))
        return simulate_with_vjp(self.noise(state), settings, MPI.COMM_SELF, self.foreground)[0]

    def __call__(self, state: np.ndarray) -> tuple[float, np.ndarray]:
        """Return ln p, but for a constant, and its gradient (modes + parameters,)."""
        settings = with_parameters(self.settings, self.parameters(state))
        ranks = MPI.COMM_SELF
        kappa, vjp = simulate_with_vjp(self.noise(state), settings, ranks, self.foreground)
        missed = np.where(self.seen, self.data - kappa, 0.0) / self.sigma
        gradient = vjp(missed / self.sigma)
        slopes = np.array([gradient.cosmology[name] * self.priors[name][1] for name in self.priors])
        slopes /= np.cosh(state[self.modes :] / 3) ** 2
        value = -0.5 * float(np.sum(missed**2) + np.sum(state**2))
        return value, np.concatenate([gradient.noise.reshape(-1), slopes]) - state


def observed(
    settings: Settings, sigma: float, seen: np.ndarray, priors: Mapping[str, tuple[float, float]],
    seed: int, foreground: float = 0.0,
) -> tuple[FieldPosterior, np.ndarray]:  # fmt: skip
    """Return the posterior for a map that was made up, and the state that it was made of.

    Parameters
    ----------
    settings, sigma, seen, priors, foreground
        As for `FieldPosterior`; the truth is drawn from the prior.
    seed : int
        Of the truth, and of the noise of the map.
    """
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(settings.particles**3 + len(priors))
    shape = (len(settings.sources), settings.pixels, settings.pixels)
    blank = FieldPosterior(settings, np.zeros(shape), sigma, seen, priors, foreground)
    data = blank.maps(truth) + rng.normal(0, sigma, shape)
    return replace(blank, data=np.where(seen, data, np.nan)), truth


def most_probable(
    posterior: FieldPosterior, start: np.ndarray, iterations: int
) -> tuple[np.ndarray, list[float]]:
    """Return the state of highest probability that L-BFGS finds, and ln p after each iteration."""
    trace: list[float] = []

    def downhill(state: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = posterior(state)
        return -value, -gradient

    found = minimize(
        downhill, start, jac=True, method="L-BFGS-B",
        callback=lambda intermediate_result: trace.append(-float(intermediate_result.fun)),
        options={"maxiter": iterations, "maxcor": 20},
    )  # fmt: skip
    return np.asarray(found.x), trace


def randomized(posterior: FieldPosterior, iterations: int, seed: int) -> np.ndarray:
    """Return a state that is almost a draw from the posterior: where a chain may begin.

    A draw from the prior is moved, by L-BFGS, as little as it takes to explain data to which noise
    was added; for a linear model that is a draw (randomize, then optimize: Bardsley et al. 2014,
    SIAM J. Sci. Comput. 36, A1895). The most probable state is no such place: its modes are almost
    zero, particles almost on their lattice, and rows of them cross the edges of pixels at once.
    """
    rng = np.random.default_rng([seed, 0x4A])
    start = rng.standard_normal(posterior.modes + len(posterior.priors))
    noisy = posterior.data + rng.normal(0, posterior.sigma, posterior.data.shape)
    other = replace(posterior, data=noisy)

    def downhill(state: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = other(state)
        return -value - float(state @ start), -gradient - start

    found = minimize(
        downhill, start, jac=True, method="L-BFGS-B",
        options={"maxiter": iterations, "maxcor": 20},
    )  # fmt: skip
    return np.asarray(found.x)


def large_scale_modes(noise: np.ndarray, cut: int) -> np.ndarray:
    """Return the modes of white noise (n, n, n) whose wavelengths are the box over `cut` or more.

    Parameters
    ----------
    noise : ndarray (n, n, n)
        White noise of unit variance.
    cut : int
        In units of the fundamental mode, below n / 2.

    Returns
    -------
    ndarray (modes,)
        Real and imaginary parts, of unit variance, each mode once.
    """
    n = len(noise)
    whole, half = np.rint(np.fft.fftfreq(n, 1 / n)), np.arange(n // 2 + 1)
    x, y, z = np.meshgrid(whole, whole, half, indexing="ij")
    once = (z > 0) | (y > 0) | ((y == 0) & (x > 0))
    modes = np.fft.rfftn(noise)[once & (x**2 + y**2 + z**2 <= cut**2)] * np.sqrt(2 / n**3)
    return np.concatenate([modes.real, modes.imag])


def agreement(noise: np.ndarray, truth: np.ndarray, box: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the correlation of two fields (n, n, n) by scale: wavenumbers in h/Mpc, and r(k).

    In shells as wide as the fundamental mode, from it to the Nyquist frequency.
    """
    n = len(noise)
    whole, half = np.fft.fftfreq(n, 1 / n), np.arange(n // 2 + 1)
    x, y, z = np.meshgrid(whole, whole, half, indexing="ij")
    shell = np.rint(np.sqrt(x**2 + y**2 + z**2)).astype(int).reshape(-1)
    twice = np.where((z == 0) | (z == n // 2), 1.0, 2.0).reshape(-1)
    one, two = (np.fft.rfftn(field).reshape(-1) for field in (noise, truth))
    sums = [
        np.bincount(shell, twice * (a * b.conj()).real)[1 : n // 2 + 1]
        for a, b in ((one, two), (one, one), (two, two))
    ]
    return 2 * np.pi / box * np.arange(1, n // 2 + 1), sums[0] / np.sqrt(sums[1] * sums[2])


def coverage(
    offsets: np.ndarray, draws: np.ndarray | float, levels: np.ndarray
) -> np.ndarray:  # fmt: skip
    """Return how often truths lie inside central intervals of a posterior known by a few draws.

    Intervals are mean -+ t sqrt(1 + 1 / n) times the standard deviation of n draws, with Student's
    t for n - 1 degrees of freedom: what the next of n + 1 equal Gaussian numbers stays inside.

    Parameters
    ----------
    offsets : ndarray (...)
        Truths less means, over standard deviations.
    draws : float or ndarray (...)
        Numbers of independent draws.
    levels : ndarray (levels,)
        Shares that the intervals should hold.

    Returns
    -------
    ndarray (levels,)
        The shares that they hold.
    """
    draws = np.asarray(draws, float)
    inside = 1 - 2 * scipy.stats.t.sf(np.abs(offsets) / np.sqrt(1 + 1 / draws), draws - 1)
    return np.mean(inside.reshape(-1) <= np.asarray(levels)[:, None], axis=1)
