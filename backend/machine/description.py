"""The machine description: one validated model, read from a TOML file.

Every number is a table of value, unit and source; the unit is checked, the source is a
reference or the word "assumed". All mistakes of a file are reported at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from spikeloom.backend.machine.energy_table import Areas, Energies
from spikeloom.backend.machine.errors import validation_error
from spikeloom.backend.machine.numbers import (
    Bandwidth,
    Bytes,
    Cycles,
    Lanes,
    Megahertz,
    Number,
    Parts,
    Rate,
    Rows,
    Table,
    TableInputs,
)
from spikeloom.backend.machine.table_choice import known_table, require_table
from spikeloom.backend.machine.text import read_bundled_model, read_model
from spikeloom.dialects.instruction_set import (
    ARRAY_RATES,
    LANE_RATES,
    MEMORIES,
    TABLE_MEMORIES,
)

DEFAULT_MACHINE = "h2learn.toml"

TableName = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$", max_length=32)]


def _sorted(tables: dict[str, Energies]) -> dict[str, Energies]:
    return dict(sorted(tables.items()))


NO_TABLES = Number(value=0, unit="bytes", source="the machine has no such tables")


class Clock(Table):
    """The one clock of all engines, and how many instructions are issued in a cycle."""

    frequency: Megahertz
    issue_rate: Rate


class OnChipMemories(Table):
    """Capacities in bytes; a machine without tables leaves out theirs."""

    weight_sram: Bytes
    spike_sram: Bytes
    state_sram: Bytes
    gradient_sram: Bytes
    forward_tables: Bytes = NO_TABLES
    update_tables: Bytes = NO_TABLES


class DramQueues(Table):
    """Each queue's share of the bandwidth, by the names of the engines that move data."""

    dma: Bandwidth
    dma_store: Bandwidth
    dma_wue: Bandwidth
    dma_wue_store: Bandwidth


class Dram(Table):
    """The memory outside: bytes per cycle, cycles before the first byte, shares of the queues.

    Of each buffer so many parts are watched, each for who reads and who writes it.
    """

    bandwidth: Bandwidth
    latency: Cycles
    watched_parts: Parts
    queues: DramQueues

    @field_validator("queues")
    @classmethod
    def _share_the_bandwidth(cls, queues: DramQueues, info: ValidationInfo) -> DramQueues:
        bandwidth: Number | None = info.data.get("bandwidth")
        shares = sum(getattr(queues, name).value for name in DramQueues.model_fields)
        if bandwidth is not None and shares > bandwidth.value:
            raise ValueError(
                f"the queues share {shares} bytes/cycle, the DRAM has {bandwidth.value}"
            )
        return queues


class ArrayEngine(Table):
    """An array of `input_lanes` x `output_lanes`; `latency` cycles from first input to result."""

    input_lanes: Lanes
    output_lanes: Lanes
    latency: Cycles


class TableEngine(ArrayEngine):
    """An array with tables of the sums of up to `table_width` inputs; 0 for an array without."""

    table_width: TableInputs = Number(value=0, unit="inputs", source="the machine has no tables")


class SparseEngine(ArrayEngine):
    """An array of multipliers, each with a queue for the work of `queue_rows` rows.

    The multipliers wait for the slowest of them after so many rows.
    """

    queue_rows: Rows = Number(value=64, unit="rows", source="assumed")


class LaneEngine(Table):
    """A row of lanes that work on one cell each per cycle."""

    lanes: Lanes
    latency: Cycles


class Engines(Table):
    """The engines besides DMA, by the names of `dialects.instruction_set.Engine`."""

    fe: TableEngine
    be: SparseEngine
    wue: TableEngine
    nu: LaneEngine
    loss: LaneEngine
    opt: LaneEngine


class Machine(Table):
    """Everything that the compiler and the interpreter know about the hardware."""

    name: Annotated[str, Field(min_length=1)]
    clock: Clock
    memories: OnChipMemories
    dram: Dram
    engines: Engines
    areas: Areas
    energy_tables: Annotated[
        dict[TableName, Energies], Field(min_length=1), AfterValidator(_sorted)
    ]
    energy_table: str

    @field_validator("energy_tables")
    @classmethod
    def _prices_tables(
        cls, tables: dict[TableName, Energies], info: ValidationInfo
    ) -> dict[TableName, Energies]:
        memories: OnChipMemories | None = info.data.get("memories")
        for memory in () if memories is None else TABLE_MEMORIES:
            for name, table in tables.items():
                if getattr(memories, memory).value and not all(table.per_byte(memory)):
                    words = f"the machine has {memory}; the energy table `{name}` must say what"
                    raise ValueError(f"{words} a byte read and a byte written in them cost")
        return tables

    @field_validator("energy_table")
    @classmethod
    def _names_a_table(cls, name: str, info: ValidationInfo) -> str:
        return known_table(name, info.data.get("energy_tables"))

    @property
    def energies(self) -> Energies:
        """The energy table in use: the file's `energy_table`, or the one selected."""
        return self.energy_tables[self.energy_table]

    def with_energy_table(self, name: str | None) -> Machine:
        """This machine with another of its energy tables in use; None keeps the one it has.

        Raises:
            DiagnosticError: E0405 with the names that exist.
        """
        if name is None:
            return self
        require_table(self.name, name, self.energy_tables)
        return self.model_copy(update={"energy_table": name})

    @property
    def memory_bytes(self) -> Mapping[str, int]:
        """Capacity of every on-chip memory by name; DRAM is not bounded by the machine."""
        return {name: getattr(self.memories, name).value for name in MEMORIES if name != "dram"}

    @property
    def rates(self) -> Mapping[str, int]:
        """What passes estimate costs with, by the names of `dialects.engine.frame.RATES`."""
        found = {queue: getattr(self.dram.queues, queue).value for queue in DramQueues.model_fields}
        found["dram_latency"] = self.dram.latency.value
        for engine in Engines.model_fields:
            described = getattr(self.engines, engine)
            names = ARRAY_RATES if isinstance(described, ArrayEngine) else LANE_RATES
            found |= {f"{engine}_{name}": getattr(described, name).value for name in names}
        return found

    def to_json(self) -> str:
        """The description as JSON text that `from_json` reads back; the same for equal machines."""
        return self.model_dump_json()

    @staticmethod
    def from_json(text: str, name: str = "machine") -> Machine:
        """The machine in `text`; `name` stands for it in messages.

        Raises:
            DiagnosticError: E0301 with every mistake of the text.
        """
        try:
            return Machine.model_validate_json(text)
        except ValidationError as problems:
            raise validation_error(problems, Machine, name, "") from None


def load_machine(path: str | Path | None = None) -> Machine:
    """The machine in the TOML file at `path`, or the bundled default.

    Raises:
        DiagnosticError: E0401 when the file cannot be read, E0301 with all its mistakes.
    """
    if path is None:
        return read_bundled_model(Machine, DEFAULT_MACHINE)
    return read_model(Machine, path)
