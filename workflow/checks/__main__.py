"""All checks, cheapest first: ``python -m workflow.checks`` (what `make test` runs).

Stops at the first phase that fails. The last line counts the tests of all phases. ``--quick``
leaves out slow tests and all that follows the unit tests; ``--from PHASE`` begins later.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workflow.checks.findings import root

NBVAL_CONFIG = Path(__file__).with_name("nbval.cfg")


@dataclass(frozen=True)
class Phase:
    """One step: commands of this interpreter's modules, run in order."""

    name: str
    about: str
    commands: tuple[tuple[str, ...], ...]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Count:
    """Tests by outcome."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, report: Path) -> None:
        """Add what a JUnit report counts."""
        for suite in ET.parse(report).getroot().iter("testsuite"):
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0))
            self.failed += bad
            self.skipped += skipped
            self.passed += int(suite.get("tests", 0)) - bad - skipped

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def phases(top: Path, quick: bool) -> list[Phase]:
    """Return the phases in their order."""
    parallel = ("-n", str(min(4, max(2, os.cpu_count() or 2))), "--dist", "loadfile")
    fast = ("-m", "not slow") if quick else ()
    after_build = ("tests/notebooks/test_executed.py", "tests/notebooks/test_metrics.py")
    on_book = ("tests/book/test_built.py", "tests/book/test_browser.py")
    ignored = [f"--ignore={path}" for path in ("tests/project", "tests/notebooks", *on_book)]
    smoke = top / "build" / "notebooks" / "smoke"
    found = [
        Phase("lint", "ruff", (("ruff", "check", "."), ("ruff", "format", "--check", "."))),
        Phase("types", "mypy", (("mypy",),)),
        Phase(
            "sources",
            "rules for notebooks, prose, locks and committed files",
            (
                (
                    *("pytest", "tests/project", "tests/notebooks", *fast),
                    *(f"--ignore={path}" for path in after_build),
                ),
            ),
        ),
        Phase(
            "unit",
            "tests and examples of the package, tests of the workflow",
            (
                ("pytest", "src/mlsci", "--doctest-modules"),
                ("pytest", "tests", *ignored, *parallel, *fast),
            ),
        ),
    ]
    if quick:
        return found
    return [
        *found,
        Phase(
            "smoke",
            "every stage and notebook at small size",
            (("workflow", "notebooks", "--profile", "smoke"),),
        ),
        Phase("results", "executed notebooks and their numbers", (("pytest", *after_build),)),
        Phase(
            "nbval",
            "notebooks executed again give the same",
            (
                (
                    *("pytest", "--nbval", "--nbval-current-env", "--nbval-cell-timeout=600"),
                    *(f"--nbval-sanitize-with={NBVAL_CONFIG}", "-p", "workflow.checks.images"),
                    *("-p", "workflow.checks.kernels"),
                    *("--timeout=1200", *parallel, str(smoke)),
                ),
            ),
            {
                "MLSCI_HOME": str(top),
                "MPLBACKEND": "module://matplotlib_inline.backend_inline",
                "PYTHONHASHSEED": "0",
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "IPYTHONDIR": str(top / "build" / "checks" / "ipython"),
            },
        ),
        Phase(
            "book",
            "the book from the small results, warnings are failures",
            (("workflow", "book", "--profile", "smoke"),),
        ),
        Phase(
            "browser",
            "the book's pages, also in a real browser without a network",
            (("pytest", *on_book),),
            {"MLSCI_BOOK_HTML": str(top / "build" / "book" / "smoke" / "html")},
        ),
    ]


def run(phase: Phase, top: Path, count: Count) -> bool:
    """Run one phase and return whether it passed."""
    for number, command in enumerate(phase.commands):
        report = top / "build" / "checks" / f"{phase.name}-{number}.xml"
        arguments = list(command)
        if command[0] == "pytest":
            report.parent.mkdir(parents=True, exist_ok=True)
            report.unlink(missing_ok=True)
            arguments.insert(1, f"--junit-xml={report}")
        environment = {**os.environ, **phase.environment}
        if "MLSCI_HOME" not in phase.environment:
            environment.pop("MLSCI_HOME", None)
        code = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=top,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode
        if report.exists():
            count.add(report)
        if code:
            print(f"\n{phase.name} failed (exit code {code}): {' '.join(command)}", flush=True)
            return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    top = root()
    parser = argparse.ArgumentParser(prog="python -m workflow.checks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the quick part")
    names = [phase.name for phase in phases(top, quick=False)]
    parser.add_argument("--from", dest="first", choices=names, help="the phase to begin with")
    options = parser.parse_args(arguments)
    chosen = phases(top, options.quick)
    if options.first:
        chosen = [
            phase for phase in chosen if names.index(phase.name) >= names.index(options.first)
        ]
    count = Count()
    begin = time.monotonic()
    failed = ""
    for number, phase in enumerate(chosen, 1):
        print(f"\n=== {number}/{len(chosen)} {phase.name}: {phase.about}", flush=True)
        started = time.monotonic()
        passed = run(phase, top, count)
        print(f"=== {phase.name}: {time.monotonic() - started:.0f} s", flush=True)
        if not passed:
            failed = phase.name
            break
    print(f"\n{time.monotonic() - begin:.0f} s in all; ", end="")
    if failed:
        print(f"FAILED in {failed}; after mending: python -m workflow.checks --from {failed}")
    else:
        print("all checks passed")
    print(count, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
