"""The stage that continues one region's year, on made-up records."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mlsci.mortality.conditional_gp import conditional
from mlsci.report.seal import Job
from mlsci.stages import covid_counterfactual


def test_a_year_is_continued_from_its_beginning(tmp_path: Path) -> None:
    (stage,) = covid_counterfactual.STAGES
    params = stage.params["smoke"]
    covid_counterfactual.continue_year(
        Job(stage, "smoke", params, params["seed"], tmp_path, tmp_path / "work", tmp_path)
    )
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["source"] == "synthetic country, seed 0"
    assert found["noise"] / found["likeliest_noise"] == pytest.approx(np.sqrt((14 - 2) / (5 - 2)))
    with np.load(tmp_path / "arrays.npz") as stored:
        arrays = dict(stored)
    rates = arrays["rates"]
    assert rates.shape == (6, 14)
    for name in ("white", "smooth"):
        mean, covariance = conditional(rates[:-1].mean(0), arrays[f"kernel_{name}"], rates[-1, :7])
        np.testing.assert_allclose(arrays[f"mean_{name}"], mean)
        np.testing.assert_allclose(arrays[f"covariance_{name}"], covariance)
        assert arrays[f"draws_{name}"].shape == (12, 14)
        assert arrays[f"later_draws_{name}"].shape == (12, 7)
    # Two patterns and what years have of them give back most of what years differ by.
    rest = rates[:-1] - rates[:-1].mean(0) - arrays["scores"] @ arrays["directions"]
    share = 1 - (rest**2).sum() / ((rates[:-1] - rates[:-1].mean(0)) ** 2).sum()
    assert share == pytest.approx(found["explained"])
