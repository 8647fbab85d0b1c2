"""The model of traffic counts what is sent; compiled loops are kept where they should be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from mlsci.lensing.compiled import cache_folder
from mlsci.lensing.scaling import Costs, step_time, traffic

COUNTED = """
    import numpy as np
    from mpi4py import MPI
    from mlsci.lensing.forces import add_force
    from mlsci.lensing.initial import lattice
    from mlsci.lensing.mesh import Mesh

    class Counting(MPI.Intracomm):
        sent = {}

        def Split(self, *arguments):  # the ranks along one axis of a grid
            return Counting(super().Split(*arguments))

        def Alltoallv(self, give, take):
            counts = give[1][0] if isinstance(give[1], tuple) else give[1]
            kind = "particles" if isinstance(give[1], tuple) else "transforms"
            away = sum(n for rank, n in enumerate(counts) if rank != self.rank)
            self.sent[kind] = self.sent.get(kind, 0) + away * give[2].Get_size()
            super().Alltoallv(give, take)

        def Sendrecv(self, data, *others):
            self.sent["rims"] = self.sent.get("rims", 0) + data.nbytes
            super().Sendrecv(data, *others)

    comm = Counting(MPI.COMM_WORLD)
    particles = Mesh(32.0, 32, comm, "f8")
    points = lattice(particles)
    x = points + 0.7 * np.random.default_rng(comm.rank).standard_normal(points.shape)
    comm.sent.clear()
    add_force(Mesh(32.0, 64, comm, "f4", particles.grid), x, 1.0, np.zeros_like(x))
    mean = {name: comm.allreduce(value) / comm.size for name, value in comm.sent.items()}
    if comm.rank == 0:
        print(mean["transforms"], mean["rims"], mean["particles"])
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 4])
def test_traffic_is_what_is_sent(ranks: int, on_ranks: Any) -> None:
    transforms, rims, particles = map(float, on_ranks(COUNTED, ranks).split())
    model = traffic(32, 2, ranks, 4, 0.7)
    assert transforms == model.transforms
    assert rims == model.rims
    # particles that stand exactly on the border of a block leave it half of the time
    assert particles == pytest.approx(model.particles, rel=0.3)


def test_one_rank_sends_nothing() -> None:
    alone = traffic(128, 2, 1, 4, 3.0)
    assert alone.total == 0
    assert alone.messages == 0


def test_more_ranks_send_less_each_and_more_in_all() -> None:
    some = [traffic(1024, 2, ranks, 4, 5.0) for ranks in (16, 64, 256, 1024)]
    each = [one.total for one in some]
    assert each == sorted(each, reverse=True)
    in_all = [one.total * ranks for one, ranks in zip(some, (16, 64, 256, 1024))]
    assert in_all == sorted(in_all)


def test_time_is_work_when_the_network_is_free() -> None:
    free = Costs(1e-7, 1e-9, math.inf, 0.0)
    one, many = (step_time(256, 2, ranks, 4, 3.0, free) for ranks in (1, 64))
    assert one == pytest.approx(64 * many)
    slow = Costs(1e-7, 1e-9, 1e9, 1e-6)
    assert step_time(256, 2, 64, 4, 3.0, slow) > many


def test_compiled_loops_are_kept_where_the_user_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "here"))
    assert cache_folder() is not None
    assert (tmp_path / "here").is_dir()
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache_folder()
    assert folder is not None
    assert folder.is_relative_to(tmp_path / "mlsci" / "numba")
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    assert cache_folder() is None
