"""Traces: files of events, one per line, checked as a whole before anything is applied."""

from __future__ import annotations

from collections.abc import Sequence as ListOf
from dataclasses import dataclass

from spikeloom.admission.events import BadEvent, Event, Sequence, event_text, parse_event
from spikeloom.diagnostics import Diagnostic, DiagnosticError, SourceLocation, error

MAX_TRACE_BYTES = 64 * 2**20
MAX_SHOWN = 20
"""Bad lines that are reported at once."""


@dataclass(frozen=True)
class TraceEvent:
    """An event and the line of the trace that it stands in."""

    event: Event
    location: SourceLocation


def read_trace(path: str) -> list[TraceEvent]:
    """The events of a trace; empty lines count for nothing.

    Raises:
        DiagnosticError: the file cannot be read (E0401), or lines of it (E0408).
    """
    events: list[TraceEvent] = []
    bad: list[Diagnostic] = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        location = SourceLocation(path, number, 1)
        try:
            events.append(TraceEvent(parse_event(line), location))
        except BadEvent as problem:
            bad.append(_diagnostic(problem, location))
    _raise(bad)
    return events


def applied_before(events: ListOf[TraceEvent], history: ListOf[str]) -> int:
    """How many events at the beginning of a trace the history ends with.

    So a trace that was cut short, was run to its end, or has grown since, goes on where it stopped;
    and another trace follows after everything.
    """
    texts = [event_text(each.event) for each in events]
    for count in range(min(len(texts), len(history)), 0, -1):
        start = len(history) - count
        if history[start] == texts[0] and list(history[start:]) == texts[:count]:
            return count
    return 0


def check_sequence(events: ListOf[TraceEvent], history: ListOf[str]) -> None:
    """Whether events can follow a history.

    Raises:
        DiagnosticError: E0408 for those that cannot.
    """
    sequence = Sequence()
    for text in history:
        sequence.follow(parse_event(text))
    bad: list[Diagnostic] = []
    for each in events:
        try:
            sequence.follow(each.event)
        except BadEvent as problem:
            bad.append(_diagnostic(problem, each.location))
    _raise(bad)


def _diagnostic(problem: BadEvent, location: SourceLocation) -> Diagnostic:
    return Diagnostic("E0408", str(problem), location, problem.help)


def _raise(bad: list[Diagnostic]) -> None:
    if bad:
        raise DiagnosticError(*bad[:MAX_SHOWN])


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_TRACE_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}") from None
    if len(data) > MAX_TRACE_BYTES:
        raise error("E0401", f"`{path}` has more than {MAX_TRACE_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise error("E0408", "this is no UTF-8 text", SourceLocation(path, line, 1)) from None
