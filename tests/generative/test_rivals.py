"""Every model of the benchmark keeps the promises of its interface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig
from mlsci.generative.code_densities import DENSITIES
from mlsci.generative.pixelflow import PixelFlow, PixelFlowConfig
from mlsci.generative.rae import RAEConfig, RegularisedAutoEncoder
from mlsci.generative.rivals import (
    AutoEncoderWithDensity,
    Compression,
    PCARival,
    PixelFlowRival,
    Rival,
    VAEEnsemble,
)
from mlsci.generative.training import TrainingConfig
from mlsci.generative.vae import VAE, VAEConfig
from mlsci.generative.vae_variants import AnnealedVAE, FullSigmaVAE

SHAPE = {"latent": 2, "image": (8, 8, 1), "channels": (4, 4)}
QUICK = {"epochs": 2, "batch": 32, "rate": 3e-3, "warmup": 5, "average": 0.9}
SETTINGS = {
    "normal": {},
    "mixture": {"components": 3},
    "flow": {"shape": {"layers": 2, "hidden": (8,)}, "training": {**QUICK, "epochs": 6}},
    "second-vae": {"hidden": (8,), "training": QUICK},
}


def images(n: int, seed: int) -> np.ndarray:
    """Smooth bumps of random place."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(1, 6, (n, 2, 1, 1))
    y, x = np.mgrid[:8, :8]
    bump = np.exp(-0.3 * ((y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2))
    return bump[..., None].astype(np.float32)


def check(model: Rival, tmp_path: Path, *, samples: bool = True, codes: bool = True) -> None:
    train, validation, test = images(200, 0), images(40, 1), images(20, 2)
    model.fit(train, validation, work=tmp_path, seed=0)
    drawn = model.sample(7, seed=1)
    assert (drawn is not None) == samples
    if drawn is not None:
        assert drawn.shape == (7, 8, 8, 1)
        np.testing.assert_array_equal(drawn, model.sample(7, seed=1))
        again = model.sample(7, seed=2)
        assert again is not None
        assert not np.allclose(drawn, again)
    reconstructed = model.reconstruct(test)
    assert (reconstructed is not None) == codes
    for found in (model.scores(test), model.costly_scores(test)):
        for name, score in found.items():
            assert score.shape == (20,), name
            assert np.isfinite(score).all(), name
    assert model.scores(test) or model.costly_scores(test)


@pytest.mark.slow
@pytest.mark.parametrize("density", sorted(DENSITIES))
@pytest.mark.parametrize("kind", [AutoEncoder, VAE])
def test_auto_encoder_with_each_density(
    kind: type[AutoEncoder], density: str, tmp_path: Path
) -> None:
    networks = kind(kind.config_type(**SHAPE))
    fitted = DENSITIES[density](2, SETTINGS[density], 0)
    check(AutoEncoderWithDensity(networks, fitted, evidence=density == "flow"), tmp_path)


def test_evidence_needs_a_flow() -> None:
    networks = AutoEncoder(AutoEncoderConfig(**SHAPE))
    with pytest.raises(ValueError, match="needs a flow"):
        AutoEncoderWithDensity(networks, DENSITIES["normal"](2, {}, 0), evidence=True)


def test_models_without_networks(tmp_path: Path) -> None:
    check(PCARival(2), tmp_path)
    check(Compression(), tmp_path, samples=False, codes=False)


@pytest.mark.slow
def test_waic_falls_where_models_disagree(tmp_path: Path) -> None:
    members = [VAE(VAEConfig(**SHAPE, seed=seed)) for seed in (0, 1)]
    check(VAEEnsemble(members), tmp_path, samples=False, codes=False)
    x = images(5, 3)
    alone = members[0].log_prob_importance(x, samples=16)
    agreed = VAEEnsemble([members[0], members[0]]).costly_scores(x)["WAIC"]
    np.testing.assert_allclose(agreed, alone, rtol=1e-6)
    members[1].decoder.conv2.b.assign(members[1].decoder.conv2.b + 1)
    assert (VAEEnsemble(members).costly_scores(x)["WAIC"] < agreed).all()
    with pytest.raises(ValueError, match="two models"):
        VAEEnsemble(members[:1])


@pytest.mark.slow
def test_pixel_flow_and_its_corrections(tmp_path: Path) -> None:
    flow = PixelFlow(PixelFlowConfig(image=(8, 8, 1), couplings=(2, 2), channels=(4, 4)))
    model = PixelFlowRival(flow, flow)
    check(model, tmp_path, codes=False)
    scores = model.scores(images(5, 3))
    np.testing.assert_allclose(scores["likelihood ratio"], 0, atol=1e-6)
    assert (scores["typicality"] <= 0).all()


@pytest.mark.slow
def test_full_sigma_is_learned_pixel_by_pixel(tmp_path: Path) -> None:
    model = FullSigmaVAE(VAEConfig(**SHAPE))
    x = images(200, 0)
    before = model.log_sigma.numpy()
    model.fit(x, images(40, 1), TrainingConfig(**QUICK))
    assert np.ptp(model.log_sigma.numpy() - before) > 0
    assert model.elbo(x[:5]).shape == (5,)
    model.save(tmp_path / "model.npz")
    again = FullSigmaVAE.load(tmp_path / "model.npz")
    np.testing.assert_allclose(
        again.log_likelihood(x[:5], model.encode(x[:5])),
        model.log_likelihood(x[:5], model.encode(x[:5])),
        rtol=1e-5,
    )
    # The loss is minus the bound a pixel.
    one_sigma = FullSigmaVAE(VAEConfig(**SHAPE))
    plain = VAE(VAEConfig(**SHAPE))
    seed = tf.constant([1, 2])
    assert one_sigma.loss(x[:5], seed).numpy() == pytest.approx(plain.loss(x[:5], seed).numpy())


@pytest.mark.slow
def test_annealing_ends_at_the_whole_beta(tmp_path: Path) -> None:
    model = AnnealedVAE(VAEConfig(**SHAPE, beta=3.0))
    plain = VAE(VAEConfig(**SHAPE, beta=3.0))
    x, seed = images(6, 0), tf.constant([1, 2])
    assert model.loss(x, seed).numpy() == pytest.approx(plain.loss(x, seed).numpy(), rel=1e-5)
    config = TrainingConfig(**{**QUICK, "epochs": 4})
    history = model.fit(images(64, 1), x, config, checkpoint=tmp_path / "c.npz")
    assert model.weight.numpy() == 3
    assert len(history.train) == 2
    with pytest.raises(ValueError, match="annealing takes"):
        model.fit(images(64, 1), x, TrainingConfig(**QUICK))


def test_spectral_layers_do_not_stretch(tmp_path: Path) -> None:
    model = RegularisedAutoEncoder(RAEConfig(**SHAPE, spectral=True))
    layer = model.decoder.dense.last
    plain = layer.w
    plain.assign(100 * plain)
    z = np.random.default_rng(0).standard_normal((2, 50, 2)).astype(np.float32)
    change = np.linalg.norm((model.decode(z[0]) - model.decode(z[1])).reshape(50, -1), axis=1)
    assert (change <= 8 * np.linalg.norm(z[0] - z[1], axis=1)).all()
    assert layer.w is plain  # what is trained and saved are the weights themselves
    model.save(tmp_path / "model.npz")
    again = RegularisedAutoEncoder.load(tmp_path / "model.npz")
    np.testing.assert_allclose(again.decode(z[0]), model.decode(z[0]), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [{"gradient_weight": 0.1}, {"spectral": True}])
def test_regularised_auto_encoders_learn(penalty: dict[str, float]) -> None:
    model = RegularisedAutoEncoder(RAEConfig(**SHAPE, **penalty))
    config = TrainingConfig(**{**QUICK, "epochs": 3})
    history = model.fit(images(200, 0), images(40, 1), config)
    assert history.validation[-1] < history.validation[0]


def test_gradient_penalty_is_the_mean_squared_jacobian() -> None:
    config = {"latent_weight": 0.0, **SHAPE}
    plain = RegularisedAutoEncoder(RAEConfig(**config))
    punished = RegularisedAutoEncoder(RAEConfig(**config, gradient_weight=1.0))
    x = images(4, 0)
    seeds = [tf.constant([k, 5]) for k in range(200)]
    penalty = np.mean([punished.loss(x, s).numpy() for s in seeds])
    penalty -= float(plain.loss(x, seeds[0]))
    z = tf.constant(plain.encode(x))
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = tf.reshape(plain.decoder(z), (4, 64))
    jacobian = tape.batch_jacobian(value, z).numpy()
    expected = np.square(jacobian).sum((1, 2)).mean() / 64
    assert penalty == pytest.approx(expected, rel=0.2)
