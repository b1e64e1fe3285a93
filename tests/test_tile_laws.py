"""What holds for every run on tiles: promises kept, cells conserved, limits named when exceeded."""

from __future__ import annotations

from dataclasses import replace
from math import lcm

import numpy as np
import pytest
from random_tile_networks import random_tile_network
from tile_networks import (
    OnTiles,
    crossbar_machine,
    network_op,
    on_tiles,
    random_machine,
    random_parameters,
    random_spikes,
)

from spikeloom.backend.assembly import assemble, disassemble
from spikeloom.backend.execution.crossbar_interpreter import (
    CROSSBAR_MEMORIES,
    validate_for_crossbars,
)
from spikeloom.backend.stream.encode import encode_program
from spikeloom.backend.validation.validator import validate
from spikeloom.compiler import new_context
from spikeloom.diagnostics import Diagnostic, DiagnosticError
from spikeloom.dialects.instruction_set import Element
from spikeloom.ir_text import parse_ir
from spikeloom.passes.binding.guarantee import hardware_aware_graph
from spikeloom.passes.binding.resources import tile_use
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.strategy import Unrolling, cluster
from spikeloom.passes.dataflow.progress import finishes, guaranteed_delay
from spikeloom.passes.tiles.chains import clustered_for_tiles
from spikeloom.passes.tiles.network import tile_network
from spikeloom.tiles.execute import TileRun
from spikeloom.tiles.mapping import map_network

STEPS = 12


def placed_randomly(seed: int) -> tuple[OnTiles, np.random.Generator]:
    random = np.random.default_rng([3, seed])
    network = random_tile_network(seed)
    size = int(random.choice([8, 16, 24]))
    machine = random_machine(random)
    spare = int(random.integers(3))
    return on_tiles(network.text(), Limits(size, size), machine, random, spare), random


def run_of(placed: OnTiles, seed: int, random: np.random.Generator) -> TileRun:
    network = random_tile_network(seed)
    spikes = random.integers(0, 2, (STEPS, *network.input_shape))
    return placed.executor(STEPS).run(random_parameters(network, random), spikes)


@pytest.mark.parametrize("seed", range(40))
def test_every_firing_ends_when_self_timed_execution_ends_it_counted_from_the_programming(seed):
    placed, random = placed_randomly(seed)
    run = run_of(placed, seed, random)
    application, platform = placed.application, placed.machine.platform()
    orders = application.orders(placed.binding, platform)
    described = (application.room, application.sizes)
    graph = hardware_aware_graph(application.graph, placed.binding, platform, orders, *described)
    clusters = len(application.graph.actors)
    expected = finishes(graph, STEPS)[:, :clusters]
    assert (expected <= run.firings).all()
    assert (run.firings <= run.programmed + expected).all()


@pytest.mark.parametrize("seed", range(20))
def test_with_a_slice_of_the_wheel_no_step_ends_later_than_promised(seed):
    placed, random = placed_randomly(seed)
    run = run_of(placed, seed, random)
    wheel = int(random.integers(2, 9))
    tiles = tuple(
        replace(tile, wheel=wheel, slice=int(random.integers(1, wheel + 1)))
        for tile in placed.machine.platform().tiles
    )
    platform = replace(placed.machine.platform(), tiles=tiles)
    application = placed.application
    orders = application.orders(placed.binding, platform)
    period = application.guarantee(placed.binding, platform).period
    described = (application.room, application.sizes)
    graph = hardware_aware_graph(application.graph, placed.binding, platform, orders, *described)
    # Times of the graph are in parts of a cycle, such that every slice of a wheel is whole.
    ticks = lcm(*(tile.slice // np.gcd(tile.slice, tile.wheel) for tile in tiles))
    delay = guaranteed_delay(graph, period * ticks) / ticks
    for step, end in enumerate(run.finishes):
        assert end <= run.programmed + delay + step * period


@pytest.mark.parametrize("seed", range(40))
def test_cells_are_conserved_from_crossbar_to_crossbar(seed):
    placed, random = placed_randomly(seed)
    run = run_of(placed, seed, random)
    network, result = placed.network, run.result
    # States of every unit add up to the elapsed cycles in every run: `crossbar_result` checks it.
    assert all(each.states.total == result.elapsed for each in result.tiles + result.connections)
    on_tile = np.bincount(placed.binding, minlength=len(placed.machine.working_tiles))
    points = np.array([len(crossbar.points) for crossbar in network.crossbars])
    for tile in result.tiles:
        own = np.array(placed.binding) == tile.number
        assert tile.passes == STEPS * on_tile[tile.number]
        assert tile.crosspoints + tile.silent == STEPS * points[own].sum()
        assert tile.programmed == points[own].sum()
    ways = {(way.source, way.target, way.delay): way for way in network.ways}
    for connection, counts in zip(run.connections, result.connections, strict=True):
        channel = placed.application.graph.channels[connection.channel]
        way = ways[connection.source, connection.target, channel.tokens]
        assert counts.tokens == STEPS
        sent = STEPS - channel.tokens
        known = {layer.name: layer for layer in network.layers}
        spikes = sum(
            int(run.outputs[layer.name][:sent, neuron - layer.neurons.start].sum())
            for layer in known.values()
            for neuron in way.spikes.tolist()
            if neuron in layer.neurons
        )
        # Partial sums are no spikes: each is carried in every step.
        assert counts.packets == spikes + STEPS * len(way.sums)
        assert counts.hops == counts.packets * connection.hops
    assert sum(link.packets for link in run.links) == sum(each.hops for each in result.connections)
    received = sum(tile.received for tile in result.tiles)
    assert received >= sum(each.packets for each in result.connections)
    counters = result.counters()
    states = [name for name in counters if name.startswith("tile__cycles_")]
    assert sum(counters[name] for name in states) == result.elapsed * len(result.tiles)
    assert counters["tile__spikes_emitted"] == sum(tile.spikes for tile in result.tiles)


@pytest.mark.parametrize("seed", range(20))
def test_the_buffers_of_a_program_are_those_that_binding_has_counted(seed):
    placed, _ = placed_randomly(seed)
    application, platform = placed.application, placed.machine.platform()
    channels = {channel.name: channel for channel in application.graph.channels}
    bits = [0] * len(platform.tiles)
    for name, buffer in placed.executor(2).program.program.buffers().items():
        channel = channels.get(name.split(".")[0])
        if channel is not None:
            actor = channel.target if name.endswith(".in") else channel.source
            width = 1 if buffer.kind is Element.BIT else 32
            bits[placed.binding[actor]] += width * buffer.extents[3] * buffer.copy_count
    for number, channel in enumerate(application.graph.channels):
        if channel.source == channel.target:  # an actor's own: no buffer
            bits[placed.binding[channel.source]] += application.room[number].local or 0
    assert bits == [use.memory for use in tile_use(application, placed.binding, platform)]


def test_local_spikes_are_received_without_a_connection():
    text = (
        "network n(x: spikes[8]) -> spikes[4] { a = lif(linear(x, 12))\n return lif(linear(a, 4)) }"
    )
    random = np.random.default_rng(0)
    machine = crossbar_machine(mesh__rows=1, mesh__columns=1)
    placed = on_tiles(text, Limits(12, 6), machine, random)
    run = placed.executor(4).run(_ones(text), np.ones((4, 8)))
    assert run.connections == ()
    assert sum(tile.received for tile in run.result.tiles) == 2 * run.outputs["a"].sum() / 2
    assert run.period() is None  # four steps are too few to be sure
    assert run.finishes[-1] - run.finishes[-2] == 3 * machine.crossbar.pass_.value


def _ones(text: str) -> dict[str, np.ndarray]:
    op = network_op(text)
    return {
        name: np.ones(parameter.type.get_shape(), np.float32)
        for name, parameter in op.parameters().items()
    }


def test_energy_is_count_times_constant():
    placed, random = placed_randomly(1)
    result = run_of(placed, 1, random).result
    table, energy = result.machine.energies, result.energy
    assert energy.crosspoints == table.crosspoint.value * sum(t.crosspoints for t in result.tiles)
    assert energy.hops == table.hop.value * sum(c.hops for c in result.connections)
    assert energy.spikes == table.spike.value * sum(t.spikes for t in result.tiles)
    parts = (energy.crosspoints, energy.programming, energy.updates, energy.spikes)
    assert energy.total == sum(parts) + energy.packets + energy.hops + energy.leakage
    assert energy.total > 0


@pytest.mark.parametrize("seed", range(6))
def test_a_program_of_tiles_has_one_text_in_the_ir_and_in_assembly(seed):
    placed, _ = placed_randomly(seed)
    program = placed.executor(STEPS).program.program
    program.verify()
    stream = encode_program(program)
    assert assemble(disassemble(stream), "tiles.s") == stream
    again = parse_ir(new_context(), str(program), "tiles.mlir")
    assert str(next(iter(again.ops))) == str(program)


def test_a_training_machine_has_no_tiles_and_tiles_no_training_engines():
    placed, _ = placed_randomly(0)
    stream = encode_program(placed.executor(2).program.program)
    validate_for_crossbars(stream)
    with pytest.raises(DiagnosticError, match=r"`program_tile` works on the engine `tile`"):
        validate(stream, CROSSBAR_MEMORIES)


def problem(body: str, takes: str = "spikes[1, 4, 4]", **limits: int) -> Diagnostic:
    text = f"network n(x: {takes}) -> spikes[2] {{\n{body}\n}}"
    sizes = {"inputs": 64, "outputs": 64} | limits
    with pytest.raises(DiagnosticError) as caught:
        clustered_for_tiles(network_op(text), Limits(**sizes))
    (only,) = caught.value.diagnostics
    assert only.code == "E0306"
    assert only.help
    return only


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return lif(linear(flatten(avgpool2d(x, 2)), 2))", "analog values as inputs"),
        ("return lif(batchnorm(linear(flatten(x), 2)))", "`output` normalizes"),
        ("return lif(linear(li(linear(flatten(x), 3)), 2))", "analog values as inputs"),
        ("return lif(previous(linear(flatten(x), 2)))", "delays a current with a bias"),
        (
            "y = flatten(x)\n return lif((linear(y, 2) + linear(y, 2)) + "
            "(linear(y, 2) + linear(y, 2)))",
            "adds two sums",
        ),
    ],
)
def test_what_no_crossbar_computes_exactly_is_refused_with_the_layer_and_a_remedy(body, words):
    assert words in problem(body).message


def test_trees_of_partial_sums_are_refused():
    text = "network n(x: spikes[40]) -> spikes[2] { return lif(linear(x, 2)) }"
    op = network_op(text)
    found, _ = clustered_for_tiles(op, Limits(64, 64))
    tree = cluster(found.connections, Limits(8, 8), Unrolling.TREE, name_of=found.name_of)
    with pytest.raises(DiagnosticError, match=r"output\[0\] has a tree of partial sums.*E0306"):
        tile_network(op, found, tree)


def test_too_few_tiles_are_named_with_what_is_missing():
    text = "network n(x: spikes[20]) -> spikes[30] { return lif(linear(x, 30)) }"
    machine = crossbar_machine(
        crossbar__inputs=20,
        crossbar__fan_in=20,
        crossbar__outputs=5,
        tile__crossbars=1,
        mesh__rows=1,
        mesh__columns=4,
    )
    with pytest.raises(DiagnosticError, match=r"the 6 crossbars of `n` do not fit: .*E0302"):
        map_network(network_op(text), machine)


def test_parameters_and_inputs_that_do_not_fit_are_named():
    network = random_tile_network(0)
    placed, random = placed_randomly(0)
    executor, parameters = placed.executor(STEPS), random_parameters(network, random)
    spikes = np.zeros((STEPS, *network.input_shape))
    first = next(iter(parameters))
    with pytest.raises(DiagnosticError, match=rf"the parameter `{first}` is missing.*E0404"):
        executor.run({k: v for k, v in parameters.items() if k != first}, spikes)
    with pytest.raises(DiagnosticError, match=r"has the shape .*E0404"):
        executor.run({**parameters, first: np.zeros(3, np.float32)}, spikes)
    with pytest.raises(DiagnosticError, match=r"the input has the shape .*E0403"):
        executor.run(parameters, random_spikes(network, random)[:1, 0])


def test_a_mapped_network_runs_on_the_tiles_that_work():
    text = "network n(x: spikes[20]) -> spikes[30] { return lif(linear(x, 30)) }"
    machine = crossbar_machine(crossbar__outputs=8, tile__crossbars=1)
    broken = machine.mesh.broken.model_copy(update={"value": (0, 1, 2, 3, 4, 7)})
    mesh = machine.mesh.model_copy(update={"broken": broken})
    machine = machine.model_copy(update={"mesh": mesh})
    mapped = map_network(network_op(text), machine)
    run = mapped.executor(8).run(_ones(text), np.ones((8, 20)))
    used = {machine.working_tiles[tile.number] for tile in run.result.tiles}
    assert len(used) == 4
    assert not used & {0, 1, 2, 3, 4, 7}
    assert run.outputs["output"].sum() == 8 * 30
