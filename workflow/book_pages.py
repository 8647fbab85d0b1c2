"""The pages that nobody writes: claims, gallery, status and seals, as MyST text."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mlsci.report import machine
from workflow.book_records import Records
from workflow.book_sources import anchor, figure_file, links, seal_file

CHAPTERS = {
    "aeflow": ("A simple fix for generative models", "aeflow/index"),
    "pae": ("The Probabilistic Auto-Encoder", "pae/index"),
    "deepuq": ("DeepUQ", "deepuq/index"),
    "covid": ("How deadly is COVID-19?", "covid/index"),
    "lensing": ("MADLens", "madlens/index"),
    "grad": ("MADLens, gradients", "madlens/index"),
}
"""Title and page of each chapter, by the first part of its claims' keys."""

PROFILE_TEXT = {
    "full": "Full profile: all data, the sizes that the claims are made for",
    "smoke": "Smoke profile: everything at toy size, to see that it runs; the numbers mean nothing",
}


WIDE = "---\nhtml_theme.sidebar_secondary.remove: true\n---"
"""Front matter of a page that needs the room of the table of contents at its side."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], name: str, classes: str = "") -> str:
    """Return an HTML table that scrolls by itself; cells are HTML already."""
    label = html.escape(name, quote=True)
    lines = [
        f'<div class="mlsci-table" role="region" tabindex="0" aria-label="{label}">',
        f'<table class="table {classes}"><thead><tr>',
        *(f'<th scope="col">{cell}</th>' for cell in head),
        "</tr></thead><tbody>",
    ]
    for row in rows:
        first, *rest = row
        cells = "".join(f"<td>{cell}</td>" for cell in rest)
        lines.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody></table></div>"])


def short(sha256: str) -> str:
    """Return the first digits of a fingerprint, the rest in a tip."""
    return f'<code title="{sha256}">{sha256[:10]}</code>'


def seconds(value: float) -> str:
    """Return a duration for people."""
    if value < 90:
        return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"
    if value < 5400:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h"


def _commit(commit: dict[str, Any] | None) -> str:
    if not commit or not commit.get("commit"):
        return "not recorded"
    changed = ", with changes on top" if commit.get("dirty") else ""
    return f"<code>{commit['commit'][:12]}</code>{changed}"


def _machine(machine: dict[str, Any]) -> str:
    return html.escape(f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}")


def claims_page(records: Records) -> str:
    """Return the page with every claim, chapter by chapter."""
    parts = [
        WIDE,
        "# Claims",
        PROFILE_TEXT[records.profile] + ".",
        "Every number that this book stands for, as the notebooks recorded it. Errors are one "
        "standard deviation. *Published* is what the named source gives; the ratio is ours over "
        "published, and below it the difference in units of our error. A target is what we set "
        "out to reach; one that was missed stays here as missed. The first column leads to the "
        "notebook, the last to the record of the computation.",
        "```{mlsci-summary}\n```",
    ]
    present = {claim["key"].partition(".")[0] for claim in records.claims}
    for prefix in [*CHAPTERS, *sorted(present - set(CHAPTERS))]:
        if prefix in present:
            title, page = CHAPTERS.get(prefix, (prefix, ""))
            heading = f"## {{doc}}`{title} <{page}>`" if page else f"## {title}"
            parts += [heading, f"```{{mlsci-claims}} {prefix}\n```"]
    missing = [
        f"{{doc}}`{title} <{page}>`"
        for prefix, (title, page) in CHAPTERS.items()
        if prefix not in present
    ]
    if missing:
        parts.append("Chapters without claims in this edition: " + ", ".join(missing) + ".")
    return "\n\n".join(parts) + "\n"


def gallery_page(records: Records) -> str:
    """Return the page with every figure, its caption and where it came from."""
    parts = [
        WIDE,
        "# Gallery",
        "Every figure of the book. A picture leads to its place in the text; the links below it to "
        "the notebook that drew it and to the seal of the computation.",
    ]
    for notebook in records.notebooks:
        figures = list(notebook.figures())
        if not figures:
            continue
        parts += [f"## {notebook.title}", "::::{grid} 1 1 2 2\n:gutter: 3"]
        for figure in figures:
            where = f"{notebook.docname}.html#{figure.target}"
            parts.append(
                "\n".join(
                    (
                        ":::{grid-item-card}",
                        ":class-card: mlsci-figure-card",
                        "",
                        f'<a href="{where}"><img class="dark-light" loading="lazy" '
                        f'src="{figure_file(figure)}" alt="{html.escape(figure.alt)}"></a>',
                        "",
                        figure.caption,
                        "```{card-footer}",
                        f'<span class="mlsci-origin">{links(notebook.name)}</span>',
                        "```",
                        ":::",
                    )
                )
            )
        parts.append("::::")
    if not any(True for _ in records.figures()):
        parts.append("This edition has no figures.")
    return "\n\n".join(parts) + "\n"


def status_page(records: Records, data: Sequence[dict[str, str]]) -> str:
    """Return the page that says what was run, when, where and with what."""
    notebooks = [
        (
            f'<a href="{one.docname}.html">{html.escape(one.name)}</a>',
            seconds(one.seal["record"]["execution_seconds"]),
            str(len(one.metrics["claims"])),
            str(len(one.metrics["figures"])),
            str(len(one.metrics["artefacts"])),
            html.escape(one.seal["record"]["finished"]),
            f'<a href="seals.html#{anchor(one.name)}">seal</a>',
        )
        for one in records.notebooks
    ]
    stages = [
        (
            f"<code>{html.escape(name)}</code>",
            seconds(sealed["record"]["wall_seconds"]),
            seconds(sealed["record"]["cpu_seconds"]),
            f"{sealed['record']['peak_memory_mb']:.0f} MB",
            html.escape(sealed["record"]["finished"]),
            f'<a href="seals.html#{anchor(name)}">seal</a>',
        )
        for name, sealed in sorted(records.stages.items())
    ]
    cpu = sum(sealed["record"]["cpu_seconds"] for sealed in records.stages.values())
    run = sum(one.seal["record"]["execution_seconds"] for one in records.notebooks)
    machines = sorted({_machine(one.seal["record"]["machine"]) for one in records.notebooks})
    made_on = sorted({_machine(one["record"]["machine"]) for one in records.stages.values()})
    commits = sorted({_commit(one.seal["provenance"]["commit"]) for one in records.notebooks})
    versions = dict(machine.versions())
    for one in records.notebooks:
        versions |= one.seal["provenance"]["versions"]
    facts = [
        ("Profile", f"{records.profile}: {PROFILE_TEXT[records.profile].partition(': ')[2]}"),
        ("Sources", "; ".join(commits) or "no notebooks"),
        ("Notebooks", f"{len(records.notebooks)}, executed in {seconds(run)}"),
        ("Stages", f"{len(records.stages)}, {seconds(cpu)} of processor time"),
        ("Notebooks ran on", "; ".join(machines) or "–"),
        ("Stages ran on", "; ".join(made_on) or "–"),
    ]
    parts = [
        WIDE,
        "# Status",
        "What this edition of the book was made from.",
        table(("", ""), facts, "Summary", "mlsci-facts"),
        "## Notebooks",
        "A notebook loads what the stages computed, so it is quick; the cost is below.",
        table(
            ("Notebook", "Took", "Claims", "Figures", "Artefacts", "Finished (UTC)", ""),
            notebooks,
            "Notebooks",
        ),
        "## Stages",
        "Times and memory of the costly computations, on the machine where they ran.",
        table(("Stage", "Took", "Processor", "Memory", "Finished (UTC)", ""), stages, "Stages"),
        "## Data",
        "What was at hand when the book was put together.",
        table(
            ("Data set", "Size", "Found", "Licence", "SHA-256"),
            [
                (
                    f"{html.escape(one['title'])}<br><code>{html.escape(one['name'])}</code>",
                    html.escape(one["size"]),
                    html.escape(one["found"]),
                    html.escape(one["licence"]),
                    short(one["sha256"]),
                )
                for one in data
            ],
            "Data sets",
        ),
        "## Versions",
        table(
            ("Package", "Version"),
            [
                (html.escape(name), f"<code>{html.escape(version)}</code>")
                for name, version in sorted(versions.items())
            ],
            "Versions of packages",
            "mlsci-versions",
        ),
    ]
    return "\n\n".join(parts) + "\n"


def data_sets() -> list[dict[str, str]]:
    """Say of every data set in the registry what it is and who provides it here."""
    from mlsci import data

    found = []
    for name in data.REGISTRY:
        about = data.describe(name)
        where = data.available(name)
        found.append(
            {
                "name": name,
                "title": about.title,
                "size": about.size,
                "licence": about.licence,
                "found": where.provider if where else "not on this machine",
                "sha256": about.sha256,
            }
        )
    return found


def seals_page(records: Records) -> str:
    """Return the page with the seal of every notebook and stage."""
    parts = [
        "# Seals",
        "A seal names, by fingerprint (SHA-256, shortened here), what went into a computation and "
        "what came out. The complete record is a JSON file behind each link. A result whose seal "
        "no longer agrees with the sources is computed again.",
        "## Notebooks",
    ]
    for one in records.notebooks:
        sealed, origin = one.seal, one.seal["provenance"]
        rows = [
            ("Seal", short(sealed["seal"])),
            ("Profile, seed", f"{sealed['profile']}, {origin['seed']}"),
            ("Commit", _commit(origin["commit"])),
            ("Script", short(origin["source"])),
            ("Package", short(origin["package"])),
            ("Finished (UTC)", html.escape(sealed["record"]["finished"])),
            ("Machine", _machine(sealed["record"]["machine"])),
            ("Results used", _stages(origin["inputs"]) or "none"),
            ("Complete", _json_link(one.name)),
        ]
        parts.append(_record(one.name, one.title, rows))
    parts.append("## Stages")
    for name, sealed in sorted(records.stages.items()):
        record = sealed["record"]
        rows = [
            ("Seal", short(sealed["seal"])),
            ("Profile, seed", f"{sealed['profile']}, {sealed['seed']}"),
            ("Parameters", _parameters(sealed["inputs"]["params"])),
            ("Data", _hashes(sealed["inputs"].get("data", {})) or "none"),
            ("Results used", _stages(sealed["inputs"].get("upstream", {})) or "none"),
            ("Program", _hashes(sealed["inputs"]["sources"])),
            (
                "Written",
                _hashes({file: out["sha256"] for file, out in sealed["outputs"].items()}),
            ),
            ("Commit", _commit(record["commit"])),
            ("Finished (UTC)", html.escape(record["finished"])),
            ("Machine", _machine(record["machine"])),
            (
                "Cost",
                f"{seconds(record['wall_seconds'])}, processor {seconds(record['cpu_seconds'])}, "
                f"memory {record['peak_memory_mb']:.0f} MB",
            ),
            ("Complete", _json_link(name)),
        ]
        parts.append(_record(name, name, rows))
    if not records.stages:
        parts.append("The notebooks of this edition use no stored results.")
    return "\n\n".join(parts) + "\n"


def _record(name: str, title: str, rows: list[tuple[str, str]]) -> str:
    body = "\n".join(f"<dt>{what}</dt><dd>{value}</dd>" for what, value in rows)
    return (
        f'<div class="mlsci-seal" id="{anchor(name)}">\n<h3>{html.escape(title)}</h3>\n'
        f'<dl class="mlsci-record">\n{body}\n</dl>\n</div>'
    )


def _json_link(name: str) -> str:
    where = seal_file(name)
    return f'<a href="{where}">{where}</a>'


def _hashes(hashes: dict[str, str]) -> str:
    return ", ".join(f"{html.escape(name)} {short(value)}" for name, value in hashes.items())


def _stages(seals: dict[str, str]) -> str:
    return ", ".join(
        f'<a href="#{anchor(name)}"><code>{html.escape(name)}</code></a>' for name in seals
    )


def _parameters(params: dict[str, Any]) -> str:
    text = ", ".join(f"{name} = {json.dumps(value)}" for name, value in sorted(params.items()))
    return f"<code>{html.escape(text)}</code>" if text else "none"


def write(records: Records, source: Path) -> None:
    """Write all generated pages and the JSON files of the seals."""
    pages = {
        "claims": claims_page(records),
        "gallery": gallery_page(records),
        "status": status_page(records, data_sets()),
        "seals": seals_page(records),
    }
    for name, text in pages.items():
        (source / f"{name}.md").write_text(text, encoding="utf-8")
    seals = {notebook.name: notebook.seal for notebook in records.notebooks} | records.stages
    for name, sealed in seals.items():
        where = source / "_extra" / seal_file(name)
        where.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(sealed, indent=1, sort_keys=True, ensure_ascii=False)
        where.write_text(text + "\n", encoding="utf-8")
