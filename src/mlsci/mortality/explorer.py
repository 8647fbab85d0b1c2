"""A page part to look through regions and ages: SVG drawn by a script, nothing from a network."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np


@dataclass(frozen=True, eq=False)
class Explored:
    """What there is to look at.

    Attributes
    ----------
    regions, ages, week_ends, models : sequence of str
        Labels.
    observed : ndarray, (region, age, week)
        Deaths a day in the year in question.
    usual : ndarray, (2, region, age, week)
        Least and most of the control years.
    expected, deviation : ndarray, (model, region, age, late week)
        Prediction of the last weeks, and its standard deviation.
    source : str
        Where the deaths are from; shown below the picture.
    """

    regions: Sequence[str]
    ages: Sequence[str]
    week_ends: Sequence[str]
    models: Sequence[str]
    observed: np.ndarray
    usual: np.ndarray
    expected: np.ndarray
    deviation: np.ndarray
    source: str

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit their labels."""
        shape = (len(self.regions), len(self.ages), len(self.week_ends))
        late = self.expected.shape[-1]
        wanted = {
            "observed": (self.observed, shape),
            "usual": (self.usual, (2, *shape)),
            "expected": (self.expected, (len(self.models), *shape[:2], late)),
            "deviation": (self.deviation, (len(self.models), *shape[:2], late)),
        }
        for name, (array, expected) in wanted.items():
            if array.shape != expected:
                raise ValueError(f"{name} has shape {array.shape}, its labels {expected}")


def page(explored: Explored, name: str) -> str:
    """Return HTML that shows one region and age at a time.

    Parameters
    ----------
    explored : Explored
        The numbers.
    name : str
        Letters and hyphens: the element's id, one for each in a page.
    """
    numbers = {
        "weeks": list(explored.week_ends),
        "observed": _rounded(explored.observed),
        "usual": _rounded(explored.usual),
        "expected": _rounded(explored.expected),
        "deviation": _rounded(explored.deviation),
    }
    choices: Mapping[str, Sequence[str]] = {
        "region": explored.regions,
        "age": explored.ages,
        "model": explored.models,
    }
    selects = "\n".join(
        f'<label>{what} <select data-choice="{what}">{_options(labels)}</select></label>'
        for what, labels in choices.items()
    )
    template = resources.files("mlsci.mortality").joinpath("explorer.html").read_text("utf-8")
    # A script ends at the first "</", in a string, too.
    data = json.dumps(numbers, separators=(",", ":")).replace("</", "<\\/")
    filled = template.replace("@NAME@", name).replace("@SELECTS@", selects)
    return filled.replace("@SOURCE@", html.escape(explored.source)).replace("@DATA@", data)


def _options(labels: Sequence[str]) -> str:
    return "".join(f"<option>{html.escape(label)}</option>" for label in labels)


def _rounded(array: np.ndarray) -> object:
    """Return nested lists with two decimals, which is more than a figure shows."""
    return np.round(np.asarray(array, np.float64), 2).tolist()
