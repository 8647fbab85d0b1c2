"""The stages of back-tests and recovered excesses, at small size, and what is read from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsci.mortality.classical import CLASSICAL, LABELS
from mlsci.report import notebook
from mlsci.report.seal import Job
from mlsci.report.session import Session
from mlsci.stages import covid_backtest, covid_backtest_runs
from mlsci.stages.covid_backtest_results import BacktestResults

STAGES = {stage.name: stage for stage in covid_backtest.STAGES}


def job(name: str, folder: Path, **changes: Any) -> Job:
    stage = STAGES[name]
    params = {**stage.params["smoke"], **changes}
    out = folder / name
    out.mkdir(parents=True)
    return Job(stage, "smoke", params, params["seed"], out, folder / "work", folder)


def test_made_up_records_are_of_ordinary_years_and_labelled() -> None:
    records = covid_backtest_runs.ordinary_years(covid_backtest.BACKTEST["smoke"], "04-11")
    assert records.years == (2015, 2016, 2017, 2018, 2019)
    assert records.week_ends[-1] == "04-11"
    assert records.sexes == ("all",)
    assert records.synthetic


def test_profiles_use_the_weeks_of_the_pandemic() -> None:
    for params in (*covid_backtest.BACKTEST.values(), *covid_backtest.RECOVERY.values()):
        assert params["shown_to"] == "02-22"
    full = STAGES["covid/backtest"]
    assert full.datasets == {"full": ("italy_mortality",)}
    assert full.params["smoke"]["records"] == "synthetic"


@pytest.mark.slow
def test_stages_write_what_the_notebook_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    covid_backtest_runs.backtest(job("covid/backtest", tmp_path))
    covid_backtest_runs.recovery(job("covid/recovery", tmp_path, countries=2))
    monkeypatch.setattr(Session, "artefact", lambda self, name: tmp_path / name)
    results = BacktestResults(notebook("covid-test", profile="smoke"))
    assert results.source == "synthetic country, seed 0"
    assert "synthetic" in results.made_up
    assert results.series == 22 * 20
    assert len(results.week_ends) == results.nation_rate.shape[1] == 14
    for window in ("april", "june"):
        for name in ("nrmse", "crps", "weekly_95", "total_68", "nation_95"):
            scored = results.scores(name, window)
            assert list(scored) == list(LABELS.values())
            assert all(0 <= value <= 100 and error >= 0 for value, error in scored.values())
    for model in CLASSICAL:
        # Totals of the arrays are those that the scores were made of.
        predicted, observed = results.departures(model)
        assert predicted.shape == observed.shape == (5, 20)
        if model != "mean":
            slope = (predicted * observed).sum() / (predicted**2).sum()
            assert results.slope(model)[0] == pytest.approx(slope)
        assert np.isfinite(results.recovered("relative", model, "winters"))
    assert results.width("mean", "mean") == 1
    assert results.reliability("total")[LABELS["trend"]][-1] == pytest.approx(
        results.score("total_95", "trend")[0] / 100
    )
    assert len(results.age_scores("nrmse", ["mean"])[LABELS["mean"]]) == 10
    mean, deviation = results.nation(["control"])[LABELS["control"]]
    assert mean.shape == deviation.shape == (5, 7)
    assert {len(e) for e in results.recovery_errors("calm").values()} == {2}


def test_recovery_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    found = []
    for run in ("a", "b"):
        one = job("covid/recovery", tmp_path / run, countries=2)
        covid_backtest_runs.recovery(one)
        found.append(json.loads((one.out / "metrics.json").read_text()))
    assert found[0] == found[1]
