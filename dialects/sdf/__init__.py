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

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import StringAttr, SymbolNameConstraint
from xdsl.ir import Block, Dialect, Operation, Region
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
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
    Repetition,
    TooManyFirings,
)
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.dialects.sdf.binding import BindOp, OrderOp, TileOp
from spikeloom.dialects.sdf.graph_parts import ActorOp, ChannelOp
from spikeloom.dialects.sdf.order_checks import ImpossibleOrder, check_orders
from spikeloom.dialects.sdf.types import RatioAttr


class GraphDeadlock(VerifyException):
    """The graph deadlocks; nothing else is wrong that could be found before."""


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
        bound = self._verify_binding()
        try:
            bounded = graph.with_capacities(self.capacities)
            repetition = repetition_vector(bounded)
            sequential_order(bounded, repetition)
            self._verify_orders(bounded, repetition, bound)
        except Deadlock as problem:
            raise GraphDeadlock(str(problem)) from None
        except (InconsistentRates, TooManyFirings, ImpossibleOrder, ValueError) as problem:
            raise VerifyException(str(problem)) from None

    def _verify_orders(
        self, graph: Graph, repetition: Repetition, bound: Mapping[str, str]
    ) -> None:
        numbers = {actor.name: number for number, actor in enumerate(graph.actors)}
        on_tile: dict[str, list[int]] = {}
        for actor, tile in bound.items():
            on_tile.setdefault(tile, []).append(numbers[actor])
        orders = {
            op.tile.root_reference.data: [numbers[actor] for actor in op.actors]
            for op in self.body.block.ops
            if isinstance(op, OrderOp)
        }
        actors_of = {tile: on_tile.get(tile, []) for tile in orders}
        check_orders(graph, repetition, actors_of, orders)

    def _verify_binding(self) -> dict[str, str]:
        """The tile of every actor that is bound, by names."""
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
        return bound

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


def make_graph(
    graph: Graph,
    capacities: Sequence[int | None] = (),
    token_sizes: Sequence[int | None] = (),
) -> GraphOp:
    """The IR of a graph.

    `capacities` are those of its channels, all unbounded when left out; `token_sizes` the bytes of
    one token in each channel, none of them known when left out.
    """
    bounds = capacities or [None] * len(graph.channels)
    sizes = token_sizes or [None] * len(graph.channels)
    names = [actor.name for actor in graph.actors]
    operations: list[Operation] = [ActorOp(actor.name, actor.time) for actor in graph.actors]
    for channel, capacity, size in zip(graph.channels, bounds, sizes, strict=True):
        operations.append(
            ChannelOp(
                channel.name,
                names[channel.source],
                names[channel.target],
                channel.production,
                channel.consumption,
                channel.tokens,
                capacity,
                size,
            )
        )
    return GraphOp(graph.name, Region(Block(operations)))


SDF = Dialect("sdf", [GraphOp, ActorOp, ChannelOp, TileOp, BindOp, OrderOp], [RatioAttr])
