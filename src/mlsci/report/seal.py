"""Costly stages and the seals that make their artefacts trustworthy.

A stage is one costly computation: a function that reads data, parameters and the artefacts of
other stages, and writes files. Its *seal* is a small JSON beside those files with the SHA-256 of
everything that went in and came out. A stage is fresh when its seal matches what is there now; a
killed run leaves no seal, and is run again from its last checkpoint.

``seal.json``::

    {"schema": 1,
     "stage": "aeflow/ae-d32-s0", "profile": "full",
     "seal": "<sha256 of stage, profile, key and outputs: the name of this very result>",
     "key": "<sha256 of inputs>",
     "inputs": {"params": {...}, "run": {"module:function": "<sha256>"},
                "sources": {"generative/autoencoder.py": "<sha256>"},
                "data": {"fashion-mnist": "<sha256>"}, "upstream": {"aeflow/x": "<sha256>"}},
     "outputs": {"weights.npz": {"sha256": "...", "bytes": 123}},
     "content": "<sha256 of outputs: what a stage downstream depends on>",
     "seed": 0,
     "record": {"finished": "2024-01-01T00:00:00Z", "commit": {"commit": "...", "dirty": false},
                "versions": {"python": "3.11.7", "numpy": "..."},
                "machine": {"cpu": "...", "cores": 2, "system": "Linux x86_64"},
                "wall_seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_mb": 100.0}}

Freshness compares `inputs` and the files against `outputs`; `record` only informs.
"""

from __future__ import annotations

import importlib
import random
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsci.report import console, files, locks, machine, paths, sources
from mlsci.report.paths import Profile
from mlsci.report.stage import Stage, State

__all__ = [
    "SEAL",
    "Job",
    "NotReadyError",
    "Stage",
    "State",
    "check",
    "command",
    "execute",
    "find",
    "hold",
    "place",
    "read",
    "verified",
]

SCHEMA = 1
SEAL = "seal.json"


class NotReadyError(RuntimeError):
    """An artefact is missing, stale or damaged; the message tells the mend."""


@dataclass(frozen=True)
class Job:
    """What a stage's function is given.

    `out` is an empty folder that becomes the artefact when the function returns; `work` survives
    an interruption (checkpoints) and is emptied when anything the result depends on changes.
    """

    stage: Stage
    profile: Profile
    params: Mapping[str, Any]
    seed: int
    out: Path
    work: Path
    store: Path

    def input(self, name: str) -> Path:
        """Return the folder of an artefact that the stage declares among its `inputs`."""
        if name not in self.stage.inputs:
            raise ValueError(
                f"{self.stage.name} reads {name}, which its `inputs` do not name: add it"
            )
        return verified(name, self.profile, self.store)


def place(name: str, profile: Profile, store: Path | None = None) -> Path:
    """Return the folder of a stage's artefact; `store` replaces the profile's own folder."""
    return (store or paths.derived(profile)) / name


def find(name: str) -> Stage:
    """Return the stage called `name`."""
    from mlsci import stages

    return stages.find(name)


def read(name: str, profile: Profile, store: Path | None = None) -> dict[str, Any] | None:
    """Return a stage's seal if there is one and it is in itself intact."""
    seal = files.read_json(place(name, profile, store) / SEAL)
    return seal if _is_intact(seal) else None


def _is_intact(seal: Any) -> bool:
    try:
        return bool(
            seal["schema"] == SCHEMA
            and seal["seal"] == _name_of(seal)
            and seal["key"] == files.digest(seal["inputs"])
            and seal["content"] == files.digest(seal["outputs"])
            and isinstance(seal["record"], dict)
        )
    except (KeyError, TypeError, ValueError):
        return False


def _name_of(seal: Mapping[str, Any]) -> str:
    return files.digest({name: seal[name] for name in ("stage", "profile", "key", "outputs")})


def needs(stage: Stage, profile: Profile, store: Path | None = None) -> dict[str, Any]:
    """Return the `inputs` of a seal made now; `NotReadyError` if one of them is not fresh."""
    if profile not in stage.params:
        raise ValueError(f"stage {stage.name} has no parameters for the profile {profile}")
    upstream = {}
    for name in stage.inputs:
        state = check(find(name), profile, store)
        seal = read(name, profile, store)
        if not state.fresh or seal is None:
            raise NotReadyError(f"its input {name} is {state}")
        upstream[name] = seal["content"]
    return {
        "params": dict(stage.params[profile]),
        "run": {stage.run: sources.function_hash(stage.run)},
        "sources": sources.hashes(stage.sources),
        "data": {name: _data_hash(name) for name in stage.datasets.get(profile, ())},
        "upstream": upstream,
    }


def _data_hash(name: str) -> str:
    data: Any = importlib.import_module("mlsci.data")
    return str(data.content_sha256(name))


def check(stage: Stage, profile: Profile, store: Path | None = None) -> State:
    """Return the state of a stage's artefact: its files, then what they were made from."""
    folder = place(stage.name, profile, store)
    if not (folder / SEAL).exists():
        return State("missing", "" if not folder.exists() else "files without a seal")
    seal: Any = files.read_json(folder / SEAL)
    if not _is_intact(seal):
        return State("damaged", f"{SEAL} is not a seal that this project wrote")
    if (seal["stage"], seal["profile"]) != (stage.name, profile):
        return State("damaged", f"the seal is of {seal['stage']}, profile {seal['profile']}")
    wrong = files.damage(folder, seal["outputs"])
    if wrong:
        return State("damaged", wrong)
    unknown = set(files.listing(folder)) - set(seal["outputs"]) - {SEAL}
    if unknown:
        return State("damaged", f"{min(unknown)} is not in the seal")
    try:
        wanted = needs(stage, profile, store)
    except NotReadyError as problem:
        return State("stale", str(problem))
    why = _difference(seal["inputs"], wanted)
    return State("stale", why) if why else State("fresh")


_NOUNS = {
    "params": "parameter",
    "run": "function",
    "sources": "source",
    "data": "data set",
    "upstream": "input",
}


def _difference(sealed: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    changed = []
    for group, noun in _NOUNS.items():
        before, after = sealed.get(group, {}), wanted[group]
        for name in sorted({*before, *after}):
            if name not in before or name not in after:
                changed.append(f"{noun} {name} {'added' if name in after else 'removed'}")
            elif files.canonical(before[name]) != files.canonical(after[name]):
                changed.append(f"{noun} {name} changed")
    more = f", and {len(changed) - 3} more" if len(changed) > 3 else ""
    return ", ".join(changed[:3]) + more


def command(name: str, profile: Profile, force: bool = False) -> str:
    """Return the command that makes an artefact."""
    return f".venv/bin/python -m mlsci run {name} --profile {profile}" + " --force" * force


def verified(name: str, profile: Profile, store: Path | None = None) -> Path:
    """Return the folder of a fresh, intact artefact; `NotReadyError` with the mend otherwise."""
    stage = find(name)
    state = check(stage, profile, store)
    if state.fresh:
        return place(name, profile, store)
    folder = place(name, profile, store)
    if state.kind == "damaged" and machine.is_tracked(folder):
        raise NotReadyError(_refusal(stage, profile, folder, state))
    raise NotReadyError(
        f"artefact {name} [{profile}] is {state}. Make it:  {command(name, profile)}"
    )


def _refusal(stage: Stage, profile: Profile, folder: Path, state: State) -> str:
    return (
        f"the committed artefact {paths.relative(folder)} is {state}.\n"
        f"Restore it:    git checkout -- {paths.relative(folder)}\n"
        f"or recompute:  {command(stage.name, profile, force=True)}"
    )


def hold(stage: Stage, label: str) -> AbstractContextManager[None]:
    """Hold the lock on a stage's artefact; `label` is a profile, or names another store."""
    return locks.hold(f"stage-{label}-{stage.name}", f"stage {stage.name} [{label}]", wait=2.0)


def execute(
    stage: Stage, profile: Profile, *, store: Path | None = None, force: bool = False
) -> dict[str, Any]:
    """Run a stage unless it is fresh, seal what it wrote, and return the seal.

    Outputs and seal are made in a folder of their own and renamed into place together. A committed
    artefact that is damaged is not overwritten unless `force` says so: git can bring it back.
    """
    label = profile if store is None else store.name
    folder, base = place(stage.name, profile, store), paths.work(label) / stage.name
    with hold(stage, label):
        state = check(stage, profile, store)
        if state.fresh and not force:
            shutil.rmtree(base, ignore_errors=True)
            return _read(folder)
        try:
            inputs = needs(stage, profile, store)
        except NotReadyError as problem:
            raise NotReadyError(f"cannot run {stage.name} [{profile}]: {problem}") from None
        key = files.digest(inputs)[:12]
        out, work = base / f"out-{key}", base / f"work-{key}"
        if force or not _is_finished(out, inputs):
            if state.kind == "damaged" and not force and machine.is_tracked(folder):
                raise NotReadyError(_refusal(stage, profile, folder, state))
            _clear(base, keep=work)
            params = stage.params[profile]
            seed = int(params.get("seed", 0))
            store = store or paths.derived(profile)
            _compute(Job(stage, profile, params, seed, out, work, store), inputs, label, state)
        _install(out, folder, base / "old")
        shutil.rmtree(base, ignore_errors=True)
        return _read(folder)


def _read(folder: Path) -> dict[str, Any]:
    seal: Any = files.read_json(folder / SEAL)
    return dict(seal)


def _is_finished(out: Path, inputs: Mapping[str, Any]) -> bool:
    """Whether an earlier run was killed when all that was left to do was to rename."""
    seal: Any = files.read_json(out / SEAL)
    return _is_intact(seal) and seal["inputs"] == inputs and not files.damage(out, seal["outputs"])


def _clear(base: Path, keep: Path) -> None:
    for path in base.iterdir() if base.is_dir() else ():
        if path != keep:
            shutil.rmtree(path)


def _compute(job: Job, inputs: dict[str, Any], label: str, state: State) -> None:
    """Run the stage's function under a log, and seal what it wrote to `job.out`."""
    log = paths.logs() / label / (job.stage.name.replace("/", "-") + ".log")
    before = read(job.stage.name, job.profile)
    last = f", took {before['record']['wall_seconds']:.0f} s last time" if before else ""
    with console.tee(log):
        title = f"stage {job.stage.name} [{label}]"
        print(f"{title}: {state}{last}; log in {paths.relative(log)}", flush=True)
        cost = _call(job, inputs)
        seconds, memory = cost["wall_seconds"], cost["peak_memory_mb"]
        print(f"{title}: sealed after {seconds:.1f} s, {memory:.0f} MB at most", flush=True)


def _call(job: Job, inputs: dict[str, Any]) -> dict[str, float]:
    job.out.mkdir(parents=True)
    job.work.mkdir(parents=True, exist_ok=True)
    _provide(job.stage, job.profile)
    import numpy as np

    random.seed(job.seed)
    np.random.seed(job.seed)  # noqa: NPY002 - for libraries that still draw from it
    module, _, function = job.stage.run.partition(":")
    commit = machine.commit()
    meter = machine.Meter()
    getattr(importlib.import_module(module), function)(job)
    cost = meter.read()
    outputs = {name: files.record(path) for name, path in files.listing(job.out).items()}
    if not outputs or SEAL in outputs:
        raise RuntimeError(
            f"stage {job.stage.name} must write files to job.out, {SEAL} not among them"
        )
    seal: dict[str, Any] = {
        "schema": SCHEMA,
        "stage": job.stage.name,
        "profile": job.profile,
        "inputs": inputs,
        "key": files.digest(inputs),
        "outputs": outputs,
        "content": files.digest(outputs),
        "seed": job.seed,
        "record": {
            "finished": machine.now(),
            "commit": commit,
            "versions": machine.versions(),
            "machine": machine.describe(),
            **cost,
        },
    }
    seal["seal"] = _name_of(seal)
    files.write_json(job.out / SEAL, seal)
    return cost


def _provide(stage: Stage, profile: Profile) -> None:
    """Find or fetch the data sets before anything costly begins."""
    names = stage.datasets.get(profile, ())
    if names:
        data: Any = importlib.import_module("mlsci.data")
        missing = [name for name in names if data.available(name) is None]
        try:
            data.fetch(missing)
        except data.DataError as error:
            raise NotReadyError(f"cannot run {stage.name} [{profile}]: {error}") from None


def _install(out: Path, folder: Path, old: Path) -> None:
    """Put `out` in `folder`'s place; if this is killed half-way, `out` is whole and used again."""
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        shutil.move(folder, old)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(out, folder)
