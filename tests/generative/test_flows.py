"""What must hold for every flow: an inverse, an exact log-determinant, every parameter trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, multivariate_t

from mlsci.generative.bijectors import Coupling, Dropout
from mlsci.generative.flows import Flow, FlowConfig, interpolate, log_det_error
from mlsci.generative.mixture import GaussianMixtureBase, fit_mixture
from mlsci.generative.training import TrainingConfig, TrainingFailedError
from mlsci.generative.transforms import Affine, RationalQuadraticSpline

FAMILIES = ("realnvp", "maf", "spline", "autoregressive-spline")
# Standard deviation of the raw parameters of a scrambled layer. A spline's are logarithms of
# bin sizes and nearly slopes: 0.3 already gives slopes from 0.1 to 10.
SPREAD = {"realnvp": 0.6, "maf": 0.6, "spline": 0.3, "autoregressive-spline": 0.3}
ROUND_OFF = 2.0**-23


def scrambled(family: str, dim: int = 5, components: int = 1, seed: int = 0) -> Flow:
    """A flow that is far from the identity it starts as, with a Jacobian that float32 resolves.

    Only the last layers of the conditioners are drawn anew: the parameters that they give have the
    spread above for any input, whereas noise on all weights grows from layer to layer.
    """
    flow = Flow(
        FlowConfig(dim=dim, family=family, layers=4, hidden=(16, 16), components=components)
    )
    rng = np.random.default_rng(seed)
    for bijector in flow.bijector.bijectors:
        if hasattr(bijector, "conditioner"):
            last = bijector.conditioner.last
            w, b = (rng.standard_normal(v.shape) for v in (last.w, last.b))
            last.w.assign(SPREAD[family] * w / np.sqrt(len(w)))
            last.b.assign(SPREAD[family] * b)
    for variable in flow.base.trainable_variables:
        variable.assign_add(0.3 * rng.standard_normal(variable.shape))
    return flow


def jacobian(flow: Flow, x: np.ndarray) -> np.ndarray:
    """Return du/dx of the map to the base by automatic differentiation, ``(n, dim, dim)``."""
    points = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(points)
        u = flow.bijector.inverse(tf.identity(points))
    return tape.batch_jacobian(u, points).numpy().astype(np.float64)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dim", [2, 3, 5])
def test_inverse_undoes_forward_without_the_cache(family: str, dim: int) -> None:
    flow = scrambled(family, dim)
    u = np.random.default_rng(1).standard_normal((200, dim)).astype(np.float32)
    x = flow.from_base(u)  # a NumPy array: nothing of the bijector's cache is left
    assert np.abs(np.linalg.slogdet(jacobian(flow, x))[1]).max() > 0.1  # not volume-preserving
    # Round-off in x, at the scale of its largest coordinate, grows by the largest singular value.
    growth = np.linalg.norm(jacobian(flow, x), 2, axis=(1, 2))
    scale = 1 + np.abs(x).max(-1)
    assert growth.max() < 100
    error = np.abs(flow.to_base(x) - u).max(-1)
    assert (error <= 16 * ROUND_OFF * scale * (1 + growth)).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_log_determinant_is_that_of_the_jacobian(family: str) -> None:
    flow = scrambled(family)
    x = flow.sample(40, seed=2)
    assert log_det_error(flow, x) < 1e-4
    exact = np.linalg.slogdet(jacobian(flow, x))[1]
    u = tf.constant(flow.to_base(x))
    stated = flow.log_prob(x) - flow.base.log_prob(u)
    np.testing.assert_allclose(stated, exact, atol=1e-4)
    inverse = flow.bijector.inverse_log_det_jacobian(tf.constant(x), event_ndims=1)
    np.testing.assert_allclose(inverse, exact, atol=1e-4)
    forward = flow.bijector.forward_log_det_jacobian(u, event_ndims=1)
    np.testing.assert_allclose(forward, -exact, atol=1e-4)


def test_a_wrong_log_determinant_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = scrambled("realnvp")
    x = flow.sample(20, seed=0)
    right = Coupling._inverse_log_det_jacobian
    monkeypatch.setattr(
        Coupling, "_inverse_log_det_jacobian", lambda self, y: right(self, y) + 0.25
    )
    assert log_det_error(flow, x) == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_walks_are_straight_in_the_base_and_end_where_they_should(family: str) -> None:
    flow = scrambled(family)
    start, end = flow.sample(4, seed=0), flow.sample(4, seed=1)
    walk = interpolate(flow, start, end, 5)
    assert walk.shape == (4, 5, 5)
    np.testing.assert_allclose(walk[:, 0], start, atol=1e-4)
    np.testing.assert_allclose(walk[:, -1], end, atol=1e-4)
    first, last = flow.to_base(start), flow.to_base(end)
    np.testing.assert_allclose(flow.to_base(walk[:, 1]), 0.75 * first + 0.25 * last, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("components", [1, 3])
def test_density_integrates_to_one(family: str, components: int) -> None:
    flow = scrambled(family, dim=2, components=components)
    rng = np.random.default_rng(3)
    # Importance sampling from a broad Student t about the flow's own samples.
    own = flow.sample(4000, seed=4).astype(np.float64)
    mean, cov = own.mean(0), 4 * np.cov(own.T)
    t = rng.standard_normal((100_000, 2)) @ np.linalg.cholesky(cov).T
    x = (mean + t / np.sqrt(rng.chisquare(3, (len(t), 1)) / 3)).astype(np.float32)
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


@pytest.mark.parametrize("family", ["maf", "autoregressive-spline"])
def test_dropout_keeps_the_order_and_is_fixed_by_its_seed(family: str) -> None:
    flow, x = scrambled(family), np.random.default_rng(1).standard_normal((7, 5))
    layer = flow.bijector.bijectors[1]
    x = tf.constant(x, tf.float32)
    seed = tf.constant([3, 4])
    dropped = layer.conditioner(x, Dropout(0.5, seed))
    np.testing.assert_array_equal(dropped, layer.conditioner(x, Dropout(0.5, seed)))
    assert np.abs(dropped - layer.conditioner(x)).max() > 0.01
    np.testing.assert_array_equal(layer.conditioner(x, Dropout(0.0, seed)), layer.conditioner(x))
    moved = tf.concat([x[:, :3], x[:, 3:] + 1.0], 1)  # what comes later has no say
    again = layer.conditioner(moved, Dropout(0.5, seed))
    np.testing.assert_array_equal(again[:, :4], dropped[:, :4])


def test_dropout_keeps_the_mean_of_a_layer() -> None:
    kept = Dropout(0.3, tf.constant([0, 1]))(tf.ones((200_000, 1))).numpy()
    assert set(np.unique(kept)) == {np.float32(0), np.float32(1 / 0.7)}
    assert kept.mean() == pytest.approx(1, abs=5 * np.sqrt(0.3 / 0.7 / len(kept)))


def test_dropout_narrows_the_gap_between_training_and_new_vectors() -> None:
    rng = np.random.default_rng(0)
    train, new = (multivariate_t(np.zeros(6), df=5).rvs(n, rng) for n in (300, 5000))
    gaps = {}
    for dropout in (0.0, 0.3):
        flow = Flow(FlowConfig(dim=6, family="maf", layers=3, hidden=(64, 64)))
        schedule = TrainingConfig(epochs=60, batch=50, rate=3e-3, warmup=20, average=0.9)
        # The training vectors are their own validation, so that nothing stops the over-fitting.
        flow.fit(train, train, schedule, dropout=dropout)
        gaps[dropout] = float(flow.log_prob(train).mean() - flow.log_prob(new).mean())
    assert gaps[0.3] < 0.7 * gaps[0.0], gaps


@pytest.mark.parametrize(("family", "dropout"), [("realnvp", 0.1), ("maf", 1.0), ("maf", -0.1)])
def test_dropout_that_cannot_be_is_refused(family: str, dropout: float) -> None:
    x = np.random.default_rng(0).standard_normal((50, 5))
    with pytest.raises(ValueError, match="dropout"):
        scrambled(family).fit(x, x, TrainingConfig(epochs=1), dropout=dropout)


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


@settings(deadline=None, max_examples=60)
@given(transform=transforms, seed=st.integers(0, 10**6), width=st.floats(0.1, 4.0))
def test_transforms_invert_and_increase(transform: Affine, seed: int, width: float) -> None:
    rng = np.random.default_rng(seed)
    x = np.sort(3 * rng.standard_normal(64)).astype(np.float32)
    p = np.broadcast_to(width * rng.standard_normal(transform.n_params), (64, transform.n_params))
    p = tf.constant(p, tf.float32)
    y, log_det = (a.numpy() for a in transform.forward(tf.constant(x), p))
    round_off = ROUND_OFF * (1 + np.abs(y))
    assert (np.diff(y) >= -2 * round_off[1:]).all()
    back, inverse_log_det = (a.numpy() for a in transform.inverse(tf.constant(y), p))
    # Round-off in y is amplified by dx/dy, which reaches thousands where a spline is nearly flat.
    assert (np.abs(back - x) <= 1e-5 + 8 * round_off * np.exp(-log_det)).all()
    # There x is not resolved, and its log-determinant neither: compare at the point found.
    again, log_det = transform.forward(tf.constant(back), p)
    assert (np.abs(again - y) <= 16 * round_off * (1 + np.exp(log_det))).all()
    np.testing.assert_allclose(inverse_log_det, -log_det, atol=1e-3)


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


def test_a_refined_mixture_has_the_moments_of_the_data() -> None:
    rng = np.random.default_rng(3)
    centres = rng.normal(0, 5, (4, 3))
    x = (centres[rng.integers(4, size=2000)] + rng.gamma(2.0, 1.0, (2000, 3))).astype(np.float32)
    base = GaussianMixtureBase(3, 4)
    base.initialise(x + 1, seed=1)  # shifted: not the mixture of x
    before = base.log_prob(tf.constant(x)).numpy().mean()
    base.refine(x)
    assert base.log_prob(tf.constant(x)).numpy().mean() > before
    drawn = base.sample(400_000, seed=2)
    deviation = x.std(0)
    np.testing.assert_allclose((drawn.mean(0) - x.mean(0)) / deviation, 0, atol=0.01)
    shape = np.outer(deviation, deviation)
    np.testing.assert_allclose((np.cov(drawn.T) - np.cov(x.T)) / shape, 0, atol=0.02)


def test_weight_decay_leaves_the_mixture_alone() -> None:
    """The loop decays matrices; a mixture whose means it shrank would drift to the origin."""
    assert all(v.shape.rank == 1 for v in GaussianMixtureBase(3, 4).trainable_variables)
