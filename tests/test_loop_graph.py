"""Graphs of loops against the interpreter's clock: how much later each iteration is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from instruction_times import Entry, loop_entries
from random_image_networks import random_image_network
from random_images import RandomImages
from random_loops import random_loop
from random_machines import LARGE, machine, random_machine
from random_networks import random_network
from random_training import RandomTraining
from stream_sparsity import without_sparsity

from spikeloom.backend.dataflow.loop_graph import LoopGraph, loop_graph
from spikeloom.backend.dataflow.loops import Loop, loops_of
from spikeloom.backend.dataflow.waits import Reason
from spikeloom.backend.machine import Machine, load_machine
from spikeloom.backend.program import Program, decode
from spikeloom.backend.repeated_run import measured_period
from spikeloom.backend.stream import NO_LOOP, Slice, Stream, StreamBuilder
from spikeloom.backend.validator import ValidatedStream, validate
from spikeloom.compiler import PREPARATION, compile_stream, expansion_text
from spikeloom.dialects.dataflow.graph import TooManyFirings
from spikeloom.dialects.instruction_set import Element
from spikeloom.frontend.program import parse_program
from spikeloom.passes.dataflow.progress import guaranteed_delay
from spikeloom.passes.dataflow.throughput import throughput_of

LONG = 32
"""Iterations after which every loop of these tests has settled."""

Inputs = Mapping[int, np.ndarray]


def decoded_of(stream: Stream, machine: Machine) -> Program:
    return decode(stream, machine, np.zeros(len(stream.buffers), np.int64))


def graphs(stream: Stream, machine: Machine) -> Iterator[tuple[Loop, LoopGraph]]:
    """All loops that run more than once."""
    decoded, rate = decoded_of(stream, machine), machine.clock.issue_rate.value
    for loop in loops_of(decoded):
        if loop.iterations > 1:
            yield loop, loop_graph(stream, decoded, loop, rate)


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


def pipeline_stream(
    copies: int = 1, behind: int = 0, still: bool = False, late: int | None = None, stop: int = 40
) -> Stream:
    """A loop that loads a tile, adds it to itself and stores the sum.

    It loads the sum of `behind` iterations before, or always the same one, or what is never stored.
    A buffer at the address `late` is cleared behind it.
    """
    builder = StreamBuilder()
    shape, extents = (1, stop, 1, 4), (1, 1, 1, 4)
    here = builder.buffer("here", Element.F32, shape, "dram", 0)
    there = builder.buffer("there", Element.F32, shape, "dram", 1 << 20)
    tile = builder.buffer("tile", Element.F32, extents, "state_sram", 0, copies=copies)
    total = builder.buffer("total", Element.F32, extents, "state_sram", 4096, copies=2)
    other = builder.buffer("other", Element.F32, extents, "state_sram", late or 8192)
    for home in (here, there):
        builder.emit("clear", {"target": Slice(home)}, shape)
    with builder.loop(8, stop, 1) as depth:
        loops = (NO_LOOP, depth, NO_LOOP, NO_LOOP)
        moving = Slice(there, (0, 0, 0, 0), loops)
        source = Slice(there, (0, 0, 0, 0)) if still else Slice(here, (0, 0, 0, 0), loops)
        if behind:
            source = Slice(there, (0, -behind, 0, 0), loops)
        builder.emit("load", {"target": Slice(tile), "source": source}, extents)
        operands = {"sum": Slice(total), "left": Slice(tile), "right": Slice(tile)}
        builder.emit("add", operands, extents)
        builder.emit("store", {"target": moving, "source": Slice(total)}, extents)
        if late is not None:
            builder.emit("clear", {"target": Slice(other)}, extents)
    return builder.finish()


def tokens(found: LoopGraph, source: int, target: int, reason: Reason) -> list[int]:
    """Of the channels between two instructions of the loop, in their order."""
    return [
        channel.tokens
        for channel in found.graph.channels
        if (channel.source, channel.target) == (source, target)
        and channel.name.startswith(reason.value)
    ]


LOAD, ADD, STORE = range(3)
PARTS = machine(dram__watched_parts=64, clock__issue_rate=1)


def only_graph(stream: Stream) -> LoopGraph:
    validate(stream, LARGE)
    ((_, found),) = graphs(stream, PARTS)
    return found


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_a_tile_is_free_again_as_many_iterations_later_as_it_has_copies(copies: int):
    found = only_graph(pipeline_stream(copies))
    assert found.exact_distances
    assert tokens(found, LOAD, ADD, Reason.OPERAND) == [0]
    assert tokens(found, ADD, LOAD, Reason.DRAIN) == [copies]
    assert tokens(found, LOAD, LOAD, Reason.ENGINE) == [1] * (copies > 1)


@pytest.mark.parametrize("behind", [1, 2, 5])
def test_what_was_stored_some_iterations_before_is_that_far_away(behind: int):
    found = only_graph(pipeline_stream(behind=behind))
    assert found.exact_distances
    assert tokens(found, STORE, LOAD, Reason.OPERAND) == [behind]


def test_what_is_not_stored_in_the_loop_has_no_channel():
    assert tokens(only_graph(pipeline_stream()), STORE, LOAD, Reason.OPERAND) == []


@pytest.mark.parametrize("iterations", [3, 20])
def test_the_one_iteration_that_begins_a_copy_does_not_repeat(iterations: int):
    builder = StreamBuilder()
    shape, extents = (iterations, 1, 1, 4), (1, 1, 1, 4)
    home = builder.buffer("home", Element.F32, shape, "dram", 0)
    tile = builder.buffer("tile", Element.F32, shape, "state_sram", 0, copies=2)
    # Down to the origin, where a write begins the next copy.
    with builder.loop(iterations - 1, -1, -1) as depth:
        box = Slice(tile, loops=(depth, NO_LOOP, NO_LOOP, NO_LOOP))
        builder.emit("clear", {"target": box}, extents)
        builder.emit("store", {"target": Slice(home), "source": box}, extents)
    found = only_graph(builder.finish())
    assert tokens(found, 1, 0, Reason.DRAIN) == [1]


def test_where_one_box_moves_and_another_does_not_the_distance_is_a_bound():
    found = only_graph(pipeline_stream(still=True))
    assert not found.exact_distances
    assert tokens(found, STORE, LOAD, Reason.OPERAND) == [1]


def test_where_copies_share_addresses_with_other_buffers_the_distance_is_a_bound():
    # The second copy of the tile lies at 64.
    found = only_graph(pipeline_stream(copies=2, late=64))
    assert not found.exact_distances
    assert tokens(found, ADD, LOAD, Reason.DRAIN) == [1]
    assert only_graph(pipeline_stream(copies=2, late=128)).exact_distances


@pytest.mark.parametrize(("step", "exact"), [(2, True), (3, False)])
def test_what_boxes_share_in_later_entries_is_exact_where_these_move_by_whole_parts(step, exact):
    builder = StreamBuilder()
    shape, extents = (1, 100, 1, 4), (1, 1, 1, 4)
    home = builder.buffer("home", Element.F32, shape, "dram", 0)
    tile = builder.buffer("tile", Element.F32, extents, "state_sram", 0)
    builder.emit("clear", {"target": Slice(home)}, shape)
    with builder.loop(0, 4 * step, step) as outer, builder.loop(0, 8, 1):
        loops = (NO_LOOP, outer, NO_LOOP, NO_LOOP)
        first, second = Slice(home, loops=loops), Slice(home, (0, 1, 0, 0), loops)
        builder.emit("load", {"target": Slice(tile), "source": first}, extents)
        builder.emit("store", {"target": second, "source": Slice(tile)}, extents)
    _, (_, found) = graphs(builder.finish(), PARTS)
    # 100 samples in up to 64 parts are 2 to a part.
    assert found.exact_distances == exact


def test_parts_that_two_iterations_share_are_told_apart_by_an_iteration_of_several():
    coarse = machine(dram__watched_parts=16, clock__issue_rate=1)
    stream = pipeline_stream(behind=1, stop=40)
    ((_, found),) = graphs(stream, coarse)
    # 40 samples in up to 16 parts are 4 to a part.
    assert (found.iterations, found.exact_distances) == (4, True)


def test_the_graph_does_not_grow_with_the_iterations():
    decoded = [decoded_of(pipeline_stream(2, stop=n), PARTS) for n in (40, 60)]
    assert [loop.iterations for each in decoded for loop in loops_of(each)] == [32, 52]
    assert only_graph(pipeline_stream(2, stop=40)) == only_graph(pipeline_stream(2, stop=60))


def test_a_loop_that_is_too_long_is_refused():
    stream = pipeline_stream()
    decoded = decoded_of(stream, PARTS)
    (loop,) = loops_of(decoded)
    with pytest.raises(TooManyFirings, match="3 firings, more than the 2"):
        loop_graph(stream, decoded, loop, 1, limit=2)


def test_loops_know_what_is_around_them():
    builder = StreamBuilder()
    with builder.loop(0, 6, 2):
        with builder.loop(5, -1, -1), builder.loop(0, 1, 1):
            pass
        with builder.loop(0, 7, 3):
            pass
    loops = loops_of(decoded_of(builder.finish(), PARTS))
    assert [loop.enclosing for loop in loops] == [(), (0,), (0, 1), (0,)]
    assert [loop.closed for loop in loops] == [7, 4, 3, 6]
    assert [loop.iterations for loop in loops] == [3, 6, 1, 3]
    assert [loop.entries for loop in loops] == [1, 3, 18, 3]
    assert not any(loop.instructions for loop in loops)
