"""Arguments of calls: positional and named ones, bound to what the callee takes, and read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from spikeloom.diagnostics import SourceLocation, did_you_mean, nearest
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.numbers import Interval, check_real, check_whole, shown
from spikeloom.frontend.syntax import (
    Argument,
    Call,
    Expression,
    Extents,
    Name,
    Number,
    Repeat,
    Sum,
    Text,
    Truth,
)


@dataclass(frozen=True)
class Signature:
    """What a callee takes: arguments by position or name, arguments by name only.

    `required` ones have no default. `example` shows a right call, or what each of them may be,
    where one is missing; `advice` is given for an unknown one that resembles none.
    """

    callee: str
    positional: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    example: str | Mapping[str, str] | None = None
    advice: str | None = None
    noun: str = "argument"
    missing_code: str = "E0107"

    @property
    def names(self) -> tuple[str, ...]:
        """All arguments."""
        return (*self.positional, *self.named)


class Arguments:
    """The arguments of one call, found by name.

    Binding and every reading method note what is wrong and go on with some valid value, so that
    all arguments of a call are checked; the stage's `Findings.check` then ends the run.
    """

    def __init__(
        self,
        signature: Signature,
        arguments: Collection[Argument],
        location: SourceLocation,
        findings: Findings,
    ):
        self._signature = signature
        self._findings = findings
        self._bound: dict[str, Expression] = {}
        before = findings.count
        positions = iter(signature.positional)
        named_before = False
        for argument in arguments:
            if argument.name is not None:
                named_before = True
                self._bind(argument.name.text, argument.value, argument.location)
            elif named_before:
                findings.add(
                    "E0107", "arguments without a name go before those with one", argument.location
                )
            elif (name := next(positions, None)) is not None:
                self._bind(name, argument.value, argument.location)
            else:
                self._refuse_surplus(argument.location)
        # A required one may be what a wrong one was meant to be.
        if findings.count == before:
            self._check_required(location)

    def _bind(self, name: str, value: Expression, location: SourceLocation) -> None:
        noun, names = self._signature.noun, self._signature.names
        if name not in names:
            advice = self._signature.advice
            hint = did_you_mean(name, names) if advice is None or nearest(name, names) else advice
            self._findings.add(
                "E0107", f"`{self._signature.callee}` has no {noun} `{name}`", location, hint
            )
        elif name in self._bound:
            self._findings.add(
                "E0107", f"the {noun} `{name}` is given twice", location, "remove one of them"
            )
        else:
            self._bound[name] = value

    def _refuse_surplus(self, location: SourceLocation) -> None:
        positional, named = self._signature.positional, self._signature.named
        count = len(positional)
        self._findings.add(
            "E0107",
            f"`{self._signature.callee}` takes {count} argument{'' if count == 1 else 's'}"
            f"{' without a name' if named else ''} ({', '.join(positional)})",
            location,
            f"give the others by name: {', '.join(named)}" if named else None,
        )

    def _check_required(self, location: SourceLocation) -> None:
        missing = [name for name in self._signature.required if name not in self._bound]
        if not missing:
            return
        noun = self._signature.noun + ("" if len(missing) == 1 else "s")
        example = self._signature.example
        if example is not None and not isinstance(example, str):
            example = ", ".join(example[name] for name in missing)
        self._findings.add(
            self._signature.missing_code,
            f"`{self._signature.callee}` lacks the {noun} "
            + ", ".join(f"`{name}`" for name in missing),
            location,
            None if example is None else f"for instance {example}",
        )

    def value(self, name: str) -> Expression | None:
        """The argument as written; None where it is absent."""
        return self._bound.get(name)

    def whole(self, name: str, allowed: Interval, default: int = 1) -> int:
        """An integer of the interval."""
        value = self._bound.get(name)
        if isinstance(value, Number):
            before = self._findings.count
            check_whole(name, value, allowed, self._findings)
            return int(value.value) if self._findings.count == before else default
        self._refuse_kind(name, "an integer", value)
        return default

    def real(self, name: str, allowed: Interval, default: float = 1.0) -> float:
        """A real number of the interval."""
        value = self._bound.get(name)
        if isinstance(value, Number):
            before = self._findings.count
            check_real(name, value, allowed, self._findings)
            return float(value.value) if self._findings.count == before else default
        self._refuse_kind(name, "a number", value)
        return default

    def truth(self, name: str, default: bool) -> bool:
        """`true` or `false`."""
        value = self._bound.get(name)
        if isinstance(value, Truth):
            return value.value
        self._refuse_kind(name, "true or false", value)
        return default

    def text(self, name: str) -> str:
        """A text in quotes."""
        value = self._bound.get(name)
        if isinstance(value, Text):
            return value.value
        self._refuse_kind(name, 'a text in quotes: "..."', value)
        return ""

    def word(self, name: str, words: Collection[str], default: str) -> str:
        """One of `words`."""
        value = self._bound.get(name)
        if isinstance(value, Name):
            if value.text in words:
                return value.text
            self._findings.add(
                "E0102",
                f"`{name}` cannot be `{value.text}`",
                value.location,
                did_you_mean(value.text, words),
            )
        elif isinstance(value, Text) and value.value in words:
            self._findings.add(
                "E0104",
                f"{name} is a word, not a text",
                value.location,
                f"write it without quotes: {name} = {value.value}",
            )
        else:
            self._refuse_kind(name, f"one of {', '.join(words)}", value)
        return default

    def extents(self, name: str, allowed: Interval) -> tuple[int, ...]:
        """A shape in square brackets, with integers of the interval."""
        value = self._bound.get(name)
        if not isinstance(value, Extents):
            self._refuse_kind(name, "a shape like [1, 8, 8]", value)
            return (1,)
        numbers: list[int] = []
        for extent in value.values:
            if isinstance(extent, Number):
                before = self._findings.count
                check_whole("an extent", extent, allowed, self._findings)
                numbers.append(int(extent.value) if self._findings.count == before else 1)
            else:
                message = f"an extent must be an integer, got {described(extent)}"
                self._findings.add("E0104", message, extent.location)
        return tuple(numbers) or (1,)

    def choice(self, name: str, signatures: dict[str, Signature]) -> Choice | None:
        """A call of one of `signatures`, for instance `adam(rate = 0.1)`; `zero` is `zero()`.

        None where the argument is absent or no such call.
        """
        value = self._bound.get(name)
        if isinstance(value, Name):
            value = Call(value, (), value.location)
        if not isinstance(value, Call):
            self._refuse_kind(name, f"one of {', '.join(signatures)}", value)
            return None
        chosen = value.function.text
        if chosen not in signatures:
            self._findings.add(
                "E0102",
                f"there is no {name} `{chosen}`",
                value.function.location,
                did_you_mean(chosen, signatures),
            )
            return None
        return Choice(chosen, value)

    def _refuse_kind(self, name: str, expected: str, value: Expression | None) -> None:
        if value is not None:
            self._findings.add(
                "E0104", f"{name} must be {expected}, got {described(value)}", value.location
            )


@dataclass(frozen=True)
class Choice:
    """A named alternative and the call that chose it."""

    name: str
    call: Call


def described(value: Expression) -> str:
    """An expression for a message."""
    match value:
        case Name():
            return f"the name `{value.text}`"
        case Number():
            return shown(value)
        case Text():
            return "a text"
        case Truth():
            return "true" if value.value else "false"
        case Call():
            return f"`{value.function.text}(...)`"
        case Repeat():
            return "a repetition"
        case Extents():
            return "a shape"
        case Sum():
            return "a sum"
