"""What a run on a machine of crossbars measured: time, work and energy of tiles and connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.counters import ELAPSED, ENERGY_TOTAL
from spikeloom.backend.accounts.identities import IdentityError
from spikeloom.backend.execution.program import ENGINES, Unit, spec_of
from spikeloom.backend.execution.stream_executor import Course
from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.backend.stream.stream import OPCODE_END, Stream
from spikeloom.dialects.instruction_set import CROSSBAR_ENGINES, OPCODES, Engine

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class UnitStates:
    """How a tile or a connection spent its cycles; they add up to the elapsed ones.

    Attributes:
        active: with an instruction.
        stalled: on each engine that had yet to write an operand, by the engines' order.
        back_pressure: a buffer had no room.
        idle: after its last instruction.
    """

    active: int
    stalled: tuple[int, ...]
    back_pressure: int
    idle: int

    @property
    def total(self) -> int:
        """All cycles."""
        return self.active + sum(self.stalled) + self.back_pressure + self.idle


@dataclass(frozen=True)
class TileCounts:
    """One tile.

    Attributes:
        number: as the program has it.
        passes: crossbar passes.
        crosspoints: weights added; `silent` those whose row had no spike.
        updates, spikes: neurons in all steps, and how many fired.
        programmed: crosspoints written.
        received: spikes and sums that came from clusters, of the same tile too.
    """

    number: int
    states: UnitStates
    passes: int
    crosspoints: int
    silent: int
    updates: int
    spikes: int
    programmed: int
    received: int


@dataclass(frozen=True)
class ConnectionCounts:
    """One connection.

    Attributes:
        number: as the program has it.
        tokens: of the time steps.
        packets: spikes and sums that were carried.
        hops: of all packets together.
    """

    number: int
    states: UnitStates
    tokens: int
    packets: int
    hops: int


@dataclass(frozen=True)
class CrossbarEnergy:
    """Femtojoules by what they were spent on."""

    crosspoints: int
    programming: int
    updates: int
    spikes: int
    packets: int
    hops: int
    leakage: int

    @property
    def total(self) -> int:
        """All of it."""
        dynamic = self.crosspoints + self.programming + self.updates + self.spikes
        return dynamic + self.packets + self.hops + self.leakage


@dataclass(frozen=True)
class CrossbarResult:
    """One run.

    Attributes:
        elapsed: cycles from the first instruction to the last finish, programming included.
        tiles, connections: those that the program uses, by number.
        counts: [records of the stream, quantities].
    """

    machine: CrossbarMachine
    elapsed: int
    tiles: tuple[TileCounts, ...]
    connections: tuple[ConnectionCounts, ...]
    counts: Integers

    def counters(self) -> dict[str, int]:
        """Sums over tiles and over connections by name, sorted, named as those of training are."""
        found = {ELAPSED: self.elapsed, "tile__units": len(self.tiles)}
        found |= _state_counters("tile", [tile.states for tile in self.tiles])
        found |= _state_counters("noc", [each.states for each in self.connections])
        for name, quantity in (
            ("passes", "passes"),
            ("additions_issued", "crosspoints"),
            ("additions_skipped_input", "silent"),
            ("neurons_updated", "updates"),
            ("spikes_emitted", "spikes"),
            ("events_received", "received"),
            ("crosspoints_programmed", "programmed"),
        ):
            found[f"tile__{name}"] = sum(getattr(tile, quantity) for tile in self.tiles)
        found["noc__units"] = len(self.connections)
        for name in ("tokens", "packets", "hops"):
            found[f"noc__{name}_sent"] = sum(getattr(each, name) for each in self.connections)
        energy = self.energy
        for field in fields(CrossbarEnergy):
            found[f"machine__energy_{field.name}"] = getattr(energy, field.name)
        found[ENERGY_TOTAL] = energy.total
        return dict(sorted(found.items()))

    @property
    def energy(self) -> CrossbarEnergy:
        """Count x constant of the machine's energy table; all tiles that work leak."""
        table, tiles = self.machine.energies, self.tiles
        return CrossbarEnergy(
            sum(tile.crosspoints for tile in tiles) * table.crosspoint.value,
            sum(tile.programmed for tile in tiles) * table.program.value,
            sum(tile.updates for tile in tiles) * table.update.value,
            sum(tile.spikes for tile in tiles) * table.spike.value,
            sum(each.packets for each in self.connections) * table.packet.value,
            sum(each.hops for each in self.connections) * table.hop.value,
            self.elapsed * len(self.machine.working_tiles) * table.leakage.value,
        )


def _state_counters(engine: str, states: Sequence[UnitStates]) -> dict[str, int]:
    found = {
        f"{engine}__cycles_active": sum(each.active for each in states),
        f"{engine}__cycles_stalled_on_backpressure": sum(each.back_pressure for each in states),
        f"{engine}__cycles_idle": sum(each.idle for each in states),
    }
    for waited in CROSSBAR_ENGINES:
        cycles = sum(each.stalled[ENGINES.index(waited)] for each in states)
        found[f"{engine}__cycles_stalled_on_{waited.value}"] = cycles
    return found


def crossbar_result(stream: Stream, course: Course, machine: CrossbarMachine) -> CrossbarResult:
    """The result of a course of the stream.

    Raises:
        IdentityError: states of a unit do not add up, or what was sent was not received (an error
            of the interpreter).
    """
    records = _records(stream)
    order = {unit: number for number, unit in enumerate(course.units)}
    states = {
        unit: _states(course.counts[own], course, order[unit]) for unit, own in records.items()
    }
    for (engine, number), found in states.items():
        if found.total != course.elapsed:
            law = f"states add up to the elapsed cycles: {engine.value} {number}"
            raise IdentityError(f"{law}: {found.total} instead of {course.elapsed}")
    tiles = tuple(
        _tile(number, states[engine, number], stream, course.counts, records[engine, number])
        for engine, number in sorted(records, key=lambda unit: unit[1])
        if engine is Engine.TILE
    )
    connections = tuple(
        _connection(number, states[engine, number], stream, course.counts, records[engine, number])
        for engine, number in sorted(records, key=lambda unit: unit[1])
        if engine is Engine.NETWORK and _leads_anywhere(stream, records[engine, number])
    )
    return CrossbarResult(machine, course.elapsed, tiles, connections, course.counts)


def _records(stream: Stream) -> dict[Unit, Integers]:
    """The records of every unit's instructions."""
    opcodes: list[int] = stream.instructions["opcode"].tolist()
    instances: list[int] = stream.instructions["instance"].tolist()
    found: dict[Unit, list[int]] = {}
    for index, (opcode, instance) in enumerate(zip(opcodes, instances, strict=True)):
        if opcode > OPCODE_END:
            found.setdefault((spec_of(opcode).engine, instance), []).append(index)
    return {unit: np.array(own, np.int64) for unit, own in found.items()}


def _states(counts: Integers, course: Course, unit: int) -> UnitStates:
    total = counts.sum(axis=0)
    stalled = total[q.CYCLES_STALLED_ON : q.CYCLES_STALLED_ON + len(ENGINES)]
    return UnitStates(
        int(total[q.CYCLES_ACTIVE]),
        tuple(stalled.tolist()),
        int(total[q.CYCLES_STALLED_ON_BACKPRESSURE]),
        course.elapsed - int(course.free[unit]),
    )


def _sum(name: str, quantity: int, stream: Stream, counts: Integers, records: Integers) -> int:
    """A quantity of the instructions with this name."""
    chosen = records[stream.instructions["opcode"][records] == OPCODES[name]]
    return int(counts[chosen, quantity].sum())


def _tile(
    number: int, states: UnitStates, stream: Stream, counts: Integers, records: Integers
) -> TileCounts:
    own = (stream, counts, records)
    return TileCounts(
        number,
        states,
        _sum("run_tile", q.INSTRUCTIONS, *own),
        _sum("run_tile", q.ADDITIONS_ISSUED, *own),
        _sum("run_tile", q.ADDITIONS_SKIPPED_INPUT, *own),
        _sum("update_neurons", q.CELLS_PRODUCED, *own),
        _sum("update_neurons", q.SPIKES_EMITTED, *own),
        int(counts[_programming(stream, records), q.CELLS_PRODUCED].sum()),
        _sum("receive", q.EVENTS_RECEIVED, *own),
    )


def _programming(stream: Stream, records: Integers) -> Integers:
    """The records that write rows of a crossbar, not tables."""
    programs = stream.instructions["opcode"][records] == OPCODES["program_tile"]
    return records[programs & (stream.instructions["immediate"][records, 0] > 0)]


def _leads_anywhere(stream: Stream, records: Integers) -> bool:
    """Whether it is a connection, and does not move tokens between buffers of a tile."""
    return bool((stream.instructions["immediate"][records, 0] > 0).any())


def _connection(
    number: int, states: UnitStates, stream: Stream, counts: Integers, records: Integers
) -> ConnectionCounts:
    hops = stream.instructions["immediate"][records, 0].astype(np.int64)
    packets = counts[records, q.EVENTS_RECEIVED]
    first = stream.instructions["immediate"][records, 2] == 0
    return ConnectionCounts(
        number,
        states,
        int(counts[records[first], q.INSTRUCTIONS].sum()),
        int(packets.sum()),
        int((packets * hops).sum()),
    )
