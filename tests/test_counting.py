"""Counting mode equals the executing mode, and expects what densities promise."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from programs import LEARNING
from random_networks import random_network
from random_training import RandomTraining

from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.results import RunResult
from spikeloom.backend.counting.counter import Counter, UnfitStatistics
from spikeloom.backend.counting.data_counts import DATA_COUNTS, READ_ROLES
from spikeloom.backend.counting.densities import Densities, LayerDensities, profile_densities
from spikeloom.backend.counting.density_trace import DensityTrace
from spikeloom.backend.counting.expected_counts import mean_passes
from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.execution.program import spec_of
from spikeloom.backend.host.counting import (
    CountedBatch,
    FromDensities,
    FromStatistics,
    count_image,
    count_sizes,
)
from spikeloom.backend.host.dataset import Dataset
from spikeloom.backend.host.executor import Executor, Outcome
from spikeloom.backend.host.plan import Plan, Task
from spikeloom.backend.host.session import RunOptions, load_dataset
from spikeloom.backend.host.statistics import Statistics
from spikeloom.backend.host.task import describe
from spikeloom.backend.kernels.operands import COUNTS, EVENTS, PASSES, SKIPPED_INPUT
from spikeloom.backend.machine.description import load_machine
from spikeloom.backend.snx.image import Image
from spikeloom.backend.stream.records import buffers, records
from spikeloom.backend.stream.stream import OPCODE_END, Slice, Stream, StreamBuilder
from spikeloom.backend.validation.loop_rules import place
from spikeloom.backend.validation.validator import validate
from spikeloom.compiler import compile_program
from spikeloom.default_pipeline import PipelineText, pipeline_text
from spikeloom.dialects.activity_profile import ActivityProfile
from spikeloom.dialects.instruction_set import SPECS, Element
from spikeloom.frontend.program import parse_program

EXAMPLES = Path(__file__).parents[1] / "examples"
MACHINE = load_machine()
LARGE = dict.fromkeys(MACHINE.memory_bytes, 1 << 28)
DATA = slice(q.EVENTS_RECEIVED, q.GRADIENTS_NONZERO + 1)
"""What is counted of data."""
LONG = LEARNING.replace("steps = 4", "steps = 1000")
"""Its groups have fewer samples than its batch, and the last of them is smaller."""
HALF = Densities(0.5, LayerDensities(0.5, 0.5, 0.5))


def compiled(text: str) -> tuple[Image, Task, Dataset]:
    """A program's image and its data."""
    module = parse_program(text, "net.snn")
    task = describe(module, "net.snn")
    dataset = load_dataset(task, RunOptions())
    return compile_program(module, task, MACHINE, sizes=dataset.sizes), task, dataset


def executed(text: str, batches: int = 1) -> tuple[Outcome, Statistics, Task]:
    """The last of some training batches, with its statistics."""
    image, task, dataset = compiled(text)
    plan = Plan.from_json(image.metadata)
    executor = Executor(image, plan, MACHINE, seed=1, threads=1)
    outcome = None
    for number in range(batches):
        outcome = executor.run("train", dataset.training(0)[number], record=True)
    assert outcome is not None
    assert executor.recorded is not None
    return outcome, executor.recorded, task


def by_events(*, training: bool, steps: int, batch: int) -> str:
    """The pipeline without tables, whose work does not depend on the data."""
    usual = pipeline_text(training=training, steps=steps, batch=batch)
    return usual.replace("fuse-luts", "fuse-luts{accumulate=events}")


def counted(
    text: str, source: FromStatistics | FromDensities, pipeline: PipelineText = pipeline_text
) -> CountedBatch:
    """The batch of a program, compiled anew and counted."""
    module = parse_program(text, "net.snn")
    task = describe(module, "net.snn")
    sizes = count_sizes(task, source)
    image = compile_program(module, task, MACHINE, sizes=sizes, pipeline=pipeline)
    return count_image(image, MACHINE, source)


def programs() -> dict[str, str]:
    names = ("digits", "memory", "readout")
    return {name: (EXAMPLES / f"{name}.snn").read_text() for name in names} | {
        "tiny": LEARNING,
        "long": LONG,
    }


# --- with the statistics of a run ------------------------------------------------------------


@pytest.mark.parametrize("name", list(programs()))
def test_counting_a_runs_statistics_gives_its_totals_to_the_integer(name: str) -> None:
    text = programs()[name]
    outcome, statistics, _ = executed(text, batches=2)
    found = counted(text, FromStatistics(Path("s"), statistics))
    assert found.result.totals == outcome.totals
    assert found.result.totals.cycles > 0


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_count_as_they_execute(seed: int) -> None:
    network = random_network(seed)
    data = f"random(rate = 0.4, classes = {network.classes}, samples = 24)"
    text = network.text().replace('file("recording.npz")', data)
    outcome, statistics, _ = executed(text)
    found = counted(text, FromStatistics(Path("s"), statistics))
    assert found.result.totals == outcome.totals


def recorded(seed: int) -> tuple[Stream, np.ndarray, RunResult]:
    """A random training stream, its statistics and its result."""
    training = RandomTraining(seed)
    stream = training.stream()
    validated = validate(stream, LARGE)
    interpreter = Interpreter(validated, MACHINE)
    for buffer, values in training.inputs.items():
        interpreter.write(buffer, values)
    statistics = np.zeros((validated.dynamic_instructions, COUNTS), np.int64)
    return stream, statistics, interpreter.run(statistics)


@pytest.mark.parametrize("seed", range(20))
def test_every_instruction_of_a_random_stream_counts_as_it_executes(seed: int) -> None:
    stream, statistics, result = recorded(seed)
    found = Counter(validate(stream, LARGE), MACHINE).count_with_statistics(statistics)
    assert np.array_equal(found.counts, result.counts)
    assert found.elapsed == result.elapsed
    assert np.array_equal(found.idle, result.idle)


def test_statistics_that_no_run_can_have_written_are_refused() -> None:
    stream, statistics, _ = recorded(0)
    counter = Counter(validate(stream, LARGE), MACHINE)
    with pytest.raises(UnfitStatistics, match="rows of"):
        counter.count_with_statistics(statistics[1:])
    for wrong in (-1, 2**60):
        changed = statistics.copy()
        changed[len(changed) // 2, 0] = wrong
        with pytest.raises(UnfitStatistics, match="more than it can have worked on"):
            counter.count_with_statistics(changed)
    changed = statistics.copy()
    changed[np.argmax(changed[:, SKIPPED_INPUT]), SKIPPED_INPUT] -= 1
    with pytest.raises(UnfitStatistics, match=r"issued \+ skipped \+ fused = dense additions"):
        counter.count_with_statistics(changed)


# --- with densities --------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_the_table_names_all_that_kernels_count(seed: int) -> None:
    stream, _, result = recorded(seed)
    densities = Densities(1.0, LayerDensities(1.0, 1.0, 1.0))
    found = Counter(validate(stream, LARGE), MACHINE).count_with_densities(densities)
    for index, opcode in enumerate(stream.instructions["opcode"].tolist()):
        if opcode > OPCODE_END:
            # Full boxes count at least what any run counts, and nothing that a run does not know.
            columns = found.counts[index, DATA] >= result.counts[index, DATA]
            assert columns.all(), spec_of(opcode).name


def test_the_table_speaks_of_instructions_and_roles_that_exist() -> None:
    for name, counts in DATA_COUNTS.items():
        roles = {role.name for role in SPECS[name].roles}
        written = {role.name for role in SPECS[name].writes}
        assert set(counts.writes) <= written
        named = {tally.role for tally in counts.tallies} | ({counts.events} - {""})
        named |= set(counts.products or ())
        named |= {role for origin in counts.writes.values() for role in origin.roles}
        assert named <= roles
        for origin in counts.writes.values():
            assert bool(origin.roles) == (origin.rule in READ_ROLES)


def test_sums_over_all_executions_are_the_density_times_the_cells() -> None:
    text = programs()["digits"]
    densities = Densities(0.3, LayerDensities(0.17, 0.36, 0.5))
    totals = counted(text, FromDensities(densities, ""), by_events).result.totals
    counters = totals.counters
    samples, steps = 64, 16
    neurons = samples * steps * (128 + 10)
    assert abs(counters["nu__spikes_emitted"] - 0.17 * neurons) <= 2
    assert abs(counters["nu__mask_ones"] - 0.36 * neurons) <= 2
    assert abs(counters["nu__gradients_nonzero"] - 0.5 * neurons) <= 2
    additions = 0.3 * 64 * 128 + 0.17 * 128 * 10
    assert counters["fe__additions_issued"] == pytest.approx(samples * steps * additions, rel=1e-4)
    for engine in ("fe", "wue"):
        whole = (
            counters[f"{engine}__additions_issued"] + counters[f"{engine}__additions_skipped_input"]
        )
        assert whole == counters[f"{engine}__additions_dense"]
    hidden = totals.activity.layers["hidden"].spikes
    assert hidden[0] == pytest.approx(0.17 * hidden[1], abs=1)


@pytest.mark.parametrize(
    ("name", "tolerance", "products"),
    [("digits", 0.001, 0.005), ("memory", 0.05, 0.02), ("conv_digits", 0.17, 0.15)],
)
def test_a_batchs_own_profile_predicts_its_events_and_products(
    name: str, tolerance: float, products: float
) -> None:
    # In `memory` the spikes of the last step are not fed back, which the mean does not know. Those
    # of `conv_digits` gather where its images are: docs/counting.md has all figures.
    text = (EXAMPLES / f"{name}.snn").read_text()
    outcome, _, task = executed(text)
    assert task.training is not None
    activity = outcome.totals.activity
    profile = ActivityProfile(
        network=task.network,
        steps=task.training.steps,
        input=activity.input,
        layers=activity.layers,
    )
    source = FromDensities(profile_densities(profile), "")
    found, expected = counted(text, source).result.totals.counters, outcome.totals.counters
    for counter in ("fe__events_received", "wue__events_received", "nu__spikes_emitted"):
        assert found[counter] == pytest.approx(expected[counter], rel=tolerance)
    counter = "be__multiplications_issued"
    assert found[counter] == pytest.approx(expected[counter], rel=products)
    assert found["be__multiplications_dense"] == expected["be__multiplications_dense"]
    # Spikes of a real batch are no independent draws, but passes come close.
    for counter in ("fe__cycles_active", "wue__cycles_active"):
        assert found[counter] == pytest.approx(expected[counter], rel=0.2)


def test_no_density_means_no_events_and_full_density_means_dense_work() -> None:
    text = programs()["tiny"]
    nothing = Densities(0.0, LayerDensities(0.0, 0.0, 0.0))
    counters = counted(text, FromDensities(nothing, ""), by_events).result.totals.counters
    assert counters["fe__events_received"] == counters["nu__spikes_emitted"] == 0
    assert counters["fe__additions_skipped_input"] == counters["fe__additions_dense"]
    everything = FromDensities(Densities(), "")
    full = counted(text, everything, by_events).result.totals.counters
    assert full["fe__additions_skipped_input"] == 0


@pytest.mark.parametrize("density", [0.0, 0.02, 0.3, 0.97, 1.0])
@pytest.mark.parametrize(("inputs", "lanes"), [(1, 1), (5, 2), (64, 16), (70, 7)])
def test_passes_are_the_mean_over_independent_spikes(
    inputs: int, lanes: int, density: float
) -> None:
    mean = sum(
        math.comb(inputs, k) * density**k * (1 - density) ** (inputs - k) * math.ceil(k / lanes)
        for k in range(inputs + 1)
    )
    assert mean_passes(inputs, density, lanes) == pytest.approx(mean, rel=1e-9, abs=1e-12)


def test_passes_of_wide_rows_neither_overflow_nor_vanish() -> None:
    assert mean_passes(100_000, 0.2, 16) == pytest.approx(100_000 * 0.2 / 16 + 0.5, rel=1e-3)


# --- windows ---------------------------------------------------------------------------------


def test_inputs_outside_of_the_image_are_never_events() -> None:
    # A 3 x 3 window with stride 2 over 5 x 4 positions, one row and column of padding before.
    height, width, stride, kernel, top, left = 5, 4, 2, 3, 1, 1
    out_height, out_width, inputs = 3, 2, 2
    met = sum(
        0 <= y * stride + j - top < height and 0 <= x * stride + i - left < width
        for y in range(out_height)
        for x in range(out_width)
        for j in range(kernel)
        for i in range(kernel)
    )
    positions, read = out_height * out_width, height * width
    builder = StreamBuilder()
    shapes = {
        "spikes": (Element.BIT, (2, 3, read, inputs), "spike_sram"),
        "weight": (Element.F32, (kernel * kernel, 1, inputs, 4), "weight_sram"),
        "current": (Element.F32, (2, 3, positions, 4), "state_sram"),
    }
    buffers = {name: builder.buffer(name, *shape, 0) for name, shape in shapes.items()}
    for name, (_, shape, _) in shapes.items():
        builder.emit("clear", {"target": Slice(buffers[name])}, shape)
    current = Slice(buffers["current"])
    units = (2, 3, read, inputs)
    source = builder.buffer("source", Element.F32, units, "gradient_sram", 0)
    builder.emit("clear", {"target": Slice(source)}, units)
    builder.emit(
        "fire",
        {"spikes": Slice(buffers["spikes"]), "current": Slice(source)},
        units,
        (0.5, 0.5, 0, 0, 0.5, 1),
        layer="below",
    )
    builder.emit(
        "accumulate",
        {
            "current": current,
            "spikes": Slice(buffers["spikes"]),
            "weight": Slice(buffers["weight"]),
        },
        (2, 3, positions, read, kernel * kernel, inputs, 4),
        (kernel, stride, width, out_width, top, left),
    )
    full = Densities(1.0, LayerDensities(1.0, 1.0, 1.0))
    result = Counter(validate(builder.finish(), LARGE), MACHINE).count_with_densities(full)
    counters = result.counters()
    rows = 2 * 3
    assert counters["fe__events_received"] == rows * met * inputs
    dense = rows * positions * kernel * kernel * inputs * 4
    assert counters["fe__additions_dense"] == dense
    assert counters["fe__additions_skipped_input"] == dense - rows * met * inputs * 4


def fired(builder: StreamBuilder, shape: tuple[int, int, int, int], layer: str, at: int) -> int:
    """Spikes of a layer, whose currents are zero."""
    current = builder.buffer(f"{layer}.current", Element.F32, shape, "gradient_sram", 0)
    spikes = builder.buffer(f"{layer}.spikes", Element.BIT, shape, "spike_sram", at)
    builder.emit("clear", {"target": Slice(current)}, shape)
    operands = {"spikes": Slice(spikes), "current": Slice(current)}
    builder.emit("fire", operands, shape, (0.5, 0.5, 0, 0, 0.5, 1), layer=layer)
    return spikes


def densities_of(stream: Stream) -> dict[str, float]:
    """The density of the first role of every instruction, with layers of .1 and .4 spikes."""
    nest, _ = place(records(stream))
    layers = {"a": LayerDensities(0.1, 1, 1), "b": LayerDensities(0.4, 1, 1)}
    given = Densities(0.3, LayerDensities(), layers)
    trace = DensityTrace(len(stream.instructions), nest.placed, buffers(stream), given, {})
    return {
        placed.instruction.spec.name: trace.found[placed.instruction.index, 0]
        for placed in nest.placed
    }


def test_densities_follow_the_data_through_pools_joins_and_homes() -> None:
    builder = StreamBuilder()
    image = (1, 1, 4, 8)
    left, right = fired(builder, image, "a", 0), fired(builder, (1, 1, 4, 24), "b", 4096)
    joined = builder.buffer("joined", Element.BIT, (1, 1, 4, 32), "spike_sram", 8192)
    operands = {"joined": Slice(joined), "left": Slice(left), "right": Slice(right)}
    axes = {"steps": 1, "samples": 1, "positions": 4, "units": 32}
    axes |= {"left_units": 8, "right_units": 24}
    builder.emit("concatenate", operands, [axes[axis] for axis in SPECS["concatenate"].axes])
    pooled = builder.buffer("pooled", Element.BIT, (1, 1, 1, 8), "spike_sram", 12288)
    operands = {"pooled": Slice(pooled), "values": Slice(left)}
    axes = {"steps": 1, "samples": 1, "positions": 1, "input_positions": 4, "units": 8}
    numbers = {"kernel": 2, "stride": 2, "input_width": 2, "output_width": 1}
    spec = SPECS["pool_max"]
    immediates = [numbers.get(immediate.name, 0) for immediate in spec.immediates]
    builder.emit("pool_max", operands, [axes[axis] for axis in spec.axes], immediates)
    # A home with a plane of zeros in front: what a load finds depends on where it looks.
    home = builder.buffer("home", Element.BIT, (2, 1, 4, 32), "dram", 0)
    builder.emit("clear", {"target": Slice(home)}, (1, 1, 4, 32))
    target = Slice(home, base=(1, 0, 0, 0))
    builder.emit("store", {"target": target, "source": Slice(joined)}, (1, 1, 4, 32))
    tile = builder.buffer("tile", Element.BIT, (2, 1, 4, 32), "spike_sram", 16384)
    builder.emit("load", {"target": Slice(tile), "source": Slice(home)}, (2, 1, 4, 32))
    found = densities_of(builder.finish())
    mean = (8 * 0.1 + 24 * 0.4) / 32
    assert found["concatenate"] == pytest.approx(mean)
    assert found["pool_max"] == pytest.approx(1 - 0.9**4)
    assert found["store"] == pytest.approx(mean)
    assert found["load"] == pytest.approx(mean / 2)


def test_counts_do_not_need_memory_for_data() -> None:
    # 16 TiB of spikes at home in DRAM, more than any test machine has.
    builder = StreamBuilder()
    home = builder.buffer("home", Element.F32, (1, 1, 2**18, 2**18), "dram", 0, ("input", ""))
    tile = builder.buffer("tile", Element.F32, (1, 1, 1, 2**18), "state_sram", 0)
    with builder.loop(0, 2**18, 1) as row:
        source = Slice(home, loops=(-1, -1, row, -1))
        builder.emit("load", {"target": Slice(tile), "source": source}, (1, 1, 1, 2**18))
    result = Counter(validate(builder.finish(), LARGE), MACHINE).count_with_densities(HALF)
    assert result.counters()["dma__bytes_read_dram"] == 4 * 2**36


def test_counts_are_the_same_every_time() -> None:
    stream, _, _ = recorded(3)
    counter = Counter(validate(stream, LARGE), MACHINE)
    first, second = (counter.count_with_densities(HALF) for _ in range(2))
    assert np.array_equal(first.counts, second.counts)
    other = counter.count_with_densities(replace(HALF, others=LayerDensities(0.1, 0.1, 0.1)))
    assert other.counts[:, PASSES].sum() <= first.counts[:, PASSES].sum() + EVENTS
