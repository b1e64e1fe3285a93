"""The tools of the assembly reader: the next token, what it must be, where it stands."""

from __future__ import annotations

import math

from spikeloom.backend.assembly.tokens import Token, TokenKind, tokenize
from spikeloom.diagnostics import DiagnosticError, SourceLocation, error

INT32 = range(-(2**31), 2**31)
INT64 = range(-(2**63), 2**63)


class TokenParser:
    """Walks over the tokens of a text; errors are `DiagnosticError`s (E0305) at a token."""

    def __init__(self, text: str, file: str):
        self._file = file
        self._tokens = tokenize(text, file)
        self._next = 0

    @property
    def token(self) -> Token:
        """The next token; END stays the last one."""
        return self._tokens[self._next]

    def advance(self) -> Token:
        """Takes the next token."""
        token = self.token
        if token.kind is not TokenKind.END:
            self._next += 1
        return token

    def fail(self, message: str, token: Token, help: str | None = None) -> DiagnosticError:
        """The error to raise for a token."""
        length = max(1, len(token.text.rstrip("\n")))
        place = SourceLocation(self._file, token.line, token.column, length)
        return error("E0305", message, place, help)

    def unexpected(self, wanted: str) -> DiagnosticError:
        """The error for a next token that is not what was wanted."""
        token = self.token
        plain = token.kind in (TokenKind.LINE_END, TokenKind.END)
        found = token.kind.value if plain else f"`{token.text}`"
        return self.fail(f"expected {wanted}, found {found}", token)

    def skip_lines(self) -> None:
        """Skips the ends of empty lines."""
        while self.token.kind is TokenKind.LINE_END:
            self.advance()

    def at(self, text: str) -> bool:
        """Whether the next token is this word or sign."""
        return self.token.kind in (TokenKind.WORD, TokenKind.SIGN) and self.token.text == text

    def accept(self, text: str) -> bool:
        """Takes the next token if it is this word or sign."""
        found = self.at(text)
        if found:
            self.advance()
        return found

    def expect(self, text: str) -> Token:
        """Takes the next token, which must be this word or sign."""
        if not self.at(text):
            raise self.unexpected(f"`{text}`")
        return self.advance()

    def take(self, kind: TokenKind) -> Token:
        """Takes the next token, which must be of this kind."""
        if self.token.kind is not kind:
            raise self.unexpected(kind.value)
        return self.advance()

    def integer(self, limits: range = INT32) -> int:
        """Takes an integer, decimal or hexadecimal, within the limits."""
        token = self.take(TokenKind.NUMBER)
        digits = token.text.lstrip("+-")
        try:
            value = int(digits, 16 if digits.startswith("0x") else 10)
        except ValueError:
            raise self.fail(f"expected an integer, found `{token.text}`", token) from None
        value = -value if token.text.startswith("-") else value
        if value not in limits:
            message = f"{value} lies outside {limits.start} to {limits.stop - 1}"
            raise self.fail(message, token)
        return value

    def real(self) -> float:
        """Takes a finite decimal number."""
        token = self.take(TokenKind.NUMBER)
        try:
            value = float(token.text)
        except ValueError:
            raise self.fail(f"expected a decimal number, found `{token.text}`", token) from None
        if not math.isfinite(value):
            raise self.fail(f"{token.text} is too large", token)
        return value
