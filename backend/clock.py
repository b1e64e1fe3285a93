"""The one clock: when each instruction starts and finishes, in integers.

    issue  = number of the instruction / issue rate
    start  = max(issue, engine free, operands written, destination drained)
    finish = start + service time

Operands are written when the last write to each of them has finished. A destination is drained
when its last write and every read of its value have finished. The time that an engine waits
between two instructions is split by walking the bounds in a fixed order: issue, operands from
engines, operands from DMA, destination. The part of the gap before each bound belongs to its state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.kernels.compile import INTEGER, INTEGERS, INTEGERS_2D, compiled
from spikeloom.backend.program import (
    DEPENDENCE,
    ENGINE,
    ENGINES,
    INPUT_LANES,
    LATENCY,
    NO_AXIS,
    OUTPUT_LANES,
    READS,
    ROLES,
    SERVICE,
    WRITES,
)
from spikeloom.backend.quantities import (
    CYCLES_ACTIVE,
    CYCLES_STALLED_ON_BACKPRESSURE,
    CYCLES_STALLED_ON_DMA,
    CYCLES_STALLED_ON_OPERAND,
    CYCLES_WAITING_FOR_ISSUE,
    INSTRUCTIONS,
)
from spikeloom.backend.work import BUILDS, BYTES, DENSE, EVENTS, LOOKUPS, PRODUCTS
from spikeloom.dialects.instruction_set import Engine

Integers = NDArray[np.int64]

# Columns of `buffers`, the clock's memory of each dependence class.
WRITTEN, WRITER, READ = 0, 1, 2
BUFFER_COLUMNS = 3
_DMA = ENGINES.index(Engine.DMA)


@compiled(INTEGER, INTEGER)
def ceiling(dividend: int, divisor: int) -> int:
    """Quotient of two numbers that are not negative, rounded up."""
    return (dividend + divisor - 1) // divisor


@compiled(INTEGERS, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER)
def service_time(
    record: Integers, rows: int, inner: int, outer: int, cells: int, moved: int, passes: int
) -> int:
    """Cycles that the instruction occupies its engine; formulas in `backend.work`.

    `moved` is in bytes; `passes` is the number of passes through the input lanes that events need,
    or the cycles that products take. Tables count as `inner`, and their uses or entries as `rows`.
    """
    service, latency = record[SERVICE], record[LATENCY]
    if service == EVENTS:
        return latency + passes * ceiling(outer, record[OUTPUT_LANES])
    if service == PRODUCTS:
        return latency + passes
    if service in (DENSE, LOOKUPS, BUILDS):
        groups = ceiling(inner, record[INPUT_LANES]) * ceiling(outer, record[OUTPUT_LANES])
        return latency + rows * groups
    return latency + ceiling(moved if service == BYTES else cells, record[INPUT_LANES])


@compiled(INTEGERS, INTEGERS_2D, INTEGER, INTEGER, INTEGERS, INTEGERS_2D, INTEGERS)
def advance(
    record: Integers,
    operand: Integers,
    issue: int,
    service: int,
    engine_free: Integers,
    buffers: Integers,
    total: Integers,
) -> int:
    """Lets one instruction happen: moves the engine's and the buffers' times.

    Adds the states of the engine's time to `total`; returns the cycle in which it finishes.
    """
    engine = record[ENGINE]
    from_engines, from_dma, drained = 0, 0, 0
    for role in range(record[ROLES]):
        used = operand[role, DEPENDENCE]
        if used != NO_AXIS:
            if operand[role, READS] != 0:
                if buffers[used, WRITER] == _DMA:
                    from_dma = max(from_dma, buffers[used, WRITTEN])
                else:
                    from_engines = max(from_engines, buffers[used, WRITTEN])
            if operand[role, WRITES] != 0:
                drained = max(drained, buffers[used, WRITTEN], buffers[used, READ])
    now = int(engine_free[engine])
    total[INSTRUCTIONS] += 1
    total[CYCLES_WAITING_FOR_ISSUE] += max(0, issue - now)
    now = max(now, issue)
    total[CYCLES_STALLED_ON_OPERAND] += max(0, from_engines - now)
    now = max(now, from_engines)
    total[CYCLES_STALLED_ON_DMA] += max(0, from_dma - now)
    now = max(now, from_dma)
    total[CYCLES_STALLED_ON_BACKPRESSURE] += max(0, drained - now)
    finish = max(now, drained) + service
    total[CYCLES_ACTIVE] += service
    engine_free[engine] = finish
    for role in range(record[ROLES]):
        used = operand[role, DEPENDENCE]
        if used != NO_AXIS:
            if operand[role, READS] != 0:
                buffers[used, READ] = max(buffers[used, READ], finish)
            if operand[role, WRITES] != 0:
                buffers[used, WRITTEN] = finish
                buffers[used, WRITER] = engine
    return finish
