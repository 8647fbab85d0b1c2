"""Generative models of images behind one interface, so that a benchmark is a table over models.

To add a model: write a class that has the methods of `Rival`, and name it in the benchmark's table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from mlsci.generative.autoencoder import AutoEncoder
from mlsci.generative.code_densities import CodeDensity, TrainedDensity
from mlsci.generative.complexity import complexity_corrected, compressed_nats
from mlsci.generative.flows import Flow
from mlsci.generative.likelihood_ratio import log_ratio
from mlsci.generative.pae import JITTER, PAE
from mlsci.generative.pca import ProbabilisticPCA
from mlsci.generative.pixelflow import PixelFlow
from mlsci.generative.typicality import typicality
from mlsci.generative.vae import VAE

Scores = dict[str, np.ndarray]


class Rival(Protocol):
    """A generative model of images ``(n, h, w, colours)`` in [0, 1]."""

    def fit(self, train: np.ndarray, validation: np.ndarray, *, work: Path, seed: int) -> None:
        """Learn whatever is not learned yet; `work` is a folder for checkpoints."""
        ...

    def sample(self, n: int, *, seed: int) -> np.ndarray | None:
        """Return n new images; None for a score that is no model."""
        ...

    def reconstruct(self, x: np.ndarray) -> np.ndarray | None:
        """Return images from the codes of images; None for a model without codes."""
        ...

    def scores(self, x: np.ndarray) -> Scores:
        """Return outlier scores ``(n,)`` by name, higher for the typical."""
        ...

    def costly_scores(self, x: np.ndarray) -> Scores:
        """Return scores that are asked for few images only; empty for most models."""
        ...


class AutoEncoderWithDensity:
    """A trained auto-encoder, of any kind, and a density of its codes.

    With a flow it is a probabilistic auto-encoder, with N(0, 1) and a VAE it is that VAE.

    Parameters
    ----------
    autoencoder
        Trained.
    density
        To be fitted to its codes; for a VAE to its aggregated posterior.
    evidence
        Whether Laplace's evidence is among the costly scores; needs a flow.
    """

    def __init__(
        self, autoencoder: AutoEncoder, density: CodeDensity, *, evidence: bool = False
    ) -> None:
        self.autoencoder, self.density = autoencoder, density
        self.pae: PAE | None = None
        if evidence:
            model = density.model if isinstance(density, TrainedDensity) else None
            if not isinstance(model, Flow):
                raise ValueError("Laplace's evidence needs a flow of the codes")
            self.pae = PAE(autoencoder, model)

    def fit(self, train: np.ndarray, validation: np.ndarray, *, work: Path, seed: int) -> None:
        """Fit the density, and measure the noise if the evidence is asked for."""
        codes, held = self.autoencoder.encode(train), self.autoencoder.encode(validation)
        if isinstance(self.autoencoder, VAE):
            noise = self.autoencoder.posterior(train)[1]
            held = self.autoencoder.sample_posterior(validation, seed=1000 * seed)
        else:
            noise = np.broadcast_to(JITTER * codes.std(0), codes.shape)
        self.density.fit(codes, held, noise, work, seed)
        if self.pae is not None:
            self.pae.measure_noise(validation)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return decoded draws of codes."""
        return self.autoencoder.decode(self.density.sample(n, seed=seed))

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """Return decoded codes of images."""
        return self.autoencoder.reconstruct(x)

    def scores(self, x: np.ndarray) -> Scores:
        """Return the density of the code, the reconstruction, their sum, and a VAE's bound."""
        z = self.autoencoder.encode(x)
        latent = self.density.log_prob(z)
        likelihood = self.autoencoder.log_likelihood(x, z)
        found = {
            "ln p(z)": latent,
            "reconstruction": likelihood,
            "ln p(x|z) + ln p(z)": latent + likelihood,
        }
        if isinstance(self.autoencoder, VAE):
            found["ELBO"] = self.autoencoder.elbo(x, samples=2)
        return found

    def costly_scores(self, x: np.ndarray) -> Scores:
        """Return a VAE's importance-weighted bound; Laplace's evidence, if asked for, in parts."""
        scores: Scores = {}
        if isinstance(self.autoencoder, VAE):
            scores["IWAE bound"] = self.autoencoder.log_prob_importance(x, samples=16)
        if self.pae is not None:
            found = self.pae.laplace(x)
            scores |= {
                "Laplace evidence": found.log_evidence,
                "Laplace, without the volume": found.log_likelihood + found.log_prior,
                "posterior volume": found.log_volume,
            }
        return scores


class VAEEnsemble:
    """Trained VAEs that differ in their seed, for the score WAIC.

    The mean of ``ln p(x)`` over the ensemble minus its variance: models disagree where they were
    not trained. Source: Choi et al. 2018, arXiv:1810.01392, section 3.

    Parameters
    ----------
    members
        Two VAEs or more.
    """

    def __init__(self, members: Sequence[VAE]) -> None:
        if len(members) < 2:
            raise ValueError(f"a variance needs two models or more, got {len(members)}")
        self.members = tuple(members)

    def fit(self, train: np.ndarray, validation: np.ndarray, *, work: Path, seed: int) -> None:
        """Learn nothing more."""

    def sample(self, n: int, *, seed: int) -> None:
        """Return None: the members' samples are measured one by one."""

    def reconstruct(self, x: np.ndarray) -> None:
        """Return None, likewise."""

    def scores(self, x: np.ndarray) -> Scores:
        """Return none: all scores are costly."""
        return {}

    def costly_scores(self, x: np.ndarray) -> Scores:
        """Return WAIC, of importance-weighted bounds."""
        bounds = np.stack([vae.log_prob_importance(x, samples=16) for vae in self.members])
        return {"WAIC": bounds.mean(0) - bounds.var(0, ddof=1)}


class PCARival:
    """Probabilistic PCA."""

    def __init__(self, latent: int) -> None:
        self.model = ProbabilisticPCA(latent)

    def fit(self, train: np.ndarray, validation: np.ndarray, *, work: Path, seed: int) -> None:
        """Find the components."""
        self.model.fit(train)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return new images."""
        return self.model.sample(n, seed=seed)

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """Return projections."""
        return self.model.reconstruct(x)

    def scores(self, x: np.ndarray) -> Scores:
        """Return the exact density, that of the coordinates, and the reconstruction."""
        error = np.square(x - self.model.reconstruct(x)).sum((1, 2, 3), dtype=np.float64)
        return {
            "ln p(x)": self.model.log_prob(x),
            "ln p(z)": self.model.log_prob_latent(x),
            "reconstruction": -error,
        }

    def costly_scores(self, x: np.ndarray) -> Scores:
        """Return none."""
        return {}


class PixelFlowRival:
    """A trained flow on pixels, with the corrections of its likelihood that others proposed.

    Parameters
    ----------
    flow
        Trained on the images.
    background
        Trained on mutated images, for the likelihood ratio.
    """

    def __init__(self, flow: PixelFlow, background: PixelFlow | None = None) -> None:
        self.flow, self.background = flow, background
        self._familiar = np.zeros(0)

    def fit(self, train: np.ndarray, validation: np.ndarray, *, work: Path, seed: int) -> None:
        """Measure the entropy that typicality is relative to."""
        self._familiar = self.flow.log_prob(validation)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Return new images."""
        return self.flow.sample(n, seed=seed)

    def reconstruct(self, x: np.ndarray) -> None:
        """Return None: all images have a code as large as themselves."""

    def scores(self, x: np.ndarray) -> Scores:
        """Return the likelihood, as it is and corrected."""
        log_prob = self.flow.log_prob(x).astype(np.float64)
        found = {
            "ln p(x)": log_prob,
            "typicality": typicality(log_prob, self._familiar),
            "ln p(x) + compressed size": complexity_corrected(log_prob, x),
        }
        if self.background is not None:
            found["likelihood ratio"] = log_ratio(log_prob, self.background.log_prob(x))
        return found

    def costly_scores(self, x: np.ndarray) -> Scores:
        """Return none."""
        return {}


class Compression:
    """No model at all: how small an image file is."""

    def fit(self, train: np.ndarray, validation: np.ndarray, *, work: Path, seed: int) -> None:
        """Learn nothing."""

    def sample(self, n: int, *, seed: int) -> None:
        """Return None: there is nothing to draw from."""

    def reconstruct(self, x: np.ndarray) -> None:
        """Return None: the compression is lossless."""

    def scores(self, x: np.ndarray) -> Scores:
        """Return the compressed size: garments are not simple, so larger is typical."""
        return {"compressed size": compressed_nats(x)}

    def costly_scores(self, x: np.ndarray) -> Scores:
        """Return none."""
        return {}
