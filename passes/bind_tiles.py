"""`bind-tiles`: actors on tiles, their static orders and buffers, and the period they guarantee."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, BoolAttr, DenseArrayBase, ModuleOp, StringAttr, i64
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from spikeloom.diagnostics import error
from spikeloom.dialects.dataflow.graph import Deadlock, InconsistentRates, TooManyFirings
from spikeloom.dialects.dataflow.platform import Platform, Tile, mesh
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.number_text import count
from spikeloom.dialects.sdf import GraphOp
from spikeloom.dialects.sdf.binding import BindOp, OrderOp, TileOp
from spikeloom.dialects.sdf.types import RatioAttr
from spikeloom.passes.binding.application import Application, prepare
from spikeloom.passes.binding.pipeline import pipelined
from spikeloom.passes.binding.resources import Infeasible, check_binding
from spikeloom.passes.binding.search import Bound, best_binding
from spikeloom.passes.binding.transfers import Unconnected

MAX_TILES = 1024

LEAST = {
    "rows": 1,
    "columns": 1,
    "delay": 0,
    "bandwidth": 1,
    "wheel": 1,
    "slice": 1,
    "memory": 0,
    "connections": 0,
    "actors": 0,
    "evaluations": 1,
}
"""The smallest value of every option that is a number."""

MOST = 2**31 - 1
"""The largest value of those that nothing else bounds."""


@dataclass(frozen=True)
class BindTilesPass(ModulePass):
    """Writes `sdf.tile`, `sdf.bind` and `sdf.order` into each `sdf.graph`, and its `guarantee`.

    Tiles that the graph has are used, with the same delay between any two; else there is a mesh of
    `rows` x `columns` with `delay` cycles per hop. A graph that is bound keeps its binding and
    gets new orders. With `pipeline=true` channels get the tokens of a prologue, in which every
    actor runs `ahead` iterations. `buffers` of a channel are what it has inside a tile, or at its
    two ends. `search_complete` is false where `evaluations` bindings were not enough to try all
    that might be better.

    Raises:
        DiagnosticError: an option lies outside its range (E0405), the platform is too small for
            the graph (E0302), the graph has no throughput (E0205).
    """

    name = "bind-tiles"

    rows: int = 2
    columns: int = 2
    delay: int = 1
    bandwidth: int | None = None
    wheel: int = 1
    slice: int = 1
    memory: int | None = None
    connections: int | None = None
    actors: int | None = None
    pipeline: bool = False
    evaluations: int = 64

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        self._check_options()
        for graph in [each for each in op.ops if isinstance(each, GraphOp)]:
            name = graph.sym_name.data
            try:
                self._bind(graph)
            except (Deadlock, InconsistentRates, TooManyFirings, OverflowError) as problem:
                message = f"@{name} has no throughput: {problem}"
                raise error("E0205", message, location_of(graph)) from None
            except (Infeasible, Unconnected, ValueError) as problem:
                help = "more or larger tiles, or smaller buffers, would help"
                message = f"@{name} cannot be bound: {problem}"
                raise error("E0302", message, location_of(graph), help) from None

    def _check_options(self) -> None:
        """Raises E0405 for the first option outside its range."""
        most = {"rows": MAX_TILES, "columns": MAX_TILES, "memory": 2**48 - 1}
        for name, least in LEAST.items():
            value: int | None = getattr(self, name)
            limit = most.get(name, MOST)
            if value is not None and not least <= value <= limit:
                message = f"bind-tiles{{{name}={value}}}: {name} is from {least} to {limit}"
                raise error("E0405", message)
        if self.rows * self.columns > MAX_TILES:
            message = f"bind-tiles{{rows={self.rows} columns={self.columns}}}: a mesh has at most"
            help = "fewer rows or columns"
            raise error("E0405", f"{message} {MAX_TILES} tiles", help=help)
        if self.slice > self.wheel:
            message = f"bind-tiles{{slice={self.slice}}}: slice is from 1 to the wheel's"
            raise error(
                "E0405", f"{message} {self.wheel}", help="a longer wheel, or a shorter slice"
            )

    def _bind(self, op: GraphOp) -> None:
        platform = self._platform(op)
        if self.pipeline:
            _write_prologue(op)
        channels = op.channels
        sizes = [1 if each.token_size is None else each.token_size.value.data for each in channels]
        application = prepare(op.graph(), op.capacities, sizes)
        given = _given_binding(op, platform)
        if given is None:
            bound = best_binding(application, platform, evaluations=self.evaluations)
        else:
            check_binding(application, given, platform)
            bound = Bound(given, application.guarantee(given, platform), True)
        _write(op, application, platform, bound)

    def _platform(self, op: GraphOp) -> Platform:
        tile = Tile(
            "tile", self.wheel, self.slice, self.memory, self.connections, actors=self.actors
        )
        found = [each for each in op.body.block.ops if isinstance(each, TileOp)]
        if not found:
            return mesh(self.rows, self.columns, tile, self.delay, self.bandwidth)
        tiles = tuple(
            Tile(
                each.sym_name.data,
                1 if each.wheel is None else each.wheel.value.data,
                1 if each.slice is None else each.slice.value.data,
                self.memory,
                self.connections,
                actors=self.actors,
            )
            for each in found
        )
        return Platform(tiles, ((self.delay,) * len(tiles),) * len(tiles), self.bandwidth)


def _given_binding(op: GraphOp, platform: Platform) -> tuple[int, ...] | None:
    """The binding in the IR, None where there is none.

    Raises:
        Infeasible: only some actors are bound.
    """
    tiles = {tile.name: number for number, tile in enumerate(platform.tiles)}
    bound = {
        each.actor.root_reference.data: tiles[each.tile.root_reference.data]
        for each in op.body.block.ops
        if isinstance(each, BindOp)
    }
    if not bound:
        return None
    names = [actor.sym_name.data for actor in op.actors]
    if missing := [name for name in names if name not in bound]:
        raise Infeasible(f"actor {missing[0]} is bound to no tile, but others are")
    return tuple(bound[name] for name in names)


def _write_prologue(op: GraphOp) -> None:
    """Tokens of the prologue on the channels, `ahead` on the actors that run in it."""
    graph = op.graph()
    found = pipelined(graph, repetition_vector(graph))
    for channel, after in zip(op.channels, found.graph.channels, strict=True):
        channel.tokens = count(after.tokens)
    for actor, ahead in zip(op.actors, found.ahead, strict=True):
        actor.attributes["ahead"] = count(ahead)


def _write(op: GraphOp, application: Application, platform: Platform, bound: Bound) -> None:
    block = op.body.block
    for each in list(block.ops):
        if isinstance(each, BindOp | OrderOp):
            each.detach()
            each.erase()
    names = [actor.sym_name.data for actor in op.actors]
    new: list[Operation] = []
    known = {each.sym_name.data for each in block.ops if isinstance(each, TileOp)}
    for tile in platform.tiles:
        if tile.name in known:
            continue
        shared = tile.wheel > 1
        new.append(
            TileOp(tile.name, tile.wheel if shared else None, tile.slice if shared else None)
        )
    for name, tile in zip(names, bound.binding, strict=True):
        new.append(BindOp(name, platform.tiles[tile].name))
    orders = application.orders(bound.binding, platform)
    for tile, order in zip(platform.tiles, orders, strict=True):
        if order:
            new.append(OrderOp(tile.name, [names[actor] for actor in order]))
    block.add_ops(new)
    _write_buffers(op, application, bound.binding)
    op.attributes["guarantee"] = RatioAttr.get(bound.throughput.period)
    op.attributes["guarantee_cycle"] = ArrayAttr(
        [StringAttr(step.channel) for step in bound.throughput.critical_cycle]
    )
    op.attributes["search_complete"] = BoolAttr.from_bool(bound.complete)


def _write_buffers(op: GraphOp, application: Application, binding: Sequence[int]) -> None:
    for channel, plain, room in zip(
        op.channels, application.graph.channels, application.room, strict=True
    ):
        if plain.source == plain.target:
            continue
        local = binding[plain.source] == binding[plain.target]
        buffers = [room.local] if local else [room.source, room.target]
        channel.attributes["buffers"] = DenseArrayBase.from_list(
            i64, [each for each in buffers if each is not None]
        )
