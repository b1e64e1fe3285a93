"""The longest that an instruction can occupy its engine, whatever its data are.

Events and products take longest where nothing is silent: then their formulas (`backend.work`)
become that of a dense instruction. All other service times follow from the axes alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.execution import program
from spikeloom.backend.execution.program import Program
from spikeloom.backend.execution.work import DENSE, EVENTS, PRODUCTS
from spikeloom.backend.kernels.dual_sparsity import SKIP_INPUT, SKIP_OUTPUT
from spikeloom.backend.kernels.events import DENSE as TOLD_DENSE
from spikeloom.backend.kernels.masks import MASK

Integers = NDArray[np.int64]


def bounded_records(decoded: Program) -> Integers:
    """The records with the service formula of the worst data: [records, columns]."""
    records = decoded.record.copy()
    sparse = np.isin(records[:, program.SERVICE], (EVENTS, PRODUCTS))
    sparse &= records[:, program.KIND] == program.INSTRUCTION
    records[sparse, program.SERVICE] = DENSE
    return records


def data_dependent(decoded: Program) -> NDArray[np.bool_]:
    """Per record, whether its service time depends on data: what is silent or masked is skipped."""
    records, immediate = decoded.record, decoded.immediate
    instruction = records[:, program.KIND] == program.INSTRUCTION
    events = instruction & (records[:, program.SERVICE] == EVENTS)
    events &= immediate[:, TOLD_DENSE] == 0
    products = instruction & (records[:, program.SERVICE] == PRODUCTS)
    masked = decoded.operand[:, MASK, program.BUFFER] != program.ABSENT
    masked &= immediate[:, SKIP_OUTPUT] != 0
    return events | (products & (masked | (immediate[:, SKIP_INPUT] != 0)))
