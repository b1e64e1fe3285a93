"""What a correct program becomes: operations, names, defaults, locations."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.ir import Operation
from xdsl.parser import Parser

from spikeloom.dialects.locations import location_of
from spikeloom.dialects.neuron import NeuronAttr, Reset, SurrogateKind
from spikeloom.dialects.snn import (
    SNN,
    AddOp,
    LifOp,
    LinearOp,
    LiOp,
    NetworkOp,
    PreviousOp,
    TrainOp,
)
from spikeloom.frontend.program import parse_program, parse_program_bytes

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.snn"))

TRAIN = """
train n {
    data = random(rate = 0.1, classes = 4, samples = 16)
    steps = 5  batch = 4  epochs = 1
    loss = mse
    optimizer = sgd(rate = 0.1)
}
"""


def parse(body: str, head: str = "network n(x: spikes[8]) -> spikes[4]") -> NetworkOp:
    return network_of(parse_program(f"{head} {{\n{body}\n}}\n", "n.snn"))


def network_of(module: ModuleOp) -> NetworkOp:
    (network,) = (op for op in module.ops if isinstance(op, NetworkOp))
    return network


def neuron(arguments: str, function: str = "lif") -> NeuronAttr:
    network = parse(f"return {function}(linear(x, 4){arguments})")
    (lif,) = (op for op in network.walk() if isinstance(op, LifOp))
    return lif.neuron


def train(**changes: str) -> TrainOp:
    text = TRAIN
    for key, value in changes.items():
        line = next(line for line in text.splitlines() if line.strip().startswith(key))
        text = text.replace(line, f"    {key} = {value}")
    return training("network n(x: spikes[8]) -> spikes[4] { return lif(linear(x, 4)) }" + text)


def training(program: str) -> TrainOp:
    (op,) = (op for op in parse_program(program, "n.snn").ops if isinstance(op, TrainOp))
    return op


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_become_one_network_and_its_training(example: Path) -> None:
    module = parse_program_bytes(example.read_bytes(), example.name)
    assert [type(op) for op in module.ops] == [NetworkOp, TrainOp]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_ir_of_examples_reads_back(example: Path) -> None:
    module = parse_program_bytes(example.read_bytes(), example.name)
    context = Context()
    context.load_dialect(Builtin)
    context.load_dialect(SNN)
    assert str(Parser(context, str(module)).parse_module()) == str(module)


def test_digits_example_as_ir() -> None:
    (digits,) = (path for path in EXAMPLES if path.stem == "digits")
    neuron = "<decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)>"
    expected = f"""\
builtin.module {{
  snn.network @digits(%image: tensor<64xi1>) -> tensor<10xi1> {{
    snn.parameter @hidden.weight : tensor<128x64xf32> fan_in 64
    snn.parameter @hidden.bias : tensor<128xf32> fan_in 64
    snn.parameter @output.weight : tensor<10x128xf32> fan_in 128
    snn.parameter @output.bias : tensor<10xf32> fan_in 128
    %0 = snn.linear %image, @hidden.weight, @hidden.bias : tensor<64xi1> -> tensor<128xf32>
    %hidden = snn.lif %0 {neuron} layer "hidden" : tensor<128xf32> -> tensor<128xi1>
    %1 = snn.linear %hidden, @output.weight, @output.bias : tensor<128xi1> -> tensor<10xf32>
    %output = snn.lif %1 {neuron} layer "output" : tensor<10xf32> -> tensor<10xi1>
    snn.return %output : tensor<10xi1>
  }}
  snn.train @digits steps 16 batch 64 epochs 20 seed 1 loss cross_entropy \
optimizer <adam, rate 0.002> data <digits {{encode = "rate", test = 2.000000e-01 : f64}}>
}}"""
    assert str(parse_program_bytes(digits.read_bytes(), "digits.snn")) == expected


def test_recurrence_closes_a_cycle_through_previous() -> None:
    network = parse("h = lif(linear(x, 4) + linear(previous(h), 4, bias = false))\nreturn h")
    (previous,) = (op for op in network.walk() if isinstance(op, PreviousOp))
    (lif,) = (op for op in network.walk() if isinstance(op, LifOp))
    assert previous.value is lif.spikes
    assert list(network.parameters()) == ["h.1.weight", "h.1.bias", "h.2.weight"]


def test_only_previous_uses_values_from_further_down() -> None:
    network = parse(
        "a = lif(linear(previous(lif(linear(b, 4) + linear(previous(a), 4))), 4))\n"
        "b = lif(linear(x, 4) + linear(a, 4))\nreturn b"
    )
    order = {op: number for number, op in enumerate(network.body.block.ops)}
    for op in order:
        for operand in op.operands:
            if isinstance(operand.owner, Operation) and not isinstance(op, PreviousOp):
                assert order[operand.owner] < order[op]


def test_parameters_and_layers_of_one_statement_are_numbered_in_the_order_of_the_text() -> None:
    network = parse("h = lif(linear(lif(linear(x, 6)), 5))\nreturn lif(linear(h, 4))")
    shapes = {name: op.type.get_shape() for name, op in network.parameters().items()}
    assert shapes == {
        "h.1.weight": (5, 6),
        "h.1.bias": (5,),
        "h.2.weight": (6, 8),
        "h.2.bias": (6,),
        "output.weight": (4, 5),
        "output.bias": (4,),
    }
    layers = [op.layer.data for op in network.walk() if isinstance(op, LifOp)]
    assert layers == ["h.2", "h.1", "output"]


def test_returned_name_keeps_its_statement_name() -> None:
    network = parse("output = lif(linear(x, 4))\nreturn output")
    assert list(network.parameters()) == ["output.weight", "output.bias"]


def test_names_may_be_given_twice_over_by_assignment() -> None:
    network = parse("h = lif(linear(x, 4))\ng = h\nreturn g")
    assert [op.layer.data for op in network.walk() if isinstance(op, LifOp)] == ["h"]


def test_sums_are_added_from_left_to_right() -> None:
    network = parse("return lif(linear(x, 4) + (linear(x, 4) + linear(x, 4)) + linear(x, 4))")
    sums = [op for op in network.walk() if isinstance(op, AddOp)]
    assert len(sums) == 3
    assert sums[1].left.owner is not sums[0]
    assert [sums[1].right.owner, sums[2].left.owner] == [sums[0], sums[1]]


def test_neuron_defaults() -> None:
    assert neuron("") == NeuronAttr.get(
        decay=0.5,
        threshold=0.5,
        reset=Reset.ZERO,
        surrogate=SurrogateKind.RECTANGLE,
        shape=0.5,
        gain=1.0,
        detach_reset=False,
    )


def test_if_is_a_lif_that_keeps_its_potential() -> None:
    assert neuron("", function="if") == neuron(", decay = 1")


def test_neuron_arguments() -> None:
    given = neuron(", decay = 0.9, threshold = 1, reset = subtract, detach_reset = true")
    assert given == NeuronAttr.get(
        decay=0.9, threshold=1.0, reset=Reset.SUBTRACT, detach_reset=True
    )
    assert neuron(", reset = none") == NeuronAttr.get(reset=Reset.NONE)


@pytest.mark.parametrize(
    ("written", "kind", "shape", "gain"),
    [
        ("rectangle", SurrogateKind.RECTANGLE, 0.5, 1.0),
        ("rectangle(0.25)", SurrogateKind.RECTANGLE, 0.25, 1.0),
        ("rectangle(gain = 2, half_width = 0.25)", SurrogateKind.RECTANGLE, 0.25, 2.0),
        ("triangle()", SurrogateKind.TRIANGLE, 0.5, 1.0),
        ("triangle(1, 3)", SurrogateKind.TRIANGLE, 1.0, 3.0),
        ("fast_sigmoid", SurrogateKind.FAST_SIGMOID, 25.0, 1.0),
        ("fast_sigmoid(slope = 10)", SurrogateKind.FAST_SIGMOID, 10.0, 1.0),
        ("atan", SurrogateKind.ATAN, 2.0, 1.0),
        ("atan(4.5)", SurrogateKind.ATAN, 4.5, 1.0),
    ],
)
def test_surrogates(written: str, kind: SurrogateKind, shape: float, gain: float) -> None:
    expected = NeuronAttr.get(surrogate=kind, shape=shape, gain=gain)
    assert neuron(f", surrogate = {written}") == expected


def test_readout_and_flatten() -> None:
    head = "network n(x: currents[2, 4]) -> currents[3]"
    network = parse("return li(linear(flatten(x), 3))", head)
    (li,) = (op for op in network.walk() if isinstance(op, LiOp))
    assert li.decay.value.data == 0.5
    assert li.layer.data == "output"
    assert network.parameters()["output.weight"].type.get_shape() == (3, 8)


def test_arguments_may_be_named() -> None:
    network = parse("return lif(i = linear(n = 4, x = x, bias = false))")
    assert list(network.parameters()) == ["output.weight"]


@pytest.mark.parametrize(
    ("setting", "value", "printed"),
    [
        ("optimizer", "sgd(0.1)", "<sgd, rate 0.1, momentum 0.0>"),
        ("optimizer", "sgd(0.1, momentum = 0.9)", "<sgd, rate 0.1, momentum 0.9>"),
        ("optimizer", "adam(rate = 1e-3)", "<adam, rate 0.001>"),
        ("optimizer", "adamw(rate = 1, decay = 0)", "<adamw, rate 1.0, decay 0.0>"),
        ("data", 'file("x.npz")', '<file {path = "x.npz", test = 2.000000e-01 : f64}>'),
        ("data", 'file("x.npz", test = 0)', '<file {path = "x.npz", test = 0.000000e+00 : f64}>'),
        ("loss", "cross_entropy", "loss cross_entropy"),
    ],
)
def test_training_settings(setting: str, value: str, printed: str) -> None:
    assert printed in str(train(**{setting: value}))


def test_seed_defaults_to_zero() -> None:
    assert train().seed.value.data == 0


def test_encoding_may_stand_on_a_line_of_its_own() -> None:
    head = "network n(x: spikes[8, 8]) -> spikes[10] { return lif(linear(flatten(x), 10)) }"
    inside = head + TRAIN.replace(
        "random(rate = 0.1, classes = 4, samples = 16)", "digits(encode = latency)"
    )
    outside = head + TRAIN.replace(
        "random(rate = 0.1, classes = 4, samples = 16)", "digits() encode = latency"
    )
    assert str(training(inside)) == str(training(outside))


def test_every_operation_knows_its_place() -> None:
    program = (
        "network n(x: spikes[8]) -> spikes[4] {\n"
        "    h = lif(linear(x, 4) +\n"
        "            linear(previous(h), 4))\n"
        "    return h\n"
        "}\n"
    )
    network = network_of(parse_program(program, "n.snn"))
    places = {op.name: str(location_of(op)) for op in network.walk() if op.results}
    assert places == {
        "snn.linear": "n.snn:3:13",
        "snn.previous": "n.snn:3:20",
        "snn.add": "n.snn:2:26",
        "snn.lif": "n.snn:2:9",
    }
    assert str(location_of(network.returned)) == "n.snn:4:5"
    assert str(location_of(network)) == "n.snn:1:9"


def test_values_are_named_after_statements() -> None:
    network = parse("h_1 = lif(linear(x, 4))\n_2 = lif(linear(h_1, 4))\nreturn _2")
    assert network.body.block.args[0].name_hint == "x"
    assert [op.spikes.name_hint for op in network.walk() if isinstance(op, LifOp)] == ["h", None]


def test_line_ends_comments_and_a_byte_order_mark_mean_nothing() -> None:
    program = b"network n(x: spikes[8],) -> spikes[4] { # ends\r\n return lif(linear(x, 4,)) }"
    plain = b"network n(x: spikes[8]) -> spikes[4] { return lif(linear(x, 4)) }"
    with_mark = parse_program_bytes(b"\xef\xbb\xbf" + program, "n.snn")
    assert str(with_mark) == str(parse_program_bytes(plain, "n.snn"))


def test_size_of_the_ir_does_not_depend_on_steps_or_batch() -> None:
    def length(steps: str, batch: str) -> int:
        return len(list(train(steps=f"{steps} batch = {batch} epochs = 1").walk()))

    assert length("4", "1") == length("400", "1024")


def test_linear_of_currents_is_an_analog_first_layer() -> None:
    network = parse("return lif(linear(x, 4))", "network n(x: currents[8]) -> spikes[4]")
    (linear,) = (op for op in network.walk() if isinstance(op, LinearOp))
    assert str(linear.input.type) == "tensor<8xf32>"
