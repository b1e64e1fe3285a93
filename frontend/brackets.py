"""The brackets that are open while a program is read: for limits and for error messages."""

from __future__ import annotations

from lark import Token

from spikeloom.diagnostics import SourceLocation, error
from spikeloom.frontend.limits import MAX_NESTING

CLOSING = {"(": ")", "[": "]", "{": "}"}


class Brackets:
    """Follows the tokens of one file; `stack` holds the open brackets, innermost last."""

    def __init__(self, filename: str):
        self.filename = filename
        self.stack: list[Token] = []

    def follow(self, token: Token) -> None:
        """Opens or closes with the next token; a bracket of the wrong kind closes nothing.

        Raises:
            DiagnosticError: too many are open (E0109).
        """
        if token in CLOSING:
            self.stack.append(token)
            if len(self.stack) > MAX_NESTING:
                raise error(
                    "E0109",
                    f"more than {MAX_NESTING} brackets inside each other",
                    self.place(token),
                    "name intermediate values: a = ...",
                )
        elif self.stack and token == CLOSING[self.stack[-1]]:
            self.stack.pop()

    def mismatched_by(self, token: Token) -> Token | None:
        """The open bracket that `token` cannot follow because it should be closed first."""
        if not self.stack:
            return None
        innermost = self.stack[-1]
        if token in CLOSING.values():
            opened = {CLOSING[bracket] for bracket in self.stack}
            return innermost if token in opened and token != CLOSING[innermost] else None
        # The end of the text, a network, a block and a train stand outside all brackets; a
        # return stands in braces.
        if token.type == "RETURN":
            return None if innermost == "{" else innermost
        return innermost if token.type in ("$END", "NETWORK", "BLOCK", "TRAIN") else None

    def place(self, token: Token) -> SourceLocation:
        """Where a token stands; the end of the text is behind its last token."""
        if token.type == "$END":
            return SourceLocation(self.filename, token.end_line or 1, token.end_column or 1)
        return SourceLocation(self.filename, token.line or 1, token.column or 1, len(token))
