"""Images and blocks: shapes as PyTorch has them, names, arguments, hygiene."""

from __future__ import annotations

from typing import TypeVar

import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from spikeloom.backend.host.plan import ParameterPlan
from spikeloom.backend.host.task import describe
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import (
    AddOp,
    Conv2dOp,
    LifOp,
    LinearOp,
    NetworkOp,
    ParametricOperation,
    Pool2dOp,
    PreviousOp,
    known_shape,
)
from spikeloom.dialects.window import WindowAttr
from spikeloom.frontend.program import parse_program

Op = TypeVar("Op", bound=Operation)


def parse(body: str, *, before: str = "", takes: str = "spikes[3, 9, 8]") -> NetworkOp:
    """The network with that body; its output is made to fit whatever `y` is."""
    lines = [before, f"network n(x: {takes}) -> spikes[4] {{", body]
    lines += ["    return lif(linear(flatten(y), 4))", "}"]
    (network,) = parse_program("\n".join(lines), "n.snn").ops
    assert isinstance(network, NetworkOp)
    return network


def only(network: NetworkOp, kind: type[Op]) -> Op:
    (found,) = (op for op in network.walk() if isinstance(op, kind))
    return found


def names(network: NetworkOp) -> list[str]:
    return [name for name in network.parameters() if not name.startswith("output.")]


def layers(network: NetworkOp) -> list[str]:
    return [op.layer.data for op in network.walk() if isinstance(op, LifOp)]


@pytest.mark.parametrize(
    ("arguments", "window", "rows", "columns"),
    [
        ("", (3, 1, 1), 9, 8),
        (", stride = 2", (3, 2, 1), 5, 4),
        (", kernel = 1", (1, 1, 0), 9, 8),
        (", kernel = 5, stride = 3", (5, 3, 2), 3, 3),
        (", kernel = 7, stride = 2", (7, 2, 3), 5, 4),
        (", kernel = 2", (2, 1, 0), 9, 8),
        (", kernel = 4, stride = 2", (4, 2, 1), 5, 4),
        (", kernel = 11", (11, 1, 5), 9, 8),
        (", padding = 0", (3, 1, 0), 7, 6),
        (", padding = 2", (3, 1, 2), 11, 10),
        (", kernel = 2, padding = 0", (2, 1, 0), 8, 7),
        (", kernel = 4, padding = 1, stride = 2", (4, 2, 1), 4, 4),
        (", kernel = 8, padding = 0", (8, 1, 0), 2, 1),
    ],
)
def test_windows_of_convolutions(
    arguments: str, window: tuple[int, int, int], rows: int, columns: int
) -> None:
    network = parse(f"y = conv2d(x, 5{arguments})")
    convolution = only(network, Conv2dOp)
    assert convolution.window == WindowAttr.get(*window)
    assert known_shape(convolution.result) == (5, rows, columns)
    kernel = window[0]
    assert convolution.parameter("y.weight").type.get_shape() == (5, 3, kernel, kernel)
    assert convolution.parameter("y.bias").type.get_shape() == (5,)
    for name in convolution.parameter_names:
        fan_in = convolution.parameter(name).fan_in
        assert fan_in is not None
        assert fan_in.value.data == 3 * kernel**2


@pytest.mark.parametrize(
    ("call", "kind", "element", "shape"),
    [
        ("sumpool2d(x, 2)", "sum", "f32", (3, 4, 4)),
        ("avgpool2d(x, 3)", "avg", "f32", (3, 3, 2)),
        ("maxpool2d(x, 3, stride = 2)", "max", "i1", (3, 4, 3)),
        ("maxpool2d(conv2d(x, 2), 2)", "max", "f32", (2, 4, 4)),
        ("sumpool2d(x, 1, stride = 4)", "sum", "f32", (3, 3, 2)),
    ],
)
def test_pools(call: str, kind: str, element: str, shape: tuple[int, ...]) -> None:
    pool = only(parse(f"y = {call}"), Pool2dOp)
    assert pool.kind.data.value == kind
    assert known_shape(pool.pooled) == shape
    assert str(pool.result_element) == element


@pytest.mark.parametrize("sum", ["a + x", "x + a", "x + x", "conv2d(x, 3) + x", "x + conv2d(x, 3)"])
def test_sums_of_spikes_and_currents_are_currents(sum: str) -> None:
    body = f"a = lif(conv2d(x, 3))\ny = {sum}" if "a" in sum else f"y = {sum}"
    added = only(parse(body), AddOp)
    assert str(added.result.type) == "tensor<3x9x8xf32>"


def test_every_kind_of_parameter_is_numbered_for_itself() -> None:
    network = parse("y = lif(batchnorm(conv2d(x, 2)) + batchnorm(conv2d(x, 2, bias = false)))")
    assert names(network) == [
        *(f"y.1.{name}" for name in ("scale", "shift", "mean", "variance")),
        "y.1.weight",
        "y.1.bias",
        *(f"y.2.{name}" for name in ("scale", "shift", "mean", "variance")),
        "y.2.weight",
    ]
    assert layers(network) == ["y", "output"]


def test_linear_and_conv2d_are_numbered_together() -> None:
    network = parse("y = lif(linear(flatten(lif(conv2d(x, 2, bias = false))), 3, bias = false))")
    assert names(network) == ["y.1.weight", "y.2.weight"]
    shapes = [op.type.get_shape() for op in network.parameters().values()][:2]
    assert shapes == [(3, 144), (2, 3, 3, 3)]


def test_normalized_vectors_have_four_numbers_per_unit() -> None:
    network = parse("y = lif(batchnorm(linear(x, 5)))", takes="spikes[7]")
    task = describe_network(network)
    found = {p.name: (p.shape, p.fan_in, p.constant, p.running) for p in task}
    assert found["y.scale"] == ((5,), None, 1.0, False)
    assert found["y.shift"] == ((5,), None, 0.0, False)
    assert found["y.mean"] == ((5,), None, 0.0, True)
    assert found["y.variance"] == ((5,), None, 1.0, True)
    assert found["y.weight"] == ((5, 7), 7, None, False)


def describe_network(network: NetworkOp) -> tuple[ParameterPlan, ...]:
    module = network.parent_op()
    assert isinstance(module, ModuleOp)
    return describe(module, "n.snn").parameters


def test_a_parameter_is_found_after_it_was_renamed() -> None:
    network = parse("y = conv2d(x, 2)")
    convolution = only(network, Conv2dOp)
    weight = convolution.parameter("y.weight")
    weight.properties["sym_name"] = type(weight.sym_name)("other")
    assert convolution.parameter("other") is weight
    with pytest.raises(VerifyException, match="no parameter @y"):
        convolution.parameter("y.weight")


# --- blocks ------------------------------------------------------------------------------

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
