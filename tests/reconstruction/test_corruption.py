"""Corruptions: adjoints and matrices agree with the operators; what hides, hides."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from mlsci.reconstruction.corruption import (
    Compose,
    Corruption,
    Differentiable,
    Downsample,
    GaussianBlur,
    Mask,
    Operator,
    columns_hidden,
    published,
    sparse,
)

IMAGE = (8, 12, 2)
HALF = columns_hidden(IMAGE, 3, 8)
LINEAR: dict[str, Operator] = {
    "mask": HALF,
    "blur": GaussianBlur(5, 1.5),
    "downsample": Downsample(4),
    "identity": Compose(),
    "user": Differentiable(lambda x: x[:, ::-1, ::2] - 2 * x[:, :, 1::2], linear=True),
    "blurred, sampled, masked": Compose(
        GaussianBlur(3, 1.0), Downsample(2), sparse((4, 6, 2), 0.5, seed=1)
    ),
}


@pytest.mark.parametrize("name", LINEAR)
def test_adjoint_and_matrix_belong_to_the_operator(name: str) -> None:
    operator, rng = LINEAR[name], np.random.default_rng(0)
    x = rng.standard_normal((3, *IMAGE))
    value = operator(tf.constant(x)).numpy()
    y = rng.standard_normal(value.shape)
    forward = (value * y).sum((1, 2, 3))
    backward = (x * operator.adjoint(y, IMAGE)).sum((1, 2, 3))
    np.testing.assert_allclose(forward, backward, rtol=1e-12)
    dense = x.reshape(3, -1) @ operator.matrix(IMAGE).T
    np.testing.assert_allclose(dense, value.reshape(3, -1), atol=1e-12)
    assert operator.observed(np.ones(IMAGE, bool)).shape == value.shape[1:]


def test_the_blur_is_a_truncated_gaussian_filter_with_black_edges() -> None:
    x = np.random.default_rng(1).random((1, 28, 28, 1))
    expected = gaussian_filter(x[0, :, :, 0], 3.0, mode="constant", radius=5)
    found = GaussianBlur(11, 3.0)(tf.constant(x)).numpy()[0, :, :, 0]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_what_a_mask_hides_does_not_matter_unless_it_is_blurred_afterwards() -> None:
    assert not HALF.observed(np.ones(IMAGE, bool))[:, 3:9].any()
    assert HALF.observed(np.ones(IMAGE, bool))[:, [0, 1, 2, 9, 10, 11]].all()
    both = Compose(HALF, columns_hidden(IMAGE, 0, 0))
    assert not both.observed(np.ones(IMAGE, bool))[:, [0, 3, 8]].any()
    assert Compose(HALF, GaussianBlur(3, 1.0)).observed(np.ones(IMAGE, bool)).all()


def test_data_have_the_noise_that_is_stated_and_only_where_they_are_seen() -> None:
    corruption = Corruption(HALF, 0.5)
    x = np.full((400, *IMAGE), 0.25)
    y = corruption.apply(x, seed=3)
    assert (y[:, :, 3:9] == 0).all()
    seen = y[:, :, :3]
    assert abs(seen.mean() - 0.25) < 5 * 0.5 / np.sqrt(seen.size)
    assert abs(seen.std() - 0.5) < 0.01
    np.testing.assert_array_equal(y, corruption.apply(x, seed=3))
    levels = np.linspace(0, 1, np.prod(IMAGE)).reshape(IMAGE)
    np.testing.assert_array_equal(Corruption(HALF, levels).noise_map(IMAGE), levels)


def test_the_published_corruptions_are_the_published_ones() -> None:
    image = (28, 28, 1)
    five = published(image)
    assert list(five) == ["solid mask", "sparse mask", "noise", "mask and noise", "blur"]
    hidden = {name: ~c.observed(image) for name, c in five.items()}
    assert np.flatnonzero(hidden["solid mask"][0, :, 0]).tolist() == list(range(10, 24))
    assert hidden["sparse mask"].sum() == round(0.95 * 784)
    assert np.flatnonzero(hidden["mask and noise"][0, :, 0]).tolist() == list(range(14, 28))
    assert not hidden["noise"].any()
    assert not hidden["blur"].any()
    assert [c.noise for c in five.values()] == [0, 0, 0.5, 0.5, 0]


def test_impossible_corruptions_are_refused() -> None:
    x = tf.zeros((1, *IMAGE))
    with pytest.raises(ValueError, match="booleans"):
        Mask(np.ones(IMAGE))
    with pytest.raises(ValueError, match="a pixel that is seen"):
        Mask(np.zeros(IMAGE, bool))
    with pytest.raises(ValueError, match="the mask is for images"):
        Mask(np.ones((4, 4, 1), bool))(x)
    with pytest.raises(ValueError, match="odd size"):
        GaussianBlur(4, 1.0)
    with pytest.raises(ValueError, match="do not divide"):
        Downsample(5)(x)
    with pytest.raises(ValueError, match="not within images"):
        columns_hidden(IMAGE, 5, 12)
    with pytest.raises(ValueError, match="hidden share"):
        sparse(IMAGE, 1.0, seed=0)
    for noise in (-0.1, np.nan):
        with pytest.raises(ValueError, match="not negative"):
            Corruption(HALF, noise)
    with pytest.raises(ValueError, match="noise map must be"):
        Corruption(Downsample(2), np.ones(IMAGE)).noise_map(IMAGE)
    with pytest.raises(ValueError, match="no adjoint"):
        Differentiable(tf.square).adjoint(np.zeros((1, *IMAGE)), IMAGE)
    with pytest.raises(ValueError, match="no matrix"):
        Differentiable(tf.square).matrix(IMAGE)
