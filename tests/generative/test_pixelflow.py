"""The flow on pixels: exact inverse and log-determinant, bits of images of known entropy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.integrate import quad

from mlsci.generative.pixelflow import EDGE, PixelFlow, PixelFlowConfig, Unsqueeze
from mlsci.generative.training import TrainingConfig

SHAPES = [(8, 8, 1), (4, 8, 3)]


def build(image: tuple[int, ...] = (8, 8, 1), scale: float = 0.5) -> PixelFlow:
    """A flow whose conditioners' last layers have weights of this scale: 0, the identity."""
    flow = PixelFlow(PixelFlowConfig(image=image, couplings=(2, 3), channels=(4, 6)))
    rng = np.random.default_rng(0)
    for bijector in flow.bijector.bijectors:
        if hasattr(bijector, "conditioner"):
            last = bijector.conditioner.third
            fan_in = np.prod(last.w.shape[:3])
            last.w.assign(scale * rng.standard_normal(last.w.shape) / np.sqrt(fan_in))
            last.b.assign(scale * rng.standard_normal(last.b.shape))
    return flow


def noise(n: int, image: tuple[int, ...] = (8, 8, 1), seed: int = 0) -> np.ndarray:
    """Images of independent grey levels, all equally likely: 8 bits a pixel."""
    levels = np.random.default_rng(seed).integers(256, size=(n, *image))
    return (levels / 255).astype(np.float32)


def bits(flow: PixelFlow, x: np.ndarray) -> np.ndarray:
    return -flow.log_prob(x) / (flow.n_pixels * np.log(2))


@pytest.mark.parametrize("image", SHAPES, ids=str)
def test_inverse_undoes_forward_without_the_cache(image: tuple[int, ...]) -> None:
    flow = build(image)
    u = np.random.default_rng(1).standard_normal((50, *flow._base_shape)).astype(np.float32)
    x = flow.bijector.forward(tf.constant(u)).numpy()
    assert x.shape == (50, *image)
    back = flow.bijector.inverse(tf.constant(x)).numpy()
    np.testing.assert_allclose(back, u, atol=1e-4)
    again = flow.bijector.forward(tf.constant(back)).numpy()
    np.testing.assert_allclose(again, x, atol=1e-4)


@pytest.mark.parametrize("image", SHAPES, ids=str)
def test_log_determinant_is_that_of_the_jacobian(image: tuple[int, ...]) -> None:
    flow = build(image)
    x = tf.constant(np.random.default_rng(2).standard_normal((3, *image)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        u = flow.bijector.inverse(tf.identity(x))
    jacobian = tape.batch_jacobian(u, x).numpy().reshape(3, flow.n_pixels, flow.n_pixels)
    exact = np.linalg.slogdet(jacobian.astype(np.float64))[1]
    assert np.abs(exact).min() > 0.1
    stated = flow.bijector.inverse_log_det_jacobian(tf.identity(x), event_ndims=3)
    np.testing.assert_allclose(stated, exact, atol=1e-4)
    forward = flow.bijector.forward_log_det_jacobian(tf.constant(u.numpy()), event_ndims=3)
    np.testing.assert_allclose(forward, -exact, atol=1e-4)


def test_unsqueeze_moves_channels_to_pixels() -> None:
    u = np.arange(2 * 2 * 8, dtype=np.float32).reshape(1, 2, 2, 8)
    x = Unsqueeze().forward(tf.constant(u)).numpy()
    assert x.shape == (1, 4, 4, 2)
    for channel in range(8):  # channel 2 k + c is colour c of the k-th pixel of a block
        k, c = divmod(channel, 2)
        np.testing.assert_array_equal(x[0, k // 2 :: 2, k % 2 :: 2, c], u[0, :, :, channel])
    np.testing.assert_array_equal(Unsqueeze().inverse(tf.constant(x)), u)


def test_bits_of_the_identity_are_those_of_a_logit_of_normals() -> None:
    """The mean over uniform grey levels is an integral over one pixel's value."""

    def cost(unit: float) -> float:
        s = EDGE + (1 - 2 * EDGE) * unit
        density = np.exp(-0.5 * np.log(s / (1 - s)) ** 2) / np.sqrt(2 * np.pi)
        return -np.log2(density * (1 - 2 * EDGE) / (s * (1 - s)) / 256)

    exact, _ = quad(cost, 0, 1)
    got = bits(build(scale=0.0), noise(1000))
    assert got.mean() == pytest.approx(exact, abs=5 * got.std() / np.sqrt(len(got)))


def test_uniform_noise_costs_eight_bits_and_no_less() -> None:
    """No density can do better on average than the entropy, and a trained one comes near."""
    flow, train, test = build(), noise(1500), noise(1500, seed=1)
    assert bits(flow, test).mean() > 8.2
    config = TrainingConfig(epochs=8, batch=50, rate=1e-2, warmup=20, average=0.9)
    flow.fit(train, noise(300, seed=2), config)
    got = bits(flow, test)
    error = got.std() / np.sqrt(len(got))
    assert 8 - 5 * error < got.mean() < 8.12


def test_constant_images_cost_little() -> None:
    """Images of one grey level each: all pixels but one are known."""
    rng = np.random.default_rng(0)

    def draw(n: int) -> np.ndarray:
        level = rng.integers(256, size=(n, 1, 1, 1)) / 255
        return np.broadcast_to(level, (n, 8, 8, 1)).astype(np.float32)

    flow = build()
    config = TrainingConfig(epochs=8, batch=50, rate=1e-2, warmup=20, average=0.9)
    flow.fit(draw(1500), draw(200), config)
    assert bits(flow, draw(500)).mean() < 7


def test_gradients_reach_every_parameter() -> None:
    flow = build()
    with tf.GradientTape() as tape:
        loss = flow.loss(tf.constant(noise(30)), tf.constant([0, 0]))
    gradients = tape.gradient(loss, flow.trainable_variables)
    assert len(gradients) == (2 + 3) * 6
    assert all(g is not None and float(tf.reduce_max(tf.abs(g))) > 0 for g in gradients)
    assert float(loss) == pytest.approx(bits(flow, noise(30)).mean(), abs=0.1)


@pytest.mark.parametrize("image", SHAPES, ids=str)
def test_samples_are_images_with_seeds(image: tuple[int, ...]) -> None:
    flow = build(image)
    x = flow.sample(6, seed=0)
    assert x.shape == (6, *image)
    assert 0 <= x.min() <= x.max() <= 1
    np.testing.assert_array_equal(flow.sample(6, seed=0), x)
    assert not np.array_equal(flow.sample(6, seed=1), x)


def test_a_saved_flow_is_the_same_flow(tmp_path: Path) -> None:
    flow, x = build(), noise(20)
    flow.save(tmp_path / "flow.npz")
    again = PixelFlow.load(tmp_path / "flow.npz")
    assert again.config == flow.config
    np.testing.assert_array_equal(again.log_prob(x, seed=3), flow.log_prob(x, seed=3))
    np.testing.assert_array_equal(again.sample(4, seed=1), flow.sample(4, seed=1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image": (30, 28, 1)}, "multiples of 4, got .*: pad"),
        ({"image": (28, 6, 1)}, "multiples of 4"),
        ({"image": (28, 28)}, "multiples of 4"),
        ({"couplings": (4, 1)}, "two couplings a scale"),
    ],
)
def test_impossible_flows_are_refused(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PixelFlowConfig(**values)


@pytest.mark.parametrize("shape", [(3, 8, 4, 1), (3, 8, 8), (8, 8, 1)])
def test_wrong_images_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images must be \(n, \*\(8, 8, 1\)\)"):
        build().log_prob(np.zeros(shape))
