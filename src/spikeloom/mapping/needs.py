"""What a program needs of a machine of crossbars before anything is clustered.

All numbers are closed forms over layers, so that a network of any size has its answer at once.
What only the clusters decide is bounded from below: if a bound does not fit, nothing will.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.diagnostics import error
from spikeloom.mapping.demand import Basis, Demand
from spikeloom.passes.clustering.extents import LayerExtent
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.network import MAX_SYNAPSES
from spikeloom.passes.clustering.network_layers import Layer
from spikeloom.passes.clustering.strategy import Unrolling
from spikeloom.tiles.limits import limits_of

TOKENS_IN = 2
"""Of every channel the input buffer holds one token that is read and one that arrives."""


@dataclass(frozen=True)
class Wanted:
    """What the user asks for.

    Attributes:
        period: cycles that one time step may take, or None.
        option: the option that said so.
    """

    unrolling: Unrolling = Unrolling.AUTO
    period: Fraction | None = None
    option: str = "--period"

    @property
    def easier(self) -> str:
        """What to ask for instead of what is out of reach."""
        return "a longer period" if self.option == "--period" else "a lower throughput"


@dataclass(frozen=True)
class _Least:
    """Outputs and crosspoints that a layer takes at least, its partial sums included."""

    extent: LayerExtent
    outputs: int
    crosspoints: int

    def crossbars(self, limits: Limits) -> int:
        """Crossbars that it fills at least, if it had them alone."""
        return crossbars_for(self.outputs, self.crosspoints, limits)


def crossbars_for(outputs: int, crosspoints: int, limits: Limits) -> int:
    """Crossbars with so many outputs and crosspoints between them."""
    places = min(limits.most_crosspoints, limits.most_inputs * limits.most_outputs)
    return max(-(-outputs // limits.most_outputs), -(-crosspoints // places))


def needs_of(
    extents: Sequence[LayerExtent], machine: CrossbarMachine, wanted: Wanted
) -> tuple[Demand, ...]:
    """Every limit with the largest demand of the program, those that fit included.

    Raises:
        DiagnosticError: no layer computes anything (E0306).
    """
    limits = limits_of(machine)
    computed = [each for each in extents if each.layer.is_computed]
    if not computed:
        raise error("E0306", "the network computes nothing, so there is nothing to map")
    least = [_least(each, limits) for each in computed]
    demands = [
        *_totals(least, machine, limits),
        _fan_in(computed, limits, wanted.unrolling),
        *_reach(computed, limits),
        *_per_tile(computed, machine, limits),
        _tool(extents),
    ]
    if wanted.period is not None:
        demands.append(_period(least, machine, limits, wanted.period, wanted))
    return tuple(demands)


def _least(extent: LayerExtent, limits: Limits) -> _Least:
    """By counting: n elements of F inputs each add up no more than n (F - 1) + 1 numbers."""
    neurons, synapses = extent.neurons, extent.synapses.least
    each = max(1, limits.longest - 1)
    outputs = max(neurons, -(-(synapses - neurons) // each))
    if extent.fan_in.is_exact and synapses == neurons * extent.fan_in.least:
        outputs = neurons * max(1, -(-(extent.fan_in.least - 1) // each))
    return _Least(extent, outputs, synapses + outputs - neurons)


def _totals(
    least: Sequence[_Least], machine: CrossbarMachine, limits: Limits
) -> tuple[Demand, ...]:
    """Crossbars of the machine, and what they hold together."""
    tiles, all_tiles = (
        len(machine.working_tiles),
        machine.mesh.rows.value * machine.mesh.columns.value,
    )
    available = tiles * machine.tile.crossbars.value
    outputs = sum(each.outputs for each in least)
    crosspoints = sum(each.crosspoints for each in least)
    most = max(least, key=lambda each: each.crossbars(limits))
    where = f"the program (`{most.extent.layer.name}` most)"
    broken = f", {all_tiles - tiles} of {all_tiles} tiles being broken" if tiles < all_tiles else ""
    remedy = f"fewer or narrower layers, or more tiles{broken}"
    places = min(limits.most_crosspoints, limits.most_inputs * limits.most_outputs)
    location = most.extent.layer.location
    rows = (
        (
            "mesh x tile.crossbars",
            "crossbars",
            crossbars_for(outputs, crosspoints, limits),
            available,
        ),
        ("crossbar.outputs x crossbars", "outputs", outputs, available * limits.most_outputs),
        ("crossbar.crosspoints x crossbars", "crosspoints", crosspoints, available * places),
    )
    return tuple(
        Demand(limit, what, Fraction(value), Fraction(bound), Basis.BOUND, where, remedy, location)
        for limit, what, value, bound in rows
    )


def fan_in_limit(limits: Limits) -> tuple[str, int]:
    """The key that bounds the inputs of one neuron, and its value."""
    name, bound = limits.narrowest
    return f"crossbar.{'fan_in' if limits.fan_in == bound else name}", bound


def _fan_in(computed: Sequence[LayerExtent], limits: Limits, unrolling: Unrolling) -> Demand:
    limit, bound = fan_in_limit(limits)
    widest = max(computed, key=lambda each: each.fan_in.least)
    value, eased = widest.fan_in.least, ""
    remedy = "let it be unrolled (--unroll auto)"
    if bound < 2:
        remedy = f"a machine whose `{limit}` is at least 2"
    elif value > bound and unrolling is not Unrolling.NONE:
        eased = f"unrolled into at least {-(-(value - 1) // (bound - 1))} elements"
    basis = Basis.COMPUTED if widest.fan_in.is_exact else Basis.BOUND
    where = f"a neuron of `{widest.layer.name}`"
    return Demand(
        limit,
        "inputs",
        Fraction(value),
        Fraction(bound),
        basis,
        where,
        remedy,
        widest.layer.location,
        eased,
    )


def _reach(computed: Sequence[LayerExtent], limits: Limits) -> tuple[Demand, ...]:
    """Crossbars that one spike must reach: who reads it has only so many outputs each."""
    if limits.destinations is None:
        return ()
    widest, value = computed[0].layer, 0
    for each in computed:
        if each.distinct.most and all(source.is_computed for source in each.sources):
            readers = -(-each.synapses.least // each.distinct.most)
            crossbars = -(-readers // limits.most_outputs)
            if crossbars > value:
                widest, value = _largest(each.sources), crossbars
    eased = "relays serve more" if value > limits.destinations > 1 else ""
    return (
        Demand(
            "crossbar.destinations",
            "crossbars that read it",
            Fraction(value),
            Fraction(limits.destinations),
            Basis.BOUND,
            f"a neuron of `{widest.name}`",
            "narrower layers behind it, or a machine with more destinations",
            widest.location,
            eased,
        ),
    )


def _largest(layers: Sequence[Layer]) -> Layer:
    return max(layers, key=lambda layer: len(layer.neurons))


def _per_tile(
    computed: Sequence[LayerExtent], machine: CrossbarMachine, limits: Limits
) -> tuple[Demand, ...]:
    """Memory and connections of a tile with one crossbar, which shares nothing with its sources."""
    if machine.tile.crossbars.value > 1:
        return ()
    memory, connections = (0, computed[0].layer), (0, computed[0].layer)
    for each in computed:
        inputs = each.fan_in.least
        apart = all(source.is_computed and source.delay == 0 for source in each.sources)
        if not apart or not each.sources or inputs > limits.longest:
            continue
        needed = -(-inputs // limits.most_outputs)
        memory = max(memory, (TOKENS_IN * inputs, each.layer), key=lambda pair: pair[0])
        connections = max(connections, (needed, each.layer), key=lambda pair: pair[0])
    rows = (
        ("tile.memory", "bits of input buffers", memory, machine.tile.memory.value),
        ("tile.connections", "connections", connections, machine.tile.connections.value),
    )
    return tuple(
        Demand(
            limit,
            what,
            Fraction(value),
            Fraction(bound),
            Basis.BOUND,
            f"a tile that computes `{layer.name}`",
            f"narrower layers before it, or a machine with a larger `{limit}`",
            layer.location,
        )
        for limit, what, (value, layer), bound in rows
    )


def _tool(extents: Sequence[LayerExtent]) -> Demand:
    most = max(extents, key=lambda each: each.synapses.least)
    synapses = sum(each.synapses.least for each in extents)
    exact = all(each.synapses.is_exact for each in extents)
    return Demand(
        "limit of this tool",
        "synapses",
        Fraction(synapses),
        Fraction(MAX_SYNAPSES),
        Basis.COMPUTED if exact else Basis.BOUND,
        f"the program (`{most.layer.name}` most)",
        "a smaller network",
        most.layer.location,
    )


def _period(
    least: Sequence[_Least],
    machine: CrossbarMachine,
    limits: Limits,
    period: Fraction,
    wanted: Wanted,
) -> Demand:
    """A tile passes its crossbars one after the other, in its slice of the wheel."""
    outputs = sum(each.outputs for each in least)
    crosspoints = sum(each.crosspoints for each in least)
    crossbars = crossbars_for(outputs, crosspoints, limits)
    each = -(-crossbars // len(machine.working_tiles))
    tile = machine.tile
    time = Fraction(each * machine.crossbar.pass_.value * tile.wheel.value, tile.slice.value)
    return Demand(
        wanted.option,
        "cycles",
        time,
        period,
        Basis.BOUND,
        "a time step",
        f"{wanted.easier}, more tiles, or a larger slice of the wheel",
        code="E0307",
    )
