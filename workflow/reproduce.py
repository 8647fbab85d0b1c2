"""Compute every full stage again from raw data, say what differs, and put the new ones in place.

The new artefacts are made in ``build/reproduce``; a run that was killed goes on where it stopped.
The comparison is kept in ``build/logs/reproduce.json``.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlsci import stages
from mlsci.report import files, paths, seal


@dataclass(frozen=True)
class Difference:
    """How one output of a stage came out the second time."""

    stage: str
    output: str
    verdict: str  # identical, differs, new or gone
    detail: str = ""

    def __str__(self) -> str:
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.stage}/{self.output} {self.verdict}{detail}"


def main() -> int:
    """Recompute, compare, replace."""
    store, report = paths.build() / "reproduce", paths.logs() / "reproduce.json"
    todo = [stage for stage in stages.all_stages().values() if "full" in stage.params]
    marker = store / "compared.json"  # from here on the old artefacts are being replaced
    if not all(seal.check(stage, "full", store).fresh for stage in todo):
        marker.unlink(missing_ok=True)
    if not marker.exists():
        done = sum(seal.check(stage, "full", store).fresh for stage in todo)
        if done:
            print(f"{done} of {len(todo)} stages were computed by a run that was stopped; going on")
        for number, stage in enumerate(todo, 1):
            print(f"[{number}/{len(todo)}] {stage.name}", flush=True)
            seal.execute(stage, "full", store=store)
        found = [
            difference
            for stage in todo
            for difference in compare(
                stage.name, seal.place(stage.name, "full"), seal.place(stage.name, "full", store)
            )
        ]
        files.write_json(report, [asdict(difference) for difference in found])
        files.write_json(marker, [asdict(difference) for difference in found])
    differences = [Difference(**entry) for entry in files.read_json(marker) or []]
    for stage in todo:
        with seal.hold(stage, "full"):
            replace(seal.place(stage.name, "full", store), seal.place(stage.name, "full"))
    spent = store.with_name("reproduced")  # renamed first, so that it is used whole or not at all
    shutil.rmtree(spent, ignore_errors=True)
    store.rename(spent)
    shutil.rmtree(spent)
    same = sum(difference.verdict == "identical" for difference in differences)
    for difference in differences:
        print(difference)
    print(
        f"{len(todo)} stages computed again: {same} of {len(differences)} outputs identical to the "
        f"bit; the comparison is in {paths.relative(report)}.\n"
        "The new artefacts are in place:  make book  shows them, git diff --stat data/derived "
        "lists them, git checkout -- data/derived  takes them back."
    )
    return 0


def replace(new: Path, folder: Path) -> None:
    """Put a copy of `new` in `folder`'s place; a kill half-way is made good by repeating."""
    copy, old = (folder.with_name(f".{folder.name}.{part}") for part in ("new", "old"))
    for left in (copy, old):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(new, copy)
    if folder.exists():
        folder.rename(old)
    copy.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def compare(stage: str, before: Path, after: Path) -> Iterator[Difference]:
    """Compare the outputs of a stage with those of an earlier run."""
    old, new = files.listing(before), files.listing(after)
    for name in sorted({*old, *new} - {seal.SEAL}):
        if name not in new:
            yield Difference(stage, name, "gone")
        elif name not in old:
            yield Difference(stage, name, "new")
        elif files.sha256(old[name]) == files.sha256(new[name]):
            yield Difference(stage, name, "identical")
        else:
            yield Difference(stage, name, "differs", _detail(old[name], new[name]))


def _detail(old: Path, new: Path) -> str:
    try:
        if old.suffix == ".json":
            return _of_json(json.loads(old.read_bytes()), json.loads(new.read_bytes()))
        if old.suffix in (".npz", ".npy"):
            return _of_arrays(old, new)
    except (OSError, ValueError):
        return "one of the two cannot be read"
    return f"{old.stat().st_size} bytes before, {new.stat().st_size} now"


def _leaves(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{where}[{index}]")
    else:
        yield where, value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _of_json(before: Any, after: Any) -> str:
    """Say by how much the numbers of two JSON values differ."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    shared = [where for where in old if where in new and old[where] != new[where]]
    numeric = [where for where in shared if _is_number(old[where]) and _is_number(new[where])]
    said = []
    if numeric:
        change = {where: _relative(old[where], new[where]) for where in numeric}
        worst = max(change, key=lambda where: change[where])
        said.append(
            f"{len(numeric)} numbers differ, most of all {worst}: "
            f"{old[worst]:.6g} before, {new[worst]:.6g} now ({change[worst]:.2g} relative)"
        )
    if len(shared) > len(numeric):
        said.append(f"{len(shared) - len(numeric)} other values differ")
    if old.keys() != new.keys():
        said.append(f"{len(old.keys() ^ new.keys())} entries are in one of the two only")
    return "; ".join(said) or "equal values, written differently"


def _relative(old: float, new: float) -> float:
    scale = max(abs(old), abs(new))
    change = abs(new - old) / scale if scale else 0.0
    return change if math.isfinite(change) else math.inf


def _of_arrays(before: Path, after: Path) -> str:
    """Say by how much the arrays of two NumPy files differ."""
    import numpy as np

    def arrays(path: Path) -> dict[str, Any]:
        content = np.load(path, allow_pickle=False)
        return {"": content} if isinstance(content, np.ndarray) else dict(content)

    old, new = arrays(before), arrays(after)
    said = []
    if old.keys() != new.keys():
        said.append(f"{len(old.keys() ^ new.keys())} arrays are in one of the two only")
    worst, at = -1.0, ""
    for name in sorted(old.keys() & new.keys()):
        a, b = old[name], new[name]
        if a.shape != b.shape or a.dtype != b.dtype or a.dtype.kind not in "biufc":
            if not np.array_equal(a, b):
                said.append(f"{name or 'the array'} has another shape, type or text")
            continue
        wide = np.result_type(a.dtype, np.float64)
        scale = float(np.max(np.abs(a.astype(wide)), initial=0.0)) or 1.0
        change = float(np.max(np.abs(a.astype(wide) - b.astype(wide)), initial=0.0)) / scale
        if not (math.isnan(worst) or change <= worst):  # the first NaN stays
            worst, at = change, name
    if worst > 0 or math.isnan(worst):
        said.append(f"largest difference {worst:.2g} of the largest value{f', in {at}' * bool(at)}")
    return "; ".join(said) or "equal arrays, written differently"
