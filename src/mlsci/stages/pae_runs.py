"""What the stages of `mlsci.stages.pae` compute, but for the table of `pae_bench_runs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlsci.generative.annealing import AnnealingConfig, annealed_evidence
from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig
from mlsci.generative.classifier import Classifier
from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.laplace import importance_evidence
from mlsci.generative.pae import PAE
from mlsci.generative.pca import ProbabilisticPCA
from mlsci.generative.persistence import config_from_dict, round_to_half
from mlsci.generative.quality import frechet_distance
from mlsci.generative.training import TrainingConfig, TrainingFailedError
from mlsci.generative.vae import VAE, VAEConfig
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import Clock, as_bytes, images, squared_error

# The kind of networks that a stage trained, by the part of its name between "/" and "-s".
NETWORKS: dict[str, type[AutoEncoder]] = {
    "ae-d32": AutoEncoder,
    "vae-d32": VAE,
}


def splits(sizes: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the images ``(n, h, w, 1)`` of training, validation and test."""
    return {split: images(sizes, split)[0] for split in ("train", "validation", "test")}


def latent_spectrum(job: Job) -> None:
    """Measure the singular values of codes, and the error of principal components by number."""
    p, x = job.params, splits(job.params["images"])
    result: dict[str, Any] = {"singular": {}, "pca_error": {}}
    for name in job.stage.inputs:
        kind = NETWORKS[name.partition("/")[2].rpartition("-s")[0]]
        codes = kind.load(job.input(name) / "model.npz").encode(x["test"]).astype(np.float64)
        singular = np.linalg.svd(codes - codes.mean(0), compute_uv=False) / np.sqrt(len(codes))
        result["singular"][name.partition("/")[2]] = singular.tolist()
    for latent in p["sizes"]:
        model = ProbabilisticPCA(latent)
        model.fit(x["train"])
        error = np.mean(np.square(model.reconstruct(x["test"]) - x["test"]))
        result["pca_error"][str(latent)] = float(error)
    files.write_json(job.out / "metrics.json", result)


def train_again_and_again(job: Job) -> None:
    """Train small models of two kinds from several seeds and at several rates; count failures."""
    p, x = job.params, splits(job.params["images"])
    classifier = Classifier.load(job.input("aeflow/classifier") / "classifier.npz")
    real = classifier.features(x["test"])
    runs = []
    for kind in ("PAE", "VAE"):
        for rate in p["rates"]:
            for seed in p["seeds"]:
                run: dict[str, Any] = {"kind": kind, "rate": rate, "seed": seed, "failed": False}
                try:
                    if kind == "VAE":
                        model = small_vae(p, x, rate, seed)
                        drawn = model.sample(len(x["test"]), seed=seed)
                    else:
                        model, flow, run["mixture_failed"] = small_pae(p, x, rate, seed)
                        drawn = model.decode(flow.sample(len(x["test"]), seed=seed))
                    run["error"] = squared_error(model, x["test"])
                    run["frechet"] = frechet_distance(real, classifier.features(drawn))
                except (TrainingFailedError, ValueError) as failure:
                    run |= {"failed": True, "why": str(failure)}
                print(run, flush=True)
                runs.append(run)
    files.write_json(job.out / "metrics.json", {"runs": runs})


def small_vae(p: Mapping[str, Any], x: dict[str, np.ndarray], rate: float, seed: int) -> VAE:
    """Return a VAE trained on few images."""
    model = VAE(config_from_dict(VAEConfig, {**p["model"], "seed": seed}))
    training = config_from_dict(TrainingConfig, {**p["training"], "rate": rate, "seed": seed})
    model.fit(x["train"][: p["train"]], x["validation"], training)
    return model


def small_pae(
    p: Mapping[str, Any], x: dict[str, np.ndarray], rate: float, seed: int
) -> tuple[AutoEncoder, Flow, bool]:
    """Return an auto-encoder trained on few images, and the flow of its codes.

    Also returns whether a flow with a mixture as its base, trained alike, failed to surpass the
    mixture that it starts from.
    """
    train, validation = x["train"][: p["train"]], x["validation"]
    model = AutoEncoder(config_from_dict(AutoEncoderConfig, {**p["model"], "seed": seed}))
    training = config_from_dict(TrainingConfig, {**p["training"], "rate": rate, "seed": seed})
    model.fit(train, validation, training)
    # The rate is varied in both steps alike.
    scaled = p["flow"]["rate"] * rate / float(np.median(p["rates"]))
    schedule = config_from_dict(TrainingConfig, {**p["flow"], "rate": scaled, "seed": seed})
    shape = {"dim": model.config.latent, "seed": seed, **p["shape"]}
    flow = Flow(config_from_dict(FlowConfig, shape))
    PAE(model, flow).fit_flow(train, validation, schedule)
    other = Flow(config_from_dict(FlowConfig, {**shape, "components": p["mixture"]}))
    try:
        PAE(model, other).fit_flow(train, validation, schedule)
    except TrainingFailedError as failure:
        print(failure, flush=True)
        return model, flow, True
    return model, flow, False


def compare_evidence(job: Job) -> None:
    """Train a small probabilistic auto-encoder; estimate ln p(x) of test images in three ways."""
    p, x = job.params, splits(job.params["images"])
    shape = x["train"].shape[1:]
    pae = PAE.for_shape(
        shape,
        latent=p["latent"],
        variant="map",
        channels=tuple(p["channels"]),
        layers=p["layers"],
        seed=job.seed,
    )
    histories = pae.fit(
        x["train"],
        x["validation"],
        autoencoder=config_from_dict(TrainingConfig, p["autoencoder"]),
        flow=config_from_dict(TrainingConfig, p["flow"]),
        checkpoints=job.work,
        log=print,
    )
    round_to_half(pae.autoencoder)
    round_to_half(pae.flow)
    pae.measure_noise(x["validation"])
    pae.save(job.out / "pae")
    pae.laplace(x["test"][:1])  # compiled before the clock starts
    with Clock() as clock:
        timed = pae.laplace(x["test"][: p["timed"]])
    print(f"Laplace: {clock.record}", flush=True)
    few = x["test"][: p["compared"]]
    found, model = pae.laplace(few), pae.latent_model()
    sampled, effective = importance_evidence(model, few, found, samples=p["samples"], seed=job.seed)
    with Clock() as annealing_clock:
        annealed = annealed_evidence(
            model,
            few,
            lambda n, seed: pae.flow.sample(n, seed=seed),
            found.precision,
            AnnealingConfig(**p["annealing"], seed=job.seed),
        )
    arrays = {
        "laplace": found.log_evidence,
        "laplace_likelihood": found.log_likelihood,
        "laplace_prior": found.log_prior,
        "laplace_volume": found.log_volume,
        "importance": sampled,
        "importance_effective": effective,
        "annealed": annealed.log_evidence,
        "annealed_spread": annealed.spread,
        "annealed_effective": annealed.effective,
        "accepted": annealed.accepted,
        "decrement": timed.decrement,
        "evidence": timed.log_evidence,
    }
    write_arrays(job.out / "evidence.npz", {k: v.astype(np.float32) for k, v in arrays.items()})
    shown = {"x_test": as_bytes(few[:32]), "x_reconstructed": as_bytes(pae.reconstruct(few[:32]))}
    shown["x_samples"] = as_bytes(pae.sample(64, seed=job.seed))
    shown["sigma"] = pae.sigma[..., 0].astype(np.float32)
    write_arrays(job.out / "shown.npz", shown)
    files.write_json(
        job.out / "metrics.json",
        {
            "histories": [h.as_dict() for h in histories],
            "error_test": float(np.mean(np.square(pae.reconstruct(x["test"]) - x["test"]))),
            "laplace_seconds": clock.record,
            "laplace_images": len(timed.z),
            "annealing_seconds": annealing_clock.record,
            "rank": np.bincount(timed.rank, minlength=p["latent"] + 1).tolist(),
        },
    )
