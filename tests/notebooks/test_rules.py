"""The rules for notebooks and prose find what they are meant to find."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image

from workflow.checks import metrics, notebooks, prose
from workflow.checks.kernels import one_at_a_time

GOOD = """# %% [markdown]
# # A title
# The ratio is {glue:text}`tides.rms`, above $0.5$.

# %% tags=["parameters"]
profile = "full"
seed = 0

# %%
for axis in axes:
    axis.set_axis_off()
"""


def faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "notebooks" / "tides-model.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return [str(finding) for finding in notebooks.source(path, tmp_path)]


def test_a_good_notebook_passes(tmp_path: Path) -> None:
    assert faults(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("seed = 0\n", "", "py:5: the parameters cell does not set seed"),
        (' tags=["parameters"]', "", "py:1: 0 cells are tagged 'parameters'"),
        (
            "# %%\nfor",
            '# %% tags=["nbval-ignore-output"]\nfor',
            "py:9: the tag 'nbval-ignore-output' is not",
        ),
        ("# %%\nfor", '# %% tags=["raises-exception"]\nfor', "the tag 'raises-exception' is not"),
        ("# %%\nfor", '# %% tags=["skip-execution"]\nfor', "the tag 'skip-execution' is not"),
        ("{glue:text}`tides.rms`", "0.38", "py:3: the decimal 0.38 is typed"),
        ("# # A title\n", "# A title\n", "py:1: the first cell must be Markdown with"),
    ],
)
def test_a_fault_in_a_cell_is_found(tmp_path: Path, before: str, after: str, expected: str) -> None:
    assert before in GOOD
    found = faults(tmp_path, GOOD.replace(before, after))
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(x):\n" + "    x += 1\n" * 5, "f has 6 lines"),
        ("class A:\n" + "    x = 1\n" * 5, "A has 6 lines"),
        ("x = 3\nwhile x:\n    x -= 1", "a while loop is logic"),
        ("for i in a:\n    if i:\n        f(i)", "a branch inside a loop"),
        ("for i in a:\n" + "    f(i)\n" * 7, "a loop of 7 statements"),
        ("for i in a:\n  for j in a:\n    for k in a:\n      f(k)", "nested 3 deep"),
        ("try:\n    f()\nexcept ValueError:\n    g()", "handling errors"),
        ("if full:\n    while f():\n        g()", "a while loop is logic"),
        ("%matplotlib inline", "not plain Python"),
        ("f()  # NBVAL_IGNORE_OUTPUT", "NBVAL_IGNORE_OUTPUT keeps the cell"),
        ("f()\n" * 41, "the cell has 41 lines"),
    ],
)
def test_logic_and_markers_in_code_are_found(code: str, expected: str) -> None:
    found = notebooks.code_faults(code)
    assert len(found) == 1
    assert expected in found[0][1]


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    return x + 1",
        "for axis, name in zip(axes, names):\n    axis.imshow(a[name])\n    axis.set_title(name)",
        "if profile == 'full':\n    n = 5\nelse:\n    n = 2",
        "means = [one.mean() for one in draws]",
    ],
)
def test_short_code_passes(code: str) -> None:
    assert notebooks.code_faults(code) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A ratio of 0.38.", ["0.38"]),
        ("Between .5 and 1.5e-3, or 2e-4.", [".5", "1.5e-3", "2e-4"]),
        ("| VAE | 179.2 |", ["179.2"]),
        (":::{note}\n:class: a-1.5\nIt is 0.9.\n:::", ["0.9"]),
        ("```{admonition} Title\nIt is 0.9.\n```", ["0.9"]),
        ("about 12.5% of them", ["12.5"]),
        ("**0.25**", ["0.25"]),
        ("(0.25)", ["0.25"]),
        ("a `code 1.5` b 2.5", ["2.5"]),
        ("$5 and 0.5", ["0.5"]),
        ("Cited {cite:p}`doe2020`.\n\nNot cited: 0.5.", ["0.5"]),
        (":::{list-table} {cite:t}`doe2020`\n* - 0.4\n:::\n0.5", ["0.5"]),
        ("```python\n```\n0.5", ["0.5"]),
    ],
)
def test_decimals_in_prose_are_found(text: str, found: list[str]) -> None:
    assert [number for _, number in prose.decimals(text)] == found


@pytest.mark.parametrize(
    "text",
    [
        "$p > 0.5$ and $$x = 0.1\n+ 0.2$$",
        "```python\nx = 0.5\n```",
        "````{code-block} text\n```\n0.5\n````",
        "```{math}\n0.5 x\n```",
        "\\begin{align}\nx &= 0.5\n\\end{align}",
        "`rate=0.5`, ``a `0.5` b``",
        "{glue:text}`a.b:.3f`, {cite:p}`doe2020`, {math}`0.5`",
        "[the paper](https://example.org/v1.2/0.5), <https://example.org/0.5>",
        "[ref]: https://example.org/0.5",
        "doi:10.1101/2020.04.15.20067074 and arXiv:2006.05479v2, 1910.10046",
        "Python 3.11 or 3.12, Python 3.11-3.12, version 0.1.0, v2.1, TensorFlow 2.21",
        "section 4.2, Fig. 1.3, §2.1, eq. (3.4)",
        "The licence is CC BY 4.0 or GPL-3.0.",
        "<!-- 0.5 -->\n% 0.5",
        "---\nversion: 0.5\n---\n# Title",
        "::::{grid} 1 1 2 3\n:gutter: 0.5\n::::",
        "60,000 images in 3 runs of 2020-05-12",
        "It ended in 2020. 5 remained.",
        "They got 0.38\nand 0.5 {cite:p}`doe2020`.",
        ":::{list-table} As in {cite:t}`doe2020`.\n:name: tab\n\n* - 0.4\n\n* - 0.5\n:::",
        "::::{admonition} A\n:::{table} {cite:t}`doe2020`\n0.4\n:::\n::::",
    ],
)
def test_what_is_no_result_is_exempt(text: str) -> None:
    assert prose.decimals(text) == []


def test_a_decimal_is_reported_with_its_line() -> None:
    text = "# Title\n\n```python\nx = 0.5\n```\n\n$$\n0.1\n$$\n\nHere: 0.7."
    assert prose.decimals(text) == [(11, "0.7")]


def notebook(cells: list[dict[str, Any]]) -> dict[str, Any]:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def code_cell(source: str, count: int | None, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"cell-{count}",
        "metadata": {},
        "source": source,
        "execution_count": count,
        "outputs": outputs,
    }


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], "no code cell"),
        ([code_cell("1", None, [])], "not executed once"),
        ([code_cell("1", 1, []), code_cell("2", None, [])], "not executed once"),
        ([code_cell("1", 2, []), code_cell("2", 3, [])], "not executed once"),
        ([code_cell("1", 1, [stream("oh", "stderr")])], "wrote to stderr: 'oh'"),
        (
            [code_cell("1", 1, [{"output_type": "error", "ename": "KeyError"}])],
            "code cell 1 failed: KeyError",
        ),
    ],
)
def test_a_fault_of_an_executed_notebook_is_found(
    tmp_path: Path, cells: list[dict[str, Any]], expected: str
) -> None:
    path = tmp_path / "tides-model.ipynb"
    path.write_text(json.dumps(notebook(cells)))
    found = [str(finding) for finding in notebooks.executed(path, tmp_path)]
    assert len(found) == 1
    assert expected in found[0]


def test_a_complete_executed_notebook_passes(tmp_path: Path) -> None:
    path = tmp_path / "tides-model.ipynb"
    path.write_text(json.dumps(notebook([code_cell("print(1)", 1, [stream("1\n")])])))
    assert notebooks.executed(path, tmp_path) == []


def claim(key: str = "tides.rms", value: float | None = 0.5, **fields: Any) -> dict[str, Any]:
    return {
        "key": key,
        "value": value,
        "error": None,
        "published": None,
        "target": None,
        "reached": None,
        **fields,
    }


def metric_faults(tmp_path: Path, claims: list[dict[str, Any]], bounds: Any) -> list[str]:
    content = {"profile": "smoke", "claims": claims, "figures": [{}]}
    (tmp_path / "tides-model.metrics.json").write_text(json.dumps(content))
    return [str(finding) for finding in metrics.findings(tmp_path, bounds, "smoke", tmp_path)]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (claim(value=1.5), "tides.rms is 1.5, outside of what is possible: 0 to 1"),
        (claim(value=float("nan")), "a value that is not finite"),
        (claim(value=None), "has no value"),
        (claim(error=-1), "negative error"),
        (claim(error=float("inf")), "an error that is not finite"),
        (claim(target="<= 0.1", reached=True), "says reached: True"),
    ],
)
def test_a_number_that_cannot_be_is_found(
    tmp_path: Path, one: dict[str, Any], expected: str
) -> None:
    found = metric_faults(tmp_path, [one], {"tides.rms": {"smoke": (0, 1)}})
    assert any(expected in fault for fault in found), found


def test_numbers_within_bounds_pass(tmp_path: Path) -> None:
    bounds = {"tides.*": {"smoke": (0, 9)}, "tides.rms": {"smoke": (0, 1)}}
    reached = claim(target="<= 0.6", reached=True)
    assert metric_faults(tmp_path, [reached, claim("tides.years", 5)], bounds) == []


def test_a_key_needs_bounds_and_bounds_a_key(tmp_path: Path) -> None:
    bounds = {"tides.old": {"smoke": (0, 1)}, "tides.full_only": {"full": (0, 1)}}
    found = metric_faults(tmp_path, [claim()], bounds)
    assert len(found) == 2
    assert "tides.rms has no bounds" in found[0]
    assert "no notebook claims tides.old [smoke]" in found[1]


@pytest.mark.slow
@pytest.mark.notebook
@pytest.mark.parametrize("changed", ["", "text", "picture"])
def test_a_notebook_that_gives_something_else_fails(tmp_path: Path, changed: str) -> None:
    """What nbval is told to compare: text and pictures, but not addresses in memory."""
    from base64 import b64encode

    picture = tmp_path / "picture.png"
    shade = 0.5 if changed == "picture" else 0.0
    image.imsave(picture, np.full((2, 2, 3), shade), metadata={"Software": None})
    stored = b64encode(picture.read_bytes()).decode()
    draw = (
        "import io, numpy\n"
        "from matplotlib import image\n"
        "from IPython.display import display\n"
        "content = io.BytesIO()\n"
        "image.imsave(content, numpy.zeros((2, 2, 3)), format='png', metadata={'Software': None})\n"
        "display({'image/png': content.getvalue()}, raw=True)\n"
        "print(object(), 6 * 7)"
    )
    shown = {
        "output_type": "display_data",
        "data": {"image/png": stored},
        "metadata": {},
    }
    text = stream(f"<object object at 0x7f00> {41 if changed == 'text' else 42}\n")
    path = tmp_path / "tides-model.ipynb"
    path.write_text(json.dumps(notebook([code_cell(draw, 1, [shown, text])])))
    config = Path(metrics.__file__).with_name("nbval.cfg")
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "workflow.checks.images", "-q"),
            *("-p", "workflow.checks.kernels"),
            *("--nbval", "--nbval-current-env", f"--nbval-sanitize-with={config}", str(path)),
        ],
        cwd=config.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode == 0) == (not changed), result.stdout
    assert ("1 failed" if changed else "1 passed") in result.stdout


def test_kernels_start_one_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mlsci.report.paths.locks", lambda: tmp_path)
    starting: list[int] = []

    def start(which: int, *, delay: float) -> int:
        starting.append(which)
        time.sleep(delay)
        assert starting == [which]
        starting.clear()
        return which

    start_one = one_at_a_time(start)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda which: start_one(which, delay=0.05), range(4)))
    assert found == [0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        one_at_a_time(lambda: 1 / 0)()
    assert start_one(7, delay=0.0) == 7  # and lets go after a failure
