"""How large a program may be. Beyond that it is refused, before it can cost time or memory."""

from __future__ import annotations

from spikeloom.diagnostics import DiagnosticError, SourceLocation, error

MAX_BYTES = 2**20
"""Bytes of a program's text."""

MAX_NESTING = 64
"""Brackets inside brackets; keeps every recursion over a program shallow."""

MAX_TOKENS = 50_000
"""Words, numbers and signs of a program."""

MAX_STATEMENTS = 1000
"""Statements of one network or block, as written."""

MAX_OPERATIONS = 2000
"""Operations (calls and sums) of one network, those of its blocks included."""

MAX_EXPANSION = 50_000
"""Names, numbers, words and calls that all calls of blocks together expand to."""

MAX_DEPTH = 100
"""Operations inside operations, through blocks; keeps every recursion over them shallow."""

MAX_KERNEL = 255
"""Pixels along one side of a window, and between one window and the next."""

MAX_RANK = 8
"""Dimensions of a shape."""

MAX_NAME = 100
"""Characters of a name."""

MAX_TEXT = 4096
"""Characters of a text in quotes."""


def decode_program(data: bytes, filename: str) -> str:
    """The text of a program's bytes; a byte order mark is dropped.

    Raises:
        DiagnosticError: too large (E0109), or not UTF-8 (E0101).
    """
    if len(data) > MAX_BYTES:
        raise _too_large(filename)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        readable = data[: problem.start].decode("utf-8-sig", errors="replace")
        raise error(
            "E0101",
            f"the text is not UTF-8: byte 0x{data[problem.start]:02x} cannot be read",
            place_after(readable, filename),
            "save the program as UTF-8 text",
        ) from None


def check_text(text: str, filename: str) -> None:
    """Refuses a text that no program can be.

    Raises:
        DiagnosticError: too large (E0109), or with characters that are no text (E0101).
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as problem:
        raise error(
            "E0101",
            "the text holds a character that Unicode does not know",
            place_after(text[: problem.start], filename),
        ) from None
    if size > MAX_BYTES:
        raise _too_large(filename)
    if (position := text.find("\0")) >= 0:
        raise error(
            "E0101",
            "the text holds a NUL byte: this is no text file",
            place_after(text[:position], filename),
        )


def place_after(text: str, filename: str) -> SourceLocation:
    """The place of the character that follows `text`."""
    line_start = text.rfind("\n") + 1
    return SourceLocation(filename, text.count("\n") + 1, len(text) - line_start + 1)


def _too_large(filename: str) -> DiagnosticError:
    return error(
        "E0109",
        f"the program is larger than {MAX_BYTES // 1024} KiB",
        SourceLocation(filename, 1, 1),
        "data does not belong into a program; read it with data = file(...)",
    )
