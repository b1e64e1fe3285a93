"""How dense every operand of a stream is, found by following the data through its buffers.

On chip, a buffer is as dense as what was written to it last, in the order of the text. In DRAM,
where several instructions may write parts of a home, it is as dense as all of them on average, and
what none of them but `clear` writes is zero: steps before the first, rows around an image. Loads
that reach there are as dense as their boxes overlap what is written, on average over the loops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.counting.data_counts import DATA_COUNTS, FULL, NOTHING, Origin, Rule
from spikeloom.backend.counting.densities import Densities
from spikeloom.backend.stream.records import Buffer, Instruction, Operand
from spikeloom.backend.stream.stream import NO_LOOP
from spikeloom.backend.validation.boxes import Box, Interval
from spikeloom.backend.validation.buffer_rules import DRAM
from spikeloom.backend.validation.loop_rules import Placed
from spikeloom.dialects.instruction_set import MAX_ROLES

MAX_ROUNDS = 8
"""Values that go round a loop are followed again until nothing changes; each time is a round."""

Span = tuple[int, int]
"""The first cell along a dimension, and the first behind the last."""


@dataclass
class _Home:
    """What is known of a buffer in DRAM: by record, cells written and their density; the hull."""

    parts: dict[int, tuple[int, float]] = field(default_factory=dict[int, tuple[int, float]])
    hull: list[Span] = field(default_factory=list[Span])

    @property
    def density(self) -> float:
        """The mean over all cells written."""
        cells = sum(count for count, _ in self.parts.values())
        return sum(count * density for count, density in self.parts.values()) / max(1, cells)


class DensityTrace:
    """Follows densities through the instructions of a stream.

    Attributes:
        found: [records, MAX_ROLES], the density of every operand.
    """

    def __init__(
        self,
        records: int,
        placed: Iterable[Placed],
        buffers: tuple[Buffer, ...],
        densities: Densities,
        written: Mapping[int, tuple[Span, ...]],
    ):
        """`written` says, per buffer that the host fills in part, which cells it fills."""
        self.found: NDArray[np.float64] = np.ones((records, MAX_ROLES))
        self._densities = densities
        self._buffers = buffers
        self._on_chip: dict[int, float] = {}
        self._homes = {b.index: _Home() for b in buffers if b.memory == DRAM}
        for buffer in buffers:
            if buffer.role[0] == "input":
                hull = written.get(buffer.index, tuple((0, cells) for cells in buffer.shape))
                home = self._homes[buffer.index]
                home.parts[-1], home.hull = (prod(buffer.shape), densities.input), list(hull)
        placed = tuple(placed)
        for _ in range(MAX_ROUNDS):
            before = self.found.copy()
            for place in placed:
                self._follow(place)
            if np.array_equal(before, self.found):
                break

    def _follow(self, place: Placed) -> None:
        instruction = place.instruction
        rules = DATA_COUNTS.get(instruction.spec.name, NOTHING)
        numbers = {role.name: number for number, role in enumerate(instruction.spec.roles)}
        row = self.found[instruction.index]
        known: dict[str, float] = {}
        cells: dict[str, int] = {}
        uses = list(zip(instruction.operands, place.boxes, strict=True))
        for operand, box in uses:
            cells[operand.role.name] = prod(interval.tile.greatest for interval in box)
            if not operand.written:
                known[operand.role.name] = self._read(operand, box)
        for operand, box in uses:
            if operand.written:
                origin = rules.writes.get(operand.role.name, FULL)
                density = self._produced(origin, known, cells, instruction)
                known[operand.role.name] = density
                self._write(place, operand, box, density, origin.rule is Rule.ZERO)
        for name, density in known.items():
            row[numbers[name]] = density

    def _produced(
        self,
        origin: Origin,
        known: Mapping[str, float],
        cells: Mapping[str, int],
        instruction: Instruction,
    ) -> float:
        layer = instruction.layer
        match origin.rule:
            case Rule.LAYER_SPIKES | Rule.LAYER_MASK | Rule.LAYER_GRADIENTS:
                density: float = getattr(self._densities.of_layer(layer), origin.rule.value)
                return density
            case Rule.ZERO:
                return 0.0
            case Rule.ONE:
                return 1.0
            case Rule.COPY:
                return known[origin.roles[0]]
            case Rule.ANY:
                return 1.0 - prod(1.0 - known[role] for role in origin.roles)
            case Rule.WINDOW:
                names = [immediate.name for immediate in instruction.spec.immediates]
                kernel = instruction.immediates[names.index("kernel")]
                return 1.0 - float((1.0 - known[origin.roles[0]]) ** (kernel * kernel))
            case Rule.MEAN:
                whole = sum(cells[role] for role in origin.roles)
                return sum(cells[role] * known[role] for role in origin.roles) / whole

    def _read(self, operand: Operand, box: Box) -> float:
        buffer = operand.slice.buffer
        home = self._homes.get(buffer)
        if home is None:
            return self._on_chip.get(buffer, 1.0)
        if not home.parts:
            return 1.0
        shares = (covered(*pair) for pair in zip(box, home.hull, strict=True))
        return home.density * prod(shares)

    def _write(
        self, place: Placed, operand: Operand, box: Box, density: float, cleared: bool
    ) -> None:
        buffer = operand.slice.buffer
        home = self._homes.get(buffer)
        if home is None:
            self._on_chip[buffer] = density
        elif not cleared:
            cells = place.executions * prod(interval.tile.greatest for interval in box)
            home.parts[place.instruction.index] = (cells, density)
            spans = [(interval.first, interval.end) for interval in box]
            known = home.hull or spans
            home.hull = [
                (min(a, c), max(b, d)) for (a, b), (c, d) in zip(known, spans, strict=True)
            ]


def covered(interval: Interval, span: Span) -> float:
    """The share of the interval's cells that lie in the span, on average over its loop."""
    if span[0] <= interval.first and interval.end <= span[1]:
        return 1.0
    values = interval.values
    offsets = np.arange(values.start, values.stop, values.step) if interval.depth != NO_LOOP else 0
    starts = interval.base + interval.scale * np.atleast_1d(offsets)
    lengths = np.full(len(starts), interval.tile.greatest)
    if interval.tied:
        lengths = np.array([interval.tile.at(value) for value in values])
    inside = np.minimum(starts + lengths, span[1]) - np.maximum(starts, span[0])
    return float(np.maximum(inside, 0).sum() / lengths.sum())
