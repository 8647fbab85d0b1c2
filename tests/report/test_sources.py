"""What a program computes decides its hash; how it is written down does not."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsci.report import sources

# All that versions of Python are known to parse or print in different ways.
PROGRAM = '''
"""A module."""
from __future__ import annotations

import math
from typing import Any


class Model(Base, metaclass=Meta):
    """A class."""

    rate: float = 1e-3
    "A remark on the rate."

    @property
    def width(self, *, twice: bool = False, **rest: Any) -> int:
        """A method."""
        if (n := len(self.layers)) > 2 and not twice:
            return n
        return [x**2 for x in self.layers if x][-1]


async def fit(data, /, steps=1_000, *names):
    async for batch in data:
        match batch:
            case {"x": [first, *_], **others} if first:
                print(f"{first!r:>{steps}} {others = } and {{braces}}" "joined" f"{first:.3f}")
            case None | -1:
                yield b"bytes", 0x10, 1j, ...
    try:
        pass
    except* (ValueError, OSError) as error:
        raise RuntimeError("no") from error
    return_type = lambda a, *b, c=None: {**a, "k": (yield)}
'''

statements = st.sampled_from(
    [
        "x = 1",
        "x = 'a' 'b'",
        "def f(a, b=2):\n    return a + b",
        "class C:\n    y = 3\n    def g(self):\n        return f'{self.y:.2f} is y'",
        "for i in range(3):\n    print(i, sep='')",
        "with open('f') as s:\n    s.read()",
        "z = {'k': [1, (2,)], 'l': None}",
    ]
)
programs = st.lists(statements, min_size=1, max_size=5).map("\n".join)
comments = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20)


@given(programs, comments, st.integers(1, 3))
def test_layout_and_comments_do_not_count(program: str, comment: str, gap: int) -> None:
    lines = [f"# {comment}"]
    for line in program.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        lines += [""] * gap + [f"{indent}# {comment}", f"{line}  # {comment}"]
    assert sources.normalised("\n".join(lines)) == sources.normalised(program)
    assert sources.normalised(ast.unparse(ast.parse(program))) == sources.normalised(program)


@given(programs, st.text(st.characters(codec="ascii", exclude_characters='\\"\0\r'), max_size=20))
def test_docstrings_do_not_count(program: str, words: str) -> None:
    remark = f'"""{words}"""\n'
    documented = remark + program.replace(
        "    return a + b", f'    """{words}"""\n    return a + b'
    ).replace("    y = 3", f'    """{words}"""\n    y = 3\n    "{words!r}"'.replace("\n\n", "\n"))
    try:
        ast.parse(documented)
    except SyntaxError:
        return
    assert sources.normalised(documented) == sources.normalised(program)


@given(programs, programs)
def test_different_programs_have_different_forms(one: str, other: str) -> None:
    same = ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    assert (sources.normalised(one) == sources.normalised(other)) == same


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1e-3", "1e-2"),
        ("1_000", "1_001"),
        ("> 2", ">= 2"),
        ("not twice", "twice"),
        ('b"bytes"', '"bytes"'),
        ("x**2", "x*2"),
        ("!r:>", "!s:>"),
        (":.3f", ":.2f"),
        ('"joined"', '"Joined"'),
        ("import math", "import maths"),
        ("-1:", "1:"),
        ("...", "None"),
        ("async for", "for"),
        ("first, *_", "first, _"),
        ("steps=1_000, *names", "steps=1_000, names=()"),
        ("    @property\n", ""),
        ("{others = }", "{others!r}"),
    ],
)
def test_code_counts(before: str, after: str) -> None:
    assert before in PROGRAM
    changed = PROGRAM.replace(before, after, 1)
    assert sources.normalised(changed) != sources.normalised(PROGRAM)


def test_the_form_is_the_same_on_every_version_of_python(tmp_path: Path) -> None:
    # Pinned: committed artefacts must stay fresh under every supported Python.
    (tmp_path / "program.py").write_text(PROGRAM)
    assert sources.file_hash(tmp_path / "program.py").startswith("4bb47e51e27f23f3")


def test_numbers_and_texts_of_one_look_differ() -> None:
    assert sources.normalised("x = 1") != sources.normalised("x = '1'")
    assert sources.normalised("x = 1") != sources.normalised("x = True")
    assert sources.normalised("x = 1") != sources.normalised("x = 1.0")
    assert sources.normalised("f(None)") != sources.normalised("f()")
    assert sources.normalised("return_ = ''") != sources.normalised("return_ = None")


def test_a_file_that_is_not_python_counts_by_its_bytes(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n")
    before = sources.file_hash(table)
    table.write_text("a, b\n")
    assert sources.file_hash(table) != before


def test_half_edited_code_has_a_hash_too(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:")
    assert len(sources.file_hash(broken)) == 64


def test_a_pattern_that_names_nothing_is_an_error(home: Path) -> None:
    assert list(sources.hashes(["toy/*.py"])) == ["toy/model.py"]
    with pytest.raises(FileNotFoundError, match=r"toy/mistake\.py"):
        sources.hashes(["toy/mistake.py"])


MODULE = """
import json
from math import cos, sin

LIMIT = 3
OTHER = 4

def helper(x):
    return sin(x) + LIMIT

def run(job):
    return helper(job)

def unrelated(job):
    return cos(OTHER)
"""


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("return helper(job)", "return helper(job) + 1", True),
        ("sin(x) + LIMIT", "sin(x) - LIMIT", True),
        ("LIMIT = 3", "LIMIT = 5", True),
        ("import cos, sin", "import cos, tan as sin", True),
        ("OTHER = 4", "OTHER = 5", False),
        ("cos(OTHER)", "cos(OTHER) + 1", False),
        ("import cos, sin", "import sin, cos, exp", False),
        ("return helper(job)", "return helper(job)  # remark", False),
    ],
)
def test_a_function_counts_with_what_it_uses(
    home: Path, before: str, after: str, counts: bool
) -> None:
    module = home / "src/mlsci/toy/runs.py"
    module.write_text(MODULE)
    plain = sources.function_hash("mlsci.toy.runs:run")
    module.write_text(MODULE.replace(before, after))
    sources._bound.cache_clear()
    assert (sources.function_hash("mlsci.toy.runs:run") != plain) == counts


def test_a_function_that_is_not_there_is_an_error(home: Path) -> None:
    (home / "src/mlsci/toy/runs.py").write_text(textwrap.dedent(MODULE))
    with pytest.raises(LookupError, match="no function walk"):
        sources.function_hash("mlsci.toy.runs:walk")
