"""Reading IR text that nobody vouches for: any text ends in a module or in a diagnostic.

xDSL 0.74 takes exponential time on an unterminated string, runs out of stack on deep nesting,
asks for gigabytes for a wide integer type or a large splat, and lets exceptions of its own
workings escape. The limits and the boundary here keep all that from a user.
"""

from __future__ import annotations

import math
import re

from xdsl.context import Context
from xdsl.dialects.builtin import (
    AnyDenseElement,
    DenseIntOrFPElementsAttr,
    ModuleOp,
    RankedStructure,
)
from xdsl.parser.generic_parser import ParserState
from xdsl.utils.exceptions import ParseError
from xdsl.utils.lexer import Input
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRToken, MLIRTokenKind, StringLiteral

from spikeloom.diagnostics import DiagnosticError, SourceLocation, error, nearest
from spikeloom.dialects.locations import LocatingParser

MAX_INPUT_BYTES = 64 * 2**20
MAX_NESTING = 64
MAX_INTEGER_WIDTH = 2**24 - 1
"""Bits; MLIR's own limit."""
MAX_CONSTANT_ELEMENTS = 2**23
"""xDSL writes a splat out in full; no more elements than a text of the largest size can hold."""

_OUTSIDE = re.compile(r'"(?:[^"\\\n]|\\.)*+"?|//[^\n]*|->|[(\[{<]|[)\]}>]')
_INTEGER_TYPE = re.compile(r"(?:(?<![\w.$%@#!^-])|(?<=[\d?*]x))[su]?i(\d++)(?![\w.$])")


class _LinearLexer(MLIRLexer):
    """xDSL's lexer with possessive quantifiers: an unterminated string costs linear time."""

    _unescaped_characters_regex = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')

    def _lex_string_literal(self, start_pos: int) -> MLIRToken:
        token = super()._lex_string_literal(start_pos)
        if token.kind is not MLIRTokenKind.BYTES_LIT:
            return token
        # xDSL prints text beyond ASCII as escaped bytes, and reads those back as no text.
        literal = StringLiteral.from_span(token.span)
        try:
            literal.bytes_contents.decode()
        except UnicodeDecodeError:
            return token
        return MLIRToken(MLIRTokenKind.STRING_LIT, literal)


class _Parser(LocatingParser):
    """The locating parser on the linear lexer, with a bound on the size of constants."""

    def __init__(self, context: Context, text: str, filename: str):
        super().__init__(context, "", filename)
        self._parser_state = ParserState(_LinearLexer(Input(text, filename)))
        self._line_starts = [0] + [i + 1 for i, c in enumerate(text) if c == "\n"]

    def parse_dense_int_or_fp_elements_attr(
        self, type: RankedStructure[AnyDenseElement] | None
    ) -> DenseIntOrFPElementsAttr:
        if type is not None:
            self._check_elements(type)
        return super().parse_dense_int_or_fp_elements_attr(type)

    def _parse_dense_literal_type(self) -> RankedStructure[AnyDenseElement]:
        type = super()._parse_dense_literal_type()
        self._check_elements(type)
        return type

    def _check_elements(self, type: RankedStructure[AnyDenseElement]) -> None:
        if math.prod(type.get_shape()) > MAX_CONSTANT_ELEMENTS:
            self.raise_error(f"a constant has at most {MAX_CONSTANT_ELEMENTS} elements")


def decode_text(data: bytes, filename: str) -> str:
    """The bytes as UTF-8 text.

    Raises:
        DiagnosticError: E0201 for too many bytes or for what is not UTF-8.
    """
    if len(data) > MAX_INPUT_BYTES:
        limit = MAX_INPUT_BYTES // 2**20
        raise error("E0201", f"`{filename}` is larger than {limit} MiB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        before = data[: problem.start].decode("utf-8")
        place = _place(before, len(before), filename)
        raise error("E0201", "the text is not UTF-8", place) from None


def parse_ir(
    context: Context, text: str, filename: str, *, implicit_module: bool = True
) -> ModuleOp:
    """The module in `text`, every operation with its place in the text.

    Raises:
        DiagnosticError: E0201 at the first place that cannot be parsed.
    """
    _check_limits(text, filename)
    parser: _Parser | None = None
    try:
        parser = _Parser(context, text, filename)
        return parser.parse_module(implicit_module)
    except ParseError as problem:
        raise _diagnostic(problem, context, text, filename) from None
    except DiagnosticError:
        raise
    except (Exception, RecursionError) as problem:
        # Dialects of xDSL raise ValueError, IndexError, VerifyException and others while they
        # parse; all of them mean that this text is no valid IR.
        place = _place(text, (parser and parser.operation_start) or 0, filename)
        message = _one_line(" ".join(map(str, problem.args))) or type(problem).__name__
        raise error("E0201", f"cannot parse this: {message}", place) from None


def _diagnostic(problem: ParseError, context: Context, text: str, filename: str) -> DiagnosticError:
    """The error that xDSL's parser found; for an unknown operation, at its name."""
    start, length, help = problem.span.start, problem.span.end - problem.span.start, None
    if (unknown := re.search(r"Operation (\S+) is not registered", problem.msg)) is not None:
        name = unknown[1]
        start, length = max(0, text.rfind(name, 0, start)), len(name)
        if (close := nearest(name, (op.name for op in context.loaded_ops))) is not None:
            help = f"did you mean `{close}`?"
    place = _place(text, start, filename, max(1, length))
    return error("E0201", _one_line(problem.msg), place, help)


def _check_limits(text: str, filename: str) -> None:
    depth = 0
    for token in _OUTSIDE.finditer(text):
        if token[0] in ("(", "[", "{", "<"):
            depth += 1
            if depth > MAX_NESTING:
                place = _place(text, token.start(), filename)
                raise error("E0201", f"nested deeper than {MAX_NESTING} levels", place)
        elif token[0] in (")", "]", "}", ">"):
            depth = max(0, depth - 1)
    for found in _INTEGER_TYPE.finditer(text):
        if len(found[1]) > 8 or int(found[1]) > MAX_INTEGER_WIDTH:
            place = _place(text, found.start(), filename, found.end() - found.start())
            message = f"an integer type has at most {MAX_INTEGER_WIDTH} bits"
            raise error("E0201", message, place)


def _place(text: str, position: int, filename: str, length: int = 1) -> SourceLocation:
    line_start = text.rfind("\n", 0, position) + 1
    line = text.count("\n", 0, position) + 1
    return SourceLocation(filename, line, position - line_start + 1, length)


def _one_line(text: str) -> str:
    """The first line of a message, in the manner of our own ones."""
    line = " ".join(text.strip().partition("\n")[0].split()).rstrip(".")
    return line[:300]
