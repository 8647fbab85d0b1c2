"""The page part holds all of its pictures, and loads nothing."""

from __future__ import annotations

import json
import re

import pytest

from mlsci.reconstruction.explorer import Explored, page

EXPLORED = Explored(
    {"mask": [["AA", "BB"], ["CC", "DD"]], "noise": [["EE", "FF"]]},
    {"mask": ["2 columns", "4 </columns>"], "noise": ["noise 0.5"]},
    ["TT", "UU"],
    ("data", "mean < truth"),
)


def test_every_picture_and_label_is_in_the_page() -> None:
    text = page(EXPLORED, "posterior")
    assert '<div id="posterior"' in text
    assert "@" not in re.sub(r"@media", "", text)
    assert "<span>mean &lt; truth</span>" in text
    assert text.count("</script>") == 1
    data = json.loads(re.search(r"const data = (.*);", text)[1].replace("<\\/", "</"))  # type: ignore[index]
    assert data["strips"] == EXPLORED.strips
    assert data["steps"]["mask"][1] == "4 </columns>"
    assert not re.search(r"(src|href)=[\"']http", text)


def test_strips_that_do_not_fit_their_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="series 'mask' needs 2 steps of 3 strips"):
        Explored(EXPLORED.strips, EXPLORED.steps, ["T", "U", "V"], EXPLORED.columns)
