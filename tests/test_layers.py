"""Every instruction belongs to a layer, under the name that the program gives and users read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from engine_gradients import Engine, default_machine
from programs import EXAMPLES, example
from random_batches import random_batch
from random_image_networks import random_image_network
from random_networks import random_network
from snn_program import Network
from sparsity_programs import expanded, only_step, run

from spikeloom.backend.accounts.energy import energy_of
from spikeloom.backend.accounts.quantities import ADDITIONS_DENSE
from spikeloom.backend.stream.records import Instruction, records
from spikeloom.backend.stream.stream import Stream
from spikeloom.compiler import compile_stream
from spikeloom.default_pipeline import pipeline_text
from spikeloom.dialects.instruction_set import Engine as InstructionEngine
from spikeloom.frontend.program import parse_program
from spikeloom.operation_counts import LayerCounts, counts_of_step
from spikeloom.passes.engine.layers import layers_of

NAMES = sorted(path.stem for path in EXAMPLES.glob("*.snn"))

TRUNK = """network net(x: spikes[4]) -> currents[3] {{
    {}
}}
train net {{
    data = random(rate = 0.5, classes = 3, samples = 8)
    steps = 3
    batch = 4
    epochs = 1
    loss = mse
    optimizer = sgd(rate = 0.01)
}}
"""

ENGINES: dict[InstructionEngine, Callable[[LayerCounts], int]] = {
    InstructionEngine.FORWARD: lambda layer: layer.forward,
    InstructionEngine.BACKWARD: lambda layer: layer.backward,
}


@cache
def training_stream(name: str) -> Stream:
    """Of an example, with the usual passes."""
    pipeline = pipeline_text(training=True, steps=2, batch=2)
    return compile_stream(parse_program(example(name), "net.snn"), default_machine(), pipeline)


def instructions(stream: Stream) -> list[Instruction]:
    return [record for record in records(stream) if isinstance(record, Instruction)]


def named_operations(text: str) -> dict[str, set[str]]:
    """Of a small network the layers of its operations, by the operation's name."""
    module = parse_program(TRUNK.format(text), "net.snn")
    run(module, "infer-shapes,canonicalize,cse,dce,expand-bptt,canonicalize,cse,dce")
    found: dict[str, set[str]] = {}
    for op, layer in layers_of(only_step(module)).items():
        found.setdefault(op.name.removeprefix("bptt."), set()).add(layer)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_only_the_count_of_updates_belongs_to_no_layer(name: str) -> None:
    stream = training_stream(name)
    for each in instructions(stream):
        buffers = {stream.buffer_names[operand.slice.buffer] for operand in each.operands}
        assert each.layer or buffers <= {"count", "count1.count"}, each


@pytest.mark.parametrize("name", NAMES)
def test_layers_have_the_names_that_operations_prints(name: str) -> None:
    module = parse_program(example(name), "net.snn")
    run(module, "infer-shapes,canonicalize,cse,dce,expand-bptt,canonicalize,cse,dce")
    step = only_step(module)
    printed = {layer.name for layer in counts_of_step(step).layers}
    neurons = {op.layer.data for op in step.walk() if hasattr(op, "layer")}
    found = {each.layer for each in instructions(training_stream(name))} - {""}
    assert found >= printed
    assert found <= printed | neurons


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", [random_network, random_image_network])
def test_every_layer_does_the_work_that_operations_prints(
    kind: Callable[[int], Network], seed: int
) -> None:
    network = kind(seed)
    engine = Engine(network)
    parameters, batch = random_batch(network, seed)
    engine.write_parameters(parameters)
    engine.run(batch)
    cells = network.steps * network.batch
    ledger = engine.ledger()
    for layer in counts_of_step(only_step(expanded(network))).layers:
        for unit, macs in ENGINES.items():
            rows = [row for owner, row in ledger.items() if owner[:2] == (unit, layer.name)]
            assert sum(row[ADDITIONS_DENSE] for row in rows) == cells * macs(layer), layer
    energy = energy_of(ledger, 0, default_machine())
    assert sum(amount.total for amount in energy.layers.values()) == energy.total


def test_a_residual_sum_belongs_to_the_layer_that_it_ends_with_its_gradient() -> None:
    text = "a = linear(x, 3)\n b = linear(lif(a), 3) + a\n return linear(lif(b), 3) + b"
    found = named_operations(text)
    # `a`, `b` and their gradients are sums; what the loss is of is the output's.
    assert found["add"] == {"a", "b", "output"}
    assert found["loss"] == found["readout"] == found["readout_gradient"] == {"output"}


def test_statements_with_several_weights_have_a_layer_for_each() -> None:
    found = named_operations("a = lif(linear(x, 3) + linear(previous(a), 3))\n return linear(a, 3)")
    assert found["synapse"] == found["optimize"] == {"a.1", "a.2", "output"}
    assert found["fire"] == found["fire_gradient"] == {"a"}


def test_what_only_reshapes_the_input_belongs_to_the_layer_that_reads_it() -> None:
    found = named_operations(
        "y = reshape(x, [1, 2, 2])\n return linear(flatten(avgpool2d(y, 2)), 3)"
    )
    assert found["pool"] == {"output"}
