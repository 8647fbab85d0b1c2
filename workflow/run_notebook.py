"""Execute one notebook: ``python -m workflow.run_notebook aeflow-fix --profile smoke``.

``notebooks/<nb>.py`` (Jupytext percent) becomes ``build/notebooks/<profile>/<nb>.ipynb`` with its
metrics, figures and seal. Executing again with the same inputs gives the same bytes: cell ids are
hashes of their content, and no time is written into the notebook. It always executes; whether
that is needed, `mlsci.report.provenance.check` knows.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import itertools
import json
import os
import shutil
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlsci.report import console, files, locks, machine, paths, provenance, session, sources
from mlsci.report.paths import Profile
from workflow import processes

Notebook = Any  # nbformat's NotebookNode has no types

INJECTED = "injected-parameters"


class NotebookError(RuntimeError):
    """A notebook cannot be executed, or failed; the message tells where to look."""


def runner_hash() -> str:
    """Return the hash of this module's code: another runner may write other notebooks."""
    return sources.file_hash(Path(__file__))


def source_of(name: str) -> Path:
    """Return the source of the notebook called `name`."""
    for path in paths.notebook_sources():
        if path.stem == name:
            return path
    known = ", ".join(path.stem for path in paths.notebook_sources()) or "none"
    raise NotebookError(f"there is no notebook {name!r} in notebooks/ (there: {known})")


def convert(source: Path) -> Notebook:
    """Return a Jupytext source as an unexecuted notebook, without metadata that may vary."""
    import jupytext

    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = _node(
        {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    )
    hash_ids(notebook)
    return notebook


def declared(notebook: Notebook, name: str) -> dict[str, Any]:
    """Return the parameters and their defaults from the cell tagged ``parameters``."""
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise NotebookError(f"{name} has {len(cells)} cells tagged 'parameters': it needs one")
    found: dict[str, Any] = {}
    for statement in ast.parse(cells[0].source).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=key)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=key), value=ast.expr() as value):
                pass
            case _:
                continue
        try:
            found[key] = ast.literal_eval(value)
        except ValueError:
            raise NotebookError(f"{name}: parameter {key} must be a plain value") from None
    for key in ("profile", "seed"):
        if key not in found:
            raise NotebookError(f"{name}: its parameters cell must set {key!r}")
    return found


def hash_ids(notebook: Notebook) -> None:
    """Name each cell by its content (and by how often the same cell came before)."""
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        content = f"{cell.cell_type}\n{cell.source}"
        seen[content] = seen.get(content, 0) + 1
        cell["id"] = hashlib.sha256(f"{seen[content]}\n{content}".encode()).hexdigest()[:12]


def tidy(notebook: Notebook, name: str) -> None:
    """Make an executed notebook depend on nothing but its inputs, and describe its figures."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if INJECTED in cell.metadata.get("tags", []):
            cell.metadata["tags"] = [INJECTED, "remove-cell"]
        if cell.cell_type == "code":
            cell.outputs = _with_whole_streams(cell.outputs)
        figures = [
            output.metadata["mlsci"]
            for output in cell.get("outputs", [])
            if "mlsci" in output.get("metadata", {})
        ]
        if len(figures) > 1:
            names = ", ".join(figure["figure"] for figure in figures)
            raise NotebookError(f"{name}: one cell shows several figures ({names}): one per cell")
        for figure in figures:  # how the book numbers, captions and describes it
            cell.metadata["mystnb"] = _node(
                {
                    "figure": {
                        "name": f"fig-{name}-{figure['figure']}",
                        "caption": figure["caption"],
                    },
                    "image": {"alt": figure["alt"], "classes": "dark-light"},
                }
            )
    hash_ids(notebook)


def _with_whole_streams(outputs: list[Notebook]) -> list[Notebook]:
    """Join what a cell printed: in how many pieces it arrives is a matter of time."""
    whole: list[Notebook] = []
    for is_stream, group in itertools.groupby(outputs, lambda one: one.output_type == "stream"):
        if not is_stream:
            whole.extend(group)
            continue
        pieces = list(group)
        for name in sorted({piece.name for piece in pieces}, reverse=True):  # stdout, stderr
            first = next(piece for piece in pieces if piece.name == name)
            first.text = "".join(piece.text for piece in pieces if piece.name == name)
            whole.append(first)
    return whole


def _node(value: Any) -> Notebook:
    import nbformat

    return nbformat.from_dict(value)


def _text(notebook: Notebook) -> bytes:
    return (json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _kernel(staging: Path) -> dict[str, str]:
    """Describe a kernel that is this very interpreter; return the variables that make it found."""
    where = staging / "jupyter" / "kernels" / "python3" / "kernel.json"
    environment = {
        "IPYTHONDIR": str(staging / "ipython"),  # no start-up files of the reader's own
        "MLSCI_HOME": str(paths.root()),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        session.OUT: str(staging),
    }
    files.write_json(
        where,
        {
            "argv": [
                *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
                "--IPKernelApp.log_level=CRITICAL",
            ],
            "display_name": "Python 3",
            "language": "python",
            "metadata": {"supported_encryption": ["curve"]},
            "env": environment,
        },
    )
    return {"JUPYTER_PATH": str(staging / "jupyter")}


def run(name: str, profile: Profile, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Execute a notebook, put its outputs in place, seal them, and return its metrics."""
    source = source_of(name)
    with locks.hold(f"notebook-{profile}-{name}", f"notebook {name} [{profile}]", wait=5.0):
        notebook = convert(source)
        defaults = declared(notebook, name)
        parameters = {"profile": profile, **(overrides or {})}
        unknown = sorted(set(parameters) - set(defaults))
        if unknown:
            raise NotebookError(
                f"{name} has no parameter {', '.join(unknown)} (it has {', '.join(defaults)})"
            )
        home = paths.work("notebooks") / profile
        for left in home.glob(f"{name}.*"):  # by a run that was killed; the lock is ours
            shutil.rmtree(left, ignore_errors=True)
        staging = home / f"{name}.{os.getpid()}"
        staging.mkdir(parents=True)
        began = time.perf_counter()
        try:
            executed = _execute(notebook, name, profile, parameters, staging)
            metrics = _metrics(staging, name)
            tidy(executed, name)
            seed = int({**defaults, **parameters}["seed"])
            described = provenance.describe(source, profile, parameters, seed, metrics["artefacts"])
            executed.metadata["mlsci"] = _node(described)
            outputs = _install(executed, metrics, staging, name, profile)
            record = {
                "execution_seconds": round(time.perf_counter() - began, 2),
                "finished": machine.now(),
                "machine": machine.describe(),
                "claims": len(metrics["claims"]),
                "figures": len(metrics["figures"]),
            }
            shutil.rmtree(staging)  # before the seal: what is sealed leaves nothing behind
            provenance.write_seal(described, runner_hash(), outputs, record)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return metrics


def _execute(
    notebook: Notebook, name: str, profile: Profile, parameters: dict[str, Any], staging: Path
) -> Notebook:
    import papermill

    folder = paths.notebooks(profile)
    folder.mkdir(parents=True, exist_ok=True)
    failed = folder / f"{name}.failed.ipynb"
    partial = staging / f"{name}.ipynb"
    before = os.environ.copy()
    os.environ.update(_kernel(staging))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tools' own deprecations; the kernel's are kept
            executed = papermill.execute_notebook(
                notebook,
                partial,
                parameters=parameters,
                kernel_name="python3",
                progress_bar=False,
                record_timing=False,
                cwd=folder,
            )
    except papermill.exceptions.PapermillExecutionError as error:
        partial.replace(failed)
        raise NotebookError(
            f"notebook {name} [{profile}] failed:\n{error}\n"
            f"The notebook up to there: {paths.relative(failed)}"
        ) from None
    finally:
        os.environ.clear()
        os.environ.update(before)
    failed.unlink(missing_ok=True)
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                print(f"notebook {name} wrote to stderr: {output.text.strip()[:300]}")
    return executed


def _metrics(staging: Path, name: str) -> dict[str, Any]:
    metrics = files.read_json(staging / session.METRICS)
    if metrics is None or not metrics.pop("done"):
        raise NotebookError(
            f"notebook {name} did not report: begin it with nb = report.notebook({name!r}, …) "
            "and end it with nb.done()"
        )
    found: dict[str, Any] = metrics
    return found


def _install(
    executed: Notebook, metrics: dict[str, Any], staging: Path, name: str, profile: Profile
) -> dict[str, Any]:
    """Put the outputs in place; the old seal goes first, so that a kill leaves no seal."""
    folder, figures = paths.notebooks(profile), paths.figures(profile, name)
    provenance.seal_file(name, profile).unlink(missing_ok=True)
    files.write_bytes(folder / f"{name}.ipynb", _text(executed))
    files.write_json(folder / f"{name}.metrics.json", metrics)
    shutil.rmtree(figures, ignore_errors=True)
    if (staging / session.FIGURES).exists():
        figures.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(staging / session.FIGURES, figures)
    made = [folder / f"{name}.ipynb", folder / f"{name}.metrics.json", *figures.glob("*.png")]
    return {paths.relative(path): files.record(path) for path in sorted(made)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m workflow.run_notebook", description=__doc__)
    parser.add_argument("notebook", help="its name, without folder and ending")
    parser.add_argument("--profile", choices=paths.PROFILES, default="full")
    parser.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="JSON values"
    )
    options = parser.parse_args(arguments)
    name, profile = options.notebook, paths.check_profile(options.profile)
    try:
        overrides = dict(_parameter(text) for text in options.parameter)
        log = paths.logs() / profile / f"notebook-{name}.log"
        with console.tee(log):
            print(
                f"notebook {name} [{profile}]: executing; log in {paths.relative(log)}", flush=True
            )
            began = time.perf_counter()
            try:
                metrics = run(name, profile, overrides)
            except (NotebookError, locks.BusyError, paths.NoProjectError, ValueError) as error:
                print(error, file=sys.stderr)
                return 1
            print(
                f"notebook {name} [{profile}]: {session.count(metrics['claims'], 'claim')}, "
                f"{session.count(metrics['figures'], 'figure')}, "
                f"{time.perf_counter() - began:.1f} s",
                flush=True,
            )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parameter(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise ValueError(f"parameter {text!r}: write NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    console.fix_environment()
    processes.end_with_parent()
    sys.exit(main())
