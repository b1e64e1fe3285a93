"""Source locations between the IR and the diagnostics: `file:line:col` on every operation."""

from __future__ import annotations

import bisect
from dataclasses import replace
from functools import lru_cache

from xdsl.context import Context
from xdsl.dialects.builtin import (
    ArrayAttr,
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    IntAttr,
    LocationAttr,
    StringAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute, Operation
from xdsl.parser import Parser
from xdsl.utils.hints import isa

from spikeloom.diagnostics import SourceLocation


def location_attribute(location: SourceLocation) -> LocationAttr:
    """The IR's form of a source location; the marked length is not kept."""
    place = FileLineColLoc(
        StringAttr(location.file), IntAttr(location.line), IntAttr(location.column)
    )
    if not location.calls:
        return place
    caller, *outer = location.calls
    return CallSiteLoc(place, location_attribute(replace(caller, calls=tuple(outer))))


# Many instructions share the location of one operation.
@lru_cache(maxsize=1024)
def source_location(attribute: Attribute) -> SourceLocation | None:
    """The first `file:line:col` inside a location attribute, with its calls, or None."""
    if isinstance(attribute, FileLineColLoc):
        return SourceLocation(attribute.filename.data, attribute.line.data, attribute.column.data)
    if isinstance(attribute, CallSiteLoc):
        callee, caller = source_location(attribute.callee), source_location(attribute.caller)
        if callee is None or caller is None:
            return callee
        return replace(callee, calls=(*callee.calls, replace(caller, calls=()), *caller.calls))
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
