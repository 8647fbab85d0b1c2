"""The synthetic country: like the real one, and honest about itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlsci.mortality.records import AGES, SEXES
from mlsci.mortality.regions import REGIONS
from mlsci.mortality.simulate import (
    Epidemic,
    Habits,
    SyntheticCountry,
    relative_excess,
    simulate,
)


def test_the_same_seed_is_the_same_country() -> None:
    one, again, other = simulate(3), simulate(3), simulate(4)
    np.testing.assert_array_equal(one.deaths.deaths, again.deaths.deaths)
    assert (one.ordinary.deaths != other.ordinary.deaths).any()
    assert one.deaths.source != other.deaths.source


def test_it_has_the_schema_of_the_records() -> None:
    made = simulate(0).deaths
    assert made.deaths.shape == (len(REGIONS), len(AGES), len(SEXES), 6, 25)
    assert made.week_ends[-1] == "06-27"
    assert (made.deaths % 1 == 0).all()
    np.testing.assert_array_equal(made.days[0, [0, 7]], [11, 6])
    np.testing.assert_array_equal(made.days[1, [0, 7]], [11, 7])


def test_the_label_is_never_lost() -> None:
    country = simulate(0, n_weeks=14)
    made = country.deaths
    for records in (
        country.ordinary,
        made,
        made.age_bins(),
        made.total("region", "age", "sex"),
        made.select(regions=["Lombardia"], years=[2020]).age_bins().total("sex"),
        replace(made, deaths=2 * made.deaths),
    ):
        assert records.source == "synthetic country, seed 0"
        assert records.synthetic
    with pytest.raises(ValueError, match="must begin with 'synthetic'"):
        SyntheticCountry(replace(made, source="Istat"), country.injected.copy())
    with pytest.raises(ValueError, match="read-only"):
        country.injected[0, 0, 0, 0] = 1


def test_the_epidemic_is_in_the_last_year_after_its_onset_alone() -> None:
    country = simulate(1)
    added = country.deaths.deaths - country.ordinary.deaths
    np.testing.assert_array_equal(added[..., -1, :], country.injected)
    assert (added[..., :-1, :] == 0).all()
    onset, peak = (country.ordinary.week_ends.index(end) for end in ("02-22", "03-28"))
    assert (country.injected[..., : onset + 1] == 0).all()
    assert country.injected.sum((0, 1, 2)).argmax() == peak
    by_age = country.injected.sum((0, 2, 3)) / country.ordinary.deaths[..., -1, :].sum((0, 2, 3))
    assert by_age[AGES.index("85-89")] > 5 * by_age[AGES.index("45-49")]
    # About what happened: 2015-2019 against 2020 gives some 45,000 to 27 June.
    assert 3e4 < country.injected.sum() < 6e4


def test_an_epidemic_without_deaths_changes_nothing() -> None:
    nothing = Epidemic(dict.fromkeys(Epidemic().excess, 0.0), hardest_excess=0.0)
    country = simulate(2, n_weeks=14, epidemic=nothing)
    np.testing.assert_array_equal(country.deaths.deaths, country.ordinary.deaths)


def test_weeks_that_the_axis_does_not_have() -> None:
    with pytest.raises(ValueError, match="03-28 is not the last day"):
        simulate(0, n_weeks=8)
    with pytest.raises(ValueError, match="03-01"):
        simulate(0, epidemic=Epidemic(onset="03-01"))


def test_full_relative_excess_is_reached_at_the_peak() -> None:
    country = simulate(0)
    excess = relative_excess(Epidemic(), country.ordinary.week_ends)
    peak = country.ordinary.week_ends.index("03-28")
    assert excess[REGIONS.index("Lombardia"), -1, 0, peak] == pytest.approx(2.6, rel=1e-3)
    assert excess[REGIONS.index("Sicilia"), -1, 0, peak] == pytest.approx(0.06, rel=1e-3)


def test_ordinary_years_are_like_those_of_italy() -> None:
    """Figures of 2015-2019: winters, influenza that regions share, women, dispersion."""
    correlation, early, late = [], [], []
    for seed in range(6):
        records = simulate(seed).ordinary
        rate = records.rates().sum(2)
        winter = rate[..., :8].mean((0, 2, 3)) / rate[..., 17:].mean((0, 2, 3))
        assert winter[AGES.index("90-94")] == pytest.approx(1.34, abs=0.12)
        assert winter[AGES.index("45-49")] == pytest.approx(1.05, abs=0.12)
        regions = np.log(rate.sum(1))
        anomaly = regions - regions.mean(1, keepdims=True)
        large = np.corrcoef(anomaly[[0, 2, 4, 7, 8, 11, 14, 18]].reshape(8, -1))
        correlation.append(large[np.triu_indices(8, 1)].mean())
        nation = np.log(rate.sum((0, 1)))
        spread = (nation - nation.mean(0)).std(0, ddof=1)
        early.append(spread[:4].mean())
        late.append(spread[12:].mean())
    assert np.mean(correlation) == pytest.approx(0.7, abs=0.1)
    assert np.mean(early) == pytest.approx(0.10, abs=0.03)
    assert np.mean(late) == pytest.approx(0.03, abs=0.01)
    women = records.deaths.sum((0, 3, 4))
    np.testing.assert_allclose(women[15:, 1] / women[15:].sum(1), [0.39, 0.43, 0.49, 0.57, 0.67,
                               0.75, 0.83], atol=0.02)  # fmt: skip


def test_a_smaller_country_has_fewer_deaths() -> None:
    part = simulate(0, habits=Habits(size=0.1)).ordinary.deaths.sum()
    assert part == pytest.approx(0.1 * simulate(0).ordinary.deaths.sum(), rel=0.01)
