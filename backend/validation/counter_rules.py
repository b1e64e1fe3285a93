"""Integer accumulators: no run of a stream can make one overflow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from spikeloom.backend.stream.records import Buffer, Instruction
from spikeloom.backend.validation.boxes import tile_of
from spikeloom.backend.validation.loop_rules import Placed
from spikeloom.backend.validation.violation import Violation, spell_text
from spikeloom.dialects.instruction_set import SAMPLES, Element

MAX_COUNT = 2**31 - 1


def check_counters(placed: Iterable[Placed], buffers: Sequence[Buffer]) -> Iterator[Violation]:
    """Violations of the last instruction that counts in a buffer beyond a 32-bit integer.

    An execution counts at most 1 per sample of its box.
    """
    totals: dict[int, int] = {}
    last: dict[int, Instruction] = {}
    for place in placed:
        instruction = place.instruction
        for operand in instruction.operands:
            if not (operand.role.updates and operand.role.elements == (Element.I32,)):
                continue
            axes = dict(zip(instruction.spec.axes, instruction.extents, strict=True))
            samples = tile_of(axes.get(SAMPLES, 1), place.loops).greatest
            buffer = operand.slice.buffer
            totals[buffer] = totals.get(buffer, 0) + place.executions * samples
            last[buffer] = instruction
    for buffer, total in totals.items():
        if total > MAX_COUNT:
            name = spell_text(buffers[buffer].name)
            message = f"buffer {name} may count to {total}, the limit is {MAX_COUNT}"
            yield Violation(message, last[buffer].index)
