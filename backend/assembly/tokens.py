"""The words of an assembly text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum

from spikeloom.backend.stream.stream import MAX_TEXT_BYTES
from spikeloom.diagnostics import DiagnosticError, SourceLocation, error


class TokenKind(Enum):
    """What a token is; the value is how a message calls it."""

    WORD = "a word"
    BUFFER = "a buffer such as `@name`"
    LOOP = "a loop such as `%0`"
    NUMBER = "a number"
    TEXT = "a quoted text"
    SIGN = "a sign"
    LINE_END = "the end of the line"
    END = "the end of the text"


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `text` as written, `value` without the marks of its kind."""

    kind: TokenKind
    text: str
    value: str
    line: int
    column: int


_PATTERN = re.compile(
    r"""(?P<blank>[ \t\r]+|//[^\n]*)
    | (?P<LINE_END>\n)
    | (?P<BUFFER>@(?:[A-Za-z_][A-Za-z0-9_.\-]*|"(?:[^"\\\n]|\\[^\n])*"))
    | (?P<LOOP>%[0-9]{1,3}(?![0-9A-Za-z_]))
    | (?P<NUMBER>[+-]?(?:0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![0-9A-Za-z_.]))
    | (?P<TEXT>"(?:[^"\\\n]|\\[^\n])*")
    | (?P<WORD>[A-Za-z_][A-Za-z0-9_.\-]*)
    | (?P<SIGN>\+=|[=+*\-\[\]{},:])""",
    re.VERBOSE,
)
_KINDS = {kind.name: kind for kind in TokenKind}
_MARKED = (TokenKind.BUFFER, TokenKind.LOOP)
_MAX_NUMBER = 40


def tokenize(text: str, file: str) -> list[Token]:
    """The tokens of an assembly text, an END last.

    Raises a `DiagnosticError` (E0305) at characters that begin no token.
    """
    tokens: list[Token] = []
    position, line, line_start = 0, 1, 0
    while position < len(text):
        column = position - line_start + 1
        match = _PATTERN.match(text, position)
        if match is None or match.lastgroup is None:
            place = SourceLocation(file, line, column)
            raise error("E0305", f"unexpected {text[position]!r}", place)
        position = match.end()
        if match.lastgroup == "blank":
            continue
        kind, word = _KINDS[match.lastgroup], match.group()
        value = word[1:] if kind in _MARKED else word
        if len(word) > _MAX_NUMBER and kind is TokenKind.NUMBER:
            place = SourceLocation(file, line, column, len(word))
            raise error("E0305", f"a number of {len(word)} characters", place)
        if value[:1] == '"':
            value = _unquote(value, SourceLocation(file, line, column, len(word)))
        tokens.append(Token(kind, word, value, line, column))
        if kind is TokenKind.LINE_END:
            line, line_start = line + 1, position
    column = position - line_start + 1
    tokens.append(Token(TokenKind.LINE_END, "", "", line, column))
    tokens.append(Token(TokenKind.END, "", "", line, column))
    return tokens


def _unquote(text: str, place: SourceLocation) -> str:
    try:
        value: str = json.loads(text)
    except ValueError as cause:
        reason = cause.msg if isinstance(cause, json.JSONDecodeError) else cause
        raise _bad_text(str(reason), place) from None
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise _bad_text("it has no UTF-8", place) from None
    if size > MAX_TEXT_BYTES:
        raise _bad_text(f"{size} bytes, the limit is {MAX_TEXT_BYTES}", place)
    return value


def _bad_text(reason: str, place: SourceLocation) -> DiagnosticError:
    return error("E0305", f"the quoted text cannot be read: {reason}", place)
