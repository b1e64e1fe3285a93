"""Reads the stream sections of a `.snx` file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.snx.cursor import Cursor
from spikeloom.backend.snx.layout import (
    BUFFER_COLUMNS,
    COUNTS,
    INSTRUCTION_COLUMNS,
    LAYER_INDEX,
    TEXT_LENGTH,
    Column,
)
from spikeloom.backend.stream.stream import (
    BUFFER_DTYPE,
    INSTRUCTION_DTYPE,
    MAX_BUFFERS,
    MAX_INSTRUCTIONS,
    MAX_TEXT_BYTES,
    Stream,
)


def decode_stream(cursor: Cursor) -> Stream:
    """The stream in a section; a `DiagnosticError` (E0303) when the section is malformed.

    What the numbers mean is not looked at here: that is the validator's.
    """
    start = cursor.position
    counts = cursor.unpack(COUNTS, "the counts of a stream")
    buffers, instructions, locations, layers, serial = counts
    limits = (
        ("buffers", buffers, MAX_BUFFERS),
        ("instructions", instructions, MAX_INSTRUCTIONS),
        ("locations", locations, MAX_INSTRUCTIONS + 1),
        ("layers", layers, instructions),
        ("as the mark of a serial stream", serial, 1),
    )
    for what, count, limit in limits:
        if count > limit:
            raise cursor.fail(f"{count} {what}, the limit is {limit}", start)
    names = _read_texts(cursor, buffers, "a buffer's name")
    kinds = _read_texts(cursor, buffers, "a role's kind")
    subjects = _read_texts(cursor, buffers, "a role's subject")
    location_table = _read_texts(cursor, locations, "a location")
    layer_table = _read_texts(cursor, layers, "a layer's name")
    buffer_rows = _read_columns(cursor, buffers, BUFFER_COLUMNS, BUFFER_DTYPE)
    instruction_rows = _read_columns(cursor, instructions, INSTRUCTION_COLUMNS, INSTRUCTION_DTYPE)
    layer_names = _read_layers(cursor, instructions, layer_table)
    cursor.finish("a stream section")
    roles = tuple(zip(kinds, subjects, strict=True))
    tables = (buffer_rows, instruction_rows)
    return Stream(*tables, names, roles, location_table, layer_names, bool(serial))


def _read_texts(cursor: Cursor, count: int, what: str) -> tuple[str, ...]:
    texts: list[str] = []
    for _ in range(count):
        at = cursor.position
        (length,) = cursor.unpack(TEXT_LENGTH, f"the length of {what}")
        if length > MAX_TEXT_BYTES:
            raise cursor.fail(f"{what} of {length} bytes, the limit is {MAX_TEXT_BYTES}", at)
        texts.append(cursor.text(length, what))
    return tuple(texts)


def _read_columns(
    cursor: Cursor, count: int, columns: Sequence[Column], dtype: np.dtype[np.void]
) -> NDArray[np.void]:
    needed = count * sum(column.row_bytes for column in columns)
    if needed > cursor.remaining:
        raise cursor.fail(f"the columns need {needed} bytes, only {cursor.remaining} are left")
    rows = np.zeros(count, dtype=dtype)
    for column in columns:
        data = cursor.take(count * column.row_bytes, f"column `{column.name}`")
        rows[column.name] = np.frombuffer(data, column.element).reshape(count, *column.shape)
    return rows


def _read_layers(cursor: Cursor, count: int, table: tuple[str, ...]) -> tuple[str, ...]:
    """The layer of every instruction; the table lists each once, in order of first use."""
    at = cursor.position
    data = cursor.take(count * LAYER_INDEX.itemsize, "the column of layers")
    column = np.frombuffer(data, LAYER_INDEX)
    first_uses = np.unique(column, return_index=True)[1]
    in_order = np.array_equal(column[np.sort(first_uses)], np.arange(len(table)))
    if not in_order or len(set(table)) != len(table):
        raise cursor.fail("the layers are not numbered in the order of their first use", at)
    indices: list[int] = column.tolist()
    return tuple(table[index] for index in indices)
