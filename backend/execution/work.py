"""What one instruction costs: its service time and its arithmetic, as one table of plain data.

Service times in cycles, from the machine's parameters and the work that the data causes:

    EVENTS  latency + sum over rows of ceil(events of the row / input lanes)
                      * ceil(outer / output lanes)
    DENSE   latency + rows * ceil(inner / input lanes) * ceil(outer / output lanes)
    CELLS   latency + ceil(cells of all axes / lanes)
    BYTES   latency + ceil(bytes of the box / bandwidth of the queue)
    PRODUCTS  latency + sum over blocks of rows of the most products of one multiplier
    LOOKUPS   latency + uses * ceil(groups / input lanes) * ceil(outer / output lanes)
    BUILDS    latency + entries * ceil(groups / input lanes) * ceil(outer / output lanes)
    FIXED     latency: on a machine of crossbars, which says it (`crossbar_times`)

`inner` are the axes of the array's input lanes (the taps of a window side by side with its
inputs), `outer` that of its output lanes; rows are steps x samples x positions. Additions and
multiplications are per cell of the product of all axes but `input_positions`: a window of every
position meets them again, so that they are no factor of the work. Comparisons count as additions,
divisions, roots and exponentials as multiplications. A window that reaches over the edge of the
image meets zeros there: silent inputs where events are counted, and work like any other where not.

Where events are told to be dense, every input is one. Products are counted in
`backend.kernels.dual_sparsity`, which says what they are.

A table stands for a group of n cells of the axes `grouped`; there are as many groups as these
cells need, times `inner`. Each is used by every cell of the other axes but `outer`: looked up
with one read and one addition for every output. What n additions of a dense engine it saves
beyond that one is fused. Building one entry after the other takes 2^n - 1 - n additions.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.dialects.instruction_set import (
    ENTRIES,
    FLAT_CELLS,
    GROUPS,
    INPUT_POSITIONS,
    INPUTS,
    LEFT_UNITS,
    OUTPUTS,
    POSITIONS,
    RIGHT_UNITS,
    SAMPLES,
    STEPS,
    TAPS,
)
from spikeloom.dialects.instructions.tiles import (
    CROSSBAR_COLUMNS,
    INPUT_ROWS,
    NEURON_NUMBERS,
    SOURCE_CELLS,
    TARGET_CELLS,
    TILE_INSTRUCTIONS,
)

EVENTS, DENSE, CELLS, BYTES, PRODUCTS, LOOKUPS, BUILDS, FIXED = range(8)

NO_FACTORS = frozenset(
    {
        *(INPUT_POSITIONS, FLAT_CELLS, LEFT_UNITS, RIGHT_UNITS, GROUPS, ENTRIES),
        *(TARGET_CELLS, SOURCE_CELLS, INPUT_ROWS, CROSSBAR_COLUMNS, NEURON_NUMBERS),
    }
)
"""Axes that say how long a box is and are no factor of the work."""


@dataclass(frozen=True)
class Work:
    """Cost of one instruction.

    Attributes:
        service: formula of the service time.
        inner: axes of the array's input lanes, none where it has none.
        outer: axis of the array's output lanes, "" where it has none.
        additions, multiplications: per cell.
        window: immediate whose square multiplies cells and additions: a pool looks at that many
            cells for each of its own; its multiplications are per cell alone.
        grouped: axes whose cells are taken together in tables, none without tables.
        per_event: the role of which one row is moved per event, or per use of a table, instead of
            its box once.
        repeats: whether its spikes have been counted before.
    """

    service: int
    inner: tuple[str, ...] = ()
    outer: str = ""
    grouped: tuple[str, ...] = ()
    additions: int = 0
    multiplications: int = 0
    window: str = ""
    per_event: str = ""
    repeats: bool = False


_INPUTS = (TAPS, INPUTS)
_ROWS = (STEPS, SAMPLES, POSITIONS)

WORK: dict[str, Work] = {
    "load": Work(BYTES),
    "load_transposed": Work(BYTES),
    "load_update": Work(BYTES),
    "store": Work(BYTES),
    "store_update": Work(BYTES),
    "clear": Work(BYTES),
    "clear_update": Work(BYTES),
    "bias": Work(DENSE, outer=OUTPUTS),
    "accumulate": Work(EVENTS, _INPUTS, OUTPUTS, additions=1, per_event="weight"),
    "build_tables": Work(BUILDS, (TAPS,), OUTPUTS, grouped=(INPUTS,), additions=1),
    "lookup": Work(LOOKUPS, (TAPS,), OUTPUTS, grouped=(INPUTS,), additions=1, per_event="tables"),
    "multiply": Work(DENSE, _INPUTS, OUTPUTS, additions=1, multiplications=1),
    # Reset, integrate, compare; leak.
    "fire": Work(CELLS, additions=3, multiplications=1),
    "fire_again": Work(CELLS, additions=3, multiplications=1, repeats=True),
    "integrate": Work(CELLS, additions=1, multiplications=1),
    "add": Work(CELLS, additions=1),
    # A value added, or compared; in the end the scale.
    "pool_sum": Work(CELLS, additions=1, multiplications=1, window="kernel"),
    "pool_max": Work(CELLS, additions=1, window="kernel"),
    "pool_sum_gradient": Work(CELLS, additions=1, multiplications=1, window="kernel"),
    # Comparison with the maximum, sum.
    "pool_max_gradient": Work(CELLS, additions=2, window="kernel"),
    "flatten": Work(CELLS),
    "unflatten": Work(CELLS),
    "concatenate": Work(CELLS),
    "split": Work(CELLS),
    # Factors that are the same for all values of a unit are not counted: root and quotient.
    "channel_mean": Work(CELLS, additions=1),
    # Difference, sum; square.
    "channel_variance": Work(CELLS, additions=2, multiplications=1),
    # Difference, shift; factor.
    "normalize": Work(CELLS, additions=2, multiplications=1),
    # Difference, sum; product.
    "channel_product": Work(CELLS, additions=2, multiplications=1),
    # Difference, both sums; both factors.
    "normalize_gradient": Work(CELLS, additions=3, multiplications=2),
    "readout": Work(CELLS, additions=1),
    # Maximum, difference, sum; exponential, quotient, scale.
    "cross_entropy": Work(CELLS, additions=3, multiplications=3),
    "mean_squared_error": Work(CELLS, additions=2, multiplications=2),
    "spread": Work(CELLS, multiplications=1),
    # Distance, reset path, sum; leak, reset path, surrogate, gain.
    "fire_gradient": Work(CELLS, additions=3, multiplications=4),
    "integrate_gradient": Work(CELLS, additions=1, multiplications=1),
    "backpropagate": Work(PRODUCTS, (TAPS, OUTPUTS), INPUTS, additions=1, multiplications=1),
    "correlate_spikes": Work(EVENTS, _INPUTS, OUTPUTS, additions=1, per_event="weight_gradient"),
    "build_row_tables": Work(BUILDS, (), OUTPUTS, grouped=_ROWS, additions=1),
    "correlate_tables": Work(LOOKUPS, (), OUTPUTS, grouped=_ROWS, additions=1, per_event="tables"),
    "correlate_values": Work(DENSE, _INPUTS, OUTPUTS, additions=1, multiplications=1),
    "sum_gradient": Work(DENSE, outer=OUTPUTS, additions=1),
    "count_step": Work(CELLS, additions=1),
    # Velocity and step.
    "sgd": Work(CELLS, additions=2, multiplications=2),
    # Two moments, sum with epsilon, step; 2 + 3 for the moments, root, quotient and scales, decay.
    "adam": Work(CELLS, additions=4, multiplications=10),
    "blend": Work(CELLS, additions=1, multiplications=2),
    # A crosspoint whose row has a spike adds its weight; neurons are analog.
    "run_tile": Work(FIXED, additions=1),
    **{spec.name: Work(FIXED) for spec in TILE_INSTRUCTIONS if spec.name != "run_tile"},
}
