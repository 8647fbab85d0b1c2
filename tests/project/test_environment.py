"""The environment is the one that the locks describe, and its MPI works."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

# Sorts numbers that are spread over the ranks, and looks at the result on each of them.
SORT = """
import numpy as np, mpsort
from mpi4py import MPI
world = MPI.COMM_WORLD
assert world.size == {ranks}, world.size
mine = np.random.default_rng(world.rank).integers(0, 1000, 50 + world.rank).astype("u8")
out = np.empty_like(mine)
mpsort.sort(mine, orderby=mine.copy(), out=out, comm=world)
before = np.sort(np.concatenate(world.allgather(mine)))
assert (np.concatenate(world.allgather(out)) == before).all()
print("sorted", flush=True)
"""


def pins(lock: str) -> list[tuple[str, str]]:
    """The packages and versions of a lock that are meant for this interpreter."""
    found = []
    for text in re.findall(r"^[^\s#][^\\]*", lock, re.MULTILINE):
        one = Requirement(text.strip())
        if one.marker is None or one.marker.evaluate():
            found.append((one.name, str(one.specifier).removeprefix("==")))
    return found


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-source.lock"])
def test_installed_versions_are_those_of_the_lock(lock: str, top: Path) -> None:
    if lock == "requirements-source.lock" and importlib.util.find_spec("pmesh") is None:
        pytest.skip("pmesh and mpsort are not built: a C compiler was missing")
    wanted = pins((top / lock).read_text())
    assert wanted
    for name, version in wanted:
        assert importlib.metadata.version(name) == version


def test_the_package_is_installed_from_this_checkout(top: Path) -> None:
    import mlsci

    assert Path(str(mlsci.__file__)).is_relative_to(top / "src")


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [1, 2])
def test_mpsort_sorts_across_ranks(ranks: int, tmp_path: Path) -> None:
    if importlib.util.find_spec("mpsort") is None:
        pytest.skip("mpsort is not built: a C compiler was missing")
    script = tmp_path / "sort.py"
    script.write_text(SORT.format(ranks=ranks))
    mpiexec = Path(sys.prefix) / "bin" / "mpiexec"
    result = subprocess.run(
        [str(mpiexec), "-n", str(ranks), sys.executable, str(script)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("sorted") == ranks
