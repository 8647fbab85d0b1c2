"""The benchmark of the particle mesh runs, and writes what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "particle_mesh.py"


@pytest.mark.slow
@pytest.mark.mpi
def test_the_benchmark_writes_what_it_measured(tmp_path: Path) -> None:
    out = tmp_path / "measured.json"
    options = f"--sides 16 --precisions f4 --ranks 1 2 --repeat 1 --keep {tmp_path} --out {out}"
    records = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, str(SCRIPT), *options.split()],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        records.append(json.loads(out.read_text()))
    record = records[0]
    assert records[1]["results"] == record["results"]  # kept, as after a kill
    assert record["compilation_cpu"] > 0
    assert [result["ranks"] for result in record["results"]] == [1, 2]
    for result in record["results"]:
        assert result["steps_cpu"] > 0
        assert result["memory_mb"] >= result["memory_of_imports_mb"] > 0
        assert result["step_over_transforms"] > 1
