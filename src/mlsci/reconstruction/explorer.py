"""A page part to drag a mask or a noise level over posteriors that are computed already."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class Explored:
    """What there is to look at.

    Attributes
    ----------
    strips
        For each series ("mask", "noise"), each step and each digit a PNG in base64: pictures of
        equal size side by side, of what `columns` says.
    steps
        What each step of a series is, in words.
    truths
        A PNG a digit.
    columns
        What a strip's pictures are.
    """

    strips: Mapping[str, Sequence[Sequence[str]]]
    steps: Mapping[str, Sequence[str]]
    truths: Sequence[str]
    columns: Sequence[str]

    def __post_init__(self) -> None:
        """Refuse strips that do not fit their labels."""
        for name, steps in self.steps.items():
            strips = self.strips[name]
            if len(strips) != len(steps) or any(len(s) != len(self.truths) for s in strips):
                raise ValueError(
                    f"series {name!r} needs {len(steps)} steps of {len(self.truths)} strips"
                )


def page(explored: Explored, name: str) -> str:
    """Return HTML with a choice of digit and series and a slider; nothing is loaded for it.

    Parameters
    ----------
    explored
        The pictures.
    name
        Letters and hyphens: the element's id, one for each in a page.
    """
    template = resources.files("mlsci.reconstruction").joinpath("explorer.html").read_text("utf-8")
    parts = {
        "@NAME@": name,
        "@SERIES@": _options(explored.steps),
        "@DIGITS@": _options([str(k + 1) for k in range(len(explored.truths))]),
        "@COLUMNS@": "".join(f"<span>{html.escape(c)}</span>" for c in explored.columns),
        "@COUNT@": str(len(explored.columns)),
        # A script ends at the first "</", in a string, too.
        "@DATA@": json.dumps(
            {"strips": explored.strips, "steps": explored.steps, "truths": explored.truths},
            separators=(",", ":"),
        ).replace("</", "<\\/"),
    }
    for mark, text in parts.items():
        template = template.replace(mark, text)
    return template


def _options(labels: Sequence[str] | Mapping[str, object]) -> str:
    return "".join(f"<option>{html.escape(label)}</option>" for label in labels)
