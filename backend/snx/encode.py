"""Writes `.snx` files."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.snx.image import Image
from spikeloom.backend.snx.layout import (
    BUFFER_COLUMNS,
    COUNTS,
    ENTRY,
    HEADER,
    INSTRUCTION_COLUMNS,
    LAYER_INDEX,
    MAGIC,
    MAX_FILE_BYTES,
    MAX_SECTIONS,
    TABLE_OFFSET,
    TEXT_LENGTH,
    VERSION,
    Column,
    SectionKind,
    digest,
)
from spikeloom.backend.stream.stream import MAX_BUFFERS, MAX_INSTRUCTIONS, MAX_TEXT_BYTES, Stream
from spikeloom.diagnostics import DiagnosticError, error


def write_image(path: str | os.PathLike[str], image: Image) -> None:
    """Writes the image to a `.snx` file, wholly or not at all; errors are E0402."""
    write_atomically(path, encode_image(image))


def encode_image(image: Image) -> bytes:
    """The bytes of a `.snx` file; a `DiagnosticError` (E0402) when a limit is exceeded."""
    sections = [
        (SectionKind.METADATA, b"", _utf8(image.metadata, "the metadata")),
        (SectionKind.MACHINE, b"", _utf8(image.machine, "the machine description")),
    ]
    for name, stream in image.streams:
        sections.append((SectionKind.STREAM, _stream_name(name), _encode_stream(name, stream)))
    if len(set(image.names)) != len(image.names):
        raise _refusal("two streams have the same name")
    if len(sections) > MAX_SECTIONS:
        raise _refusal(f"{len(sections)} sections, the limit is {MAX_SECTIONS}")
    entries: list[bytes] = []
    offset = TABLE_OFFSET + len(sections) * ENTRY.size
    for kind, name, payload in sections:
        entries.append(ENTRY.pack(kind, 0, name, offset, len(payload), digest(payload)))
        offset += len(payload)
    if offset > MAX_FILE_BYTES:
        raise _refusal(f"{offset} bytes, the limit is {MAX_FILE_BYTES}")
    table = b"".join(entries)
    header = HEADER.pack(MAGIC, VERSION, len(sections), offset)
    return b"".join(
        [header, digest(header, table), table, *(payload for _, _, payload in sections)]
    )


def _encode_stream(name: str, stream: Stream) -> bytes:
    _check_counts(name, stream)
    layer_names = tuple(dict.fromkeys(stream.layers))
    index = {layer: number for number, layer in enumerate(layer_names)}
    layer_column = np.array([index[layer] for layer in stream.layers], dtype=LAYER_INDEX)
    counts = (stream.buffers, stream.instructions, stream.locations, layer_names)
    kinds = [kind for kind, _ in stream.buffer_roles]
    subjects = [subject for _, subject in stream.buffer_roles]
    return b"".join(
        [
            COUNTS.pack(*(len(part) for part in counts), int(stream.serial)),
            *(_encode_texts(t) for t in (stream.buffer_names, kinds, subjects)),
            *(_encode_texts(t) for t in (stream.locations, layer_names)),
            *_encode_columns(stream.buffers, BUFFER_COLUMNS),
            *_encode_columns(stream.instructions, INSTRUCTION_COLUMNS),
            layer_column.tobytes(),
        ]
    )


def _check_counts(name: str, stream: Stream) -> None:
    """Refuses a stream beyond the limits, or whose tables do not belong together."""
    limits = (
        ("buffers", len(stream.buffers), MAX_BUFFERS),
        ("instructions", len(stream.instructions), MAX_INSTRUCTIONS),
        ("locations", len(stream.locations), MAX_INSTRUCTIONS + 1),
    )
    for what, count, limit in limits:
        if count > limit:
            raise _refusal(f"stream `{name}` has {count} {what}, the limit is {limit}")
    pairs = (
        ("buffer names", len(stream.buffer_names), len(stream.buffers)),
        ("buffer roles", len(stream.buffer_roles), len(stream.buffers)),
        ("layers", len(stream.layers), len(stream.instructions)),
    )
    for what, count, expected in pairs:
        if count != expected:
            raise _refusal(f"stream `{name}` has {count} {what}, expected {expected}")


def _encode_texts(texts: Sequence[str]) -> bytes:
    parts: list[bytes] = []
    for text in texts:
        data = _utf8(text, "a name")
        if len(data) > MAX_TEXT_BYTES:
            raise _refusal(f"a name of {len(data)} bytes, the limit is {MAX_TEXT_BYTES}")
        parts += [TEXT_LENGTH.pack(len(data)), data]
    return b"".join(parts)


def _encode_columns(rows: NDArray[np.void], columns: Sequence[Column]) -> list[bytes]:
    return [rows[column.name].astype(column.element).tobytes() for column in columns]


def _stream_name(name: str) -> bytes:
    data = _utf8(name, "a stream's name")
    if not 0 < len(data) <= 64 or b"\x00" in data:
        raise _refusal(f"a stream's name needs 1 to 64 bytes without zeros, not {name!r}")
    return data


def _utf8(text: str, what: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise _refusal(f"{what} holds characters that UTF-8 cannot encode") from None


def _refusal(message: str) -> DiagnosticError:
    return error("E0402", f"the image does not fit into a .snx file: {message}")
