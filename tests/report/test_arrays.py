"""Arrays come back as they were, in the same bytes every time, or are refused before writing."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from mlsci.report.arrays import write_arrays


def test_arrays_come_back_and_their_bytes_do_not_depend_on_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = {"z": np.linspace(0, 1, 7, dtype=np.float16), "who": np.array(["a", "bc"])}
    write_arrays(tmp_path / "first.npz", arrays)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1e6)
    write_arrays(tmp_path / "second.npz", arrays)
    with np.load(tmp_path / "first.npz") as stored:
        for name, values in arrays.items():
            np.testing.assert_array_equal(stored[name], values)
            assert stored[name].dtype == values.dtype
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()


def test_python_objects_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bad holds Python objects"):
        write_arrays(tmp_path / "x.npz", {"bad": np.array([{}], object)})
    assert not list(tmp_path.iterdir())
