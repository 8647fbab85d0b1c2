"""What the stages of `mlsci.stages.deepuq` compute: the model, and what is done to images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from mlsci.generative.batches import compiled, in_batches
from mlsci.generative.flows import Flow, FlowConfig, log_det_error
from mlsci.generative.persistence import config_from_dict, round_to_half
from mlsci.generative.training import TrainingConfig, fit
from mlsci.reconstruction.corruption import Corruption, published
from mlsci.reconstruction.decoder import Decoder, DecoderConfig
from mlsci.reconstruction.model import BaseDecoder
from mlsci.reconstruction.residual import Residual
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import Clock, images

BLUR_NOISE = 0.01
WHITE = 0.1  # width of the model's error in the data, as published
CHUNK = 50  # data that are sampled at once


def train_model(job: Job) -> None:
    """Train a VAE, then the flow of its codes; keep decoder, flow, and the error of the model.

    The flow is fitted to the aggregated posterior, each code drawn afresh at every step: its map
    is then smooth on the scale of a code's own uncertainty, and so are posteriors in its base. The
    error is measured on three quarters of the validation images; the others are left for
    `mlsci.stages.deepuq_checks` to calibrate on.
    """
    p = job.params
    x = {s: images(p["images"], s)[0] for s in ("train", "validation", "test")}
    flat = {s: v.reshape(len(v), -1) for s, v in x.items()}
    config = config_from_dict(DecoderConfig, {"seed": job.seed} | p["decoder"])
    decoder = Decoder(config)
    encoder = decoder.encoder(p["encoder"])

    def loss(batch: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        mean, log_std = tf.split(encoder(batch), 2, axis=1)
        z = mean + tf.exp(log_std) * tf.random.stateless_normal(tf.shape(mean), seed)
        kl = tf.reduce_sum(0.5 * (mean**2 + tf.exp(2 * log_std) - 1) - log_std, 1)
        squared = tf.reduce_sum(tf.square(decoder.network(z) - batch), 1)
        return tf.reduce_mean(kl + 0.5 * squared / p["sigma"] ** 2)

    with Clock() as clock:
        history = fit(
            loss,
            [*encoder.trainable_variables, *decoder.trainable_variables],
            [flat["train"]],
            [flat["validation"]],
            config_from_dict(TrainingConfig, p["training"]),
            checkpoint=job.work / "networks.npz",
            log=print,
        )
    round_to_half(decoder)
    encoded = {s: np.split(in_batches(compiled(encoder), v), 2, 1) for s, v in flat.items()}
    codes = {s: mean for s, (mean, _) in encoded.items()}
    shape = {"dim": config.latent, "seed": job.seed} | p["flow"]
    flow = Flow(config_from_dict(FlowConfig, shape))
    with Clock() as flow_clock:
        flow_history = flow.fit(
            codes["train"],
            codes["validation"],
            config_from_dict(TrainingConfig, p["flow_training"]),
            noise=np.exp(encoded["train"][1]),
            checkpoint=job.work / "flow.npz",
            log=print,
        )
    round_to_half(flow)
    decoder.save(job.out / "decoder.npz")
    flow.save(job.out / "flow.npz")
    error = {s: x[s] - in_batches(compiled(decoder), codes[s]) for s in x}
    residual = Residual.measured(error["validation"][: 3 * len(x["validation"]) // 4], p["rank"])
    arrays = {"sigma": residual.sigma, "factors": residual.factors}
    write_arrays(job.out / "residual.npz", {k: v.astype(np.float16) for k, v in arrays.items()})
    mean = x["train"].mean(0, dtype=np.float64)
    files.write_json(
        job.out / "metrics.json",
        {
            "history": history.validation,
            "flow_history": flow_history.validation,
            "networks": clock.record,
            "flow": flow_clock.record,
            "error": {s: float(np.square(e).mean(dtype=np.float64)) for s, e in error.items()},
            "variance": float(np.square(x["test"] - mean).mean(dtype=np.float64)),
            "log_prob": {s: float(flow.log_prob(z).mean(dtype=np.float64))
                         for s, z in codes.items()},
            "log_det_error": log_det_error(flow, codes["test"][:200]),
        },
    )  # fmt: skip


def load_model(folder: Path) -> tuple[BaseDecoder, Residual]:
    """Return the model of the artefact ``deepuq/model``, and its measured error."""
    decoder, flow = Decoder.load(folder / "decoder.npz"), Flow.load(folder / "flow.npz")
    with np.load(folder / "residual.npz") as stored:
        arrays: dict[str, Any] = {k: stored[k].astype(np.float64) for k in ("sigma", "factors")}
    return BaseDecoder.of(decoder, flow, decoder.config.image), Residual(**arrays)


def corruptions(image: tuple[int, ...]) -> dict[str, Corruption]:
    """Return the published corruptions by the last part of a stage's name, the blur with noise.

    A blur without any noise would make every frequency of the image known.
    """
    found = {name.replace(" ", "-"): one for name, one in published(image).items()}
    return found | {"blur": Corruption(found["blur"].operator, BLUR_NOISE)}


def hidden_pixels(corruption: Corruption, image: tuple[int, ...]) -> np.ndarray:
    """Return the pixels of which the data hold no clean value; all where none is merely hidden."""
    hidden = ~corruption.observed(image)
    return hidden if hidden.any() else np.ones(image, bool)
