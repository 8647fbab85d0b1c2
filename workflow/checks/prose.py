"""Decimals typed into prose: results are glued from claims, so prose holds no decimal of its own.

Exempt is what is not a result of ours: paragraphs and tables with a citation (published numbers,
with their source), mathematics (a definition's ``$0.5$``), code, links, roles, DOIs and arXiv
numbers, versions, and references such as *section 4.2*.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from workflow.checks.findings import Finding

_NUMBER = r"\d+\.\d+"
_VERSIONED = (
    "Python|TensorFlow(?: Probability)?|NumPy|SciPy|Keras|Jupyter Book|Jupytext|Sphinx|MPI|MPICH|"
    "Debian|Ubuntu|Slurm|pmesh|versions?|release|licen[sc]e|GPL|CC|CC[ -]BY(?:-\\w+)*|CC0"
)
_EXEMPT = tuple(
    re.compile(pattern, re.MULTILINE | re.DOTALL)
    for pattern in (
        r"\A---\n.*?^---$",  # front matter
        r"<!--.*?-->",
        r"^%.*?$",  # MyST comment
        r"\$\$.*?\$\$",
        r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}",
        r"\\\[.*?\\\]|\\\(.*?\\\)",
        r"\{[\w:+-]+\}(`+).*?\1",  # role
        r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)",  # code
        r"(?<![\\$])\$(?!\s)[^$]*?(?<![\s\\])\$",
        r"\]\([^)\s]*\)|^\[[^\]]+\]:\s*\S+|<https?://[^>]*>|https?://\S+",
        r"\{[#.][^}\n]*\}",  # attributes
        r"\b10\.\d{4,9}/\S+",  # DOI
        r"\b(?:arXiv[: ]*)?\d{4}\.\d{4,5}(?:v\d+)?\b",
        r"\bv?\d+(?:\.\d+){2,}\w*",  # version of three parts
        rf"\b(?:{_VERSIONED})[ \n-]v?{_NUMBER}\w*(?:(?:,|,? or|,? and| to|-|–)\s*{_NUMBER}\w*)*",
        r"\bv\d+\.\d+\b",
        r"(?:\b(?:[Ss]ections?|[Ss]ec\.|[Ee]q\.|[Ee]quations?|[Ff]ig\.|[Ff]igures?|[Tt]ables?|"
        rf"[Cc]hapters?)|§)\s*\(?{_NUMBER}",
    )
)
# Directives whose body is not prose.
_VERBATIM = {
    *("math", "code", "code-block", "code-cell", "literalinclude", "mermaid", "bibliography"),
    *("eval-rst", "toctree", "raw"),
}
_CITES = "{cite"
_FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,}|:{3,})\s*(?P<head>.*)$")
_OPTION = re.compile(r"^\s*:[\w-]+:")
_DECIMAL = re.compile(r"(?<![\w.])(?:\d*\.\d+(?:[eE][-+−]?\d+)?|\d+[eE][-+−]?\d+)(?![\w.]*\w)")


def decimals(text: str) -> list[tuple[int, str]]:
    """Return the decimals in Markdown prose, each with its line number.

    >>> decimals("The ratio is 0.38, see $x > 0.5$ and Python 3.11.")
    [(1, '0.38')]
    """
    text = _without_cited(_without_blocks(text))
    for pattern in _EXEMPT:
        text = pattern.sub(_blank, text)
    return [(text.count("\n", 0, match.start()) + 1, match[0]) for match in _DECIMAL.finditer(text)]


def _blank(match: re.Match[str]) -> str:
    """Return as many line ends as were matched, so that line numbers stay."""
    return " " + "\n" * match[0].count("\n")


def _without_blocks(text: str) -> str:
    """Empty code blocks, heads and options of directives, and directives whose head cites."""
    kept: list[str] = []
    open_fences: list[tuple[str, bool]] = []  # each with whether what it holds is left out
    options = False
    for line in text.split("\n"):
        match = _FENCE.match(line)
        hidden = bool(open_fences) and open_fences[-1][1]
        if match and not match["head"] and open_fences and match["fence"] == open_fences[-1][0]:
            open_fences.pop()
            kept.append("")
        elif match and not (hidden and open_fences[-1][0][0] != ":"):
            name = re.match(r"\{([\w:-]+)\}", match["head"])
            options = name is not None
            code = match["fence"][0] != ":" and (name is None or name[1] in _VERBATIM)
            open_fences.append((match["fence"], hidden or code or _CITES in match["head"]))
            kept.append("")
        elif hidden or (options and _OPTION.match(line)):
            kept.append("")
        else:
            options = False
            kept.append(line)
    return "\n".join(kept)


def _without_cited(text: str) -> str:
    """Empty the paragraphs and tables that name their source."""
    blocks = re.split(r"(\n[ \t]*\n)", text)
    return "".join("\n" * block.count("\n") if _CITES in block else block for block in blocks)


def page(path: Path, top: Path, text_of: Callable[[Path], str] = Path.read_text) -> list[Finding]:
    """Return the typed-in decimals of one Markdown page."""
    return [
        Finding(path.relative_to(top).as_posix(), line, message(number))
        for line, number in decimals(text_of(path))
    ]


def message(number: str) -> str:
    """Return what to do about a decimal."""
    return (
        f"the decimal {number} is typed into prose: glue a claim; if it is published, cite its "
        "source in the paragraph; if it is a definition, write it as mathematics"
    )
