"""Source locations between the IR and the diagnostics: `file:line:col` on every operation."""

from __future__ import annotations

import bisect

from xdsl.context import Context
from xdsl.dialects.builtin import (
    ArrayAttr,
    FileLineColLoc,
    FusedLoc,
    IntAttr,
    StringAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute, Operation
from xdsl.parser import Parser
from xdsl.utils.hints import isa

from spikeloom.diagnostics import SourceLocation


def location_attribute(location: SourceLocation) -> FileLineColLoc:
    """The IR's form of a source location; the marked length is not kept."""
    return FileLineColLoc(
        StringAttr(location.file), IntAttr(location.line), IntAttr(location.column)
    )


def source_location(attribute: Attribute) -> SourceLocation | None:
    """The first `file:line:col` inside a location attribute, or None."""
    if isinstance(attribute, FileLineColLoc):
        return SourceLocation(attribute.filename.data, attribute.line.data, attribute.column.data)
    if isinstance(attribute, FusedLoc):
        parts = attribute.locations
        assert isa(parts, ArrayAttr[Attribute])
        for part in parts:
            if (found := source_location(part)) is not None:
                return found
    return None


def location_of(op: Operation) -> SourceLocation | None:
    """Where an operation came from: its own location, or else that of an enclosing one."""
    current: Operation | None = op
    while current is not None:
        if (found := source_location(current.location)) is not None:
            return found
        current = current.parent_op()
    return None


def parse_located_argument(parser: Parser) -> Parser.Argument:
    """`%name: type`, and the `loc(...)` after it in a text that shows places."""
    argument = parser.parse_argument(expect_type=True)
    argument.location = parser.parse_optional_location()
    return argument


class LocatingParser(Parser):
    """xDSL's parser, which also notes where each operation stands in the text.

    xDSL 0.74 keeps only a written `loc(...)`; an operation without one gets its own place, as
    `mlir-opt` does it.
    """

    def __init__(self, context: Context, text: str, filename: str):
        super().__init__(context, text, filename)
        self._filename = filename
        self.operation_start: int | None = None
        """Where the innermost operation starts that is being parsed, or was when parsing failed."""
        self._line_starts = [0] + [i + 1 for i, c in enumerate(text) if c == "\n"]

    def parse_optional_operation(self) -> Operation | None:
        start = self._current_token.span.start
        outer, self.operation_start = self.operation_start, start
        op = super().parse_optional_operation()
        self.operation_start = outer
        if op is not None and isinstance(op.location, UnknownLoc):
            line = bisect.bisect_right(self._line_starts, start)
            column = start - self._line_starts[line - 1] + 1
            op.location = location_attribute(SourceLocation(self._filename, line, column))
        return op
