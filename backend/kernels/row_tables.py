"""Tables of sums, of the Weight Update Engine: the spikes of n rows select one of 2^n entries.

Row tables hold the sums of the gradients of n consecutive rows (steps, then samples, then
positions); a weight's gradient adds up entries, groups of rows ascending. Rows behind the last one
count as rows without spikes. Each thread owns a range of inputs at every tap.
"""

from __future__ import annotations

from spikeloom.backend.kernels.compile import (
    compiled,
    helper,
)
from spikeloom.backend.kernels.meetings import OUTSIDE, meeting
from spikeloom.backend.kernels.memory import (
    load_i32,
    load_word,
    low_bits,
    population_count,
    store_word,
    trailing_zeros,
)
from spikeloom.backend.kernels.operands import (
    ADDRESS,
    EVENTS,
    INPUTS,
    OUTPUTS,
    POSITIONS,
    ROW_BYTES,
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
from spikeloom.backend.kernels.tables import ENTRIES, build_entry, highest_bit
from spikeloom.backend.kernels.weight_update import (
    CHUNK,
    LENGTHS,
    LIST_BYTES,
    append_row,
    clear_lengths,
)

GRADIENT = 1
WEIGHT_GRADIENT, SPIKES, TABLES = 0, 1, 2
GROUPS = 7
_WORDS = LENGTHS + 256
"""Where the words of a group's rows are kept in scratch memory, behind the lengths of lists."""


@compiled(*SIGNATURE)
def build_row_tables(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """tables[g, 0, e, :] = sum of the gradients of rows n g + bit over the ones of e."""
    rows, outputs, groups, entries = row_count(extent), extent[3], extent[4], extent[5]
    width = trailing_zeros(entries)
    for group in range(
        share_start(groups, thread, threads), share_start(groups, thread + 1, threads)
    ):
        for entry in range(entries):
            row = group * width + highest_bit(entry)
            added = row_of(operand, GRADIENT, extent, row) if row < rows else 0
            build_entry(operand, group, 0, entry, added, outputs)


@helper
def list_words(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    tap: int,
    first: int,
    width: int,
    word: int,
    words: int,
) -> int:
    """Stores word `word` of the inputs of `width` rows at a tap, zero outside; returns their or."""
    rows, any_of_them = row_count(extent), 0
    for item in range(width):
        bits = 0
        if first + item < rows:
            group = (first + item) // extent[POSITIONS]
            met = meeting(extent, immediate, (first + item) % extent[POSITIONS], tap)
            if met != OUTSIDE:
                step, sample = group // extent[1], group % extent[1]
                bits = load_word(row_at(operand, SPIKES, step, sample, met), word)
        store_word(words, item, bits)
        any_of_them |= bits
    return any_of_them


@compiled(*SIGNATURE)
def correlate_tables(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """weight_gradient[tap, i, :] += tables[g, 0, spikes of i in the rows of g, :], ascending.

    Entry 0 is zero and not added.
    """
    inputs, outputs, taps = extent[INPUTS], extent[OUTPUTS], extent[TAPS]
    width = trailing_zeros(extent[ENTRIES])
    groups = (row_count(extent) + width - 1) // width
    tables, words = operand[TABLES, ADDRESS], scratch + _WORDS
    begin = share_start(inputs, thread, threads)
    end = share_start(inputs, thread + 1, threads)
    for task in range(taps * (((end + 63) >> 6) - (begin >> 6))):
        tap, word = task % taps, (begin >> 6) + task // taps
        first = 64 * word
        mine = low_bits(end - first) & ~low_bits(max(0, begin - first))
        for start in range(0, groups, CHUNK):
            clear_lengths(scratch)
            for group in range(start, min(groups, start + CHUNK)):
                left = mine & list_words(
                    operand, extent, immediate, tap, group * width, width, word, words
                )
                while left != 0:
                    item = trailing_zeros(left)
                    entry = 0
                    for row in range(width):
                        entry |= ((load_word(words, row) >> item) & 1) << row
                    count[EVENTS] += population_count(entry)
                    place = group * operand[TABLES, STEP_BYTES]
                    append_row(scratch, item, place + entry * operand[TABLES, ROW_BYTES])
                    left &= left - 1
            for item in range(max(0, begin - first), min(64, end - first)):
                length = load_i32(scratch + LENGTHS, item)
                if length > 0:
                    target = row_at(operand, WEIGHT_GRADIENT, tap, 0, first + item)
                    add_rows(target, tables, scratch + item * LIST_BYTES, length, outputs)
