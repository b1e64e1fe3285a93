"""A stream decoded for the compiled walk: plain integer tables instead of names and specs.

record    [record, column]            what to do: kernel, engine, service time, costs
extent    [record, axis, column]      a constant, and the loop that adds to it
operand   [record, role, column]      where the box starts, strides, which buffer
immediate [record, immediate]         double precision
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.execution import work
from spikeloom.backend.execution.dependences import SegmentMap, segment_map, watched_dimension
from spikeloom.backend.kernels.dispatch import kernel_number
from spikeloom.backend.machine.timing import AnyMachine, queue_rows, rates, watched_parts
from spikeloom.backend.stream.stream import ELEMENTS, NO_BUFFER, OPCODE_END, OPCODE_LOOP, Stream
from spikeloom.dialects.instruction_set import (
    CROSSBAR_ENGINES,
    DIMENSIONS,
    ENTRIES,
    INPUT_POSITIONS,
    INSTRUCTIONS,
    MAX_AXES,
    MAX_ROLES,
    ONE,
    Element,
    Engine,
    InstructionSpec,
    Role,
    row_bytes,
)

ENGINES = tuple(Engine)

# Columns of `record`.
KIND, PARTNER, START, STOP, STEP = 0, 1, 2, 3, 4
KERNEL, ENGINE, SERVICE, INNER, OUTER, INPUT_LANES, OUTPUT_LANES, LATENCY = range(5, 13)
ADDITIONS, MULTIPLICATIONS, AXES, ROLES, FACTORS, WINDOW, REPEATS = range(13, 20)
GROUPED, TABLE_ENTRIES, QUEUE_ROWS, UNIT = range(20, 24)
RECORD_COLUMNS = 24
"""FACTORS, INNER, OUTER, GROUPED and TABLE_ENTRIES are sets of axes, one bit each."""
LOOP, END, INSTRUCTION = 0, 1, 2

# Columns of `extent`.
CELLS, EXTENT_LOOP, EXTENT_SCALE = range(3)
EXTENT_COLUMNS = 3

# Columns of `operand`. Positions inside a buffer are counted in bits.
BUFFER, READS, WRITES, PER_EVENT, MEMORY, CELL_BITS = range(6)
ORIGIN, ADDRESS, STEP_BYTES, SAMPLE_BYTES, ROW_BYTES = range(6, 11)
DIMENSION_AXIS = 11
"""The first of four: the axis of each dimension, or NO_AXIS where the box is one cell long."""
DIMENSION_LOOP = DIMENSION_AXIS + DIMENSIONS
"""The first of four: the loop added to each dimension, or NO_LOOP."""
LOOP_BITS = DIMENSION_LOOP + DIMENSIONS
"""The first of four: bits that the box moves when that loop's value grows by one."""
WATCHED_BASE, WATCHED_LOOP, WATCHED_SCALE, WATCHED_AXIS = range(
    LOOP_BITS + DIMENSIONS, LOOP_BITS + DIMENSIONS + 4
)
"""Where the box starts along the dimension in which a buffer in DRAM is watched, and its axis."""
OPERAND_COLUMNS = LOOP_BITS + DIMENSIONS + 4
ABSENT, NO_AXIS = -1, -1

SOURCE = 1
"""The role that an instruction with a window slides it over."""


Unit = tuple[Engine, int]
"""An engine and the number of its instance."""


@dataclass(frozen=True)
class Program:
    """The decoded stream.

    Attributes:
        units: what works side by side: every engine, then its further instances.
        segments: what operands share memory with.
        serial: whether instructions are issued one by one.
    """

    record: NDArray[np.int64]
    extent: NDArray[np.int64]
    operand: NDArray[np.int64]
    immediate: NDArray[np.float64]
    units: tuple[Unit, ...]
    segments: SegmentMap
    serial: bool


def spec_of(opcode: int) -> InstructionSpec:
    """The instruction with this opcode."""
    return INSTRUCTIONS[opcode - OPCODE_END - 1]


def widest_image(stream: Stream) -> int:
    """Cells of one step and sample that an instruction slides a window over, the most there are."""
    most = 0
    for opcode in np.unique(stream.instructions["opcode"]).tolist():
        if opcode in (OPCODE_LOOP, OPCODE_END) or INPUT_POSITIONS not in spec_of(opcode).axes:
            continue
        chosen = stream.instructions["opcode"] == opcode
        sources = np.unique(stream.instructions["buffer"][chosen, SOURCE])
        shapes = stream.buffers["shape"][sources].astype(np.int64)
        most = max(most, int((shapes[:, 2] * shapes[:, 3]).max(initial=0)))
    return most


def decode(stream: Stream, machine: AnyMachine, buffer_addresses: NDArray[np.int64]) -> Program:
    """Decodes a validated stream; `buffer_addresses` are where its buffers lie in this process."""
    instructions = stream.instructions
    length = len(instructions)
    record = np.zeros((length, RECORD_COLUMNS), np.int64)
    extent = np.zeros((length, MAX_AXES, EXTENT_COLUMNS), np.int64)
    operand = np.zeros((length, MAX_ROLES, OPERAND_COLUMNS), np.int64)
    extent[:, :, CELLS] = instructions["extent"]
    extent[:, :, EXTENT_LOOP] = instructions["extent_loop"]
    extent[:, :, EXTENT_SCALE] = instructions["extent_scale"]
    operand[:, :, BUFFER] = ABSENT
    units: dict[Unit, int] = {(engine, 0): number for number, engine in enumerate(ENGINES)}
    for index in range(length):
        opcode = int(instructions["opcode"][index])
        if opcode in (OPCODE_LOOP, OPCODE_END):
            record[index, KIND] = LOOP if opcode == OPCODE_LOOP else END
            record[index, PARTNER] = instructions["partner"][index]
            record[index, START : STEP + 1] = instructions["loop"][index]
            continue
        spec = spec_of(opcode)
        for number, role in enumerate(spec.roles):
            buffer = int(instructions["buffer"][index, number])
            if buffer != NO_BUFFER:
                row = operand[index, number]
                row[BUFFER] = buffer
                _decode_operand(row, stream, index, number, spec, role)
                row[ORIGIN] = buffer_addresses[buffer]
                row[ADDRESS] += buffer_addresses[buffer]
        _decode_instruction(record[index], stream, index, spec, machine)
        unit = (spec.engine, int(instructions["instance"][index]))
        record[index, UNIT] = units.setdefault(unit, len(units))
    immediate = np.array(instructions["immediate"], np.float64, order="C")
    segments = segment_map(stream, watched_parts(machine))
    tables = (record, extent, operand, immediate)
    return Program(*tables, tuple(units), segments, stream.serial)


def _decode_instruction(
    record: NDArray[np.int64],
    stream: Stream,
    index: int,
    spec: InstructionSpec,
    machine: AnyMachine,
) -> None:
    cost = work.WORK[spec.name]
    last = int(stream.instructions["buffer"][index, len(spec.roles) - 1])
    element = Element.F32 if last == NO_BUFFER else ELEMENTS[int(stream.buffers["element"][last])]
    record[KIND] = INSTRUCTION
    record[KERNEL] = kernel_number(spec.name, element)
    record[ENGINE] = ENGINES.index(spec.engine)
    record[SERVICE] = cost.service
    record[FACTORS] = _mask(spec, set(spec.axes) - work.NO_FACTORS)
    record[INNER] = _mask(spec, cost.inner)
    record[OUTER] = _mask(spec, {cost.outer} - {""})
    record[GROUPED] = _mask(spec, cost.grouped)
    record[TABLE_ENTRIES] = _mask(spec, {ENTRIES} & set(spec.axes))
    record[QUEUE_ROWS] = queue_rows(machine)
    record[[INPUT_LANES, OUTPUT_LANES, LATENCY]] = rates(
        spec, _whole_numbers(stream, index, spec), machine
    )
    record[ADDITIONS], record[MULTIPLICATIONS] = cost.additions, cost.multiplications
    record[REPEATS] = cost.repeats
    record[AXES], record[ROLES] = len(spec.axes), len(spec.roles)
    record[WINDOW] = 1
    if cost.window:
        number = [immediate.name for immediate in spec.immediates].index(cost.window)
        record[WINDOW] = int(stream.instructions["immediate"][index, number]) ** 2


def _mask(spec: InstructionSpec, axes: Iterable[str]) -> int:
    """A set of axes as bits: bit n stands for axis n of the instruction."""
    return sum(1 << spec.axes.index(axis) for axis in axes)


def _whole_numbers(stream: Stream, index: int, spec: InstructionSpec) -> dict[str, int]:
    """The immediates of a machine of crossbars, which are whole numbers, by name."""
    if spec.engine not in CROSSBAR_ENGINES:
        return {}
    values: list[float] = stream.instructions["immediate"][index].tolist()
    return {number.name: int(value) for number, value in zip(spec.immediates, values, strict=False)}


def _decode_operand(
    row: NDArray[np.int64],
    stream: Stream,
    index: int,
    number: int,
    spec: InstructionSpec,
    role: Role,
) -> None:
    """Fills one operand; its address is relative to the buffer."""
    buffer = stream.buffers[int(stream.instructions["buffer"][index, number])]
    element = ELEMENTS[int(buffer["element"])]
    row[READS] = number >= len(spec.writes) or role.updates
    row[WRITES] = number < len(spec.writes)
    row[PER_EVENT] = role.name == work.WORK[spec.name].per_event
    row[MEMORY] = buffer["memory"]
    row[CELL_BITS] = 1 if element is Element.BIT else 32
    row[ROW_BYTES] = row_bytes(element, int(buffer["shape"][3]))
    row[SAMPLE_BYTES] = row[ROW_BYTES] * buffer["shape"][2]
    row[STEP_BYTES] = row[SAMPLE_BYTES] * buffer["shape"][1]
    bits = np.array([8 * row[column] for column in (STEP_BYTES, SAMPLE_BYTES, ROW_BYTES)])
    bits = np.append(bits, row[CELL_BITS])
    start = stream.instructions[index]
    row[ADDRESS] = int(bits @ start["base"][number].astype(np.int64)) // 8
    row[LOOP_BITS : LOOP_BITS + DIMENSIONS] = bits * start["base_scale"][number]
    row[DIMENSION_LOOP : DIMENSION_LOOP + DIMENSIONS] = start["base_loop"][number]
    row[DIMENSION_AXIS : DIMENSION_AXIS + DIMENSIONS] = [
        NO_AXIS if axis == ONE else spec.axes.index(axis) for axis in role.dims
    ]
    watched = watched_dimension(buffer["shape"])
    row[WATCHED_BASE] = start["base"][number][watched]
    row[WATCHED_LOOP] = start["base_loop"][number][watched]
    row[WATCHED_SCALE] = start["base_scale"][number][watched]
    row[WATCHED_AXIS] = row[DIMENSION_AXIS + watched]
