"""The IDX format of MNIST: a magic number, the dimensions, then the raw bytes.

The magic number is two zero bytes, one byte for the type (8: unsigned byte, the only one
that our data sets use) and one for the number of dimensions; each dimension follows as a
big-endian 32-bit integer, then the values in C order.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 8


class IdxError(ValueError):
    """Bytes that are not what they should be; the message is the cause alone."""


def unpack(path: Path) -> bytes:
    """Read a file and decompress it if its first bytes say that it is gzipped.

    The name is not trusted: some servers and browsers decompress `.gz` files on the way.

    Parameters
    ----------
    path : Path
        A file, gzipped or not.

    Returns
    -------
    bytes
        The decompressed content.

    Raises
    ------
    IdxError
        If the gzip stream is truncated or corrupted.
    """
    stored = path.read_bytes()
    if not stored.startswith(GZIP_MAGIC):
        return stored
    try:
        return gzip.decompress(stored)
    except EOFError:
        raise IdxError(
            f"truncated: its gzip stream breaks off after {len(stored):,} bytes"
        ) from None
    except (OSError, zlib.error) as error:
        raise IdxError(f"corrupted: not a valid gzip stream ({error})") from None


def decode(content: bytes) -> NDArray[np.uint8]:
    """Read an array of unsigned bytes from (decompressed) IDX content.

    Parameters
    ----------
    content : bytes
        The whole content of an IDX file.

    Returns
    -------
    ndarray of uint8
        A read-only view of `content`: nothing is copied.

    Raises
    ------
    IdxError
        If the magic number, the dimensions or the length are wrong.
    """
    if len(content) < 4:
        raise IdxError(f"truncated: {len(content)} bytes are too short for an IDX file")
    magic = content[:4]
    if magic[:2] != b"\0\0":
        raise IdxError(f"not an IDX file: it begins with {magic.hex(' ')}, not with 00 00")
    if magic[2] != UNSIGNED_BYTE:
        raise IdxError(f"wrong magic number {magic.hex(' ')}: its values are not unsigned bytes")
    ndim = magic[3]
    start = 4 + 4 * ndim
    if len(content) < start:
        raise IdxError(f"truncated: it ends within the header of its {ndim} dimensions")
    shape = struct.unpack(f">{ndim}I", content[4:start])
    expected = start + math.prod(shape)
    if len(content) != expected:
        state = "truncated" if len(content) < expected else "too long"
        dims = " x ".join(map(str, shape))
        raise IdxError(f"{state}: {len(content):,} bytes, where {dims} values take {expected:,}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def encode(values: NDArray[np.uint8]) -> bytes:
    """Write an array of unsigned bytes as (uncompressed) IDX content.

    Parameters
    ----------
    values : ndarray of uint8
        Up to 255 dimensions in the format, of less than 2**32 each.

    Returns
    -------
    bytes
        The content of an IDX file.
    """
    if values.dtype != np.uint8:
        raise TypeError(f"IDX content is written from uint8 values only, not from {values.dtype}")
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, UNSIGNED_BYTE, values.ndim, *values.shape)
    return header + values.tobytes()
