"""Every model finds the excess that was put in."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.mortality.classical import CLASSICAL
from mlsci.mortality.recovery import Recovered, recover
from mlsci.mortality.simulate import CALM, Epidemic, Habits, simulate

PRE = 7


def recovered(name: str, habits: Habits, seeds: range) -> list[Recovered]:
    countries = (simulate(seed, n_weeks=14, habits=habits) for seed in seeds)
    return [recover(country, CLASSICAL[name], PRE) for country in countries]


def rms(values: list[float] | list[np.ndarray]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.mark.parametrize("name", CLASSICAL)
def test_every_model_recovers_the_excess_of_a_calm_country(name: str) -> None:
    """Years that differ by chance alone: within 3%, and within the errors that are told."""
    found = recovered(name, CALM, range(8))
    assert max(abs(one.relative) for one in found) < 0.03
    # PCA with a smooth residual promises twice as much as it can hold even here.
    factor = 2.0 if name == "cgp_smooth" else 1.0
    assert max(abs(one.nation_z) for one in found) < 3 * factor
    assert rms([one.region_z for one in found]) < 1.7 * factor


@pytest.mark.parametrize("name", CLASSICAL)
def test_every_model_recovers_the_excess_after_real_winters(name: str) -> None:
    """Influenza years and regions' own: the nation's excess to some 15%, trends to some 30%."""
    found = recovered(name, Habits(), range(10))
    assert rms([one.relative for one in found]) < (0.3 if name in ("harmonic", "trend") else 0.18)
    assert rms([one.nation_z for one in found]) < (4.5 if name == "cgp_smooth" else 2.5)
    assert abs(np.mean([one.relative for one in found])) < 0.15


def test_the_weeks_shown_must_be_before_the_epidemic() -> None:
    country = simulate(0, n_weeks=14, epidemic=Epidemic(onset="02-01"))
    with pytest.raises(ValueError, match="show fewer"):
        recover(country, CLASSICAL["mean"], PRE)


def test_no_excess_is_found_where_there_is_none() -> None:
    nothing = Epidemic(dict.fromkeys(Epidemic().excess, 0.0), hardest_excess=0.0)
    country = simulate(5, n_weeks=14, habits=CALM, epidemic=nothing)
    found = recover(country, CLASSICAL["mean"], PRE)
    assert (found.true == 0).all()
    assert abs(found.nation_z) < 3
