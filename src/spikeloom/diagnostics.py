"""The one way in which Spikeloom tells a user that something is wrong.

A diagnostic names the place, says what was expected and how to mend it, and ends with a
stable code. This module is a leaf: every folder may import it, and it imports none of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How much a diagnostic stops: an error ends the command, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


CODES: dict[str, str] = {
    # E01: the text of a program
    "E0101": "the text does not follow the grammar",
    "E0102": "a name is not defined",
    "E0103": "a name is defined twice",
    "E0104": "a value has the wrong type",
    "E0105": "shapes do not fit, or cannot be found out",
    "E0106": "a number lies outside its range",
    "E0107": "an argument is missing, unknown or given twice",
    "E0108": "a required part of the program is missing",
    "E0109": "the program exceeds a limit of the tool",
    "E0110": "a name is defined but never used",
    "E0111": "an operation cannot stand inside a cycle through `previous`",
    # E02: the IR and its passes
    "E0201": "the IR text cannot be parsed",
    "E0202": "the IR is not well formed",
    "E0203": "a pass or one of its options is unknown",
    "E0204": "a pass cannot handle this IR",
    "E0205": "a dataflow graph has no throughput",
    "E0206": "a dataflow graph cannot be read",
    "E0207": "a list of connections or spikes cannot be read",
    "E0208": "a pipeline does not lead to programs that can be run",
    "E0209": "IR does not hold what the command runs",
    # E03: machines and instruction streams
    "E0301": "a machine file is not valid",
    "E0302": "the machine is too small for the program",
    "E0303": "a file is not a readable .snx instruction stream",
    "E0304": "an instruction stream breaks a rule of the machine",
    "E0305": "the assembly text of an instruction stream cannot be read",
    "E0306": "a network does not fit the crossbars",
    "E0307": "the throughput that is wanted cannot be guaranteed",
    # E04: data and files
    "E0401": "a file cannot be read",
    "E0402": "a file cannot be written",
    "E0403": "the data does not fit the program",
    "E0404": "a checkpoint does not fit the program",
    "E0405": "a command line argument is not valid",
    "E0406": "training has diverged",
    "E0407": "a profile does not fit the program",
    "E0408": "a trace of arrivals and departures is not valid",
    "E0409": "the state of a chip cannot be used",
    # E06: verification by running
    "E0601": "a pass changes what the program computes",
    "E0602": "a program cannot be verified by running",
    # W: warnings
    "W0501": "a layer never spiked during a whole epoch",
    "W0502": "a layer's gradient was zero during a whole epoch",
    "W0503": "test samples are left out, because the IR has nothing to test with",
}


@dataclass(frozen=True)
class SourceLocation:
    """A place in a text: 1-based `line` and `column`; `length` characters are marked.

    `calls` are the places from which the text around it was called, the innermost first.
    """

    file: str
    line: int
    column: int
    length: int = 1
    calls: tuple[SourceLocation, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One message: what is wrong, where, and the remedy (`help`).

    `code` is one of `CODES`. `location` is None where no text is at fault (a full disk).
    """

    code: str
    message: str
    location: SourceLocation | None = None
    help: str | None = None
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        assert self.code in CODES, f"unregistered diagnostic code {self.code}"

    @property
    def headline(self) -> str:
        """The first line: `file:line:col: error: message [code]`."""
        place = f"{self.location}: " if self.location else ""
        return f"{place}{self.severity.value}: {self.message} [{self.code}]"


class DiagnosticError(Exception):
    """Ends a command with one or more diagnostics; the driver prints them and exits with 1."""

    def __init__(self, *diagnostics: Diagnostic):
        super().__init__("\n".join(d.headline for d in diagnostics))
        self.diagnostics = diagnostics


def error(
    code: str, message: str, location: SourceLocation | None = None, help: str | None = None
) -> DiagnosticError:
    """A `DiagnosticError` with a single diagnostic, ready to be raised."""
    return DiagnosticError(Diagnostic(code, message, location, help))


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` was probably meant to be, or None when nothing is close."""
    found = difflib.get_close_matches(name, sorted(candidates), n=1, cutoff=0.5)
    return found[0] if found else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A help text: the nearest candidate, or else all of them."""
    candidates = sorted(candidates)
    if (found := nearest(name, candidates)) is not None:
        return f"did you mean `{found}`?"
    return f"expected one of: {', '.join(candidates)}"


_MAX_LINE = 160
_MAX_CALLS = 5


def render(diagnostic: Diagnostic, read_line: Callable[[SourceLocation], str | None]) -> str:
    """The diagnostic as text: headline, source line with a caret, calls that led there, help.

    `read_line` returns the source line a location lies on, or None when it cannot be had.
    """
    lines = [diagnostic.headline]
    if (location := diagnostic.location) is not None:
        lines += _marked_line(location, read_line)
        for call in location.calls[:_MAX_CALLS]:
            lines += [f"  called at {call}", *_marked_line(call, read_line)]
        if (further := len(location.calls) - _MAX_CALLS) > 0:
            lines.append(f"  and so on, through {further} further calls")
    if diagnostic.help:
        lines.append(f"  help: {diagnostic.help}")
    return "\n".join(lines)


def _marked_line(
    location: SourceLocation, read_line: Callable[[SourceLocation], str | None]
) -> list[str]:
    """The source line and the caret below it; nothing when it cannot be had."""
    if (source := read_line(location)) is None:
        return []
    source = source.rstrip("\n").replace("\t", " ")
    start = location.column - 1
    # A very long line is shown as a window around the caret.
    offset = max(0, start - _MAX_LINE // 2) if len(source) > _MAX_LINE else 0
    shown = source[offset : offset + _MAX_LINE]
    width = max(1, min(location.length, len(shown) - (start - offset)))
    return [f"  {shown}", "  " + " " * (start - offset) + "^" * width]


def read_line_from_disk(location: SourceLocation) -> str | None:
    """The line a location lies on, from the file it names; None when there is no such file."""
    try:
        with open(location.file, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                if number == location.line:
                    return line
    except OSError:
        pass
    return None
