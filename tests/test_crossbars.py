"""`cluster-crossbars`: networks of the language, the IR, and the command for bare lists."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from xdsl.context import Context

from spikeloom.command_line import main
from spikeloom.compiler import new_context
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.snn import NetworkOp
from spikeloom.dialects.snn.crossbars import CrossbarsOp
from spikeloom.frontend.program import parse_program
from spikeloom.ir_checks import verify_module
from spikeloom.ir_text import parse_ir
from spikeloom.passes.cluster_crossbars import ClusterCrossbarsPass, clustered
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.network import NetworkConnections, connections_of_network
from spikeloom.passes.clustering.strategy import Strategy, Unrolling
from spikeloom.passes.infer_shapes import InferShapesPass

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def network_of(text: str) -> NetworkOp:
    module = parse_program(text, "program.snn")
    InferShapesPass().apply(new_context(), module)
    return next(op for op in module.ops if isinstance(op, NetworkOp))


def read(text: str) -> NetworkConnections:
    return connections_of_network(network_of(text))


def inputs(found: NetworkConnections, layer: str) -> list[list[str]]:
    """What feeds every neuron of a layer, by name."""
    (neurons,) = [each.neurons for each in found.layers if each.name == layer]
    connections = found.connections
    return [[found.name_of(s) for s in connections.inputs_of(n).tolist()] for n in neurons]


def units(layer: str, *numbers: int) -> list[str]:
    return [f"{layer}[{number}]" for number in numbers]


def after_pass(program: str, **options: object) -> CrossbarsOp:
    module = parse_program(program, "program.snn")
    InferShapesPass().apply(new_context(), module)
    ClusterCrossbarsPass(**options).apply(new_context(), module)
    verify_module(module)
    return next(op for op in module.ops if isinstance(op, CrossbarsOp))


DENSE = "network n(x: spikes[3]) -> spikes[2] { return lif(linear(x, 2)) }"


def test_a_linear_layer_connects_everything() -> None:
    assert inputs(read(DENSE), "output") == [units("x", 0, 1, 2)] * 2


def test_a_window_sees_its_pixels_and_pools_vanish_into_it() -> None:
    found = read(
        """network n(x: spikes[1, 4, 4]) -> spikes[2] {
            a = lif(conv2d(x, 2, kernel = 3))
            return lif(linear(flatten(avgpool2d(a, 2)), 2))
        }"""
    )
    assert inputs(found, "a")[0] == units("x", 0, 1, 4, 5)
    assert inputs(found, "a")[16 + 5] == units("x", 0, 1, 2, 4, 5, 6, 8, 9, 10)
    assert inputs(found, "output")[0] == units("a", *range(32))


def test_a_convolution_behind_a_mean_sees_the_pixels_of_all_windows() -> None:
    found = read(
        """network n(x: spikes[1, 4, 4]) -> spikes[1, 1, 1] {
            return lif(conv2d(avgpool2d(x, 2), 1, kernel = 2, padding = 0))
        }"""
    )
    assert inputs(found, "output") == [units("x", *range(16))]


def test_a_maximum_of_spikes_is_a_neuron() -> None:
    found = read(
        """network n(x: spikes[1, 2, 4]) -> spikes[1] {
            return lif(linear(flatten(maxpool2d(x, 2)), 1))
        }"""
    )
    assert [len(layer.neurons) for layer in found.layers] == [8, 2, 1]
    pool = found.layers[1].name
    assert inputs(found, pool) == [units("x", 0, 1, 4, 5), units("x", 2, 3, 6, 7)]
    assert inputs(found, "output") == [units(pool, 0, 1)]


def test_sums_concatenations_and_batchnorm_are_synapses() -> None:
    found = read(
        """network n(x: spikes[2]) -> spikes[2] {
            a = lif(linear(x, 2))
            b = lif(batchnorm(linear(a, 2)) + linear(x, 2) + a)
            return lif(linear(concat(a, b), 2))
        }"""
    )
    assert inputs(found, "b") == [units("x", 0, 1) + units("a", 0, 1)] * 2
    assert inputs(found, "output") == [units("a", 0, 1) + units("b", 0, 1)] * 2


def test_a_residual_sum_adds_one_synapse_to_each_neuron() -> None:
    found = read(
        """network n(x: spikes[1, 3, 3]) -> spikes[1, 3, 3] {
            a = lif(conv2d(x, 1, kernel = 1))
            return lif(conv2d(a, 1, kernel = 1) + x)
        }"""
    )
    assert inputs(found, "output") == [units("x", i) + units("a", i) for i in range(9)]


def test_spikes_behind_previous_are_delayed() -> None:
    found = read(
        """network n(x: spikes[2]) -> spikes[3] {
            h = lif(linear(x, 3) + linear(previous(h), 3, bias = false))
            return h
        }"""
    )
    assert [(layer.name, layer.delay) for layer in found.layers] == [("x", 0), ("h", 1)]
    assert inputs(found, "h") == [units("x", 0, 1) + units("h", 0, 1, 2)] * 3


def test_spikes_used_at_several_times_are_carried_by_relays() -> None:
    found = read(
        """network n(x: spikes[2]) -> spikes[1] {
            return lif(linear(x, 1) + linear(previous(previous(x)), 1, bias = false))
        }"""
    )
    layers = [(layer.name, layer.delay) for layer in found.layers]
    assert layers == [("x", 0), ("x.delayed", 2), ("output", 0)]
    assert inputs(found, "x.delayed") == [units("x", 0), units("x", 1)]
    assert inputs(found, "output") == [units("x", 0, 1) + units("x.delayed", 0, 1)]


def test_currents_that_depend_on_their_own_past_are_an_error() -> None:
    text = """network n(x: spikes[2]) -> spikes[2] {
        a = linear(x, 2) + previous(a)
        return lif(a)
    }"""
    with pytest.raises(DiagnosticError, match="without a neuron between"):
        read(text)


def test_an_output_of_currents_is_computed_too() -> None:
    found = read("network n(x: spikes[2]) -> currents[1] { return linear(lif(linear(x, 2)), 1) }")
    assert [len(layer.neurons) for layer in found.layers] == [2, 2, 1]


@pytest.mark.parametrize("program", ["digits", "memory", "match", "readout", "conv_digits"])
def test_examples_are_clustered_level_by_level(program: str) -> None:
    network = network_of((EXAMPLES / f"{program}.snn").read_text(encoding="utf-8"))
    found, clustering = clustered(network, Limits(destinations=8))
    assert clustering.cluster_of.max() + 1 == clustering.clusters
    assert clustering.network.original == found.connections.neurons


def test_a_wide_recurrent_layer_does_not_take_a_crossbar_for_each_partial_sum() -> None:
    network = network_of((EXAMPLES / "memory.snn").read_text(encoding="utf-8"))
    assert clustered(network, Limits())[1].clusters <= 40


@pytest.mark.parametrize(
    "options",
    [{}, {"inputs": 16, "outputs": 8}, {"inputs": 16, "destinations": 2}, {"unroll": "chain"}],
)
def test_the_ir_of_a_clustering_round_trips(options: dict[str, object]) -> None:
    program = (EXAMPLES / "match.snn").read_text(encoding="utf-8")
    text = str(after_pass(program, **options).parent_op())
    module = parse_ir(new_context(), text, "again.mlir")
    verify_module(module)
    assert str(module) == text


def test_clustering_again_replaces_the_first() -> None:
    module = parse_program(DENSE, "program.snn")
    context: Context = new_context()
    InferShapesPass().apply(context, module)
    for most in (2, 3):
        ClusterCrossbarsPass(inputs=most).apply(context, module)
    found = [op for op in module.ops if isinstance(op, CrossbarsOp)]
    assert [op.limits.limits["inputs"] for op in found] == [3]


def test_the_size_of_the_ir_depends_on_clusters_not_on_neurons() -> None:
    small, large = (
        len(str(after_pass(DENSE.replace("2", str(n)), inputs=8, outputs=n)).splitlines())
        for n in (20, 2000)
    )
    assert small == large


def test_spikes_come_from_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    share = [30, 100]
    profile = {
        "network": "n",
        "steps": 10,
        "input": [50, 100],
        "layers": {"h": {"spikes": share, "mask": [0, 0], "gradients": [0, 0]}},
    }
    path.write_text(json.dumps({"profile": profile}), encoding="utf-8")
    program = """network n(x: spikes[3]) -> spikes[2] {
        h = lif(linear(x, 4))
        return lif(linear(h, 2))
    }"""
    found = after_pass(program, profile=str(path))
    assert [link.spikes.value.data for link in found.links] == [12]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"strategy": "grwo"}, "E0405", "there is no such strategy"),
        ({"unroll": "never"}, "E0405", "there is no such unroll"),
        (
            {"inputs": 2, "unroll": "none"},
            "E0306",
            "output[0] has 3 inputs, but a crossbar",
        ),
        ({"inputs": 1}, "E0306", "inputs=1 leaves no room"),
        ({"profile": "/nowhere"}, "E0401", "cannot read"),
    ],
)
def test_what_does_not_fit_is_one_error_with_a_remedy(
    options: dict[str, object], code: str, words: str
) -> None:
    with pytest.raises(DiagnosticError) as caught:
        after_pass(DENSE, **options)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert words in diagnostic.message
    assert diagnostic.help


def test_unknown_shapes_are_an_error() -> None:
    module = parse_ir(
        new_context(),
        """builtin.module {
          snn.network @n(%x: tensor<3xi1>) -> tensor<*xf32> {
            snn.parameter @w : tensor<2x?xf32> fan_in 3
            %0 = snn.linear %x, @w : tensor<3xi1> -> tensor<*xf32>
            snn.return %0 : tensor<*xf32>
          }
        }""",
        "open.mlir",
    )
    network = next(op for op in module.ops if isinstance(op, NetworkOp))
    with pytest.raises(DiagnosticError, match="E0204"):
        clustered(network, Limits(), Unrolling.AUTO)


def test_the_command_writes_clusters_of_a_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connections, spikes = tmp_path / "c.txt", tmp_path / "s.txt"
    connections.write_text("0 6\n1 6 7 8\n2 7 8\n3 7\n4 7 8\n5 7 8\n", encoding="ascii")
    spikes.write_text("\n".join(f"{n} " + "1 " * (n + 1) for n in range(9)), encoding="ascii")
    out = tmp_path / "o.json"
    arguments = [str(connections), "--spikes", str(spikes), "--inputs", "4", "--outputs", "4"]
    assert main(["cluster", *arguments, "--json", str(out)]) == 0
    answer = json.loads(out.read_text(encoding="utf-8"))
    assert answer["crossbars"] == len(answer["clusters"]) == 3
    computed = [n for each in answer["clusters"] for n in each["computes"]]
    assert sorted(computed) == [6, 7, 8, 9]
    assert answer["spikes_between"] == sum(link[2] for link in answer["links"])
    (element,) = answer["elements"]
    assert element["neuron"] == 7
    assert "crossbars       3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no connections"),
        ("0 1\n2 x\n", "c.txt:2:1: error: `x` is no neuron"),
        ("0 -1\n", "`-1` is no neuron"),
        ("0 99999999999999\n", "is no neuron"),
        ("0 1\n\xe9\n", "c.txt:2:1: error: this is no list of numbers"),
    ],
)
def test_lists_that_cannot_be_read_name_the_place(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.txt"
    path.write_text(text, encoding="latin-1")
    assert main(["cluster", str(path)]) == 1
    assert words in capsys.readouterr().err


def test_the_published_strategy_runs_from_the_command(tmp_path: Path) -> None:
    path, out = tmp_path / "c.txt", tmp_path / "o.json"
    rng = np.random.default_rng(0)
    lines = [f"{n} {' '.join(map(str, rng.choice(60, 20)))}" for n in range(60)]
    path.write_text("\n".join(lines), encoding="ascii")
    crossbars: dict[str, int] = {}
    for strategy in ("published", "grow"):
        options = ["--inputs", "16", "--strategy", strategy, "--json", str(out)]
        assert main(["cluster", str(path), *options]) == 0
        crossbars[strategy] = json.loads(out.read_text(encoding="utf-8"))["crossbars"]
    assert crossbars["grow"] <= crossbars["published"]


@pytest.mark.parametrize("example", ["match", "memory", "digits"])
def test_by_the_published_strategy_no_spikes_run_in_a_circle_within_a_time_step(
    example: str,
) -> None:
    network = network_of((EXAMPLES / f"{example}.snn").read_text())
    _, found = clustered(network, Limits(64, 64), Unrolling.CHAIN, Strategy.PUBLISHED)
    delays = found.network.connections.delays
    assert delays is not None
    levels = found.network.levels
    for cluster in range(found.clusters):
        assert len(set(levels[found.members(cluster)].tolist())) == 1
