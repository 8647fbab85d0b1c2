"""The posterior is the exact one where it is known, in every form of noise and error."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import multivariate_normal

from mlsci.generative.flows import Flow, FlowConfig
from mlsci.reconstruction.corruption import (
    Compose,
    Corruption,
    Differentiable,
    Downsample,
    GaussianBlur,
    columns_hidden,
)
from mlsci.reconstruction.decoder import Decoder, DecoderConfig
from mlsci.reconstruction.laplace import distinct
from mlsci.reconstruction.likelihood import Likelihood, log_prior
from mlsci.reconstruction.maximum import PriorBank, maximise
from mlsci.reconstruction.model import BaseDecoder, Readout
from mlsci.reconstruction.residual import Residual
from tests.reconstruction.toys import IMAGE, linear_model

MODEL, W, B = linear_model()
RNG = np.random.default_rng(4)
SPREAD = Residual(RNG.uniform(0.1, 0.3, IMAGE), 0.4 * RNG.standard_normal((2, *IMAGE)))
CASES = {
    "mask, white error": (Corruption(columns_hidden(IMAGE, 1, 2), 0.5), 0.1),
    "noise map": (Corruption(Compose(), RNG.uniform(0.2, 0.9, IMAGE)), 0.0),
    "mask, correlated error": (Corruption(columns_hidden(IMAGE, 3, 4)), SPREAD),
    "blur, correlated error": (Corruption(GaussianBlur(3, 0.8), 0.2), SPREAD),
    "mask then blur": (Corruption(Compose(columns_hidden(IMAGE, 0, 2), GaussianBlur(3, 0.3)), 0.3),
                       SPREAD),
    "mask, sample": (Corruption(Compose(columns_hidden(IMAGE, 0, 0), Downsample(1))), SPREAD),
}  # fmt: skip


def data_and_covariance(
    corruption: Corruption, residual: float | Residual
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return data, observed rows of A, covariance of data given u, what is observed."""
    observed = corruption.observed(IMAGE).ravel()
    a = corruption.operator.matrix(IMAGE)[observed]
    noise = np.diag(corruption.noise_map(IMAGE).ravel()[observed] ** 2)
    if isinstance(residual, Residual):
        covariance = a @ residual.covariance @ a.T + noise
    else:
        covariance = noise + residual**2 * np.eye(len(a))
    y = corruption.apply(RNG.standard_normal((4, *IMAGE)), seed=1)
    return y, a, covariance, observed


@pytest.mark.parametrize("count", [3, 30])
@pytest.mark.parametrize("case", CASES)
def test_a_corruption_of_the_last_layer_is_one_of_the_images(case: str, count: int) -> None:
    """With fewer features than data, and with more: same density, gradient and curvature."""
    rng = np.random.default_rng(count)
    across, weights = rng.standard_normal((3, count)), rng.standard_normal((count, W.shape[0]))

    def features(u: tf.Tensor) -> tf.Tensor:
        return tf.tanh(tf.matmul(u, across))

    def decode(u: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.matmul(features(u), weights) + B, (-1, *IMAGE))

    corruption, residual = CASES[case]
    readout = Readout(features, weights, B)
    y = corruption.apply(rng.standard_normal((2, *IMAGE)), seed=1)
    u = rng.standard_normal((2, 4, 3))
    found = []
    for layer in (None, readout):
        model = BaseDecoder(3, IMAGE, decode, np.float64, layer)
        likelihood = Likelihood(model, corruption, residual)
        data = likelihood.whitened(y)
        found.append((*likelihood.gradient(u, data), likelihood.precision(u, data)))
        assert likelihood.predicted(u[0]).shape == (4, data.shape[1])
        assert data.shape[1] == min(likelihood.size, count + 1 if layer else 10**6)
    for plain, short in zip(*found, strict=True):
        np.testing.assert_allclose(short, plain, rtol=1e-6, atol=1e-8)


def test_the_last_layer_of_a_decoder_is_found() -> None:
    decoder = Decoder(DecoderConfig(3, IMAGE, (8,)))
    flow = Flow(FlowConfig(dim=3, layers=2, hidden=(8,)))
    model = BaseDecoder.of(decoder, flow, IMAGE)
    u = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    assert model.readout is not None
    flat = model.readout.features(tf.constant(u)).numpy() @ model.readout.weights
    np.testing.assert_allclose(
        (flat + model.readout.bias).reshape(5, *IMAGE), model.images(u), atol=1e-6
    )
    assert BaseDecoder.of(decoder.network, flow, IMAGE).readout is None


@pytest.mark.parametrize("case", CASES)
def test_the_likelihood_is_the_gaussian_that_it_should_be(case: str) -> None:
    corruption, residual = CASES[case]
    y, a, covariance, observed = data_and_covariance(corruption, residual)
    likelihood = Likelihood(MODEL, corruption, residual)
    u = RNG.standard_normal((4, 2, 3))
    found = likelihood.log_joint(u, likelihood.whitened(y))
    kept = np.diag(covariance) > 0
    density = multivariate_normal(cov=covariance[np.ix_(kept, kept)])
    misfit = y.reshape(4, 1, -1)[..., observed] - (u @ W.T + B) @ a.T
    np.testing.assert_allclose(found, density.logpdf(misfit[..., kept]) + log_prior(u), rtol=1e-9)


@pytest.mark.parametrize("case", ["mask, white error", "blur, correlated error"])
def test_mean_covariance_and_evidence_of_a_linear_model_are_exact(case: str) -> None:
    corruption, residual = CASES[case]
    y, a, covariance, observed = data_and_covariance(corruption, residual)
    likelihood = Likelihood(MODEL, corruption, residual)
    data = likelihood.whitened(y)
    starts = PriorBank(likelihood, size=200).starts(data, 3, seed=0)
    modes = distinct(maximise(likelihood, data, starts, tolerance=1e-10))
    assert modes.mean.shape == (4, 1, 3)  # all starts end in the one maximum
    response = a @ W
    precision = np.eye(3) + response.T @ np.linalg.solve(covariance, response)
    seen = y.reshape(4, -1)[:, observed] - B @ a.T
    mean = np.linalg.solve(precision, response.T @ np.linalg.solve(covariance, seen.T)).T
    np.testing.assert_allclose(modes.mean[:, 0], mean, atol=1e-5)
    np.testing.assert_allclose(modes.precision[:, 0], np.tile(precision, (4, 1, 1)), rtol=1e-8)
    marginal = multivariate_normal(cov=covariance + response @ response.T)
    np.testing.assert_allclose(modes.log_evidence, marginal.logpdf(seen), atol=1e-6)


def test_gradient_and_hessian_are_those_of_the_log_posterior() -> None:
    def decode(u: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.concat([tf.sin(u), u[:, :1] * u[:, 1:]], -1), (-1, 1, 3, 1))

    model = BaseDecoder(2, (1, 3, 1), decode, np.float64)
    likelihood = Likelihood(model, Corruption(Compose(), 0.3), 0.1)
    data = likelihood.whitened(np.array([[0.2, -0.4, 0.3], [1.0, 0.1, 0.0]]).reshape(2, 1, 3, 1))
    u, step = np.array([[[0.3, -0.7]], [[1.1, 0.2]]]), 1e-5
    value, gradient = likelihood.gradient(u, data)
    np.testing.assert_allclose(value, likelihood.log_joint(u, data))
    for k in range(2):
        move = step * np.eye(2)[k]
        slope = likelihood.log_joint(u + move, data) - likelihood.log_joint(u - move, data)
        np.testing.assert_allclose(gradient[..., k], slope / (2 * step), rtol=1e-6)
        bend = likelihood.gradient(u + move, data)[1] - likelihood.gradient(u - move, data)[1]
        exact = likelihood.precision(u, data)[..., k]
        np.testing.assert_allclose(exact, -bend / (2 * step), rtol=1e-5, atol=1e-6)


def test_hidden_data_may_be_anything() -> None:
    likelihood = Likelihood(MODEL, Corruption(columns_hidden(IMAGE, 1, 2), 0.5), 0.1)
    y = RNG.standard_normal((2, *IMAGE))
    other = y.copy()
    other[:, :, 1:3] = np.nan
    np.testing.assert_array_equal(likelihood.whitened(y), likelihood.whitened(other))


def test_clean_images_are_conditioned_on_what_the_data_say_of_the_error() -> None:
    corruption = Corruption(columns_hidden(IMAGE, 3, 4))
    likelihood = Likelihood(MODEL, corruption, SPREAD)
    x = RNG.standard_normal((1, *IMAGE))
    u = np.zeros((1, 4000, 3))
    drawn = likelihood.clean(u, corruption.apply(x, seed=0), seed=2)
    # Without noise, seen pixels are what was seen; hidden ones follow the error's covariance.
    np.testing.assert_allclose(drawn[:, :, :, :3], x[:, None, :, :3].repeat(4000, 1), atol=1e-5)
    c, seen = SPREAD.covariance, corruption.observed(IMAGE).ravel()
    gain = c[np.ix_(~seen, seen)] @ np.linalg.inv(c[np.ix_(seen, seen)])
    error = gain @ (x.ravel()[seen] - B[seen])
    left = c[np.ix_(~seen, ~seen)] - gain @ c[np.ix_(seen, ~seen)]
    hidden = drawn.reshape(4000, -1)[:, ~seen].astype(np.float64)
    width = np.sqrt(np.diag(left))
    np.testing.assert_allclose(hidden.mean(0), B[~seen] + error, atol=5 * width.max() / 63)
    np.testing.assert_allclose(np.cov(hidden.T), left, atol=0.1 * width.max() ** 2)


def test_a_measured_residual_has_the_variance_of_the_residuals() -> None:
    drawn = SPREAD.sample(5000, seed=1)
    found = Residual.measured(drawn, rank=2)
    np.testing.assert_allclose(np.diag(found.covariance), (drawn**2).reshape(5000, -1).mean(0))
    np.testing.assert_allclose(found.covariance, SPREAD.covariance, atol=0.05)
    assert Residual.measured(drawn, rank=0).factors.shape == (0, *IMAGE)
    np.testing.assert_allclose(Residual.white(0.2, IMAGE).covariance, 0.04 * np.eye(20))


def test_a_flow_and_a_decoder_make_a_model() -> None:
    flow = Flow(FlowConfig(dim=3, layers=2, hidden=(8,)))
    model = BaseDecoder.of(lambda z: tf.reshape(z, (-1, 1, 3, 1)), flow, (1, 3, 1))
    u = RNG.standard_normal((5, 3)).astype(np.float32)
    np.testing.assert_allclose(model.images(u).reshape(5, 3), flow.from_base(u), rtol=1e-5)
    mixed = Flow(FlowConfig(dim=3, layers=1, hidden=(8,), components=2))
    with pytest.raises(ValueError, match="components=1"):
        BaseDecoder.of(lambda z: z, mixed, (1, 3, 1))
    with pytest.raises(ValueError, match="base vectors must be"):
        model.images(np.zeros((2, 4)))


def test_derivatives_go_through_the_flow() -> None:
    flow = Flow(FlowConfig(dim=3, layers=2, hidden=(8,)))
    model = BaseDecoder.of(lambda z: tf.reshape(z, (-1, 1, 3, 1)), flow, (1, 3, 1))
    likelihood = Likelihood(model, Corruption(Compose(), 0.5), 0.0)
    u = RNG.standard_normal((4, 3)).astype(np.float32)
    data = likelihood.whitened(np.zeros((4, 1, 3, 1)))
    value, gradient, square = likelihood.linear_rows(u, data, np.arange(4))
    step = 1e-2 * np.eye(3, dtype=np.float32)
    columns = [(flow.from_base(u + e) - flow.from_base(u - e)) / (2e-2 * 0.5) for e in step]
    numerical = np.stack(columns, -1)
    np.testing.assert_allclose(
        square, numerical.transpose(0, 2, 1) @ numerical, rtol=0.02, atol=0.02
    )
    expected = -np.einsum("nmd,nm->nd", numerical, flow.from_base(u) / 0.5)
    np.testing.assert_allclose(gradient, expected, rtol=0.02, atol=0.02)
    both = likelihood.gradient(u[:, None], data)
    np.testing.assert_allclose(both[1][:, 0] + u, gradient, rtol=1e-4, atol=1e-4)
    stated = value + likelihood.log_normalisation + log_prior(u)
    np.testing.assert_allclose(both[0][:, 0], stated, rtol=1e-5)


def test_impossible_problems_are_refused() -> None:
    noisy = Corruption(Compose(), 0.5)
    with pytest.raises(ValueError, match="without noise"):
        Likelihood(MODEL, Corruption(Compose()), 0.0)
    with pytest.raises(ValueError, match="must be finite and >= 0"):
        Likelihood(MODEL, noisy, -0.1)
    with pytest.raises(ValueError, match="is for images"):
        Likelihood(MODEL, noisy, Residual.white(0.1, (5, 4, 1)))
    with pytest.raises(ValueError, match="not linear"):
        Likelihood(MODEL, Corruption(Differentiable(tf.square), 0.5), SPREAD)
    same = Corruption(Differentiable(lambda x: 0 * x + x[:, :1], linear=True))
    with pytest.raises(ValueError, match="free of noise"):
        Likelihood(MODEL, same, SPREAD)
    with pytest.raises(ValueError, match="sigma must be positive"):
        Residual.white(0.0, IMAGE)
    with pytest.raises(ValueError, match="NaN"):
        Residual.measured(np.full((9, *IMAGE), np.nan), rank=1)
    with pytest.raises(ValueError, match="cannot determine"):
        Residual.measured(np.zeros((3, *IMAGE)), rank=2)
    likelihood = Likelihood(MODEL, noisy, 0.1)
    with pytest.raises(ValueError, match="data must be"):
        likelihood.whitened(np.zeros((2, 5, 4, 1)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        likelihood.whitened(np.full((2, *IMAGE), np.nan))
    with pytest.raises(ValueError, match="need latent"):
        BaseDecoder(0, IMAGE, MODEL.decode)
