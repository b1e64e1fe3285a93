"""Images: shapes as PyTorch has them, sums, names and starts of parameters."""

from __future__ import annotations

import pytest
from small_programs import layers, names, only, parse
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import VerifyException

from spikeloom.backend.host.plan import ParameterPlan
from spikeloom.backend.host.task import describe
from spikeloom.dialects.snn import AddOp, Conv2dOp, NetworkOp, Pool2dOp, known_shape
from spikeloom.dialects.window import WindowAttr


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
