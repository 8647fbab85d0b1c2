"""Scripts that run under MPI, with the environment's own mpiexec."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

OnRanks = Callable[..., str]


@pytest.fixture
def on_ranks(tmp_path: Path) -> OnRanks:
    """Run a script on some ranks, and return what it printed; arguments follow in its sys.argv."""

    def run(script: str, ranks: int, *arguments: str) -> str:
        file = tmp_path / "script.py"
        file.write_text(textwrap.dedent(script))
        mpiexec = Path(sys.prefix) / "bin" / "mpiexec"
        done = subprocess.run(
            [str(mpiexec), "-n", str(ranks), sys.executable, str(file), *arguments],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
