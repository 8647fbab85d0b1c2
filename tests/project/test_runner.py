"""The runner of all checks stops at a failure, and counts what ran."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow.checks import __main__ as runner


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose phases are two files of tests and, between them, a program."""
    (tmp_path / "first.py").write_text(
        "import pytest\n"
        "def test_a(): pass\n"
        "def test_b(): pass\n"
        "@pytest.mark.skip\n"
        "def test_c(): pass\n"
    )
    (tmp_path / "between.py").write_text("print('between')\n")
    (tmp_path / "last.py").write_text("def test_d(): pass\n")
    phases = [
        runner.Phase("first", "tests", (("pytest", "-q", "first.py"),)),
        runner.Phase("between", "a program", (("between",),)),
        runner.Phase("last", "tests", (("pytest", "-q", "last.py"),)),
    ]
    monkeypatch.setattr(runner, "root", lambda: tmp_path)
    monkeypatch.setattr(runner, "phases", lambda top, quick: phases)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    return tmp_path


def test_the_last_line_counts_all_tests(suite: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert runner.main([]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "3 passed, 0 failed, 1 skipped"
    assert "all checks passed" in lines[-2]
    assert "between" in lines


def test_it_stops_at_the_first_failure(suite: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (suite / "first.py").write_text("def test_a(): pass\ndef test_b(): assert False\n")
    assert runner.main([]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "1 passed, 1 failed, 0 skipped"
    assert "FAILED in first" in lines[-2]
    assert "between" not in lines


def test_a_failing_program_fails_the_run(suite: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (suite / "between.py").write_text("raise SystemExit(3)\n")
    assert runner.main([]) == 1
    assert "between failed (exit code 3)" in capfd.readouterr().out


def test_an_empty_test_run_fails(suite: Path) -> None:
    (suite / "last.py").write_text("")
    assert runner.main([]) == 1


def test_it_can_begin_later(suite: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--from", "last"]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_the_phases_name_tests_that_exist(top: Path) -> None:
    for phase in runner.phases(top, quick=False):
        for command in phase.commands:
            for word in command:
                if word.startswith(("tests/", "src/")):
                    assert (top / word).exists(), word


def test_quick_is_the_beginning_of_all() -> None:
    names = [phase.name for phase in runner.phases(Path(), quick=False)]
    quick = [phase.name for phase in runner.phases(Path(), quick=True)]
    assert names[: len(quick)] == quick
    assert len(quick) < len(names)


CI_RULE = """
import pytest

@pytest.mark.browser
def test_browser():
    pytest.skip("no browser")

def test_other():
    pytest.skip("not here")
"""


@pytest.mark.parametrize(("ci", "expected"), [("true", "1 failed, 1 skipped"), ("", "2 skipped")])
def test_in_ci_a_skipped_browser_test_fails(
    tmp_path: Path, top: Path, monkeypatch: pytest.MonkeyPatch, ci: str, expected: str
) -> None:
    import subprocess
    import sys

    (tmp_path / "conftest.py").write_text((top / "tests" / "conftest.py").read_text())
    (tmp_path / "test_one.py").write_text(CI_RULE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = browser\n")
    monkeypatch.setenv("CI", ci)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.splitlines()[-1].startswith(expected)
