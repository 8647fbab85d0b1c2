"""A user's own images become what a model of other images can score."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from mlsci.generative.user_images import read_images


def drawing(k: int) -> np.ndarray:
    """A black stroke on white, 105 x 105 bytes, as in Omniglot."""
    x = np.full((105, 105), 255, np.uint8)
    x[20:80, 30 + k : 45 + k] = 0
    return x


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "images_evaluation.zip"
    with zipfile.ZipFile(path, "w") as f:
        for k in range(6):
            content = io.BytesIO()
            matplotlib.image.imsave(content, drawing(k), cmap="gray", format="png")
            f.writestr(f"images_evaluation/Angelic/character01/0{k}.png", content.getvalue())
        f.writestr("__MACOSX/images_evaluation/._00.png", b"")
    return path


def test_an_archive_is_inverted_and_made_smaller(archive: Path) -> None:
    x = read_images(archive)
    assert x.shape == (6, 28, 28, 1)
    assert x.dtype == np.float32
    assert x[:, 0].max() == pytest.approx(0, abs=1e-6)
    assert x.max() == pytest.approx(1, abs=1e-6)
    # Averaging keeps the ink.
    np.testing.assert_allclose(x.mean((1, 2, 3)), 60 * 15 / 105**2, rtol=1e-4)


def test_a_folder_and_an_array_say_the_same_as_the_archive(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as f:
        f.extractall(tmp_path / "folder")
    np.testing.assert_array_equal(read_images(tmp_path / "folder"), read_images(archive))
    np.savez(tmp_path / "x.npz", np.stack([drawing(k) for k in range(6)]))
    np.testing.assert_allclose(read_images(tmp_path / "x.npz"), read_images(archive), atol=1e-6)


def test_bright_images_of_the_right_size_are_left_alone(tmp_path: Path) -> None:
    x = np.zeros((5, 28, 28, 1), np.float32)
    x[:, 5:9, 5:9] = np.linspace(0.2, 1, 5)[:, None, None, None]
    np.save(tmp_path / "x.npy", x)
    np.testing.assert_allclose(read_images(tmp_path / "x.npy"), x, atol=1e-6)


def test_many_images_are_drawn_from_by_seed(archive: Path) -> None:
    few = read_images(archive, limit=3, seed=1)
    assert len(few) == 3
    np.testing.assert_array_equal(few, read_images(archive, limit=3, seed=1))
    assert len(np.unique(few.reshape(3, -1), axis=0)) == 3


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("x.zip", b"no archive", "no archive"),
        ("x.npy", b"no array", "cannot be read"),
        ("x.npz", b"no array", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(
    name: str, content: bytes, cause: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=cause):
        read_images(path)


@pytest.mark.parametrize(
    ("array", "cause"),
    [
        (np.zeros((3, 4)), r"array \(3, 4\)"),
        (np.full((2, 4, 4), 7.0), "outside"),
        (np.full((2, 4, 4), np.nan), "outside"),
    ],
)
def test_arrays_that_are_no_images_are_refused(
    array: np.ndarray, cause: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ValueError, match=cause):
        read_images(tmp_path / "x.npy")


def test_missing_and_empty_sources_say_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"images_evaluation\.zip"):
        read_images(tmp_path / "nothing.zip")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="no PNG pictures"):
        read_images(tmp_path / "folder")
    (tmp_path / "folder/x.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="is no picture"):
        read_images(tmp_path / "folder")
