"""A mapping as tables: fit, clusters, tiles, channels, energy, throughput."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rich.markup import escape
from rich.table import Table

from spikeloom.mapping.demand import Demand, number_text
from spikeloom.mapping.mapping import Mapping, Wires
from spikeloom.report import scaled
from spikeloom.tables import print_table

SHOWN_ROWS = 40
"""Rows of a table; the JSON has all."""


def print_mapping(mapping: Mapping) -> None:
    """Prints whether it fits, all tables, and a summary."""
    print(f"fits            yes: {fit_words(mapping)}\n")
    for table, left_out in (
        cluster_table(mapping),
        tile_table(mapping),
        channel_table(mapping),
    ):
        if table.row_count:
            print_table(table)
            if left_out:
                print(f"  and {left_out:,} more (--json has all)")
            print()
    print_table(energy_table(mapping))
    print(f"\n{summary(mapping)}")


def fit_words(mapping: Mapping) -> str:
    """The largest use of every limit, in a line."""
    return ", ".join(_use(each) for each in mapping.demands)


def refused_words(demands: Sequence[Demand]) -> str:
    """What does not fit, in a line."""
    return ", ".join(_use(each) for each in demands)


def _use(demand: Demand) -> str:
    """`fan in 127 of 128`: the last word of the limit, what is needed, what is allowed."""
    name = demand.limit.rpartition(".")[2].replace("_", " ")
    return f"{name} {demand.needed} of {demand.allowed}"


def cluster_table(mapping: Mapping) -> tuple[Table, int]:
    """A row for each cluster: its tile, its layers, what it uses of its crossbar."""
    table = _table(
        "cluster", "tile", "computes", right=("inputs", "outputs", "crosspoints", "full")
    )
    limit = mapping.machine.crossbar
    for each in mapping.crossbars[:SHOWN_ROWS]:
        places = min(limit.crosspoints.value, limit.inputs.value * limit.outputs.value)
        table.add_row(
            f"{each.cluster}",
            f"{each.tile}",
            escape(_neurons(each.columns)),
            f"{each.inputs} of {limit.inputs.value}",
            f"{each.outputs} of {limit.outputs.value}",
            f"{each.crosspoints:,}",
            f"{each.crosspoints / places:.1%}",
        )
    return table, max(0, len(mapping.crossbars) - SHOWN_ROWS)


def _neurons(wires: Sequence[Wires], shown: int = 3) -> str:
    """`hidden[0:64], hidden[70:71]`, cut where it is long."""
    words = [f"{each.layer}[{each.first}:{each.first + each.count}]" for each in wires[:shown]]
    more = len(wires) - shown
    return ", ".join([*words, f"and {more} more"] if more > 0 else words)


def tile_table(mapping: Mapping) -> tuple[Table, int]:
    """A row for each tile in use: place, work, memory, connections, bits of one time step."""
    measured = mapping.measurement
    right = ["work", "busy", "memory", "connections", "bits in", "bits out"]
    if measured is not None:
        right += ["busy (measured)", "spikes (measured)"]
    table = _table("tile", "row, column", "clusters", right=right)
    limit = mapping.machine.tile
    used = [tile for tile in mapping.tiles if tile.clusters]
    found = {} if measured is None else {tile.number: tile for tile in measured.tiles}
    for tile in used[:SHOWN_ROWS]:
        row = [
            f"{tile.number}",
            f"{tile.row}, {tile.column}",
            ", ".join(map(str, tile.clusters)),
            f"{number_text(tile.work)} cycles",
            f"{float(tile.work / mapping.guarantee.period):.1%}",
            f"{tile.memory:,} of {limit.memory.value:,}",
            f"{tile.connections} of {limit.connections.value}",
            f"{tile.bits_in:,}",
            f"{tile.bits_out:,}",
        ]
        if measured is not None:
            own = found[tile.number]
            time = max(1, measured.elapsed - measured.programmed)
            row += [f"{own.worked / time:.1%}", f"{own.spikes:,}"]
        table.add_row(*row)
    return table, max(0, len(used) - SHOWN_ROWS)


def channel_table(mapping: Mapping) -> tuple[Table, int]:
    """A row for each channel, the one with most hops of packets first."""
    measured = mapping.measurement
    right = ["after", "bits", "buffers", "packets", "hops", "packet hops"]
    if measured is not None:
        right.append("packets (measured)")
    table = _table("clusters", "tiles", right=right)
    numbered = sorted(enumerate(mapping.channels), key=lambda each: -each[1].packets * each[1].hops)
    for number, each in numbered[:SHOWN_ROWS]:
        source, target = mapping.crossbars[each.source].tile, mapping.crossbars[each.target].tile
        row = [
            f"{each.source} -> {each.target}",
            f"{source} -> {target}",
            f"{each.delay}",
            f"{each.bits:,}",
            " + ".join(str(tokens) for tokens in each.buffers if tokens),
            f"{each.packets:,}",
            f"{each.hops}",
            f"{each.packets * each.hops:,}",
        ]
        if measured is not None:
            packets = measured.packets[number]
            row.append("" if packets is None else f"{packets:,}")
        table.add_row(*row)
    return table, max(0, len(numbered) - SHOWN_ROWS)


def energy_table(mapping: Mapping) -> Table:
    """A row for everything that costs energy in one inference, estimated and measured."""
    estimate, measured = mapping.estimate, mapping.measurement
    right = ["count", "energy", "share"] + (["measured", "energy"] if measured else [])
    table = _table("energy of one inference", right=right)
    total = max(1, estimate.energy_fj)
    parts = estimate.parts if measured is None else measured.parts
    for part, found in zip(estimate.parts, parts, strict=True):
        share = f"{part.energy_fj / total:.1%}"
        row = [f"  {part.name}", f"{part.count:,}", scaled(part.energy_fj, "J"), share]
        table.add_row(*row, *([f"{found.count:,}", scaled(found.energy_fj, "J")] * bool(measured)))
    row = ["total", "", scaled(estimate.energy_fj, "J"), ""]
    table.add_row(*row, *(["", scaled(measured.energy_fj, "J")] if measured else []))
    once = estimate.programming
    row = [f"once: {once.name}", f"{once.count:,}", scaled(once.energy_fj, "J"), ""]
    if measured is not None:
        once = measured.programming
        row += [f"{once.count:,}", scaled(once.energy_fj, "J")]
    table.add_row(*row)
    return table


def summary(mapping: Mapping) -> str:
    """Traffic, guaranteed and measured throughput, energy, and what was assumed or cut."""
    guarantee, estimate = mapping.guarantee, mapping.estimate
    packets, hops = mapping.packets, mapping.hops
    lines = [
        f"spikes          {estimate.source}; {_steps(estimate.steps)}",
        f"traffic         {packets:,} packets between clusters, {hops:,} hops",
        f"guaranteed      {_throughput(guarantee.period, mapping)}",
        f"critical        {guarantee.critical_text}",
    ]
    if not guarantee.is_complete:
        lines.append("search          bindings: cut; a shorter period may exist")
    if mapping.cut is not None:
        lines.append(f"search          clusters: {mapping.cut}")
    lines.append(f"energy          {scaled(estimate.energy_fj, 'J')} per inference (estimated)")
    return "\n".join([*lines, *_measured(mapping)])


def _measured(mapping: Mapping) -> list[str]:
    """What the execution gave, or why there was none."""
    found = mapping.measurement
    if found is None:
        return [f"executed        no: {mapping.obstacle}"]
    if found.period is None:
        period = f"no regular period within {_steps(found.period_steps)}"
    else:
        period = _throughput(found.period, mapping)
    spikes = ", ".join(f"{name} {count:,}" for name, count in found.spikes)
    cycles = (
        f"{found.elapsed:,} cycles, {found.programmed:,} of them to program the tiles, "
        f"{found.first_step:,} more until the first time step is over"
    )
    return [
        f"executed        {_steps(found.steps)}: {found.subject}",
        f"measured        {period}",
        *_slices(mapping),
        f"{'':<16}{cycles}; {scaled(found.energy_fj, 'J')}; {found.total_packets:,} packets",
        f"spikes          {spikes}",
    ]


def _slices(mapping: Mapping) -> list[str]:
    """What keeps a measured period from being compared with the guaranteed one."""
    if not mapping.ignores_slices:
        return []
    tile = mapping.machine.tile
    words = f"{tile.slice.value} of {tile.wheel.value} cycles"
    return [f"{'':<16}with whole wheels: slices of the wheel ({words}) are not simulated"]


def _throughput(period: Fraction, mapping: Mapping) -> str:
    """A period in cycles, steps per second, and the time of an inference."""
    megahertz = mapping.machine.clock.frequency.value
    rate = float(megahertz * 10**6 / period) if period else float("inf")
    inference = scaled(float(period * mapping.estimate.steps) * 1e9 / megahertz, "s")
    return (
        f"{period} cycles per time step: {rate:,.0f} steps/s at {megahertz:,} MHz, "
        f"{inference} per inference"
    )


def _steps(count: int) -> str:
    return "1 time step" if count == 1 else f"{count:,} time steps"


def _table(*left: str, right: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in left:
        table.add_column(heading)
    for heading in right:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
