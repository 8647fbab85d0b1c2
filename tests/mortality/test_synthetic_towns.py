"""The synthetic country town by town: nothing is lost, and what is not known is not known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlsci.mortality import simulate
from mlsci.mortality.counterfactual import GaussianPrediction
from mlsci.mortality.recovery import recover_from_part
from mlsci.mortality.synthetic_towns import TOWNS, TownedCountry, in_towns, write_releases
from mlsci.mortality.towns import read_towns
from mlsci.mortality.weeks import DAYS, index


@pytest.fixture(scope="module")
def made() -> TownedCountry:
    country = simulate.simulate(3, n_weeks=14, habits=simulate.Habits(size=0.1))
    return in_towns(country, 3, share=0.05)


def test_italy_has_thousands_of_towns() -> None:
    """Istat, release of 4 May 2020: 7904 towns, 4427 known to 15 April, 6856 to 31 March."""
    assert np.array(list(TOWNS.values())).sum(0).tolist() == [7904, 4427, 6856]


def test_deaths_in_all_towns_are_those_of_the_country(made: TownedCountry) -> None:
    """In control years everywhere; in 2020 in the towns that are known, as long as they are."""
    towns, deaths = made.towns, made.country.deaths.deaths
    cell = np.ravel_multi_index((towns.region, towns.age, index(towns.month_day)), (20, 22, 14))
    for sex in (0, 1):
        for year in range(5):
            sums = np.bincount(cell, towns.deaths[:, sex, year], 20 * 22 * 14)
            np.testing.assert_array_equal(sums.reshape(20, 22, 14), deaths[:, :, sex, year])
    known = towns.weekly("04-11").deaths.sum((1, 2))
    assert (known <= deaths.sum((1, 2))).all()


def test_what_is_known_of_2020_ends_with_the_class(made: TownedCountry) -> None:
    towns = made.towns
    assert not np.isnan(towns.deaths[..., :-1]).any()
    hidden = np.isnan(towns.deaths[:, 0, -1])
    every = np.concatenate(
        [10000 * (r + 1) + 1 + np.arange(int(n)) for r, n in enumerate(made.coverage.towns)]
    )
    of = made.classes[np.searchsorted(every, towns.town)]
    for class_, last in ((1, 415), (2, 331), (3, 0)):
        np.testing.assert_array_equal(hidden[of == class_], towns.month_day[of == class_] > last)
    # Others count as known too where nobody died after their last day in any year, as in Italy.
    observed = towns.observed("04-11")
    assert set(towns.town[of == 1]) <= set(observed)
    more = ~np.isin(observed, towns.town[of == 1])
    assert more.mean() < 0.05


def test_what_part_is_known_is_told_by_the_people_in_it(made: TownedCountry) -> None:
    known = made.towns.weekly("04-11").deaths[..., :-1, :].sum((1, 2, 3, 4))
    every = made.country.ordinary.deaths[..., :-1, :].sum((1, 2, 3, 4))
    share = known / every
    noise = np.sqrt(share * (1 - share) / every)
    assert np.abs((share - 1 / made.coverage.factor) / noise).max() < 4


def test_days_are_those_of_their_weeks(made: TownedCountry) -> None:
    assert set(made.towns.month_day) <= set(DAYS[:102].tolist())
    leap = made.towns.deaths[made.towns.month_day == 229]
    assert leap[:, :, [0, 2, 3, 4]].sum() == 0 < leap[:, :, 1].sum()


def test_the_epidemic_is_worse_in_some_towns(made: TownedCountry) -> None:
    """In Lombardia's towns known to 11 April: March of 2020 varies more than chance allows."""
    towns = made.towns
    rows = (towns.region == 2) & (towns.month_day > 308) & (towns.month_day < 412)
    _, number = np.unique(towns.town[rows], return_inverse=True)
    sums = np.array([np.bincount(number, year) for year in towns.deaths[rows].sum(1).T])
    ordinary, last = sums[:-1].mean(0), sums[-1]
    large = np.isfinite(last) & (ordinary > 5)
    ratio = last[large].sum() / ordinary[large].sum()
    expected = ratio * ordinary[large]
    square = ((last[large] - expected) ** 2 / (expected * (1 + ratio / 5))).mean()
    assert square > 1.5


def test_written_in_the_layout_of_may_and_read_again(made: TownedCountry, tmp_path: Path) -> None:
    path = tmp_path / "comune_giorno.csv"
    write_releases(path, made)
    again = read_towns(path, made.towns.source)
    assert again.source.startswith("synthetic")
    for name in ("region", "province", "town", "age", "month_day", "deaths"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made.towns, name))


def test_the_same_seed_is_the_same_dispersion(made: TownedCountry) -> None:
    country = made.country
    again, other = in_towns(country, 3, share=0.05), in_towns(country, 4, share=0.05)
    np.testing.assert_array_equal(again.towns.deaths, made.towns.deaths)
    assert other.coverage.factor.tolist() != made.coverage.factor.tolist()


def test_a_country_of_other_years_has_no_such_file() -> None:
    country = simulate.simulate(0, n_weeks=14, years=(2018, 2019, 2020))
    with pytest.raises(ValueError, match="Istat's by-town layout has"):
        in_towns(country, 0)


def test_a_part_is_scaled_to_the_whole() -> None:
    """Half of the people, exactly known: twice the excess, with twice the error."""
    prediction = GaussianPrediction(
        np.array([[10.0, 10.0], [20.0, 20.0]]), np.array([np.eye(2), 4 * np.eye(2)]), np.array(0.0)
    )
    days, factor = np.array([7.0, 7.0]), np.array([2.0, 4.0])
    observed = np.array([[100.0, 90.0], [200.0, 180.0]])
    found = recover_from_part(np.array([100.0, 400.0]), observed, prediction, days, factor, 0)
    told = np.array([2 * 7 * np.sqrt(2), 4 * 14 * np.sqrt(2)])
    np.testing.assert_allclose(found.deviation, told, rtol=0.05)
    assert found.nation_deviation == pytest.approx(np.sqrt((told**2).sum()), rel=0.05)
    np.testing.assert_allclose(found.estimate, [100, 400], atol=0.1 * told.max())
