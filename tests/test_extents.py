"""The numbers of a network without its synapses: what they say of it, and that they are true."""

from __future__ import annotations

import pytest
from random_image_networks import random_image_network

from spikeloom.compiler import new_context
from spikeloom.dialects.snn import NetworkOp
from spikeloom.frontend.program import parse_program
from spikeloom.passes.clustering.extents import Bounds, LayerExtent, extents_of_network
from spikeloom.passes.clustering.network import connections_of_network
from spikeloom.passes.infer_shapes import InferShapesPass


def network_of(text: str) -> NetworkOp:
    module = parse_program(text, "program.snn")
    InferShapesPass().apply(new_context(), module)
    return next(op for op in module.ops if isinstance(op, NetworkOp))


def extents(text: str) -> dict[str, LayerExtent]:
    return {each.layer.name: each for each in extents_of_network(network_of(text))}


def exactly(number: int) -> Bounds:
    return Bounds(number, number)


def test_dense_layers_and_windows_over_neurons_are_exact() -> None:
    found = extents(
        """network n(x: spikes[2, 8, 8]) -> spikes[3] {
            a = lif(conv2d(x, 4))
            b = lif(conv2d(avgpool2d(a, 2), 5, padding = 0))
            return lif(linear(flatten(b), 3) + linear(flatten(a), 3))
        }"""
    )
    assert (found["x"].neurons, found["x"].fan_in) == (128, exactly(0))
    # Windows of 3 x 3 over 8 x 8 pixels: along each side 6 of 3 rows and 2 of 2 rows.
    assert found["a"].fan_in == exactly(2 * 9)
    assert found["a"].synapses == exactly(4 * 2 * 22 * 22)
    assert found["b"].fan_in == exactly(4 * 9 * 4)
    assert found["b"].synapses == exactly(5 * 4 * 4 * 9 * 4)
    assert found["output"].fan_in == exactly(5 * 4 + 4 * 64)


def test_windows_of_windows_are_bounded_from_both_sides() -> None:
    found = extents(
        """network n(x: spikes[1, 9, 9]) -> spikes[1, 7, 7] {
            return lif(conv2d(avgpool2d(x, 3, stride = 1), 1))
        }"""
    )
    (fan_in,) = [found["output"].fan_in]
    assert not fan_in.is_exact
    assert fan_in.least <= 25 <= fan_in.most


def test_a_sum_over_the_same_neurons_has_no_more_inputs_than_there_are() -> None:
    text = "network n(x: spikes[6]) -> spikes[2] { return lif(linear(x, 2) + linear(x, 2)) }"
    assert extents(text)["output"].fan_in == exactly(6)


@pytest.mark.parametrize("seed", range(60))
def test_the_bounds_of_any_network_hold(seed: int) -> None:
    network = network_of(random_image_network(seed).text())
    fan_in = connections_of_network(network).connections.fan_in
    for each in extents_of_network(network):
        found = fan_in[each.layer.neurons.start : each.layer.neurons.stop]
        assert each.fan_in.least <= found.max(initial=0) <= each.fan_in.most
        assert each.synapses.least <= found.sum() <= each.synapses.most


def test_a_network_that_no_computer_could_hold_is_counted() -> None:
    found = extents(
        """network n(x: spikes[16777216]) -> spikes[10] {
            a = lif(linear(x, 16777216))
            return lif(linear(a, 10))
        }"""
    )
    assert found["a"].synapses == exactly(2**48)
