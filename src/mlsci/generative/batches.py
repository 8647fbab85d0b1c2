"""Evaluation of compiled functions on arrays of any length, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


def compiled(function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """Return the function as a TensorFlow graph.

    Autograph stays off: it reads source files while the program runs, and an edit would break it.
    """
    return tf.function(function, reduce_retracing=True, autograph=False)


def in_batches(
    function: Callable[..., tf.Tensor], x: np.ndarray, *more: Any, size: int = 1000
) -> np.ndarray:
    """Return ``function(x, *more)`` for x ``(n, ...)``, at most `size` rows at once; n may be 0."""
    if len(x) == 0:
        return function(tf.zeros((1, *x.shape[1:]), x.dtype), *more).numpy()[:0]
    parts = [function(tf.constant(x[i : i + size]), *more) for i in range(0, len(x), size)]
    return np.concatenate([part.numpy() for part in parts])
