"""`pmesh` works on our transforms as on PFFT's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlsci.lensing import pfft


@pytest.mark.parametrize(("size", "factors"), [(1, (1, 1)), (2, (2, 1)), (6, (3, 2)), (7, (1, 7))])
def test_ranks_are_split_in_two(size: int, factors: tuple[int, int]) -> None:
    assert pfft.split_size_2d(size) == factors


def test_pmesh_finds_a_pfft() -> None:
    import pmesh.pm

    assert pmesh.pm.pfft is sys.modules["pfft"]


def test_a_plane_wave_is_one_mode() -> None:
    from pmesh.pm import ParticleMesh

    mesh = ParticleMesh(Nmesh=[8, 8, 8], BoxSize=1.0, dtype="f8")
    wave = mesh.create(type="real", value=0)
    wave.value[...] = np.cos(2 * np.pi * wave.x[1])
    modes = wave.r2c()
    assert modes.cgetitem([0, 1, 0]) == pytest.approx(0.5)
    assert modes.cnorm() == pytest.approx(0.5)
    np.testing.assert_allclose(modes.c2r().value, wave.value, atol=1e-14)


def test_a_plan_wants_the_buffers_it_was_made_for() -> None:
    procmesh = pfft.ProcMesh([1])
    partition = pfft.Partition(pfft.Type.PFFT_R2C, [4, 4, 4], procmesh, 0)
    one, other = pfft.LocalBuffer(partition), pfft.LocalBuffer(partition)
    plan = pfft.Plan(partition, pfft.Direction.PFFT_FORWARD, one, other)
    plan.execute(one, other)
    with pytest.raises(ValueError, match="use the other plan"):
        plan.execute(one, one)
    with pytest.raises(RuntimeError, match="does not fit 1 ranks"):
        pfft.ProcMesh([2, 2])


# pmesh 0.1.59's tests passed by the real PFFT on as many ranks; the others are for more ranks, or
# expected to fail
PASSED = {1: 84, 2: 89, 4: 93}


@pytest.mark.slow
@pytest.mark.mpi
@pytest.mark.timeout(900)
@pytest.mark.parametrize("ranks", sorted(PASSED))
def test_the_suite_of_pmesh_passes(ranks: int, tmp_path: Path) -> None:
    mpiexec = Path(sys.prefix) / "bin" / "mpiexec"
    options = (
        "-q --pyargs pmesh.tests -p mlsci.lensing.pfft -p pytest_mpi --with-mpi "
        "-p no:cacheprovider -p no:xdist -c /dev/null"
    )
    done = subprocess.run(
        [str(mpiexec), "-n", str(ranks), sys.executable, "-m", "pytest", *options.split()],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTEST_ADDOPTS": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    # the ranks write into each other's lines
    counts = [int(number) for number in re.findall(r"(\d+) passed", done.stdout)]
    assert done.returncode == 0, done.stdout[-4000:]
    assert counts == [PASSED[ranks]] * ranks, done.stdout[-4000:]
    assert not re.search(r"\d+ (failed|error)", done.stdout)
