"""The probabilistic auto-encoder as a user meets it: data of any shape, a dozen lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig
from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.pae import PAE, Variant
from mlsci.generative.training import TrainingConfig

QUICK = TrainingConfig(epochs=3, batch=32, rate=3e-3, warmup=5, average=0.9)


def vectors(n: int, seed: int) -> np.ndarray:
    """Two directions in eight numbers, in units of their own, with a little noise."""
    rng = np.random.default_rng(seed)
    loadings = np.random.default_rng(9).standard_normal((2, 8)) * 10.0 ** np.arange(-3, 5)
    noise = 0.1 * rng.standard_normal((n, 8)) * 10.0 ** np.arange(-3, 5)
    return (rng.standard_normal((n, 2)) @ loadings + noise + 7).astype(np.float32)


def small(shape: tuple[int, ...], variant: Variant = "paper") -> PAE:
    return PAE.for_shape(shape, latent=2, variant=variant, channels=(4, 4), hidden=(16,), layers=2)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["paper", "map"])
def test_a_dozen_lines_on_vectors(variant: Variant) -> None:
    train, validation, test = vectors(512, 0), vectors(128, 1), vectors(64, 2)
    pae = small((8,), variant)
    longer = TrainingConfig(epochs=25, batch=32, rate=5e-3, warmup=20, average=0.95)
    pae.fit(train, validation, autoencoder=longer, flow=QUICK)
    spread = train.std(0)
    error = np.square((pae.reconstruct(test) - test) / spread).mean()
    assert error < 0.35
    samples = pae.sample(500, seed=0)
    np.testing.assert_allclose(samples.mean(0) / spread, train.mean(0) / spread, atol=0.5)
    # A shuffled table has the same numbers but not their relations.
    rng = np.random.default_rng(0)
    strange = np.stack([rng.permutation(column) for column in test.T], 1)
    assert pae.log_prob(test).mean() > pae.log_prob(strange).mean() + 1
    assert pae.encode(test).shape == (64, 2)
    np.testing.assert_allclose(pae.outlier_score(test), -pae.log_prob_latent(test))


@pytest.mark.slow
def test_log_prob_follows_the_units_of_the_data() -> None:
    train, validation, test = vectors(256, 0), vectors(64, 1), vectors(10, 2)
    found = []
    for unit in (1.0, 100.0):
        pae = small((8,))
        pae.fit(unit * train, unit * validation, autoencoder=QUICK, flow=QUICK)
        found.append(pae.log_prob(unit * test))
    np.testing.assert_allclose(found[1], found[0] - 8 * np.log(100), rtol=1e-2)


@pytest.mark.slow
def test_maps_of_any_range_and_the_folder_they_are_saved_to(tmp_path: Path) -> None:
    row = np.random.default_rng(0).uniform(0, 6, (256, 1, 1))
    bumps = np.exp(-((np.arange(6)[:, None] - row) ** 2)) * np.ones((1, 1, 8))
    maps = (500 + 30 * bumps).astype(np.float32)
    pae = small((6, 8), "map")
    pae.fit(maps[:192], maps[192:], autoencoder=QUICK, flow=QUICK)
    assert pae.sample(3, seed=1).shape == (3, 6, 8)
    assert 500 < pae.reconstruct(maps).mean() < 530
    assert (pae.sigma * pae.scale < 30).all()
    pae.save(tmp_path / "model")
    again = PAE.load(tmp_path / "model")
    assert again.variant == "map"
    np.testing.assert_array_equal(again.sample(3, seed=1), pae.sample(3, seed=1))
    np.testing.assert_allclose(again.log_prob(maps[:5]), pae.log_prob(maps[:5]), rtol=1e-4)
    content = bytearray((tmp_path / "model" / "flow.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "model" / "flow.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"flow.npz is not the file that was saved"):
        PAE.load(tmp_path / "model")
    with pytest.raises(FileNotFoundError):
        PAE.load(tmp_path / "nothing")


def test_parts_that_are_trained_already_give_the_same_codes_and_images() -> None:
    autoencoder = AutoEncoder(AutoEncoderConfig(latent=2, image=(8, 8, 1), channels=(4, 4)))
    pae = PAE(autoencoder, Flow(FlowConfig(dim=2, layers=2, hidden=(8,))))
    x = np.random.default_rng(0).uniform(size=(20, 8, 8, 1)).astype(np.float32)
    np.testing.assert_allclose(pae.encode(x), autoencoder.encode(x), atol=1e-6)
    np.testing.assert_allclose(pae.reconstruct(x), autoencoder.reconstruct(x), atol=1e-6)
    pae.measure_noise(x)
    rms = np.sqrt(np.mean((pae.reconstruct(x) - x) ** 2))
    assert pae.sigma.shape == (8, 8, 1)
    assert np.sqrt(np.mean(pae.sigma**2)) == pytest.approx(rms, rel=1e-4)


def test_noise_of_a_pixel_that_never_errs_is_not_zero() -> None:
    autoencoder = AutoEncoder(AutoEncoderConfig(latent=2, image=(8, 8, 1), channels=(4, 4)))
    pae = PAE(autoencoder, Flow(FlowConfig(dim=2, layers=2, hidden=(8,))))
    x = np.random.default_rng(0).uniform(size=(20, 8, 8, 1)).astype(np.float32)
    x[:, 0, 0] = pae.reconstruct(x)[:, 0, 0].clip(0, 1)
    pae.measure_noise(x)
    assert 0 < pae.sigma[0, 0, 0] < pae.sigma[1:, 1:].min()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown variant"):
        PAE.for_shape((8,), variant="talk")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="vectors, maps or images"):
        PAE.for_shape((2, 3, 4, 5))
    pae = small((8,))
    with pytest.raises(ValueError, match="data must be"):
        pae.encode(np.zeros((3, 9)))
    with pytest.raises(ValueError, match="NaN"):
        pae.encode(np.full((3, 8), np.nan))
    with pytest.raises(ValueError, match="codes must be"):
        pae.decode(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="does not fit codes"):
        PAE(pae.autoencoder, Flow(FlowConfig(dim=3)))
