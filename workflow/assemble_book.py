"""Put the book together: prose, executed notebooks and generated pages, then HTML.

``.venv/bin/python -m workflow.assemble_book --profile full`` reads what the workflow has made,
writes ``build/book/<profile>/source``, runs Jupyter Book with warnings fatal, and renames the
result into place: ``build/book/html`` (full) or ``build/book/smoke/html``. Nothing is left half
made: until the rename, the former book stays as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Any

import yaml

from mlsci.report import paths
from mlsci.report.paths import Profile
from workflow import book_pages, book_records, book_sources
from workflow.book_extension import RECORDS
from workflow.book_records import BookError, Records

CHECKOUT = Path(__file__).resolve().parents[1]
MATHJAX = "tex-svg-full.js"  # one file, no fonts beside it, which some browsers refuse from a disk
GENERATED = ("claims", "gallery", "status", "seals")
_PUBLIC = re.compile(
    r"(?:https://|ssh://git@|git@)(?P<host>(?:github|gitlab|bitbucket)\.(?:com|org))[/:]"
    r"(?P<path>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


def assemble(profile: Profile) -> Path:
    """Build the book of a profile and return the path of its first page.

    Raises
    ------
    BookError
        A notebook is missing, failed, or of another profile; or Jupyter Book had a complaint.
    """
    records = book_records.load(profile)
    source = _write_sources(records)
    html = _run_jupyter_book(source, profile)
    _add_mathjax(html)
    _tidy(html)
    return _install(html, paths.book_html(profile))


def _write_sources(records: Records) -> Path:
    root = paths.root()
    source = root / "build" / "book" / records.profile / "source"
    shutil.rmtree(source.parent / "source", ignore_errors=True)
    shutil.copytree(root / "book", source, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    pages = book_records.toc_pages(source / "_toc.yml")
    for name in GENERATED:
        if (source / f"{name}.md").exists():
            raise BookError(f"book/{name}.md would be overwritten: that page is generated")
        if name not in pages:
            raise BookError(f"book/_toc.yml does not list {name}: the generated page has no place")
    book_sources.write(records, source)
    book_pages.write(records, source)
    for page in pages:
        if not any((source / f"{page}{end}").is_file() for end in (".md", ".ipynb")):
            raise BookError(f"book/_toc.yml lists {page}, but there is no book/{page}.md")
    shown = {"profile": records.profile, "claims": records.claims}
    (source / RECORDS).write_text(json.dumps(shown, ensure_ascii=False), encoding="utf-8")
    config = resolved(yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8")))
    (source / "_config.yml").write_text(
        yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    return source


def resolved(config: dict[str, Any], origin: str | None = None) -> dict[str, Any]:
    """Return the book's settings with the repository's address filled in where there is one.

    `origin` is the address of git's remote, asked for when it is None. The theme wants an address
    for its launch buttons, so without one their settings are left out.
    """
    config = {**config, "repository": dict(config.get("repository") or {})}
    repository = config["repository"]
    if not repository.get("url"):
        match = _PUBLIC.fullmatch((_origin() if origin is None else origin).strip())
        repository["url"] = f"https://{match['host']}/{match['path']}" if match else ""
    if not repository["url"]:
        config.pop("launch_buttons", None)
    extensions = dict(config["sphinx"]["local_extensions"])
    config["sphinx"] = {
        **config["sphinx"],
        "local_extensions": {name: str(CHECKOUT / where) for name, where in extensions.items()},
    }
    return config


def _origin() -> str:
    try:
        found = subprocess.run(
            ["git", "-C", str(paths.root()), "remote", "get-url", "origin"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout


def _run_jupyter_book(source: Path, profile: Profile) -> Path:
    """Run Jupyter Book from scratch with every warning fatal; return the folder of HTML."""
    build = source.parent / "_build"
    shutil.rmtree(build, ignore_errors=True)
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command += ["build", str(source), "--path-output", str(source.parent)]
    command += ["--all", "-W", "-n", "--keep-going"]
    log = paths.logs() / profile / "jupyter-book.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    with log.open("w", encoding="utf-8") as stream:
        done = subprocess.run(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "PYTHONUTF8": "1"},
            check=False,
        )
    text = log.read_text(encoding="utf-8")
    complaints = list(_complaints(text))
    html = build / "html"
    if done.returncode or complaints or not (html / "index.html").is_file():
        shown = "\n".join(complaints[:20]) or "\n".join(text.splitlines()[-20:])
        raise BookError(f"Jupyter Book refused; all of it in {paths.relative(log)}\n{shown}")
    return html


def _complaints(log: str) -> Iterator[str]:
    for line in log.splitlines():
        plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
        if re.search(r"\b(WARNING|ERROR|CRITICAL|SEVERE)\b", plain):
            yield plain.strip()


def _add_mathjax(html: Path) -> None:
    """Lay MathJax beside the pages, so that formulas need no network."""
    found = util.find_spec("sphinx-mathjax-offline")
    if found is None or found.origin is None:
        raise BookError("MathJax is missing: install the package sphinx-mathjax-offline")
    where = html / "_static" / "mathjax"
    where.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(found.origin).parent / "static" / "mathjax" / MATHJAX, where / MATHJAX)


def _tidy(html: Path) -> None:
    """Take away what the theme leaves that is of no use, or does harm, when read from a disk."""
    for template in (html / "_static").glob("*webpack-macros.html"):
        template.unlink()  # Jinja sources that would pass for pages
    # Browsers refuse to preload fonts from a disk, and complain; icons are drawn without them.
    preload = re.compile(r'<link rel="preload" as="font"[^>]*>\n?')
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(preload.sub("", text), encoding="utf-8")


def _install(html: Path, index: Path) -> Path:
    """Move the finished HTML to its place; a former book gives way only now."""
    target = index.parent
    target.parent.mkdir(parents=True, exist_ok=True)
    former = target.with_name(f".{target.name}.former")
    shutil.rmtree(former, ignore_errors=True)
    if target.exists():
        target.rename(former)
    html.rename(target)
    shutil.rmtree(former, ignore_errors=True)
    shutil.rmtree(html.parent, ignore_errors=True)  # doctrees and other left-overs
    return index


def main(arguments: list[str] | None = None) -> int:
    """Build the book from the command line."""
    parser = argparse.ArgumentParser(description="Put the book together.")
    parser.add_argument("--profile", choices=paths.PROFILES, default="full")
    profile: Profile = parser.parse_args(arguments).profile
    try:
        index = assemble(profile)
    except BookError as problem:
        print(f"no book [{profile}]: {problem}", file=sys.stderr)
        return 1
    print(f"the book [{profile}] is at {paths.relative(index)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
