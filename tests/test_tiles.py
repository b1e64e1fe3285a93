"""Networks on tiles: their spikes are those of the engine, their clock is the dataflow graph."""

from __future__ import annotations

import numpy as np
import pytest
from programs import LEARNING, write_program
from random_tile_networks import random_tile_network
from snn_program import Lif, Linear, Name, Network
from tile_networks import (
    Unclustered,
    crossbar_machine,
    network_op,
    on_tiles,
    random_machine,
    random_parameters,
    random_spikes,
)

from spikeloom.backend.execution.crossbar_interpreter import (
    CrossbarInterpreter,
    validate_for_crossbars,
)
from spikeloom.backend.stream.stream import Slice, StreamBuilder
from spikeloom.command_line import main
from spikeloom.dialects.instruction_set import Element
from spikeloom.passes.clustering.limits import Limits
from spikeloom.tiles.mapping import load_parameters, map_network


@pytest.mark.parametrize("seed", range(120))
def test_spikes_and_potentials_equal_those_of_the_unclustered_network_to_the_bit(seed):
    random = np.random.default_rng([1, seed])
    network = random_tile_network(seed)
    size = int(random.choice([8, 16]))
    destinations = int(random.integers(2, 5)) if seed % 4 == 0 else None
    limits = Limits(size, size, destinations=destinations)
    placed = on_tiles(network.text(), limits, random_machine(random), random)
    parameters, spikes = random_parameters(network, random), random_spikes(network, random)
    expected = Unclustered(network).outputs(parameters, spikes)
    assert expected
    executor = placed.executor(network.steps)
    for sample in range(network.batch):
        found = executor.run(parameters, spikes[:, sample]).outputs
        for layer, values in expected.items():
            flat = values[:, sample].reshape(network.steps, -1)
            assert np.array_equal(found[layer], flat), layer


@pytest.mark.parametrize("seed", range(200))
def test_the_measured_period_is_the_guaranteed_one(seed):
    random = np.random.default_rng([2, seed])
    network = random_tile_network(seed)
    size = int(random.choice([8, 16, 24, 32]))
    machine = random_machine(random)
    placed = on_tiles(network.text(), Limits(size, size), machine, random, int(random.integers(3)))
    steps = 60
    run = placed.executor(steps).run(
        random_parameters(network, random),
        random.integers(0, 2, (steps, *network.input_shape)),
    )
    promised = placed.application.guarantee(placed.binding, machine.platform()).period
    assert run.period() == promised


def test_a_trained_network_runs_with_the_parameters_of_its_file(tmp_path):
    program, saved = write_program(tmp_path), tmp_path / "trained.safetensors"
    assert main(["run", str(program), "--save", str(saved)]) == 0
    hidden = ("hidden", Lif(Linear(Name("signal"), 5)))
    network = Network("spikes", (6,), (hidden,), Lif(Linear(Name("hidden"), 3)), 4, 7)
    op = network_op(LEARNING)
    parameters = load_parameters(saved, op)
    spikes = random_spikes(network, np.random.default_rng(5))
    expected = Unclustered(network).outputs(parameters, spikes)
    executor = map_network(op, crossbar_machine(tile__crossbars=1)).executor(network.steps)
    for sample in range(network.batch):
        found = executor.run(parameters, spikes[:, sample]).outputs
        assert np.array_equal(found["hidden"], expected["hidden"][:, sample])
        assert np.array_equal(found["output"], expected["output"][:, sample])
    assert expected["output"].any()


class Program:
    """A stream of tiles written by hand."""

    def __init__(self) -> None:
        self.builder = StreamBuilder()
        self.ends: dict[str, int] = {}

    def buffer(self, name: str, element: Element, memory: str, copies: int = 1) -> int:
        """A row of 4 cells."""
        role = ("parameter", name) if memory == "dram" else ("", "")
        offset = self.ends.get(memory, 0)
        self.ends[memory] = offset + 64 * copies
        return self.builder.buffer(name, element, (1, 1, 1, 4), memory, offset, role, copies)

    def emit(
        self, name: str, tile: int, extents: tuple[int, ...], *numbers: int, **at: int
    ) -> None:
        operands = {role: Slice(buffer) for role, buffer in at.items()}
        self.builder.emit(name, operands, extents, numbers, instance=tile)

    def interpreter(self, **machine: int) -> CrossbarInterpreter:
        validated = validate_for_crossbars(self.builder.finish())
        return CrossbarInterpreter(validated, crossbar_machine(**machine))


def test_tiles_work_side_by_side_and_each_in_order():
    program = Program()
    for tile in (3, 7, 7):
        number = len(program.builder.finish().buffers)
        given = program.buffer(f"given_{number}", Element.F32, "dram")
        table = program.buffer(f"table_{number}", Element.F32, "weight_sram")
        program.emit("program_tile", tile, (1, 1, 1, 4), 5, target=table, source=given)
    result, finishes = program.interpreter(crossbar__program_row=4).run()
    assert finishes.tolist() == [20, 20, 40]
    assert [(tile.number, tile.states.active, tile.states.idle) for tile in result.tiles] == [
        (3, 20, 20),
        (7, 40, 0),
    ]
    assert [tile.programmed for tile in result.tiles] == [4, 8]


def test_a_connection_carries_a_token_at_a_time_and_waits_for_room():
    program = Program()
    out = program.buffer("out", Element.BIT, "spike_sram", copies=3)
    into = program.buffer("into", Element.BIT, "spike_sram", copies=2)
    for _ in range(3):
        program.emit("reserve", 0, (1, 1, 1, 4), target=out)
        program.emit("send", 0, (4,), 2, 3, 0, target=into, source=out)
    program.emit("release", 1, (4,), source=into)
    result, finishes = program.interpreter(links__fixed=5, links__per_hop=10).run()
    # 5 + 2 x 10 + 3 cycles each; there is room to make all tokens at once.
    assert finishes.tolist() == [0, 28, 0, 56, 0, 84, 84]
    (connection,) = result.connections
    assert (connection.tokens, connection.packets) == (3, 0)


def test_a_number_that_is_no_cell_is_passed_over():
    program = Program()
    given = program.buffer("given", Element.I32, "dram")
    numbers = program.buffer("numbers", Element.I32, "weight_sram")
    source = program.buffer("source", Element.F32, "state_sram")
    values = program.buffer("values", Element.F32, "dram")
    target = program.buffer("target", Element.F32, "state_sram")
    program.emit("program_tile", 0, (1, 1, 1, 4), 0, target=numbers, source=given)
    program.emit("program_tile", 0, (1, 1, 1, 4), 0, target=source, source=values)
    program.emit("reserve", 0, (1, 1, 1, 4), target=target)
    program.emit("receive", 0, (4, 3), target=target, source=source, placed=numbers)
    interpreter = program.interpreter()
    interpreter.write(given, np.array([[[[3, -1, 2**30, 1]]]], np.int32))
    interpreter.write(values, np.array([[[[1.0, 2.0, 3.0, 4.0]]]], np.float32))
    interpreter.run()
    assert interpreter.read(target).ravel().tolist() == [0.0, 4.0, 0.0, 0.0]
