"""Figures have the panels, the labels and the pixels that were asked for."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from mlsci.generative import pictures

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Draw without a screen, and leave no figure open."""
    with mpl.rc_context():
        plt.switch_backend("Agg")
        yield
        plt.close("all")


def test_tiled_images_lie_where_they_belong() -> None:
    images = RNG.random((7, 3, 4))
    whole = pictures.tiled(images, 2, 3, gap=2)
    assert whole.shape == (2 * 3 + 2, 3 * 4 + 2 * 2)
    seen = np.zeros(whole.shape, bool)
    for k in range(6):
        row, column = divmod(k, 3)
        place = np.s_[row * 5 : row * 5 + 3, column * 6 : column * 6 + 4]
        np.testing.assert_array_equal(whole[place], images[k])
        seen[place] = True
    np.testing.assert_array_equal(whole[~seen], 0.5)


def test_tiled_scales_bytes_and_clips_the_rest() -> None:
    levels = np.array([[[0, 51], [204, 255]]], np.uint8)
    np.testing.assert_allclose(pictures.tiled(levels, 1, 1), [[0, 0.2], [0.8, 1]])
    np.testing.assert_array_equal(pictures.tiled(np.array([[[-1.0, 2.0]]]), 1, 1), [[0, 1]])


@pytest.mark.parametrize("shape", [(3, 4, 4), (4, 4), (4, 4, 4, 1)])
def test_tiled_refuses_too_few_images_and_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"need 4 images \(n, h, w\)"):
        pictures.tiled(np.zeros(shape), 2, 2)


@pytest.mark.parametrize(("sets", "panels", "axes"), [(1, 3, 1), (2, 3, 2), (3, 3, 3), (4, 3, 6)])
def test_image_grids_draw_a_panel_a_set(sets: int, panels: int, axes: int) -> None:
    named = {f"set {k}": RNG.random((4, 5, 5)) for k in range(sets)}
    figure = pictures.image_grids(named, rows=2, columns=2, panels=panels)
    assert len(figure.axes) == axes
    drawn = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title() for axis in drawn] == list(named)
    for axis, images in zip(drawn, named.values(), strict=True):
        shown = np.asarray(axis.images[0].get_array())
        np.testing.assert_array_equal(shown, pictures.tiled(images, 2, 2))
        assert axis.images[0].get_clim() == (0, 1)
    figure.draw_without_rendering()


def test_latent_planes_share_their_axes() -> None:
    clouds = {"codes": RNG.standard_normal((50, 4)), "flow": 3 * RNG.standard_normal((20, 4))}
    figure = pictures.latent_planes(clouds, (1, 3), points=30)
    assert [axis.get_title() for axis in figure.axes] == ["codes", "flow"]
    for axis, cloud in zip(figure.axes, clouds.values(), strict=True):
        np.testing.assert_array_equal(axis.collections[0].get_offsets(), cloud[:30, [1, 3]])
    first, second = figure.axes
    assert (first.get_xlim(), first.get_ylim()) == (second.get_xlim(), second.get_ylim())
    assert (first.get_xlabel(), first.get_ylabel()) == ("$z_{1}$", "$z_{3}$")
    figure.draw_without_rendering()


def test_curves_draw_lines_and_levels() -> None:
    lines = {"a": ([1, 2, 4], [3.0, 2.0, 1.0]), "b": ([1, 2], [5.0, 4.0])}
    figure = pictures.curves(lines, x="size", y="error", levels={"best": 0.5}, log_x=True)
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b", "best"]
    np.testing.assert_array_equal(axis.lines[0].get_xydata(), np.transpose(lines["a"]))
    assert list(axis.lines[2].get_ydata()) == [0.5, 0.5]
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "linear")
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("size", "error")
    figure.draw_without_rendering()


def test_bars_stand_in_order_with_their_errors() -> None:
    values = {"one": 1.0, "two": (2.0, 0.5), "three": (3.0, None)}
    figure = pictures.bars(values, x="nats", levels={"goal": 2.5})
    (axis,) = figure.axes
    widths = [patch.get_width() for patch in axis.patches]
    heights = [patch.get_y() for patch in axis.patches]
    assert widths == [1, 2, 3]
    assert heights == sorted(heights, reverse=True)  # the first at the top
    assert [label.get_text() for label in axis.get_yticklabels()] == list(values)
    assert [text.get_text() for text in axis.texts] == ["1", "2", "3"]
    assert axis.get_legend().get_texts()[0].get_text() == "goal"
    figure.draw_without_rendering()


@pytest.mark.parametrize(("count", "axes"), [(1, 1), (3, 3), (4, 6)])
def test_score_histograms_draw_a_panel_a_score(count: int, axes: int) -> None:
    scores = {
        f"score {k}": {"inside": RNG.standard_normal(300), "outside": RNG.standard_normal(200) - 2}
        for k in range(count)
    }
    figure = pictures.score_histograms(scores, x="nats")
    assert len(figure.axes) == axes
    used = [axis for axis in figure.axes if axis.patches]
    assert [axis.get_title() for axis in used] == list(scores)
    for axis in used:
        area = sum(patch.get_width() * patch.get_height() for patch in axis.patches)
        assert area == pytest.approx(2)  # two normalised histograms
    figure.draw_without_rendering()
