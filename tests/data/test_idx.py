"""The IDX format: what is written is read back, and nothing damaged is read at all."""

from __future__ import annotations

import gzip
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlsci.data import idx

arrays = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6), fill=st.nothing()
)
SOME = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


def read(stored: bytes) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        path.write_bytes(stored)
        return idx.decode(idx.unpack(path))


@given(arrays, st.booleans())
def test_what_is_written_is_read_back(values: np.ndarray, zipped: bool) -> None:
    content = idx.encode(values)
    back = read(gzip.compress(content) if zipped else content)
    assert back.dtype == np.uint8
    assert back.shape == values.shape
    np.testing.assert_array_equal(back, values)


def test_header_is_the_published_one() -> None:
    # The first 16 bytes of MNIST's training images: magic 0x00000803, 60000, 28, 28.
    content = idx.encode(np.zeros((60_000, 28, 28), np.uint8))
    assert content[:16] == struct.pack(">IIII", 0x803, 60_000, 28, 28)
    assert idx.encode(np.zeros(10_000, np.uint8))[:8] == struct.pack(">II", 0x801, 10_000)


@given(st.data(), st.booleans())
def test_no_truncated_file_is_read(data: st.DataObject, zipped: bool) -> None:
    content = idx.encode(SOME)
    stored = gzip.compress(content) if zipped else content
    cut = data.draw(st.integers(0, len(stored) - 1))
    with pytest.raises(idx.IdxError):
        read(stored[:cut])


@given(st.binary(min_size=1, max_size=40))
def test_nothing_may_follow_the_values(tail: bytes) -> None:
    with pytest.raises(idx.IdxError, match="too long"):
        idx.decode(idx.encode(SOME) + tail)


@given(st.data())
def test_a_flipped_bit_of_a_gzip_file_is_never_read_as_other_values(data: st.DataObject) -> None:
    stored = bytearray(gzip.compress(idx.encode(SOME)))
    bit = data.draw(st.integers(0, 8 * len(stored) - 1))
    stored[bit // 8] ^= 1 << bit % 8
    try:
        values = read(bytes(stored))
    except idx.IdxError:
        return
    np.testing.assert_array_equal(values, SOME)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "too short"),
        (b"<!DOCTYPE html><html>", "not an IDX file: it begins with 3c 21"),
        (struct.pack(">IIf", 0xD01, 1, 0.5), "wrong magic number 00 00 0d 01"),
        (struct.pack(">II", 0x803, 3), "within the header"),
        (struct.pack(">IIII", 0x803, 2**31, 2**31, 2**31), "truncated"),
    ],
)
def test_the_cause_is_named(content: bytes, cause: str) -> None:
    with pytest.raises(idx.IdxError, match=cause):
        idx.decode(content)


def test_only_bytes_are_written() -> None:
    with pytest.raises(TypeError, match="float64"):
        idx.encode(np.zeros(3))  # type: ignore[arg-type]


def test_what_is_read_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        idx.decode(idx.encode(SOME))[0] = 1
