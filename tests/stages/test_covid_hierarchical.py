"""The hierarchical model's stages: what is left out, what is summed, what is scored."""

from __future__ import annotations

import numpy as np
import pytest

from mlsci.mortality.records import SYNTHETIC
from mlsci.stages import covid_hierarchical, covid_hierarchical_runs
from mlsci.stages.covid_hierarchical_checks import _coverage
from mlsci.stages.covid_hierarchical_results import KINDS
from mlsci.stages.covid_hierarchical_runs import (
    GOALS,
    HeldOut,
    by_chance,
    inside,
    scored,
    scored_age,
)

STAGES = {stage.name: stage for stage in covid_hierarchical.STAGES}
N, AGES, REGIONS, WEEKS = 400, 3, 4, 5


def test_the_clean_year_is_not_among_those_the_model_was_made_with() -> None:
    for name in ("covid/hierarchical-backtest", "covid/hierarchical-backtest-june"):
        for params in STAGES[name].params.values():
            clean = set(params["years"]) - set(params["tuned"])
            assert clean == {2019}
            assert 2020 not in params["years"]


def test_what_is_too_wide_is_looked_for_without_the_clean_year() -> None:
    misfit = STAGES["covid/hierarchical-misfit"].params["full"]
    assert misfit["years"] == STAGES["covid/hierarchical-backtest"].params["full"]["tuned"]
    assert 2019 not in misfit["years"]


def test_forms_are_compared_without_the_clean_year_by_a_rule_set_before() -> None:
    forms = STAGES["covid/hierarchical-forms"].params["full"]
    assert forms["years"] == STAGES["covid/hierarchical-backtest"].params["full"]["tuned"]
    assert forms["forms"]["as it is"] == {}
    assert forms["least"] == 3.0


def test_both_calibrations_simulate_other_countries() -> None:
    first, again = (
        STAGES[f"covid/hierarchical-calibration{k}"].params["full"] for k in ("", "-again")
    )
    assert first["seed"] != again["seed"]
    assert first["inference"]["points"] == again["inference"]["points"]


def test_smoke_reads_made_up_records_and_says_so() -> None:
    for name, stage in STAGES.items():
        assert not stage.datasets.get("smoke"), name
        if "records" in stage.params["smoke"]:
            params = dict(stage.params["smoke"])
            records = covid_hierarchical_runs.records_of(params, "03-21")
            assert records.source.startswith(SYNTHETIC)
            assert records.regions == tuple(params["regions"])
            assert len(records.ages) == 10
            return
    pytest.fail("no stage has records")


@pytest.fixture(scope="module")
def honest() -> list[HeldOut]:
    """Truths from the distributions that the draws are from; weeks of a year go up and down."""
    generator = np.random.default_rng(0)
    tests = []
    for year in range(40):
        factor = np.exp(0.1 * generator.standard_normal(N + 1))[:, None, None, None]
        mean = np.array([3.0, 30.0, 100.0])[None, :, None, None] * factor
        deaths = generator.poisson(mean, (N + 1, AGES, REGIONS, WEEKS)).astype(float)
        tests.append(HeldOut(year, deaths[1:], deaths[0]))
    return tests


def test_every_kind_of_number_is_ranked(honest: list[HeldOut]) -> None:
    ranks = honest[0].ranks(seed=0)
    assert set(ranks) == set(KINDS)
    assert {kind: values.shape for kind, values in ranks.items()} == {
        "weekly": (REGIONS, WEEKS),
        "total": (REGIONS,),
        "nation_weekly": (WEEKS,),
        "nation": (),
        "age_weekly": (AGES, WEEKS),
        "age_total": (AGES,),
        "cell_weekly": (AGES, REGIONS, WEEKS),
        "cell_total": (AGES, REGIONS),
    }
    total = honest[0].draws.sum((1, 2, 3))
    truth = honest[0].truth.sum()
    assert (total < truth).mean() <= ranks["nation"] <= (total <= truth).mean()


def test_intervals_of_an_honest_model_hold_for_sums_too(honest: list[HeldOut]) -> None:
    found = scored(honest, seed=0)
    for kind in KINDS:
        # Numbers of one year share a factor: 40 independent ones at worst.
        assert found["coverage"][kind]["95"] == pytest.approx(95 / 100, abs=0.11), kind
        assert found["coverage"][kind]["68"] == pytest.approx(68 / 100, abs=0.24), kind
    assert found["nrmse"] > found["noise"]
    assert found["crps"] == pytest.approx(found["nrmse"] / np.sqrt(np.pi), rel=0.15)
    assert found["counted"]["weekly"] == 40 * REGIONS * WEEKS


def test_draws_that_are_too_narrow_are_found_out(honest: list[HeldOut]) -> None:
    narrow = [
        HeldOut(test.year, 0.3 * test.draws + 0.7 * test.draws.mean(0), test.truth)
        for test in honest
    ]
    assert scored(narrow, seed=0)["coverage"]["total"]["95"] < 0.6


def test_scatter_of_a_coverage_is_that_of_few_independent_numbers(honest: list[HeldOut]) -> None:
    found = _coverage(honest, "weekly", 0)["68"]
    assert found["held"] == pytest.approx(0.68, abs=3 * found["all_years"])
    assert found["all_years"] == pytest.approx(found["one_year"] / np.sqrt(40), rel=0.15)
    # Twenty numbers that share a factor scatter more than independent ones do.
    assert found["one_year"] > 1.3 * np.sqrt(0.68 * 0.32 / (REGIONS * WEEKS))
    low, high = found["central_90"]
    assert low < 0.68 < high


def test_chances_of_the_goals(honest: list[HeldOut]) -> None:
    """More years scatter less; single goals are easier than all of them at once."""
    found = by_chance(honest, honest[:1], seed=0)
    assert set(found) == {"all", "clean"}
    for chances in found.values():
        assert set(chances) == {*GOALS, "regional", "every"}
        assert chances["every"] <= chances["regional"] <= chances["weekly_68"]
    assert found["all"]["weekly_68"] > found["clean"]["weekly_68"] + 0.1
    assert found["all"]["cell_weekly_95"] > 0.9


def test_errors_of_one_age(honest: list[HeldOut]) -> None:
    young, old = (scored_age(honest, age) for age in (0, 2))
    assert young["deaths"] < old["deaths"]
    assert young["noise"] > old["noise"]
    assert young["nation_nrmse"] > young["noise"]


def test_ranks_inside_a_central_interval() -> None:
    assert inside([np.array([0.0, 0.3]), np.array([[0.5, 0.97]])], 0.9) == 0.5


def test_a_year_is_predicted_from_the_others_and_its_own_first_weeks() -> None:
    params = STAGES["covid/hierarchical-backtest"].params["smoke"]
    records = covid_hierarchical_runs.records_of(params, "02-08").select(
        regions=("Lombardia", "Marche"), ages=("70-79", "80-89")
    )
    few = covid_hierarchical_runs.Inference(points=32, draws=50)
    posterior = covid_hierarchical_runs.infer_year(records, 2019, [2017, 2018], 3, few)
    assert posterior.days.shape == (2,)
    assert posterior.predict().draws.shape == (50, 2, 2, 2)
    np.testing.assert_array_equal(posterior.likelihood.layout.years, [2017, 2018, 2019])
    seen = posterior.seen.weight.numpy() > 0  # (years, regions, ages, weeks)
    assert seen[:2].all()
    assert seen[2, :, :, :3].all()
    assert not seen[2, :, :, 3:].any()
