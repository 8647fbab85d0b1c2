"""The explorer carries its numbers and its source, and asks nothing of a network."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from mlsci.mortality import excess_pictures, explorer, regions, weeks


def made() -> explorer.Explored:
    rng = np.random.default_rng(0)
    return explorer.Explored(
        regions=("all regions", "Valle d'Aosta"),
        ages=("all ages", "90+", "below 50"),
        week_ends=weeks.axis(9),
        models=("mean",),
        observed=rng.uniform(0, 9, (2, 3, 9)),
        usual=rng.uniform(0, 9, (2, 2, 3, 9)),
        expected=rng.uniform(0, 9, (1, 2, 3, 4)),
        deviation=rng.uniform(0, 9, (1, 2, 3, 4)),
        source="synthetic country </script>, seed 0",
    )


def test_numbers_and_source_are_in_the_page() -> None:
    explored = made()
    text = explorer.page(explored, "covid-test")
    data = json.loads(re.search(r"const data = (\{.*\});\n", text).group(1))  # type: ignore[union-attr]
    np.testing.assert_allclose(data["expected"], explored.expected, atol=0.006)
    np.testing.assert_allclose(data["observed"], explored.observed, atol=0.006)
    assert data["weeks"] == list(explored.week_ends)
    assert "synthetic country &lt;/script&gt;, seed 0" in text
    assert text.count("<option>") == 6
    assert text.count("</script>") == 1
    assert "@" not in text


def test_nothing_comes_from_a_network() -> None:
    text = explorer.page(made(), "covid-test")
    assert not re.search(r"https?:|//[a-z]|src=|@import|fetch\(", text)


def test_arrays_must_fit_their_labels() -> None:
    with pytest.raises(ValueError, match="expected has shape"):
        replace(made(), models=("mean", "other"))


def test_the_map_has_a_square_for_every_region() -> None:
    values = {region: float(k - 10) for k, region in enumerate(regions.REGIONS)}
    figure = excess_pictures.region_maps({"excess": values})
    shown = figure.axes[0].images[0].get_array()
    assert sorted(np.ma.compressed(np.ma.masked_invalid(shown))) == sorted(values.values())
    assert len(figure.axes[0].texts) == len(regions.REGIONS)
