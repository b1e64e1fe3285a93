"""Every operation knows its place in the program, through every pass and through text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from ir_stages import FILE, printed, stages
from random_networks import random_network
from xdsl.dialects.builtin import FileLineColLoc, ModuleOp
from xdsl.ir import Attribute, Operation

from spikeloom.backend.stream.encode import encode_program
from spikeloom.compiler import new_context
from spikeloom.dialects.engine import MachineOp, ProgramOp
from spikeloom.ir_text import parse_ir

WORDS = ("network", "train", "return", "lif", "if", "li", "linear", "flatten", "previous")


def located(module: ModuleOp) -> list[Operation]:
    """All operations that come from the program, which the machine does not."""
    return [op for op in module.walk() if not isinstance(op, MachineOp)]


def places(module: ModuleOp) -> list[Attribute]:
    return [op.location for op in module.walk()]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 100_000))
def test_every_operation_points_into_the_program(seed: int) -> None:
    network = random_network(seed)
    text = network.text()
    lines = text.split("\n")
    for name, module in stages(text, steps=network.steps, batch=network.batch):
        for op in located(module):
            place = op.location
            assert isinstance(place, FileLineColLoc), (name, op.name)
            assert place.filename.data == FILE
            line = lines[place.line.data - 1]
            assert 1 <= place.column.data <= len(line), (name, op.name)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(0, 100_000))
def test_places_survive_printing_and_parsing(seed: int) -> None:
    network = random_network(seed)
    for name, module in stages(network.text(), steps=network.steps, batch=network.batch):
        if name == "frontend":
            (machine,) = (op for op in module.ops if isinstance(op, MachineOp))
            machine.location = module.location
        text = printed(module, locations=True)
        again = parse_ir(new_context(), text, "ir.mlir")
        assert places(again) == places(module), name
        assert printed(again, locations=True) == text


def test_an_instruction_points_at_the_words_that_caused_it() -> None:
    network = random_network(5)
    text = network.text()
    *_, (name, module) = stages(text, steps=network.steps, batch=network.batch)
    assert name == "lower-to-engine"
    (program,) = (op for op in module.ops if isinstance(op, ProgramOp))
    lines = text.split("\n")
    stream = encode_program(program)
    assert len(stream.locations) > 1
    for location in filter(None, stream.locations):
        file, line, column = location.rsplit(":", 2)
        assert file == FILE
        rest = lines[int(line) - 1][int(column) - 1 :]
        named = rest.startswith((*WORDS, "+"))
        assert named or lines[int(line) - 1].startswith(WORDS), location
