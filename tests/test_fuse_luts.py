"""`fuse-luts`: what it predicts is what the engines then take; what no machine has is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from engine_gradients import default_machine, machine_with_memories
from ir_stages import stages
from reference_machine import unroll
from timing_oracle import service_cycles
from xdsl.parser import Parser

from spikeloom.backend.machine.description import load_machine
from spikeloom.backend.stream.encode import encode_program
from spikeloom.backend.stream.stream import Slice, StreamBuilder
from spikeloom.backend.validation.validator import validate
from spikeloom.compiler import apply_pipeline, attach_machine, new_context
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.accumulation import ACCUMULATION, AccumulationAttr, Way
from spikeloom.dialects.engine import InstructionOp, ProgramOp
from spikeloom.dialects.instruction_set import Element
from spikeloom.dialects.locations import location_of
from spikeloom.passes.accumulation_work import SumLike
from spikeloom.passes.fuse_luts import FuseLutsPass
from spikeloom.passes.lower_to_engine import LowerToEnginePass

MACHINES = Path(__file__).parents[1] / "backend" / "machines"
LAYER = """
bptt.step @n steps 8 batch 1 (%x: tensor<?x?x16x6x6xi1>) {
  snn.parameter @a.weight : tensor<70x16x3x3xf32> fan_in 144
  %i = bptt.convolution %x, @a.weight <kernel 3, stride 1, padding 1>
     : tensor<?x?x16x6x6xi1> -> tensor<?x?x70x6x6xf32>
  %gw = bptt.convolution_weight_gradient %i, %x <kernel 3, stride 1, padding 1>
     : tensor<?x?x70x6x6xf32>, tensor<?x?x16x6x6xi1> -> tensor<70x16x3x3xf32>
  bptt.report %gw as "gradient" of "a.weight" : tensor<70x16x3x3xf32>
}
"""
ANALOG = """network n(image: {input}[1, 8, 8]) -> spikes[10] {{
    first = lif(conv2d(image, 16))
    second = lif(conv2d(first, 16))
    return lif(linear(flatten({pool}(second, 2)), 10))
}}
train n {{
    data      = random(rate = 0.2, classes = 10, samples = 8)
    steps     = 4
    batch     = 4
    epochs    = 1
    loss      = cross_entropy
    optimizer = adam(rate = 0.002)
}}
"""
PLAIN = ("accumulate",), ("correlate_spikes",)
TABLES = ("build_tables", "lookup"), ("build_row_tables", "correlate_tables")


LONG = """
bptt.step @n steps {steps} batch 64 (%x: tensor<?x?x256xi1>) {{
  snn.parameter @a.weight : tensor<64x256xf32> fan_in 256
  %i = bptt.synapse %x, @a.weight : tensor<?x?x256xi1> -> tensor<?x?x64xf32>
  %gw = bptt.synapse_weight_gradient %i, %x
     : tensor<?x?x64xf32>, tensor<?x?x256xi1> -> tensor<64x256xf32>
  bptt.report %gw as "gradient" of "a.weight" : tensor<64x256xf32>
}}
"""


def fused(options: FuseLutsPass, text: str = LAYER):
    """The module after the pass, for the bundled machine."""
    module = Parser(new_context(), text).parse_module()
    attach_machine(module, default_machine())
    options.apply(new_context(), module)
    module.verify()
    return module


def choices(module) -> list[AccumulationAttr]:
    found = [op.attributes.get(ACCUMULATION) for op in module.walk()]
    return [each for each in found if isinstance(each, AccumulationAttr)]


@pytest.mark.parametrize("options", ["accumulate=plain", "width=1", "width=3", "width=4"])
@pytest.mark.parametrize("capacity", [None, 2**17], ids=["bundled", "small"])
def test_predicted_cycles_are_the_engines_cycles(options: str, capacity: int | None) -> None:
    """Of all but events nothing depends on data: tiles, idle lanes and latencies are foreseen."""
    machine = machine_with_memories(capacity) if capacity else default_machine()
    module = Parser(new_context(), LAYER).parse_module()
    attach_machine(module, machine)
    apply_pipeline(module, f"fuse-luts{{{options}}},schedule-engines")
    predicted = [choice.cycles.value.data for choice in choices(module)]
    LowerToEnginePass().apply(new_context(), module)
    (program,) = (op for op in module.ops if isinstance(op, ProgramOp))
    stream, nothing = encode_program(program), np.zeros(0, int)
    ways = PLAIN if options == "accumulate=plain" else TABLES
    for names, cycles in zip(ways, predicted, strict=True):
        executed = [each for each in unroll(stream) if each.spec.name in names]
        assert {each.spec.name for each in executed} == set(names)
        assert sum(service_cycles(each, nothing, machine, stream) for each in executed) == cycles


@pytest.mark.parametrize("goal", ["time", "energy"])
def test_the_choice_is_the_best_of_all_that_can_be_forced(goal) -> None:
    forced = [FuseLutsPass(accumulate="plain"), FuseLutsPass(accumulate="events")]
    forced += [FuseLutsPass(width=width) for width in (1, 2, 3, 4)]
    costs = [
        [(c.cycles.value.data, c.femtojoules.value.data) for c in choices(fused(each))]
        for each in forced
    ]
    chosen = choices(fused(FuseLutsPass(goal=goal)))
    place = 0 if goal == "time" else 1
    for layer, choice in enumerate(chosen):
        found = (choice.cycles.value.data, choice.femtojoules.value.data)
        assert found[place] == min(each[layer][place] for each in costs)


def test_engines_that_are_not_asked_for_are_left_alone() -> None:
    (only,) = choices(fused(FuseLutsPass(width=4, engines=("wue",))))
    assert only.way.data is Way.TABLES


def chosen_by_line(text: str, accumulate: str | None) -> tuple[dict[int, set[bool]], set[int]]:
    """Whether the sums of each line have an attribute, and the lines that use tables."""
    attributes: dict[int, set[bool]] = {}
    using: set[int] = set()
    names = {name for pair in TABLES for name in pair}
    for stage, module in stages(text, steps=4, batch=4, accumulate=accumulate):
        for op in module.walk():
            place = location_of(op)
            if place is None:
                continue
            if stage == "fuse-luts" and isinstance(op, SumLike):
                attributes.setdefault(place.line, set()).add(ACCUMULATION in op.attributes)
            if isinstance(op, InstructionOp) and op.SPEC.name in names:
                using.add(place.line)
    return attributes, using


@pytest.mark.parametrize("accumulate", [None, "tables"])
def test_analog_first_layers_and_classifiers_bypass_the_tables(accumulate: str | None) -> None:
    text = ANALOG.format(input="currents", pool="avgpool2d")
    attributes, using = chosen_by_line(text, accumulate)
    assert attributes == {2: {False}, 3: {True}, 4: {False}}
    assert using == {3}


def test_first_layers_and_classifiers_fed_with_spikes_have_a_choice() -> None:
    text = ANALOG.format(input="spikes", pool="maxpool2d")
    attributes, _ = chosen_by_line(text, None)
    assert attributes == {2: {True}, 3: {True}, 4: {True}}
    _, using = chosen_by_line(text, "tables")
    assert using == {2, 3, 4}


def test_a_machine_without_tables_has_none_to_choose(tmp_path: Path) -> None:
    text = MACHINES / "h2learn.toml"
    lines = [line for line in text.read_text().splitlines() if not line.startswith("table_width")]
    path = tmp_path / "plain.toml"
    path.write_text("\n".join(lines))
    module = Parser(new_context(), LAYER).parse_module()
    attach_machine(module, load_machine(path))
    FuseLutsPass().apply(new_context(), module)
    assert all(choice.way.data is not Way.TABLES for choice in choices(module))
    with pytest.raises(DiagnosticError, match=r"tables of 4 inputs, .* has none \[E0302\]"):
        FuseLutsPass(width=4).apply(new_context(), module)


@pytest.mark.parametrize(
    ("steps", "widest"),
    [(512, 4), (513, 3), (768, 3), (769, 2), (4000, None)],
)
def test_tables_that_do_not_fit_with_one_sample_are_not_chosen(
    steps: int, widest: int | None
) -> None:
    """All steps of a vector are looked up together: each takes 256 x 2^n / n bytes."""
    text = LONG.format(steps=steps)
    module = fused(FuseLutsPass(engines=("wue",)), text)
    (choice,) = choices(module)
    assert choice.way.data is (Way.EVENTS if widest is None else Way.TABLES)
    assert choice.table_width == (widest or 0)
    LowerToEnginePass().apply(new_context(), module)


def test_tables_that_are_asked_for_and_do_not_fit_are_one_clear_error() -> None:
    module = fused(FuseLutsPass(accumulate="tables", engines=("wue",)), LONG.format(steps=5000))
    with pytest.raises(DiagnosticError, match=r"of update_tables even .* `tables` .*\[E0302\]"):
        LowerToEnginePass().apply(new_context(), module)


def test_a_machine_with_tables_says_what_they_cost(tmp_path: Path) -> None:
    text = MACHINES / "h2learn.toml"
    lines = [
        line
        for line in text.read_text().splitlines()
        if "fJ/byte" not in line or "_sram" in line or "dram" in line
    ]
    path = tmp_path / "free.toml"
    path.write_text("\n".join(lines))
    with pytest.raises(DiagnosticError, match=r"energy table `aladdin` must say what .*E0301"):
        load_machine(path)


@pytest.mark.parametrize(
    ("entries", "groups", "message"),
    [
        (3, 40, "a table has a constant power of two of entries, 2 to 256, not 3"),
        (512, 40, "a table has a constant power of two of entries, 2 to 256, not 512"),
        (4, 3, "3 groups of 2 take 6 cells, but there are 8 of inputs"),
    ],
)
def test_the_validator_knows_tables(entries: int, groups: int, message: str) -> None:
    builder = StreamBuilder()
    weight = builder.buffer("w", Element.F32, (1, 1, 8, 16), "weight_sram", 0)
    tables = builder.buffer("t", Element.F32, (1, 40, 512, 16), "forward_tables", 0)
    builder.emit("clear", {"target": Slice(weight)}, (1, 1, 8, 16))
    operands = {"tables": Slice(tables), "weight": Slice(weight)}
    builder.emit("build_tables", operands, (1, 8, 16, groups, entries))
    with pytest.raises(DiagnosticError, match=message):
        validate(builder.finish(), dict.fromkeys(default_machine().memory_bytes, 1 << 28))
