"""The recovery of a known excess from the towns that are known, at small size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mlsci.mortality import simulate
from mlsci.mortality.classical import CLASSICAL
from mlsci.mortality.counterfactual import Calendar
from mlsci.mortality.recovery import recover_from_part
from mlsci.mortality.synthetic_towns import TownedCountry, in_towns
from mlsci.report.seal import Job
from mlsci.stages import covid_hierarchical, covid_recovery_runs

STAGE = next(s for s in covid_hierarchical.STAGES if s.name == "covid/recovery-towns")


def test_the_full_size_is_the_real_one() -> None:
    full = STAGE.params["full"]
    assert full["share"] == full["size"] == 1
    assert full["last"] == covid_recovery_runs.WEEKS[-1] == "04-11"


@pytest.fixture(scope="module")
def countries() -> list[TownedCountry]:
    """Countries whose years differ by chance alone, with a tenth of Italy's towns."""
    return [
        in_towns(simulate.simulate(seed, n_weeks=14, habits=simulate.CALM), seed, share=0.1)
        for seed in range(2)
    ]


@pytest.mark.parametrize("name", CLASSICAL)
def test_every_classical_model_recovers_the_excess_from_known_towns(
    name: str, countries: list[TownedCountry]
) -> None:
    """Of half of the towns, within 15%: the sizes and severities of 800 scatter more than of 7904.

    The error is the scaling's: it is nearly the same for every model.
    """
    relative = []
    for seed, made in enumerate(countries):
        known = made.towns.weekly("04-11").total("age", "sex")
        days = known.days.astype(np.float64)
        rates = known.rates()[:, 0, 0]
        calendar = Calendar(np.array(known.years[:-1]), 2020, days[:-1], days[-1])
        prediction = CLASSICAL[name](calendar).fit(rates[:, :-1]).predict(rates[:, -1, :7])
        found = recover_from_part(
            made.country.injected.sum((1, 2, 3)),
            known.deaths[:, 0, 0, -1, 7:],
            prediction,
            days[-1, 7:],
            made.coverage.factor,
            seed,
        )
        unscaled = (found.estimate / made.coverage.factor).sum() / found.true.sum()
        assert unscaled < 0.85  # without scaling, what the unknown towns lost is missing
        relative.append(found.relative)
    assert np.abs(relative).max() < 0.15
    assert abs(np.mean(relative)) < 0.12


@pytest.mark.slow
def test_all_models_at_small_size(tmp_path: Path) -> None:
    params = STAGE.params["smoke"]
    folders = [tmp_path / name for name in ("out", "work", "store")]
    for folder in folders:
        folder.mkdir()
    covid_recovery_runs.from_towns(Job(STAGE, "smoke", params, 0, *folders))
    metrics = json.loads((folders[0] / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["source"].startswith("synthetic")
    assert metrics["file"]["same"]
    assert not list(folders[1].iterdir())
    assert metrics["known_towns"] < metrics["towns"]
    for habit in ("calm", "winters"):
        assert set(metrics[habit]) == {*CLASSICAL, "hierarchical"}
        assert abs(metrics[habit]["hierarchical"]["bias"]) < 0.6
