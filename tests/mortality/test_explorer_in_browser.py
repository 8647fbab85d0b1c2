"""The explorer in a real browser, from the disk: choosing changes the curves and the numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from mlsci.mortality import explorer, weeks

pytestmark = [pytest.mark.browser, pytest.mark.slow]

REGIONS, AGES, MODELS = ("all regions", "Marche"), ("all ages", "90+"), ("mean", "process")
WEEKS, LATE = 12, 6  # expected from the week before 23 February, which is not counted


@pytest.fixture(scope="module")
def explored() -> explorer.Explored:
    rng = np.random.default_rng(0)
    shape = (len(REGIONS), len(AGES))
    return explorer.Explored(
        regions=REGIONS,
        ages=AGES,
        week_ends=weeks.axis(WEEKS),
        models=MODELS,
        observed=rng.uniform(5, 90, (*shape, WEEKS)).round(2),
        usual=np.sort(rng.uniform(5, 90, (2, *shape, WEEKS)).round(2), axis=0),
        expected=rng.uniform(5, 90, (len(MODELS), *shape, LATE)).round(2),
        deviation=rng.uniform(1, 3, (len(MODELS), *shape, LATE)).round(2),
        source="synthetic country, seed 0",
    )


@pytest.fixture(scope="module", autouse=True)
def page(browser: Any, explored: explorer.Explored, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("explorer") / "page.html"
    text = explorer.page(explored, "covid-test")
    path.write_text(f"<!doctype html><meta charset=utf-8><title>Test</title>{text}", "utf-8")
    browser.get(path.as_uri())


def choose(browser: Any, **labels: str) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    for name, label in labels.items():
        element = browser.find_element(By.CSS_SELECTOR, f'[data-choice="{name}"]')
        Select(element).select_by_visible_text(label)


def heights(browser: Any, curve: str) -> np.ndarray:
    """Return how high each point of a curve is drawn, upwards."""
    points = browser.execute_script(
        "return document.querySelector(`svg polyline.${arguments[0]}`).getAttribute('points')",
        curve,
    )
    return 295 - np.array([float(pair.split(",")[1]) for pair in points.split()])


def told(browser: Any) -> tuple[int, int]:
    """Return the excess and the expected deaths that the text tells."""
    text = browser.execute_script("return document.querySelector('output').textContent")
    found = re.fullmatch(
        r"From 23 February to 28 Mar: (\d+) deaths (fewer|more) than the (\d+) expected\.", text
    )
    assert found, text
    return int(found[1]) * (1 if found[2] == "more" else -1), int(found[3])


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("model", MODELS)
def test_choosing_changes_curves_and_numbers(browser, explored, region, age, model) -> None:
    choose(browser, region=region, age=age, model=model)
    r, a, m = REGIONS.index(region), AGES.index(age), MODELS.index(model)
    observed, expected = explored.observed[r, a], explored.expected[m, r, a]
    scale = heights(browser, "year") / observed
    np.testing.assert_allclose(scale, scale[0])  # both curves are on one axis that begins at zero
    np.testing.assert_allclose(heights(browser, "model") / expected, scale[0])
    late = observed[-LATE:]
    excess, usual = 7 * (late - expected)[1:].sum(), 7 * expected[1:].sum()
    assert told(browser) == (pytest.approx(excess, abs=1), pytest.approx(usual, abs=1))


def test_nothing_is_asked_of_a_network_and_nothing_fails(browser) -> None:
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    loaded = browser.execute_script("return performance.getEntriesByType('resource').length")
    assert loaded == 0
