"""The interpreter does what the plain numpy machine does, and nothing depends on threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from random_images import RandomImages
from random_training import RandomTraining
from reference_machine import ReferenceMachine
from stream_samples import TRAINING_STEP

from spikeloom.backend.accounts.results import RunResult
from spikeloom.backend.assembly import assemble
from spikeloom.backend.execution.arena import Arena
from spikeloom.backend.execution.interpreter import Interpreter, prepare_kernels
from spikeloom.backend.kernels.dispatch import KERNELS, kernel_of
from spikeloom.backend.machine.description import load_machine
from spikeloom.backend.stream.stream import NO_LOOP, LoopExtent, Slice, Stream, StreamBuilder
from spikeloom.backend.validation.validator import validate
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.instruction_set import INSTRUCTIONS, Element

MACHINE = load_machine()
LARGE = dict.fromkeys(MACHINE.memory_bytes, 1 << 28)


def prepared(training: RandomTraining, stream: Stream, threads: int = 1) -> Interpreter:
    interpreter = Interpreter(validate(stream, LARGE), MACHINE, threads)
    for buffer, values in training.inputs.items():
        interpreter.write(buffer, values)
    return interpreter


def shares_addresses(stream: Stream, buffer: int) -> bool:
    """Whether another buffer may have overwritten this one."""
    rows = stream.buffers
    start, end = rows["offset"], rows["offset"] + rows["bytes"]
    same = rows["memory"] == rows["memory"][buffer]
    return int((same & (start < end[buffer]) & (start[buffer] < end)).sum()) > 1


@pytest.mark.parametrize("kind", [RandomTraining, RandomImages])
@pytest.mark.parametrize("seed", range(50))
def test_a_training_step_equals_the_plain_numpy_machine(seed, kind):
    training = kind(seed)
    stream = training.stream()
    interpreter, reference = prepared(training, stream), ReferenceMachine(stream)
    for buffer, values in training.inputs.items():
        reference.memory[buffer][...] = values
    interpreter.run()
    reference.run()
    for buffer, expected in enumerate(reference.memory):
        if not shares_addresses(stream, buffer):
            found, scale = interpreter.read(buffer), max(1.0, float(np.abs(expected).max()))
            close = np.allclose(found, expected, rtol=1e-4, atol=1e-5 * scale)
            assert close, stream.buffer_names[buffer]


@pytest.mark.parametrize("kind", [RandomTraining, RandomImages])
@pytest.mark.parametrize("seed", range(0, 50, 5))
def test_memory_counts_and_cycles_do_not_depend_on_threads(seed, kind):
    def outcome(threads: int) -> tuple[list[bytes], RunResult]:
        training = kind(seed)
        stream = training.stream()
        interpreter = prepared(training, stream, threads)
        result = interpreter.run()
        return [interpreter.read(b).tobytes() for b in range(len(stream.buffers))], result

    contents, result = outcome(1)
    for threads in (2, 3):
        others, other = outcome(threads)
        assert others == contents
        assert np.array_equal(other.counts, result.counts)
        assert (other.elapsed, other.idle.tolist()) == (result.elapsed, result.idle.tolist())


def test_tiles_loops_and_recurrence_of_the_sample_stream():
    stream = assemble(TRAINING_STEP, "sample.sna")
    interpreter = Interpreter(validate(stream, MACHINE.memory_bytes), MACHINE)
    reference = ReferenceMachine(stream)
    rng = np.random.default_rng(0)
    for buffer, role in enumerate(stream.buffer_roles):
        if role[0] in ("input", "label", "parameter"):
            shape = reference.memory[buffer].shape
            values = rng.integers(0, 2, shape) if role[0] != "parameter" else rng.random(shape)
            reference.memory[buffer][...] = values.astype(np.float32)
            interpreter.write(buffer, reference.memory[buffer])
    interpreter.run()
    reference.run()
    for name in ("spikes.out", "mask", "potential", "gradient", "loss", "correct"):
        buffer = stream.buffer_names.index(name)
        if not shares_addresses(stream, buffer):
            assert np.allclose(interpreter.read(buffer), reference.memory[buffer], atol=1e-4), name


def test_runs_continue_from_what_the_last_one_left():
    training = RandomTraining(3)
    stream = training.stream()
    once, twice = prepared(training, stream), prepared(training, stream)
    once.run()
    twice.run()
    weight = stream.buffer_names.index("hidden.weight")
    assert np.array_equal(once.read(weight), twice.read(weight))
    twice.run()
    assert not np.array_equal(once.read(weight), twice.read(weight))


def test_a_descending_loop_runs_from_its_start_to_its_stop():
    builder = StreamBuilder()
    source = builder.buffer("a", Element.I32, (5, 1, 1, 1), "dram", 0, ("input", ""))
    target = builder.buffer("b", Element.I32, (5, 1, 1, 1), "state_sram", 0)
    with builder.loop(4, -1, -1) as t:
        moving = {"target": Slice(target, loops=(t, NO_LOOP, NO_LOOP, NO_LOOP))}
        moving["source"] = Slice(source, loops=(t, NO_LOOP, NO_LOOP, NO_LOOP))
        builder.emit("load", moving, (LoopExtent(t), 1, 1, 1))
    interpreter = Interpreter(validate(builder.finish(), LARGE), MACHINE)
    interpreter.write(source, np.arange(5, dtype=np.int32).reshape(5, 1, 1, 1))
    interpreter.run()
    assert interpreter.read(target).ravel().tolist() == [0, 1, 2, 3, 4]


def test_an_empty_stream_takes_no_time():
    result = Interpreter(validate(StreamBuilder().finish(), LARGE), MACHINE).run()
    assert result.elapsed == 0
    assert set(result.counters().values()) == {0}


@pytest.mark.parametrize("element", Element)
@pytest.mark.parametrize("features", [1, 16, 63, 64, 65])
def test_the_host_reads_back_what_it_wrote(element, features):
    builder = StreamBuilder()
    buffer = builder.buffer("a", element, (2, 3, 4, features), "dram", 64)
    arena = Arena(builder.finish())
    values = np.random.default_rng(0).integers(0, 2, (2, 3, 4, features))
    arena.write(buffer, values)
    assert np.array_equal(arena.read(buffer), values)


def test_buffers_begin_on_vector_boundaries():
    stream = RandomTraining(1).stream()
    assert not (Arena(stream).addresses % 64).any()


def test_a_wrong_shape_from_the_host_is_refused():
    builder = StreamBuilder()
    builder.buffer("a", Element.F32, (1, 2, 3, 4), "dram", 0)
    with pytest.raises(ValueError, match=r"\(1, 2, 3, 4\)"):
        Arena(builder.finish()).write(0, np.zeros((2, 3)))


def test_buffers_beyond_this_computer_are_a_diagnostic():
    builder = StreamBuilder()
    builder.buffer("a", Element.F32, (1, 1, 1, 1), "dram", 1 << 60)
    with pytest.raises(DiagnosticError, match="E0302"):
        Arena(builder.finish())


def test_every_instruction_has_a_kernel_and_progress_counts_to_the_end():
    calls: list[tuple[int, int, str]] = []
    prepare_kernels(lambda *call: calls.append(call))
    total = calls[0][1]
    assert [ready for ready, *_ in calls] == list(range(total + 1))
    assert {kernel.__name__ for kernel in KERNELS} <= {name for *_, name in calls}
    assert len(KERNELS) == len({kernel.__name__ for kernel in KERNELS})
    used = {kernel_of(spec.name, element) for spec in INSTRUCTIONS for element in Element}
    assert used == set(KERNELS)


def test_two_interpreters_may_run_at_the_same_time():
    def interpreter(seed: int) -> Interpreter:
        training = RandomTraining(seed)
        return prepared(training, training.stream(), 2)

    def cycles(running: Interpreter) -> list[int]:
        return [running.run().elapsed for _ in range(5)]

    expected = {seed: cycles(interpreter(seed)) for seed in (8, 9)}
    found: dict[int, list[int]] = {}

    def run(seed: int) -> None:
        found[seed] = cycles(interpreter(seed))

    threads = [threading.Thread(target=run, args=(seed,)) for seed in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected
