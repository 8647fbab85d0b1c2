"""Rules for notebooks: their sources narrate and hold no logic; executed ones are complete."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workflow.checks import prose
from workflow.checks.findings import Finding

CELL_LINES = 40
FUNCTION_LINES = 5
LOOP_STATEMENTS = 6
LOOP_DEPTH = 2
# Tags that only say how a cell is shown. Others, all that keep a cell from being run or compared
# among them, need an entry in EXCEPTIONS.
TAGS = {
    "parameters",
    *(f"{verb}-{what}" for verb in ("hide", "remove") for what in ("cell", "input", "output")),
    "full-width",
    "margin",
}
# (notebook, tag): why this notebook may use this tag.
EXCEPTIONS: dict[tuple[str, str], str] = {}
_MARKER = re.compile(r"#\s*(NBVAL_\w+|PYTEST_VALIDATE_\w+)")


def source(path: Path, top: Path) -> list[Finding]:
    """Return what is wrong with the source of a notebook (Jupytext percent)."""
    import jupytext

    where = path.relative_to(top).as_posix()
    text = path.read_text(encoding="utf-8")
    cells = jupytext.reads(text, fmt="py:percent").cells
    found: list[Finding] = []
    parameters = []
    lines = _first_lines(text, len(cells))
    for cell, line in zip(cells, lines, strict=True):
        tags = cell.metadata.get("tags", [])
        found += [Finding(where, line, fault) for fault in _tag_faults(path.stem, tags)]
        if "parameters" in tags:
            parameters.append(line)
            missing = {"profile", "seed"} - _assigned(cell.source)
            found += [
                Finding(where, line, f"the parameters cell does not set {name}")
                for name in sorted(missing)
            ]
        if cell.cell_type == "code":
            found += [
                Finding(where, line + offset, fault) for offset, fault in code_faults(cell.source)
            ]
        elif cell.cell_type == "markdown":
            found += [
                Finding(where, line + offset, prose.message(number))
                for offset, number in prose.decimals(cell.source)
            ]
    if len(parameters) != 1:
        found.append(
            Finding(where, 1, f"{len(parameters)} cells are tagged 'parameters': there must be one")
        )
    if not cells or cells[0].cell_type != "markdown" or not cells[0].source.startswith("# "):
        found.append(Finding(where, 1, "the first cell must be Markdown with the page's title"))
    return found


def _first_lines(text: str, count: int) -> list[int]:
    """Return the line of each cell's ``# %%``; content before the first one is a cell, too."""
    marks = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith("# %%")]
    return [1] * (count - len(marks)) + marks if len(marks) <= count else marks[:count]


def _tag_faults(notebook: str, tags: list[str]) -> Iterator[str]:
    for tag in tags:
        if tag not in TAGS and (notebook, tag) not in EXCEPTIONS:
            yield f"the tag {tag!r} is not among those allowed (workflow/checks/notebooks.py)"


def _assigned(code: str) -> set[str]:
    names = set()
    for statement in _parse(code).body:
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
            if isinstance(statement, ast.AnnAssign)
            else []
        )
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def _parse(code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def code_faults(code: str) -> list[tuple[int, str]]:
    """Return what is wrong with one code cell: lines counted from 1, and the fault."""
    faults = []
    lines = code.splitlines()
    for number, line in enumerate(lines, 1):
        marker = _MARKER.search(line)
        if marker:
            faults.append((number, f"{marker[1]} keeps the cell from being checked: remove it"))
    if len(lines) > CELL_LINES:
        faults.append((1, f"the cell has {len(lines)} lines: split it (at most {CELL_LINES})"))
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        faults.append(
            (error.lineno or 1, "not plain Python (magics and shell lines have no place)")
        )
        return faults
    faults += [(line, fault) for node in tree.body for line, fault in _statement_faults(node, 0)]
    return sorted(faults)


def _statement_faults(node: ast.stmt, depth: int) -> Iterator[tuple[int, str]]:
    """Yield the faults of a statement and what it holds; `depth` counts the loops around it."""
    move = "move it into the package, where tests reach it"
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {lines} lines: {move}"
        case ast.While():
            yield node.lineno, f"a while loop is logic: {move}"
        case ast.Try() | ast.TryStar():
            yield node.lineno, f"handling errors is logic: {move}"
        case ast.For() | ast.AsyncFor():
            depth += 1
            inside = sum(isinstance(one, ast.stmt) for one in ast.walk(node)) - 1
            if depth > LOOP_DEPTH:
                yield node.lineno, f"loops nested {depth} deep are logic: {move}"
            if inside > LOOP_STATEMENTS:
                yield node.lineno, f"a loop of {inside} statements is logic: {move}"
        case ast.If() if depth:
            yield node.lineno, f"a branch inside a loop is logic: {move}"
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield from _statement_faults(child, depth)


def executed(path: Path, top: Path) -> list[Finding]:
    """Return what is wrong with an executed notebook."""
    where = path.relative_to(top).as_posix()
    notebook: Any = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    found = []
    if not cells:
        found.append("there is no code cell")
    counts = [cell.get("execution_count") for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        found.append(f"not executed once from top to bottom: execution counts {counts}")
    for number, cell in enumerate(cells, 1):
        for fault in _tag_faults(
            path.stem, [tag for tag in _tags(cell) if tag != "injected-parameters"]
        ):
            found.append(f"code cell {number}: {fault}")
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.append(f"code cell {number} failed: {output['ename']}")
            if output.get("name") == "stderr":
                found.append(
                    f"code cell {number} wrote to stderr: {''.join(output['text'])[:80]!r}"
                )
    return [Finding(where, 1, fault) for fault in found]


def _tags(cell: dict[str, Any]) -> list[str]:
    tags: list[str] = cell.get("metadata", {}).get("tags", [])
    return tags
