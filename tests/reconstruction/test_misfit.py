"""Data that a model cannot make are reported, and others as seldom as is said."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsci.reconstruction.corruption import Compose, Corruption, columns_hidden
from mlsci.reconstruction.likelihood import Likelihood
from mlsci.reconstruction.misfit import Usual, discrepancies
from mlsci.reconstruction.model import BaseDecoder
from mlsci.reconstruction.posterior import posterior
from mlsci.reconstruction.result import Reconstruction

IMAGE = (12, 12, 1)


def model() -> BaseDecoder:
    """Bars across the image, of any brightness, in the upper half alone."""
    rows = np.zeros((2, *IMAGE), np.float32)
    rows[0, 2:4], rows[1, 5:7] = 1, 1
    return BaseDecoder(2, IMAGE, lambda u: tf.tensordot(u, tf.constant(rows), 1))


@pytest.fixture(scope="module")
def noisy() -> Likelihood:
    return Likelihood(model(), Corruption(Compose(), 0.5), 0.05)


def results(likelihood: Likelihood, extra: float, n: int, seed: int) -> Reconstruction:
    """Noisy data of the model, a short stroke added to what it makes."""
    images = model().images(np.random.default_rng(seed).standard_normal((n, 2)))
    images[:, 9:11, 4:9] += extra
    y = likelihood.corruption.apply(images, seed=seed)
    return posterior(likelihood, y, method="laplace", draws=50, starts=2)


def test_a_stroke_among_noise_is_seen_by_the_excess_and_not_by_the_sum_of_squares(
    noisy: Likelihood,
) -> None:
    usual = Usual.measured(results(noisy, 0.0, 100, 1))
    found = usual.judged(results(noisy, 0.8, 50, 2))
    flag = found.flags["the model cannot make the data"]
    seen = {name: (found.numbers[f"p {name}"] <= 0.05).mean() for name in ("misfit", "excess")}
    assert seen["excess"] > seen["misfit"] + 0.3
    assert flag.mean() > 0.6
    np.testing.assert_array_equal(flag, found.p_value <= 0.05)
    assert not found.trustworthy[flag].any()
    # What misses is a misfit, and no excess.
    dark = usual.judged(results(noisy, -0.9, 50, 3))
    assert (dark.numbers["p misfit"] <= 0.05).mean() > (dark.numbers["p excess"] <= 0.05).mean()


def test_a_level_must_be_told_by_the_images_that_are_there(noisy: Likelihood) -> None:
    few = results(noisy, 0.0, 10, 1)
    with pytest.raises(ValueError, match="hold back more"):
        Usual.measured(few).judged(few, level=0.05)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([1, 2, 3]))
def test_p_values_are_uniform_whatever_the_discrepancies_and_their_correlation(
    seed: int, k: int
) -> None:
    """Exactly so: of an exchangeable set, each one among the others, ranks are a permutation."""
    rng = np.random.default_rng(seed)
    values = np.exp(3 * rng.standard_normal((30, k)) @ rng.standard_normal((k, k)))
    p = np.array([Usual(np.delete(values, i, 0)).p_value(values[i : i + 1])[0] for i in range(30)])
    for level in (1 / 30, 0.1, 0.5, 1.0):
        assert (p <= level + 1e-9).mean() <= level + 1e-9
    single = Usual(values[1:, :1])
    np.testing.assert_allclose(single.p_value(values[:1, :1]), single.p_values(values[:1, :1])[0])


def test_hidden_data_play_no_part(noisy: Likelihood) -> None:
    u, y = np.zeros((1, 5, 2)), np.zeros((1, *IMAGE))
    np.testing.assert_allclose(discrepancies(noisy, u, y), 0)
    half = Likelihood(model(), Corruption(columns_hidden(IMAGE, 6, 11), 0.5), 0.05)
    y[0, 9, 9] = 5.0
    assert discrepancies(noisy, u, y)[0, 1] > 1
    np.testing.assert_allclose(discrepancies(half, u, y), 0)
