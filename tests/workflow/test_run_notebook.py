"""An executed notebook depends on its inputs alone, and says what they were."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlsci.report import files, locks, machine, paths, provenance, seal, sources
from workflow import run_notebook

CELLS = """\
# %% tags=["parameters"]
profile = "smoke"
seed: int = 3
rate = 1e-3
{more}

# %%
x = 1

# %%
x = 1
"""


def converted(tmp_path: Path, text: str) -> Any:
    source = tmp_path / "toy-one.py"
    source.write_text(text)
    return run_notebook.convert(source)


def test_cells_are_named_by_what_is_in_them(tmp_path: Path) -> None:
    first = converted(tmp_path, CELLS.format(more=""))
    again = converted(tmp_path, CELLS.format(more=""))
    changed = converted(tmp_path, CELLS.format(more="y = 2"))
    ids = [cell["id"] for cell in first.cells]
    assert ids == [cell["id"] for cell in again.cells]
    assert len(set(ids)) == len(ids)
    assert [cell["id"] for cell in changed.cells][1:] == ids[1:]
    nbformat.validate(first)


def test_parameters_are_read_from_their_cell(tmp_path: Path) -> None:
    notebook = converted(tmp_path, CELLS.format(more="names = ['a', 'b']"))
    assert run_notebook.declared(notebook, "toy-one") == {
        "profile": "smoke",
        "seed": 3,
        "rate": 1e-3,
        "names": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("# %%\nprofile = 'smoke'\nseed = 0", "0 cells tagged 'parameters'"),
        (CELLS.format(more="") + CELLS.format(more=""), "2 cells tagged"),
        (CELLS.replace("seed: int = 3", "").format(more=""), "must set 'seed'"),
        (CELLS.replace('profile = "smoke"', "").format(more=""), "must set 'profile'"),
        (CELLS.format(more="seed = f()"), "seed must be a plain value"),
    ],
)
def test_what_is_wrong_with_parameters(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(run_notebook.NotebookError, match=match):
        run_notebook.declared(converted(tmp_path, text), "toy-one")


def test_one_figure_in_a_cell(tmp_path: Path) -> None:
    notebook = converted(tmp_path, CELLS.format(more=""))
    shown = [
        nbformat.v4.new_output(
            "display_data", metadata={"mlsci": {"figure": name, "caption": "C", "alt": "A"}}
        )
        for name in ("one", "two")
    ]
    notebook.cells[1].outputs = shown[:1]
    run_notebook.tidy(notebook, "toy-one")
    assert notebook.cells[1].metadata["mystnb"] == {
        "figure": {"name": "fig-toy-one-one", "caption": "C"},
        "image": {"alt": "A", "classes": "dark-light"},
    }
    notebook.cells[1].outputs = shown
    with pytest.raises(run_notebook.NotebookError, match="one, two"):
        run_notebook.tidy(notebook, "toy-one")


def test_what_is_printed_is_one_output_however_it_arrived(tmp_path: Path) -> None:
    notebook = converted(tmp_path, CELLS.format(more=""))

    def stream(name: str, text: str) -> Any:
        return nbformat.v4.new_output("stream", name=name, text=text)

    shown = nbformat.v4.new_output("display_data", data={"text/plain": "x"})
    notebook.cells[1].outputs = [
        *(stream("stdout", "a"), stream("stderr", "w"), stream("stdout", "\n")),
        shown,
        *(stream("stdout", "b"), stream("stdout", "\n")),
    ]
    run_notebook.tidy(notebook, "toy-one")
    assert notebook.cells[1].outputs == [
        stream("stdout", "a\n"),
        stream("stderr", "w"),
        shown,
        stream("stdout", "b\n"),
    ]


@pytest.fixture
def executed(smoke_built: Any, enter: Any) -> Any:
    """The project with its notebooks executed in the smoke profile; this process works in it."""
    enter(smoke_built)
    return smoke_built


def outputs(project: Any) -> dict[str, bytes]:
    return {
        name: content
        for name, content in project.results().items()
        if name.startswith(("build/notebooks", "build/figures"))
    }


def state(name: str = "toy-one") -> provenance.State:
    return provenance.check(
        run_notebook.source_of(name), "smoke", {"profile": "smoke"}, run_notebook.runner_hash()
    )


def test_executing_again_gives_the_same_bytes(executed: Any) -> None:
    before = outputs(executed)
    assert sorted(before) == [
        "build/figures/smoke/toy-one/walk.png",
        "build/notebooks/smoke/toy-one.ipynb",
        "build/notebooks/smoke/toy-one.metrics.json",
        "build/notebooks/smoke/toy-two.ipynb",
        "build/notebooks/smoke/toy-two.metrics.json",
    ]
    for path in (executed.root / "build/notebooks/smoke").glob("toy-one*"):
        path.unlink()
    executed.run("workflow.run_notebook", "toy-one", "--profile", "smoke", PYTHONHASHSEED="17")
    assert outputs(executed) == before


def test_what_an_executed_notebook_says_of_itself(executed: Any) -> None:
    folder = executed.root / "build/notebooks/smoke"
    notebook = nbformat.read(folder / "toy-one.ipynb", as_version=4)
    nbformat.validate(notebook)
    told = notebook.metadata["mlsci"]
    sealed = seal.read("toy/sum", "smoke")
    assert sealed is not None
    assert told == {
        "notebook": "toy-one",
        "profile": "smoke",
        "seed": 5,
        "parameters": {"profile": "smoke"},
        "commit": machine.commit(),
        "source": files.sha256(executed.root / "notebooks/toy-one.py"),
        "package": sources.package_hash(),
        "inputs": {"toy/sum": sealed["seal"]},
        "versions": machine.versions(),
    }
    content = files.read_json(folder / "toy-one.seal.json")
    assert content is not None
    assert content["provenance"] == told
    assert content["record"]["execution_seconds"] > 0
    assert content["record"]["claims"] == 2
    assert content["record"]["figures"] == 1
    metrics = files.read_json(folder / "toy-one.metrics.json")
    assert metrics is not None
    assert [claim["key"] for claim in metrics["claims"]] == ["toy.steps", "toy.sum"]
    assert metrics["claims"][0]["seal"] == {"toy/sum": sealed["seal"]}
    figure = executed.root / metrics["figures"][0]["file"]
    assert files.sha256(figure) == metrics["figures"][0]["sha256"]


def test_how_an_executed_notebook_looks(executed: Any) -> None:
    path = executed.root / "build/notebooks/smoke/toy-one.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info", "mlsci"}
    text = path.read_text()
    for trace in (str(executed.root), "papermill.py", '"execution": {', "jupytext"):
        assert trace not in text
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert code[1].metadata["tags"] == ["injected-parameters", "remove-cell"]
    assert not any(
        output.get("name") == "stderr" or output.output_type == "error"
        for cell in code
        for output in cell.outputs
    )
    (figure,) = (cell for cell in code if "mystnb" in cell.metadata)
    assert figure.metadata["mystnb"]["figure"]["caption"] == "Twenty *draws*."
    (output,) = (one for one in figure.outputs if "image/png" in one.data)
    assert output.metadata["mlsci"]["alt"] == "A jagged line about zero."
    glued = [
        output.metadata["scrapbook"]["name"]
        for cell in code
        for output in cell.outputs
        if "scrapbook" in output.get("metadata", {})
    ]
    assert glued == ["toy.steps", "toy.sum"]


def test_when_a_notebook_is_fresh(executed: Any) -> None:
    assert state().fresh
    executed.edit("src/mlsci/toy/model.py", "SCALE = 2", "SCALE = 2  # a remark")
    assert state().fresh
    assert state("toy-two").fresh

    source = "notebooks/toy-one.py"
    executed.edit(source, "# A toy notebook", "# A toy notebook, reworded")
    assert str(state()) == "stale (source changed)"
    executed.edit(source, "# A toy notebook, reworded", "# A toy notebook")
    assert state().fresh

    image = executed.root / "build/figures/smoke/toy-one/walk.png"
    content = image.read_bytes()
    image.write_bytes(content[:-1])
    assert state().kind == "damaged"
    image.write_bytes(content)
    assert state().fresh

    where = executed.root / "build/notebooks/smoke/toy-one.seal.json"
    text = where.read_text()
    where.write_text(text.replace('"profile": "smoke"', '"profile": "full"'))
    assert state().kind in ("damaged", "stale")
    where.write_text(text[:100])
    assert state().kind == "damaged"
    where.write_text(text)

    artefact = seal.place("toy/sum", "smoke") / "sum.json"
    shutil.rmtree(artefact.parent)
    assert str(state()) == "stale (input toy/sum changed)"


def test_any_code_of_the_package_makes_a_notebook_stale(executed: Any) -> None:
    executed.edit("src/mlsci/toy/model.py", "SCALE = 2", "SCALE = 3")
    assert str(state()) == "stale (package changed)"


def test_parameters_from_outside(home: Any) -> None:
    two = ("workflow.run_notebook", "toy-two", "--profile", "smoke")
    refused = home.run(*two, "-p", "sede=4", code=1)
    assert "toy-two has no parameter sede (it has profile, seed)" in refused.stderr
    assert "write NAME=VALUE" in home.run(*two, "-p", "seed", code=2).stderr
    home.run(*two, "-p", "seed=4")
    metrics = files.read_json(paths.notebooks("smoke") / "toy-two.metrics.json")
    assert metrics is not None
    assert metrics["claims"][0]["value"] == 4
    assert metrics["seed"] == 4
    # The book shows notebooks as they are by themselves: with other parameters, it is stale.
    assert str(state("toy-two")) == "stale (parameters changed)"


def test_a_notebook_that_fails(home: Any) -> None:
    folder = paths.notebooks("smoke")
    home.run("workflow.run_notebook", "toy-two", "--profile", "smoke")
    good = (folder / "toy-two.ipynb").read_bytes()
    home.edit("notebooks/toy-two.py", "nb.done()", "raise RuntimeError('on purpose')")
    failed = home.run("workflow", "notebook:toy-two", "--profile", "smoke", code=1)
    assert "on purpose" in failed.stderr
    assert "build/notebooks/smoke/toy-two.failed.ipynb" in failed.stderr
    assert (folder / "toy-two.ipynb").read_bytes() == good
    assert state("toy-two").kind == "stale"
    partial = json.loads((folder / "toy-two.failed.ipynb").read_text())
    assert any("on purpose" in json.dumps(cell) for cell in partial["cells"])

    home.edit("notebooks/toy-two.py", "raise RuntimeError('on purpose')", "nb.done()  # mended")
    home.run("workflow", "notebook:toy-two", "--profile", "smoke")
    assert not (folder / "toy-two.failed.ipynb").exists()


def test_a_notebook_that_does_not_report(home: Any) -> None:
    home.edit("notebooks/toy-two.py", "nb.done()", "pass")
    failed = home.run("workflow.run_notebook", "toy-two", "--profile", "smoke", code=1)
    assert "end it with nb.done()" in failed.stderr
    assert state("toy-two").kind == "missing"


def test_a_notebook_whose_artefact_is_not_there_says_how_to_make_it(home: Any) -> None:
    failed = home.run("workflow.run_notebook", "toy-one", "--profile", "smoke", code=1)
    assert "python -m mlsci run toy/sum --profile smoke" in failed.stderr


def test_there_is_no_such_notebook(home: Any) -> None:
    failed = home.run("workflow.run_notebook", "toy-three", code=1)
    assert "no notebook 'toy-three'" in failed.stderr
    assert "toy-one, toy-two" in failed.stderr


def test_a_notebook_is_executed_once_at_a_time(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = locks.hold
    monkeypatch.setattr(locks, "hold", lambda name, what, wait=0.0: hold(name, what))
    with (
        locks.hold("notebook-smoke-toy-two", "notebook toy-two [smoke]"),
        pytest.raises(locks.BusyError, match=r"notebook toy-two \[smoke\] is held by process"),
    ):
        run_notebook.run("toy-two", "smoke")
