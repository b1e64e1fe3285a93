"""What accumulating costs in one of three ways: cycles of the engine, and femtojoules.

A layer has R rows (time x batch x positions), K taps, I inputs per tap and O outputs; of its
inputs the share d spikes. The engine has L x M lanes. `loads` says how often the weights (or
gradients) come on chip, which is how often their tables are built. a is the energy of an addition,
w that of reading 4 bytes of weights (of reading and writing 4 bytes of a weight's gradient), r
and b those of reading and writing 4 bytes of a table with E = 2^n entries.

Forward Engine: a lane looks up a group of n inputs, G = K ceil(I / n) groups in all.

              cycles                                     energy
    plain     R ceil(K I / L) ceil(O / M)                R K I O a
    events    R ceil(d K I / L) ceil(O / M)              d R K I O (a + w)
    tables    (R + loads E) ceil(G / L) ceil(O / M)      R G O (a + r) + loads G O build

Weight Update Engine: a lane looks up a group of n rows, G = ceil(R / n) groups in all; the first
two ways are as above.

    tables    (K I + loads E) ceil(G / L) ceil(O / M)    K I G O (a + r) + loads G O build

with build = (E - 1 - n) a + E b. Left out is what all ways have in common: latencies, moving
operands on chip, reading and writing what is accumulated; and lanes that the last groups of a tile
leave idle. Reuse is R for the Forward Engine and K I for the other: a table is worth its building
from a few rows on.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

WORD = 4
"""Bytes of a number."""


@dataclass(frozen=True)
class Array:
    """An engine's lanes, the width of its tables (0: it has none), and energies in fJ.

    Attributes:
        addition: of one addition.
        operand: of the bytes of one number beside it, where only events are added.
        table_read, table_write: of one number of a table.
    """

    input_lanes: int
    output_lanes: int
    table_width: int
    addition: int
    operand: int
    table_read: int
    table_write: int


@dataclass(frozen=True)
class Accumulation:
    """One layer's sums over inputs that spike: see the module's docstring."""

    rows: int
    taps: int
    inputs: int
    outputs: int
    density: Fraction
    loads: int

    @property
    def cells(self) -> int:
        """Additions that a dense engine performs."""
        return self.rows * self.taps * self.inputs * self.outputs


@dataclass(frozen=True)
class Cost:
    """Cycles and femtojoules."""

    cycles: int
    femtojoules: int


def plain_cost(work: Accumulation, array: Array) -> Cost:
    """Every input is added, a silent one as a zero."""
    passes = ceil(Fraction(work.taps * work.inputs, array.input_lanes))
    cycles = work.rows * passes * _columns(work, array)
    return Cost(cycles, work.cells * array.addition)


def events_cost(work: Accumulation, array: Array) -> Cost:
    """The inputs that spiked are added; rows are taken to have equally many of them."""
    passes = ceil(work.density * work.taps * work.inputs / array.input_lanes)
    cycles = work.rows * passes * _columns(work, array)
    return Cost(cycles, int(work.density * work.cells * (array.addition + array.operand)))


def forward_tables_cost(work: Accumulation, array: Array, width: int) -> Cost:
    """One entry per group of inputs and row."""
    groups = work.taps * ceil(Fraction(work.inputs, width))
    return _tables_cost(work, array, width, groups, work.rows)


def update_tables_cost(work: Accumulation, array: Array, width: int) -> Cost:
    """One entry per group of rows and weight."""
    groups = ceil(Fraction(work.rows, width))
    return _tables_cost(work, array, width, groups, work.taps * work.inputs)


def _tables_cost(work: Accumulation, array: Array, width: int, groups: int, uses: int) -> Cost:
    entries = 2**width
    passes = ceil(Fraction(groups, array.input_lanes))
    cycles = (uses + work.loads * entries) * passes * _columns(work, array)
    build = (entries - 1 - width) * array.addition + entries * array.table_write
    tables = groups * work.outputs
    look_up = array.addition + array.table_read
    return Cost(cycles, tables * (uses * look_up + work.loads * build))


def _columns(work: Accumulation, array: Array) -> int:
    return ceil(Fraction(work.outputs, array.output_lanes))
