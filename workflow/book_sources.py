"""The notebooks as the book shows them: with links to where they and their figures came from."""

from __future__ import annotations

import base64
import copy
import html
import re
import shutil
from pathlib import Path

import nbformat

from workflow.book_records import Figure, Notebook, Records, cell_figures

DOWNLOADS = "downloads"
SEALS = "seals"


def anchor(name: str) -> str:
    """Return the anchor of a notebook's or a stage's seal on the page of seals."""
    kind = "stage-" if "/" in name else "seal-"
    return kind + re.sub(r"[^a-z0-9]+", "-", name.lower())


def seal_file(name: str) -> str:
    """Return where the JSON of a seal lies below the book."""
    return f"{SEALS}/{name}.json"


def links(notebook: str, up: str = "") -> str:
    """Return HTML links to a notebook's file, its script and its seal; `up` leads to the root."""
    name = html.escape(notebook)
    return " · ".join(
        (
            f'<a href="{up}{DOWNLOADS}/{name}.ipynb" download>notebook</a>',
            f'<a href="{up}{DOWNLOADS}/{name}.py" download>script</a>',
            f'<a href="{up}seals.html#{anchor(notebook)}">seal</a>',
        )
    )


def page(notebook: Notebook) -> nbformat.NotebookNode:
    """Return the notebook for the book: origin under the title and below each figure."""
    content = copy.deepcopy(notebook.content)
    cells: list[nbformat.NotebookNode] = []
    titled = False
    for cell in content.cells:
        if "injected-parameters" in cell.metadata.get("tags", ()):
            continue  # what papermill set is in the seal; the parameters cell above tells the rest
        if not titled and cell.cell_type == "markdown":
            cell.source, titled = _with_origin(cell.source, notebook)
        cells.append(cell)
        if any(True for _ in cell_figures(notebook.name, cell)):
            below = nbformat.v4.new_markdown_cell(
                f'<p class="mlsci-origin">{links(notebook.name, "../")}</p>'
            )
            below["id"] = f"{cell.get('id', len(cells))}-origin"[:64]
            cells.append(below)
    content.cells = cells
    content.metadata.pop("papermill", None)
    return content


def _with_origin(source: str, notebook: Notebook) -> tuple[str, bool]:
    lines = source.split("\n")
    for number, line in enumerate(lines):
        if line.startswith("# "):
            seconds = notebook.seal["record"]["execution_seconds"]
            origin = (
                '<p class="mlsci-origin mlsci-origin-page">executed in '
                f"{seconds:.0f} s · {links(notebook.name, '../')}</p>"
            )
            return "\n".join([*lines[: number + 1], "", origin, "", *lines[number + 1 :]]), True
    return source, False


def write(records: Records, source: Path) -> None:
    """Write the notebooks' pages, and beside them all that they link to."""
    extra = source / "_extra"
    for folder in (source / "notebooks", extra / DOWNLOADS):
        folder.mkdir(parents=True, exist_ok=True)
    for notebook in records.notebooks:
        nbformat.write(page(notebook), source / "notebooks" / f"{notebook.name}.ipynb")
        shutil.copyfile(notebook.path, extra / DOWNLOADS / f"{notebook.name}.ipynb")
        shutil.copyfile(notebook.script, extra / DOWNLOADS / f"{notebook.name}.py")
    for figure in records.figures():
        where = extra / figure_file(figure)
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(base64.b64decode(figure.png))


def figure_file(figure: Figure) -> str:
    """Return where a figure's PNG lies below the book."""
    return f"figures/{figure.notebook}/{figure.name}.png"
