"""Make a target: ``python -m workflow book --profile full``.

book        stages, notebooks and the book; what is fresh is kept
smoke       the same in the smoke profile: small, from data that is always there
stages      the costly computations alone
notebooks   stages and executed notebooks
data        find or fetch all data sets
reproduce   compute all full stages again from raw data, say what differs, put them in place
clean       remove everything that can be made again (build/)

``notebook:NAME`` and ``stage:NAME`` make one notebook or stage, and what it needs.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlsci.report import console, locks, paths, seal
from mlsci.report.paths import Profile

TARGETS = ("book", "smoke", "stages", "notebooks", "data", "reproduce", "clean")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make one target and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m workflow",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", help=", ".join(TARGETS) + ", notebook:NAME or stage:NAME")
    parser.add_argument("--profile", choices=paths.PROFILES, help="full unless said otherwise")
    options = parser.parse_args(arguments)
    target: str = options.target
    if target not in TARGETS and not target.startswith(("notebook:", "stage:")):
        parser.error(f"unknown target {target!r}: choose one of {', '.join(TARGETS)}")
    if (target, options.profile) in (("smoke", "full"), ("reproduce", "smoke")):
        parser.error(f"{target} has a profile of its own: leave out --profile")
    profile = paths.check_profile(options.profile or ("smoke" if target == "smoke" else "full"))
    try:
        with locks.hold("project", "the project"):
            return _make(target, profile)
    except KeyboardInterrupt:
        print("interrupted: what was finished is kept; run the same to go on", file=sys.stderr)
        return 130
    except (locks.BusyError, paths.NoProjectError, seal.NotReadyError) as error:
        print(error, file=sys.stderr)
        return 1


def _make(target: str, profile: Profile) -> int:
    if target == "clean":
        return _clean()
    if target == "data":
        data: Any = importlib.import_module("mlsci.data")
        try:
            data.fetch()
        except data.DataError:  # and it has said so
            return 1
        return 0
    if target == "reproduce":
        from workflow import reproduce

        return reproduce.main()
    tasks = {
        "smoke": ("book",),
        "stages": ("stage",),
        "notebooks": ("stage", "claims"),
    }.get(target, (target,))
    code = _doit(tasks, profile)
    if code == 0 and tasks == ("book",):
        page = paths.book_html(profile)
        print(f"The book is at {paths.relative(page)}; open {page.as_uri()} in a browser.")
    return code


def _doit(tasks: Sequence[str], profile: Profile) -> int:
    from doit.cmd_base import ModuleTaskLoader
    from doit.doit_cmd import DoitMain

    from workflow import dodo

    with tempfile.TemporaryDirectory(prefix="mlsci-") as folder:
        members = {
            **vars(dodo),
            "DOIT_CONFIG": {**dodo.DOIT_CONFIG, "dep_file": str(Path(folder) / "doit.json")},
        }
        code: int = DoitMain(ModuleTaskLoader(members)).run(["run", f"profile={profile}", *tasks])
    return 1 if code else 0


def _clean() -> int:
    """Remove the build folder but for the locks: one of them is held at this moment."""
    build = paths.build()
    for path in build.iterdir() if build.is_dir() else ():
        if path == paths.locks():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    print(f"removed what was in {paths.relative(build)}; committed artefacts and raw data are kept")
    return 0


if __name__ == "__main__":
    console.fix_environment()
    sys.exit(main())
