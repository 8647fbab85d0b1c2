"""The figures of records and excess show what they are given, and close."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from mlsci.mortality import excess_pictures, record_pictures, weeks

ENDS = weeks.axis(14)
NAMES = ("Lombardia", "Veneto")


def test_weeks_are_named_by_their_last_day() -> None:
    assert record_pictures.day_label("02-29") == "29 Feb"
    assert record_pictures.day_label(307) == "7 Mar"
    figure, axis = plt.subplots()
    record_pictures.label_weeks(axis, ENDS, 6)
    assert [t.get_text() for t in axis.get_xticklabels()] == ["11 Apr", "29 Feb", "18 Jan"]
    plt.close(figure)


def test_days_and_weeks_share_an_axis() -> None:
    days = weeks.DAYS[:88]
    rates = np.full((3, 12), 4.0)
    figure = record_pictures.days_and_weeks(
        days, np.full((3, 88), 4.0), rates, weeks.days(weeks.axis(12), [2020])[0]
    )
    axis = figure.axes[0]
    assert axis.get_xlim() == (0, 88)
    assert next(t.get_text() for t in axis.get_xticklabels()) == "11 Jan"
    plt.close(figure)


def test_age_ratios_are_one_where_nothing_changed() -> None:
    days = weeks.days(ENDS, (2019, 2020))
    figure = record_pictures.age_ratios(3.0 * np.stack([days, days]), days, ("a", "b"), ENDS)
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), 0)
    plt.close(figure)


def test_every_panel_shows_observation_and_prediction() -> None:
    observed = np.ones((2, 3, 14)) * np.array([[[1.0]], [[2.0]]])
    expected = np.full((2, 8), 1.5)
    figure = excess_pictures.counterfactuals(NAMES, observed, expected, 0.1 * expected, ENDS)
    shown = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in shown] == list(NAMES)
    for axis, level in zip(shown, (1.0, 2.0)):
        lines = [line.get_ydata() for line in axis.lines]
        assert [len(line) for line in lines] == [14, 14, 14, 8]
        assert set(np.asarray(lines[2])) == {level}
    plt.close(figure)


def test_values_are_shown_over_the_reference() -> None:
    series = {"published": {"a": (10.0, 1.0)}, "ours": {"a": (12.0, 2.0)}}
    figure = excess_pictures.side_by_side(series, "published")
    points = [c.lines[0].get_xdata()[0] for c in figure.axes[0].containers]
    np.testing.assert_allclose(points, [1.0, 1.2])
    plt.close(figure)


def test_ages_without_official_deaths_have_no_ratio() -> None:
    groups = {"young": (-5.0, 3.0, 0.0), "old": (30.0, 3.0, 10.0)}
    figure = excess_pictures.by_age(groups)
    ratio = figure.axes[1].containers[0].lines[0]
    assert list(ratio.get_ydata()) == [3.0]
    plt.close(figure)


def test_vintages_end_at_one() -> None:
    releases = {"first": {"a": (20.0, 1.0)}, "last": {"a": (10.0, 1.0)}}
    figure = excess_pictures.vintages(releases)
    line = figure.axes[0].containers[0].lines[0]
    assert list(line.get_ydata()) == [2.0, 1.0]
    plt.close(figure)
