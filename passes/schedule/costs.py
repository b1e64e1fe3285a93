"""What an operation's loop nest costs, and into how many tiles it is cut so that they overlap.

A nest of n tiles loads, computes and stores each of them. With l, c, s cycles per tile, latencies
included, the tiles overlap like this:

    cycles(n) = l + c + s + (n - 1) * max(l, c, s)

More tiles hide more but pay every latency again. `best_tiles` takes the n with the fewest cycles;
weights, which are loaded once, are left out. It is an estimate to choose by: the clock measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from xdsl.dialects.builtin import DYNAMIC_INDEX, i1
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.accumulation import Way, way_of
from spikeloom.dialects.bptt.density import expected_density
from spikeloom.dialects.bptt.types import is_tensor
from spikeloom.dialects.instruction_set import Engine

MAX_TILES = 64
_STORES = {Engine.DMA: Engine.DMA_STORE, Engine.DMA_UPDATE: Engine.DMA_UPDATE_STORE}
_GAIN = 0.98
"""More tiles must save at least two cycles of a hundred."""


@dataclass(frozen=True)
class Size:
    """Steps and samples of a batch: what dynamic dimensions stand for."""

    steps: int
    samples: int

    def cells(self, value: SSAValue) -> int:
        """All cells of a value, over the steps and samples that it has."""
        if not is_tensor(value.type):
            return 0
        shape = value.type.get_shape()
        dynamic = shape.count(DYNAMIC_INDEX)
        fixed = prod(extent for extent in shape if extent != DYNAMIC_INDEX)
        return fixed * (1, self.samples, self.samples * self.steps)[min(dynamic, 2)]

    def bytes(self, value: SSAValue) -> int:
        """Bytes of a value in DRAM, rows not padded."""
        if not is_tensor(value.type):
            return 0
        return (
            -(-self.cells(value) // 8) if value.type.element_type == i1 else 4 * self.cells(value)
        )


@dataclass(frozen=True)
class NestCost:
    """Cycles of a whole nest, without latencies, and the latencies of one tile."""

    load: float
    compute: float
    store: float
    load_latency: int
    latency: int
    store_latency: int

    def cycles(self, tiles: int) -> float:
        """Estimated cycles when the nest is cut into that many tiles."""
        stages = (
            self.load / tiles + self.load_latency,
            self.compute / tiles + self.latency,
            self.store / tiles + self.store_latency,
        )
        return sum(stages) + (tiles - 1) * max(stages)

    def best_tiles(self, most: int) -> int:
        """The number of tiles, a power of two up to `most`, with the fewest cycles."""
        best = 1
        tiles = 2
        while tiles <= min(most, MAX_TILES):
            if self.cycles(tiles) < _GAIN * self.cycles(best):
                best = tiles
            tiles *= 2
        return best


def cost_of(op: Operation, size: Size, rates: Mapping[str, int], queue: Engine) -> NestCost:
    """The cost of an operation's nest; `queue` is the one that loads for it."""
    dram = rates["dram_latency"]
    sources = [value for value in op.operands if size.cells(value)]
    if isinstance(op, bptt.OptimizeOp):
        sources *= 4  # parameter and moments beside the gradient
    results = [value for value in op.results if value.uses and size.cells(value)]
    if isinstance(op, bptt.OptimizeOp):
        results = sources[1:]
    engine, cycles = compute_of(op, size, rates)
    return NestCost(
        sum(size.bytes(value) for value in sources) / rates[queue.value],
        cycles,
        sum(size.bytes(value) for value in results) / rates[_STORES[queue].value],
        dram * len(sources),
        rates[f"{engine.value}_latency"],
        dram * len(results),
    )


def wished_tiles(op: Operation, size: Size, rates: Mapping[str, int], queue: Engine) -> int:
    """Into how many tiles an operation is cut at least, so that they overlap best."""
    return cost_of(op, size, rates, queue).best_tiles(_most(op, size, rates))


def _most(op: Operation, size: Size, rates: Mapping[str, int]) -> int:
    """What an operation can be cut into: samples, or rows of parameters.

    Tables of rows fill their engine's input lanes only where a tile has rows enough.
    """
    match op:
        case bptt.OptimizeOp():
            return size.cells(op.operands[0])
        case bptt.SynapseWeightGradientOp() | bptt.ConvolutionWeightGradientOp():
            way, width = way_of(op)
            if way is Way.TABLES:
                rows = size.cells(op.gradient) // bptt.channel_count(op.gradient.type)
                return max(1, min(size.samples, rows // (rates["wue_input_lanes"] * width)))
        case _:
            pass
    return size.samples


def compute_of(op: Operation, size: Size, rates: Mapping[str, int]) -> tuple[Engine, float]:
    """The engine, and its cycles over the whole nest."""
    match op:
        case bptt.SynapseOp() | bptt.ConvolutionOp():
            share = _density(op.input)
            products = size.cells(op.current) * _fan_in(op, op.input)
            return Engine.FORWARD, share * products / _array(Engine.FORWARD, rates)
        case bptt.SynapseInputGradientOp() | bptt.ConvolutionInputGradientOp():
            products = size.cells(op.gradient) * _fan_in(op, op.input_gradient)
            return Engine.BACKWARD, products / _array(Engine.BACKWARD, rates)
        case bptt.SynapseWeightGradientOp() | bptt.ConvolutionWeightGradientOp():
            share = _density(op.input)
            products = size.cells(op.gradient) * _fan_in(op, op.input)
            return Engine.WEIGHT_UPDATE, share * products / _array(Engine.WEIGHT_UPDATE, rates)
        case bptt.BiasGradientOp():
            cells = size.cells(op.gradient)
            return Engine.WEIGHT_UPDATE, cells / rates["wue_output_lanes"]
        case bptt.OptimizeOp():
            return Engine.OPTIMIZER, size.cells(op.gradient) / rates["opt_lanes"]
        case bptt.ReadoutOp() | bptt.ReadoutGradientOp() | bptt.LossOp():
            return Engine.LOSS, _largest(op, size) / rates["loss_lanes"]
        case _:
            return Engine.NEURON, _largest(op, size) / rates["nu_lanes"]


def _largest(op: Operation, size: Size) -> int:
    return max((size.cells(value) for value in (*op.operands, *op.results)), default=0)


def _fan_in(op: Operation, input: SSAValue) -> int:
    """Inputs that one output sums over."""
    shape = bptt.tensor_of(input).get_shape()
    features, *_ = [extent for extent in shape if extent != DYNAMIC_INDEX] or [1]
    window = getattr(op, "window", None)
    return features if window is None else features * window.sizes[0] ** 2


def _array(engine: Engine, rates: Mapping[str, int]) -> int:
    return rates[f"{engine.value}_input_lanes"] * rates[f"{engine.value}_output_lanes"]


def _density(value: SSAValue) -> float:
    """How much of a binary input an event-driven engine works on; all of an analog one."""
    if bptt.tensor_of(value).element_type != i1:
        return 1.0
    return expected_density(value)
