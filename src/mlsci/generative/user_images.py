"""Images of a user's own, as a set of strangers: Omniglot, which this project may not pass on.

Omniglot's archive ``images_evaluation.zip`` (Lake, Salakhutdinov & Tenenbaum 2015,
doi:10.1126/science.aab3050) is read as it is published: drawings of 105 x 105 pixels, black on
white. They are averaged down to the size of the images that a model has learned, and inverted.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import numpy as np

ARRAYS = (".npy", ".npz")
HOW = (
    "give a .zip or a folder of PNG pictures (Omniglot's images_evaluation.zip is one), or a .npy "
    "or .npz file with one array (n, height, width) of bytes or of numbers in [0, 1]"
)


def read_images(
    path: Path, size: tuple[int, int] = (28, 28), *, limit: int = 10000, seed: int = 0
) -> np.ndarray:
    """Return grey images ``(n, *size, 1)`` in [0, 1], bright on a dark ground, float32.

    Parameters
    ----------
    path
        An archive or a folder of pictures, or an array.
    size
        (height, width) to which pixels are averaged.
    limit, seed
        Of more images than `limit` as many are drawn, without repetition.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    ValueError
        If no images can be read from it; the message says what can.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}: {HOW}")
    rng = np.random.default_rng(seed)
    if path.suffix in ARRAYS:
        x = _array(path)
        chosen = np.sort(rng.permutation(len(x))[:limit])
        images = [_resized(one, size) for one in x[chosen]]
    else:
        names = sorted(_pictures(path))
        if not names:
            raise ValueError(f"{path} holds no PNG pictures: {HOW}")
        chosen = np.sort(rng.permutation(len(names))[:limit])
        images = list(_decoded(path, [names[k] for k in chosen], size))
    grey = np.stack(images)[..., None]
    edges = [grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]]
    ground = np.concatenate([edge.ravel() for edge in edges]).mean()
    return np.clip(1 - grey if ground > 0.5 else grey, 0, 1).astype(np.float32)


def _array(path: Path) -> np.ndarray:
    try:
        with path.open("rb") as f:
            stored = np.load(f, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                x = stored
            elif len(stored.files) == 1:
                x = stored[stored.files[0]]
            else:
                raise ValueError(f"it has the arrays {stored.files}, not one")
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read ({error}): {HOW}") from error
    if x.ndim == 4 and x.shape[-1] == 1:
        x = x[..., 0]
    if x.ndim != 3 or 0 in x.shape:
        raise ValueError(f"{path} holds an array {x.shape}: {HOW}")
    x = x / np.float32(255) if x.dtype == np.uint8 else x.astype(np.float32)
    if not (np.isfinite(x).all() and x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"{path} holds numbers outside [0, 1] that are not bytes: {HOW}")
    return x


def _pictures(path: Path) -> list[str]:
    if path.is_dir():
        files = [p.relative_to(path).as_posix() for p in path.rglob("*")]
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                files = archive.namelist()
        except zipfile.BadZipFile as error:
            raise ValueError(f"{path} is no archive ({error}): {HOW}") from error
    return [f for f in files if f.lower().endswith(".png") and not f.startswith("__MACOSX")]


def _decoded(path: Path, names: list[str], size: tuple[int, int]) -> Iterator[np.ndarray]:
    from matplotlib.image import imread

    with nullcontext() if path.is_dir() else zipfile.ZipFile(path) as archive:
        for name in names:
            content = archive.read(name) if archive else (path / name).read_bytes()
            try:
                picture = imread(io.BytesIO(content), format="png")
            except (OSError, SyntaxError, ValueError) as error:
                raise ValueError(f"{name} in {path} is no picture ({error}): {HOW}") from error
            colours = picture[..., :3] if picture.ndim == 3 else picture[..., None]
            yield _resized(colours.mean(-1), size)


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Average the pixels of an image ``(h, w)`` over those of a grid of `size`."""
    rows, columns = (_shares(n, m) for n, m in zip(image.shape, size, strict=True))
    return rows @ image @ columns.T


@cache
def _shares(n: int, m: int) -> np.ndarray:
    """Return what shares of n cells make up each of m cells of the same length, ``(m, n)``."""
    edges, cells = np.arange(m + 1) * n / m, np.arange(n)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return np.clip(overlap, 0, None) * m / n
