"""A notebook's session records claims and figures, and writes only under the runner."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from mlsci import report
from mlsci.report import claims, files, paths, seal, session
from mlsci.report.seal import Stage


@pytest.fixture
def figure() -> Iterator[Figure]:
    made, axes = plt.subplots()
    axes.plot([0, 1, 0])
    yield made
    plt.close(made)


@pytest.fixture
def out(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the runner would name."""
    folder = home / "toy-one.123"
    folder.mkdir()
    monkeypatch.setenv(session.OUT, str(folder))
    return folder


def test_by_hand_nothing_is_written(
    home: Path, figure: Figure, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(home.rglob("*"))
    nb = report.notebook("toy-one", profile="smoke", seed=3)
    nb.claim("toy.x", 1.0, 0.5, target="< 2")
    nb.claim("toy.y", 3, target="< 2", unit="m")
    nb.figure(figure, "zigzag", caption="A zigzag.", alt="Up and down.")
    nb.done()
    assert sorted(home.rglob("*")) == before
    assert capsys.readouterr().out.splitlines() == [
        "toy-one: profile smoke, seed 3",
        "toy.x: 1.00 ± 0.50 (target < 2: reached)",
        "toy.y: 3 m (target < 2: missed)",
        "2 claims, 1 of 2 targets reached, 1 figure, 0 artefacts",
    ]


def test_under_the_runner_all_is_kept(out: Path, figure: Figure) -> None:
    nb = report.notebook("toy-one", profile="smoke", seed=3)
    nb.claim("toy.x", 1.0)
    nb.figure(figure, "zigzag", caption="A\n  zigzag.", alt="Up and down.")
    metrics = files.read_json(out / "metrics.json")
    assert metrics is not None
    assert not metrics["done"]
    assert [claim["key"] for claim in metrics["claims"]] == ["toy.x"]
    image = out / "figures" / "zigzag.png"
    assert metrics["figures"] == [
        {
            "name": "zigzag",
            "caption": "A zigzag.",
            "alt": "Up and down.",
            "file": "build/figures/smoke/toy-one/zigzag.png",
            "sha256": hashlib.sha256(image.read_bytes()).hexdigest(),
            "seal": {},
        }
    ]
    nb.done()
    metrics = files.read_json(out / "metrics.json")
    assert metrics is not None
    assert metrics["done"]
    assert metrics["seed"] == 3


def test_claims_carry_the_seals_of_what_was_loaded(declare: Callable[..., None], out: Path) -> None:
    made = Stage("toy/a", "toyfunctions:write", {"smoke": {"value": 1}}, ("toy/model.py",))
    declare(made)
    nb = report.notebook("toy-one", profile="smoke")
    with pytest.raises(seal.NotReadyError, match="toy/a"):
        nb.artefact("toy/a")
    sealed = seal.execute(made, "smoke")["seal"]
    nb.claim("toy.before", 1)
    assert nb.artefact("toy/a") == paths.derived("smoke") / "toy/a"
    nb.claim("toy.after", 1)
    metrics = files.read_json(out / "metrics.json")
    assert metrics is not None
    assert [claim["seal"] for claim in metrics["claims"]] == [{}, {"toy/a": sealed}]
    assert metrics["artefacts"] == {"toy/a": sealed}


def test_a_key_is_claimed_once(home: Path) -> None:
    nb = report.notebook("toy-one", profile="smoke")
    nb.claim("toy.x", 1)
    with pytest.raises(claims.ClaimError, match="already"):
        nb.claim("toy.x", 1)


@pytest.mark.parametrize(
    ("name", "caption", "alt", "match"),
    [
        ("Zig zag", "A", "B", "figure name"),
        ("../up", "A", "B", "figure name"),
        ("zigzag", " ", "B", "caption"),
        ("zigzag", "A", "", "alt text"),
    ],
)
def test_figures_need_a_name_a_caption_and_an_alt_text(
    home: Path, figure: Figure, name: str, caption: str, alt: str, match: str
) -> None:
    nb = report.notebook("toy-one", profile="smoke")
    with pytest.raises(ValueError, match=match):
        nb.figure(figure, name, caption=caption, alt=alt)


def test_figures_have_different_names_and_are_closed(home: Path) -> None:
    nb = report.notebook("toy-one", profile="smoke")
    first, second = plt.figure(), plt.figure()
    nb.figure(first, "one", caption="A", alt="B")
    assert not plt.fignum_exists(first.number)
    with pytest.raises(ValueError, match="already"):
        nb.figure(second, "one", caption="A", alt="B")
    plt.close(second)


def test_a_notebook_without_claims_and_figures_is_not_done(home: Path) -> None:
    with pytest.raises(ValueError, match="no claim and no figure"):
        report.notebook("toy-one", profile="smoke").done()


@pytest.mark.parametrize("name", ["Toy", "toy one", "toy_one", "../toy", ""])
def test_names_of_notebooks(home: Path, name: str) -> None:
    with pytest.raises(ValueError, match="notebook name"):
        report.notebook(name, profile="smoke")


def test_the_name_is_that_of_the_file_which_runs(out: Path) -> None:
    with pytest.raises(ValueError, match="this notebook is toy-one, not toy-two"):
        report.notebook("toy-two", profile="smoke")


def test_there_are_two_profiles(home: Path) -> None:
    with pytest.raises(ValueError, match="choose one of full, smoke"):
        report.notebook("toy-one", profile="large")


def test_figures_are_the_same_to_the_bit(out: Path) -> None:
    def draw() -> bytes:
        nb = report.notebook("toy-one", profile="smoke")
        made, axes = plt.subplots()
        axes.plot([0, 1, 0])
        axes.set_title("A title")
        nb.figure(made, "zigzag", caption="A", alt="B")
        return (out / "figures" / "zigzag.png").read_bytes()

    assert draw() == draw()
    assert b"matplotlib" not in draw().lower()
