"""The synthetic country's releases: read like real ones, and never taken for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlsci.mortality import italy
from mlsci.mortality.records import SYNTHETIC
from mlsci.mortality.releases import Releases
from mlsci.mortality.synthetic_releases import CLASSES, DELAY, SHARES, of_synthetic_country


@pytest.fixture(scope="module")
def country(tmp_path_factory) -> Releases:
    return of_synthetic_country(tmp_path_factory.mktemp("towns"), seed=3, size=0.05)


def test_towns_by_day_sum_to_the_weekly_tables(country) -> None:
    for until, release in (("03-28", "may4_cl2"), ("04-11", "may4_cl1")):
        summed = country.towns.weekly(until)
        np.testing.assert_array_equal(summed.deaths, country.weekly[release].deaths)


def test_classes_of_towns_are_what_their_data_say(country) -> None:
    for until, up_to in (("03-28", 2), ("04-11", 1)):
        number = country.towns.observed(until) % 1000 - 1
        assert set(number) == set(np.flatnonzero(up_to >= CLASSES))


def test_coverage_is_the_share_of_deaths(country) -> None:
    whole = country.weekly["june30"].select(weeks=("01-11", "03-28")).deaths.sum()
    part = country.weekly["may4_cl2"].deaths.sum()
    np.testing.assert_allclose(1 / country.coverage["may4_cl2"].factor, SHARES[:4].sum())
    assert part / whole == pytest.approx(SHARES[:4].sum(), abs=0.01)


def test_official_deaths_are_some_of_the_excess_and_late(country) -> None:
    dates = country.official.dates
    assert (np.diff(country.official.deaths, axis=1) >= 0).all()
    first = dates[np.argmax(country.official.deaths.sum(0) > 0)]
    assert first > np.datetime64("2020-02-22") + DELAY
    shares = country.official_ages.shares("2020-05-04")
    assert shares.sum() == pytest.approx(1)
    assert 0 < country.official.positivity("2020-05-02").max() < 1


def test_whatever_is_made_up_says_so(country) -> None:
    assert country.synthetic
    assert country.towns.source.startswith(SYNTHETIC)
    assert all(records.source.startswith(SYNTHETIC) for records in country.weekly.values())
    named = {**country.weekly, "june30": replace(country.weekly["june30"], source="Istat")}
    with pytest.raises(ValueError, match="some of these records are made up"):
        replace(country, weekly=named)
    with pytest.raises(ValueError, match="some of these records are made up"):
        replace(country, towns=replace(country.towns, source="Istat"))


def test_without_data_the_mend_is_told(monkeypatch, tmp_path) -> None:
    from mlsci import data

    monkeypatch.setenv("MLSCI_HOME", str(tmp_path))
    monkeypatch.delenv("MLSCI_DATA", raising=False)
    assert not italy.available()
    with pytest.raises(data.MissingData, match="make data"):
        italy.deaths("june30")
