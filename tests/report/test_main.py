"""The package's commands: what they run, print and refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mlsci import __main__ as command_line
from mlsci.report import claims, files, paths, seal
from mlsci.report.seal import Stage


@pytest.fixture
def two(declare: Callable[..., None]) -> None:
    """Two stages, one of which has no smoke profile."""
    both = {profile: {"value": 1} for profile in paths.PROFILES}
    declare(
        Stage("toy/a", "toyfunctions:write", both, ("toy/model.py",)),
        Stage("toy/b", "toyfunctions:write", {"full": {"value": 2}}, ("toy/model.py",)),
        Stage("toy/sum", "toyfunctions:add", both, ("toy/model.py",), inputs=("toy/a",)),
    )


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command and returns exit code, output and errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = command_line.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


Call = Callable[..., tuple[int, str, str]]


def test_run_takes_patterns_and_adds_inputs(two: None, call: Call) -> None:
    code, out, _ = call("run", "toy/s*", "--profile", "smoke")
    assert code == 0
    assert out.splitlines()[-1] == "2 stages ready [smoke], 0 of them were fresh already"
    assert seal.check(seal.find("toy/sum"), "smoke").fresh
    _, out, _ = call("run", "toy/*", "toy/sum", "--profile", "smoke")
    assert out.splitlines() == ["2 stages ready [smoke], 2 of them were fresh already"]


def test_force_is_for_what_is_named(two: None, call: Call) -> None:
    call("run", "toy/sum")
    _, out, _ = call("run", "toy/sum", "--force")
    assert "stage toy/sum [full]: fresh, took 0 s last time" in out
    assert "1 of them were fresh" in out


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("run", "toy/summ"), "no stage is called 'toy/summ'; did you mean toy/sum"),
        (("run", "other/*"), "no stage is called 'other/*'"),
        (("run", "toy/b", "--profile", "smoke"), "toy/b has no parameters for the profile smoke"),
        (("seal", "toy/a"), "has no seal to print, it is missing. Make it:  .venv/bin/python"),
        (("seal", "nothing"), "no stage is called 'nothing'"),
        (("claims",), "no complete build of the profile full yet: make one with  make book"),
    ],
)
def test_errors_tell_the_mend(
    two: None, call: Call, arguments: tuple[str, ...], match: str
) -> None:
    code, out, err = call(*arguments)
    assert code == 1
    assert match in err
    assert out == ""


def test_status_and_seal(two: None, call: Call) -> None:
    call("run", "toy/a")
    _, out, _ = call("status")
    assert out.splitlines() == [
        "toy/a    fresh",
        "toy/b    missing",
        "toy/sum  missing",
        "3 stages [full]",
    ]
    code, out, _ = call("seal", "toy/a")
    assert code == 0
    assert json.loads(out) == seal.read("toy/a", "full")


def test_claims_are_printed_for_machines_and_for_people(home: Path, call: Call) -> None:
    made = [
        claims.make(
            key, value, target="<= 1", notebook="toy-one", profile="full", seal={"toy/a": "ab"}
        )
        for key, value in (("toy.good", 0.5), ("toy.bad", 2))
    ]
    (home / "notebooks/toy-one.py").touch()
    files.write_json(paths.notebooks("full") / "toy-one.metrics.json", {"claims": made})
    claims.gather("full")
    code, out, _ = call("claims", "--json")
    assert code == 0
    assert json.loads(out) == made[::-1]
    _, out, _ = call("claims")
    assert out.splitlines() == [
        "toy.bad: 2  target <= 1: MISSED",
        "toy.good: 0.5  target <= 1: reached",
        "2 claims [full]",
    ]


def test_an_interruption_is_no_traceback(
    two: None, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(seal, "execute", interrupt)
    code, _, err = call("run", "toy/a")
    assert code == 130
    assert err.startswith("interrupted")


def test_data_is_the_report_of_what_there_is(call: Call) -> None:
    code, out, _ = call("data")
    assert code == 0
    assert "digits" in out
