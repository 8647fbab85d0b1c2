"""A claim is a finite number with a name, a verdict and a source, or it is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsci.report import claims, files, paths

finite = st.floats(allow_nan=False, allow_infinity=False)
FIELDS = {
    "key", "value", "error", "published", "target", "reached", "source", "unit", "description",
    "text", "notebook", "profile", "seal",
}  # fmt: skip


def make(key: str = "toy.x", value: Any = 1.0, **more: Any) -> dict[str, Any]:
    return claims.make(key, value, notebook="toy-one", profile="smoke", seal={}, **more)


@given(finite, st.none() | st.floats(0, 1e300), st.none() | finite)
def test_a_finite_number_is_recorded_as_it_is(
    value: float, error: float | None, published: float | None
) -> None:
    claim = make(value=value, error=error, published=published, source="A paper")
    assert set(claim) == FIELDS
    assert (claim["value"], claim["error"], claim["published"]) == (value, error, published)
    assert claim["reached"] is None
    assert json.loads(files.canonical(claim)) == claim


@given(st.sampled_from([math.nan, math.inf, -math.inf, np.float32("nan"), np.array([np.inf])]))
@pytest.mark.parametrize("name", ["value", "error", "published"])
def test_what_is_not_finite_is_refused(name: str, bad: Any) -> None:
    with pytest.raises(claims.ClaimError, match="must be finite"):
        make(**{"value": 1.0, "source": "A paper", name: bad})


@pytest.mark.parametrize("bad", [None, "1", True, np.True_, [1.0], np.zeros(2), 1j])
def test_what_is_not_a_number_is_refused(bad: Any) -> None:
    with pytest.raises(claims.ClaimError, match="not a number"):
        make(value=bad)


@pytest.mark.parametrize("one", [1, np.int64(1), np.float32(1), np.array(1.0), np.ones((1, 1))])
def test_numpy_scalars_become_plain_numbers(one: Any) -> None:
    value = make(value=one)["value"]
    assert type(value) in (int, float)
    assert value == 1


def test_negative_errors_and_unsourced_comparisons_are_refused() -> None:
    with pytest.raises(claims.ClaimError, match="negative"):
        make(error=-0.1)
    with pytest.raises(claims.ClaimError, match="source"):
        make(published=1.0)


@pytest.mark.parametrize("key", ["", "toy", "toy.", ".x", "Toy.x", "toy.X", "toy x.y", "toy.x-y"])
def test_keys_are_plain(key: str) -> None:
    with pytest.raises(claims.ClaimError, match="claim key"):
        make(key)


def test_keys_begin_with_the_chapter_of_the_notebook() -> None:
    assert make("toy.a.b_2")["key"] == "toy.a.b_2"
    with pytest.raises(claims.ClaimError, match=r"must begin with 'toy\.'"):
        make("other.x")


@given(finite, finite)
def test_targets_are_comparisons(value: float, limit: float) -> None:
    for sign, truth in {
        "<=": value <= limit,
        ">=": value >= limit,
        "<": value < limit,
        ">": value > limit,
    }.items():
        assert make(value=value, target=f"{sign} {limit!r}")["reached"] is truth
        assert claims.reaches(value, f" {sign}{limit!r} ") is truth
    assert claims.reaches(value, f">= {limit!r}, <= {limit!r}") is (value == limit)
    assert claims.reaches(value, f"≥{limit!r}") is (value >= limit)


@given(st.text(max_size=12))
def test_what_is_no_target_is_refused_and_never_passed_over(text: str) -> None:
    try:
        conditions = claims.conditions(text)
    except claims.ClaimError:
        return
    assert conditions
    assert all(math.isfinite(limit) for _, limit in conditions)


@pytest.mark.parametrize("text", ["", "0.1", "= 0.1", "<= ", "<= 0.1 nats", "<= 0.1,", "<= nan"])
def test_such_targets_are_refused(text: str) -> None:
    with pytest.raises(claims.ClaimError):
        claims.conditions(text)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((12.9134, 0.4123, None, "nats"), "12.91 ± 0.41 nats"),
        ((0.0064012, 1.3e-5, None, None), "0.006401 ± 0.000013"),
        ((1234567.0, 3000.0, None, None), "(1.2346 ± 0.0030)e+06"),
        ((1.5e-7, 2e-8, None, None), "(1.50 ± 0.20)e-07"),
        ((-3.0, 12.0, None, None), "-3 ± 12"),
        ((0.0064012, None, None, None), "0.0064"),
        ((12.0, 3.0, ".1f", None), "12.0 ± 3.0"),
        ((12, None, None, None), "12"),
        ((60000, None, None, "images"), "60000 images"),
        ((1.0, 0.0, None, None), "1 ± 0"),
    ],
)
def test_how_a_value_is_shown(arguments: tuple[Any, ...], text: str) -> None:
    assert claims.shown(*arguments) == text


@given(finite, st.floats(1e-300, 1e300))
def test_every_value_can_be_shown(value: float, error: float) -> None:
    assert claims.shown(value, error, None, None)


@given(st.lists(st.sampled_from(["toy.a", "toy.b", "toy.c"]), max_size=4))
def test_claims_of_notebooks_are_merged_or_clash(keys: list[str]) -> None:
    metrics = [{"claims": [make(key)]} for key in keys]
    if len(set(keys)) == len(keys):
        assert [claim["key"] for claim in claims.merged(metrics)] == sorted(keys)
    else:
        with pytest.raises(claims.ClaimError, match="is claimed by"):
            claims.merged(metrics)


def test_the_last_build(home: Path) -> None:
    with pytest.raises(claims.NoBuildError, match="make book"):
        claims.last_build("full")
    with pytest.raises(claims.NoBuildError, match="make smoke"):
        claims.last_build("smoke")
    for name in ("toy-one", "toy-two"):
        (home / "notebooks" / f"{name}.py").touch()
    where = paths.notebooks("smoke")
    files.write_json(where / "toy-one.metrics.json", {"claims": [make("toy.b")]})
    with pytest.raises(claims.NoBuildError, match="toy-two"):
        claims.gather("smoke")
    files.write_json(where / "toy-two.metrics.json", {"claims": [make("toy.a")]})
    files.write_json(where / "gone.metrics.json", {"claims": [make("toy.z")]})
    claims.gather("smoke")
    assert [claim["key"] for claim in claims.last_build("smoke")] == ["toy.a", "toy.b"]
