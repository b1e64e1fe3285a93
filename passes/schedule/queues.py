"""In which of the two pairs of DMA queues an update's tiles move.

Updates have queues of their own, so that they hold up nobody. What stands behind the last gradient
that flows on may use the queues of the other engines as well: each update takes the pair that is
done earlier by its rates. The size of the parameters decides, not that of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import Block, Operation

from spikeloom.dialects import bptt
from spikeloom.dialects.instruction_set import Engine
from spikeloom.dialects.schedule import mark_for_update
from spikeloom.passes.schedule.costs import Size
from spikeloom.passes.schedule.order import is_update

_QUEUES: tuple[Engine, ...] = (Engine.DMA, Engine.DMA_UPDATE)
_STORES = {Engine.DMA: Engine.DMA_STORE, Engine.DMA_UPDATE: Engine.DMA_UPDATE_STORE}
_BYTES = 4
"""Of a cell of a parameter."""


def choose_queues(block: Block, tail: Sequence[Operation], rates: Mapping[str, int]) -> None:
    """Layer by layer: loads are what updates in the tail wait for."""
    busy: dict[Engine, float] = dict.fromkeys(_QUEUES, 0.0)
    for op in block.ops:
        if not is_update(op):
            continue
        queue = Engine.DMA_UPDATE
        if rates and op in tail:
            done = {each: busy[each] + _cells(op) / rates[each.value] for each in busy}
            queue = min(done, key=done.__getitem__)
            busy[queue] = done[queue]
        if queue is Engine.DMA_UPDATE:
            mark_for_update(op)


def choose_queues_of_groups(block: Block, rates: Mapping[str, int]) -> None:
    """Group by group: updates have loaded before the last gradient is there, and only store."""
    busy: dict[Engine, float] = dict.fromkeys(_QUEUES, 0.0)
    for op in block.ops:
        if not is_update(op):
            continue
        gradient = not isinstance(op, bptt.OptimizeOp)
        done = {each: busy[each] + _storing(op, each, rates) for each in _QUEUES} if rates else {}
        queue = min(done, key=done.__getitem__, default=Engine.DMA_UPDATE)
        if gradient or queue is Engine.DMA_UPDATE:
            queue = Engine.DMA_UPDATE
            mark_for_update(op)
        busy[queue] = done.get(queue, 0.0)


def _storing(op: Operation, queue: Engine, rates: Mapping[str, int]) -> float:
    """Cycles in which a queue stores what an update yields: a gradient, or three arrays."""
    arrays = 3 if isinstance(op, bptt.OptimizeOp) else 1
    cells = Size(1, 1).cells(op.operands[0] if arrays > 1 else op.results[0])
    return arrays * (_BYTES * cells / rates[_STORES[queue].value] + rates["dram_latency"])


def _cells(op: Operation) -> int:
    """Cells that an update moves: those of a gradient, or of the optimizer's four arrays."""
    one = Size(1, 1)
    if isinstance(op, bptt.OptimizeOp):
        return 4 * one.cells(op.gradient)
    return one.cells(op.results[0])
