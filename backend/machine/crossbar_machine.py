"""A machine of crossbars: tiles on a mesh, what each holds, what spikes cost on their way.

Another kind of machine than the training machine, read from the same kind of file: every number
with unit and source, all mistakes at once. Every tile has a sequencer of its own, so that there is
no issue rate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from spikeloom.backend.machine.numbers import (
    Bits,
    BitsPerCycle,
    Connections,
    Crossbars,
    Cycles,
    Destinations,
    Femtojoule,
    FemtojoulePerCycle,
    Hops,
    Inputs,
    Megahertz,
    Neurons,
    Spikes,
    Synapses,
    Table,
    TileList,
    Tiles,
)
from spikeloom.backend.machine.table_choice import known_table, require_table
from spikeloom.backend.machine.text import read_bundled_model, read_model
from spikeloom.dialects.dataflow.platform import Platform, Tile

DEFAULT_CROSSBAR_MACHINE = "dynapse.toml"

MAX_TILES = 1024
"""As many as a platform of SDF3 may have."""

EnergyTableName = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$", max_length=32)]


class CrossbarClock(Table):
    """The clock of all tiles and links."""

    frequency: Megahertz


class Mesh(Table):
    """Rows and columns of tiles, numbered row by row; the broken ones compute nothing."""

    rows: Tiles
    columns: Tiles
    broken: TileList

    @field_validator("columns")
    @classmethod
    def _are_not_too_many(cls, columns: Tiles, info: ValidationInfo) -> Tiles:
        rows: Tiles | None = info.data.get("rows")
        if rows is not None and rows.value * columns.value > MAX_TILES:
            many = rows.value * columns.value
            raise ValueError(f"a mesh has at most {MAX_TILES} tiles, not {many}")
        return columns

    @field_validator("broken")
    @classmethod
    def _exist(cls, broken: TileList, info: ValidationInfo) -> TileList:
        if "rows" in info.data and "columns" in info.data:
            count = info.data["rows"].value * info.data["columns"].value
            for number in broken.value:
                if number >= count:
                    raise ValueError(f"there is no tile {number}: the mesh has {count}, from 0")
            if len(set(broken.value)) == count:
                raise ValueError("all tiles of the mesh are broken")
        return broken


class CrossbarTile(Table):
    """What a tile has: crossbars, bits of memory for buffers, and a network interface.

    Of every `wheel` cycles a program has `slice`.
    """

    crossbars: Crossbars
    memory: Bits
    connections: Connections
    bandwidth_in: BitsPerCycle
    bandwidth_out: BitsPerCycle
    wheel: Cycles
    slice: Cycles

    @field_validator("slice")
    @classmethod
    def _lies_in_the_wheel(cls, slice: Cycles, info: ValidationInfo) -> Cycles:
        wheel: Cycles | None = info.data.get("wheel")
        if wheel is not None and slice.value > wheel.value:
            raise ValueError(f"a slice of {slice.value} is no part of a wheel of {wheel.value}")
        return slice


class Crossbar(Table):
    """Limits and times of one crossbar.

    Attributes:
        inputs, outputs, crosspoints: its rows, its columns, the synapses it holds.
        fan_in: inputs of one neuron.
        destinations: crossbars that the spikes of one neuron reach.
        input_buffer, output_buffer: spikes that enter or leave in one time step.
        pass_: cycles from the first input row to the last neuron, whatever spikes.
        program_row: cycles to write one row of crosspoints.
    """

    inputs: Inputs
    outputs: Neurons
    crosspoints: Synapses
    fan_in: Inputs
    destinations: Destinations
    input_buffer: Spikes
    output_buffer: Spikes
    pass_: Annotated[Cycles, Field(alias="pass")]
    program_row: Cycles

    @field_validator("fan_in")
    @classmethod
    def _fits(cls, fan_in: Inputs, info: ValidationInfo) -> Inputs:
        inputs: Inputs | None = info.data.get("inputs")
        if inputs is not None and fan_in.value > inputs.value:
            raise ValueError(f"a crossbar of {inputs.value} inputs has no {fan_in.value} for one")
        return fan_in


class CrossbarLinks(Table):
    """A connection carries one token in `fixed + hops x per_hop + ceil(bits / bandwidth)`."""

    fixed: Hops
    per_hop: Hops
    bandwidth: BitsPerCycle


class CrossbarEnergies(Table):
    """One energy table.

    Attributes:
        crosspoint, program: reading and writing one crosspoint.
        update: one neuron in one time step, whether it spikes or not.
        spike: one spike that a neuron fires.
        packet, hop: one spike that is sent to another tile, and each hop of it.
        leakage: of one tile in one cycle.
    """

    description: Annotated[str, Field(min_length=1)]
    crosspoint: Femtojoule
    program: Femtojoule
    update: Femtojoule
    spike: Femtojoule
    packet: Femtojoule
    hop: Femtojoule
    leakage: FemtojoulePerCycle


def _sorted(tables: dict[str, CrossbarEnergies]) -> dict[str, CrossbarEnergies]:
    return dict(sorted(tables.items()))


class CrossbarMachine(Table):
    """Everything that is known about a chip of crossbars."""

    kind: Literal["crossbars"]
    name: Annotated[str, Field(min_length=1)]
    clock: CrossbarClock
    mesh: Mesh
    tile: CrossbarTile
    crossbar: Crossbar
    links: CrossbarLinks
    energy_tables: Annotated[
        dict[EnergyTableName, CrossbarEnergies], Field(min_length=1), AfterValidator(_sorted)
    ]
    energy_table: str

    @field_validator("energy_table")
    @classmethod
    def _names_a_table(cls, name: str, info: ValidationInfo) -> str:
        return known_table(name, info.data.get("energy_tables"))

    @property
    def energies(self) -> CrossbarEnergies:
        """The energy table in use."""
        return self.energy_tables[self.energy_table]

    def with_energy_table(self, name: str | None) -> CrossbarMachine:
        """This machine with another of its energy tables in use; None keeps the one it has.

        Raises:
            DiagnosticError: E0405 with the names that exist.
        """
        if name is None:
            return self
        require_table(self.name, name, self.energy_tables)
        return self.model_copy(update={"energy_table": name})

    @property
    def working_tiles(self) -> tuple[int, ...]:
        """The numbers of the tiles that are not broken, ascending: those of the platform."""
        count = self.mesh.rows.value * self.mesh.columns.value
        broken = set(self.mesh.broken.value)
        return tuple(number for number in range(count) if number not in broken)

    def place(self, number: int) -> tuple[int, int]:
        """Row and column of a tile of the mesh."""
        row, column = divmod(number, self.mesh.columns.value)
        return row, column

    def hops(self, source: int, target: int) -> int:
        """Links on the shortest way between two tiles of the mesh."""
        rows, columns = zip(self.place(source), self.place(target), strict=True)
        return abs(rows[0] - rows[1]) + abs(columns[0] - columns[1])

    def route(self, source: int, target: int) -> tuple[int, ...]:
        """The tiles on the way from one to the other, both included: along the row, then down."""
        (row, column), (last_row, last_column) = self.place(source), self.place(target)
        way = [source]
        while column != last_column:
            column += 1 if last_column > column else -1
            way.append(row * self.mesh.columns.value + column)
        while row != last_row:
            row += 1 if last_row > row else -1
            way.append(row * self.mesh.columns.value + column)
        return tuple(way)

    def delay(self, source: int, target: int) -> int:
        """Cycles of a connection between two tiles of the mesh, without those of its bits."""
        return self.links.fixed.value + self.hops(source, target) * self.links.per_hop.value

    def platform(self) -> Platform:
        """The tiles that work, for binding: tile n of it is `working_tiles[n]` of the mesh.

        Sizes and bandwidths are in bits; a tile takes as many actors as it has crossbars.
        """
        tile = self.tile
        numbers = self.working_tiles
        tiles = tuple(
            Tile(
                f"tile_{number}",
                tile.wheel.value,
                tile.slice.value,
                tile.memory.value,
                tile.connections.value,
                tile.bandwidth_in.value,
                tile.bandwidth_out.value,
                tile.crossbars.value,
            )
            for number in numbers
        )
        delays = tuple(
            tuple(self.delay(source, target) for target in numbers) for source in numbers
        )
        return Platform(tiles, delays, self.links.bandwidth.value, self.name)


def load_crossbar_machine(path: str | Path | None = None) -> CrossbarMachine:
    """The machine in the TOML file at `path`, or the bundled default.

    The name of the bundled file means that file, unless there is one of that name.

    Raises:
        DiagnosticError: E0401 when the file cannot be read, E0301 with all its mistakes.
    """
    bundled = path is None or (str(path) == DEFAULT_CROSSBAR_MACHINE and not Path(path).exists())
    if bundled:
        return read_bundled_model(CrossbarMachine, DEFAULT_CROSSBAR_MACHINE)
    assert path is not None
    return read_model(CrossbarMachine, path)
