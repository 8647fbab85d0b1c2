"""Field-level inference: initial conditions and cosmology from a noisy, masked convergence map.

The posterior of all white-noise modes z and of a few parameters, each of unit variance before the
data are seen:

    ln p = -|z|^2 / 2 - |t|^2 / 2 - sum over seen pixels of (data - kappa(z, t))^2 / 2 sigma^2,

with parameters ``mean + width * t``. The gradient is that of the simulator's adjoint, so a step of
any optimiser or sampler costs as much with a million modes as with ten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from mpi4py import MPI

from mlsci.lensing.adjoint.model import simulate_with_vjp
from mlsci.lensing.settings import Settings


def with_parameters(settings: Settings, values: Mapping[str, float]) -> Settings:
    """Return settings with other values of some cosmological parameters."""
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
    """

    settings: Settings
    data: np.ndarray
    sigma: float
    seen: np.ndarray
    priors: Mapping[str, tuple[float, float]]

    @property
    def modes(self) -> int:
        """Number of modes; the parameters follow them in a state."""
        return self.settings.particles**3

    def parameters(self, state: np.ndarray) -> dict[str, float]:
        """Return the parameters (their names, values) of a state (modes + parameters,)."""
        pairs = zip(self.priors.items(), state[self.modes :])
        return {name: float(mean + width * t) for (name, (mean, width)), t in pairs}

    def noise(self, state: np.ndarray) -> np.ndarray:
        """Return the white noise (n, n, n) of a state."""
        return state[: self.modes].reshape((self.settings.particles,) * 3)

    def __call__(self, state: np.ndarray) -> tuple[float, np.ndarray]:
        """Return ln p, but for a constant, and its gradient (modes + parameters,)."""
        settings = with_parameters(self.settings, self.parameters(state))
        kappa, vjp = simulate_with_vjp(self.noise(state), settings, MPI.COMM_SELF)
        missed = np.where(self.seen, self.data - kappa, 0.0) / self.sigma
        gradient = vjp(missed / self.sigma)
        slopes = [gradient.cosmology[name] * width for name, (_, width) in self.priors.items()]
        value = -0.5 * float(np.sum(missed**2) + np.sum(state**2))
        return value, np.concatenate([gradient.noise.reshape(-1), slopes]) - state
