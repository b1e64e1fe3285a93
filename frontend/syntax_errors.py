"""Syntax errors in the words of the language: what was found, what was expected, the remedy."""

from __future__ import annotations

from collections.abc import Collection

from lark import Token

from spikeloom.diagnostics import DiagnosticError, error, nearest
from spikeloom.frontend.brackets import CLOSING, Brackets
from spikeloom.frontend.limits import place_after

_RESERVED = ("NETWORK", "BLOCK", "TRAIN", "RETURN", "REPEAT", "TRUE", "FALSE")

_VALUES = frozenset({"NAME", "NUMBER", "TEXT", "TRUE", "FALSE", "REPEAT", "LPAR", "LSQB"})

_GROUPS: tuple[tuple[frozenset[str], str], ...] = (
    (_VALUES, "a value"),
    (frozenset({"NAME", "RETURN"}), "a statement `name = ...`, `return`"),
)
"""Tokens that, expected together, have one name; the first group that fits is taken."""

_WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "NETWORK": "`network`",
    "BLOCK": "`block`",
    "TRAIN": "`train`",
    "ARROW": "`->`",
    "EQUAL": "`=`",
    "COLON": "`:`",
    "COMMA": "`,`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "PLUS": "`+`",
    "$END": "the end of the program",
}

_CHARACTER_HELP = {
    ";": "statements need no `;` between them",
    "'": 'a text stands in double quotes: "..."',
    "/": "comments begin with #",
    "*": "values can be added with +, and multiplied only by linear(x, n)",
    "-": "currents can only be added; -> stands before a network's output",
    "<": "shapes stand in square brackets: spikes[64]",
}


def unexpected_character(text: str, position: int, filename: str) -> DiagnosticError:
    """The error for a character that begins no word, number or sign of the language."""
    character = text[position]
    place = place_after(text[:position], filename)
    if character == '"':
        return error("E0101", "this text has no closing quote", place, 'end it with " on its line')
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    known = _CHARACTER_HELP.get(character)
    if known is None and ord(character) > 126:
        known = "names are made of the letters a-z and A-Z, digits and _"
    return error("E0101", f"unexpected character {shown}", place, known)


def unexpected_token(
    text: str, token: Token, last: Token | None, accepted: Collection[str], brackets: Brackets
) -> DiagnosticError:
    """The error for a token that the grammar does not allow at its place.

    `last` is the token before it, `accepted` names the terminals that would have been right.
    """
    # A reserved word before `=` was meant as a name; else it may begin the next part.
    is_assigned = token.type in _RESERVED and text[token.end_pos :].lstrip().startswith("=")
    if not is_assigned and (opened := brackets.mismatched_by(token)) is not None:
        return _never_closed(opened, token, brackets)
    place = brackets.place(token)
    expected = _enumerate(set(accepted))
    if token.type in _RESERVED and "NAME" in accepted:
        return error(
            "E0101",
            f"expected {expected}, but `{token}` is a word of the language",
            place,
            "choose another name",
        )
    message = f"expected {expected}, found {_describe(token)}"
    return error("E0101", message, place, _remedy(token, last, accepted))


def _never_closed(opened: Token, token: Token, brackets: Brackets) -> DiagnosticError:
    line = "" if token.type == "$END" else f" in line {token.line}"
    return error(
        "E0101",
        f"this `{opened}` is never closed",
        brackets.place(opened),
        f"write `{CLOSING[opened]}` before {_describe(token)}{line}",
    )


def _describe(token: Token) -> str:
    if token.type == "$END":
        return "the end of the program"
    if token.type == "TEXT":
        return "a text in quotes"
    return f"`{token if len(token) <= 40 else token[:37] + '...'}`"


def _remedy(token: Token, last: Token | None, accepted: Collection[str]) -> str | None:
    if token.type == "NUMBER" and token.startswith("-") and "PLUS" in accepted:
        return "currents can only be added; there is no subtraction"
    if token.type == "LPAR" and last is not None and last.type == "NAME":
        return f"repeat 3 {last}(...) applies a block several times"
    if token.type in _VALUES and "COMMA" in accepted:
        return "arguments are separated by `,`"
    meant = None
    if token.type == "NAME" and "NETWORK" in accepted:
        meant = nearest(token, ("network", "block", "train"))
    elif last is not None and last.type == "NAME" and set(accepted) == {"EQUAL"}:
        meant = nearest(last, ("return",))
    return None if meant is None else f"did you mean `{meant}`?"


def _enumerate(accepted: set[str]) -> str:
    # After a name `(` would always make it a call: true, but nobody's intention.
    remaining = accepted - {"LPAR"} if "PLUS" in accepted else set(accepted)
    words: list[str] = []
    for group, name in _GROUPS:
        if group <= remaining:
            words.append(name)
            remaining -= group
    words += [word for terminal, word in _WORDS.items() if terminal in remaining]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
