"""IR is text: what is printed is read back as the same, on every level and in both syntaxes."""

from __future__ import annotations

import pytest
from bptt_gradients import expanded_step
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_stages import printed, stages
from random_image_networks import random_image_network
from random_networks import COMBINATIONS, random_network
from xdsl.dialects.builtin import FunctionType, ModuleOp, TensorType, f32, i1
from xdsl.ir import Block, Region

from spikeloom.compiler import new_context
from spikeloom.dialects.neuron import NeuronAttr
from spikeloom.dialects.snn import LifOp, NetworkOp, ReturnOp
from spikeloom.ir_text import parse_ir


def read(text: str) -> ModuleOp:
    module = parse_ir(new_context(), text, "ir.mlir")
    module.verify()
    return module


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 100_000))
def test_every_level_survives_printing_and_parsing(seed: int) -> None:
    network = random_network(seed)
    for name, module in stages(network.text(), steps=network.steps, batch=network.batch):
        custom, generic = printed(module), printed(module, generic=True)
        for text in (custom, generic):
            again = read(text)
            assert printed(again) == custom, name
            assert printed(again, generic=True) == generic, name


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 100_000))
def test_training_steps_of_images_survive_printing_and_parsing(seed: int) -> None:
    module, _ = expanded_step(random_image_network(seed))
    custom, generic = printed(module), printed(module, generic=True)
    for text in (custom, generic):
        again = read(text)
        assert printed(again) == custom
        assert printed(again, generic=True) == generic


@pytest.mark.parametrize("seed", range(len(COMBINATIONS)))
def test_every_neuron_survives_printing_and_parsing(seed: int) -> None:
    network = random_network(seed, optimizer="adamw(rate = 0.01, decay = 0.1)")
    _, module = next(stages(network.text(), steps=network.steps, batch=network.batch))
    assert printed(read(printed(module, generic=True))) == printed(module)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(0.0, 1.0), st.floats(allow_nan=False, allow_infinity=False), st.text())
def test_numbers_and_texts_are_kept_exactly(decay: float, threshold: float, layer: str) -> None:
    block = Block(arg_types=[TensorType(f32, [4])])
    neuron = NeuronAttr.get(decay=decay, threshold=threshold)
    lif = LifOp(block.args[0], neuron, layer, TensorType(i1, [4]))
    block.add_ops([lif, ReturnOp(lif.spikes)])
    signature = FunctionType.from_lists([TensorType(f32, [4])], [TensorType(i1, [4])])
    module = ModuleOp([NetworkOp("n", signature, Region(block))])
    for generic in (False, True):
        (network,) = read(printed(module, generic=generic)).ops
        assert isinstance(network, NetworkOp)
        again = network.body.block.first_op
        assert isinstance(again, LifOp)
        assert (again.neuron, again.layer.data) == (neuron, layer)
