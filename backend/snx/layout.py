"""The layout that the `.snx` writer and reader share."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from spikeloom.backend.stream.stream import BUFFER_DTYPE, INSTRUCTION_DTYPE

MAGIC = b"SPIKELOOM\x00SNX\r\n\x1a"
"""The end shows when a transfer has mangled line ends."""
VERSION = 6
"""Version 1 had buffers of three dimensions and slices without scales, version 2 no windows,
version 3 neither copies of buffers nor serial streams, version 4 one instance of every engine,
version 5 all labels in one row."""
MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_SECTIONS = 64

HEADER = struct.Struct("<16sIIQ")
"""Magic, version, number of sections, bytes of the whole file; a sha256 follows."""
ENTRY = struct.Struct("<II64sQQ32s")
"""Kind, zero, name padded with zeros, offset, bytes, sha256 of the section."""
COUNTS = struct.Struct("<IIIII")
"""What a stream section begins with: buffers, instructions, locations, layer names, and whether
the stream is serial (1) or not (0)."""
TEXT_LENGTH = struct.Struct("<H")
DIGEST_BYTES = 32
TABLE_OFFSET = HEADER.size + DIGEST_BYTES
LAYER_INDEX = np.dtype("<u4")


class SectionKind(IntEnum):
    """What a section holds. Metadata and machine appear once, in this order, nameless."""

    METADATA = 1
    MACHINE = 2
    STREAM = 3


@dataclass(frozen=True)
class Column:
    """One field of a structured array, stored as an array of its own.

    Attributes:
        name: the field.
        element: little-endian dtype of one number.
        shape: numbers per row, `()` for a single one.
        row_bytes: bytes per row.
    """

    name: str
    element: np.dtype[np.generic]
    shape: tuple[int, ...]
    row_bytes: int


def columns_of(dtype: np.dtype[np.void]) -> tuple[Column, ...]:
    """The columns of a structured dtype, in its field order."""
    found: list[Column] = []
    for name in dtype.names or ():
        field = dtype[name]
        found.append(Column(name, field.base, field.shape, field.itemsize))
    return tuple(found)


BUFFER_COLUMNS = columns_of(BUFFER_DTYPE)
INSTRUCTION_COLUMNS = columns_of(INSTRUCTION_DTYPE)


def digest(*parts: bytes | memoryview) -> bytes:
    """The sha256 of the parts, one behind the other."""
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return state.digest()
