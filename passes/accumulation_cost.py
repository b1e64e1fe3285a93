"""What accumulating costs in one of three ways: cycles of the engine, and femtojoules.

A layer has K taps, I inputs per tap, O outputs and R rows (time x batch x positions); of its inputs
the share d spikes. The engine has L x M lanes and a latency. Instructions take tiles of r rows, i
inputs and o outputs, and the last tile of each kind may be smaller: that leaves lanes idle. So

    C = sum over tiles of outputs of ceil(o / M),   I' = number of tiles of inputs,
    R' = tiles of rows,   T = R' I' x tiles of outputs: the instructions, x h below

n inputs of a group have a table of E = 2^n entries. The Forward Engine builds the tables B times
and looks up runs of K / h taps together; the Weight Update Engine groups rows, not inputs.

              cycles (and the latency of every instruction)
    plain     R C sum_i ceil(K i / L)
    events    C sum_i sum over rows of the mean of ceil(k / L), k of the row's inputs being ones
    tables FE (R + B E) C sum_i h ceil((K / h) ceil(i / n) / L)
    tables WE C sum_r (K I + I' E) ceil(ceil(r / n) / L)

Energies: a of an addition, of 4 bytes w read of weights (read and written of a weight's gradient),
t read and b written of a table, s read and written of currents (read of gradients).

              energy
    plain     R K I O a + R' K I O w + I' R O s
    events    N O (a + w) + I' R O s, N = d x the inputs that rows meet inside of their images
    tables FE G O (R (a + t) + B build) + h I' R O s, G = sum_i K ceil(i / n) groups
    tables WE G O (K I (a + t) + I' build) + R' K I O w + I' R O s, G = sum_r ceil(r / n)

with build = (E - 1 - n) a + E b. Reuse is R for the Forward Engine and K I for the other: a table
is worth its building from a few rows on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import erf, sqrt
from typing import TypeAlias

WORD = 4
"""Bytes of a number."""

Cuts: TypeAlias = tuple[tuple[int, int], ...]
"""Tiles of an axis: pairs of cells and how many tiles have as many."""


@dataclass(frozen=True)
class Array:
    """An engine's lanes, the width of its tables (0: it has none), cycles, and energies in fJ.

    Attributes:
        latency: of an instruction.
        addition: of one addition.
        operand: of the bytes of one weight, or weight's gradient, that is read (and written).
        table_read, table_write: of one number of a table.
        row: of the bytes of one number of a row of currents, or gradients, that is moved.
    """

    input_lanes: int
    output_lanes: int
    table_width: int
    latency: int
    addition: int
    operand: int
    table_read: int
    table_write: int
    row: int


@dataclass(frozen=True)
class Accumulation:
    """One layer's sums over inputs that spike: see the module's docstring.

    Attributes:
        met: pairs of taps and how many rows meet as many of them inside of their images.
        runs: parts of the taps that are looked up one after another.
        builds: how often the Forward Engine builds its tables.
        moving: cycles of the DMA queues; see `accumulation_traffic`.
        tiles: of rows, that follow one another.
    """

    taps: int
    density: float
    met: Cuts
    rows: Cuts
    inputs: Cuts
    outputs: Cuts
    runs: int = 1
    builds: int = 1
    moving: int = 0
    tiles: int = 1


@dataclass(frozen=True)
class Cost:
    """Cycles of the engine, its femtojoules, and cycles of the DMA, in so many tiles."""

    cycles: int
    femtojoules: int
    moving: int
    tiles: int

    @property
    def busy(self) -> int:
        """Cycles of both: of the longer one, and of one tile of the other, which overlaps none."""
        shorter, longer = sorted((self.cycles, self.moving))
        return longer + -(-shorter // self.tiles)


def cuts(length: int, tile: int) -> Cuts:
    """An axis in tiles, the last of which may be smaller."""
    whole, rest = divmod(length, tile)
    return tuple((cells, count) for cells, count in ((tile, whole), (rest, 1)) if cells and count)


def cells(tiles: Cuts) -> int:
    """All cells of an axis."""
    return sum(size * count for size, count in tiles)


def pieces(tiles: Cuts) -> int:
    """How many tiles it has."""
    return sum(count for _, count in tiles)


def _passes(tiles: Cuts, lanes: int) -> int:
    return sum(count * -(-size // lanes) for size, count in tiles)


@lru_cache(maxsize=4096)
def mean_passes(inputs: int, density: float, lanes: int) -> float:
    """The mean of ceil(k / lanes), k being the ones among independent inputs of this density.

    It is the sum over j of the probability that more than j lanes are ones: exact for j = 0, and by
    the normal distribution, corrected by half an input, for all others.
    """
    if density <= 0.0 or inputs == 0:
        return 0.0
    if density >= 1.0:
        return float(-(-inputs // lanes))
    mean, deviation = inputs * density, sqrt(inputs * density * (1.0 - density))
    found = 1.0 - (1.0 - density) ** inputs
    for full in range(lanes, inputs, lanes):
        found += 0.5 + 0.5 * erf((mean - full - 0.5) / deviation / sqrt(2.0))
    return found


def plain_cost(work: Accumulation, array: Array) -> Cost:
    """Every input is added, a silent one as a zero."""
    rows, outputs = cells(work.rows), cells(work.outputs)
    passes = sum(count * -(-work.taps * i // array.input_lanes) for i, count in work.inputs)
    cycles = rows * passes * _passes(work.outputs, array.output_lanes)
    weights = work.taps * cells(work.inputs) * outputs
    energy = rows * weights * array.addition + pieces(work.rows) * weights * array.operand
    return _with_instructions(work, array, cycles, energy)


def events_cost(work: Accumulation, array: Array) -> Cost:
    """The inputs that spiked are added."""
    passes = sum(
        count * rows * mean_passes(taps * inputs, work.density, array.input_lanes)
        for inputs, count in work.inputs
        for taps, rows in work.met
    )
    events = work.density * cells(work.met) * cells(work.inputs)
    cycles = round(passes * _passes(work.outputs, array.output_lanes))
    energy = round(events * cells(work.outputs) * (array.addition + array.operand))
    return _with_instructions(work, array, cycles, energy)


def forward_tables_cost(work: Accumulation, array: Array, width: int) -> Cost:
    """Groups of inputs, whose entries every row looks up."""
    run, rows, entries = work.taps // work.runs, cells(work.rows), 2**width
    groups = [(-(-inputs // width), count) for inputs, count in work.inputs]
    passes = sum(count * work.runs * -(-run * g // array.input_lanes) for g, count in groups)
    cycles = (rows + work.builds * entries) * passes * _passes(work.outputs, array.output_lanes)
    tables = work.taps * sum(g * count for g, count in groups) * cells(work.outputs)
    energy = tables * (rows * _look_up(array) + work.builds * _build(array, width))
    building = work.builds * pieces(work.inputs) * pieces(work.outputs) * work.runs
    return _with_instructions(work, array, cycles, energy, work.runs, building)


def update_tables_cost(work: Accumulation, array: Array, width: int) -> Cost:
    """Groups of rows, whose entries every weight looks up."""
    weights, entries = work.taps * cells(work.inputs), 2**width
    tiles, outputs = pieces(work.inputs), cells(work.outputs)
    groups = [(-(-rows // width), count) for rows, count in work.rows]
    columns = _passes(work.outputs, array.output_lanes)
    passes = sum(count * -(-g // array.input_lanes) for g, count in groups)
    cycles = (weights + tiles * entries) * passes * columns
    tables = sum(g * count for g, count in groups) * outputs
    energy = tables * (weights * _look_up(array) + tiles * _build(array, width))
    energy += pieces(work.rows) * weights * outputs * array.operand
    return _with_instructions(work, array, cycles, energy, 1, _instructions(work))


def _instructions(work: Accumulation) -> int:
    return pieces(work.rows) * pieces(work.inputs) * pieces(work.outputs)


def _with_instructions(
    work: Accumulation, array: Array, cycles: int, energy: int, runs: int = 1, building: int = 0
) -> Cost:
    """With the latencies of all instructions, and the rows of currents or gradients they move."""
    instructions = runs * _instructions(work) + building
    moved = runs * pieces(work.inputs) * cells(work.rows) * cells(work.outputs)
    latencies = instructions * array.latency
    return Cost(cycles + latencies, energy + moved * array.row, work.moving, work.tiles)


def _look_up(array: Array) -> int:
    return array.addition + array.table_read


def _build(array: Array, width: int) -> int:
    entries = 2**width
    return (entries - 1 - width) * array.addition + entries * array.table_write


def row_cuts(*axes: Cuts) -> Cuts:
    """Tiles of rows from those of steps, samples and positions."""

    def multiplied(rest: tuple[Cuts, ...]) -> Iterator[tuple[int, int]]:
        if not rest:
            yield 1, 1
            return
        for size, count in rest[0]:
            for other, times in multiplied(rest[1:]):
                yield size * other, count * times

    return tuple(multiplied(axes))
