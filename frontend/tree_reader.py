"""From the parser's tree to the syntax tree, with the place of every part.

The recursion is as deep as the program's brackets, which `Brackets` bounds.
"""

from __future__ import annotations

import math

from lark import Token, Tree

from spikeloom.diagnostics import SourceLocation
from spikeloom.frontend.syntax import (
    Argument,
    Assignment,
    Block,
    Call,
    Expression,
    Extents,
    Input,
    Name,
    Network,
    Number,
    Output,
    Parameter,
    Program,
    Repeat,
    Sum,
    Text,
    Train,
    Truth,
    Type,
)

_MAX_DIGITS = 25
"""Longer integers lie outside every range; Python refuses to convert very long ones."""


class TreeReader:
    """Reads the parser's trees of one file."""

    def __init__(self, filename: str):
        self._filename = filename

    def program(self, tree: Tree[Token]) -> Program:
        """The whole program."""
        items = _trees(tree)
        return Program(
            tuple(self._network(item) for item in items if item.data == "network"),
            tuple(self._block(item) for item in items if item.data == "block"),
            tuple(self._train(item) for item in items if item.data == "train"),
        )

    def _network(self, tree: Tree[Token]) -> Network:
        parts = _trees(tree)
        (output,) = (part for part in parts if part.data == "type")
        return Network(
            self._name(_token(tree)),
            tuple(self._input(part) for part in parts if part.data == "input"),
            self._type(output),
            self._statements(parts),
        )

    def _block(self, tree: Tree[Token]) -> Block:
        parts = _trees(tree)
        parameters = tuple(
            self._parameter(part) for part in parts if part.data.endswith("parameter")
        )
        return Block(self._name(_token(tree)), parameters, self._statements(parts))

    def _parameter(self, tree: Tree[Token]) -> Parameter:
        name, *rest = tree.children
        assert isinstance(name, Token)
        match rest:
            case [Token() as kind]:
                return Parameter(self._name(name), kind=self._name(kind))
            case [Tree() as default]:
                return Parameter(self._name(name), default=self._expression(default))
            case _:
                return Parameter(self._name(name))

    def _statements(self, parts: list[Tree[Token]]) -> tuple[Assignment | Output, ...]:
        statements = (part for part in parts if part.data in ("assignment", "output"))
        return tuple(self._statement(part) for part in statements)

    def _train(self, tree: Tree[Token]) -> Train:
        return Train(
            self._name(_token(tree)), tuple(self._assignment(part) for part in _trees(tree))
        )

    def _input(self, tree: Tree[Token]) -> Input:
        return Input(self._name(_token(tree)), self._type(_trees(tree)[0]))

    def _type(self, tree: Tree[Token]) -> Type:
        kind, *extents = (child for child in tree.children if isinstance(child, Token))
        return Type(
            self._name(kind),
            tuple(self._number(extent) for extent in extents),
            self._span(tree, kind),
        )

    def _statement(self, tree: Tree[Token]) -> Assignment | Output:
        if tree.data == "assignment":
            return self._assignment(tree)
        return Output(self._expression(_trees(tree)[0]), self._place(_token(tree)))

    def _assignment(self, tree: Tree[Token]) -> Assignment:
        return Assignment(self._name(_token(tree)), self._expression(_trees(tree)[0]))

    def _expression(self, tree: Tree[Token]) -> Expression:
        match tree.data:
            case "group":
                return self._expression(_trees(tree)[0])
            case "call":
                function = _token(tree)
                arguments = tuple(self._argument(part) for part in _trees(tree))
                return Call(self._name(function), arguments, self._span(tree, function))
            case "repeat":
                count, call = (self._expression(part) for part in _trees(tree))
                assert isinstance(call, Call)
                return Repeat(count, call, self._span(tree, _token(tree)))
            case "extents":
                values = tuple(self._expression(part) for part in _trees(tree))
                return Extents(values, self._span(tree, _token(tree)))
            case "sum":
                signs = [child for child in tree.children if isinstance(child, Token)]
                return Sum(
                    tuple(self._expression(part) for part in _trees(tree)),
                    tuple(self._place(sign) for sign in signs),
                )
            case "name":
                return self._name(_token(tree))
            case "number":
                return self._number(_token(tree))
            case "text":
                return Text(_token(tree)[1:-1], self._place(_token(tree)))
            case _:
                return Truth(_token(tree) == "true", self._place(_token(tree)))

    def _argument(self, tree: Tree[Token]) -> Argument:
        named = isinstance(tree.children[0], Token)
        name = self._name(_token(tree)) if named else None
        return Argument(name, self._expression(_trees(tree)[0]))

    def _name(self, token: Token) -> Name:
        return Name(str(token), self._place(token))

    def _number(self, token: Token) -> Number:
        text = str(token)
        if not text.lstrip("-").isdigit():
            return Number(text, float(text), self._place(token))
        digits = text.lstrip("-").lstrip("0") or "0"
        value: int | float = math.inf if len(digits) > _MAX_DIGITS else int(digits)
        return Number(text, -value if text.startswith("-") else value, self._place(token))

    def _place(self, token: Token) -> SourceLocation:
        return SourceLocation(self._filename, token.line or 1, token.column or 1, len(token))

    def _span(self, tree: Tree[Token], first: Token) -> SourceLocation:
        """From the first token to the end of the tree, where that is on one line."""
        place = self._place(first)
        if tree.meta.end_line != place.line:
            return place
        return SourceLocation(
            self._filename, place.line, place.column, tree.meta.end_column - place.column
        )


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _token(tree: Tree[Token]) -> Token:
    token = tree.children[0]
    assert isinstance(token, Token)
    return token
