"""Densities of codes behind one interface, so that any of them can follow any auto-encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sklearn.mixture import GaussianMixture

from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.mixture import fit_mixture
from mlsci.generative.persistence import config_from_dict
from mlsci.generative.training import TrainingConfig
from mlsci.generative.two_stage import SecondStageVAE


class CodeDensity(Protocol):
    """A density on codes ``(n, latent)``."""

    def fit(
        self, train: np.ndarray, validation: np.ndarray, noise: np.ndarray, work: Path, seed: int
    ) -> None:
        """Learn from training codes that lack Gaussian noise of width `noise` ``(n, latent)``."""
        ...

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return draws ``(n, latent)``."""
        ...

    def log_prob(self, z: np.ndarray) -> np.ndarray:
        """Return ``ln p(z)`` or a bound on it, ``(n,)`` nats."""
        ...


class StandardNormal:
    """The prior of a VAE, taken at its word: nothing is learned."""

    def __init__(self, latent: int) -> None:
        self.latent = latent

    def fit(
        self, train: np.ndarray, validation: np.ndarray, noise: np.ndarray, work: Path, seed: int
    ) -> None:
        """Learn nothing."""

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return draws ``(n, latent)``."""
        return np.random.default_rng(seed).standard_normal((n, self.latent), dtype=np.float32)

    def log_prob(self, z: np.ndarray) -> np.ndarray:
        """Return ``ln p(z)``, ``(n,)`` nats."""
        return -0.5 * (z.astype(np.float64) ** 2 + np.log(2 * np.pi)).sum(1)


class Mixture:
    """Full-covariance Gaussians; with one, minus ``ln p`` is half a squared Mahalanobis distance.

    Parameters
    ----------
    components
        Number of Gaussians.
    """

    def __init__(self, components: int) -> None:
        self.components = components
        self._mixture: GaussianMixture | None = None

    def fit(
        self, train: np.ndarray, validation: np.ndarray, noise: np.ndarray, work: Path, seed: int
    ) -> None:
        """Fit by expectation-maximisation to one noisy draw of each code."""
        rng = np.random.default_rng([seed, 5])
        noisy = train + noise * rng.standard_normal(train.shape)
        self._mixture = fit_mixture(noisy, self.components, seed=seed)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return draws ``(n, latent)``."""
        fitted = self._fitted()
        fitted.random_state = seed
        draws = fitted.sample(n)[0]
        return np.random.default_rng(seed).permutation(draws).astype(np.float32)

    def log_prob(self, z: np.ndarray) -> np.ndarray:
        """Return ``ln p(z)``, ``(n,)`` nats."""
        return self._fitted().score_samples(z.astype(np.float64))

    def _fitted(self) -> GaussianMixture:
        if self._mixture is None:
            raise RuntimeError("fit the mixture first")
        return self._mixture


class TrainedDensity:
    """A `Flow` or a `SecondStageVAE` with its schedule.

    Parameters
    ----------
    model
        The density.
    training
        Settings of its `TrainingConfig` but for the seed; None if it is trained already.
    options
        Of the model's `fit`, such as the `dropout` of a flow.
    """

    def __init__(
        self,
        model: Flow | SecondStageVAE,
        training: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.model, self.training, self.options = model, training, options

    def fit(
        self, train: np.ndarray, validation: np.ndarray, noise: np.ndarray, work: Path, seed: int
    ) -> None:
        """Train with noise drawn afresh at every step; resumable from a file in `work`."""
        if self.training is None:
            return
        self.model.fit(
            train,
            validation,
            config_from_dict(TrainingConfig, self.training | {"seed": seed}),
            noise=noise,
            checkpoint=work / "density.npz",
            log=print,
            **self.options,
        )

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return draws ``(n, latent)``."""
        return self.model.sample(n, seed=seed)

    def log_prob(self, z: np.ndarray) -> np.ndarray:
        """Return ``ln p(z)``, of the second stage a bound, ``(n,)`` nats."""
        return self.model.log_prob(z).astype(np.float64)


Maker = Callable[[int, dict[str, Any], int], CodeDensity]

# Each makes a density of codes from their dimension, its settings and a seed.
DENSITIES: dict[str, Maker] = {
    "normal": lambda latent, p, seed: StandardNormal(latent),
    "mixture": lambda latent, p, seed: Mixture(p["components"]),
    "flow": lambda latent, p, seed: TrainedDensity(
        Flow(config_from_dict(FlowConfig, {"dim": latent, "seed": seed} | p["shape"])),
        p["training"],
        dropout=p.get("dropout", 0.0),
    ),
    "second-vae": lambda latent, p, seed: TrainedDensity(
        SecondStageVAE(latent, tuple(p["hidden"]), seed), p["training"]
    ),
}
