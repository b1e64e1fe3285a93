"""Whether a step runs group by group of samples, and how many samples a group has.

Layer by layer, forward and backward pass follow each other and every value goes to DRAM and comes
back. Group by group, values stay on chip, and engines that a group has left work on the next one;
but inside a group one operation waits for the other. With the cycles of every engine:

    layer by layer  = busiest engine of the forward pass + the same of the backward pass
    group by group  = one group + (groups - 1) x max(chain - first operation, busiest engine)

The queues of DRAM are engines; all latencies are included. `chain` is what one group waits for from
its first operation to its last but the weight updates, which are one engine's chain beside it. A
group has the number of samples with the fewest cycles, `SAMPLE_GROUP` or twice as many again and
again. Where the memories hold no such group with all its steps, it has half as many, again and
again: its rows are samples x steps, so that few samples of many steps fill the lanes as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import BlockArgument, Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.dialects.instruction_set import Element, Engine, buffer_bytes
from spikeloom.dialects.number_text import count
from spikeloom.dialects.snn import ParameterOp
from spikeloom.passes.engine.tiles import SAMPLE_GROUP
from spikeloom.passes.schedule.costs import Size, compute_of, cost_of
from spikeloom.passes.schedule.order import is_update

_WHOLE = (
    bptt.MomentsOp,
    bptt.NormalizeOp,
    bptt.NormalizeGradientOp,
    bptt.ScaleGradientOp,
    bptt.UpdateRunningOp,
    ScanOp,
)
"""Steps with one of these need all samples at once, or walk over time with all of them."""

_LONG = 64
"""Groups of `SAMPLE_GROUP` samples in a long batch."""

_WAITING = 2
"""Layer by layer, nests wait for one another more than the estimate says: on 14 small random
networks with 2 to 60 steps, groups took fewer cycles wherever they were estimated at less than 2.1
times those of layers."""

_NO_WORK = (ParameterOp, bptt.ReportOp, bptt.OptimizeOp, bptt.DelayOp, bptt.AdvanceOp)


def can_be_grouped(step: bptt.StepOp, memories: Mapping[str, int]) -> bool:
    """Whether nothing but the sums of updates and loss mixes samples, and all weights fit."""
    cells = sum(math.prod(op.type.get_shape()) for op in step.parameters().values())
    small = buffer_bytes(Element.F32, (1, 1, 1, cells)) <= memories["weight_sram"]
    return small and needing_all_samples(step) is None


def needing_all_samples(step: bptt.StepOp) -> Operation | None:
    """The first operation that no group of samples can go through on its own."""
    return next((op for op in step.body.block.ops if isinstance(op, _WHOLE)), None)


def group_sizes(step: bptt.StepOp, rates: Mapping[str, int]) -> list[int]:
    """How many samples a group may well have, the best first; none where layers are cheaper.

    Whether they are is asked of a long batch, so that the answer does not depend on this one's.
    """
    if not _pay(step, rates):
        return []
    samples = step.batch.value.data
    works, dram = _works(step, samples, rates), rates["dram_latency"]
    costs = {group: _in_groups(works, group, samples, dram) for group in _candidates(samples)}
    return sorted(costs, key=costs.__getitem__)


def small_group_sizes(step: bptt.StepOp, rates: Mapping[str, int]) -> list[int]:
    """Less than `SAMPLE_GROUP` samples: those that are cheaper than layers, the best first.

    Again of a long batch, even their order: batches of every size are cut in the same way.
    """
    layers, costs = _of_a_long_batch(step, rates, _small_candidates())
    return sorted((size for size in costs if costs[size] < layers), key=costs.__getitem__)


def full_group(step: bptt.StepOp, group: int) -> bptt.StepOp:
    """A copy of the step whose batch has at least one whole group, of up to `SAMPLE_GROUP`.

    What fits the memories is asked of it, so that the answer does not depend on a short batch.
    """
    copy = step.clone()
    copy.batch = count(max(step.batch.value.data, min(group, SAMPLE_GROUP)))
    return copy


def _pay(step: bptt.StepOp, rates: Mapping[str, int]) -> bool:
    """Whether groups of some size are cheaper than layers, of a long batch."""
    layers, costs = _of_a_long_batch(step, rates, _candidates(_LONG * SAMPLE_GROUP))
    return min(costs.values()) < layers


def _of_a_long_batch(
    step: bptt.StepOp, rates: Mapping[str, int], candidates: Iterable[int]
) -> tuple[float, dict[int, float]]:
    """Cycles of a long batch layer by layer, and in groups of every size."""
    samples = _LONG * SAMPLE_GROUP
    works, dram = _works(step, samples, rates), rates["dram_latency"]
    layers = _WAITING * sum(_layer_by_layer(part) for part in _halves(works))
    return layers, {group: _in_groups(works, group, samples, dram) for group in candidates}


def _small_candidates() -> Iterator[int]:
    """Half of `SAMPLE_GROUP`, again and again down to one sample."""
    group = SAMPLE_GROUP
    while group > 1:
        group //= 2
        yield group


def _candidates(samples: int) -> Iterator[int]:
    """`SAMPLE_GROUP`, and twice as many again and again until one group has all."""
    group = SAMPLE_GROUP
    yield group
    while group < samples:
        group *= 2
        yield group


def _works(step: bptt.StepOp, samples: int, rates: Mapping[str, int]) -> list[_Work]:
    size = Size(step.steps.value.data, samples)
    return [_Work.of(op, size, rates) for op in _working(step)]


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
    share, groups = min(1.0, group / samples), -(-samples // group)
    busy: dict[Engine, float] = {}
    chain: list[float] = []
    fill = end = 0.0
    for work in works:
        cycles = share * work.cycles + work.latency
        busy[work.engine] = busy.get(work.engine, 0.0) + cycles
        for engine, moved in work.kept.items():
            cells = share * moved + dram if moved else 0.0
            busy[engine] = busy.get(engine, 0.0) + cells
            fill += cells
        if is_update(work.op):
            end = max(end, sum(chain)) + cycles
        else:
            chain.append(cycles)
    turn = max(sum(chain[1:]), *busy.values())
    return fill + max(end, sum(chain)) + (groups - 1) * turn
