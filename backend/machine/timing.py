"""What the clock must know of a machine, whatever kind of machine it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.backend.machine.description import ArrayEngine, LaneEngine, Machine
from spikeloom.dialects.instruction_set import (
    CROSSBAR_ENGINES,
    DMA_ENGINES,
    TRAINING_ENGINES,
    Engine,
    InstructionSpec,
)

AnyMachine: TypeAlias = Machine | CrossbarMachine

UNBOUNDED = 0
"""The issue rate of a machine whose units have sequencers of their own."""


class Rates(NamedTuple):
    """Of one instruction: input lanes (or lanes, or bytes per cycle), output lanes, latency."""

    input_lanes: int
    output_lanes: int
    latency: int


def engines_of(machine: AnyMachine) -> tuple[Engine, ...]:
    """The engines that the machine has."""
    return TRAINING_ENGINES if isinstance(machine, Machine) else CROSSBAR_ENGINES


def issue_rate(machine: AnyMachine) -> int:
    """Instructions issued per cycle, or `UNBOUNDED`."""
    return machine.clock.issue_rate.value if isinstance(machine, Machine) else UNBOUNDED


def watched_parts(machine: AnyMachine) -> int:
    """The parts in which a buffer in DRAM is watched."""
    return machine.dram.watched_parts.value if isinstance(machine, Machine) else 1


def queue_rows(machine: AnyMachine) -> int:
    """Rows of work in the queue of a multiplier."""
    return machine.engines.be.queue_rows.value if isinstance(machine, Machine) else 1


def rates(spec: InstructionSpec, numbers: Mapping[str, int], machine: AnyMachine) -> Rates:
    """The rates of an instruction; `numbers` are its immediates that a crossbar machine needs."""
    if isinstance(machine, CrossbarMachine):
        return Rates(1, 1, _crossbar_cycles(spec.name, numbers, machine))
    if spec.engine in DMA_ENGINES:
        share = getattr(machine.dram.queues, spec.engine.value)
        return Rates(share.value, 1, machine.dram.latency.value)
    unit: ArrayEngine | LaneEngine = getattr(machine.engines, spec.engine.value)
    if isinstance(unit, ArrayEngine):
        return Rates(unit.input_lanes.value, unit.output_lanes.value, unit.latency.value)
    return Rates(unit.lanes.value, 1, unit.latency.value)


def _crossbar_cycles(name: str, numbers: Mapping[str, int], machine: CrossbarMachine) -> int:
    """Cycles of an instruction of a tile or a connection, which depend on no data."""
    if name == "run_tile":
        return machine.crossbar.pass_.value
    if name == "program_tile":
        return numbers["crossbar_rows"] * machine.crossbar.program_row.value
    if name == "send" and not numbers["follows"]:
        links = machine.links
        return links.fixed.value + numbers["hops"] * links.per_hop.value + numbers["transfer"]
    return 0
