"""The clock: by hand on small streams, and to the cycle against a discrete-event simulation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from random_images import RandomImages
from random_machines import LARGE, machine, random_machine
from random_training import RandomTraining
from reference_machine import ReferenceMachine
from timing_oracle import jobs_of, one_by_one, service_cycles, simulate, states

from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.counters import QUANTITIES, idle_counter
from spikeloom.backend.accounts.results import RunResult
from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.stream.stream import Slice, StreamBuilder
from spikeloom.backend.validation.validator import validate
from spikeloom.dialects.instruction_set import (
    DMA_ENGINES,
    TRAINING_ENGINES,
    Element,
    Engine,
)

F32, BIT = Element.F32, Element.BIT

SMALL = machine(
    dram__queues__dma=16,
    dram__queues__dma_store=8,
    dram__queues__dma_wue=4,
    dram__queues__dma_wue_store=2,
    dram__latency=10,
    engines__fe__input_lanes=2,
    engines__fe__output_lanes=16,
    engines__fe__latency=3,
    engines__nu__lanes=8,
    engines__nu__latency=2,
)
"""dma: 10 + bytes / 16, the other queues / 8, / 4, / 2;
fe: 3 + passes of 2 inputs x groups of 16 outputs; nu: 2 + cells / 8."""


class Program:
    """A few instructions on buffers of one row; `run` gives finish times and states."""

    def __init__(self) -> None:
        self.builder = StreamBuilder()
        self.ends: dict[str, int] = {}
        self.host: dict[int, np.ndarray] = {}

    def buffer(self, element=F32, features=16, memory="state_sram", rows=1, values=None) -> int:
        offset = self.ends.get(memory, 0)
        self.ends[memory] = offset + 64 * rows * -(-features // 16)
        shape = (1, 1, rows, features)
        name = f"b{len(self.builder._names)}"
        role = ("", "") if values is None else ("input", name)
        index = self.builder.buffer(name, element, shape, memory, offset, role)
        if values is not None:
            self.host[index] = np.asarray(values).reshape(shape)
        return index

    def emit(self, name, extents, immediates=(), **operands) -> None:
        slices = {role: Slice(buffer) for role, buffer in operands.items()}
        self.builder.emit(name, slices, extents, immediates)

    def load(self, target, features=16, element=F32, rows=1, values=None) -> None:
        values = np.ones((rows, features)) if values is None else values
        source = self.buffer(element, features, "dram", rows, values)
        self.emit("load", (1, 1, rows, features), target=target, source=source)

    def run(self, machine: Machine = SMALL) -> RunResult:
        interpreter = Interpreter(validate(self.builder.finish(), LARGE), machine)
        for buffer, values in self.host.items():
            interpreter.write(buffer, values)
        return interpreter.run()


def table(result: RunResult) -> list[tuple[int, ...]]:
    """Per instruction: active, waiting for issue, stalled on an engine, on DMA, back-pressure."""
    return [
        (
            *(int(row[column]) for column in (q.CYCLES_ACTIVE, q.CYCLES_WAITING_FOR_ISSUE)),
            sum(
                int(row[stalled_on(engine)])
                for engine in TRAINING_ENGINES
                if engine not in DMA_ENGINES
            ),
            sum(int(row[stalled_on(engine)]) for engine in DMA_ENGINES),
            int(row[q.CYCLES_STALLED_ON_BACKPRESSURE]),
        )
        for row in result.counts
    ]


def stalled_on(engine: Engine) -> int:
    """The column of the cycles in which results of this engine were waited for."""
    return q.CYCLES_STALLED_ON + list(Engine).index(engine)


def test_a_load_takes_latency_and_bytes_over_bandwidth():
    program = Program()
    program.load(program.buffer())
    result = program.run()
    assert result.elapsed == 10 + 64 // 16
    assert table(result) == [(14, 0, 0, 0, 0)]


def test_bytes_are_rounded_up_to_whole_cycles():
    program = Program()
    program.load(program.buffer(features=5), features=5)
    assert program.run().elapsed == 10 + 2


def test_one_engine_executes_in_order_without_gaps():
    program = Program()
    for _ in range(3):
        program.load(program.buffer())
    assert table(program.run()) == [(14, 0, 0, 0, 0)] * 3


def test_an_engine_waits_for_issue_then_for_dma():
    program = Program()
    a, b = program.buffer(), program.buffer()
    program.load(a)
    program.emit("add", (1, 1, 1, 16), sum=b, left=a, right=a)
    result = program.run()
    # Issued in cycle 1, operands there at 14, two cycles of latency and two of work.
    assert table(result) == [(14, 0, 0, 0, 0), (4, 1, 0, 13, 0)]
    assert result.elapsed == 18
    assert result.counters()[idle_counter(Engine.DMA)] == 4


def test_an_engine_waits_for_an_operand_of_another_engine():
    program = Program()
    a, b, c = program.buffer(), program.buffer(), program.buffer()
    program.emit("clear", (1, 1, 1, 16), target=a)
    program.emit("add", (1, 1, 1, 16), sum=b, left=a, right=a)
    program.emit("bias", (1, 1, 1, 16), current=c, bias=b)
    # bias: issued in 2, its operand there at 18, of the neuron unit.
    assert table(program.run())[2] == (3 + 1, 2, 16, 0, 0)


def test_a_destination_is_drained_before_it_is_written_again():
    program = Program()
    a, b = program.buffer(), program.buffer()
    program.load(a)
    program.emit("add", (1, 1, 1, 16), sum=b, left=a, right=a)
    program.load(a)
    result = program.run()
    # The second load is free at 14, but a is read until 18.
    assert table(result)[2] == (14, 0, 0, 0, 4)
    assert result.elapsed == 32


def test_buffers_that_share_addresses_are_one_dependence():
    program = Program()
    a, b = program.buffer(), program.buffer()
    program.load(a)
    program.emit("add", (1, 1, 1, 16), sum=b, left=a, right=a)
    over = program.builder.buffer("over", F32, (1, 1, 1, 16), "state_sram", 0)
    program.load(over)
    assert table(program.run())[2] == (14, 0, 0, 0, 4)


def test_reading_twice_needs_no_draining():
    program = Program()
    a, b, c = program.buffer(), program.buffer(), program.buffer()
    program.emit("clear", (1, 1, 1, 16), target=a)
    program.emit("add", (1, 1, 1, 16), sum=b, left=a, right=a)
    program.emit("bias", (1, 1, 1, 16), current=c, bias=a)
    add, bias = table(program.run())[1:]
    assert add == (4, 1, 0, 13, 0)
    assert bias == (4, 2, 0, 12, 0)


def test_issue_rate_is_instructions_per_cycle():
    program = Program()
    a = program.buffer()
    for _ in range(5):
        program.emit("clear", (1, 1, 1, 16), target=a)
    program.emit("add", (1, 1, 1, 16), sum=program.buffer(), left=a, right=a)
    waited = {rate: table(program_run(program, rate))[5][1] for rate in (1, 2, 5)}
    assert waited == {1: 5, 2: 2, 5: 1}


def program_run(program: Program, rate: int) -> RunResult:
    tables = json.loads(SMALL.to_json())
    tables["clock"]["issue_rate"]["value"] = rate
    return program.run(Machine.from_json(json.dumps(tables)))


@pytest.mark.parametrize(
    ("rows", "passes"),
    [
        ([[0, 0, 0, 0, 0]], 0),
        ([[1, 0, 0, 0, 0]], 1),
        ([[1, 0, 1, 0, 0]], 1),
        ([[1, 1, 1, 0, 0]], 2),
        ([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]], 3 + 0 + 1),
    ],
)
def test_accumulate_takes_passes_of_events_times_groups_of_outputs(rows, passes):
    program = Program()
    count = len(rows)
    spikes, weight = (
        program.buffer(BIT, 5, "spike_sram", count),
        program.buffer(rows=5, features=40),
    )
    current = program.buffer(rows=count, features=40)
    program.load(spikes, 5, BIT, count, rows)
    program.load(weight, 40, rows=5)
    program.emit("clear", (1, 1, count, 40), target=current)
    operands = {"current": current, "spikes": spikes, "weight": weight}
    program.emit("accumulate", (1, 1, count, count, 1, 5, 40), (1, 1, 1, 1, 0, 0), **operands)
    assert table(program.run())[3][0] == 3 + passes * 3


def test_dense_products_do_not_depend_on_the_data():
    for values in (np.zeros((2, 5)), np.ones((2, 5))):
        program = Program()
        inputs, weight = program.buffer(features=5, rows=2), program.buffer(rows=5, features=40)
        current = program.buffer(rows=2, features=40)
        program.load(inputs, 5, rows=2, values=values)
        program.load(weight, 40, rows=5)
        program.emit("clear", (1, 1, 2, 40), target=current)
        operands = {"current": current, "values": inputs, "weight": weight}
        program.emit("multiply", (1, 1, 2, 2, 1, 5, 40), (1, 1, 1, 1, 0, 0), **operands)
        assert table(program.run())[3][0] == 3 + 2 * 3 * 3


@pytest.mark.parametrize("kind", [RandomTraining, RandomImages])
@pytest.mark.parametrize("seed", range(40))
def test_the_clock_agrees_with_a_discrete_event_simulation(seed, kind):
    training = kind(seed)
    chosen, stream = random_machine(seed), training.stream()
    interpreter, reference = Interpreter(validate(stream, LARGE), chosen), ReferenceMachine(stream)
    for buffer, values in training.inputs.items():
        interpreter.write(buffer, values)
        reference.memory[buffer][...] = values
    result = interpreter.run()
    reference.run()
    pairs = zip(reference.executed, reference.events, strict=True)
    services = [service_cycles(executed, events, chosen, stream) for executed, events in pairs]
    jobs = jobs_of(stream, reference.executed, services, chosen)
    if stream.serial:
        one_by_one(jobs)
    else:
        simulate(jobs)
    assert result.elapsed == max(job.finish for job in jobs)
    counted, expected = result.counters(), states(jobs)
    for engine in TRAINING_ENGINES:
        for state in (state for state in q.STATES if QUANTITIES[state].engines):
            name = QUANTITIES[state].name
            assert counted[f"{engine.value}__{name}"] == expected[engine][name], (engine, name)
        assert counted[idle_counter(engine)] == expected[engine]["cycles_idle"]
