"""Stages of the chapter on the probabilistic auto-encoder: a table of models × measures × seeds.

A row of the table is an entry of `ROWS`; its stage ``pae/bench-<row>-s<seed>`` fits what is not
fitted yet, draws samples, scores outliers, and keeps the numbers. Auto-encoders that the chapter on
flows has trained are taken from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlsci.report.seal import Stage
from mlsci.stages.aeflow import IMAGES, INSIDE, NETWORK, SHAPE, TRAINING
from mlsci.stages.aeflow import SEEDS as AEFLOW_SEEDS
from mlsci.stages.aeflow import STAGES as AEFLOW
from mlsci.stages.pae_parts import (
    checks,
    ease,
    evidence,
    larger,
    left_out,
    reconstruction,
    spectrum,
    timing,
)  # fmt: skip
from mlsci.stages.pae_settings import (
    DENSITIES,
    FEWER,
    MEASURES,
    PROFILES,
    RIVALS,
    SETS,
    SHORT,
    SIZES,
    STRANGERS,
)  # fmt: skip

# Auto-encoders that the benchmark trains itself, all with the networks of the chapter on flows and
# one schedule: the kind, and what its configuration adds.
AUTOENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "short-ae": ("ae", {}),
    "map-ae": ("map", {}),
    "beta-vae": ("annealed-vae", {"beta": 4.0}),
    "full-sigma-vae": ("full-sigma-vae", {}),
    "rae-gp": ("rae", {"latent_weight": 1e-3, "gradient_weight": 1e-3}),
    "rae-sn": ("rae", {"latent_weight": 1e-3, "spectral": True}),
}

# Rows whose evidence is corrected by the complexity of images.
CORRECTED: dict[str, Any] = {
    "run": "mlsci.stages.pae_corrected_runs:benchmark",
    "sources": ("generative/input_complexity.py",),
    "small": False,
}


@dataclass(frozen=True)
class Row:
    """A model of the table.

    Attributes
    ----------
    label
        As the tables of the book name it.
    networks
        Stem of the stage that trained the auto-encoder, or a name in `AUTOENCODERS`; empty for a
        model without one.
    density
        Of its codes, a name in `DENSITIES`, or the stem of the stage that trained a flow of them;
        for a model without codes its kind, see `mlsci.stages.pae_bench_runs.build`.
    seeds
        Of the networks and of the density.
    evidence
        Whether Laplace's evidence is among its outlier scores.
    inputs
        Other stages that it reads.
    small
        Whether the smoke profile has the row, with the first seed.
    run
        What measures it, a function of a stage.
    sources
        What that computes from besides what all rows do.
    """

    label: str
    networks: str
    density: str
    seeds: tuple[int, ...] = (0,)
    evidence: bool = False
    inputs: tuple[str, ...] = ()
    small: bool = True
    run: str = "mlsci.stages.pae_bench_runs:benchmark"
    sources: tuple[str, ...] = ()

    @property
    def short(self) -> bool:
        """Whether its networks are trained here, on fewer images and by the short schedule."""
        return self.networks in AUTOENCODERS or self.density == "vib"

    @property
    def title(self) -> str:
        """The label, and in brackets the epochs of the auto-encoder if there is one."""
        return f"{self.label} [{self.epochs:g}]" if self.epochs else self.label

    @property
    def epochs(self) -> float:
        """Passes over all training images that the auto-encoder has had; 0 without one."""
        if not self.networks:
            return 0
        if not self.short:
            return float(TRAINING["full"]["epochs"])
        return float(SHORT["full"]["epochs"] * FEWER["full"]["train"] / IMAGES["full"]["train"])


ROWS: dict[str, Row] = {
    "pae": Row("PAE", "aeflow/ae-d32", "aeflow/latent-ae-d32", AEFLOW_SEEDS, evidence=True),
    "pae-corrected": Row(
        "PAE", "aeflow/ae-d32", "aeflow/latent-ae-d32", AEFLOW_SEEDS, evidence=True, **CORRECTED
    ),
    "ae-mixture": Row("AE + 50 Gaussians", "aeflow/ae-d32", "mixture", AEFLOW_SEEDS),
    "ae-gaussian": Row("AE + Gaussian", "aeflow/ae-d32", "gaussian", AEFLOW_SEEDS),
    "vae": Row("VAE", "aeflow/vae-d32", "normal", AEFLOW_SEEDS),
    "vae-corrected": Row("VAE", "aeflow/vae-d32", "normal", AEFLOW_SEEDS, **CORRECTED),
    "vae-flow": Row("VAE + quick flow", "aeflow/vae-d32", "flow", AEFLOW_SEEDS),
    "two-stage": Row("two-stage VAE", "aeflow/vae-d32", "second-vae", AEFLOW_SEEDS),
    "map": Row("PAE of the talk, quick flow", "map-ae", "flow", AEFLOW_SEEDS),
    "short": Row("AE, short, + 50 Gaussians", "short-ae", "mixture", AEFLOW_SEEDS),
    "rae-gp": Row("RAE-GP + 50 Gaussians", "rae-gp", "mixture", AEFLOW_SEEDS),
    "rae-sn": Row("RAE-SN + 50 Gaussians", "rae-sn", "mixture", AEFLOW_SEEDS),
    "beta-vae": Row("beta-VAE, annealed", "beta-vae", "normal", AEFLOW_SEEDS),
    "full-sigma": Row("VAE, a width a pixel", "full-sigma-vae", "normal", AEFLOW_SEEDS),
    "vib": Row(
        "information bottleneck",
        "",
        "vib",
        AEFLOW_SEEDS,
        run="mlsci.stages.pae_label_runs:benchmark",
        sources=("generative/vib.py",),
    ),
    "waic": Row(
        "three VAEs",
        "",
        "waic",
        small=False,
        inputs=tuple(f"aeflow/vae-d32-s{seed}" for seed in AEFLOW_SEEDS),
    ),
    "pixel-flow": Row(
        "flow on pixels", "", "pixel-flow", inputs=("aeflow/pixelflow-s0", "pae/background-s0")
    ),
    "pca": Row("probabilistic PCA", "", "pca"),
    "compression": Row("compressed size", "", "compression"),
}


def bench(name: str, row: Row, seed: int) -> Stage:
    """Return the stage that measures a row with one seed."""
    here = row.networks in AUTOENCODERS
    networks = f"{row.networks}-s{seed}" if row.networks and not here else row.networks
    density = f"{row.density}-s{seed}" if "/" in row.density else row.density
    read = ("aeflow/classifier", *(n for n in (networks, density) if "/" in n), *row.inputs)
    kind, model = AUTOENCODERS.get(row.networks, ("", {}))
    return Stage(
        name=f"pae/bench-{name}-s{seed}",
        run=row.run,
        params={
            p: {
                "images": (FEWER if row.short else IMAGES)[p],
                "networks": networks,
                "autoencoder": {
                    "kind": kind,
                    "model": {"latent": 32, **SHAPE[p], **model},
                    "training": SHORT[p],
                }
                if here
                else None,
                "density": density,
                "settings": DENSITIES[p].get(density, {}),
                "evidence": row.evidence,
                "strangers": STRANGERS[p],
                "sizes": SIZES[p],
                "seed": seed,
            }
            for p in (PROFILES if seed == 0 and row.small else ("full",))
        },
        sources=(*RIVALS, *MEASURES, *row.sources),
        datasets=SETS,
        inputs=read,
    )


def background(seed: int) -> Stage:
    """Return the stage that trains the background model of the likelihood ratio."""
    like = next(s for s in AEFLOW if s.name == f"aeflow/pixelflow-s{seed}")
    return Stage(
        name=f"pae/background-s{seed}",
        run="mlsci.stages.pae_bench_runs:train_background",
        params={
            p: {
                "images": (IMAGES if p == "full" else FEWER)[p],
                "model": like.params[p]["model"],
                "training": like.params[p]["training"],
                "share": 0.2,
                "seed": seed,
            }
            for p in PROFILES
        },
        sources=(*NETWORK, "generative/bijectors.py", "generative/likelihood_ratio.py",
                 "generative/pixelflow.py", "generative/transforms.py"),
        datasets=INSIDE,
    )  # fmt: skip


STAGES: tuple[Stage, ...] = (
    evidence(),
    checks(),
    timing(),
    *(reconstruction(seed) for seed in AEFLOW_SEEDS),
    left_out(),
    *(larger(kind) for kind in ("ae", "vae")),
    spectrum(),
    ease(),
    background(0),
    *(bench(name, row, seed) for name, row in ROWS.items() for seed in row.seeds),
)
