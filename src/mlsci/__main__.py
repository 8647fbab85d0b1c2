"""The package's commands: costly stages, their state and seals, claims and data.

``python -m mlsci run 'aeflow/*' --profile smoke``, ``status``, ``seal NAME``, ``claims``, ``data``.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from mlsci.report import console, locks, paths, seal


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    except KeyboardInterrupt:
        print(
            "interrupted: nothing unfinished was sealed; run the same command to go on",
            file=sys.stderr,
        )
        code = 130
    except (
        locks.BusyError,
        seal.NotReadyError,
        paths.NoProjectError,
        LookupError,
        ValueError,
    ) as error:
        print(error.args[0] if error.args else repr(error), file=sys.stderr)
        code = 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlsci", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=function)
        return command

    run = add("run", _run, "run the stages that match, and what they read, unless they are fresh")
    run.add_argument("pattern", nargs="+", help="names or globs, such as 'aeflow/*'")
    run.add_argument("--force", action="store_true", help="run the matching stages even if fresh")
    status = add("status", _status, "say which stages are fresh, stale, missing or damaged")
    show = add("seal", _seal, "print the seal of a stage")
    show.add_argument("name")
    claims = add("claims", _claims, "print every claim of the last complete build")
    claims.add_argument("--json", action="store_true", help="as a JSON list of objects")
    for command in (run, status, show, claims):
        command.add_argument("--profile", choices=paths.PROFILES, default="full")
    add("data", _data, "say which data sets there are and where each was found")
    return parser


def _run(options: argparse.Namespace) -> int:
    from mlsci import stages

    known = stages.all_stages()
    profile = paths.check_profile(options.profile)
    named: set[str] = set()
    for pattern in options.pattern:
        found = {
            name
            for name, stage in known.items()
            if fnmatch.fnmatchcase(name, pattern) and profile in stage.params
        }
        if not found:
            stages.find(pattern)  # explains a name that is not there
            raise ValueError(f"stage {pattern} has no parameters for the profile {profile}")
        named |= found
    todo = stages.with_inputs(named, profile)
    fresh = 0
    for number, stage in enumerate(todo, 1):
        force = options.force and stage.name in named
        if not force and seal.check(stage, profile).fresh:
            fresh += 1
            continue
        print(f"[{number}/{len(todo)}]", end=" ", flush=True)
        seal.execute(stage, profile, force=force)
    print(f"{len(todo)} stages ready [{profile}], {fresh} of them were fresh already")
    return 0


def _status(options: argparse.Namespace) -> int:
    from mlsci import stages

    profile = paths.check_profile(options.profile)
    known = [stage for stage in stages.all_stages().values() if profile in stage.params]
    width = max((len(stage.name) for stage in known), default=0)
    for stage in known:
        print(f"{stage.name:{width}}  {seal.check(stage, profile)}")
    print(f"{len(known)} stages [{profile}]")
    return 0


def _seal(options: argparse.Namespace) -> int:
    profile = paths.check_profile(options.profile)
    found = seal.read(seal.find(options.name).name, profile)
    if found is None:
        state = seal.check(seal.find(options.name), profile)
        raise seal.NotReadyError(
            f"{options.name} [{profile}] has no seal to print, it is {state}. "
            f"Make it:  {seal.command(options.name, profile)}"
        )
    print(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False))
    return 0


def _claims(options: argparse.Namespace) -> int:
    from mlsci.report import claims

    found = claims.last_build(paths.check_profile(options.profile))
    if options.json:
        print(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False))
        return 0
    for claim in found:
        verdict = {True: "reached", False: "MISSED", None: ""}[claim["reached"]]
        goal = f"  target {claim['target']}: {verdict}" if claim["target"] else ""
        print(f"{claim['key']}: {claim['text']}{goal}")
    print(f"{len(found)} claims [{options.profile}]")
    return 0


def _data(_options: argparse.Namespace) -> int:
    data: Any = importlib.import_module("mlsci.data")
    print(data.report())
    return 0


if __name__ == "__main__":
    console.fix_environment()
    sys.exit(main())
