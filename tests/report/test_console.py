"""What a process prints is seen and kept, TensorFlow's notices about itself apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TEE = """
import os, subprocess, sys
from pathlib import Path
from mlsci.report import console
print("before")
with console.tee(Path(sys.argv[1])):
    print("from Python")
    print("an error", file=sys.stderr)
    os.write(1, b"from a library\\n")
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    sys.stdout.write("no newline")
print("after")
"""


def python(code: str, *arguments: str, **extra: str) -> tuple[list[str], list[str]]:
    """Run code in a process of its own; return the lines of its output and errors."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **extra},
    )
    return done.stdout.splitlines(), done.stderr.splitlines()


def test_all_is_seen_and_kept(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "a.log"
    out, err = python(TEE, str(log))
    assert out[0] == "before"
    assert sorted(out[1:4]) == ["from Python", "from a child", "from a library"]
    assert out[4] == "no newlineafter"
    assert err == ["an error"]
    kept = log.read_text()
    for line in ("from Python", "an error", "from a library", "from a child", "no newline"):
        assert line in kept
    assert "before" not in kept
    assert "after" not in kept


def test_the_log_keeps_what_was_printed_before_an_error(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    code = """
import sys
from pathlib import Path
from mlsci.report import console
try:
    with console.tee(Path(sys.argv[1])):
        print("so far")
        raise RuntimeError
except RuntimeError:
    print("still here")
"""
    out, _ = python(code, str(log))
    assert out == ["so far", "still here"]
    assert log.read_text() == "so far\n"


def test_a_child_that_lives_on_does_not_hold_things_up(tmp_path: Path) -> None:
    code = """
import subprocess, sys
from pathlib import Path
from mlsci.report import console
with console.tee(Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
child.kill()
"""
    python(code, str(tmp_path / "a.log"))


def test_the_environment_is_fixed_once() -> None:
    code = """
import os, sys
from mlsci.report import console
console.fix_environment()
print(os.environ["PYTHONHASHSEED"], os.environ["TF_CPP_MIN_LOG_LEVEL"], sys.argv[1], hash("a"))
"""
    first, _ = python(code, "argument", PYTHONHASHSEED="random")
    second, _ = python(code, "argument", PYTHONHASHSEED="5")
    assert first == second
    assert first[0].startswith("0 3 argument")


NOISY = """
import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written\\n")
os.write(2, b"I0000 00:00:1795381283.190444   17647 port.cc:153] oneDNN is on.\\n")
os.write(2, b"a real problem\\n")
value = os.environ["TF_CPP_MIN_LOG_LEVEL"]
{more}
"""


def test_notices_of_tensorflow_are_left_out_and_all_else_is_passed_on(tmp_path: Path) -> None:
    package = tmp_path / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text(NOISY.format(more=""))
    (package / "part.py").write_text("value = 7")
    code = """
import mlsci.report
import tensorflow, tensorflow.part
print(tensorflow.value, tensorflow.part.value, type(tensorflow.__spec__.loader).__name__)
import os
os.write(2, b"I0000 later\\n")
"""
    out, err = python(code, PYTHONPATH=str(tmp_path))
    assert out == ["3 7 SourceFileLoader"]
    assert err == ["a real problem", "I0000 later"]


def test_an_import_that_fails_still_says_why(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text(NOISY.format(more="raise ImportError('broken')"))
    code = """
import mlsci.report
try:
    import tensorflow
except ImportError as error:
    print(error)
"""
    out, err = python(code, PYTHONPATH=str(tmp_path))
    assert out == ["broken"]
    assert err == ["a real problem"]


def test_importing_the_package_does_not_import_tensorflow() -> None:
    out, _ = python("import sys, mlsci.report; print('tensorflow' in sys.modules)")
    assert out == ["False"]
