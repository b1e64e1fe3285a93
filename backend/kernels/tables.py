"""Tables of sums, of the Forward Engine: n inputs of a tap select one of 2^n entries.

Entry e is the sum of the weights of the inputs whose bit of e is one, in ascending order: that of
the entry without the highest of them, plus one weight. A current adds up entries, taps ascending,
then groups ascending. Inputs behind the last one of the box count as silent.
"""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import compiled, helper
from spikeloom.backend.kernels.events import count_ones
from spikeloom.backend.kernels.meetings import OUTSIDE, meeting
from spikeloom.backend.kernels.memory import (
    load_bits,
    load_f32,
    low_bits,
    population_count,
    store_f32,
    store_i32,
    trailing_zeros,
)
from spikeloom.backend.kernels.operands import (
    ADDRESS,
    EVENTS,
    INPUTS,
    OUTPUTS,
    POSITIONS,
    ROW_BYTES,
    SAMPLE_BYTES,
    SIGNATURE,
    STEP_BYTES,
    TAPS,
    Doubles,
    Integers,
    row_at,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import share_start
from spikeloom.backend.kernels.rows import add_rows

TABLES, WEIGHT = 0, 1
CURRENT, SPIKES, LOOKED_UP = 0, 1, 2
ENTRIES = 8
"""The axis of an instruction with a window; that of `build_tables` is another."""

_ZERO = np.float32(0.0)

LISTED = 8192
"""Entries that are listed before they are added."""


@helper
def highest_bit(entry: int) -> int:
    """The position of the highest bit that is one; 0 for 0."""
    highest = 0
    while entry >> (highest + 1) != 0:
        highest += 1
    return highest


@helper
def build_entry(
    operand: Integers, step: int, sample: int, entry: int, added: int, outputs: int
) -> None:
    """Entry `entry` of a table: the entry without its highest bit plus the cells at `added`.

    `added` is an address, 0 where there is nothing to add; entry 0 is zero.
    """
    target = row_at(operand, TABLES, step, sample, entry)
    smaller = row_at(operand, TABLES, step, sample, entry & ~(1 << highest_bit(entry)))
    for output in range(outputs):
        if entry == 0:
            store_f32(target, output, _ZERO)
        elif added == 0:
            store_f32(target, output, load_f32(smaller, output))
        else:
            store_f32(target, output, load_f32(smaller, output) + load_f32(added, output))


@compiled(*SIGNATURE)
def build_tables(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """tables[tap, g, e, :] = sum of weight[tap, n g + bit, :] over the ones of e."""
    taps, inputs, outputs = extent[0], extent[1], extent[2]
    groups, entries = extent[3], extent[4]
    width, total = trailing_zeros(entries), taps * groups
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        tap, group = task // groups, task % groups
        for entry in range(entries):
            item = group * width + highest_bit(entry)
            added = row_at(operand, WEIGHT, tap, 0, item) if item < inputs else 0
            build_entry(operand, tap, group, entry, added, outputs)


@helper
def bits_of_group(bits: int, first: int, width: int, features: int) -> int:
    """`width` bits of a row from feature `first` on; those from `features` on are zero."""
    word, shift = first >> 6, first & 63
    found = (load_bits(bits, word, min(64, features - 64 * word)) >> shift) & low_bits(64 - shift)
    if shift + width > 64 and 64 * (word + 1) < features:
        rest = load_bits(bits, word + 1, min(64, features - 64 * (word + 1)))
        found |= rest << (64 - shift)
    return found & low_bits(width)


@helper
def list_entries(
    operand: Integers, bits: int, tap: int, inputs: int, width: int, listed: int, scratch: int
) -> int:
    """Lists the entries other than 0 that a row of spikes selects at a tap, behind `listed`.

    The offsets of at most `LISTED` of them; returns how many there are now. Only for groups that
    divide a word.
    """
    place, bytes_per_group = tap * operand[LOOKED_UP, STEP_BYTES], operand[LOOKED_UP, SAMPLE_BYTES]
    entry_bytes, shift = operand[LOOKED_UP, ROW_BYTES], trailing_zeros(width)
    for first in range(0, inputs, 64):
        word = load_bits(bits, first >> 6, min(64, inputs - first))
        while word != 0:
            # Groups without spikes are passed over.
            group = trailing_zeros(word) >> shift
            chosen = low_bits(width) << (group << shift)
            entry = ((word & chosen) >> (group << shift)) & low_bits(width)
            offset = place + ((first >> shift) + group) * bytes_per_group
            store_i32(scratch, listed, offset + entry * entry_bytes)
            listed += 1
            word &= ~chosen
    return listed


@compiled(*SIGNATURE)
def lookup(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """current[t, b, p, :] += tables[tap, g, spikes of group g at the tap, :], ascending.

    Entry 0 is zero and not added.
    """
    inputs, outputs, total = extent[INPUTS], extent[OUTPUTS], row_count(extent)
    width = trailing_zeros(extent[ENTRIES])
    tables = operand[LOOKED_UP, ADDRESS]
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        current = row_of(operand, CURRENT, extent, r)
        group_of_rows = r // extent[POSITIONS]
        step, sample = group_of_rows // extent[1], group_of_rows % extent[1]
        listed = 0
        for tap in range(extent[TAPS]):
            met = meeting(extent, immediate, r % extent[POSITIONS], tap)
            if met == OUTSIDE:
                continue
            bits = row_at(operand, SPIKES, step, sample, met)
            if 64 % width == 0 and inputs <= LISTED:
                if listed + inputs > LISTED:
                    add_rows(current, tables, scratch, listed, outputs)
                    listed = 0
                count[EVENTS] += count_ones(bits, inputs)
                listed = list_entries(operand, bits, tap, inputs, width, listed, scratch)
                continue
            place = tap * operand[LOOKED_UP, STEP_BYTES]
            for first in range(0, inputs, width):
                entry = bits_of_group(bits, first, width, inputs)
                if entry != 0:
                    count[EVENTS] += population_count(entry)
                    store_i32(scratch, listed, place + entry * operand[LOOKED_UP, ROW_BYTES])
                    listed += 1
                    if listed == LISTED:
                        add_rows(current, tables, scratch, listed, outputs)
                        listed = 0
                place += operand[LOOKED_UP, SAMPLE_BYTES]
        add_rows(current, tables, scratch, listed, outputs)
