"""From text to syntax tree: the grammar, applied token by token."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from spikeloom.diagnostics import SourceLocation, error
from spikeloom.frontend.brackets import Brackets
from spikeloom.frontend.limits import MAX_NAME, MAX_TEXT, MAX_TOKENS, check_text
from spikeloom.frontend.syntax import Program
from spikeloom.frontend.syntax_errors import unexpected_character, unexpected_token
from spikeloom.frontend.tree_reader import TreeReader


def read_program(text: str, filename: str) -> Program:
    """The syntax tree of a program.

    Raises:
        DiagnosticError: the first syntax error (E0101), or a limit exceeded (E0109).
    """
    check_text(text, filename)
    return TreeReader(filename).program(_parse(text, filename))


@cache
def _grammar() -> Lark:
    # Built once per process: that costs more than parsing a usual program.
    grammar = files("spikeloom.frontend").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        start="program",
        propagate_positions=True,
        maybe_placeholders=False,
    )


def _parse(text: str, filename: str) -> Tree[Token]:
    parser = _grammar().parse_interactive(text)
    brackets = Brackets(filename)
    before: Token | None = None
    last: Token | None = None
    try:
        for number, token in enumerate(parser.iter_parse()):
            _check_token(number, token, filename)
            brackets.follow(token)
            before, last = last, token
        tree = parser.feed_eof(last)
    except UnexpectedCharacters as problem:
        raise unexpected_character(text, problem.pos_in_stream, filename) from None
    except UnexpectedToken as problem:
        raise unexpected_token(text, problem.token, before, parser.accepts(), brackets) from None
    assert isinstance(tree, Tree)
    return tree


def _check_token(number: int, token: Token, filename: str) -> None:
    place = SourceLocation(filename, token.line or 1, token.column or 1)
    if number >= MAX_TOKENS:
        raise error("E0109", f"the program has more than {MAX_TOKENS} words and signs", place)
    if token.type == "NAME" and len(token) > MAX_NAME:
        raise error("E0109", f"a name may have at most {MAX_NAME} characters", place)
    if token.type == "TEXT" and len(token) > MAX_TEXT:
        raise error("E0109", f"a text may have at most {MAX_TEXT} characters", place)
