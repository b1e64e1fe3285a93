"""Promise and measurement: the dataflow graph of a stream against the interpreter's clock."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from random_image_networks import random_image_network
from random_images import RandomImages
from random_machines import LARGE, random_machine
from random_networks import random_network
from random_training import RandomTraining
from stream_sparsity import without_sparsity

from spikeloom.backend.dataflow.stream_graph import StreamGraph, stream_graph
from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.execution.repeated_run import RepeatedRun, measured_period
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.backend.stream.stream import Stream
from spikeloom.backend.validation.validator import validate
from spikeloom.compiler import compile_stream
from spikeloom.default_pipeline import PREPARATION, expansion_text
from spikeloom.frontend.program import parse_program
from spikeloom.passes.dataflow.progress import finishes, guaranteed_delay
from spikeloom.passes.dataflow.throughput import throughput_of

PASSES = 96


def measured(
    training: RandomTraining, stream: Stream, machine: Machine, passes: int = PASSES
) -> RepeatedRun:
    """The stream executed again and again."""
    interpreter = Interpreter(validate(stream, LARGE), machine)
    for buffer, values in training.inputs.items():
        interpreter.write(buffer, values)
    return interpreter.run_repeatedly(passes)


def promised(found: StreamGraph, passes: int) -> list[int]:
    """When each pass is over, by self-timed execution of the graph."""
    instructions = len(found.owners)
    iterations = -(-passes // found.passes)
    ends = finishes(found.graph, iterations)[:, :instructions]
    each = ends.reshape(iterations * found.passes, -1).max(axis=1)
    return np.maximum.accumulate(each)[:passes].tolist()


@pytest.mark.parametrize("kind", [RandomTraining, RandomImages])
@pytest.mark.parametrize("seed", range(30))
def test_where_no_time_depends_on_data_the_graph_is_the_clock(kind, seed):
    training, machine = kind(seed), random_machine(seed)
    stream = without_sparsity(training.stream())
    found = stream_graph(validate(stream, LARGE), machine)
    run = measured(training, stream, machine)
    assert found.exact
    assert promised(found, PASSES) == list(run.finishes)
    period = throughput_of(found.graph).period / found.passes
    assert period > 0
    assert run.period() == period


SCHEDULES = (
    "schedule-engines",
    "schedule-engines{mode=serial}",
    "schedule-engines{double_buffers=false}",
    "schedule-engines{potentials=stored tiles=largest}",
)
DENSE_SUMS = ("accumulate=plain", "width=3", "width=2 engines=fe", "accumulate=tables")


@pytest.mark.parametrize("make", [random_network, random_image_network])
@pytest.mark.parametrize("seed", range(25))
def test_compiled_training_programs_keep_their_promise_exactly(make, seed):
    network, machine = make(seed), load_machine()
    sums, schedule = DENSE_SUMS[seed % 4], SCHEDULES[seed // 4 % 4]
    prepared = PREPARATION.format(
        expand=expansion_text(training=True, steps=network.steps, batch=network.batch)
    )
    passes = f"mask-gradients{{skip=none}},fuse-luts{{{sums}}},{schedule},lower-to-engine"
    module = parse_program(network.text(), "random.snn")
    stream = without_sparsity(compile_stream(module, machine, f"{prepared},{passes}"))
    validated = validate(stream, machine.memory_bytes)
    found = stream_graph(validated, machine)
    run = Interpreter(validated, machine).run_repeatedly(PASSES)
    assert found.exact
    assert promised(found, PASSES) == list(run.finishes)
    assert run.period() == throughput_of(found.graph).period / found.passes


@pytest.mark.parametrize("kind", [RandomTraining, RandomImages])
@pytest.mark.parametrize("seed", range(15))
def test_what_depends_on_data_is_never_later_than_promised(kind, seed):
    training, machine = kind(seed), random_machine(seed)
    stream = training.stream()
    found = stream_graph(validate(stream, LARGE), machine)
    run = measured(training, stream, machine, 12)
    late = [a - b for a, b in zip(run.finishes, promised(found, 12), strict=True)]
    assert max(late) <= 0
    period = throughput_of(found.graph).period
    delay = guaranteed_delay(found.graph, period)
    for number, finish in enumerate(run.finishes):
        assert finish <= delay + number // found.passes * period


def test_a_measured_period_is_that_of_the_second_half():
    beginning = (100, 130, 150, 160)
    regular = tuple(160 + 7 * n // 2 for n in range(1, 20))
    assert measured_period(beginning + regular) == Fraction(7, 2)
    assert measured_period(tuple(n * n for n in range(20))) is None
