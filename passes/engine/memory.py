"""Where the tiles of loop nests lie on chip, and how large they are.

Nests that run side by side must not share addresses. In a scheduled step the memories are divided:
nests of weight updates lie in the upper quarter of each (and in all of the memory that only they
use), all others below. Inside its part a nest lies behind the one before it, and at the beginning
again where no room is left, so that the loads of a nest need not wait for the one before.

Double buffers take twice the room. They are given to what follows the axis that is cut first, and
to the rest where that does not cut it smaller; to nests of one tile as well, so that the text of a
program does not depend on the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from xdsl.ir import Operation

from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects import bptt
from spikeloom.dialects.instruction_set import (
    BUFFER_ALIGNMENT,
    TABLE_MEMORIES,
    Element,
    Shape,
    buffer_bytes,
)
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.schedule import (
    has_double_buffers,
    is_overlapped,
    is_scheduled,
)
from spikeloom.passes.engine.tiles import LANES, SAMPLES, Axis, TileBuffer, fit_tiles
from spikeloom.passes.schedule.order import is_update

Tiles = dict[str, int]
Placed = list[tuple[TileBuffer, int]]
"""Buffers with their offsets."""

UPDATE_MEMORIES = ("gradient_sram", "update_tables")
"""What only weight updates use."""
FLOW_MEMORY = "forward_tables"
"""What only synapses use."""
_UPDATE_SHARE = 4
"""They get one part of so many of every other memory."""


_FLOW = ("samples", "steps", "rows", "positions")
"""Axes along which tiles follow one another with the same weights."""


@dataclass(frozen=True)
class Wish:
    """A nest that wants room: its name in messages, and its operation.

    `kept` is the axis whose tiles must be whole for weights to stay while tiles along `_FLOW`
    follow one another. Where it is cut, they are loaded (and their tables built) for each of them.
    The first axis is cut into `least` tiles, where it can be.
    """

    title: str
    source: Operation
    kept: str | None = None
    least: int = 1


@dataclass
class _Part:
    """A part of every memory, and where its next nest may begin."""

    starts: Mapping[str, int]
    sizes: Mapping[str, int]
    in_turns: bool
    next: dict[str, int] = field(default_factory=dict[str, int])

    def place(self, buffers: Sequence[TileBuffer], tiles: Tiles) -> Placed:
        """Offsets of buffers that fit."""
        needed: dict[str, int] = {}
        for buffer in buffers:
            needed[buffer.memory] = needed.get(buffer.memory, 0) + buffer.size(tiles)
        offsets: dict[str, int] = {}
        for memory, size in needed.items():
            begin = self.next.get(memory, 0) if self.in_turns else 0
            begin = begin if begin + size <= self.sizes[memory] else 0
            self.next[memory] = begin + size
            offsets[memory] = self.starts[memory] + begin
        placed: Placed = []
        for buffer in buffers:
            placed.append((buffer, offsets[buffer.memory]))
            offsets[buffer.memory] += buffer.size(tiles)
        return placed


@dataclass
class TileMemory:
    """The on-chip memories while nests are written."""

    whole: _Part
    flow: _Part
    update: _Part
    double: bool
    overlapped: bool
    group: int | None = None
    tables_stay: bool = True
    _tables_staying: int = 0

    @staticmethod
    def of(step: bptt.StepOp, memories: Mapping[str, int]) -> TileMemory:
        """The memories (bytes by name), divided where the step is scheduled."""
        flags = (has_double_buffers(step), is_overlapped(step))
        return TileMemory._divided(step, memories, is_scheduled(step), *flags)

    @staticmethod
    def when_scheduled(
        step: bptt.StepOp, memories: Mapping[str, int], group: int | None
    ) -> TileMemory:
        """The memories as they are when `schedule-engines` has pipelined the step.

        `group` is the number of samples that go through it at once, None for all of them.
        """
        memory = TileMemory._divided(step, memories, True, True, True)
        memory.group = None if group is None else min(group, step.batch.value.data)
        return memory

    @staticmethod
    def _divided(
        step: bptt.StepOp,
        memories: Mapping[str, int],
        scheduled: bool,
        double: bool,
        overlapped: bool,
    ) -> TileMemory:
        whole = _Part(dict.fromkeys(memories, 0), memories, scheduled)
        updated = any(isinstance(op, bptt.OptimizeOp) for op in step.body.block.ops)
        if not (scheduled and updated):
            return TileMemory(whole, whole, whole, double, overlapped)
        below = {name: _flow_share(name, size) for name, size in memories.items()}
        above = {name: size - below[name] for name, size in memories.items()}
        flow = _Part(dict.fromkeys(memories, 0), below, True)
        return TileMemory(whole, flow, _Part(below, above, True), double, overlapped)

    @staticmethod
    def behind(
        step: bptt.StepOp, memories: Mapping[str, int], used: Mapping[str, int]
    ) -> TileMemory:
        """What is left behind the first `used` bytes, in one part."""
        sizes = {name: size - used.get(name, 0) for name, size in memories.items()}
        left = _Part({name: used.get(name, 0) for name in memories}, sizes, True)
        whole = _Part(dict.fromkeys(memories, 0), memories, True)
        return TileMemory(whole, left, left, has_double_buffers(step), is_overlapped(step))

    def sizes(self, source: Operation) -> Mapping[str, int]:
        """Bytes of every memory that a nest of this operation may take."""
        return (self.update if is_update(source) else self.flow).sizes

    def place(
        self, wish: Wish, axes: Sequence[Axis], buffers: Sequence[TileBuffer]
    ) -> tuple[Tiles, Placed]:
        """The tiles of a nest, and its buffers with their copies and offsets.

        Raises:
            DiagnosticError: no tiles fit the whole memories (E0302).
        """
        if self.group is not None:
            return self.whole_tiles(axes), self._wished(axes, buffers)
        part, tiles, chosen = self._fitted(wish, axes, buffers)
        return tiles, part.place(chosen, tiles)

    def tiles(self, wish: Wish, axes: Sequence[Axis], buffers: Sequence[TileBuffer]) -> Tiles:
        """The tiles that a nest would have; nothing is placed.

        Raises:
            DiagnosticError: no tiles fit the whole memories (E0302).
        """
        return self._fitted(wish, axes, buffers)[1]

    def _fitted(
        self, wish: Wish, axes: Sequence[Axis], buffers: Sequence[TileBuffer]
    ) -> tuple[_Part, Tiles, Sequence[TileBuffer]]:
        part = self.update if is_update(wish.source) else self.flow
        try:
            return part, *self._fit(part, wish, axes, buffers)
        except DiagnosticError:
            # Then it shares addresses with its neighbours and waits for them.
            return self.whole, *self._fit(self.whole, wish, axes, buffers)

    def whole_tiles(self, axes: Sequence[Axis]) -> Tiles:
        """Whole layers of a group of samples."""
        tiles = {axis.name: axis.length for axis in axes}
        if SAMPLES in tiles and self.group is not None:
            tiles[SAMPLES] = min(self.group, tiles[SAMPLES])
        return tiles

    def let_tables_stay(self, shape: Shape) -> bool:
        """Whether a layer's tables stay on chip while groups of samples go through a step.

        Those that do share one half of their memory.
        """
        size = buffer_bytes(Element.F32, shape)
        room = self.whole.sizes.get(FLOW_MEMORY, 0) // 2
        stay = self.tables_stay and self._tables_staying + size <= room
        self._tables_staying += size if stay else 0
        return stay

    def some_outputs(self, memory: str, shape: tuple[int, int, int], outputs: int) -> int:
        """How many outputs' tables are on chip at once, if they are built in every turn."""
        size = self.whole.sizes.get(memory, 0)
        room = size // 2 if memory == FLOW_MEMORY and self.tables_stay else size
        some = outputs
        while some > LANES and buffer_bytes(Element.F32, (*shape, some)) > room:
            some = max(LANES, -(-some // 2 // LANES) * LANES)
        return some

    def _wished(self, axes: Sequence[Axis], buffers: Sequence[TileBuffer]) -> Placed:
        """Buffers with the copies that they would like, addresses still to be found."""
        groups = [axis for axis in axes if axis.name == SAMPLES]
        placed: Placed = []
        for buffer in buffers:
            flows = any(buffer.follows(axis) for axis in groups)
            doubled = self.double and flows and buffer.memory not in TABLE_MEMORIES
            placed.append((replace(buffer, copies=1 + doubled), 0))
        return placed

    def _fit(
        self, part: _Part, wish: Wish, axes: Sequence[Axis], buffers: Sequence[TileBuffer]
    ) -> tuple[Tiles, Sequence[TileBuffer]]:
        largest = {axis.name: _cut(axis, wish.least) for axis in axes[:1]}
        place = location_of(wish.source)
        tiles = fit_tiles(wish.title, axes, buffers, part.sizes, place, largest)
        staying = not _reloads_most(wish, axes, buffers, tiles)
        if not staying:
            largest = {}
            tiles = fit_tiles(wish.title, axes, buffers, part.sizes, place)
        chosen = buffers
        for doubled in _more_and_more_doubled(axes, buffers):
            try:
                fitted = fit_tiles(wish.title, axes, doubled, part.sizes, place, largest)
            except DiagnosticError:
                break
            same = [axis for axis in axes if fitted[axis.name] == tiles[axis.name]]
            shrinks = self.overlapped and staying and chosen is buffers
            kept = [axis for axis in axes if not (shrinks and axis.name in _FLOW)]
            if any(axis not in same for axis in kept):
                break
            tiles, chosen = fitted, doubled
        return tiles, chosen if self.double else buffers


def _more_and_more_doubled(
    axes: Sequence[Axis], buffers: Sequence[TileBuffer]
) -> Iterator[Sequence[TileBuffer]]:
    """Double buffers for what follows the first axis, then for everything but tables.

    A table is built and used by the same engine: a second copy of it could never be waited for.
    """
    moved = [b.memory not in TABLE_MEMORIES for b in buffers]
    if axes:
        pairs = list(zip(buffers, moved, strict=True))
        some = [replace(b, copies=1 + (each and b.follows(axes[0]))) for b, each in pairs]
        yield some
        more = [replace(b, copies=1 + each) for b, each in pairs]
        if more != some:
            yield more


def _reloads_most(
    wish: Wish, axes: Sequence[Axis], buffers: Sequence[TileBuffer], tiles: Tiles
) -> bool:
    """Whether weights do not stay, and are more than what else moves for every tile."""
    kept = next((axis for axis in axes if axis.name == wish.kept), None)
    if kept is None or tiles[kept.name] == kept.length:
        return False
    flow = [axis for axis in axes if axis.name in _FLOW]
    moved = [buffer for buffer in buffers if buffer.memory not in TABLE_MEMORIES]
    following = [buffer for buffer in moved if any(buffer.follows(axis) for axis in flow)]
    weights = sum(buffer.size(tiles) for buffer in moved if buffer not in following)
    return weights > sum(buffer.size(tiles) for buffer in following)


def _cut(axis: Axis, tiles: int) -> int:
    """The largest tile of an axis that is cut into so many, or as many as it can be."""
    tile = axis.length
    while -(-axis.length // tile) < tiles and (smaller := axis.smaller(tile)) is not None:
        tile = smaller
    return tile


def _flow_share(memory: str, size: int) -> int:
    """Bytes below those of the weight updates."""
    if memory in UPDATE_MEMORIES:
        return 0
    return size if memory == FLOW_MEMORY else _aligned(size - size // _UPDATE_SHARE)


def _aligned(size: int) -> int:
    return size // BUFFER_ALIGNMENT * BUFFER_ALIGNMENT
