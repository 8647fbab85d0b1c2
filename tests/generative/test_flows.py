"""What must hold for every flow: invertible, exact log-determinant, every parameter trained, storable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from mlsci.generative.flows import Flow, FlowConfig
from mlsci.generative.mixture import GaussianMixtureBase, fit_mixture
from mlsci.generative.training import TrainingConfig, TrainingFailedError
from mlsci.generative.transforms import Affine, RationalQuadraticSpline

FAMILIES = ("realnvp", "maf", "spline")
SPREAD = {"realnvp": 0.15, "maf": 0.15, "spline": 0.1}


def scrambled(family: str, dim: int = 5, components: int = 1, seed: int = 0) -> Flow:
    """A flow with random weights: far from the identity it starts as, its Jacobian still resolved by float32."""
    flow = Flow(
        FlowConfig(dim=dim, family=family, layers=4, hidden=(16, 16), components=components)
    )
    rng = np.random.default_rng(seed)
    for variable in flow.trainable_variables:
        variable.assign_add(SPREAD[family] * rng.standard_normal(variable.shape))
    return flow


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dim", [2, 3, 5])
def test_inverse_undoes_forward_without_the_cache(family: str, dim: int) -> None:
    flow = scrambled(family, dim)
    u = np.random.default_rng(1).standard_normal((500, dim)).astype(np.float32)
    x = flow.from_base(u)  # a NumPy array: nothing of the bijector's cache is left
    scale = 1 + np.abs(u).max()
    assert np.abs(x - u).max() > 0.1
    np.testing.assert_allclose(flow.to_base(x), u, atol=2e-4 * scale)


@pytest.mark.parametrize("family", FAMILIES)
def test_log_determinant_is_that_of_the_jacobian(family: str) -> None:
    flow = scrambled(family)
    x = tf.constant(flow.sample(40, seed=2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        u = flow.bijector.inverse(x)
    jacobian = tape.batch_jacobian(u, x)
    exact = np.linalg.slogdet(jacobian.numpy().astype(np.float64))[1]
    stated = flow.bijector.inverse_log_det_jacobian(tf.identity(x), event_ndims=1)
    np.testing.assert_allclose(stated, exact, atol=1e-4)
    forward = flow.bijector.forward_log_det_jacobian(tf.constant(u.numpy()), event_ndims=1)
    np.testing.assert_allclose(forward, -exact, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("components", [1, 3])
def test_density_integrates_to_one(family: str, components: int) -> None:
    flow = scrambled(family, dim=2, components=components)
    rng = np.random.default_rng(3)
    # Importance sampling from a broad Student t about the flow's own samples.
    own = flow.sample(4000, seed=4).astype(np.float64)
    mean, cov = own.mean(0), 4 * np.cov(own.T)
    t = rng.standard_normal((400_000, 2)) @ np.linalg.cholesky(cov).T
    x = (mean + t / np.sqrt(rng.chisquare(3, (len(t), 1)) / 3)).astype(np.float32)
    from scipy.stats import multivariate_t

    weight = np.exp(flow.log_prob(x) - multivariate_t(mean, cov, df=3).logpdf(x))
    error = weight.std() / np.sqrt(len(weight))
    assert error < 0.05
    assert abs(weight.mean() - 1) < 5 * error + 1e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_every_parameter(family: str) -> None:
    flow = scrambled(family, components=2)
    x = tf.constant(flow.sample(64, seed=0))
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(flow.log_prob_tensor(x))
    gradients = tape.gradient(loss, flow.trainable_variables)
    per_layer = 2 * 3  # a weight and a bias for each of three affine maps
    assert len(gradients) == 4 * per_layer + 3
    assert all(g is not None and float(tf.reduce_max(tf.abs(g))) > 0 for g in gradients)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_flow_is_the_same_flow(family: str, tmp_path: Path) -> None:
    flow = scrambled(family, components=2)
    flow.save(tmp_path / "flow.npz")
    again = Flow.load(tmp_path / "flow.npz")
    x = flow.sample(50, seed=1)
    np.testing.assert_array_equal(again.log_prob(x), flow.log_prob(x))
    np.testing.assert_array_equal(again.sample(50, seed=1), x)
    assert list(tmp_path.iterdir()) == [tmp_path / "flow.npz"]


def test_damaged_or_foreign_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "flow.npz"
    scrambled("realnvp").save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"flow\.npz is damaged"):
        Flow.load(path)
    with pytest.raises(FileNotFoundError):
        Flow.load(tmp_path / "nothing.npz")


@pytest.mark.parametrize("family", FAMILIES)
def test_maximum_likelihood_beats_the_gaussian_on_a_bent_density(family: str) -> None:
    rng = np.random.default_rng(0)

    def draw(n: int) -> np.ndarray:
        a = rng.standard_normal((n, 2))
        return np.stack([a[:, 0], 0.3 * a[:, 1] + a[:, 0] ** 2], 1).astype(np.float32)

    train, test = draw(4000), draw(2000)
    # E ln p of the true density: two normals, of widths 1 and .3.
    truth = -np.log(2 * np.pi) - 1 - np.log(0.3)
    gaussian = multivariate_normal(train.mean(0), np.cov(train.T)).logpdf(test).mean()
    flow = Flow(FlowConfig(dim=2, family=family, layers=4, hidden=(32, 32)))
    flow.fit(train, test, TrainingConfig(epochs=25, batch=200, rate=5e-3, warmup=50, average=0.99))
    got = float(flow.log_prob(test).mean())
    assert got > gaussian + 0.5
    assert got == pytest.approx(truth, abs=0.15)


def test_a_flow_that_does_not_learn_is_an_error() -> None:
    x = np.random.default_rng(0).standard_normal((300, 2)).astype(np.float32)
    flow = Flow(FlowConfig(dim=2, layers=2, hidden=(8,)))
    with pytest.raises(TrainingFailedError, match="did not learn"):
        flow.fit(x, x[:100] * 50, TrainingConfig(epochs=1, batch=50, rate=1e-9))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"family": "glow"}, "unknown family"),
        ({"dim": 1}, "impossible flow"),
        ({"layers": 0}, "impossible flow"),
    ],
)
def test_impossible_flows_are_refused(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FlowConfig(**values)


@pytest.mark.parametrize("bad", [np.zeros((3, 4)), np.zeros(5), np.full((2, 5), np.nan)])
def test_wrong_vectors_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="vectors"):
        scrambled("realnvp").log_prob(bad)


transforms = st.sampled_from([Affine(), RationalQuadraticSpline(), RationalQuadraticSpline(4, 2.0)])


@settings(deadline=None, max_examples=40)
@given(transform=transforms, seed=st.integers(0, 10**6), width=st.floats(0.1, 4.0))
def test_transforms_invert_and_increase(transform: Affine, seed: int, width: float) -> None:
    rng = np.random.default_rng(seed)
    x = np.sort(3 * rng.standard_normal(64)).astype(np.float32)
    p = np.broadcast_to(width * rng.standard_normal(transform.n_params), (64, transform.n_params))
    p = tf.constant(p, tf.float32)
    y, log_det = transform.forward(tf.constant(x), p)
    assert (np.diff(y.numpy()) >= 0).all()
    back, inverse_log_det = transform.inverse(y, p)
    # Round-off in y (2^-23 |y|) is amplified by dx/dy.
    tolerance = 1e-5 + 8 * 2.0**-23 * (1 + np.abs(y)) * np.exp(-log_det.numpy())
    assert (np.abs(back - x) <= tolerance).all()
    np.testing.assert_allclose(inverse_log_det, -log_det, atol=2e-2)


@pytest.mark.parametrize("transform", [Affine(), RationalQuadraticSpline()])
def test_zero_parameters_give_the_identity(transform: Affine) -> None:
    x = tf.linspace(-8.0, 8.0, 101)
    y, log_det = transform.forward(x, tf.zeros((101, transform.n_params)))
    np.testing.assert_allclose(y, x, atol=1e-5)
    np.testing.assert_allclose(log_det, 0, atol=1e-5)


def test_mixture_base_is_the_mixture_it_was_initialised_with() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 5, (4, 3))
    x = centres[rng.integers(4, size=3000)] + rng.standard_normal((3000, 3)) @ rng.normal(
        0, 1, (3, 3)
    )
    base = GaussianMixtureBase(3, 4)
    base.initialise(x, seed=1)
    exact = fit_mixture(x, 4, seed=1).score_samples(x)
    np.testing.assert_allclose(base.log_prob(tf.constant(x, tf.float32)), exact, atol=2e-3)
    draws = base.sample(40_000, seed=2)
    np.testing.assert_allclose(draws.mean(0), x.mean(0), atol=0.15)
    np.testing.assert_allclose(np.cov(draws.T), np.cov(x.T), atol=0.6)
