"""The set-up script chooses, retries, explains and stamps; installers are played here."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = ("bash", "cat", "cut", "cp", "df", "awk", "env", "grep", "id", "mkdir", "mktemp", "mv")
TOOLS += ("rm", "sed", "tail", "tr", "touch", "sha256sum", "dirname", "sleep")


@pytest.fixture
def project(tmp_path: Path, top: Path) -> Path:
    """A folder with the script, small locks, and a `bin` that is all of PATH: no Python in it."""
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "setup.sh").write_text((top / "workflow" / "setup.sh").read_text())
    for name in ("requirements.lock", "requirements-bootstrap.lock", "requirements-source.lock"):
        (tmp_path / name).write_text(f"{name}==1\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in TOOLS:
        found = next(
            Path(folder) / tool
            for folder in ("/usr/bin", "/bin", "/usr/local/bin")
            if (Path(folder) / tool).exists()
        )
        (tools / tool).symlink_to(found)
    return tmp_path


def program(project: Path, name: str, script: str) -> Path:
    path = project / "bin" / name
    path.write_text(f"#!{project}/bin/bash\n{script}\n")
    path.chmod(0o755)
    return path


def shell(project: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run lines of shell after the script's definitions; APT=no, for tests install nothing."""
    return subprocess.run(
        [
            *(f"{project}/bin/bash", "-c"),
            f"source workflow/setup.sh; cd {shlex.quote(str(project))}\n{script}",
        ],
        cwd=project,
        env={"PATH": f"{project}/bin", "HOME": str(project), "APT": "no", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def working(project: Path, name: str) -> None:
    program(project, name, f'exec {shlex.quote(sys.executable)} "$@"')


def test_a_shim_that_does_not_run_is_passed_over(project: Path) -> None:
    program(project, "python3.12", "echo 'command not found' >&2; exit 127")
    program(project, "python3.11", "exit 1  # what a probe of Python 3.13 says")
    working(project, "python3")
    result = shell(project, "find_python")
    version = "{}.{}.{}".format(*sys.version_info[:3])
    assert result.stdout.split() == [version, sys.executable], result.stderr


def test_without_python_the_message_says_what_to_install(project: Path) -> None:
    result = shell(project, "find_python")
    assert result.returncode == 1
    assert "No 64-bit Python 3.11 or 3.12 runs" in result.stderr
    assert "make book PYTHON=" in result.stderr


def test_a_named_python_that_does_not_fit_is_refused(project: Path) -> None:
    working(project, "python3.11")
    result = shell(project, "find_python", PYTHON="python3.9")
    assert result.returncode == 1
    assert "PYTHON=python3.9 is not a 64-bit Python 3.11 or 3.12" in result.stderr


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("OSError: [Errno 28] No space left on device", "disk"),
        ("error: Hash mismatch for `numpy==2.4.6`", "hash"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "hash"),
        ("invalid peer certificate: UnknownIssuer", "certificate"),
        ("WARNING: Retrying (Retry(total=4)) after connection broken", "network"),
        ("error: Failed to fetch: dns error", "network"),
        ("could not find a version that satisfies uv (from versions: none)", "network"),
        ("has no wheels with a matching platform tag", "platform"),
        ("No solution found when resolving dependencies", "platform"),
        ("Segmentation fault", "other"),
    ],
)
def test_what_an_installer_says_is_understood(project: Path, words: str, cause: str) -> None:
    (project / "words").write_text(words)
    assert shell(project, "cause words").stdout.strip() == cause


FAILING = """
tries=0
sleep() {{ :; }}
install() {{
    tries=$((tries + 1))
    echo "$tries" >>count
    [ "$tries" -gt {after} ] || {{ echo '{words}'; return 1; }}
}}
run "Installing" install
"""


def tries(project: Path) -> int:
    return len((project / "count").read_text().splitlines())


def test_a_network_failure_is_tried_again(project: Path) -> None:
    result = shell(project, FAILING.format(after=2, words="dns error"))
    assert result.returncode == 0, result.stderr
    assert tries(project) == 3
    assert "next try in" in result.stderr
    assert "dns error" in (project / "build" / "logs" / "setup.log").read_text()


@pytest.mark.parametrize(
    ("words", "expected", "count"),
    [
        ("dns error", "the package index cannot be reached", 3),
        ("No space left on device", "the disk is full", 1),
        ("Hash mismatch", "differs from the one the lock names", 1),
        ("UnknownIssuer certificate", "SSL_CERT_FILE", 1),
        ("strange", "build/logs/setup.log", 1),
    ],
)
def test_a_failure_names_cause_and_mend(
    project: Path, words: str, expected: str, count: int
) -> None:
    result = shell(project, FAILING.format(after=9, words=words))
    assert result.returncode == 1
    assert expected in result.stderr
    assert words in result.stderr
    assert tries(project) == count


def test_too_small_a_disk_is_said_before_anything_is_made(project: Path) -> None:
    result = shell(project, "need_mb=999999999\ncheck_disk")
    assert result.returncode == 1
    assert "MB free; the environment needs 999999999" in result.stderr


# What is played: uv makes a Python that runs, and notes what it was asked for.
PLAYED = f"""
get_uv() {{ :; }}
find_python() {{ echo "3.11.0 {sys.executable}"; }}
uv() {{
    echo "$*" >>calls
    [ "$1" = venv ] || return 0
    mkdir -p .venv/bin
    printf '#!{{bash}}\\nexec {sys.executable} "$@"\\n' >.venv/bin/python
    chmod +x .venv/bin/python
}}
install_source() {{ echo source >>calls; stamp source "$1"; }}
"""


@pytest.fixture
def played(project: Path) -> str:
    (project / "bin" / "chmod").symlink_to("/bin/chmod")
    (project / "pyproject.toml").write_text("[project]\n")
    return PLAYED.replace("{bash}", f"{project}/bin/bash")


def calls(project: Path) -> list[str]:
    path = project / "calls"
    made = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return made


def test_nothing_is_done_twice(project: Path, played: str) -> None:
    first = shell(project, played + "environment")
    assert first.returncode == 0, first.stderr
    made = calls(project)
    assert [call.split()[0] for call in made] == ["venv", "pip", "pip", "source"]
    assert "--require-hashes requirements.lock" in made[1]
    assert "--editable ." in made[2]
    second = shell(project, played + "environment")
    assert (second.returncode, second.stderr) == (0, "")
    assert calls(project) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("requirements.lock", ["pip sync", "pip install", "source"]),
        ("pyproject.toml", ["pip install"]),
        ("requirements-source.lock", ["source"]),
    ],
)
def test_a_change_redoes_what_depends_on_it(
    project: Path, played: str, name: str, expected: list[str]
) -> None:
    shell(project, played + "environment")
    calls(project)
    kept = project / ".venv" / "kept"
    kept.touch()
    with (project / name).open("a") as file:
        file.write("# changed\n")
    result = shell(project, played + "environment")
    assert result.returncode == 0, result.stderr
    made = calls(project)
    assert len(made) == len(expected)
    assert all(call.startswith(start) for call, start in zip(made, expected, strict=True)), made
    assert kept.exists(), "an environment in use was thrown away"


@pytest.mark.parametrize("step", ["venv", "pip sync"])
def test_an_interrupted_set_up_is_done_again(project: Path, played: str, step: str) -> None:
    killed = f"""{played}
eval "real_$(declare -f uv)"
uv() {{ real_uv "$@"; [[ "$*" != "{step}"* ]] || kill -9 $$; }}
"""
    assert shell(project, killed + "environment").returncode == -9
    (project / ".venv" / "half-written").touch()
    calls(project)
    result = shell(project, played + "environment")
    assert result.returncode == 0, result.stderr
    assert calls(project)[0].startswith("venv")
    assert not (project / ".venv" / "half-written").exists()


def test_an_environment_made_by_hand_is_put_aside(project: Path, played: str) -> None:
    (project / ".venv").mkdir()
    (project / ".venv" / "mine").touch()
    result = shell(project, played + "environment")
    assert result.returncode == 0, result.stderr
    assert (project / ".venv-before" / "mine").exists()
    assert "kept as .venv-before" in result.stderr


def test_a_moved_project_gets_a_new_environment(project: Path, played: str) -> None:
    shell(project, played + "environment")
    calls(project)
    for stamp in (project / ".venv").glob(".done-*"):
        stamp.write_text(stamp.read_text().replace(str(project), "/elsewhere"))
    shell(project, played + "environment")
    assert calls(project)[0].startswith("venv")


@pytest.mark.parametrize("ci", ["", "true"])
@pytest.mark.parametrize(
    ("played", "expected"),
    [
        ("compiles() { return 1; }", "apt install gcc"),
        ("compiles() { :; }; build_source() { die 'words of the compiler'; }", "words of the"),
        ("compiles() { :; }; root='a b'", "with a blank in its name"),
    ],
)
def test_where_pmesh_cannot_be_built_the_rest_goes_on_but_not_in_ci(
    project: Path, ci: str, played: str, expected: str
) -> None:
    result = shell(project, f"{played}\ninstall_source key; echo went on", CI=ci)
    assert "which only the lensing simulator needs, are left out" in result.stderr
    assert expected in result.stderr
    assert result.stdout == ("" if ci else "went on\n")
    assert result.returncode == (1 if ci else 0)


@pytest.mark.parametrize("ci", ["", "true"])
def test_missing_system_parts_are_named_and_fail_in_ci(project: Path, ci: str) -> None:
    result = shell(project, "system", CI=ci)
    assert "sudo apt install chromium chromium-driver" in result.stderr
    assert result.returncode == (1 if ci else 0)


def test_a_compiler_is_recognised(project: Path) -> None:
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    assert shell(project, "compiles", CC="no-such-compiler").returncode == 1
    played = program(project, "playedcc", "exit 0")
    assert shell(project, "compiles", CC=str(played)).returncode == 0


def test_the_script_needs_no_variable_to_be_set(top: Path) -> None:
    """Even HOME may be missing; with everything fresh, nothing is printed."""
    if not (top / ".venv" / ".done-source").exists():
        pytest.skip("the environment was not made by the script")
    result = subprocess.run(
        [str(top / "workflow" / "setup.sh"), "nonsense"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "unknown argument: nonsense" in result.stderr
