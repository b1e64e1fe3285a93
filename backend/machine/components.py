"""What the machine is built of: arithmetic units and bits of each engine and memory.

Area and leakage are per unit, so both follow from these numbers. A service time (`work`) lets
every lane finish one cell per cycle; therefore a lane holds as many adders and multipliers as the
most demanding instruction of its engine needs for one cell.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.backend.execution.work import WORK
from spikeloom.backend.machine.description import ArrayEngine, Machine
from spikeloom.dialects.instruction_set import (
    DMA_ENGINES,
    INSTRUCTIONS,
    MEMORIES,
    TABLE_MEMORIES,
    TRAINING_ENGINES,
    Engine,
)

_SQUARE_NANOMETRES = 10**6
"""In one um2."""
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Component:
    """An engine or a memory: FP32 adders and multipliers, bits of SRAM.

    Attributes:
        area: square nanometres.
        leakage: femtojoules per elapsed cycle.
    """

    name: str
    adders: int
    multipliers: int
    bits: int
    area: int
    leakage: int


def components(machine: Machine) -> tuple[Component, ...]:
    """Every engine, then every memory; DRAM and the moving of data have no area on the chip."""
    engines = tuple(_engine(engine, machine) for engine in TRAINING_ENGINES)
    return engines + tuple(_memory(memory, machine) for memory in MEMORIES)


def leakage_per_cycle(machine: Machine) -> dict[str, int]:
    """Femtojoules per elapsed cycle of every component by name."""
    return {component.name: component.leakage for component in components(machine)}


def _engine(engine: Engine, machine: Machine) -> Component:
    lanes = _lanes(engine, machine)
    costs = [WORK[spec.name] for spec in INSTRUCTIONS if spec.engine is engine]
    adders = lanes * max(work.additions for work in costs)
    multipliers = lanes * max(work.multiplications for work in costs)
    areas, leakage = machine.areas, machine.energies.leakage
    logic = adders * areas.adder.value + multipliers * areas.multiplier.value
    leaks = adders * leakage.adder.value + multipliers * leakage.multiplier.value
    return Component(engine.value, adders, multipliers, 0, logic * _SQUARE_NANOMETRES, leaks)


def _lanes(engine: Engine, machine: Machine) -> int:
    if engine in DMA_ENGINES:
        return 0
    described = getattr(machine.engines, engine.value)
    if isinstance(described, ArrayEngine):
        return described.input_lanes.value * described.output_lanes.value
    return described.lanes.value


def _memory(memory: str, machine: Machine) -> Component:
    leakage = machine.energies.leakage
    if memory not in machine.memory_bytes:
        return Component(memory, 0, 0, 0, 0, leakage.dram.value)
    size = machine.memory_bytes[memory]
    bit, leaks = machine.areas.sram, leakage.sram
    if memory in TABLE_MEMORIES:
        bit, leaks = machine.areas.tables or bit, leakage.tables or leaks
    area = 8 * size * bit.value
    return Component(memory, 0, 0, 8 * size, area, size * leaks.value // _MEBIBYTE)
