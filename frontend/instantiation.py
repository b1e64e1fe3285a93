"""The text of a block as one call has it: its numbers and words filled in, the call noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from spikeloom.diagnostics import SourceLocation
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.limits import MAX_EXPANSION
from spikeloom.frontend.syntax import (
    Argument,
    Assignment,
    Call,
    Expression,
    Extents,
    Name,
    Output,
    Repeat,
    Sum,
)


class Budget:
    """How much the calls of blocks may still expand to."""

    def __init__(self, findings: Findings):
        self._left = MAX_EXPANSION
        self._findings = findings

    def spend(self, location: SourceLocation) -> None:
        """Counts one name, number, word or call.

        Raises:
            DiagnosticError: that is one too many (E0109), with all that was found before.
        """
        self._left -= 1
        if self._left < 0:
            self._findings.add(
                "E0109",
                f"the blocks of this network expand to more than {MAX_EXPANSION} names, numbers "
                "and calls",
                location,
            )
            self._findings.check()


@dataclass(frozen=True)
class Instantiation:
    """One call of a block: what its constant parameters are, and from where it was called.

    `call` is None where only constants are filled in.
    """

    constants: Mapping[str, Expression]
    call: SourceLocation | None
    budget: Budget

    def place(self, location: SourceLocation) -> SourceLocation:
        """A place of the block as the call has it."""
        if self.call is None:
            return location
        return replace(location, calls=(replace(self.call, calls=()), *self.call.calls))

    def name(self, name: Name) -> Name:
        """A name that is defined or called, which no constant stands for."""
        return Name(name.text, self.place(name.location))

    def assignment(self, statement: Assignment) -> Assignment:
        """A statement."""
        return Assignment(self.name(statement.name), self.expression(statement.value))

    def output(self, statement: Output) -> Output:
        """What the block returns."""
        return Output(self.expression(statement.value), self.place(statement.location))

    def expression(self, written: Expression) -> Expression:
        """An expression; its depth is bounded by the brackets of the program."""
        place = self.place(written.location)
        self.budget.spend(place)
        match written:
            case Name() if written.text in self.constants:
                return placed(self.constants[written.text], place)
            case Call():
                return self._call(written)
            case Repeat(count, call):
                return Repeat(self.expression(count), self._call(call), place)
            case Extents(values):
                return Extents(tuple(self.expression(value) for value in values), place)
            case Sum(terms, signs):
                return Sum(
                    tuple(self.expression(term) for term in terms),
                    tuple(self.place(sign) for sign in signs),
                )
            case _:
                return placed(written, place)

    def _call(self, call: Call) -> Call:
        arguments = tuple(
            Argument(
                None if argument.name is None else self.name(argument.name),
                self.expression(argument.value),
            )
            for argument in call.arguments
        )
        return Call(self.name(call.function), arguments, self.place(call.location))


def placed(expression: Expression, place: SourceLocation) -> Expression:
    """The expression as if it stood at `place`."""
    if isinstance(expression, Sum):
        return Sum(expression.terms, (place, *expression.signs[1:]))
    return replace(expression, location=place)


def parts(expression: Expression) -> Iterator[Expression]:
    """The expression and all expressions in it, in the order of the text."""
    yield expression
    match expression:
        case Call(arguments=arguments):
            inner: tuple[Expression, ...] = tuple(argument.value for argument in arguments)
        case Repeat(count, call):
            inner = (count, call)
        case Extents(values):
            inner = values
        case Sum(terms):
            inner = terms
        case _:
            inner = ()
    for each in inner:
        yield from parts(each)
