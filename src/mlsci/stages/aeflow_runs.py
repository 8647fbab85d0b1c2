"""What the stages of `mlsci.stages.aeflow` compute."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from mlsci import data
from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig
from mlsci.generative.classifier import Classifier, ClassifierConfig
from mlsci.generative.ensemble import FlowEnsemble
from mlsci.generative.flows import Flow, FlowConfig, log_det_error
from mlsci.generative.images import as_images
from mlsci.generative.mixture import fit_mixture
from mlsci.generative.persistence import config_from_dict, round_to_half
from mlsci.generative.pixelflow import PixelFlow, PixelFlowConfig
from mlsci.generative.quality import frechet_distance, neighbourhoods
from mlsci.generative.training import TrainingConfig
from mlsci.generative.vae import VAE, VAEConfig
from mlsci.report import files
from mlsci.report.arrays import write_arrays
from mlsci.report.seal import Job


def images(sizes: dict[str, Any], split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels ``(n, h, w, 1)`` in [0, 1] and labels ``(n,)`` of train, validation or test.

    The validation images are drawn from the data set's training images, the same ones for every
    model.
    """
    source = data.load(sizes["inside"], split="test" if split == "test" else "train")
    order = np.random.default_rng(2020).permutation(len(source.images))
    if split == "test":
        chosen = np.arange(sizes["test"])
    elif split == "validation":
        chosen = order[-sizes["validation"] :]
    else:
        chosen = order[: sizes["train"]]
    return as_images(source.images[chosen]), source.labels[chosen]


def build(kind: str, values: dict[str, Any]) -> AutoEncoder:
    """Return an untrained auto-encoder ("ae") or variational one ("vae")."""
    if kind == "vae":
        return VAE(config_from_dict(VAEConfig, values))
    return AutoEncoder(config_from_dict(AutoEncoderConfig, values))


def train_model(job: Job) -> None:
    """Train an auto-encoder or VAE; keep the weights (as float16), the history, the errors."""
    p = job.params
    model = build(p["kind"], p["model"])
    train, validation, test = (images(p["images"], s)[0] for s in ("train", "validation", "test"))
    history = model.fit(
        train,
        validation,
        config_from_dict(TrainingConfig, p["training"]),
        checkpoint=job.work / "checkpoint.npz",
        log=print,
    )
    round_to_half(model)
    model.save(job.out / "model.npz")
    files.write_json(
        job.out / "metrics.json",
        {
            "history": history.as_dict(),
            "n_parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
            "sigma": model.sigma,
            "error_train": squared_error(model, train[: len(test)]),
            "error_test": squared_error(model, test),
        },
    )


def squared_error(model: AutoEncoder, x: np.ndarray) -> float:
    """Return the mean squared error a pixel of the reconstructions."""
    return float(np.mean(np.square(model.reconstruct(x) - x), dtype=np.float64))


def train_classifier(job: Job) -> None:
    """Train the classifier whose last hidden layer is the feature space of every sample measure."""
    p = job.params
    train, validation, test = (images(p["images"], s) for s in ("train", "validation", "test"))
    model = Classifier(config_from_dict(ClassifierConfig, p["model"]))
    history = model.fit(
        train,
        validation,
        config_from_dict(TrainingConfig, p["training"]),
        checkpoint=job.work / "checkpoint.npz",
        log=print,
    )
    round_to_half(model)
    model.save(job.out / "classifier.npz")
    features = model.features(test[0])
    floor = measures(features, model.features(train[0][: len(test[0])]))
    accuracy = float(np.mean(model.predict(test[0]) == test[1]))
    files.write_json(
        job.out / "metrics.json",
        {"history": history.as_dict(), "accuracy": accuracy, "training_images": floor},
    )


def measures(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    """Return the Frechet distance and the neighbourhood measures between two clouds of features."""
    near = neighbourhoods(real, fake)
    return {
        "frechet": frechet_distance(real, fake),
        "precision": near.precision,
        "recall": near.recall,
        "density": near.density,
        "coverage": near.coverage,
    }


def load_model(kind: str, folder: Any) -> AutoEncoder:
    """Return the trained auto-encoder ("ae") or VAE ("vae") of an artefact."""
    return (VAE if kind == "vae" else AutoEncoder).load(folder / "model.npz")


def fit_latent(job: Job) -> None:
    """Fit densities to the codes of a trained model, sample through them, measure the samples."""
    p = job.params
    model = load_model(p["kind"], job.input(p["of"]))
    classifier = Classifier.load(job.input("aeflow/classifier") / "classifier.npz")
    result, shown = latent_densities(job, model, classifier)
    files.write_json(job.out / "metrics.json", result)
    if job.seed == 0:  # the figures show one seed
        write_arrays(job.out / "shown.npz", shown)


def latent_densities(
    job: Job, model: AutoEncoder, classifier: Classifier
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Fit Gaussian, mixture and flows to a model's codes, and save the flows that are kept.

    Returns numbers, and arrays for figures: draws of codes ``z_<density>`` and images
    ``x_<density>`` of each.
    """
    p, seed = job.params, job.seed
    x = {split: images(p["images"], split)[0] for split in ("train", "validation", "test")}
    codes, noise = encoded(model, x, seed)
    n = len(codes["test"])
    spread = np.broadcast_to(codes["train"].std(0), noise.shape)
    real = classifier.features(x["test"])
    result: dict[str, Any] = {"densities": {}, "samples": {}}
    draws: dict[str, np.ndarray] = {}

    for name, components in p["mixtures"].items():
        with Clock() as clock:
            # The mixture gets one noisy draw of each training code, as the flow does at every step.
            rng = np.random.default_rng([seed, 5])
            noisy = codes["train"] + noise * rng.standard_normal(noise.shape)
            mixture = fit_mixture(noisy, components, seed=seed)
        draws[name] = mixture.sample(n)[0].astype(np.float32)
        result["densities"][name] = {
            split: float(mixture.score(codes[split])) for split in codes
        } | clock.record
    for name, values in p["flows"].items():
        shape = {"dim": model.config.latent, "seed": seed} | values["shape"]
        flow = Flow(config_from_dict(FlowConfig, shape))
        with Clock() as clock:
            history = flow.fit(
                codes["train"],
                codes["validation"],
                config_from_dict(TrainingConfig, values["training"] | {"seed": seed}),
                noise=noise if isinstance(model, VAE) else p["jitter"] * spread,
                dropout=values.get("dropout", 0.0),
                checkpoint=job.work / f"{name}.npz",
                log=print,
            )
        round_to_half(flow)
        if name in p["keep"]:
            flow.save(job.out / f"{name}.npz")
        draws[name] = flow.sample(n, seed=seed)
        result["densities"][name] = (
            {split: float(flow.log_prob(codes[split]).mean(dtype=np.float64)) for split in codes}
            | clock.record
            | {"best_epoch": history.best_epoch, "history": history.validation}
            | {"log_det_error": log_det_error(flow, codes["test"][:200])}
        )
    draws["codes"] = codes["test"]  # reconstructions; for a VAE, from the aggregated posterior
    if isinstance(model, VAE):
        rng = np.random.default_rng([seed, 6])
        draws["prior"] = rng.standard_normal(codes["test"].shape).astype(np.float32)
        result["kl"] = model.kl(x["test"]).mean(0, dtype=np.float64).tolist()
    for name, z in draws.items():
        result["samples"][name] = measures(real, classifier.features(model.decode(z)))
        print(name, result["samples"][name], result["densities"].get(name), flush=True)
    shown = {f"z_{k}": z[:2000].astype(np.float16) for k, z in draws.items()}
    shown |= {f"x_{k}": as_bytes(model.decode(z[:100])) for k, z in draws.items()}
    shown["x_test"] = as_bytes(x["test"][:100])
    return result, shown


def fit_ensemble(job: Job) -> None:
    """Fit further flows, with other weights and orders of the coordinates; measure the average.

    Keeps numbers, no weights.
    """
    p, seed = job.params, job.seed
    model = load_model("ae", job.input(p["of"]))
    x = {split: images(p["images"], split)[0] for split in ("train", "validation", "test")}
    codes = {split: model.encode(values) for split, values in x.items()}
    noise = np.broadcast_to(p["jitter"] * codes["train"].std(0), codes["train"].shape)
    members = [Flow.load(job.input(p["first"]) / "mixture_flow.npz")]
    with Clock() as clock:
        for k in range(1, p["members"]):
            shape = {"dim": model.config.latent, "seed": seed + 1000 * k} | p["shape"]
            flow = Flow(config_from_dict(FlowConfig, shape))
            flow.fit(
                codes["train"],
                codes["validation"],
                config_from_dict(TrainingConfig, p["training"] | {"seed": shape["seed"]}),
                noise=noise,
                dropout=p["dropout"],
                checkpoint=job.work / f"member-{k}.npz",
                log=print,
            )
            members.append(flow)
    ensemble = FlowEnsemble(members)
    classifier = Classifier.load(job.input("aeflow/classifier") / "classifier.npz")
    real = classifier.features(x["test"])
    sets = []
    for k in range(p["sets"]):
        z = ensemble.sample(len(real), seed=1000 * seed + k + 1)
        sets.append(measures(real, classifier.features(model.decode(z))))
    each = [float(flow.log_prob(codes["test"]).mean(dtype=np.float64)) for flow in members]
    result = {
        "members": each,
        "test": float(ensemble.log_prob(codes["test"]).mean(dtype=np.float64)),
        "sets": {name: [found[name] for found in sets] for name in sets[0]},
        "added": clock.record,
    }
    print(result, flush=True)
    files.write_json(job.out / "metrics.json", result)


def repeat_samples(job: Job) -> None:
    """Measure several independent sets of samples of the mixture and of the flow of AE codes.

    One set of ten thousand leaves a tenth of noise in a Frechet distance near its floor.
    """
    p, seed = job.params, job.seed
    model = load_model("ae", job.input(p["of"]))
    classifier = Classifier.load(job.input("aeflow/classifier") / "classifier.npz")
    x_test = images(p["images"], "test")[0]
    real = classifier.features(x_test)
    codes = model.encode(images(p["images"], "train")[0])
    mixture = fit_mixture(codes, p["components"], seed=seed)
    mixture.set_params(random_state=np.random.RandomState(seed + 1))  # draws go on, set by set
    flow = Flow.load(job.input(p["flow"]) / "mixture_flow.npz")
    found: dict[str, list[float]] = {"mixture": [], "mixture_flow": []}
    for k in range(p["sets"]):
        draws = {
            "mixture": mixture.sample(len(real))[0].astype(np.float32),
            "mixture_flow": flow.sample(len(real), seed=1000 * seed + k + 1),
        }
        for name, z in draws.items():
            fake = classifier.features(model.decode(z))
            found[name].append(frechet_distance(real, fake))
        print({name: values[-1] for name, values in found.items()}, flush=True)
    floor = frechet_distance(real, classifier.features(model.reconstruct(x_test)))
    files.write_json(job.out / "metrics.json", {"frechet": found, "floor": floor})


def encoded(
    model: AutoEncoder, x: dict[str, np.ndarray], seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return codes of each split, and the width of the noise that the training codes still lack.

    For a VAE the training codes are the means of q(z|x) and the noise its width; validation and
    test codes are draws from q(z|x), that is, from the aggregated posterior.
    """
    if not isinstance(model, VAE):
        codes = {split: model.encode(values) for split, values in x.items()}
        return codes, np.zeros_like(codes["train"])
    mean, width = model.posterior(x["train"])
    codes = {"train": mean}
    for k, split in enumerate(("validation", "test")):
        codes[split] = model.sample_posterior(x[split], seed=1000 * seed + k)
    return codes, width


def sweep(job: Job) -> None:
    """Train one model, then do all that `fit_latent` does.

    Keeps numbers, no weights.
    """
    p = job.params
    model = build(p["kind"], p["model"])
    x = {split: images(p["images"], split)[0] for split in ("train", "validation", "test")}
    history = model.fit(
        x["train"],
        x["validation"],
        config_from_dict(TrainingConfig, p["model_training"]),
        checkpoint=job.work / "checkpoint.npz",
        log=print,
    )
    classifier = Classifier.load(job.input("aeflow/classifier") / "classifier.npz")
    result, _ = latent_densities(job, model, classifier)
    result["error_test"] = squared_error(model, x["test"])
    result["history"] = history.as_dict()
    files.write_json(job.out / "metrics.json", result)


def train_pixel_flow(job: Job) -> None:
    """Train a flow on pixels; keep the weights of the first seed, samples and likelihoods."""
    p = job.params
    train, validation, test = (images(p["images"], s)[0] for s in ("train", "validation", "test"))
    flow = PixelFlow(config_from_dict(PixelFlowConfig, p["model"]))
    history = flow.fit(
        train,
        validation,
        config_from_dict(TrainingConfig, p["training"]),
        checkpoint=job.work / "checkpoint.npz",
        log=print,
    )
    round_to_half(flow)
    if job.seed == 0:
        flow.save(job.out / "flow.npz")
    bits = float(-flow.log_prob(test).mean(dtype=np.float64) / (flow.n_pixels * np.log(2)))
    classifier = Classifier.load(job.input("aeflow/classifier") / "classifier.npz")
    samples = flow.sample(len(test), seed=job.seed)
    quality = measures(classifier.features(test), classifier.features(samples))
    write_arrays(
        job.out / "shown.npz",
        {
            "inside": flow.log_prob(test).astype(np.float32),
            "outside": flow.log_prob(foreign(p["images"])).astype(np.float32),
            "x_samples": as_bytes(samples[:100]),
        },
    )
    files.write_json(
        job.out / "metrics.json",
        {
            "history": history.as_dict(),
            "bits_per_pixel": bits,
            "samples": quality,
            "n_parameters": sum(int(np.prod(v.shape)) for v in flow.trainable_variables),
        },
    )


def score_outliers(job: Job) -> None:
    """Score the test images and foreign images with the models of one seed.

    Higher scores are for images that a model finds more typical.
    """
    p = job.params
    vae = VAE.load(job.input(f"aeflow/vae-d32-s{job.seed}") / "model.npz")
    ae = AutoEncoder.load(job.input(f"aeflow/ae-d32-s{job.seed}") / "model.npz")
    flow = Flow.load(job.input(f"aeflow/latent-ae-d32-s{job.seed}") / "mixture_flow.npz")
    sets = {"inside": images(p["images"], "test")[0], "outside": foreign(p["images"])}
    scores: dict[str, np.ndarray] = {}
    for name, x in sets.items():
        z = ae.encode(x)
        values = {
            "elbo": vae.elbo(x, samples=4),
            "vae_importance": vae.log_prob_importance(x, samples=p["importance_samples"]),
            "vae_sharpness": -np.square(vae.reconstruct(x) - x).sum((1, 2, 3)),
            "ae_error": -np.square(ae.decode(z) - x).sum((1, 2, 3)),
            "flow_latent": flow.log_prob(z),
        }
        scores |= {f"{key}_{name}": v.astype(np.float32) for key, v in values.items()}
        scores[f"x_{name}"] = as_bytes(x[:50])
    write_arrays(job.out / "scores.npz", scores)


def foreign(sizes: dict[str, Any]) -> np.ndarray:
    """Return test images that the models never saw, ``(n, h, w, 1)``.

    They are enlarged by a whole factor, and padded, to the size of the models' images.
    """
    source = data.load(sizes["outside"], split="test")
    x = as_images(source.images[: sizes["test"]])
    inside = data.load(sizes["inside"], split="test").images.shape[1:]
    factor = inside[0] // x.shape[1]
    x = np.repeat(np.repeat(x, factor, 1), factor, 2)
    rows, columns = (a - b for a, b in zip(inside, x.shape[1:3]))
    margins = ((0, 0), (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
    return np.pad(x, (*margins, (0, 0)))


class Clock:
    """Wall and CPU seconds of a `with` block, in `record`."""

    def __enter__(self) -> Clock:
        self._start = (time.perf_counter(), time.process_time())
        return self

    def __exit__(self, *exception: object) -> None:
        wall, cpu = time.perf_counter() - self._start[0], time.process_time() - self._start[1]
        self.record = {"wall_seconds": wall, "cpu_seconds": cpu}


def as_bytes(x: np.ndarray) -> np.ndarray:
    """Return images in [0, 1] ``(n, h, w, 1)`` as uint8 ``(n, h, w)``."""
    return np.round(255 * np.clip(x[..., 0], 0, 1)).astype(np.uint8)
