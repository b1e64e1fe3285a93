"""The syntax tree of a `.snn` program: what was written, every part with its place.

Nothing is checked here beyond the grammar: names may be undefined and numbers out of range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from spikeloom.diagnostics import SourceLocation


@dataclass(frozen=True)
class Name:
    """An identifier."""

    text: str
    location: SourceLocation


@dataclass(frozen=True)
class Word(Name):
    """A name that a block was called with for a parameter that is no value: never a value's."""


@dataclass(frozen=True)
class Number:
    """A numeral; `value` is an int exactly where neither `.` nor an exponent was written.

    A numeral too long for any use has the value inf, so that every range check refuses it.
    """

    text: str
    value: int | float
    location: SourceLocation

    @property
    def is_whole(self) -> bool:
        """Whether it was written as an integer."""
        return self.text.lstrip("-").isdigit()


@dataclass(frozen=True)
class Text:
    """A text in double quotes; `value` is without them."""

    value: str
    location: SourceLocation


@dataclass(frozen=True)
class Truth:
    """`true` or `false`."""

    value: bool
    location: SourceLocation


@dataclass(frozen=True)
class Argument:
    """One argument of a call; `name` is None for a positional one."""

    name: Name | None
    value: Expression

    @property
    def location(self) -> SourceLocation:
        """Where the argument starts."""
        return self.value.location if self.name is None else self.name.location


@dataclass(frozen=True)
class Call:
    """`function(arguments)`."""

    function: Name
    arguments: tuple[Argument, ...]
    location: SourceLocation


@dataclass(frozen=True)
class Repeat:
    """`repeat 3 block(arguments)`: the call's result is the first argument of the next."""

    count: Expression
    call: Call
    location: SourceLocation


@dataclass(frozen=True)
class Extents:
    """`[2, 8, 8]`, a shape as an argument."""

    values: tuple[Expression, ...]
    location: SourceLocation


@dataclass(frozen=True)
class Sum:
    """`a + b + c`: n terms and the places of the n - 1 signs between them."""

    terms: tuple[Expression, ...]
    signs: tuple[SourceLocation, ...]

    @property
    def location(self) -> SourceLocation:
        """The first sign."""
        return self.signs[0]


Expression: TypeAlias = Name | Number | Text | Truth | Call | Repeat | Extents | Sum


@dataclass(frozen=True)
class Type:
    """`spikes[64]`: the kind of value as written, and the extents of its shape."""

    kind: Name
    extents: tuple[Number, ...]
    location: SourceLocation


@dataclass(frozen=True)
class Input:
    """An input of a network."""

    name: Name
    type: Type


@dataclass(frozen=True)
class Assignment:
    """`name = value`, a statement of a network or a setting of a training."""

    name: Name
    value: Expression


@dataclass(frozen=True)
class Output:
    """`return value`; `location` is that of the word `return`."""

    value: Expression
    location: SourceLocation


@dataclass(frozen=True)
class Parameter:
    """What a block is called with: a value of some `kind`, or else a number or word."""

    name: Name
    kind: Name | None = None
    default: Expression | None = None


@dataclass(frozen=True)
class Block:
    """`block name(parameters) { statements }`."""

    name: Name
    parameters: tuple[Parameter, ...]
    statements: tuple[Assignment | Output, ...]


@dataclass(frozen=True)
class Network:
    """`network name(inputs) -> output { statements }`."""

    name: Name
    inputs: tuple[Input, ...]
    output: Type
    statements: tuple[Assignment | Output, ...]


@dataclass(frozen=True)
class Train:
    """`train network { settings }`."""

    network: Name
    settings: tuple[Assignment, ...]


@dataclass(frozen=True)
class Program:
    """A whole program, in the order in which it was written."""

    networks: tuple[Network, ...]
    blocks: tuple[Block, ...]
    trains: tuple[Train, ...]
