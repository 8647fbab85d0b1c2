"""The book's own Sphinx extension: claims in text and tables, profile badge, header buttons.

Roles and directives for pages and notebooks:

``{claim}`aeflow.some_key```
    the claim's text ("0.072 ± 0.004"), linked to its line on the Claims page;
```` ```{mlsci-claims} aeflow ````
    the table of a chapter's claims, or a note that there are none;
```` ```{mlsci-summary} ````
    how many claims there are, and how many targets were reached.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from workflow.book_pages import PROFILE_TEXT
from workflow.book_sources import DOWNLOADS, anchor

RECORDS = "_records.json"
"""What `workflow.assemble_book` leaves beside the assembled sources for this extension."""

LOGGER = logging.getLogger(__name__)


def records(app: Sphinx) -> dict[str, Any]:
    """Return profile and claims of the book that is being built."""
    found: dict[str, Any] = json.loads((Path(app.srcdir) / RECORDS).read_text(encoding="utf-8"))
    return found


def claim_anchor(key: str) -> str:
    """Return the anchor of a claim's line in a table."""
    return "claim-" + re.sub(r"[^a-z0-9]+", "-", key.lower())


class ClaimRole(SphinxRole):
    """A claim's value and error in running text."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        key = self.text.strip()
        for claim in records(self.env.app)["claims"]:
            if claim["key"] == key:
                where = self.env.app.builder.get_relative_uri(self.env.docname, "claims")
                node = nodes.reference(
                    "", claim["text"], internal=True, refuri=f"{where}#{claim_anchor(key)}"
                )
                node["classes"].append("mlsci-claim")
                return [node], []
        LOGGER.warning("no notebook claims %r", key, location=self.get_location())
        return [nodes.literal(key, key)], []


class MystDirective(SphinxDirective):
    """A directive whose content is MyST text that it writes itself."""

    def text(self) -> str:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        box = nodes.container()
        lines = StringList(self.text().split("\n"), source=f"<{self.name}>")
        self.state.nested_parse(lines, self.content_offset, box)
        return box.children


class ClaimsDirective(MystDirective):
    """The claims whose keys begin with one of the given chapters."""

    required_arguments = 1
    final_argument_whitespace = True

    def text(self) -> str:
        chapters = self.arguments[0].split()
        found = [
            claim
            for claim in records(self.env.app)["claims"]
            if claim["key"].partition(".")[0] in chapters
        ]
        if not found:
            return (
                ":::{note}\nNo results of our own are shown on this page. It tells what is asked, "
                "how it is answered, and what others found.\n:::"
            )
        up = "../" * self.env.docname.count("/")
        rows = [_row(claim, up) for claim in found]
        head = "* - " + "\n  - ".join(
            ("What", "Ours", "Published", "Ratio", "Target", "Computation")
        )
        return "\n".join(
            [
                f'<div class="mlsci-table" role="region" tabindex="0" aria-label="{chapters[0]}">',
                "",
                ":::{list-table}",
                ":header-rows: 1",
                ":stub-columns: 1",
                ":widths: auto",
                ":class: mlsci-claims",
                "",
                head,
                *rows,
                ":::",
                "",
                "</div>",
            ]
        )


def _row(claim: dict[str, Any], up: str) -> str:
    key = claim["key"]
    page = f"{up}notebooks/{claim['notebook']}.html"
    name = (
        f'<span id="{claim_anchor(key)}"></span>{_line(claim["description"] or "")}'
        f'<a class="mlsci-key" href="{page}"><code>{html.escape(key)}</code></a>'
    )
    cells = [
        name,
        claim["text"],
        _published(claim),
        compared(claim["value"], claim["error"], claim["published"]),
        _target(claim),
        f'<a href="{up}seals.html#{anchor(claim["notebook"])}">seal</a> '
        f'<span class="mlsci-profile">{claim["profile"]}</span>',
    ]
    return "* - " + "\n  - ".join(cells)


def _line(text: str) -> str:
    return " ".join(text.split())


def _published(claim: dict[str, Any]) -> str:
    """Value and source; ``@key`` in a source is a reference to the bibliography."""
    source = re.sub(r"@([a-z][\w:-]*)", r"{cite:t}`\1`", _line(claim["source"] or ""))
    value = "" if claim["published"] is None else f"{claim['published']:.6g}"
    return f"{value} [{source}]{{.mlsci-source}}".strip() if source else value


def compared(value: float, error: float | None, published: float | None) -> str:
    """Return ours over published, and the difference in errors where there is an error.

    >>> compared(0.0063, 0.0001, 0.0064)
    '0.984 [−1.0 σ]{.mlsci-source}'
    """
    if published is None:
        return ""
    difference = value - published
    if published == 0:
        text = _signed(difference, ".3g")
    else:
        text = f"{value / published:.3f}"
    if error:
        text += f" [{_signed(difference / error, '.1f')} σ]{{.mlsci-source}}"
    return text


def _signed(value: float, form: str) -> str:
    return format(value, "+" + form).replace("-", "−")


def _target(claim: dict[str, Any]) -> str:
    if claim["target"] is None:
        return ""
    verdict = "reached" if claim["reached"] else "missed"
    target = claim["target"].replace("<=", "≤").replace(">=", "≥")
    target = re.sub(
        r"([<>])", r"\\\1", target
    )  # at the beginning of a cell, > would be a quotation
    return f"{target} [{verdict}]{{.mlsci-{verdict}}}"


class SummaryDirective(MystDirective):
    """One sentence on how the book stands."""

    def text(self) -> str:
        found = records(self.env.app)
        claims = found["claims"]
        targets = [claim for claim in claims if claim["target"] is not None]
        reached = sum(1 for claim in targets if claim["reached"])
        published = sum(1 for claim in claims if claim["published"] is not None)
        if not claims:
            return ":::{div} mlsci-summary\nThis edition makes no claims.\n:::"
        verdict = f"{reached} of {len(targets)} targets reached"
        if reached < len(targets):
            verdict += f", {len(targets) - reached} missed"
        note = " *Toy sizes: these verdicts mean nothing.*" if found["profile"] == "smoke" else ""
        return (
            ":::{div} mlsci-summary\n"
            f"[{len(claims)} claims](/claims.md), {published} of them beside a published number; "
            f"{verdict}.{note}\n:::"
        )


def add_context(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Give the templates the profile, and each notebook's page its own files and launch links."""
    profile = records(app)["profile"]
    context["mlsci_profile"] = profile
    context["mlsci_profile_text"] = PROFILE_TEXT[profile]
    name = pagename.removeprefix("notebooks/")
    is_notebook = name != pagename
    up = "../" * pagename.count("/")
    buttons: list[dict[str, Any]] = []
    for button in context.get("header_buttons", ()):
        if button.get("label") == "download-buttons":
            print_button = button["buttons"][-1]
            if is_notebook:
                offered = [_download(f"{up}{DOWNLOADS}/{name}", end) for end in ("ipynb", "py")]
                buttons.append({**button, "buttons": [*offered, print_button]})
            else:
                buttons.append(
                    {**print_button, "text": "", "tooltip": "Print", "icon": "fas fa-print"}
                )
        elif button.get("label") != "launch-buttons":
            buttons.append(button)
    if is_notebook:
        buttons.insert(0, _launch(context.get("header_buttons", ()), name, up))
    context["header_buttons"] = buttons


def _download(where: str, ending: str) -> dict[str, Any]:
    return {
        "type": "link",
        "url": f"{where}.{ending}",
        "text": f".{ending}",
        "icon": "fas fa-code" if ending == "ipynb" else "fas fa-file",
        "tooltip": "Download the executed notebook" if ending == "ipynb" else "Download the script",
        "label": f"download-{ending}-button",
    }


def _launch(buttons: Any, name: str, up: str) -> dict[str, Any]:
    """The theme's launch menu, led to the script that the repository keeps, and this computer."""
    offered = [
        {**one, "url": one["url"].replace(f"notebooks/{name}.ipynb", f"notebooks/{name}.py")}
        for button in buttons
        if button.get("label") == "launch-buttons"
        for one in button["buttons"]
    ]
    here = {
        "type": "link",
        "text": "This computer",
        "tooltip": "How to run this notebook here",
        "icon": "fas fa-laptop",
        "url": f"{up}rerun.html#rerun-one-notebook",
        "label": "launch-here-button",
    }
    return {
        "type": "group",
        "tooltip": "Launch this notebook",
        "icon": "fas fa-rocket",
        "buttons": [*offered, here],
        "label": "launch-buttons",
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Register roles, directives and hooks."""
    app.add_role("claim", ClaimRole())
    app.add_directive("mlsci-claims", ClaimsDirective)
    app.add_directive("mlsci-summary", SummaryDirective)
    app.connect("html-page-context", add_context, priority=900)  # after the theme's own buttons
    return {"parallel_read_safe": True, "parallel_write_safe": True}
