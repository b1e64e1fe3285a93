"""Blocks: copies of statements with names, parameters and places of their own."""

from __future__ import annotations

import pytest
from small_programs import layers, names, only, parse

from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import (
    Conv2dOp,
    LifOp,
    LinearOp,
    NetworkOp,
    ParametricOperation,
    PreviousOp,
)
from spikeloom.frontend.program import parse_program

RESIDUAL = """
block residual(x: spikes, channels, stride = 1) {
    a = lif(conv2d(x, channels, stride = stride))
    return lif(conv2d(a, channels) + conv2d(x, channels, kernel = 1, stride = stride))
}
"""


def test_a_block_becomes_what_its_text_says() -> None:
    called = parse("y = residual(x, 4, stride = 2)", before=RESIDUAL)
    by_hand = parse(
        "a = lif(conv2d(x, 4, stride = 2))\n"
        "y = lif(conv2d(a, 4) + conv2d(x, 4, kernel = 1, stride = 2))"
    )
    assert without_names(called) == without_names(by_hand)
    assert names(called) == [
        *("y.a.weight", "y.a.bias", "y.output.1.weight", "y.output.1.bias"),
        *("y.output.2.weight", "y.output.2.bias"),
    ]
    assert layers(called) == ["y.a", "y.output", "output"]


def without_names(network: NetworkOp) -> list[tuple[str, str, str]]:
    return [
        (
            op.name,
            " ".join(str(value.type) for value in op.operands),
            " ".join(str(value.type) for value in op.results),
        )
        for op in network.body.block.ops
    ]


def test_repetitions_are_numbered_and_feed_each_other() -> None:
    network = parse("y = repeat 3 residual(x, 4)", before=RESIDUAL)
    assert layers(network) == [
        *("y.1.a", "y.1.output", "y.2.a", "y.2.output", "y.3.a", "y.3.output"),
        "output",
    ]
    by_layer = {op.layer.data: op for op in network.walk() if isinstance(op, LifOp)}
    for number in (1, 2):
        users = {use.operation for use in by_layer[f"y.{number}.output"].spikes.uses}
        weights = {op.weight_name for op in users if isinstance(op, Conv2dOp)}
        assert weights == {f"y.{number + 1}.a.weight", f"y.{number + 1}.output.2.weight"}


def test_a_repetition_of_one_has_its_number() -> None:
    assert layers(parse("y = repeat 1 residual(x, 4)", before=RESIDUAL))[0] == "y.1.a"


def test_several_calls_in_one_statement_are_numbered_in_the_order_of_the_text() -> None:
    network = parse("y = repeat 2 residual(residual(x, 4), 5)", before=RESIDUAL)
    assert layers(network) == [
        *("y.2.a", "y.2.output"),
        *("y.1.1.a", "y.1.1.output", "y.1.2.a", "y.1.2.output"),
        "output",
    ]


def test_an_argument_is_computed_once() -> None:
    block = "block twice(x: spikes, y: spikes) { return lif(linear(x, 5) + linear(y, 5)) }"
    network = parse(
        "y = repeat 3 twice(lif(linear(x, 5)), lif(linear(x, 6)))", before=block, takes="spikes[7]"
    )
    assert layers(network) == ["y.1", "y.2", "y.1.output", "y.2.output", "y.3.output", "output"]


def test_names_of_a_block_are_its_own() -> None:
    block = "block layer(a: spikes, n) { b = lif(linear(a, n))  return lif(linear(b, n)) }"
    network = parse(
        "a = lif(linear(x, 6))\nb = layer(a, 5)\ny = layer(b, 4)", before=block, takes="spikes[7]"
    )
    assert layers(network) == ["a", "b.b", "b.output", "y.b", "y.output", "output"]


def test_a_block_may_stand_below_what_calls_it_and_call_others() -> None:
    program = (
        "network n(x: spikes[8]) -> spikes[4] { return outer(x) }\n"
        "block outer(x: spikes) { return inner(inner(x, 6), 4) }\n"
        "block inner(x: spikes, n) { return lif(linear(x, n)) }\n"
    )
    (network,) = parse_program(program, "n.snn").ops
    assert isinstance(network, NetworkOp)
    assert layers(network) == ["output.output.2.output", "output.output.1.output"]


def test_a_recurrent_block_remembers_for_itself() -> None:
    block = """block cell(x: spikes, n) {
        h = lif(linear(x, n) + linear(previous(h), n, bias = false))
        return h
    }"""
    network = parse("y = repeat 2 cell(x, 4)", before=block, takes="spikes[7]")
    delayed = [op.value.owner for op in network.walk() if isinstance(op, PreviousOp)]
    assert [op.layer.data for op in delayed if isinstance(op, LifOp)] == ["y.1.h", "y.2.h"]


def test_words_truths_and_calls_may_be_arguments_of_blocks() -> None:
    block = """block layer(x: spikes, n, bias = true, reset = zero, shape = rectangle(0.5, 1.0)) {
        return lif(linear(x, n, bias = bias), reset = reset, surrogate = shape)
    }"""
    network = parse(
        "y = layer(layer(x, 5), 4, bias = false, reset = subtract, shape = atan(3))",
        before=block,
        takes="spikes[7]",
    )
    first, second, _ = (op.neuron for op in network.walk() if isinstance(op, LifOp))
    assert (first.reset.data.value, first.surrogate.data.value) == ("zero", "rectangle")
    assert (second.reset.data.value, second.surrogate.data.value) == ("subtract", "atan")
    assert names(network) == ["y.2.output.weight", "y.2.output.bias", "y.1.output.weight"]


def test_a_default_may_use_parameters_before_it() -> None:
    block = """block layer(x: spikes, n, inner = n) {
        return lif(linear(lif(linear(x, inner)), n))
    }"""
    network = parse("y = layer(layer(x, 5), 4, inner = 9)", before=block, takes="spikes[7]")
    widths = [op.result.type.get_shape()[0] for op in network.walk() if isinstance(op, LinearOp)]
    assert widths == [5, 5, 9, 4, 4]


def test_a_number_of_repetitions_may_be_an_argument() -> None:
    blocks = """
    block layer(x: spikes, n) { return lif(linear(x, n)) }
    block deep(x: spikes, depth) { return repeat depth layer(x, 5) }
    """
    network = parse("y = deep(x, 3)", before=blocks, takes="spikes[7]")
    assert layers(network) == [*(f"y.output.{n}.output" for n in (1, 2, 3)), "output"]


def test_operations_of_a_block_know_their_line_and_the_calls() -> None:
    program = (
        "block layer(x: spikes) {\n"
        "    return lif(linear(x, 4))\n"
        "}\n"
        "block two(x: spikes) {\n"
        "    return repeat 2 layer(x)\n"
        "}\n"
        "network n(x: spikes[8]) -> spikes[4] {\n"
        "    return two(x)\n"
        "}\n"
    )
    (network,) = parse_program(program, "n.snn").ops
    places = [location_of(op) for op in network.walk() if isinstance(op, LinearOp)]
    assert [str(place) for place in places] == ["n.snn:2:16"] * 2
    for place in places:
        assert place is not None
        assert [str(call) for call in place.calls] == ["n.snn:5:21", "n.snn:8:12"]


def test_the_same_mistake_in_every_repetition_is_told_once() -> None:
    block = "block layer(x: spikes, n) { return lif(linear(x, n)) }"
    with pytest.raises(DiagnosticError) as caught:
        parse("y = repeat 50 layer(x, 0)", before=block, takes="spikes[7]")
    assert len(caught.value.diagnostics) == 1


def test_all_operations_with_parameters_name_them() -> None:
    network = parse("y = repeat 2 residual(x, 4)", before=RESIDUAL)
    used = [
        name
        for op in network.walk()
        if isinstance(op, ParametricOperation)
        for name in op.parameter_names
    ]
    assert sorted(used) == sorted(network.parameters())


def test_a_cycle_may_close_through_a_block() -> None:
    block = "block step(x: spikes, h: spikes) { return lif(linear(x, 5) + linear(h, 5)) }"
    network = parse("y = step(x, previous(y))", before=block, takes="spikes[7]")
    previous = only(network, PreviousOp)
    assert isinstance(previous.value.owner, LifOp)
    assert previous.value.owner.layer.data == "y.output"


def test_words_that_a_block_is_called_with_are_not_its_own_values() -> None:
    block = """block layer(x: spikes, n, mode) {
        zero = lif(linear(x, n))
        return lif(linear(zero, n), reset = mode)
    }"""
    network = parse("y = layer(x, 4, zero)", before=block, takes="spikes[7]")
    assert layers(network) == ["y.zero", "y.output", "output"]


def test_a_parameter_may_be_used_by_a_default_only() -> None:
    block = "block layer(x: spikes, n, width = n) { return lif(linear(x, width)) }"
    assert layers(parse("y = layer(x, 4)", before=block, takes="spikes[7]"))[0] == "y.output"
