"""What the book shows of the computations, read once, and what it refuses to show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
import yaml

from mlsci.report import claims, files, paths, provenance, seal
from mlsci.report.paths import Profile

NOTEBOOKS = "notebooks/"
"""A page of the table of contents whose name begins so is an executed notebook."""


class BookError(RuntimeError):
    """The book cannot be made as things are; the message says why, and the mend."""


@dataclass(frozen=True)
class Figure:
    """A figure in an executed notebook."""

    notebook: str
    name: str
    caption: str
    alt: str
    png: str  # base64, as in the notebook

    @property
    def target(self) -> str:
        """The anchor of the figure on its notebook's page."""
        return f"fig-{self.notebook}-{self.name}"


@dataclass(frozen=True)
class Notebook:
    """An executed notebook with its metrics and its seal."""

    name: str
    path: Path
    script: Path
    content: nbformat.NotebookNode
    metrics: dict[str, Any]
    seal: dict[str, Any]

    @property
    def docname(self) -> str:
        """The notebook's page."""
        return NOTEBOOKS + self.name

    @cached_property
    def title(self) -> str:
        """The text of its first heading."""
        for cell in self.content.cells:
            if cell.cell_type == "markdown":
                for line in cell.source.splitlines():
                    if line.startswith("# "):
                        return str(line[2:].strip())
        raise BookError(f"notebook {self.name} has no title: begin its first text cell with '# '")

    def figures(self) -> Iterator[Figure]:
        """Yield the notebook's figures in their order."""
        for cell in self.content.cells:
            yield from cell_figures(self.name, cell)


@dataclass(frozen=True)
class Records:
    """All that the generated pages and the notebooks' pages are made from."""

    profile: Profile
    notebooks: tuple[Notebook, ...]
    stages: dict[str, dict[str, Any]]  # seals by name
    claims: list[dict[str, Any]]

    def figures(self) -> Iterator[Figure]:
        """Yield all figures in the order of the book."""
        for notebook in self.notebooks:
            yield from notebook.figures()


def cell_figures(notebook: str, cell: nbformat.NotebookNode) -> Iterator[Figure]:
    """Yield the figures among a cell's outputs; an image that nobody described is an error."""
    for output in cell.get("outputs", ()):
        images = [mime for mime in output.get("data", {}) if mime.startswith("image/")]
        if not images:
            continue
        about = output.get("metadata", {}).get("mlsci", {})
        if not all(about.get(what) for what in ("figure", "caption", "alt")):
            raise BookError(
                f"notebook {notebook} shows an image without a name, a caption or an alt text: "
                "draw it with nb.figure(figure, name, caption=…, alt=…)"
            )
        yield Figure(
            notebook, about["figure"], about["caption"], about["alt"], output["data"]["image/png"]
        )


def toc_pages(toc: Path) -> list[str]:
    """Return the names of the book's pages in their order."""

    def walk(entry: Any) -> Iterator[str]:
        if isinstance(entry, dict):
            for key, value in entry.items():
                if key in ("root", "file"):
                    yield str(value)
                elif isinstance(value, list):
                    yield from walk(value)
        elif isinstance(entry, list):
            for one in entry:
                yield from walk(one)

    try:
        pages = list(walk(yaml.safe_load(toc.read_text(encoding="utf-8"))))
    except (OSError, yaml.YAMLError) as problem:
        raise BookError(f"the table of contents cannot be read: {problem}") from None
    twice = {page for page in pages if pages.count(page) > 1}
    if twice:
        raise BookError(f"{paths.relative(toc)} lists {', '.join(sorted(twice))} twice")
    return pages


def toc_notebooks(toc: Path) -> list[str]:
    """Return the names of the notebooks in the table of contents, in their order."""
    return [page.removeprefix(NOTEBOOKS) for page in toc_pages(toc) if page.startswith(NOTEBOOKS)]


def load(profile: Profile) -> Records:
    """Read the notebooks that the book lists, and the seals of all that they rest on."""
    names = toc_notebooks(paths.root() / "book" / "_toc.yml")
    notebooks = tuple(_notebook(name, profile) for name in names)
    stages: dict[str, dict[str, Any]] = {}
    for notebook in notebooks:
        for name, sealed in notebook.metrics["artefacts"].items():
            _stage(name, sealed, profile, stages, notebook.name)
    try:
        merged = claims.merged(notebook.metrics for notebook in notebooks)
    except claims.ClaimError as problem:
        raise BookError(str(problem)) from None
    return Records(profile, notebooks, stages, merged)


def _rerun(name: str, profile: str) -> str:
    return f"Run it:  .venv/bin/python -m workflow notebook:{name} --profile {profile}"


def _notebook(name: str, profile: Profile) -> Notebook:
    folder = paths.notebooks(profile)
    path = folder / f"{name}.ipynb"
    mend = _rerun(name, profile)
    failed = folder / f"{name}.failed.ipynb"
    if failed.exists() and (
        not path.exists() or failed.stat().st_mtime_ns > path.stat().st_mtime_ns
    ):
        raise BookError(f"notebook {name} failed: see {paths.relative(failed)}. {mend}")
    if not path.exists():
        raise BookError(
            f"the table of contents lists notebook {name}, but {paths.relative(path)} "
            f"is not there. {mend}"
        )
    metrics = files.read_json(folder / f"{name}.metrics.json")
    sealed = files.read_json(provenance.seal_file(name, profile))
    if metrics is None or sealed is None:
        raise BookError(f"notebook {name} has no metrics or no seal [{profile}]. {mend}")
    try:
        content = nbformat.read(path, as_version=4)
    except (OSError, ValueError) as problem:
        raise BookError(f"{paths.relative(path)} is not a notebook: {problem}. {mend}") from None
    script = paths.root() / "notebooks" / f"{name}.py"
    if not script.is_file():
        raise BookError(f"notebook {name} has no source: {paths.relative(script)} is missing")
    _check_profile(name, profile, content, metrics, sealed)
    _check_executed(name, content, mend)
    wrong = files.damage(paths.root(), sealed["outputs"])
    if wrong:
        raise BookError(f"notebook {name} is not what was sealed: {wrong}. {mend}")
    return Notebook(name, path, script, content, metrics, sealed)


def _check_profile(
    name: str,
    profile: Profile,
    content: nbformat.NotebookNode,
    metrics: dict[str, Any],
    sealed: dict[str, Any],
) -> None:
    """A page of one profile must not end up in a book of the other, however it got there."""
    found = {
        "its metadata": content.metadata.get("mlsci", {}).get("profile"),
        "its metrics": metrics.get("profile"),
        "its seal": sealed.get("profile"),
        **{f"its claim {claim['key']}": claim["profile"] for claim in metrics["claims"]},
    }
    for what, value in found.items():
        if value != profile:
            raise BookError(
                f"notebook {name} cannot be in a {profile} book: {what} says profile {value!r}. "
                + _rerun(name, profile)
            )


def _check_executed(name: str, content: nbformat.NotebookNode, mend: str) -> None:
    for number, cell in enumerate(content.cells, 1):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if cell.get("execution_count") is None:
            raise BookError(f"cell {number} of notebook {name} was not executed. {mend}")
        for output in cell.outputs:
            if output.output_type == "error":
                raise BookError(
                    f"cell {number} of notebook {name} ended in {output.ename}: {output.evalue}. "
                    "Mend it, then make the book again"
                )


def _stage(
    name: str,
    sealed: str | None,
    profile: Profile,
    stages: dict[str, dict[str, Any]],
    reader: str,
) -> None:
    """Add a stage's seal and those of the stages that it reads."""
    found = stages.get(name) or seal.read(name, profile)
    if found is None:
        raise BookError(
            f"{reader} used {name} [{profile}], which has no intact seal. "
            f"Make it:  {seal.command(name, profile)}"
        )
    if found["profile"] != profile:
        raise BookError(
            f"{reader} used {name} of profile {found['profile']!r}: it cannot be in a {profile} "
            f"book. Make it:  {seal.command(name, profile)}"
        )
    if sealed is not None and found["seal"] != sealed:
        raise BookError(
            f"notebook {reader} was executed with an earlier {name}. " + _rerun(reader, profile)
        )
    if name not in stages:
        stages[name] = found
        for upstream in found["inputs"].get("upstream", {}):
            _stage(upstream, None, profile, stages, name)
