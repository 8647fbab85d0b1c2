"""Auto-encoders of any image size: what they reproduce, store, measure and refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import norm

from mlsci.generative.autoencoder import AutoEncoder, AutoEncoderConfig
from mlsci.generative.classifier import Classifier
from mlsci.generative.images import as_images
from mlsci.generative.persistence import round_to_half
from mlsci.generative.training import TrainingConfig
from mlsci.generative.vae import VAE

SMALL = AutoEncoderConfig(latent=3, image=(8, 8, 1), channels=(4, 6))


def on_a_plane(n: int, seed: int) -> np.ndarray:
    """Images ``(n, 8, 8, 1)`` about a grey one, in two directions: smooth ramps."""
    a = np.random.default_rng(seed).uniform(-1, 1, (n, 2, 1, 1))
    ramp = np.linspace(-1, 1, 8)
    x = 0.5 + 0.25 * (a[:, 0] * ramp[:, None] + a[:, 1] * ramp)
    return x[..., None].astype(np.float32)


@pytest.mark.parametrize(
    "image", [(28, 28, 1), (7, 9, 3), (5, 6, 1), (1, 1, 2), (13, 4, 4)], ids=str
)
def test_any_image_size_has_codes_and_images(image: tuple[int, ...]) -> None:
    model = AutoEncoder(AutoEncoderConfig(latent=5, image=image, channels=(3, 4)))
    x = np.random.default_rng(0).random((6, *image), dtype=np.float32)
    z = model.encode(x)
    assert (z.shape, z.dtype) == ((6, 5), np.float32)
    assert model.decode(z).shape == model.reconstruct(x).shape == x.shape
    assert np.isfinite(model.reconstruct(x)).all()


@pytest.mark.parametrize("shape", [{}, {"hidden": 7}, {"blocks": 0}, {"blocks": 2}])
def test_gradients_reach_every_parameter(shape: dict) -> None:
    model = AutoEncoder(AutoEncoderConfig(latent=3, image=(8, 8, 1), channels=(4, 6), **shape))
    with tf.GradientTape() as tape:
        loss = model.loss(tf.constant(on_a_plane(20, 0)), tf.constant([0, 0]))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(v is not model.log_sigma for v in model.trainable_variables)  # it is measured
    assert all(g is not None and float(tf.reduce_max(tf.abs(g))) > 0 for g in gradients)


def test_images_do_not_depend_on_their_company() -> None:
    """More images than fit into one batch."""
    model = AutoEncoder(SMALL)
    x = on_a_plane(1003, 0)
    np.testing.assert_allclose(model.encode(x)[[2, 1001]], model.encode(x[[2, 1001]]), atol=1e-5)


@pytest.fixture(scope="module")
def trained() -> tuple[AutoEncoder, np.ndarray]:
    """A model trained on images of a plane, and its validation images."""
    model, validation = AutoEncoder(SMALL), on_a_plane(200, 1)
    config = TrainingConfig(epochs=25, batch=50, rate=1e-2, warmup=20, average=0.9)
    model.fit(on_a_plane(1000, 0), validation, config)
    return model, validation


def test_images_of_a_plane_are_reproduced(trained: tuple[AutoEncoder, np.ndarray]) -> None:
    model, _ = trained
    x = on_a_plane(300, 2)
    error = np.mean((model.reconstruct(x) - x) ** 2)
    assert error < 0.02 * np.mean((x - x.mean(0)) ** 2)


def test_sigma_is_the_error_of_the_validation_images(
    trained: tuple[AutoEncoder, np.ndarray],
) -> None:
    model, validation = trained
    error = np.sqrt(np.mean((model.reconstruct(validation) - validation) ** 2, dtype=np.float64))
    assert model.sigma == pytest.approx(error, rel=1e-5)


def test_likelihood_is_that_of_independent_normal_pixels(
    trained: tuple[AutoEncoder, np.ndarray],
) -> None:
    model, validation = trained
    x, z = validation[:5], np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    exact = norm(model.decode(z).astype(float), model.sigma).logpdf(x).sum((1, 2, 3))
    np.testing.assert_allclose(model.log_likelihood(x, z), exact, rtol=1e-5)


def test_a_saved_model_is_the_same_model(
    trained: tuple[AutoEncoder, np.ndarray], tmp_path: Path
) -> None:
    model, x = trained
    path = tmp_path / "new" / "model.npz"
    model.save(path)
    again = AutoEncoder.load(path)
    assert again.config == model.config
    assert again.sigma == model.sigma
    np.testing.assert_array_equal(again.reconstruct(x), model.reconstruct(x))
    assert list(path.parent.iterdir()) == [path]


def test_half_precision_halves_the_file_and_loses_nothing_more(tmp_path: Path) -> None:
    model = AutoEncoder(AutoEncoderConfig(latent=8, image=(12, 12, 1), channels=(16, 32)))
    model.save(tmp_path / "single.npz")
    x = np.random.default_rng(0).random((9, 12, 12, 1), dtype=np.float32)
    z = model.encode(x)
    before = model.decode(z)
    round_to_half(model)
    model.save(tmp_path / "half.npz")
    single, half = ((tmp_path / f"{name}.npz").stat().st_size for name in ("single", "half"))
    assert 0.4 < half / single < 0.6
    after = AutoEncoder.load(tmp_path / "half.npz").decode(z)
    np.testing.assert_array_equal(after, model.decode(z))
    np.testing.assert_allclose(after, before, atol=1e-2)  # eleven bits


def test_a_model_of_another_kind_or_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    AutoEncoder(SMALL).save(path)
    with pytest.raises(ValueError, match=r"model\.npz holds a AutoEncoder that does not fit VAE"):
        VAE.load(path)
    with pytest.raises(ValueError, match=r"unknown settings .* for ClassifierConfig"):
        Classifier.load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"model\.npz is damaged or no saved model"):
        AutoEncoder.load(path)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 8, 9, 1)), r"must be \(n, \*\(8, 8, 1\)\), got \(3, 8, 9, 1\)"),
        (np.zeros((3, 8, 8)), r"got \(3, 8, 8\)"),
        (np.full((3, 8, 8, 1), np.nan), "NaN or infinity: mask or fill"),
        (np.full((3, 8, 8, 1), np.inf), "NaN or infinity"),
        (np.full((3, 8, 8, 1), 200, np.uint8), r"in \[0, 1\], got \[200, 200\]: divide"),
        (np.full((3, 8, 8, 1), -0.1), r"in \[0, 1\]"),
    ],
)
def test_wrong_images_are_refused(x: np.ndarray, message: str) -> None:
    model = AutoEncoder(SMALL)
    with pytest.raises(ValueError, match=message):
        model.encode(x)
    with pytest.raises(ValueError, match=message):
        model.fit(x, x, TrainingConfig(epochs=1))


@pytest.mark.parametrize("z", [np.zeros((2, 4)), np.zeros(3)])
def test_wrong_codes_are_refused(z: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"codes must be \(n, 3\)"):
        AutoEncoder(SMALL).decode(z)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"latent": 0}, "impossible auto-encoder"),
        ({"channels": (0, 4)}, "impossible auto-encoder"),
        ({"hidden": -1}, "impossible auto-encoder"),
        ({"blocks": -1}, "impossible auto-encoder"),
        ({"image": (8, 8)}, r"\(height, width, colours\)"),
        ({"image": (8, 0, 1)}, r"\(height, width, colours\)"),
    ],
)
def test_impossible_shapes_are_refused(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AutoEncoderConfig(**values)


def test_bytes_become_images_in_the_unit_interval() -> None:
    x = as_images(np.array([[[0, 51], [204, 255]]], np.uint8))
    assert (x.shape, x.dtype) == ((1, 2, 2, 1), np.float32)
    np.testing.assert_allclose(x.ravel(), [0, 0.2, 0.8, 1], rtol=1e-6)
