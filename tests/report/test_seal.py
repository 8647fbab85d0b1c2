"""A stage is fresh when, and only when, its artefact is what its inputs give."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlsci import data, stages
from mlsci.report import files, paths, seal, sources
from mlsci.report.seal import Stage

Declare = Callable[..., None]


def stage(name: str = "toy/a", run: str = "write", value: Any = 1, **more: Any) -> Stage:
    params = {profile: {"value": value, "seed": 7} for profile in paths.PROFILES}
    return Stage(name, f"toyfunctions:{run}", params, ("toy/model.py",), **more)


def output(name: str = "toy/a", profile: paths.Profile = "smoke") -> Path:
    return seal.place(name, profile) / "value.json"


@pytest.fixture
def one(declare: Declare) -> Stage:
    """A stage that has been run."""
    made = stage()
    declare(made)
    seal.execute(made, "smoke")
    return made


def test_a_stage_that_has_run_is_fresh_and_not_run_again(declare: Declare) -> None:
    made = stage()
    declare(made)
    assert seal.check(made, "smoke").kind == "missing"
    first = seal.execute(made, "smoke")
    assert seal.check(made, "smoke").fresh
    assert json.loads(output().read_text()) == 2
    assert seal.execute(made, "smoke") == first
    assert seal.check(made, "full").kind == "missing"
    assert not (paths.work("smoke") / "toy/a").exists()


def test_what_a_seal_records(one: Stage) -> None:
    found = seal.read("toy/a", "smoke")
    assert found is not None
    assert found["inputs"]["params"] == {"value": 1, "seed": 7}
    assert found["inputs"]["sources"] == sources.hashes(["toy/model.py"])
    assert found["outputs"] == {"value.json": files.record(output())}
    assert found["seed"] == 7
    record = found["record"]
    assert record["wall_seconds"] >= 0
    assert record["cpu_seconds"] >= 0
    assert record["peak_memory_mb"] > 1
    assert {"cpu", "cores", "system"} == set(record["machine"])
    assert {"python", "numpy", "tensorflow"} <= set(record["versions"])
    assert {"commit", "dirty"} == set(record["commit"])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def edit_seal(**changes: Any) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        where = path.parent / "seal.json"
        where.write_text(json.dumps({**json.loads(where.read_text()), **changes}))

    return edit


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a bit flipped": flip,
    "cut short": lambda path: path.write_bytes(b""),
    "removed": Path.unlink,
    "a file too many": lambda path: (path.parent / "extra.npz").write_bytes(b"x"),
    "seal cut short": lambda path: (path.parent / "seal.json").write_text('{"schema": 1, '),
    "seal not an object": lambda path: (path.parent / "seal.json").write_text("[]"),
    "outputs rewritten": edit_seal(outputs={}),
    "inputs rewritten": edit_seal(inputs={"params": {"value": 2}}),
    "of another stage": edit_seal(stage="toy/b"),
    "of a later schema": edit_seal(schema=2),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_is_seen_and_mended(one: Stage, how: str) -> None:
    DAMAGE[how](output())
    assert seal.check(one, "smoke").kind == "damaged"
    with pytest.raises(seal.NotReadyError, match=r"python -m mlsci run toy/a --profile smoke"):
        seal.verified("toy/a", "smoke")
    seal.execute(one, "smoke")
    assert seal.check(one, "smoke").fresh
    assert json.loads(output().read_text()) == 2
    assert sorted(files.listing(output().parent)) == ["seal.json", "value.json"]


def test_files_that_the_system_leaves_are_no_damage(one: Stage) -> None:
    (output().parent / ".DS_Store").touch()
    assert seal.check(one, "smoke").fresh


def test_without_its_seal_an_artefact_does_not_count(one: Stage) -> None:
    (output().parent / "seal.json").unlink()
    state = seal.check(one, "smoke")
    assert (state.kind, state.why) == ("missing", "files without a seal")


def test_smoke_artefacts_are_refused_in_the_full_profile(one: Stage) -> None:
    shutil.copytree(output().parent, output(profile="full").parent)
    state = seal.check(one, "full")
    assert state.kind == "damaged"
    assert "profile smoke" in state.why


def test_parameters_make_stale(one: Stage, declare: Declare) -> None:
    changed = stage(value=3)
    declare(changed)
    assert str(seal.check(changed, "smoke")) == "stale (parameter value changed)"
    seal.execute(changed, "smoke")
    assert json.loads(output().read_text()) == 6


def test_code_makes_stale_and_wording_does_not(one: Stage, home: Path) -> None:
    model = home / "src/mlsci/toy/model.py"
    model.write_text('"""Now documented."""\n\ndef f(x):  # and\n    return (x + 1)\n')
    assert seal.check(one, "smoke").fresh
    model.write_text("def f(x):\n    return x + 2\n")
    assert str(seal.check(one, "smoke")) == "stale (source toy/model.py changed)"


def test_the_stages_own_function_makes_stale_and_others_beside_it_do_not(
    one: Stage, home: Path
) -> None:
    module = home / "toyfunctions.py"
    text = module.read_text()
    module.write_text(text + "\n\ndef more(job):\n    return 1\n")
    assert seal.check(one, "smoke").fresh
    module.write_text(text.replace("return 2 * value", "return value + value"))
    assert str(seal.check(one, "smoke")) == "stale (function toyfunctions:write changed)"


def test_data_make_stale(declare: Declare, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"digits": "first"}
    monkeypatch.setattr(seal, "_data_hash", content.__getitem__)
    monkeypatch.setattr(seal, "_provide", lambda stage, profile: None)
    made = stage(datasets={"smoke": ("digits",)})
    declare(made)
    seal.execute(made, "smoke")
    assert seal.check(made, "smoke").fresh
    content["digits"] = "second"
    assert str(seal.check(made, "smoke")) == "stale (data set digits changed)"


def test_missing_data_are_fetched_first_or_named(
    declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(datasets={"smoke": ("digits", "mnist-5k")})
    declare(made)
    fetched: list[str] = []

    def fetch(names: list[str]) -> None:
        fetched.extend(names)
        if names:
            raise data.MissingData("mnist-5k", "all", "not found", "do this")

    monkeypatch.setattr(data, "fetch", fetch)
    monkeypatch.setattr(data, "available", lambda name: None if name == "mnist-5k" else name)
    with pytest.raises(seal.NotReadyError, match=r"cannot run toy/a .*not found\n.*do this"):
        seal.execute(made, "smoke")
    assert fetched == ["mnist-5k"]
    monkeypatch.setattr(data, "available", lambda name: name)
    seal.execute(made, "smoke")


def test_a_stage_reads_its_inputs_and_follows_them(declare: Declare) -> None:
    total = stage("toy/sum", "add", inputs=("toy/a", "toy/b"))
    declare(total, stage("toy/a", value=1), stage("toy/b", value=2))
    with pytest.raises(seal.NotReadyError, match="toy/a is missing"):
        seal.execute(total, "smoke")
    for made in stages.with_inputs(["toy/sum"], "smoke"):
        seal.execute(made, "smoke")
    result = seal.place("toy/sum", "smoke") / "sum.json"
    assert json.loads(result.read_text()) == 6

    changed = stage("toy/b", value=5)
    declare(total, stage("toy/a", value=1), changed)
    assert "input toy/b is stale" in str(seal.check(total, "smoke"))
    seal.execute(changed, "smoke")
    assert str(seal.check(total, "smoke")) == "stale (input toy/b changed)"
    seal.execute(total, "smoke")
    assert json.loads(result.read_text()) == 12


def test_an_input_that_comes_out_the_same_changes_nothing(declare: Declare) -> None:
    total = stage("toy/sum", "add", inputs=("toy/a",))
    declare(stage("toy/a", "constant", value=1), total)
    for made in stages.with_inputs(["toy/sum"], "smoke"):
        seal.execute(made, "smoke")
    changed = stage("toy/a", "constant", value=2)
    declare(changed, total)
    seal.execute(changed, "smoke")
    assert seal.check(total, "smoke").fresh


def test_what_is_read_must_be_declared(declare: Declare) -> None:
    curious = stage("toy/curious", "curious")
    declare(curious, stage("toy/other"))
    with pytest.raises(ValueError, match="`inputs` do not name"):
        seal.execute(curious, "smoke")


def test_a_stage_must_write_something(declare: Declare) -> None:
    idle = stage("toy/idle", "nothing")
    declare(idle)
    with pytest.raises(RuntimeError, match="must write files"):
        seal.execute(idle, "smoke")
    assert seal.check(idle, "smoke").kind == "missing"


def counting(steps: int) -> Stage:
    return Stage("toy/c", "toyfunctions:count", {"smoke": {"steps": steps}}, ("toy/model.py",))


def test_a_failed_stage_leaves_no_artefact_and_goes_on_from_its_checkpoint(
    declare: Declare,
) -> None:
    made = counting(3)
    declare(made)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="half-way"):
            seal.execute(made, "smoke")
        assert seal.check(made, "smoke").kind == "missing"
    seal.execute(made, "smoke")
    assert sorted(files.listing(seal.place("toy/c", "smoke"))) == ["count.txt", "seal.json"]


def test_a_checkpoint_of_other_inputs_is_not_used(declare: Declare) -> None:
    made = counting(3)
    declare(made)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            seal.execute(made, "smoke")
    other = counting(2)
    declare(other)
    with pytest.raises(RuntimeError):
        seal.execute(other, "smoke")
    assert len(list((paths.work("smoke") / "toy/c").glob("work-*"))) == 1
    seal.execute(other, "smoke")


def test_force_runs_what_is_fresh(one: Stage) -> None:
    inode = output().stat().st_ino
    seal.execute(one, "smoke")
    assert output().stat().st_ino == inode
    seal.execute(one, "smoke", force=True)
    assert output().stat().st_ino != inode


def test_a_damaged_committed_artefact_is_not_overwritten(declare: Declare, home: Path) -> None:
    made = stage()
    declare(made)
    seal.execute(made, "full")

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=home, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", "data/derived")
    git("commit", "--quiet", "-m", "Artefacts")
    flip(output(profile="full"))
    for attempt in (lambda: seal.execute(made, "full"), lambda: seal.verified("toy/a", "full")):
        with pytest.raises(seal.NotReadyError) as caught:
            attempt()
        message = str(caught.value)
        assert "value.json is not the file that was sealed" in message
        assert "git checkout -- data/derived/toy/a" in message
        assert "run toy/a --profile full --force" in message
    git("checkout", "--", "data/derived/toy/a")
    assert seal.check(made, "full").fresh

    flip(output(profile="full"))
    seal.execute(made, "full", force=True)
    assert seal.check(made, "full").fresh


def test_a_damaged_artefact_that_git_does_not_know_is_made_again(declare: Declare) -> None:
    made = stage()
    declare(made)
    seal.execute(made, "full")
    flip(output(profile="full"))
    seal.execute(made, "full")
    assert seal.check(made, "full").fresh


def test_another_store_has_artefacts_of_its_own(one: Stage, tmp_path: Path) -> None:
    store = tmp_path / "elsewhere"
    seal.execute(one, "full", store=store)
    assert seal.check(one, "full", store).fresh
    assert seal.check(one, "full").kind == "missing"


def test_a_profile_that_a_stage_does_not_have(declare: Declare) -> None:
    made = counting(1)
    declare(made)
    with pytest.raises(ValueError, match="no parameters for the profile full"):
        seal.execute(made, "full")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a"},
        {"name": "toy/A"},
        {"name": "toy/../a"},
        {"name": "toy/a/b"},
        {"run": "module.function"},
        {"params": {"large": {}}},
    ],
)
def test_what_a_stage_may_not_be(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"name": "toy/a", "run": "m:f", "params": {"smoke": {}}, "sources": ()}
    Stage(**right)
    with pytest.raises(ValueError):
        Stage(**{**right, **wrong})
