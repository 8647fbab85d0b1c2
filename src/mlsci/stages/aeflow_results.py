"""What the notebooks of the chapter read from the artefacts of `mlsci.stages.aeflow`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlsci.report.session import Session
from mlsci.stages import all_stages

Metrics = dict[str, Any]

# Squared error a pixel of the auto-encoder by latent size, Fashion-MNIST: arXiv:2006.05479.
PUBLISHED_ERRORS = {4: 0.01675, 8: 0.01135, 16: 0.00833, 32: 0.00642, 128: 0.00402}


class Results:
    """The chapter's artefacts, as far as the profile has them.

    They are named by kind of model ("ae", "vae") and seed.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def seeds(self, stem: str) -> list[int]:
        """Return the seeds for which the profile has a stage ``aeflow/<stem>-s<seed>``."""
        prefix = f"aeflow/{stem}-s"
        return [
            int(name.removeprefix(prefix))
            for name, stage in all_stages().items()
            if name.startswith(prefix) and self._session.profile in stage.params
        ]

    def folder(self, name: str) -> Path:
        """Return the folder of the artefact ``aeflow/<name>``."""
        return self._session.artefact(f"aeflow/{name}")

    def metrics(self, name: str) -> Metrics:
        """Return the numbers that the artefact ``aeflow/<name>`` keeps."""
        with (self.folder(name) / "metrics.json").open(encoding="utf-8") as f:
            return dict(json.load(f))

    def arrays(self, name: str, file: str = "shown.npz") -> dict[str, np.ndarray]:
        """Return the arrays that the artefact ``aeflow/<name>`` keeps."""
        with np.load(self.folder(name) / file) as stored:
            return {key: stored[key] for key in stored.files}

    def every(self, stem: str) -> list[Metrics]:
        """Return the numbers of ``aeflow/<stem>-s<seed>`` for every seed."""
        return [self.metrics(f"{stem}-s{seed}") for seed in self.seeds(stem)]

    def spread(self, stem: str, pick: Callable[[Metrics], float]) -> tuple[float, float | None]:
        """Return mean and standard deviation over seeds of a number that `pick` takes from each."""
        return mean_and_deviation([pick(metrics) for metrics in self.every(stem)])

    def sample_table(self, kind: str, measure: str) -> dict[str, tuple[float, float | None]]:
        """Return a sample measure over seeds, by density: ``latent-<kind>-d32``.

        For the auto-encoder with the averaged flows, "ensemble", and with means over several sets
        of samples where there are several.
        """
        stem = f"latent-{kind}-d32"
        names = self.every(stem)[0]["samples"]
        table = {name: self.spread(stem, picked(measure, name)) for name in names}
        if kind == "ae":
            table["ensemble"] = self.spread("ensemble-ae-d32", averaged(measure))
            if measure == "frechet":
                table |= {
                    name: self.spread("sets-ae-d32", over_sets(name))
                    for name in ("mixture", "mixture_flow")
                }
        return table

    def gains(self, kind: str) -> dict[str, tuple[float, float | None]]:
        """Return, by density of the codes, nats a test code above the full-covariance Gaussian."""
        stem = f"latent-{kind}-d32"
        every = [metrics["densities"] for metrics in self.every(stem)]
        return {
            name: mean_and_deviation([d[name]["test"] - d["gaussian"]["test"] for d in every])
            for name in every[0]
        }

    def _with_ensemble(self) -> list[tuple[Metrics, Metrics]]:
        """Return the numbers of the auto-encoder's densities and of the ensemble, by seed."""
        return [
            (self.metrics(f"latent-ae-d32-s{seed}"), self.metrics(f"ensemble-ae-d32-s{seed}"))
            for seed in self.seeds("ensemble-ae-d32")
        ]

    def ensemble_gain(self) -> tuple[float, float | None]:
        """Return nats a test code of averaged flows above the full-covariance Gaussian."""
        return mean_and_deviation(
            [ours["test"] - m["densities"]["gaussian"]["test"] for m, ours in self._with_ensemble()]
        )

    def flow_minutes(self) -> tuple[float, float | None]:
        """Return the processor minutes of the slower of the averaged flows."""
        return mean_and_deviation(
            [
                max(m["densities"]["mixture_flow"]["cpu_seconds"], ours["added"]["cpu_seconds"])
                / 60
                for m, ours in self._with_ensemble()
            ]
        )

    def flow_over(self, kind: str, below: str) -> tuple[float, float | None]:
        """Return the Frechet distance of flow samples over that of "mixture" or "codes".

        For the auto-encoder, whose densities are sampled several times, of the averaged flows, and
        of the means of the sets.
        """
        if kind != "ae":
            above = picked("frechet", "mixture_flow")
            return self.ratio(f"latent-{kind}-d32", above, picked("frechet", below))
        ratios = []
        for m, ours in zip(self.every("sets-ae-d32"), self.every("ensemble-ae-d32")):
            other = m["floor"] if below == "codes" else over_sets(below)(m)
            ratios.append(averaged("frechet")(ours) / other)
        return mean_and_deviation(ratios)

    def single_over_floor(self) -> tuple[float, float | None]:
        """Return the Frechet distance of one flow's samples over that of codes of test images."""
        return self.spread("sets-ae-d32", lambda m: over_sets("mixture_flow")(m) / m["floor"])

    def sets_noise(self) -> float:
        """Return the deviation between sets of the flows' Frechet distance, over the floor."""
        floors = [m["floor"] for m in self.every("sets-ae-d32")]
        spread = [np.std(m["sets"]["frechet"], ddof=1) for m in self.every("ensemble-ae-d32")]
        return float(np.sqrt(np.mean(np.square(np.divide(spread, floors)))))

    def widest_plane(self, kind: str) -> tuple[int, int]:
        """Return the two latent directions with most information (VAE) or variance (AE), seed 0."""
        name = f"latent-{kind}-d32-s0"
        carried = self.metrics(name).get("kl")
        if carried is None:
            carried = self.arrays(name)["z_codes"].astype(np.float64).var(0)
        first, second = np.argsort(carried)[::-1][:2]
        return int(first), int(second)

    def ratio(
        self, stem: str, above: Callable[[Metrics], float], below: Callable[[Metrics], float]
    ) -> tuple[float, float | None]:
        """Return a ratio, formed seed by seed, and its deviation."""
        return self.spread(stem, lambda m: above(m) / below(m))

    def over_prior(self, kind: str) -> tuple[float, float | None]:
        """Return the Frechet distance of flow samples over that of the VAE's prior samples."""
        prior = map(picked("frechet", "prior"), self.every("latent-vae-d32"))
        return mean_and_deviation([a / b for a, b in zip(self._main(kind, "frechet"), prior)])

    def against_training(self, kind: str, measure: str) -> tuple[float, float | None]:
        """Return a measure of flow samples over that of real training images."""
        real = self.metrics("classifier")["training_images"][measure]
        return mean_and_deviation([ours / real for ours in self._main(kind, measure)])

    def _main(self, kind: str, measure: str) -> list[float]:
        """Return, by seed, a measure of samples of the main density: averaged flows for the AE."""
        if kind == "ae":
            return list(map(averaged(measure), self.every("ensemble-ae-d32")))
        return list(map(picked(measure, "mixture_flow"), self.every(f"latent-{kind}-d32")))

    def sweep(self, kind: str, vary: str) -> dict[float, Metrics]:
        """Return numbers of a kind's models by "latent" size or by "beta".

        The point that the sweep leaves out, latent size 32 and beta 1, is the main model of seed 0.
        """
        main = {**self.metrics(f"{kind}-d32-s0"), **self.metrics(f"latent-{kind}-d32-s0")}
        found: dict[float, Metrics] = {32 if vary == "latent" else 1.0: main}
        for name in self._sweeps():
            model = all_stages()[name].params[self._session.profile]["model"]
            beta = model.get("beta", 1.0)
            wanted = beta == 1.0 if vary == "latent" else model["latent"] == 32
            if name.startswith(f"aeflow/sweep-{kind}-") and wanted:
                key = model["latent"] if vary == "latent" else beta
                found[key] = self.metrics(name.removeprefix("aeflow/"))
        return dict(sorted(found.items()))

    def sweep_settings(self) -> list[Metrics]:
        """Return the numbers of every model of the sweep."""
        return [self.metrics(name.removeprefix("aeflow/")) for name in self._sweeps()]

    def _sweeps(self) -> list[str]:
        return [
            name
            for name, stage in all_stages().items()
            if name.startswith("aeflow/sweep-") and self._session.profile in stage.params
        ]


def published_errors(latents: Iterable[float]) -> dict[int, float]:
    """Return the published errors at those of the latent sizes that have one."""
    return {int(d): PUBLISHED_ERRORS[int(d)] for d in latents if int(d) in PUBLISHED_ERRORS}


def mean_and_deviation(values: list[float]) -> tuple[float, float | None]:
    """Return the mean and the standard deviation (n - 1) of values; None for a single one."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return float(np.mean(values)), deviation


def picked(measure: str, density: str) -> Callable[[Mapping[str, Any]], float]:
    """Return a function that picks a measure of the samples of a density."""
    return lambda metrics: float(metrics["samples"][density][measure])


def averaged(measure: str) -> Callable[[Mapping[str, Any]], float]:
    """Return a function that averages a measure over the sets of samples of averaged flows."""
    return lambda metrics: float(np.mean(metrics["sets"][measure]))


def over_sets(density: str) -> Callable[[Mapping[str, Any]], float]:
    """Return a function that averages a density's Frechet distance over its sets of samples."""
    return lambda metrics: float(np.mean(metrics["frechet"][density]))
