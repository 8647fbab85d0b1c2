"""Hashes of Python sources that ignore how the code is written down.

Comments, docstrings, white space, quotes and brackets do not change what a program computes, so
they must not invalidate hours of training. The hash is taken over the syntax tree, written in a
form that is the same on every supported version of Python: :func:`ast.dump` and
:func:`ast.unparse` are not.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from mlsci.report import paths


def normalised(text: str) -> str:
    """Return a canonical form of Python code, without comments, docstrings and layout.

    >>> normalised("x = 1  # one") == normalised("x=(1)")
    True
    >>> normalised("x = 1") == normalised("x = 2")
    False
    """
    return "".join(_write(ast.parse(text)))


def _write(node: object) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        # Versions differ in how they split the literal parts of an f-string.
        yield "JoinedStr("
        yield from _write(_merged(node.values))
        yield ")"
    elif isinstance(node, ast.AST):
        yield type(node).__name__ + "("
        for field, value in ast.iter_fields(node):
            # Fields that newer versions add are empty where the code does not use them.
            absent = value is None or value == [] or field in ("ctx", "kind", "type_comment")
            if absent and not (isinstance(node, ast.Constant) and field == "value"):
                continue
            yield field + "="
            yield from _write(value)
            yield ","
        yield ")"
    elif isinstance(node, list):
        yield "["
        for item in node:
            if not _is_text(item):
                yield from _write(item)
                yield ","
        yield "]"
    else:
        yield f"{type(node).__name__}:{node!r}"


def _is_text(node: object) -> bool:
    """Whether a statement is a bare string: a docstring, or a remark that does nothing."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _merged(parts: list[ast.expr]) -> list[ast.expr]:
    merged: list[ast.expr] = []
    for part in parts:
        if isinstance(part, ast.Constant):
            if merged and isinstance(last := merged[-1], ast.Constant):
                merged[-1] = ast.Constant(str(last.value) + str(part.value))
            elif part.value != "":
                merged.append(part)
        else:
            merged.append(part)
    return merged


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a source: of the code if it is Python, else of the bytes."""
    status = path.stat()
    return _file_hash(path, status.st_mtime_ns, status.st_size)


@cache
def _file_hash(path: Path, _mtime: int, _size: int) -> str:
    content = path.read_bytes()
    if path.suffix == ".py":
        with suppress(SyntaxError, ValueError):  # half-edited code: any change counts
            content = normalised(content.decode()).encode()
    return hashlib.sha256(content).hexdigest()


def hashes(patterns: Iterable[str]) -> dict[str, str]:
    """Return the hash of each source that a pattern below ``src/mlsci`` names.

    A pattern that names nothing is an error: a misspelt source would never invalidate anything.
    """
    base = paths.source()
    found: dict[str, str] = {}
    for pattern in patterns:
        names = sorted(
            path
            for path in base.glob(pattern)
            if path.is_file() and "__pycache__" not in path.parts
        )
        if not names:
            raise FileNotFoundError(
                f"no source matches {pattern!r} below {base}: correct the stage"
            )
        for path in names:
            found[path.relative_to(base).as_posix()] = file_hash(path)
    return found


def function_hash(entry: str) -> str:
    """Return the hash of a function, ``module:function``, and of all in its module that it uses.

    Other functions of the module play no part, nor does anything that it imports: what matters of
    that is named among a stage's sources.
    """
    module, _, name = entry.partition(":")
    path = _module_file(module)
    bound = _bound(path, path.stat().st_mtime_ns)
    if name not in bound:
        raise LookupError(f"there is no function {name} in {module}: correct the stage")
    needed, waiting = {name}, [name]
    while waiting:
        for part in bound[waiting.pop()]:
            for node in ast.walk(part):
                if isinstance(node, ast.Name) and node.id in bound and node.id not in needed:
                    needed.add(node.id)
                    waiting.append(node.id)
    parts = {one: ["".join(_write(part)) for part in bound[one]] for one in sorted(needed)}
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@cache
def _bound(path: Path, _mtime: int) -> dict[str, list[ast.stmt]]:
    """Return the statements of a module that bind each of its names."""
    bound: dict[str, list[ast.stmt]] = {}
    for statement in ast.parse(path.read_bytes()).body:
        for part, names in _bindings(statement):
            for name in names:
                bound.setdefault(name, []).append(part)
    return bound


def _module_file(module: str) -> Path:
    head, *rest = module.split(".")
    if head == "mlsci":
        base = paths.source().joinpath(*rest)
        return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no module {module}: correct the stage")
    return Path(spec.origin)


def _bindings(statement: ast.stmt) -> Iterator[tuple[ast.stmt, list[str]]]:
    """Yield the parts of a module's statement with the names that each part binds."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement, [statement.name]
    elif isinstance(statement, ast.ImportFrom):
        for alias in statement.names:
            one = ast.ImportFrom(statement.module, [alias], statement.level)
            yield one, [alias.asname or alias.name]
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            yield ast.Import([alias]), [(alias.asname or alias.name).partition(".")[0]]
    else:
        stored = (
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        )
        yield statement, sorted(set(stored))


def package_hash() -> str:
    """Return one hash of all of the package's code."""
    lines = [f"{name} {value}" for name, value in sorted(hashes(("**/*.py",)).items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
