"""Reads `.snx` files: the container with its sections and checksums."""

from __future__ import annotations

import os
from dataclasses import dataclass

from spikeloom.backend.snx.cursor import Cursor
from spikeloom.backend.snx.decode_stream import decode_stream
from spikeloom.backend.snx.image import Image
from spikeloom.backend.snx.layout import (
    DIGEST_BYTES,
    ENTRY,
    HEADER,
    MAGIC,
    MAX_FILE_BYTES,
    MAX_SECTIONS,
    TABLE_OFFSET,
    VERSION,
    SectionKind,
    digest,
)
from spikeloom.backend.stream.stream import Stream
from spikeloom.diagnostics import error


@dataclass(frozen=True)
class _Section:
    kind: int
    name: str
    offset: int
    length: int


def read_image(path: str | os.PathLike[str]) -> Image:
    """Reads a `.snx` file.

    Raises a `DiagnosticError`: E0401 when the file cannot be read, E0303 when it is not a
    readable image.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as cause:
        reason = cause.strerror if isinstance(cause, OSError) else None
        raise error("E0401", f"cannot read `{path}`: {reason or cause}") from None
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> Image:
    """The image in the bytes of a `.snx` file.

    `name` is the file's, for messages. Raises a `DiagnosticError` (E0303) that names the
    offending byte offset; the memory used is bounded by the size of `data`.
    """
    sections = _read_table(data, name)
    for section in sections[:2]:
        if section.name:
            raise _cursor(data, name, section).fail("metadata and machine have no name")
    streams: list[tuple[str, Stream]] = []
    seen: set[str] = set()
    for section in sections[2:]:
        cursor = _cursor(data, name, section)
        if not section.name or section.name in seen:
            raise cursor.fail(f"a stream needs a name of its own, not {section.name!r}")
        seen.add(section.name)
        streams.append((section.name, decode_stream(cursor)))
    metadata, machine = (
        _cursor(data, name, section).text(section.length, what)
        for section, what in zip(sections, ("the metadata", "the machine"), strict=False)
    )
    return Image(metadata, machine, tuple(streams))


def _cursor(data: bytes, name: str, section: _Section) -> Cursor:
    return Cursor(data, name, section.offset, section.offset + section.length)


def _read_table(data: bytes, name: str) -> list[_Section]:
    """The section table, with the header, the table and every checksum checked."""
    cursor = Cursor(data, name, 0, len(data))
    if len(data) > MAX_FILE_BYTES:
        raise cursor.fail(f"the file is larger than {MAX_FILE_BYTES} bytes", MAX_FILE_BYTES)
    if bytes(data[: len(MAGIC)]) != MAGIC:
        raise cursor.fail("not a .snx file: it does not begin with the magic bytes")
    header = cursor.take(HEADER.size, "the header")
    _, version, count, size = HEADER.unpack(header)
    if version != VERSION:
        message = f"format version {version}, this release reads {VERSION}"
        if version < VERSION:
            message += ": compile the program again"
        raise cursor.fail(message, len(MAGIC))
    if size != len(data):
        raise cursor.fail(f"the header says {size} bytes, the file has {len(data)}", 24)
    if not 2 <= count <= MAX_SECTIONS:
        raise cursor.fail(f"{count} sections, expected 2 to {MAX_SECTIONS}", 20)
    checksum = cursor.take(DIGEST_BYTES, "the checksum of the section table")
    table = cursor.take(count * ENTRY.size, "the section table")
    if digest(header, table) != bytes(checksum):
        raise cursor.fail("the checksum of header and section table is wrong", HEADER.size)
    sections: list[_Section] = []
    expected = cursor.position
    entries = Cursor(data, name, TABLE_OFFSET, expected)
    for index in range(count):
        section = _read_entry(data, entries, index, expected)
        sections.append(section)
        expected += section.length
    if expected != len(data):
        raise cursor.fail(f"{len(data) - expected} bytes behind the last section", expected)
    return sections


def _read_entry(data: bytes, cursor: Cursor, index: int, expected: int) -> _Section:
    """One entry of the table; its section has to begin at byte `expected`."""
    at = cursor.position
    entry = cursor.take(ENTRY.size, "an entry of the section table")
    kind, reserved, padded, offset, length, checksum = ENTRY.unpack(entry)
    kinds = (SectionKind.METADATA, SectionKind.MACHINE)
    wanted = kinds[index] if index < len(kinds) else SectionKind.STREAM
    if kind != wanted:
        message = f"section {index} is of kind {kind}, expected {wanted} ({wanted.name.lower()})"
        raise cursor.fail(message, at)
    stripped = bytes(padded).rstrip(b"\x00")
    if reserved or b"\x00" in stripped:
        raise cursor.fail(f"the entry of section {index} has stray bytes", at + 4)
    try:
        name = stripped.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise cursor.fail("a section's name is not UTF-8", at + 8 + cause.start) from None
    if offset != expected or length > len(data) - expected:
        message = f"section {index} lies at {offset} with {length} bytes, expected at {expected}"
        raise cursor.fail(f"{message} of {len(data)}", at + 72)
    if digest(memoryview(data)[offset : offset + length]) != checksum:
        raise cursor.fail(f"the checksum of section {index} is wrong", offset)
    return _Section(kind, name, offset, length)
