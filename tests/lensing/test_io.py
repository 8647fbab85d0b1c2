"""Files of maps and snapshots: what is written comes back, or is not there."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from mpi4py import MPI

from mlsci.lensing import io
from mlsci.lensing.lightcone import Field

FIELD = Field(np.radians(2.0), 20)


def test_maps_come_back(tmp_path):
    rng = np.random.default_rng(0)
    maps = {"KAPPA_0": rng.standard_normal((20, 20)),
            "GAMMA": rng.standard_normal((20, 20)).astype("f4")}  # fmt: skip
    settings = {"text": "a " * 200, "number": 3}
    io.write_maps(tmp_path / "maps.fits", maps, FIELD, {"SEED": 3, "settings": settings})
    got, field, header = io.read_maps(tmp_path / "maps.fits")
    assert list(got) == list(maps)
    for name, values in maps.items():
        np.testing.assert_array_equal(got[name], values)
        assert got[name].dtype == values.dtype
    assert field.pixels == 20
    assert field.width == pytest.approx(FIELD.width)
    assert header["SEED"] == 3
    assert header["settings"] == settings
    assert [path.name for path in tmp_path.iterdir()] == ["maps.fits"]


def test_world_coordinates_are_angles_from_the_centre(tmp_path):
    io.write_maps(tmp_path / "maps.fits", {"KAPPA": np.zeros((20, 20))}, FIELD)
    with fits.open(tmp_path / "maps.fits") as opened:
        opened.verify("exception")
        wcs = WCS(opened["KAPPA"].header)
    assert wcs.pixel_to_world_values(9.5, 9.5) == pytest.approx((0, 0))
    # The tangent plane: a pixel's angle is its offset's arc tangent.
    ra, dec = wcs.pixel_to_world_values(9.5, 19)
    assert np.tan(np.radians(dec)) == pytest.approx(9.5 * FIELD.pixel)
    assert ra == pytest.approx(0)
    ra, _ = wcs.pixel_to_world_values(19, 9.5)
    assert ra == pytest.approx(360 - np.degrees(np.arctan(9.5 * FIELD.pixel)))


def test_maps_of_another_size_are_refused_and_leave_nothing(tmp_path):
    with pytest.raises(ValueError, match="pixels square"):
        io.write_maps(tmp_path / "maps.fits", {"KAPPA": np.zeros((3, 3))}, FIELD)
    assert not list(tmp_path.iterdir())


def snapshot(cells=4):
    rng = np.random.default_rng(1)
    x, p = rng.standard_normal((2, cells**3, 3))
    return io.Snapshot(0.5, x, p, {"sources-maps": rng.standard_normal((5, 5, 2))}, {"seed": 1})


def test_snapshots_come_back_whole_and_in_blocks(tmp_path):
    kept, path = snapshot(), tmp_path / "step.h5"
    io.write_snapshot(path, kept, (0, 0, 0), (4, 4, 4), 4, MPI.COMM_SELF)
    got = io.read_snapshot(path)
    assert (got.a, got.settings) == (0.5, {"seed": 1})
    np.testing.assert_array_equal(got.x, kept.x)
    np.testing.assert_array_equal(got.p, kept.p)
    np.testing.assert_array_equal(got.sums["sources-maps"], kept.sums["sources-maps"])
    part = io.read_snapshot(path, (1, 2, 0), (3, 2, 4))
    np.testing.assert_array_equal(part.x, kept.x.reshape(4, 4, 4, 3)[1:, 2:].reshape(-1, 3))
    assert [file.name for file in tmp_path.iterdir()] == ["step.h5"]


def test_a_file_cut_short_is_no_snapshot(tmp_path):
    path = tmp_path / "step.h5"
    io.write_snapshot(path, snapshot(), (0, 0, 0), (4, 4, 4), 4, MPI.COMM_SELF)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="not a snapshot"):
        io.read_snapshot(path)
    with pytest.raises(ValueError, match="not a snapshot"):
        io.read_snapshot(tmp_path / "none.h5")
