"""Where everything of a program is on a machine of crossbars, and what that costs: plain data.

Tables, JSON and picture are three views of a `Mapping`. Tiles have their numbers in the mesh,
row by row, the broken ones included.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.diagnostics import SourceLocation
from spikeloom.mapping.demand import Demand

SHOWN_NAMES = 8
"""Of a critical cycle, in a line of text."""


@dataclass(frozen=True)
class MappedLayer:
    """Neurons under one name.

    Attributes:
        kind: input, neurons, partial (sums of unrolled neurons) or relay.
        delay: time steps after which their spikes are used.
    """

    name: str
    neurons: int
    kind: str
    delay: int
    location: SourceLocation | None


@dataclass(frozen=True)
class Wires:
    """Neurons `first` to `first + count - 1` of a layer on as many wires, `wire` being the first.

    Wires are the rows of a crossbar for what it reads, its columns for what it computes.
    """

    layer: str
    first: int
    count: int
    wire: int


@dataclass(frozen=True)
class MappedCrossbar:
    """One cluster in its crossbar.

    Attributes:
        tile, slot: the tile, and which of its crossbars.
        rows, columns: what it reads and what it computes.
    """

    cluster: int
    tile: int
    slot: int
    rows: tuple[Wires, ...]
    columns: tuple[Wires, ...]
    crosspoints: int

    @property
    def inputs(self) -> int:
        """Rows in use."""
        return sum(each.count for each in self.rows)

    @property
    def outputs(self) -> int:
        """Columns in use."""
        return sum(each.count for each in self.columns)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that it computes, each once."""
        return tuple(dict.fromkeys(each.layer for each in self.columns))


@dataclass(frozen=True)
class MappedTile:
    """What one tile of the mesh does.

    Attributes:
        clusters: in the order in which they fire in every time step.
        work: cycles per time step, the rest of the wheel included.
        memory: bits of its buffers.
        connections: channels to and from other tiles.
        bits_in, bits_out: of these channels in one time step.
    """

    number: int
    row: int
    column: int
    is_broken: bool
    clusters: tuple[int, ...] = ()
    work: Fraction = Fraction(0)
    memory: int = 0
    connections: int = 0
    bits_in: int = 0
    bits_out: int = 0


@dataclass(frozen=True)
class MappedChannel:
    """What one cluster sends another.

    Attributes:
        delay: time steps that the spikes wait.
        bits: of one token, which is what one time step can send.
        packets: spikes and numbers of one inference.
        hops: links of the mesh on the way; 0 inside a tile.
        buffers: tokens for which there is room, at the source and at the target.
    """

    name: str
    source: int
    target: int
    delay: int
    bits: int
    packets: int
    hops: int
    buffers: tuple[int, int]


@dataclass(frozen=True)
class MeshLink:
    """Packets of one inference from a tile to its neighbour, along rows first, then columns."""

    source: int
    target: int
    packets: int


@dataclass(frozen=True)
class Guarantee:
    """The throughput that is kept whatever the spikes.

    Attributes:
        period: cycles per time step in the long run.
        critical: who waits for whom around the cycle that the period is due to.
        is_complete: no binding has a shorter one, or no move of a cluster on that cycle does;
            False where the search was cut.
    """

    period: Fraction
    critical: tuple[str, ...]
    is_complete: bool

    @property
    def critical_text(self) -> str:
        """The critical cycle in a line, cut in the middle where it is long."""
        names = list(self.critical)
        if (more := len(names) - SHOWN_NAMES) > 0:
            half = SHOWN_NAMES // 2
            names[half:-half] = [f"... {more} more ..."]
        return " -> ".join(names)


@dataclass(frozen=True)
class EnergyPart:
    """How often something happens in one inference, and what it costs each time."""

    name: str
    count: int
    price_fj: int

    @property
    def energy_fj(self) -> int:
        """Femtojoules of all of them."""
        return self.count * self.price_fj


@dataclass(frozen=True)
class Estimate:
    """Energy of one inference, from numbers of spikes that are given or assumed.

    Attributes:
        steps: time steps of the inference.
        source: where the numbers of spikes come from.
        programming: what it takes once, before the first inference.
    """

    steps: int
    source: str
    parts: tuple[EnergyPart, ...]
    programming: EnergyPart

    @property
    def energy_fj(self) -> int:
        """Femtojoules of one inference."""
        return sum(each.energy_fj for each in self.parts)


@dataclass(frozen=True)
class MeasuredTile:
    """What a tile did in one executed inference.

    Attributes:
        active: cycles with an instruction, programming included.
        worked: cycles of passes after the last tile was programmed.
        passes: of its crossbars.
        spikes: that its neurons fired.
    """

    number: int
    active: int
    worked: int
    passes: int
    spikes: int


@dataclass(frozen=True)
class Measurement:
    """One inference, executed by the interpreter.

    Attributes:
        subject: with what parameters and what input, in words.
        period: cycles per time step once these recur, or None where they did not.
        period_steps: time steps after which that was known, or given up.
        elapsed: cycles of the inference, programming included.
        programmed: cycles until the last tile was programmed.
        first_step: cycles from then until the first time step was over.
        parts: what cost energy, as in an `Estimate`.
        tiles: those that work, by number.
        packets: of every channel of the mapping; None inside a tile.
        spikes: of every layer that fires, by name.
    """

    subject: str
    steps: int
    period: Fraction | None
    period_steps: int
    elapsed: int
    programmed: int
    first_step: int
    parts: tuple[EnergyPart, ...]
    programming: EnergyPart
    tiles: tuple[MeasuredTile, ...]
    packets: tuple[int | None, ...]
    spikes: tuple[tuple[str, int], ...]

    @property
    def energy_fj(self) -> int:
        """Femtojoules of the inference, without programming."""
        return sum(each.energy_fj for each in self.parts)

    @property
    def total_packets(self) -> int:
        """Packets from tile to tile."""
        return sum(each or 0 for each in self.packets)


@dataclass(frozen=True)
class Mapping:
    """A program on a machine.

    Attributes:
        network: its name.
        demands: the limits, with what was found where it is largest.
        crossbars: by number of the cluster.
        tiles: all of the mesh.
        links: of the mesh, those that spikes go along.
        cut: what the clustering gave up for want of time or memory, or None.
        obstacle: why nothing was executed, if nothing was.
    """

    program: str
    network: str
    machine: CrossbarMachine
    strategy: str
    demands: tuple[Demand, ...]
    layers: tuple[MappedLayer, ...]
    crossbars: tuple[MappedCrossbar, ...]
    tiles: tuple[MappedTile, ...]
    channels: tuple[MappedChannel, ...]
    links: tuple[MeshLink, ...]
    guarantee: Guarantee
    estimate: Estimate
    cut: str | None
    measurement: Measurement | None
    obstacle: str

    @property
    def ignores_slices(self) -> bool:
        """Whether a measurement is of whole wheels, though the program has slices of them."""
        tile = self.machine.tile
        return self.measurement is not None and tile.slice.value < tile.wheel.value

    @property
    def packets(self) -> int:
        """Spikes and numbers that go from a cluster to another, in one inference."""
        return sum(each.packets for each in self.channels)

    @property
    def hops(self) -> int:
        """Hops of all of them."""
        return sum(each.packets * each.hops for each in self.channels)
