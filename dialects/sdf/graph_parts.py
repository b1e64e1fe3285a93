"""What a dataflow graph consists of: actors with execution times, and channels between them."""

from __future__ import annotations

from xdsl.dialects.builtin import StringAttr, SymbolNameConstraint, SymbolRefAttr
from xdsl.irdl import IRDLOperation, irdl_op_definition, lazy_traits_def, opt_prop_def, prop_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import HasParent, OpTrait, SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.number_text import Count, count, parse_count

MAX_NUMBER = 2**31
"""Rates, tokens and times stay below it, so that 64-bit arithmetic suffices downstream."""


def check_range(what: str, number: Count, least: int) -> None:
    """Raises a VerifyException where a number lies outside [least, MAX_NUMBER)."""
    if not least <= number.value.data < MAX_NUMBER:
        raise VerifyException(
            f"{what} must lie in [{least}, {MAX_NUMBER}), got {number.value.data}"
        )


def of_a_graph() -> tuple[OpTrait, ...]:
    """The trait of operations that stand in a graph; late, because a graph names them, too."""
    from spikeloom.dialects.sdf import GraphOp

    return (HasParent(GraphOp),)


@irdl_op_definition
class ActorOp(IRDLOperation):
    """Something that fires: `sdf.actor @a time 16`; `repetition` is how often per iteration."""

    name = "sdf.actor"

    sym_name = prop_def(SymbolNameConstraint())
    time = prop_def(Count)
    repetition = opt_prop_def(Count)

    traits = lazy_traits_def(lambda: (SymbolOpInterface(), *of_a_graph()))

    def __init__(self, name: str, time: int, repetition: int | None = None):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "time": count(time),
                "repetition": None if repetition is None else count(repetition),
            }
        )

    def verify_(self) -> None:
        check_range("time", self.time, 0)
        if self.repetition is not None:
            check_range("repetition", self.repetition, 1)

    @classmethod
    def parse(cls, parser: Parser) -> ActorOp:
        name = parser.parse_symbol_name().data
        parser.parse_keyword("time")
        time = parse_count(parser).value.data
        repetition = None
        if parser.parse_optional_keyword("repetition"):
            repetition = parse_count(parser).value.data
        op = cls(name, time, repetition)
        op.attributes = parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(f" time {self.time.value.data}")
        if self.repetition is not None:
            printer.print_string(f" repetition {self.repetition.value.data}")
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class ChannelOp(IRDLOperation):
    """A queue of tokens: `sdf.channel @c : @a[2] -> [3]@b tokens 0 capacity 6 size 8`.

    `size` is that of one token, in bytes.
    """

    name = "sdf.channel"

    sym_name = prop_def(SymbolNameConstraint())
    source = prop_def(SymbolRefAttr)
    target = prop_def(SymbolRefAttr)
    production = prop_def(Count)
    consumption = prop_def(Count)
    tokens = prop_def(Count)
    capacity = opt_prop_def(Count)
    token_size = opt_prop_def(Count)

    traits = lazy_traits_def(lambda: (SymbolOpInterface(), *of_a_graph()))

    def __init__(
        self,
        name: str,
        source: str,
        target: str,
        production: int = 1,
        consumption: int = 1,
        tokens: int = 0,
        capacity: int | None = None,
        token_size: int | None = None,
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "source": SymbolRefAttr(source),
                "target": SymbolRefAttr(target),
                "production": count(production),
                "consumption": count(consumption),
                "tokens": count(tokens),
                "capacity": None if capacity is None else count(capacity),
                "token_size": None if token_size is None else count(token_size),
            }
        )

    def verify_(self) -> None:
        check_range("production", self.production, 1)
        check_range("consumption", self.consumption, 1)
        check_range("tokens", self.tokens, 0)
        if self.token_size is not None:
            check_range("size", self.token_size, 0)
        self.check_capacity()

    def check_capacity(self) -> None:
        """Room for what one firing moves.

        Raises:
            VerifyException: there is too little.
        """
        if self.capacity is not None:
            check_range("capacity", self.capacity, 0)
            least = max(self.production.value.data, self.consumption.value.data)
            if self.capacity.value.data < least:
                raise VerifyException(
                    f"channel @{self.sym_name.data} has room for {self.capacity.value.data} "
                    f"tokens, but one firing moves {least}"
                )

    @classmethod
    def parse(cls, parser: Parser) -> ChannelOp:
        name = parser.parse_symbol_name().data
        parser.parse_punctuation(":")
        source = parser.parse_symbol_name().data
        with parser.in_square_brackets():
            production = parse_count(parser).value.data
        parser.parse_punctuation("->")
        with parser.in_square_brackets():
            consumption = parse_count(parser).value.data
        target = parser.parse_symbol_name().data
        parser.parse_keyword("tokens")
        tokens = parse_count(parser).value.data
        capacity = size = None
        if parser.parse_optional_keyword("capacity"):
            capacity = parse_count(parser).value.data
        if parser.parse_optional_keyword("size"):
            size = parse_count(parser).value.data
        op = cls(name, source, target, production, consumption, tokens, capacity, size)
        op.attributes = parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" : ")
        printer.print_symbol_name(self.source.root_reference.data)
        printer.print_string(f"[{self.production.value.data}] -> [{self.consumption.value.data}]")
        printer.print_symbol_name(self.target.root_reference.data)
        printer.print_string(f" tokens {self.tokens.value.data}")
        if self.capacity is not None:
            printer.print_string(f" capacity {self.capacity.value.data}")
        if self.token_size is not None:
            printer.print_string(f" size {self.token_size.value.data}")
        printer.print_op_attributes(self.attributes)
