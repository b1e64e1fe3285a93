"""Reads bytes in order; every length is checked before it is used."""

from __future__ import annotations

import struct

from spikeloom.diagnostics import DiagnosticError, error


class Cursor:
    """A position in the bytes of a file, bounded by `end`.

    Every method raises a `DiagnosticError` (E0303) that names the file, the byte offset and
    what was expected there.
    """

    def __init__(self, data: bytes, file: str, start: int, end: int):
        self._data = memoryview(data)
        self._file = file
        self._end = end
        self.position = start

    @property
    def remaining(self) -> int:
        """Bytes between the position and the end."""
        return self._end - self.position

    def fail(self, message: str, offset: int | None = None) -> DiagnosticError:
        """The error to raise for the bytes at `offset` (without one, at the position)."""
        where = self.position if offset is None else offset
        return error("E0303", f"{self._file}: byte {where}: {message}")

    def take(self, count: int, what: str) -> memoryview:
        """The next `count` bytes."""
        if count > self.remaining:
            raise self.fail(f"{what} needs {count} bytes, only {self.remaining} are left")
        start = self.position
        self.position += count
        return self._data[start : self.position]

    def unpack(self, layout: struct.Struct, what: str) -> tuple[int, ...]:
        """The next numbers, in this layout of integers."""
        return layout.unpack(self.take(layout.size, what))

    def text(self, count: int, what: str) -> str:
        """The next `count` bytes as strict UTF-8."""
        start = self.position
        data = bytes(self.take(count, what))
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as cause:
            raise self.fail(f"{what} is not UTF-8", start + cause.start) from None

    def finish(self, what: str) -> None:
        """Checks that nothing is left."""
        if self.remaining:
            raise self.fail(f"{self.remaining} bytes too many in {what}")
