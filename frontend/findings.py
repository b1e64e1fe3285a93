"""The errors found so far, so that one run reports all that do not depend on each other."""

from __future__ import annotations

from spikeloom.diagnostics import Diagnostic, DiagnosticError, SourceLocation

MAX_FINDINGS = 20
"""More errors than that help nobody, and finding the nearest names takes time."""


class Findings:
    """Collects diagnostics until a stage ends."""

    def __init__(self) -> None:
        self._diagnostics: list[Diagnostic] = []
        self._count = 0
        self._noted: set[tuple[str, int, int]] = set()

    @property
    def count(self) -> int:
        """How often an error was noted."""
        return self._count

    def add(
        self, code: str, message: str, location: SourceLocation, help: str | None = None
    ) -> None:
        """Notes an error; the same one at the same place, in a block called twice, is one error.

        Raises:
            DiagnosticError: there are `MAX_FINDINGS` of them now.
        """
        self._count += 1
        key = (message, location.line, location.column)
        if key in self._noted:
            return
        self._noted.add(key)
        self._diagnostics.append(Diagnostic(code, message, location, help))
        if len(self._diagnostics) == MAX_FINDINGS:
            self.check()

    def check(self) -> None:
        """Ends a stage.

        Raises:
            DiagnosticError: anything was found, in the order of the text.
        """
        if self._diagnostics:
            raise DiagnosticError(*sorted(self._diagnostics, key=_position))


def _position(diagnostic: Diagnostic) -> tuple[int, int]:
    location = diagnostic.location
    return (0, 0) if location is None else (location.line, location.column)
