"""Arrays of an artefact, written safely."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mlsci.report import files


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as one compressed .npz file, atomically.

    The bytes depend on the arrays alone, not on the time.

    Raises
    ------
    ValueError
        For an array of Python objects, which could not be read back without running code.
    """
    for name, values in arrays.items():
        if np.asarray(values).dtype.hasobject:
            raise ValueError(f"{path.name}: {name} holds Python objects; store numbers or strings")
    content = io.BytesIO()
    np.savez_compressed(content, **dict(arrays))  # type: ignore[arg-type]
    files.write_bytes(path, content.getvalue())
