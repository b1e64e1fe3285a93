"""Graphs of loops against the interpreter's clock: how much later each iteration is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from instruction_times import Entry, loop_entries
from loop_graphs import graphs
from random_image_networks import random_image_network
from random_images import RandomImages
from random_loops import random_loop
from random_machines import LARGE, random_machine
from random_networks import random_network
from random_training import RandomTraining
from stream_sparsity import without_sparsity

from spikeloom.backend.execution.repeated_run import measured_period
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.backend.stream.stream import Stream
from spikeloom.backend.validation.validator import ValidatedStream, validate
from spikeloom.compiler import compile_stream
from spikeloom.default_pipeline import PREPARATION, expansion_text
from spikeloom.frontend.program import parse_program
from spikeloom.passes.dataflow.progress import guaranteed_delay
from spikeloom.passes.dataflow.throughput import throughput_of

LONG = 32
"""Iterations after which every loop of these tests has settled."""

Inputs = Mapping[int, np.ndarray]


def growth(entry: Entry) -> Fraction | None:
    """Cycles per iteration with which the slowest instruction goes on, once all go on evenly.

    Without the last iteration, whose tile may be cut short.
    """
    periods = [measured_period(tuple(ends)) for ends in entry.table()[:-1].T.tolist()]
    settled = [period for period in periods if period is not None]
    return max(settled) if len(settled) == len(periods) else None


def assert_promises_kept(
    validated: ValidatedStream,
    machine: Machine,
    inputs: Inputs | None = None,
    *,
    alike: bool = False,
) -> int:
    """No iteration is later than promised, and where all is exact none is earlier in the long run.

    The loops around one may cut tiles short in later entries, unless all entries are `alike`.
    Returns the number of loops whose measured growth was the promised one.
    """
    equal = 0
    entries = loop_entries(validated, machine, inputs or {})
    for loop, found in graphs(validated.stream, machine):
        period = throughput_of(found.graph).period
        delay = guaranteed_delay(found.graph, period)
        for entry in entries[loop.opened]:
            for number, ends in enumerate(entry.finishes):
                assert max(ends) <= entry.earliest + delay + number // found.iterations * period
        # A growth is measured where it repeats itself three times in the second half.
        enough = loop.iterations > max(LONG, 6 * found.iterations + 2)
        if found.exact_times and found.exact_distances and enough:
            for entry in entries[loop.opened] if alike else entries[loop.opened][:1]:
                assert growth(entry) == period / found.iterations
            equal += 1
    return equal


@pytest.mark.parametrize("seed", range(60))
def test_iterations_of_any_loop_follow_each_other_as_its_graph_says(seed: int):
    stream, machine = random_loop(seed), random_machine(seed)
    assert_promises_kept(validate(stream, LARGE), machine, alike=True)


@pytest.mark.parametrize("seed", range(60))
def test_iterations_of_tidy_loops_are_a_period_apart(seed: int):
    # Many parts, so that what two tiles share in one of them soon recurs.
    stream, machine = random_loop(seed, tidy=True), random_machine(seed, dram__watched_parts=128)
    assert assert_promises_kept(validate(stream, LARGE), machine, alike=True) == 1


def test_random_loops_have_exact_distances_and_bounds():
    found = [list(graphs(random_loop(seed), random_machine(seed)))[-1][1] for seed in range(16)]
    assert 4 <= sum(each.exact_distances for each in found) <= 12


def lengthened(training: RandomTraining, seed: int) -> RandomTraining:
    """The training step with many time steps, or with many samples."""
    if seed % 2:
        training.t, training.b = 48, min(training.b, 3)
    else:
        training.t, training.b = 1 + seed % 3, 48
    return training


@pytest.mark.parametrize("kind", [RandomTraining, RandomImages])
@pytest.mark.parametrize("seed", range(30))
def test_loops_of_training_steps_follow_each_other_as_their_graphs_say(kind, seed):
    training, machine = lengthened(kind(seed), seed), random_machine(seed)
    stream = without_sparsity(training.stream())
    assert_promises_kept(validate(stream, LARGE), machine, training.inputs)


@pytest.mark.parametrize("kind", [RandomTraining, RandomImages])
@pytest.mark.parametrize("seed", range(15))
def test_iterations_that_depend_on_data_are_never_later_than_promised(kind, seed):
    training, machine = lengthened(kind(seed), seed), random_machine(seed)
    stream = training.stream()
    assert_promises_kept(validate(stream, LARGE), machine, training.inputs)


SCHEDULES = (
    "schedule-engines",
    "schedule-engines{mode=serial}",
    "schedule-engines{double_buffers=false}",
    "schedule-engines{potentials=stored tiles=largest}",
)
DENSE_SUMS = ("accumulate=plain", "width=3", "width=2 engines=fe", "accumulate=tables")


def trained_densely(text: str, steps: int, batch: int, sums: str, schedule: str) -> Stream:
    """A compiled training program that does not look for what is silent."""
    expansion = expansion_text(training=True, steps=steps, batch=batch)
    passes = f"mask-gradients{{skip=none}},fuse-luts{{{sums}}},{schedule},lower-to-engine"
    pipeline = f"{PREPARATION.format(expand=expansion)},{passes}"
    module = parse_program(text, "random.snn")
    return without_sparsity(compile_stream(module, load_machine(), pipeline))


@pytest.mark.parametrize("make", [random_network, random_image_network])
@pytest.mark.parametrize("seed", range(25))
def test_loops_of_compiled_training_programs_keep_their_promise(make, seed):
    network, machine = make(seed), load_machine()
    steps = 6 if make is random_image_network else 48
    network = replace(network, steps=steps, batch=64 if seed % 2 else 3)
    sums, schedule = DENSE_SUMS[seed % 4], SCHEDULES[seed // 4 % 4]
    stream = trained_densely(network.text(), steps, network.batch, sums, schedule)
    assert_promises_kept(validate(stream, machine.memory_bytes), machine)


RECURRENT = """\
network memory(input: spikes[{inputs}]) -> spikes[{classes}] {{
    hidden = lif(linear(input, {units}) + linear(previous(hidden), {units}), decay = 0.9)
    return lif(linear(hidden, {classes}), decay = 0.9)
}}
train memory {{
    data = random(rate = 0.02, classes = {classes}, samples = 64)
    steps = 40
    batch = {batch}
    epochs = 1
    loss = cross_entropy
    optimizer = sgd(rate = 0.1)
}}
"""


@pytest.mark.parametrize("seed", range(50))
def test_time_steps_of_a_recurrent_network_follow_each_other_as_promised(seed: int):
    machine, rng = load_machine(), np.random.default_rng(seed)
    inputs, units, classes, batch = (int(n) for n in rng.integers(2, [90, 300, 20, 40]))
    text = RECURRENT.format(inputs=inputs, units=units, classes=classes, batch=batch)
    sums, schedule = DENSE_SUMS[seed % 4], SCHEDULES[seed // 4 % 4]
    stream = trained_densely(text, 40, batch, sums, schedule)
    # Forwards and backwards.
    assert assert_promises_kept(validate(stream, machine.memory_bytes), machine) >= 2
