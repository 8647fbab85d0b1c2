"""Files of a run: maps as FITS images with sky coordinates, snapshots and catalogues as HDF5.

All are written under another name and renamed when complete.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlsci.lensing.lightcone import Field
from mlsci.report import files


def write_maps(
    path: Path, maps: dict[str, np.ndarray], field: Field, header: dict[str, Any] | None = None
) -> None:
    """Write maps ``(y, x)`` as images of one FITS file, each under its name.

    The world coordinates are a tangent plane about (0, 0): x runs against right ascension, as the
    sky is seen, y with declination; pixels are squares.

    Parameters
    ----------
    maps
        By name; names are kept in upper case.
    header
        Keywords of at most 8 characters and their values, for the primary header. Longer text under
        ``"settings"`` is kept as JSON in cards of HISTORY.
    """
    from astropy.io import fits
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = [0.0, 0.0]
    wcs.wcs.crpix = [(field.pixels + 1) / 2] * 2
    step = np.degrees(field.pixel)
    wcs.wcs.cdelt = [-step, step]
    primary = fits.PrimaryHDU()
    for key, value in (header or {}).items():
        if key == "settings":
            for line in _pieces(json.dumps(value, sort_keys=True), 68):
                primary.header.add_history(line)
        else:
            primary.header[key] = value
    images = []
    for name, values in maps.items():
        if values.shape != (field.pixels, field.pixels):
            raise ValueError(f"map {name} is {values.shape}, not {field.pixels} pixels square")
        kind = ">f4" if values.dtype == np.float32 else ">f8"
        images.append(fits.ImageHDU(values.astype(kind), wcs.to_header(), name=name))
    buffer = io.BytesIO()
    fits.HDUList([primary, *images]).writeto(buffer, checksum=True)
    files.write_bytes(Path(path), buffer.getvalue())


def read_maps(path: Path) -> tuple[dict[str, np.ndarray], Field, dict[str, Any]]:
    """Return the maps by name, their field, and the primary header of a file by `write_maps`.

    Raises
    ------
    ValueError
        For a file without maps of one field.
    """
    from astropy.io import fits

    with fits.open(path, checksum=True, memmap=False) as opened:
        images = [hdu for hdu in opened[1:] if hdu.header.get("NAXIS") == 2]
        sizes = {(*hdu.data.shape, hdu.header["CDELT2"]) for hdu in images}
        if len(sizes) != 1:
            raise ValueError(f"{path} does not hold maps of one field")
        pixels, _, step = sizes.pop()
        maps = {hdu.name: hdu.data.astype(hdu.data.dtype.newbyteorder("=")) for hdu in images}
        primary = opened[0].header
        header: dict[str, Any] = {
            key: primary[key] for key in primary if key not in _STRUCTURE and key
        }
        text = "".join(str(line).ljust(68) for line in primary.get("HISTORY", []))
        if text:
            header["settings"] = json.loads(text)
        # Pixels are even in angle, to the digits of the header.
        return maps, Field(float(np.radians(step)) * pixels, pixels), header


_STRUCTURE = {"SIMPLE", "BITPIX", "NAXIS", "EXTEND", "CHECKSUM", "DATASUM", "HISTORY"}


def _pieces(text: str, size: int) -> list[str]:
    # No piece may end with a space: FITS drops it.
    return [text[i : i + size] for i in range(0, len(text), size)]


def write_catalogues(
    path: Path, catalogues: dict[str, dict[str, np.ndarray]], header: dict[str, Any]
) -> None:
    """Write catalogues, each a group of columns of equal length, into one HDF5 file.

    Parameters
    ----------
    header
        Attributes of the file: numbers and texts.
    """
    import h5py

    part = path.with_name(f".{path.name}.part")
    with h5py.File(part, "w") as file:
        file.attrs.update(header)
        for name, columns in catalogues.items():
            for column, values in columns.items():
                file.create_dataset(f"{name}/{column}", data=values)
    part.replace(path)


def read_catalogues(path: Path) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    """Return the catalogues by name, each its columns, and the attributes of their file."""
    import h5py

    with h5py.File(path, "r") as file:
        found = {
            name: {column: values[()] for column, values in group.items()}
            for name, group in file.items()
        }
        return found, dict(file.attrs)


@dataclass
class Snapshot:
    """Particles of the lattice at one time, and what the light cone has collected until then.

    `x` and `p` ``(n, 3)`` are those of the reading rank; `sums` are whole, by name.
    """

    a: float
    x: np.ndarray
    p: np.ndarray
    sums: dict[str, np.ndarray]
    settings: dict[str, Any]


def write_snapshot(
    path: Path, snapshot: Snapshot, start: tuple[int, ...], shape: tuple[int, ...],
    cells: int, comm: Any,
) -> None:  # fmt: skip
    """Write a snapshot, of all ranks together, as one HDF5 file in the order of the lattice.

    Ranks write in turn, so that HDF5 need not know of MPI, and the file fits any number of ranks.

    Parameters
    ----------
    snapshot
        With this rank's particles; the sums of rank 0 are kept.
    start, shape
        Of this rank's block of the lattice.
    cells
        Particles along a side.
    comm
        Communicator of the ranks.
    """
    import h5py

    path = Path(path)
    part = path.with_name(f".{path.name}.part")
    block = tuple(slice(first, first + size) for first, size in zip(start, shape))
    for rank in range(comm.size):
        if comm.rank == rank:
            with h5py.File(part, "w" if rank == 0 else "r+") as file:
                if rank == 0:
                    file.attrs["a"] = snapshot.a
                    file.attrs["settings"] = json.dumps(snapshot.settings, sort_keys=True)
                    file.attrs["units"] = "x: comoving Mpc/h; p: a^3 E(a) dx/da in Mpc/h"
                    for name in ("x", "p"):
                        file.create_dataset(name, (cells, cells, cells, 3), "f8")
                    for name, values in snapshot.sums.items():
                        file.create_dataset(f"sums/{name}", data=values)
                file["x"][block] = snapshot.x.reshape(*shape, 3)
                file["p"][block] = snapshot.p.reshape(*shape, 3)
            if rank == comm.size - 1:
                with part.open("rb+") as stream:
                    os.fsync(stream.fileno())
                part.replace(path)
        comm.barrier()


def read_snapshot(
    path: Path, start: tuple[int, ...] | None = None, shape: tuple[int, ...] | None = None
) -> Snapshot:
    """Return a snapshot, or a rank's block of it.

    Parameters
    ----------
    start, shape
        Of the block of the lattice; None for all.

    Raises
    ------
    ValueError
        For a file that is no snapshot.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            block: tuple[slice, ...] = (slice(None),) * 3
            if start is not None and shape is not None:
                block = tuple(slice(first, first + size) for first, size in zip(start, shape))
            x, p = (file[name][block].reshape(-1, 3) for name in ("x", "p"))
            sums = {name: values[()] for name, values in file["sums"].items()}
            return Snapshot(float(file.attrs["a"]), x, p, sums, json.loads(file.attrs["settings"]))
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is not a snapshot of this program: {error}") from error
