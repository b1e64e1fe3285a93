"""Sample groups: a group goes through the whole step while the one before is still at work."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from agreement import assert_agrees
from engine_gradients import Engine
from ir_stages import stages
from programs import example
from random_batches import random_batch
from random_image_networks import random_image_network
from random_networks import random_network
from reference_gradients import evaluate
from test_schedule import BATCH, LAYERS, MACHINE, STEPS, WHOLE, execute, executed, stream_of
from xdsl.transforms import get_all_passes

from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.results import ENGINES
from spikeloom.backend.stream.stream import MEMORIES
from spikeloom.compiler import attach_machine, compile_stream, new_context
from spikeloom.default_pipeline import expansion_text
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects import bptt
from spikeloom.dialects.instruction_set import Engine as InstructionEngine
from spikeloom.dialects.schedule import group_of
from spikeloom.frontend.program import parse_program
from spikeloom.pass_pipeline import parse_passes
from spikeloom.passes.registry import PASSES as PASS_REGISTRY
from spikeloom.passes.schedule.group_room import may_fit

GROUPED = "schedule-engines{groups=16}"
EXACT = ("spikes", "correct", "readout")
"""What the host reads that no sum over samples is in, or one of integers."""

PASSES = "infer-shapes,canonicalize,cse,dce,{},canonicalize,cse,dce,mask-gradients,fuse-luts,{}"


def stream_for(text: str, schedule: str, steps: int, batch: int, fusion: str = "fuse-luts"):
    """The training stream of a program with the usual passes and this schedule."""
    expansion = expansion_text(training=True, steps=steps, batch=batch)
    pipeline = PASSES.format(expansion, f"{schedule},lower-to-engine")
    pipeline = pipeline.replace("fuse-luts", fusion)
    return compile_stream(parse_program(text, "net.snn"), MACHINE, pipeline)


def assert_equal_but_for_sums(found: dict, expected: dict) -> None:
    """Bits are equal where no sum over samples is in, others to 1e-5 of the largest entry."""
    assert found.keys() == expected.keys()
    for (kind, subject), values in expected.items():
        other = found[kind, subject]
        if kind in EXACT:
            assert values.tobytes() == other.tobytes(), (kind, subject)
        else:
            assert np.abs(other - values).max() <= 1e-5 * np.abs(values).max(), (kind, subject)


def scheduled(text: str, schedule: str, steps: int, batch: int) -> list[bptt.StepOp]:
    """The steps of a program as this schedule leaves them."""
    module = parse_program(text, "net.snn")
    attach_machine(module, MACHINE)
    pipeline = PASSES.format(expansion_text(training=True, steps=steps, batch=batch), schedule)
    for each in parse_passes(pipeline, {**get_all_passes(), **PASS_REGISTRY}):
        each.apply(new_context(), module)
    return [op for op in module.ops if isinstance(op, bptt.StepOp)]


def group_chosen(text: str, steps: int, batch: int) -> int | None:
    """What `schedule-engines` decides on its own."""
    for name, module in stages(text, steps=steps, batch=batch):
        if name == "schedule-engines":
            (step,) = (op for op in module.ops if isinstance(op, bptt.StepOp))
            return group_of(step)
    raise AssertionError("not scheduled")


@pytest.mark.parametrize("batch", [1, 16, 37, 64])
@pytest.mark.parametrize("group", [1, 5, 16, 32])
def test_groups_compute_the_same_and_regroup_only_sums_over_samples(batch: int, group: int):
    _, expected = execute(stream_for(LAYERS, WHOLE, STEPS, batch))
    grouped = f"schedule-engines{{groups={group}}}"
    _, found = execute(stream_for(LAYERS, grouped, STEPS, batch))
    assert_equal_but_for_sums(found, expected)


@pytest.mark.parametrize("option", ["double_buffers=false", "potentials=recomputed"])
def test_results_of_groups_are_the_same_to_the_bit_in_every_mode(option: str):
    _, expected = executed(LAYERS, GROUPED)
    _, found = executed(LAYERS, f"schedule-engines{{groups=16 {option}}}")
    assert found.keys() == expected.keys()
    for role, values in expected.items():
        assert values.tobytes() == found[role].tobytes(), role


WIDE = LAYERS.replace("image, 300", "image, 512").replace("a, 130", "a, 512")


def test_tables_too_large_for_their_memory_are_built_for_some_outputs_after_the_other():
    fusion = "fuse-luts{width=4}"
    tables = stream_for(WIDE, GROUPED, STEPS, 32, fusion)
    shapes = dict(zip(tables.buffer_names, tables.buffers["shape"].tolist(), strict=True))
    outputs = [shapes[f"synapse{number}.tables"][3] for number in (1, 2, 3)]
    assert outputs == [128, 64, 10]
    _, expected = execute(stream_for(WIDE, WHOLE, STEPS, 32, fusion))
    _, found = execute(tables)
    assert_equal_but_for_sums(found, expected)


@pytest.mark.parametrize("seed", range(30))
def test_what_is_chosen_is_never_slower_than_layer_by_layer(seed: int):
    text = random_network(seed).text()
    chosen, first = executed(text, "schedule-engines")
    whole, second = executed(text, WHOLE)
    assert chosen.elapsed <= whole.elapsed
    for (kind, subject), values in second.items():
        if kind in EXACT:
            assert values.tobytes() == first[kind, subject].tobytes(), (kind, subject)


def test_half_the_cycles_of_the_digits_are_saved():
    text = example("digits")
    whole, _ = execute(stream_for(text, WHOLE, 16, 64))
    grouped, _ = execute(stream_for(text, "schedule-engines", 16, 64))
    assert 2 * grouped.elapsed <= whole.elapsed


def test_a_further_group_costs_little_more_than_the_busiest_engine():
    """The others work on the group before and on the one behind."""
    one, _ = execute(stream_for(example("digits"), GROUPED, 16, 16))
    five, _ = execute(stream_for(example("digits"), GROUPED, 16, 80))
    busiest = max(five.totals().per_engine()[:, q.CYCLES_ACTIVE]) / 5
    further = (five.elapsed - one.elapsed) / 4
    assert 0.95 * busiest <= further <= 1.05 * busiest
    assert further < 0.4 * one.elapsed


def test_what_only_a_group_needs_never_leaves_the_chip():
    result, _ = executed(LAYERS, GROUPED)
    stream = stream_of(LAYERS, GROUPED)
    dram = MEMORIES.index("dram")
    outside = {
        name
        for name, memory in zip(stream.buffer_names, stream.buffers["memory"], strict=True)
        if memory == dram
    }
    kinds = {role[0] for role in stream.buffer_roles if role != ("", "")}
    assert len(outside) == sum(role != ("", "") for role in stream.buffer_roles)
    assert kinds == {
        "input", "label", "spikes", "readout", "loss", "correct", "gradient", "parameter",
        "optimizer",
    }  # fmt: skip
    written = result.counts[:, q.BYTES_WRITTEN + dram].sum()
    bits = STEPS * BATCH * sum(-(-n // 8) for n in (300, 130, 10))
    weights = sum(inputs * outputs + outputs for inputs, outputs in SIZES)
    assert written == bits + BATCH * 10 * 4 + 4 * 4 * weights + 3 * 4


SIZES = ((200, 300), (300, 130), (130, 10))
"""Inputs and outputs of the layers of `LAYERS`."""


def test_weights_are_loaded_once_for_all_groups():
    result, _ = executed(LAYERS, GROUPED)
    forward = sum(4 * (inputs + 1) * outputs for inputs, outputs in SIZES)
    transposed = sum(4 * inputs * outputs for inputs, outputs in SIZES[1:])
    column = q.BYTES_WRITTEN + MEMORIES.index("weight_sram")
    per_engine = result.totals().per_engine()
    loads = (InstructionEngine.DMA, InstructionEngine.DMA_UPDATE)
    loaded = sum(int(per_engine[ENGINES.index(engine), column]) for engine in loads)
    assert loaded == forward + transposed + forward


@pytest.mark.parametrize("name", ["conv_digits", "memory"])
def test_what_needs_all_samples_or_walks_over_time_is_left_as_it_is(name: str):
    text = example(name)
    chosen, whole = (stream_for(text, s, 4, 64) for s in ("schedule-engines", WHOLE))
    assert group_chosen(text, 4, 64) is None
    assert chosen.instructions.tobytes() == whole.instructions.tobytes()
    assert chosen.buffers.tobytes() == whole.buffers.tobytes()


@pytest.mark.parametrize(
    ("name", "steps", "message"),
    [
        ("memory", 4, "no groups of samples with `previous`"),
        ("conv_digits", 4, "no groups of samples with batchnorm"),
        ("digits", 400, "groups of 16 samples do not fit the machine"),
    ],
    ids=["recurrent", "batchnorm", "too long"],
)
def test_groups_that_cannot_be_are_one_clear_error(name: str, steps: int, message: str):
    with pytest.raises(DiagnosticError, match=message) as caught:
        stream_for(example(name), "schedule-engines{groups=16}", steps, 64)
    assert [d.code for d in caught.value.diagnostics] == ["E0302"]


LONG = 200
"""Steps of which the memories do not hold 16 samples of `LAYERS`, but two."""


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_of_long_sequences_a_group_has_as_few_samples_as_fit(batch: int):
    """A part of a group, a whole one, and several with a last one of a single sample."""
    grouped = stream_for(LAYERS, "schedule-engines", LONG, batch)
    assert group_chosen(LAYERS, LONG, batch) == 2
    with pytest.raises(DiagnosticError, match="groups of 16 samples do not fit"):
        stream_for(LAYERS, GROUPED, LONG, 16)
    whole, expected = execute(stream_for(LAYERS, WHOLE, LONG, batch))
    result, found = execute(grouped)
    assert_equal_but_for_sums(found, expected)
    assert result.elapsed < whole.elapsed


@pytest.mark.parametrize("steps", [16, 64, 200, 400, 800, 2047])
def test_small_groups_never_take_longer_than_layers(steps: int):
    chosen, whole = (
        execute(stream_for(example("digits"), schedule, steps, 8))[0]
        for schedule in ("schedule-engines", WHOLE)
    )
    assert group_chosen(example("digits"), steps, 8) is not None
    assert chosen.elapsed < whole.elapsed


def test_where_not_even_one_sample_fits_the_step_goes_layer_by_layer():
    chosen, whole = (
        stream_for(example("digits"), schedule, 2048, 8) for schedule in ("schedule-engines", WHOLE)
    )
    assert group_chosen(example("digits"), 2048, 8) is None
    assert chosen.instructions.tobytes() == whole.instructions.tobytes()
    with pytest.raises(DiagnosticError, match="groups of 1 samples do not fit"):
        stream_for(example("digits"), "schedule-engines{groups=1}", 2048, 8)


def test_a_group_that_is_too_large_names_memory_needed_and_available():
    with pytest.raises(DiagnosticError) as raised:
        stream_for(example("digits"), "schedule-engines{groups=1}", 2048, 8)
    message = raised.value.diagnostics[0].message
    sizes = r"needs at least ([\d,]+) bytes of `state_sram`, which has ([\d,]+)$"
    (found,) = re.findall(sizes, message)
    needed, available = (int(size.replace(",", "")) for size in found)
    assert needed > available == MACHINE.memory_bytes["state_sram"]
    assert "groups=off" in str(raised.value.diagnostics[0].help)


@pytest.mark.parametrize(
    ("name", "words", "line"),
    [("memory", "`previous`", "previous(hidden)"), ("residual_digits", "batchnorm", "batchnorm")],
)
def test_what_needs_all_samples_is_named_with_its_line(name: str, words: str, line: str):
    """No size of groups helps there, so that none is asked for."""
    text = example(name)
    for group in (1, 16):
        with pytest.raises(DiagnosticError) as raised:
            stream_for(text, f"schedule-engines{{groups={group}}}", 4, 8)
        (found,) = raised.value.diagnostics
        assert "no groups of samples with " + words in found.message
        assert "fit" not in found.message
        assert "fewer" not in str(found.help)
        assert found.location is not None
        assert line in text.splitlines()[found.location.line - 1]


@pytest.mark.parametrize("name", ["digits", "readout"])
def test_what_cannot_fit_by_its_values_does_not_fit_when_lowered(name: str):
    """And there is something to find out without lowering."""
    machine = MACHINE.memory_bytes
    surely_not = 0
    for steps in (50, 100, 400, 1000):
        for group in (1, 2, 4, 8, 16):
            schedule = f"schedule-engines{{groups={group}}}"
            (step,) = scheduled(example(name), schedule, steps, 16)
            if not may_fit(step, group, machine):
                surely_not += 1
                with pytest.raises(DiagnosticError, match="do not fit the machine"):
                    stream_for(example(name), schedule, steps, 16)
    assert surely_not >= 4


def test_a_serial_step_has_no_groups():
    serial = stream_for(LAYERS, "schedule-engines{mode=serial}", STEPS, BATCH)
    asked = stream_for(LAYERS, "schedule-engines{mode=serial groups=16}", STEPS, BATCH)
    assert serial.instructions.tobytes() == asked.instructions.tobytes()


@pytest.mark.parametrize(
    ("name", "steps", "group"), [("digits", 16, 16), ("digits", 400, 1), ("readout", 400, 4)]
)
def test_the_group_does_not_depend_on_the_batch(name: str, steps: int, group: int):
    chosen = {group_chosen(example(name), steps, batch) for batch in (1, 62, 64, 1024)}
    assert chosen == {group}


NETWORKS = [(random_network, seed) for seed in (1, 4, 5, 7, 11, 28)]
NETWORKS += [(random_image_network, seed) for seed in (1, 2, 13, 16, 20, 30, 31, 48, 70)]
"""Without batchnorm and `previous`: the only ones that can be grouped."""


@pytest.mark.parametrize(("make", "seed"), NETWORKS)
@pytest.mark.parametrize("before", ["", "mask-gradients,fuse-luts,", "fuse-luts{width=3},"])
@pytest.mark.parametrize(("samples", "group"), [(37, 16), (7, 3), (3, 1)])
def test_gradients_of_groups_agree_with_the_reference(
    make, seed: int, before: str, samples: int, group: int
):
    """Three groups, the last one smaller, or each of one sample."""
    network = replace(make(seed), batch=samples)
    parameters, batch = random_batch(network, seed)
    engine = Engine(network, passes=f"{before}schedule-engines{{groups={group}}}")
    assert engine.loops_that_repeat() >= 1
    engine.write_parameters(parameters)
    assert_agrees(engine.run(batch), evaluate(network, parameters, batch))
