"""A broken rule, and where it stands."""

from __future__ import annotations

import json
from dataclasses import dataclass

from spikeloom.backend.stream.stream import Stream
from spikeloom.diagnostics import Diagnostic, DiagnosticError

MAX_REPORTED = 10


@dataclass(frozen=True)
class Violation:
    """What is broken (`message`, with limit and value) and the record that breaks it."""

    message: str
    record: int | None = None


def assembly_line(stream: Stream, record: int) -> int:
    """The 1-based line of a record in the stream's assembly: one line per buffer and record."""
    count = len(stream.buffers)
    return record + 1 + (count + 1 if count else 0)


def violations_error(stream: Stream, violations: list[Violation]) -> DiagnosticError:
    """A `DiagnosticError` (E0304) with the first violations."""
    shown = violations[:MAX_REPORTED]
    return DiagnosticError(*(Diagnostic("E0304", _text(stream, broken)) for broken in shown))


def spell_text(text: str) -> str:
    """The text in quotes, with everything that does not print escaped."""
    return json.dumps(text)


def _text(stream: Stream, violation: Violation) -> str:
    # The location stays text: a stream from elsewhere must not choose files to be opened.
    if violation.record is None:
        return violation.message
    record = violation.record
    number: int = stream.instructions["location"][record].item()
    location = stream.locations[number] if number < len(stream.locations) else ""
    line = assembly_line(stream, record)
    place = f"assembly line {line}" + (f", {spell_text(location)}" if location else "")
    return f"instruction {record} ({place}): {violation.message}"
