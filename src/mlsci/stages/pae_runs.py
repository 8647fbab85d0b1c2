"""What the stages of `mlsci.stages.pae` compute, but for the table of `pae_bench_runs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from mlsci.generative.annealing import (
    AnnealingConfig,
    annealed_evidence,
    annealed_from_gaussian,
)
from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig
from mlsci.generative.classifier import Classifier
from mlsci.generative.factor_analysis import FactorAnalysis
from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.laplace import LaplaceExpansion, importance_evidence
from mlsci.generative.outliers import auroc
from mlsci.generative.pae import PAE
from mlsci.generative.pca import ProbabilisticPCA
from mlsci.generative.persistence import config_from_dict, round_to_half
from mlsci.generative.quality import frechet_distance
from mlsci.generative.reconstruction_scores import reconstruction_scores
from mlsci.generative.shortcuts import joint_with_floor, volume_from_summed_gradients
from mlsci.generative.training import TrainingConfig, TrainingFailedError
from mlsci.generative.vae import VAE, VAEConfig
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job
from mlsci.stages.aeflow_runs import Clock, as_bytes, foreign, images, squared_error

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
    """Train a small probabilistic auto-encoder; estimate ln p(x) of test images in four ways."""
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
        annealed = annealed_from_gaussian(
            model,
            few,
            found.z,
            found.precision,
            AnnealingConfig(**p["annealing"], seed=job.seed),
        )
    print(f"annealing: {annealing_clock.record}", flush=True)
    from_prior = annealed_evidence(
        model,
        few,
        lambda n, seed: pae.flow.sample(n, seed=seed),
        found.precision,
        AnnealingConfig(**p["annealing_from_prior"], seed=job.seed),
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
        "from_prior": from_prior.log_evidence,
        "from_prior_spread": from_prior.spread,
        "first_decrement": found.decrement,
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


def time_evidence(job: Job) -> None:
    """Measure how long Laplace's evidence takes with the networks and the flow of the table."""
    p = job.params
    validation, test = (images(p["images"], s)[0] for s in ("validation", "test"))
    pae = PAE(
        AutoEncoder.load(job.input("aeflow/ae-d32-s0") / "model.npz"),
        Flow.load(job.input("aeflow/latent-ae-d32-s0") / "mixture_flow.npz"),
    )
    pae.measure_noise(validation)
    with Clock() as compilation:
        pae.laplace(test[: p["batch"]])
    with Clock() as clock:
        found = pae.laplace(test[: p["timed"]])
    result = {
        "laplace_seconds": clock.record,
        "laplace_images": len(found.z),
        "compilation_seconds": compilation.record,
        "decrement": float(np.median(found.decrement)),
        "rank": np.bincount(found.rank, minlength=pae.latent + 1).tolist(),
    }
    print(result, flush=True)
    files.write_json(job.out / "metrics.json", result)


def check_short_cuts(job: Job) -> None:
    """Measure what short cuts to the evidence cost, and how exact it is where it is known."""
    p = job.params
    validation, test = (images(p["images"], s)[0] for s in ("validation", "test"))
    known = FactorAnalysis.random(8, 100, seed=job.seed)
    x = known.sample(p["known"], seed=job.seed)
    found = LaplaceExpansion(known.latent_model())(x, np.zeros((len(x), 8)))
    result: dict[str, Any] = {
        "linear_error": float(np.abs(found.log_evidence - known.log_evidence(x)).max())
    }
    pae = PAE.load(job.input("pae/evidence") / "pae")
    sets = {name: x[: p["scored"]] for name, x in outsiders(p, test, job.seed).items()}
    scores = {name: evidence_scores(pae, x, p["floor"]) for name, x in sets.items()}
    familiar = scores.pop("familiar")
    result["rank"] = float(familiar.pop("rank").mean())
    result["full_rank"] = float(familiar.pop("full_rank").mean())
    result["auroc"] = {
        score: {name: auroc(values, scores[name][score]) for name in scores}
        for score, values in familiar.items()
    }
    short = familiar["volume from summed gradients"] - familiar["volume"]
    result["volume_error"] = {"median": float(np.median(short)), "spread": float(short.std())}
    result["floor_is_prior"] = float(
        spearmanr(familiar["ln p(x|z) + ln p(z), floor"], familiar["ln p(z)"])[0]
    )
    result["joint_is_prior"] = float(
        spearmanr(familiar["ln p(x|z) + ln p(z)"], familiar["ln p(z)"])[0]
    )
    # The width of the noise, once as it should be and once from the images that are scored.
    few = test[: len(validation)]
    right = pae.log_prob(few)
    pae.measure_noise(few)
    result["leak"] = float((pae.log_prob(few) - right).mean())
    print(result, flush=True)
    files.write_json(job.out / "metrics.json", result)


def score_reconstructions(job: Job) -> None:
    """Measure the AUROC of an auto-encoder's reconstruction by each meaning of the word."""
    p = job.params
    ae = AutoEncoder.load(job.input(f"aeflow/ae-d32-s{job.seed}") / "model.npz")
    validation, test = (images(p["images"], s)[0] for s in ("validation", "test"))
    sigma = np.sqrt(np.square(ae.reconstruct(validation) - validation).mean(0) + 1e-6)
    scores = {
        name: reconstruction_scores(x, ae.reconstruct(x), sigma)
        for name, x in outsiders(p, test, job.seed).items()
    }
    familiar = scores.pop("familiar")
    found = {
        meaning: {name: auroc(values, scores[name][meaning]) for name in scores}
        for meaning, values in familiar.items()
    }
    files.write_json(job.out / "metrics.json", {"auroc": found})


def evidence_scores(pae: PAE, x: np.ndarray, floor: float) -> dict[str, np.ndarray]:
    """Return scores ``(n,)`` by name: the evidence, its parts, and short cuts to it."""
    model, found = pae.latent_model(), pae.laplace(x)
    z = pae.encode(x)
    volume, rank = volume_from_summed_gradients(model, found)
    joint = found.log_likelihood + found.log_prior
    return {
        "ln p(z)": pae.log_prob_latent(x),
        "ln p(x|z) + ln p(z), floor": joint_with_floor(model, x, z, floor),
        "ln p(x|z) + ln p(z)": joint,
        "Laplace evidence": found.log_evidence,
        "Laplace, summed gradients": joint + volume,
        "volume": found.log_volume,
        "volume from summed gradients": volume,
        "rank": rank,
        "full_rank": (found.rank == pae.latent).astype(float),
    }


def outsiders(p: Mapping[str, Any], test: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Return the familiar test images, under "familiar", and sets of foreign ones."""
    rng = np.random.default_rng([seed, 13])
    noise = rng.uniform(size=test.shape).astype(np.float32)
    sets = {"familiar": test}
    for name, source in p["strangers"].items():
        sets[name] = foreign({**p["images"], "outside": source})
    return sets | {
        "flipped left-right": test[:, :, ::-1],
        "flipped upside down": test[:, ::-1],
        "noise": noise,
    }
