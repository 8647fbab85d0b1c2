"""The checks that the book shows: they pass, and they would notice."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

from mlsci.lensing.adjoint import checks
from mlsci.lensing.adjoint.model import Inputs
from mlsci.lensing.settings import Settings
from mlsci.lensing.sharpening import Sharpening

SMALL = Settings(
    particles=8, box=256.0, pixels=16, degrees=5.5, stages=4, sources=(0.5, 1.0), precision="f8",
    sharpening=Sharpening(0.3, 2.0, 0.5, -2.0), transfer="eisenstein_hu", seed=5,
)  # fmt: skip
BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "lensing_gradients.py"


def test_every_operation_passes() -> None:
    found = checks.operations(SMALL, MPI.COMM_SELF)
    assert {"paint", "readout", "force", "steps", "light cone, one shell"} <= set(found)
    assert max(found.values()) < 1e-11
    assert checks.whole_run(SMALL, MPI.COMM_SELF) < 1e-11


def test_a_wrong_transpose_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = checks.gradient_transpose
    monkeypatch.setattr(checks, "gradient_transpose", lambda *all_: right(*all_) * (1 + 1e-9))
    found = checks.operations(SMALL, MPI.COMM_SELF)
    assert found["readout"] > 1e-11 > found["paint"]


def test_particles_come_back() -> None:
    assert max(checks.reversal(SMALL).values()) < 1e-12
    # with a mesh in single precision as well: its forces are the same on both ways
    assert max(checks.reversal(dataclasses.replace(SMALL, precision="f4")).values()) < 1e-4


def test_long_differences_are_worse_than_short_ones() -> None:
    change = Inputs(checks.white_noise(SMALL, MPI.COMM_SELF, 1), {"n_s": 0.3})
    long, short = checks.differences(SMALL, change, [3e-2, 1e-5])
    assert short < 1e-6 < long


def test_noise_is_the_same_for_the_same_seed() -> None:
    one, again, other = (checks.white_noise(SMALL, MPI.COMM_SELF, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.slow
def test_the_benchmark_writes_what_it_measured(tmp_path: Path) -> None:
    runs, out = tmp_path / "runs.json", tmp_path / "cost.json"
    one = {"particles": 8, "pixels": 16, "degrees": 5.0, "box": 256.0, "sharpening": None}
    runs.write_text(json.dumps({"tiny": {"settings": one}}))
    command = [sys.executable, str(BENCHMARK), "--runs", str(runs), "--sides", "8"]
    subprocess.run([*command, "--repeat", "1", "--out", str(out)], check=True, timeout=300)
    results = json.loads(out.read_text())["results"]
    assert [(one["of"], one.get("gradient")) for one in results] == [
        ("run", False), ("run", True), ("steps", None)
    ]  # fmt: skip
    for one in results:
        assert 0 < one["program_mb"] <= one["memory_mb"]
        assert one["cpu"] > 0
