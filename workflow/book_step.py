"""The book as a step: whether it is fresh, and making it.

``build/book/<profile>.seal.json``: ``{"schema": 1, "profile": …, "inputs": {name: sha256},
"files": …, "outputs": sha256 of all pages, "record": {"finished": …, "wall_seconds": …}}``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mlsci.report import console, files, locks, machine, paths, provenance, seal
from mlsci.report.paths import Profile
from mlsci.report.seal import State
from workflow import processes

SCHEMA = 1
# All that a page can show: prose, settings, tools, the documented package, notebooks and the lock.
SOURCES = (
    "_config.yml",
    "*.md",
    "CITATION.cff",
    "LICENSE",
    "requirements*.lock",
    "book/**/*",
    "notebooks/*.py",
    "src/mlsci/**/*.py",
    "workflow/*book*.py",
)


def seal_file(profile: Profile) -> Path:
    """Return where the book's seal lies."""
    return paths.build() / "book" / f"{profile}.seal.json"


def _sources() -> Iterator[Path]:
    for pattern in SOURCES:
        for path in paths.root().glob(pattern):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def inputs(profile: Profile) -> dict[str, str]:
    """Return the hash of every file that the book is made from."""
    from mlsci import stages

    made = [paths.claims(profile)]
    made += [provenance.seal_file(source.stem, profile) for source in paths.notebook_sources()]
    made += [
        seal.place(stage.name, profile) / seal.SEAL
        for stage in stages.all_stages().values()
        if profile in stage.params
    ]
    found = [*_sources(), *(path for path in made if path.exists())]
    return {paths.relative(path): files.sha256(path) for path in sorted(found)}


def _pages(profile: Profile) -> tuple[int, str]:
    pages = files.listing(paths.book_html(profile).parent)
    return len(pages), files.digest({name: files.sha256(path) for name, path in pages.items()})


def check(profile: Profile) -> State:
    """Return whether the book can be read as it is."""
    content: Any = files.read_json(seal_file(profile))
    if content is None or not paths.book_html(profile).exists():
        return State("missing")
    now = inputs(profile)
    before = content.get("inputs", {})
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return State("stale", f"{changed[0]} changed{more}")
    if (content.get("files"), content.get("outputs")) != _pages(profile):
        return State("damaged", "its pages are not those that were built")
    return State("fresh")


def build(profile: Profile) -> None:
    """Assemble the book and seal it."""
    from workflow import assemble_book

    with locks.hold(f"book-{profile}", f"the book [{profile}]", wait=5.0):
        before = inputs(profile)
        seal_file(profile).unlink(missing_ok=True)
        began = time.perf_counter()
        page = Path(assemble_book.assemble(profile))
        if page.resolve() != paths.book_html(profile).resolve():
            raise RuntimeError(f"the book was built at {page}, not at {paths.book_html(profile)}")
        count, pages = _pages(profile)
        content = {
            "schema": SCHEMA,
            "profile": profile,
            "inputs": before,
            "files": count,
            "outputs": pages,
            "record": {
                "finished": machine.now(),
                "wall_seconds": round(time.perf_counter() - began, 2),
            },
        }
        files.write_json(seal_file(profile), content)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m workflow.book_step", description=build.__doc__)
    parser.add_argument("--profile", choices=paths.PROFILES, default="full")
    profile = paths.check_profile(parser.parse_args(arguments).profile)
    log = paths.logs() / profile / "book.log"
    with console.tee(log):
        print(f"book [{profile}]: building; log in {paths.relative(log)}", flush=True)
        try:
            build(profile)
        except (RuntimeError, LookupError, ValueError, OSError) as error:
            print(f"the book was not built: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    console.fix_environment()
    processes.end_with_parent()
    sys.exit(main())
