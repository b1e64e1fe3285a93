"""Whether a step runs group by group of samples, and how many samples a group has.

Layer by layer, forward and backward pass follow each other and every value goes to DRAM and comes
back. Group by group, values stay on chip, and engines that a group has left work on the next one;
but inside a group one operation waits for the other. With the cycles of every engine:

    layer by layer  = busiest engine of the forward pass + the same of the backward pass
    group by group  = chain + (groups - 1) x max(chain - first operation, busiest engine) + ends

The queues of DRAM are engines; all latencies are included. `chain` is what one group waits for from
its first operation to its last but the weight updates; the ends are what the first group moves
and the longest weight update of the last. A group has the number of samples with the fewest cycles,
`SAMPLE_GROUP` or twice as many again and again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import BlockArgument, Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt_scan import ScanOp
from spikeloom.dialects.instruction_set import Engine
from spikeloom.dialects.snn import ParameterOp
from spikeloom.passes.engine_tiles import SAMPLE_GROUP
from spikeloom.passes.schedule_costs import Size, compute_of, cost_of
from spikeloom.passes.schedule_order import is_update

_WHOLE = (
    bptt.MomentsOp,
    bptt.NormalizeOp,
    bptt.NormalizeGradientOp,
    bptt.ScaleGradientOp,
    bptt.UpdateRunningOp,
    ScanOp,
)
"""Steps with one of these need all samples at once, or walk over time with all of them."""

_NO_WORK = (ParameterOp, bptt.ReportOp, bptt.OptimizeOp, bptt.DelayOp, bptt.AdvanceOp)


def can_be_grouped(step: bptt.StepOp) -> bool:
    """Whether no operation but the sums of weight updates and of the loss mixes samples."""
    return not any(isinstance(op, _WHOLE) for op in step.body.block.ops)


def group_sizes(step: bptt.StepOp, rates: Mapping[str, int]) -> list[int]:
    """How many samples a group may well have, the best first; none where layers are cheaper."""
    samples = step.batch.value.data
    size = Size(step.steps.value.data, samples)
    works = [_Work.of(op, size, rates) for op in _working(step)]
    bound = sum(_layer_by_layer(part) for part in _halves(works))
    found: list[tuple[float, int]] = []
    group = SAMPLE_GROUP
    while group < 2 * samples or group == SAMPLE_GROUP:
        cycles = _in_groups(works, min(group, samples), samples, rates["dram_latency"])
        if cycles < bound:
            found.append((cycles, group))
        group *= 2
    return [group for _, group in sorted(found)]


@dataclass(frozen=True)
class _Work:
    """What an operation takes of a whole batch, in cycles of engines, and the latency of a tile.

    Attributes:
        moved: between DRAM and chip, layer by layer.
        kept: the same, group by group: the step's input, zeros that are added to, and reports.
        first: latencies of a first tile, layer by layer.
        latency: of an instruction.
    """

    op: Operation
    engine: Engine
    cycles: float
    moved: Mapping[Engine, float]
    kept: Mapping[Engine, float]
    first: int
    latency: int

    @staticmethod
    def of(op: Operation, size: Size, rates: Mapping[str, int]) -> _Work:
        """The work of one operation."""
        engine, cycles = compute_of(op, size, rates)
        cost = cost_of(op, size, rates, Engine.DMA)
        loads = sum(size.bytes(value) for value in op.operands if isinstance(value, BlockArgument))
        if isinstance(op, bptt.SynapseInputGradientOp | bptt.ConvolutionInputGradientOp):
            loads += size.bytes(op.input_gradient)
        stores = sum(size.bytes(value) for value in op.results if _is_reported(value))
        return _Work(
            op,
            engine,
            cycles,
            {Engine.DMA: cost.load, Engine.DMA_STORE: cost.store},
            {
                Engine.DMA: loads / rates[Engine.DMA.value],
                Engine.DMA_STORE: stores / rates[Engine.DMA_STORE.value],
            },
            cost.load_latency + cost.latency + cost.store_latency,
            cost.latency,
        )


def _is_reported(value: SSAValue) -> bool:
    return any(isinstance(use.operation, bptt.ReportOp) for use in value.uses)


def _working(step: bptt.StepOp) -> Iterator[Operation]:
    return (op for op in step.body.block.ops if not isinstance(op, _NO_WORK))


def _halves(works: Sequence[_Work]) -> tuple[Sequence[_Work], Sequence[_Work]]:
    """Forward and backward pass."""
    losses = [place for place, work in enumerate(works) if isinstance(work.op, bptt.LossOp)]
    end = losses[0] + 1 if losses else len(works)
    return works[:end], works[end:]


def _layer_by_layer(works: Sequence[_Work]) -> float:
    """Cycles of one pass: those of its busiest engine, and the latencies that nothing hides."""
    busy: dict[Engine, float] = {}
    for work in works:
        for engine, cycles in ((work.engine, work.cycles), *work.moved.items()):
            busy[engine] = busy.get(engine, 0.0) + cycles
    return max(busy.values(), default=0.0) + sum(work.first for work in works)


def _in_groups(works: Sequence[_Work], group: int, samples: int, dram: int) -> float:
    """Cycles of all groups; `dram` is the latency of a load."""
    share, groups = group / samples, -(-samples // group)
    busy: dict[Engine, float] = {}
    chain: list[float] = []
    fill = last = 0.0
    for work in works:
        cycles = share * work.cycles + work.latency
        busy[work.engine] = busy.get(work.engine, 0.0) + cycles
        for engine, moved in work.kept.items():
            cells = share * moved + dram if moved else 0.0
            busy[engine] = busy.get(engine, 0.0) + cells
            fill += cells
        if is_update(work.op):
            last = max(last, cycles)
        else:
            chain.append(cycles)
    turn = max(sum(chain[1:]), *busy.values())
    return fill + sum(chain) + (groups - 1) * turn + last
