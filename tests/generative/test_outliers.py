"""The area under the ROC curve against its definition, known values and symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from mlsci.generative.outliers import auroc

# Whole numbers: ties occur, and what is done to them below is exact.
scores = st.lists(st.integers(-50, 50), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("inside", "outside", "value"),
    [
        ([1, 2], [0, -1], 1.0),
        ([0, -1], [1, 2], 0.0),
        ([1, 1, 1], [1, 1], 0.5),
        ([1, 2, 3], [0, 2], (3 + 1 + 0.5) / 6),
        ([1], [0], 1.0),
    ],
)
def test_known_values(inside: list[float], outside: list[float], value: float) -> None:
    assert auroc(np.array(inside), np.array(outside)) == pytest.approx(value, abs=1e-12)


def test_of_two_gaussians() -> None:
    """Two unit normals a distance d apart give the normal distribution function of d / sqrt 2."""
    quantiles = norm.ppf((np.arange(4000) + 0.5) / 4000)
    assert auroc(quantiles + 1, quantiles) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=1e-3)


@settings(deadline=None, max_examples=50)
@given(inside=scores, outside=scores)
def test_is_the_share_of_pairs_in_the_right_order(inside: list[int], outside: list[int]) -> None:
    a, b = np.array(inside), np.array(outside)
    pairs = (a[:, None] > b).mean() + 0.5 * (a[:, None] == b).mean()
    assert auroc(a, b) == pytest.approx(pairs, abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(inside=scores, outside=scores)
def test_exchanging_the_sets_gives_the_complement(inside: list[int], outside: list[int]) -> None:
    a, b = np.array(inside), np.array(outside)
    assert auroc(a, b) + auroc(b, a) == pytest.approx(1, abs=1e-12)
    assert auroc(-a, -b) == pytest.approx(auroc(b, a), abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(inside=scores, outside=scores)
def test_only_the_order_of_scores_matters(inside: list[int], outside: list[int]) -> None:
    a, b = np.array(inside), np.array(outside)
    assert auroc(a**3 + 7, b**3 + 7) == auroc(a, b)
    assert auroc(np.exp(a / 10), np.exp(b / 10)) == auroc(a, b)


@pytest.mark.parametrize(
    ("inside", "outside", "message"),
    [
        ([1.0, np.nan], [0.0], "NaN"),
        ([1.0], [np.nan], "NaN"),
        ([], [0.0], "both familiar and foreign"),
        ([1.0], [], "both familiar and foreign"),
    ],
)
def test_nan_and_empty_sets_are_refused(
    inside: list[float], outside: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        auroc(np.array(inside), np.array(outside))
