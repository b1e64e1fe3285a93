"""What every command does the same way: diagnostics, exit codes, interruptions, broken pipes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from spikeloom.diagnostics import (
    Diagnostic,
    DiagnosticError,
    SourceLocation,
    read_line_from_disk,
    render,
)

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

TRACEBACK_VARIABLE = "SPIKELOOM_TRACEBACK"
"""Set to 1, an internal error shows where it happened."""


def show(diagnostic: Diagnostic, texts: Mapping[str, str] | None = None) -> None:
    """Prints a diagnostic to standard error; `texts` are sources that no file holds, by name."""

    def read_line(location: SourceLocation) -> str | None:
        if texts is not None and location.file in texts:
            lines = texts[location.file].split("\n", location.line)
            return lines[location.line - 1] if location.line <= len(lines) else None
        return read_line_from_disk(location)

    print(_printable(render(diagnostic, read_line)), file=sys.stderr)


def guarded(command: Callable[[], int], texts: Mapping[str, str] | None = None) -> int:
    """Runs a command and returns its exit code; whatever goes wrong ends in a short message."""
    try:
        code = command()
        sys.stdout.flush()
        return code
    except DiagnosticError as problem:
        for diagnostic in problem.diagnostics:
            show(diagnostic, texts)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _silence_standard_output()
        return EXIT_BROKEN_PIPE
    except MemoryError:
        show(Diagnostic("E0302", "this computer has not enough memory for the program"))
        return EXIT_ERROR
    except Exception as problem:
        if os.environ.get(TRACEBACK_VARIABLE) == "1":
            raise
        words = " ".join(f"{type(problem).__name__}: {problem}".split())
        print(f"internal error: {_printable(words[:500])}", file=sys.stderr)
        print(f"  please report it; {TRACEBACK_VARIABLE}=1 shows where", file=sys.stderr)
        return EXIT_INTERNAL


def _printable(text: str) -> str:
    """The text without control characters and without what the terminal cannot encode."""
    shown = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    encoding = sys.stderr.encoding or "utf-8"
    return shown.encode(encoding, errors="replace").decode(encoding)


def _silence_standard_output() -> None:
    """Lets the interpreter's own flush at exit find an open file."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return
