"""`schedule-engines`: the laws that every mode obeys, and what each decision does."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from random_networks import random_network

from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.results import ENGINES, RunResult
from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.backend.stream.stream import ELEMENTS, MEMORIES, Stream
from spikeloom.backend.validation.validator import validate
from spikeloom.compiler import compile_stream
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.instruction_set import OPCODES, Element, Engine
from spikeloom.frontend.program import parse_program

MACHINE = load_machine()
STEPS, BATCH = 6, 64
BEFORE = "infer-shapes,canonicalize,cse,dce,expand-bptt{{steps={} batch={}}},canonicalize,cse,dce,"
WHOLE = "schedule-engines{groups=off}"
MODES = (
    WHOLE,
    "schedule-engines{mode=serial}",
    "schedule-engines{groups=off double_buffers=false}",
    "schedule-engines{groups=off potentials=stored}",
    "schedule-engines{groups=off potentials=recomputed}",
    "schedule-engines{mode=serial double_buffers=false potentials=stored}",
)
"""Layer by layer; `test_sample_groups` has the others."""
LAYERS = """
network deep(image: spikes[200]) -> spikes[10] {
    a = lif(linear(image, 300))
    b = lif(linear(a, 130))
    return lif(linear(b, 10))
}

train deep {
    data      = random(rate = 0.1, classes = 10, samples = 64)
    steps     = 6
    batch     = 64
    epochs    = 1
    loss      = cross_entropy
    optimizer = adam(rate = 0.002)
    seed      = 1
}
"""


def stream_of(text: str, schedule: str, machine: Machine = MACHINE) -> Stream:
    """The training stream of a program under a schedule."""
    pipeline = BEFORE.format(STEPS, BATCH) + f"{schedule},lower-to-engine"
    return compile_stream(parse_program(text, "net.snn"), machine, pipeline)


def execute(stream: Stream, machine: Machine = MACHINE) -> tuple[RunResult, dict]:
    """One run on seeded data, and what the host reads of it."""
    interpreter = Interpreter(validate(stream, machine.memory_bytes), machine)
    for index, (kind, subject) in enumerate(stream.buffer_roles):
        rng = np.random.default_rng([len(subject), *subject.encode()])
        shape = tuple(stream.buffers["shape"][index])
        if kind == "input":
            bits = ELEMENTS[stream.buffers["element"][index]] is Element.BIT
            values = rng.random(shape)
            interpreter.write(index, values < 0.3 if bits else values)
        elif kind == "parameter":
            interpreter.write(index, rng.standard_normal(shape) / np.sqrt(shape[2] + 1))
        elif kind == "label":
            interpreter.write(index, rng.integers(0, 2, shape))
    result = interpreter.run()
    roles = {role: index for index, role in enumerate(stream.buffer_roles) if role != ("", "")}
    return result, {role: interpreter.read(index) for role, index in roles.items()}


@cache
def executed(text: str, schedule: str) -> tuple[RunResult, dict]:
    return execute(stream_of(text, schedule))


@pytest.mark.parametrize("mode", MODES[1:])
def test_results_are_the_same_to_the_bit_in_every_mode(mode):
    _, expected = executed(LAYERS, MODES[0])
    _, found = executed(LAYERS, mode)
    assert found.keys() == expected.keys()
    for role, values in expected.items():
        assert values.tobytes() == found[role].tobytes(), role


def test_tiles_regroup_only_the_sums_over_samples():
    _, expected = executed(LAYERS, "schedule-engines{groups=off tiles=largest}")
    _, found = executed(LAYERS, WHOLE)
    for (kind, subject), values in expected.items():
        other = found[kind, subject]
        if kind in ("spikes", "loss", "correct", "readout"):
            assert values.tobytes() == other.tobytes(), (kind, subject)
        else:
            np.testing.assert_allclose(other, values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_pipelined_is_never_slower_than_serial_and_serial_is_the_sum_of_service_times(seed):
    text = random_network(seed).text()
    pipelined, first = executed(text, WHOLE)
    serial, second = executed(text, "schedule-engines{mode=serial}")
    assert pipelined.elapsed <= serial.elapsed
    assert serial.elapsed == serial.counts[:, q.CYCLES_ACTIVE].sum()
    assert all(values.tobytes() == second[role].tobytes() for role, values in first.items())


def test_overlap_pays_where_there_is_work():
    pipelined, _ = executed(LAYERS, WHOLE)
    largest, _ = executed(LAYERS, "schedule-engines{mode=serial tiles=largest}")
    single, _ = executed(LAYERS, "schedule-engines{groups=off double_buffers=false}")
    assert pipelined.elapsed < single.elapsed < largest.elapsed


def test_every_cycle_of_every_engine_is_attributed_once():
    result, _ = executed(LAYERS, WHOLE)
    per_engine = result.totals().per_engine()
    for row, idle in zip(per_engine, result.idle, strict=True):
        assert row[list(q.STATES)].sum() + idle == result.elapsed


def test_weights_are_loaded_once_per_batch():
    result, _ = executed(LAYERS, WHOLE)
    sizes = ((200, 300), (300, 130), (130, 10))
    forward = sum(4 * (inputs + 1) * outputs for inputs, outputs in sizes)
    transposed = sum(4 * inputs * outputs for inputs, outputs in sizes[1:])
    updates = forward
    column = q.BYTES_WRITTEN + MEMORIES.index("weight_sram")
    per_engine = result.totals().per_engine()
    loads = (Engine.DMA, Engine.DMA_UPDATE)
    loaded = sum(int(per_engine[ENGINES.index(engine), column]) for engine in loads)
    assert loaded == forward + transposed + updates


def test_recomputing_saves_the_potentials_traffic():
    stored, _ = executed(LAYERS, "schedule-engines{groups=off potentials=stored}")
    recomputed, _ = executed(LAYERS, "schedule-engines{groups=off potentials=recomputed}")
    column = q.BYTES_WRITTEN + MEMORIES.index("dram")
    saved = stored.counts[:, column].sum() - recomputed.counts[:, column].sum()
    cells = STEPS * BATCH * (300 + 130 + 10)
    masks = STEPS * BATCH * sum(-(-n // 8) for n in (300, 130, 10))
    assert saved == 4 * cells + masks


def test_slow_neuron_units_let_potentials_be_stored():
    tables = json.loads(MACHINE.to_json())
    tables["engines"]["nu"]["lanes"]["value"] = 1
    slow = Machine.from_json(json.dumps(tables))
    names = stream_of(LAYERS, WHOLE, slow).buffer_names
    assert any(name.endswith("a.potential") for name in names)
    assert "a.potential" not in stream_of(LAYERS, WHOLE).buffer_names


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("mode=parallel", "mode"),
        ("potentials=none", "potentials"),
        ("tiles=tiny", "tiles"),
        ("groups=on", "groups"),
        ("groups=0", "a group has at least one sample, not 0"),
    ],
)
def test_an_unknown_option_is_one_clear_error(options, words):
    with pytest.raises(DiagnosticError, match=words) as caught:
        stream_of(LAYERS, f"schedule-engines{{{options}}}")
    assert [d.code for d in caught.value.diagnostics] == ["E0405"]


def test_the_length_of_the_stream_depends_neither_on_steps_nor_on_the_batch():
    lengths = set()
    for steps, batch in ((2, 64), (40, 64), (2, 512)):
        pipeline = BEFORE.format(steps, batch) + "schedule-engines,lower-to-engine"
        stream = compile_stream(parse_program(LAYERS, "net.snn"), MACHINE, pipeline)
        lengths.add(len(stream.instructions))
    assert len(lengths) == 1


WIDE = LAYERS.replace("spikes[200]", "spikes[784]").replace("300", "640").replace("130", "320")
"""Layers whose tables do not lie on chip all at once."""


@pytest.mark.parametrize("way", ["plain", "events", "tables"])
def test_weights_come_on_chip_once_for_every_pass_over_the_batch(way: str) -> None:
    """Forward, once more transposed for the gradient that goes on, and for the optimizer."""
    stream = stream_of(WIDE, f"fuse-luts{{accumulate={way}}},schedule-engines")
    result, _ = execute(stream)
    loaded = {name: 0 for kind, name in stream.buffer_roles if kind == "parameter"}
    load, transposed = OPCODES["load"], OPCODES["load_transposed"]
    for at, record in enumerate(stream.instructions):
        if record["opcode"] in (load, transposed):
            kind, name = stream.buffer_roles[record["buffer"][1]]
            if kind == "parameter":
                loaded[name] += int(result.counts[at, q.CELLS_PRODUCED])
    a, b, output = (784 * 640, 640 * 320, 320 * 10)
    optimizer = {name for name in loaded if _updated_by_the_other_queue(stream, name)}
    assert loaded["b.weight"] == b * (3 - ("b.weight" in optimizer))
    assert loaded["a.weight"] == a * (2 - ("a.weight" in optimizer))
    assert loaded["output.weight"] == output * (3 - ("output.weight" in optimizer))


def _updated_by_the_other_queue(stream: Stream, parameter: str) -> bool:
    """Whether the optimizer's loads of a parameter are in the queue of the weight updates."""
    opcode, home = OPCODES["load_update"], stream.buffer_roles.index(("parameter", parameter))
    loads = stream.instructions[stream.instructions["opcode"] == opcode]
    return bool((loads["buffer"][:, 1] == home).any())
