"""Reads assembly back into a stream."""

from __future__ import annotations

from spikeloom.backend.assembly.instructions import InstructionReader
from spikeloom.backend.assembly.parser import INT64, TokenParser
from spikeloom.backend.assembly.tokens import TokenKind
from spikeloom.backend.stream.stream import (
    MAX_BUFFERS,
    MAX_COPIES,
    MAX_INSTRUCTIONS,
    MAX_LOOP_DEPTH,
    Stream,
    StreamBuilder,
    per_dimension,
)
from spikeloom.backend.validation.violation import violations_error
from spikeloom.backend.validation.well_formed import check_well_formed
from spikeloom.diagnostics import did_you_mean
from spikeloom.dialects.instruction_set import (
    DIMENSIONS,
    MEMORIES,
    SPECS,
    Element,
    Shape,
    buffer_bytes,
)

_STATEMENTS = ("buffer", "loop", "serial", *SPECS)


def assemble(text: str, name: str) -> Stream:
    """The stream that an assembly text spells; `name` is the file's, for messages.

    Raises a `DiagnosticError`: E0305 with file, line and column when the text cannot be read,
    E0304 when the stream that it spells is not well-formed. What the stream does is not
    looked at here: that is the validator's.
    """
    stream = _Reader(text, name).read()
    if found := check_well_formed(stream):
        raise violations_error(stream, found)
    return stream


class _Reader:
    """Reads the statements of one text."""

    def __init__(self, text: str, file: str):
        self._parser = TokenParser(text, file)
        self._builder = StreamBuilder()
        self._buffers: dict[str, int] = {}
        self._instructions = InstructionReader(self._parser, self._builder, self._buffers)
        self._depth = 0
        self._records = 0

    def read(self) -> Stream:
        """The stream that the whole text spells."""
        parser = self._parser
        parser.skip_lines()
        while parser.token.kind is not TokenKind.END:
            self._statement()
            parser.take(TokenKind.LINE_END)
            parser.skip_lines()
        if self._depth:
            raise parser.unexpected("`}`")
        return self._builder.finish()

    def _statement(self) -> None:
        parser = self._parser
        first = parser.token
        if parser.accept("buffer"):
            self._buffer()
            return
        if parser.at("serial"):
            if self._builder.serial or self._buffers or self._records:
                raise parser.fail("`serial` stands once, before everything else", first)
            parser.advance()
            self._builder.serial = True
            return
        self._records += 1
        if self._records > MAX_INSTRUCTIONS:
            raise parser.fail(f"more than {MAX_INSTRUCTIONS} instructions", first)
        if parser.accept("loop"):
            self._loop()
        elif parser.at("}"):
            if not self._depth:
                raise parser.fail("no loop is open", first)
            parser.advance()
            self._depth -= 1
            self._builder.close_loop()
        elif first.kind is TokenKind.WORD and first.text in SPECS:
            parser.advance()
            self._instructions.read(SPECS[first.text], self._depth)
        elif first.kind is TokenKind.WORD:
            help = did_you_mean(first.text, _STATEMENTS)
            raise parser.fail(f"unknown instruction `{first.text}`", first, help)
        else:
            raise parser.unexpected("an instruction")

    def _buffer(self) -> None:
        """`@name : element[shape] in memory at offset (copies n)? (role kind "subject"?)?`"""
        parser = self._parser
        name = parser.take(TokenKind.BUFFER)
        if name.value in self._buffers:
            raise parser.fail(f"buffer `{name.text}` is defined twice", name)
        if len(self._buffers) == MAX_BUFFERS:
            raise parser.fail(f"more than {MAX_BUFFERS} buffers", name)
        parser.expect(":")
        element = Element(self._choice("element", tuple(kind.value for kind in Element)))
        start = parser.expect("[")
        shape = self._shape()
        if buffer_bytes(element, shape) not in INT64:
            raise parser.fail("the buffer is too large", start)
        parser.expect("in")
        memory = self._choice("memory", MEMORIES)
        parser.expect("at")
        offset = parser.integer(INT64)
        copies = parser.integer(range(1, MAX_COPIES + 1)) if parser.accept("copies") else 1
        role = self._role() if parser.accept("role") else ("", "")
        index = self._builder.buffer(name.value, element, shape, memory, offset, role, copies)
        self._buffers[name.value] = index

    def _shape(self) -> Shape:
        parser = self._parser
        cells = [parser.integer()]
        while len(cells) < DIMENSIONS:
            parser.expect(",")
            cells.append(parser.integer())
        parser.expect("]")
        return per_dimension(cells)

    def _role(self) -> tuple[str, str]:
        parser = self._parser
        quoted = parser.token.kind is TokenKind.TEXT
        kind = parser.take(TokenKind.TEXT if quoted else TokenKind.WORD).value
        if parser.token.kind is TokenKind.TEXT:
            return (kind, parser.advance().value)
        return (kind, "")

    def _loop(self) -> None:
        """`%depth = start to stop step step (loc "...")? {`"""
        parser = self._parser
        token = parser.take(TokenKind.LOOP)
        if int(token.value) != self._depth:
            raise parser.fail(f"the loop at this depth is called `%{self._depth}`", token)
        if self._depth == MAX_LOOP_DEPTH:
            raise parser.fail(f"loops nest deeper than {MAX_LOOP_DEPTH}", token)
        parser.expect("=")
        start = parser.integer()
        parser.expect("to")
        stop = parser.integer()
        parser.expect("step")
        step = parser.integer()
        location = parser.take(TokenKind.TEXT).value if parser.accept("loc") else ""
        parser.expect("{")
        self._builder.open_loop(start, stop, step, location)
        self._depth += 1

    def _choice(self, what: str, names: tuple[str, ...]) -> str:
        token = self._parser.take(TokenKind.WORD)
        if token.text not in names:
            help = did_you_mean(token.text, names)
            raise self._parser.fail(f"unknown {what} `{token.text}`", token, help)
        return token.text
