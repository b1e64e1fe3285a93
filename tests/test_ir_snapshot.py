"""A snapshot of the IR differs as soon as anything differs that a verifier looks at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation

from spikeloom.compiler import apply_pipeline
from spikeloom.dialects.bptt import AddOp, StepOp, SynapseOp
from spikeloom.frontend.program import parse_program
from spikeloom.ir_snapshot import snapshot

PROGRAM = """
network tiny(input: spikes[8]) -> currents[4] {
    return linear(input, 4) + linear(input, 4)
}
"""


@pytest.fixture
def module() -> ModuleOp:
    """A step with two synapses and a sum."""
    module = parse_program(PROGRAM, "tiny.snn")
    apply_pipeline(module, "infer-shapes,expand-bptt{training=false steps=2 batch=2}")
    return module


def first(module: ModuleOp, kind: type[Operation]) -> Operation:
    """The first operation of this kind."""
    return next(op for op in module.walk() if isinstance(op, kind))


def exchange_operands(module: ModuleOp) -> None:
    """Adds the other way round."""
    add = first(module, AddOp)
    add.operands = (add.operands[1], add.operands[0])


def rename(module: ModuleOp) -> None:
    """Gives the step another name."""
    first(module, StepOp).properties["sym_name"] = StringAttr("other")


def annotate(module: ModuleOp) -> None:
    """Adds an attribute."""
    first(module, SynapseOp).attributes["note"] = StringAttr("here")


def move(module: ModuleOp) -> None:
    """Moves the first synapse to the end."""
    synapse = first(module, SynapseOp)
    block = synapse.parent
    assert block is not None
    synapse.detach()
    block.add_op(synapse)


@pytest.mark.parametrize("change", [exchange_operands, rename, annotate, move])
def test_every_change_is_seen(module: ModuleOp, change: Callable[[ModuleOp], None]) -> None:
    before = snapshot(module)
    assert snapshot(module) == before
    change(module)
    assert snapshot(module) != before


def test_a_pass_with_nothing_to_do_changes_nothing(module: ModuleOp) -> None:
    before = snapshot(module)
    apply_pipeline(module, "canonicalize,cse,dce")
    assert snapshot(module) == before
