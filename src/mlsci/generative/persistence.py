"""One .npz file a model.

It holds the configuration as JSON, and the variables in the order of `tf.Module.variables`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

FORMAT = 1
Model = TypeVar("Model", bound=tf.Module)
Config = TypeVar("Config")


def round_to_half(module: tf.Module) -> None:
    """Round all variables to what float16 can hold, so that `save_module` writes half the bytes.

    Raises
    ------
    ValueError
        If a variable is beyond the range of float16 (65504).
    """
    for variable in module.variables:
        with np.errstate(over="ignore"):
            half = variable.numpy().astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError("a weight is beyond the range of float16: keep the float32 weights")
        variable.assign(half.astype(np.float32))


def save_module(module: tf.Module, config: dict[str, Any], path: Path) -> None:
    """Write a module's variables and configuration, to a temporary name first."""
    arrays = {f"v{i:03d}": _smallest(v.numpy()) for i, v in enumerate(module.variables)}
    header = json.dumps({"format": FORMAT, "type": type(module).__name__, "config": config})
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as f:
        np.savez_compressed(f, header=np.array(header), **arrays)  # type: ignore[arg-type]
    temporary.replace(path)


def _smallest(array: np.ndarray) -> np.ndarray:
    """Return float16 where nothing is lost by it."""
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half.astype(array.dtype), array) else array


def load_module(build: Callable[[dict[str, Any]], Model], path: Path) -> Model:
    """Build a module from the stored configuration and fill its variables.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, of another model, or of a newer format.
    """
    try:
        with Path(path).open("rb") as f, np.load(f, allow_pickle=False) as stored:
            header = json.loads(str(stored["header"]))
            arrays = [stored[k] for k in sorted(stored.files) if k != "header"]
    except FileNotFoundError:
        raise
    except (zipfile.BadZipFile, KeyError, EOFError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} is damaged or no saved model ({error}): train or fetch it again"
        ) from error
    if header["format"] > FORMAT:
        raise ValueError(
            f"{path} has format {header['format']}, newer than this mlsci reads: update"
        )
    try:
        module = build(header["config"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} holds settings that cannot be built: {error}") from error
    shapes = [tuple(v.shape) for v in module.variables]
    if header["type"] != type(module).__name__ or shapes != [a.shape for a in arrays]:
        raise ValueError(
            f"{path} holds a {header['type']} that does not fit {type(module).__name__}"
        )
    for variable, array in zip(module.variables, arrays, strict=True):
        variable.assign(array.astype(np.float32))
    return module


def config_from_dict(cls: type[Config], values: dict[str, Any]) -> Config:
    """Return a configuration dataclass from JSON values, whose lists become tuples.

    Raises
    ------
    ValueError
        For unknown names.
    """
    names = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    if unknown := set(values) - names:
        raise ValueError(f"unknown settings {sorted(unknown)} for {cls.__name__}")
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
