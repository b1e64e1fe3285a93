"""The `sdf` dialect: synchronous dataflow graphs, and how they are bound to tiles.

```mlir
sdf.graph @pipeline {
  sdf.actor @load time 4
  sdf.actor @compute time 9
  sdf.channel @tile : @load[1] -> [2]@compute tokens 0 capacity 4 size 8
  sdf.tile @left wheel 8 slice 4
  sdf.bind @load on @left
  sdf.bind @compute on @left
  sdf.order on @left [@load, @load, @compute]
}
```

Actors overlap with themselves unless a self-loop forbids it. A capacity bounds a channel: room is
taken when its source starts and given back when its target ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, StringAttr, SymbolNameConstraint, SymbolRefAttr
from xdsl.ir import Block, Dialect, Operation, Region
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsolatedFromAbove,
    NoTerminator,
    SymbolOpInterface,
    SymbolTable,
)
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.dataflow.firing_order import sequential_order
from spikeloom.dialects.dataflow.graph import (
    Actor,
    Channel,
    Deadlock,
    Graph,
    InconsistentRates,
    TooManyFirings,
)
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.dialects.number_text import Count, count, parse_count
from spikeloom.dialects.sdf_types import RatioAttr

MAX_NUMBER = 2**31
"""Rates, tokens and times stay below it, so that 64-bit arithmetic suffices downstream."""


@irdl_op_definition
class GraphOp(IRDLOperation):
    """A dataflow graph; the analysis adds what it found as attributes."""

    name = "sdf.graph"

    sym_name = prop_def(SymbolNameConstraint())
    body = region_def("single_block")

    traits = traits_def(SymbolOpInterface(), SymbolTable(), IsolatedFromAbove(), NoTerminator())

    def __init__(self, name: str, body: Region):
        super().__init__(properties={"sym_name": StringAttr(name)}, regions=[body])

    @property
    def actors(self) -> list[ActorOp]:
        """All actors in the order of the text."""
        return [op for op in self.body.block.ops if isinstance(op, ActorOp)]

    @property
    def channels(self) -> list[ChannelOp]:
        """All channels in the order of the text."""
        return [op for op in self.body.block.ops if isinstance(op, ChannelOp)]

    def graph(self) -> Graph:
        """The graph as plain data, capacities left out: `capacities` has them.

        Raises:
            VerifyException: a channel names an actor that is not there.
        """
        actors = self.actors
        numbers = {op.sym_name.data: number for number, op in enumerate(actors)}
        channels: list[Channel] = []
        for op in self.channels:
            for end in (op.source, op.target):
                if end.root_reference.data not in numbers:
                    missing = end.root_reference.data
                    raise VerifyException(
                        f"channel @{op.sym_name.data} names @{missing}, which is no actor"
                    )
            channels.append(
                Channel(
                    op.sym_name.data,
                    numbers[op.source.root_reference.data],
                    numbers[op.target.root_reference.data],
                    op.production.value.data,
                    op.consumption.value.data,
                    op.tokens.value.data,
                )
            )
        return Graph(
            tuple(Actor(op.sym_name.data, op.time.value.data) for op in actors),
            tuple(channels),
            self.sym_name.data,
        )

    @property
    def capacities(self) -> list[int | None]:
        """Of every channel, None where it is unbounded."""
        return [None if op.capacity is None else op.capacity.value.data for op in self.channels]

    def bounded_graph(self) -> Graph:
        """The graph with a reverse channel for every capacity."""
        return self.graph().with_capacities(self.capacities)

    def verify_(self) -> None:
        graph = self.graph()
        for channel in self.channels:
            channel.check_capacity()
        try:
            bounded = graph.with_capacities(self.capacities)
            sequential_order(bounded, repetition_vector(bounded))
        except (InconsistentRates, Deadlock, TooManyFirings, ValueError) as problem:
            raise VerifyException(str(problem)) from None
        self._verify_binding()

    def _verify_binding(self) -> None:
        actors = {op.sym_name.data for op in self.actors}
        tiles = {op.sym_name.data for op in self.body.block.ops if isinstance(op, TileOp)}
        bound: dict[str, str] = {}
        ordered: set[str] = set()
        for op in self.body.block.ops:
            if isinstance(op, BindOp):
                actor, tile = op.actor.root_reference.data, op.tile.root_reference.data
                if actor not in actors or tile not in tiles:
                    raise VerifyException(f"no actor @{actor} or no tile @{tile} to bind it to")
                if actor in bound:
                    raise VerifyException(f"actor @{actor} is bound twice")
                bound[actor] = tile
        for op in self.body.block.ops:
            if isinstance(op, OrderOp):
                tile = op.tile.root_reference.data
                if tile not in tiles or tile in ordered:
                    raise VerifyException(f"tile @{tile} is not there, or is ordered twice")
                ordered.add(tile)
                for actor in op.actors:
                    if bound.get(actor) != tile:
                        raise VerifyException(
                            f"@{actor} stands in the order of @{tile}, but is not bound to it"
                        )

    @classmethod
    def parse(cls, parser: Parser) -> GraphOp:
        name = parser.parse_symbol_name().data
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(name, parser.parse_region())
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body)


@irdl_op_definition
class ActorOp(IRDLOperation):
    """Something that fires: `sdf.actor @a time 16`; `repetition` is how often per iteration."""

    name = "sdf.actor"

    sym_name = prop_def(SymbolNameConstraint())
    time = prop_def(Count)
    repetition = opt_prop_def(Count)

    traits = traits_def(SymbolOpInterface(), HasParent(GraphOp))

    def __init__(self, name: str, time: int, repetition: int | None = None):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "time": count(time),
                "repetition": None if repetition is None else count(repetition),
            }
        )

    def verify_(self) -> None:
        _check_range("time", self.time, 0)
        if self.repetition is not None:
            _check_range("repetition", self.repetition, 1)

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

    traits = traits_def(SymbolOpInterface(), HasParent(GraphOp))

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
        _check_range("production", self.production, 1)
        _check_range("consumption", self.consumption, 1)
        _check_range("tokens", self.tokens, 0)
        if self.token_size is not None:
            _check_range("size", self.token_size, 0)
        self.check_capacity()

    def check_capacity(self) -> None:
        """Room for what one firing moves.

        Raises:
            VerifyException: there is too little.
        """
        if self.capacity is not None:
            _check_range("capacity", self.capacity, 0)
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


@irdl_op_definition
class TileOp(IRDLOperation):
    """A processor: `sdf.tile @t wheel 8 slice 4` owns 4 of every 8 cycles (TDMA)."""

    name = "sdf.tile"

    sym_name = prop_def(SymbolNameConstraint())
    wheel = opt_prop_def(Count)
    slice = opt_prop_def(Count)

    traits = traits_def(SymbolOpInterface(), HasParent(GraphOp))

    def __init__(self, name: str, wheel: int | None = None, slice: int | None = None):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "wheel": None if wheel is None else count(wheel),
                "slice": None if slice is None else count(slice),
            }
        )

    def verify_(self) -> None:
        if (self.wheel is None) != (self.slice is None):
            raise VerifyException("a wheel and its slice stand together")
        if self.wheel is not None and self.slice is not None:
            _check_range("wheel", self.wheel, 1)
            if not 1 <= self.slice.value.data <= self.wheel.value.data:
                raise VerifyException(
                    f"a slice lies in [1, {self.wheel.value.data}], got {self.slice.value.data}"
                )

    @classmethod
    def parse(cls, parser: Parser) -> TileOp:
        name = parser.parse_symbol_name().data
        wheel = slice = None
        if parser.parse_optional_keyword("wheel"):
            wheel = parse_count(parser).value.data
            parser.parse_keyword("slice")
            slice = parse_count(parser).value.data
        op = cls(name, wheel, slice)
        op.attributes = parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        if self.wheel is not None and self.slice is not None:
            printer.print_string(f" wheel {self.wheel.value.data} slice {self.slice.value.data}")
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class BindOp(IRDLOperation):
    """An actor runs on a tile: `sdf.bind @a on @t`."""

    name = "sdf.bind"

    actor = prop_def(SymbolRefAttr)
    tile = prop_def(SymbolRefAttr)

    traits = traits_def(HasParent(GraphOp))
    assembly_format = "$actor `on` $tile attr-dict"

    def __init__(self, actor: str, tile: str):
        super().__init__(properties={"actor": SymbolRefAttr(actor), "tile": SymbolRefAttr(tile)})


@irdl_op_definition
class OrderOp(IRDLOperation):
    """A tile fires its actors in this order, again and again: `sdf.order on @t [@a, @b]`."""

    name = "sdf.order"

    tile = prop_def(SymbolRefAttr)
    firings = prop_def(ArrayAttr[SymbolRefAttr])

    traits = traits_def(HasParent(GraphOp))
    assembly_format = "`on` $tile $firings attr-dict"

    def __init__(self, tile: str, firings: Sequence[str]):
        super().__init__(
            properties={
                "tile": SymbolRefAttr(tile),
                "firings": ArrayAttr([SymbolRefAttr(actor) for actor in firings]),
            }
        )

    @property
    def actors(self) -> list[str]:
        """The names of the actors in order."""
        return [actor.root_reference.data for actor in self.firings]


def _check_range(what: str, number: Count, least: int) -> None:
    if not least <= number.value.data < MAX_NUMBER:
        raise VerifyException(
            f"{what} must lie in [{least}, {MAX_NUMBER}), got {number.value.data}"
        )


def make_graph(graph: Graph, capacities: Sequence[int | None] = ()) -> GraphOp:
    """The IR of a graph; `capacities` are those of its channels, all unbounded when left out."""
    bounds = capacities or [None] * len(graph.channels)
    names = [actor.name for actor in graph.actors]
    operations: list[Operation] = [ActorOp(actor.name, actor.time) for actor in graph.actors]
    for channel, capacity in zip(graph.channels, bounds, strict=True):
        operations.append(
            ChannelOp(
                channel.name,
                names[channel.source],
                names[channel.target],
                channel.production,
                channel.consumption,
                channel.tokens,
                capacity,
            )
        )
    return GraphOp(graph.name, Region(Block(operations)))


SDF = Dialect("sdf", [GraphOp, ActorOp, ChannelOp, TileOp, BindOp, OrderOp], [RatioAttr])
