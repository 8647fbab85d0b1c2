"""Each way without a network is the best of its kind: Wiener, total variation, the nearest."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.reconstruction.classical import Wiener, nearest, total_variation
from mlsci.reconstruction.corruption import Compose, Corruption, GaussianBlur, columns_hidden

IMAGE = (3, 6, 1)
RNG = np.random.default_rng(0)
MIXING = RNG.standard_normal((18, 18))


def gaussian_images(n: int) -> np.ndarray:
    return (1.0 + RNG.standard_normal((n, 18)) @ MIXING.T).reshape(n, *IMAGE)


@pytest.mark.parametrize(
    "corruption",
    [
        Corruption(columns_hidden(IMAGE, 1, 3), 0.5),
        Corruption(GaussianBlur(3, 1.0), 0.3),
        Corruption(Compose(), RNG.uniform(0.2, 2.0, IMAGE)),
    ],
)
def test_errors_of_wiener_are_as_large_as_it_says_and_none_is_smaller(
    corruption: Corruption,
) -> None:
    filter_ = Wiener(gaussian_images(20_000), shrinkage=0.0)
    x = gaussian_images(3000)
    y = corruption.apply(x, seed=1)
    mean, std = filter_(y, corruption)
    error = mean - x
    np.testing.assert_allclose(error.std(0), std, rtol=0.1)
    # Orthogonality: what is left cannot be foretold from the data.
    seen = y.reshape(3000, -1)[:, corruption.observed(IMAGE).ravel()]
    correlation = np.corrcoef(error.reshape(3000, -1).T, seen.T)[:18, 18:]
    assert np.abs(correlation).max() < 0.1


def test_data_without_noise_are_returned() -> None:
    corruption = Corruption(columns_hidden(IMAGE, 4, 5))
    x = gaussian_images(4)
    mean, std = Wiener(gaussian_images(500))(corruption.apply(x, seed=0), corruption)
    np.testing.assert_allclose(mean[:, :, :4], x[:, :, :4], atol=1e-6)
    assert (std[:, :4] < 1e-5).all()
    assert (std[:, 4:] > 0.1).all()


def test_the_nearest_image_is_found_by_what_is_seen() -> None:
    known = gaussian_images(30)
    corruption = Corruption(columns_hidden(IMAGE, 3, 5), 0.01)
    found = nearest(corruption.apply(known[[7, 3]], seed=0), corruption, known)
    np.testing.assert_array_equal(found, known[[7, 3]])


def test_images_that_tell_no_covariance_are_refused() -> None:
    with pytest.raises(ValueError, match="two images"):
        Wiener(np.zeros((1, *IMAGE)))
    with pytest.raises(ValueError, match="without NaN"):
        Wiener(np.full((5, *IMAGE), np.nan))


def test_total_variation_keeps_edges_and_fills_holes() -> None:
    image = (8, 10, 1)
    x = np.zeros((2, *image), np.float32)
    x[:, :, 5:] = 1.0
    x[1] *= 0.5
    noisy = Corruption(Compose(), 0.1)
    y = noisy.apply(x, seed=0)
    smooth = total_variation(y, noisy, image, weight=0.2)
    assert np.square(smooth - x).mean() < 0.4 * np.square(y - x).mean()
    np.testing.assert_allclose(np.diff(smooth[0].mean((0, 2)))[4], 1, atol=0.15)
    hole = Corruption(columns_hidden(image, 1, 2))
    np.testing.assert_allclose(
        total_variation(hole.apply(x, seed=0), hole, image, weight=1e-3), x, atol=0.02
    )
    # Its minimum is one: no image nearby has a lower energy.
    energy = [
        0.5 * np.square(z - y).sum() + 0.2 * variation(z)
        for z in (smooth, smooth + 0.01 * (y - smooth), smooth + 0.01 * (x - smooth), smooth + 0.01)
    ]
    assert min(energy) == energy[0]


def variation(x: np.ndarray) -> float:
    down = np.diff(x, axis=1, append=x[:, -1:])
    right = np.diff(x, axis=2, append=x[:, :, -1:])
    return float(np.sqrt(down**2 + right**2).sum())
