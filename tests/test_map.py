"""`spikeloom map`: where everything goes, what it costs, and what does not fit.

After a deliberate change: `pytest tests/test_map.py --update-golden`, and read the difference.
"""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossbar_machines import machine_file, small_machine_file
from programs import INFERENCE, LEARNING, write_program
from random_image_networks import random_image_network

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine, load_crossbar_machine
from spikeloom.command_line import main
from spikeloom.frontend.program import parse_program
from spikeloom.mapping.map_json import mapping_json
from spikeloom.mapping.mapper import MapOptions, map_network
from spikeloom.mapping.mapping import Mapping
from spikeloom.mapping.needs import Wanted
from spikeloom.mapping.program import network_in
from spikeloom.mapping.routes import link_traffic
from spikeloom.mapping.tile_picture import tile_picture
from spikeloom.passes.clustering.network import connections_of_network
from spikeloom.passes.clustering.strategy import Strategy

Captured = pytest.CaptureFixture[str]
Golden = Callable[[Path, str], None]

GOLDEN = Path(__file__).parent / "golden" / "map"
RECURRENT = """network echo(x: spikes[6]) -> spikes[4] {
    hidden = lif(linear(x, 5) + linear(previous(hidden), 5, bias = false))
    return lif(linear(hidden, 4))
}
"""


def command(*arguments: object) -> int:
    return main(["map", *map(str, arguments)])


def refused(capsys: Captured, *arguments: object) -> tuple[str, list[str]]:
    """The first line and the headlines of a mapping that must fail."""
    assert command(*arguments) == 1
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.out, [
        each for each in captured.err.splitlines() if re.search(r"\[E\d+\]$", each)
    ]


def mapped(text: str, machine: CrossbarMachine, steps: int = 4) -> Mapping:
    module = parse_program(text, "net.snn")
    return map_network(
        network_in(module), "net.snn", machine, MapOptions(Wanted(), Strategy.GROW, steps)
    )


def small(tmp_path: Path, **numbers: int | list[int]) -> CrossbarMachine:
    return load_crossbar_machine(small_machine_file(tmp_path, **numbers))


def large(tmp_path: Path) -> CrossbarMachine:
    """Small crossbars, but 400 of them, and connections enough."""
    return small(tmp_path, rows=20, columns=20, connections=4096)


# --- the whole answer --------------------------------------------------------------------


def test_tables_json_and_picture_of_a_small_program(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, assert_golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    small_machine_file(tmp_path, broken=[1])
    Path("echo.snn").write_text(RECURRENT)
    names = ("echo.snn", "--machine", "small.toml", "--json", "m.json", "--svg", "m.svg")
    assert command(*names) == 0
    out = capsys.readouterr().out
    assert out.startswith("fits            yes: crossbars ")
    assert_golden(GOLDEN / "echo.txt", out)
    assert_golden(GOLDEN / "echo.json", Path("m.json").read_text())
    assert_golden(GOLDEN / "echo.svg", Path("m.svg").read_text())


def test_the_same_program_gives_the_same_bytes(tmp_path: Path) -> None:
    machine = large(tmp_path)
    text = random_image_network(3).text()
    assert mapping_json(mapped(text, machine)) == mapping_json(mapped(text, machine))


# --- places of neurons -------------------------------------------------------------------


def places(answer: dict[str, Any], wires: str) -> list[tuple[str, int, tuple[int, int, int]]]:
    """Layer, number and place (tile, slot, wire) of everything on the rows or columns."""
    return [
        (run["layer"], run["first"] + at, (crossbar["tile"], crossbar["slot"], run["wire"] + at))
        for crossbar in answer["crossbars"]
        for run in crossbar[wires]
        for at in range(run["count"])
    ]


@pytest.mark.parametrize("seed", range(11))
def test_the_map_is_a_bijection_between_neurons_and_columns(seed: int, tmp_path: Path) -> None:
    machine = large(tmp_path)
    answer = json.loads(mapping_json(mapped(random_image_network(seed).text(), machine)))
    found = places(answer, "columns")
    expected = {
        (layer["layer"], number)
        for layer in answer["layers"]
        if layer["kind"] != "input"
        for number in range(layer["neurons"])
    }
    assert {(layer, number) for layer, number, _ in found} == expected
    assert len(found) == len(expected) == len({place for _, _, place in found})
    assert all(wire < 8 for _, _, (_, _, wire) in found)


def test_every_synapse_finds_its_row_in_the_crossbar_of_its_neuron(tmp_path: Path) -> None:
    machine = load_crossbar_machine(machine_file(tmp_path, inputs=16, fan_in=16))
    text = "network n(x: spikes[9]) -> spikes[3] { return lif(linear(lif(linear(x, 14)), 3)) }"
    answer = json.loads(mapping_json(mapped(text, machine)))
    network = connections_of_network(network_in(parse_program(text, "net.snn")))
    column = {(layer, number): place[:2] for layer, number, place in places(answer, "columns")}
    rows = {(layer, number, place[:2]) for layer, number, place in places(answer, "rows")}
    offsets = {layer.name: layer.neurons.start for layer in network.layers}
    names = {
        start + number: (layer.name, number)
        for layer in network.layers
        for start in [offsets[layer.name]]
        for number in range(len(layer.neurons))
    }
    for neuron in range(9, network.connections.neurons):
        for source in network.connections.inputs_of(neuron).tolist():
            assert (*names[source], column[names[neuron]]) in rows


def test_no_tile_holds_more_clusters_than_crossbars_and_broken_tiles_hold_none(
    tmp_path: Path,
) -> None:
    machine = small(tmp_path, rows=4, columns=4, broken=[0, 5, 6, 10, 15])
    found = mapped(RECURRENT, machine)
    used = [tile for tile in found.tiles if tile.clusters]
    assert len(found.tiles) == 16
    assert sorted(cluster for tile in used for cluster in tile.clusters) == list(
        range(len(found.crossbars))
    )
    assert all(len(tile.clusters) == 1 for tile in used)
    assert {tile.number for tile in found.tiles if tile.is_broken} == {0, 5, 6, 10, 15}
    assert not {tile.number for tile in used} & {0, 5, 6, 10, 15}


def test_several_clusters_share_a_tile_that_has_crossbars_for_them(tmp_path: Path) -> None:
    machine = small(tmp_path, rows=1, columns=2, crossbars=3)
    found = mapped(RECURRENT, machine)
    used = [tile for tile in found.tiles if tile.clusters]
    assert sum(len(tile.clusters) for tile in used) == len(found.crossbars) > 2
    slots = {(each.tile, each.slot) for each in found.crossbars}
    assert len(slots) == len(found.crossbars)
    assert found.guarantee.period >= max(tile.work for tile in used)
    assert max(tile.work for tile in used) == 16 * max(len(tile.clusters) for tile in used)


# --- traffic, energy, guarantee ----------------------------------------------------------


def test_links_carry_what_channels_send_hop_by_hop(tmp_path: Path) -> None:
    found = mapped(random_image_network(5).text(), large(tmp_path))
    assert sum(link.packets for link in found.links) == found.hops > 0
    for link in found.links:
        source, target = found.tiles[link.source], found.tiles[link.target]
        assert abs(source.row - target.row) + abs(source.column - target.column) == 1


def test_packets_go_along_the_row_first_and_nowhere_inside_a_tile(tmp_path: Path) -> None:
    machine = small(tmp_path, rows=3, columns=3)
    found = link_traffic(machine, [(0, 8, 7), (4, 4, 9), (1, 2, 1)])
    assert [(link.source, link.target, link.packets) for link in found] == [
        (0, 1, 7),
        (1, 2, 8),
        (2, 5, 7),
        (5, 8, 7),
    ]


def test_a_channel_has_a_bit_for_each_spiking_neuron_and_32_for_a_number(tmp_path: Path) -> None:
    wide = "network n(x: spikes[12]) -> spikes[2] { return lif(linear(x, 2)) }"
    found = mapped(wide, small(tmp_path), steps=7)
    assert {each.kind for each in found.layers} == {"input", "neurons", "partial"}
    sums = sum(each.neurons for each in found.layers if each.kind == "partial")
    assert sum(each.bits for each in found.channels) == 32 * sums
    assert sum(each.packets for each in found.channels) == 7 * sums
    deep = "network n(x: spikes[4]) -> spikes[2] { return lif(linear(lif(linear(x, 4)), 2)) }"
    (channel,) = mapped(deep, small(tmp_path), steps=7).channels
    assert (channel.bits, channel.packets) == (4, 4)


def test_energy_is_count_times_price(tmp_path: Path) -> None:
    deep = "network n(x: spikes[4]) -> spikes[2] { return lif(linear(lif(linear(x, 4)), 2)) }"
    found = mapped(deep, small(tmp_path), steps=3)
    counts = {part.name: part.count for part in found.estimate.parts}
    assert counts["crosspoints read"] == 4 * 4 + 4 * 2
    assert counts["neurons updated"] == 6 * 3
    assert counts["spikes fired"] == 6
    assert counts["packets to other tiles"] == counts["hops of packets"] == 4
    assert counts["tile cycles of leakage"] == 6 * 3 * found.guarantee.period
    assert found.estimate.programming.count == 24
    prices = found.machine.energies
    assert found.estimate.energy_fj == (
        24 * prices.crosspoint.value
        + 18 * prices.update.value
        + 6 * prices.spike.value
        + 4 * (prices.packet.value + prices.hop.value)
        + counts["tile cycles of leakage"] * prices.leakage.value
    )


def test_room_for_more_firings_lets_ways_of_different_lengths_meet(tmp_path: Path) -> None:
    """One neuron goes to a partial sum and past it: with buffers of two tokens that takes 73/4."""
    text = "network n(x: spikes[64]) -> spikes[10] { return lif(linear(lif(linear(x, 128)), 10)) }"
    machine = load_crossbar_machine(machine_file(tmp_path, fan_in=127))
    found = mapped(text, machine)
    assert found.guarantee.period == 16
    assert found.guarantee.is_complete
    tight = machine.model_copy(
        update={"tile": machine.tile.model_copy(update={"memory": _bits(machine, 894)})}
    )
    assert mapped(text, tight).guarantee.period == Fraction(73, 4)


def _bits(machine: CrossbarMachine, value: int) -> Any:
    return machine.tile.memory.model_copy(update={"value": value})


def test_a_measurement_of_whole_wheels_says_that_slices_are_not_simulated(
    tmp_path: Path, capsys: Captured
) -> None:
    program, answer = write_program(tmp_path), tmp_path / "m.json"
    note = "with whole wheels: slices of the wheel (3 of 8 cycles) are not simulated"
    for slice, ignored in ((3, True), (8, False)):
        machine = machine_file(tmp_path, slice=slice)
        assert command(program, "--machine", machine, "--json", answer) == 0
        out = capsys.readouterr().out
        _, _, behind = out.partition("\nmeasured  ")
        assert (behind.splitlines()[1].strip() == note) == ignored
        assert ("whole wheels" in out) == ignored
        found = json.loads(answer.read_text())
        assert found["measurement"]["ignores_slices"] is ignored
        shorter = Fraction(found["measurement"]["period"]) < Fraction(found["guarantee"]["period"])
        assert shorter == ignored


def test_the_measured_share_of_a_tile_leaves_programming_out(
    tmp_path: Path, capsys: Captured
) -> None:
    """Two layers in turn: per step a pass of 16 cycles each, behind 60 cycles to write six rows."""
    program, answer = write_program(tmp_path), tmp_path / "m.json"
    machine = machine_file(tmp_path, outputs=5)
    assert command(program, "--machine", machine, "--json", answer) == 0
    out = capsys.readouterr().out
    measured = json.loads(answer.read_text())["measurement"]
    time = measured["elapsed"] - measured["programmed"]
    assert measured["programmed"] == 60
    assert 2 * 16 < measured["first_step"] < 2 * 16 + 8
    assert f"{measured['first_step']} more until the first time step is over" in out
    for tile in measured["tiles"]:
        assert tile["passes"] == 4
        assert 3 * 16 < tile["worked"] <= 4 * 16 <= time
        assert tile["active"] > tile["worked"] + 40
        assert f"{tile['worked'] / time:.1%}" in out
    assert "busy (measured)" in out


def test_a_profile_of_a_run_says_how_often_everybody_spikes(
    tmp_path: Path, capsys: Captured
) -> None:
    program, result = write_program(tmp_path), tmp_path / "r.json"
    profile = {
        "network": "tiny",
        "steps": 10,
        "input": [3, 10],
        "layers": {"hidden": {"spikes": [5, 10]}, "output": {"spikes": [1, 10]}},
    }
    result.write_text(json.dumps({"profile": profile}))
    machine, answer = machine_file(tmp_path), tmp_path / "m.json"
    assert command(program, "--machine", machine, "--profile", result, "--json", answer) == 0
    assert f"measured by {result}; 10 time steps" in capsys.readouterr().out
    (channel,) = json.loads(answer.read_text())["channels"]
    assert channel["packets"] == 5 * 5
    assert command(program, "--machine", machine, "--json", answer) == 0
    assert json.loads(answer.read_text())["estimate"]["steps"] == 4
    other = write_program(tmp_path, LEARNING.replace("tiny", "other"), "other.snn")
    _, (line,) = refused(capsys, other, "--machine", machine, "--profile", result)
    assert "the profile is of the network `tiny`, not of `other`" in line


# --- what does not fit -------------------------------------------------------------------


def test_too_few_tiles_are_told_with_what_is_needed(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(tmp_path, RECURRENT)
    machine = small_machine_file(tmp_path, broken=[0, 3, 5])
    first, (line,) = refused(capsys, program, "--machine", machine)
    assert re.fullmatch(r"fits            no: crossbars 4 of 3\n", first)
    assert "the program needs 4 crossbars, but `mesh x tile.crossbars` allows 3: " in line
    assert line.endswith("fewer or narrower layers, or more tiles (3 are broken) [E0306]")


def test_a_fan_in_without_unrolling_names_a_neuron(tmp_path: Path, capsys: Captured) -> None:
    program, machine = write_program(tmp_path, INFERENCE), small_machine_file(tmp_path, fan_in=4)
    first, (line,) = refused(capsys, program, "--machine", machine, "--unroll", "none")
    assert first == "fits            no: fan in 6 of 4\n"
    assert "a neuron of `hidden` needs 6 inputs" in line


def test_buffers_smaller_than_a_token_are_told(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(
        tmp_path, "network n(x: spikes[12]) -> spikes[2] { return lif(linear(x, 2)) }"
    )
    machine = small_machine_file(tmp_path, memory=31)
    _, lines = refused(capsys, program, "--machine", machine)
    assert any("the channel from cluster" in line for line in lines)
    assert any("bits for one token, but `tile.memory` allows 31" in line for line in lines)


def test_too_few_connections_are_told_with_the_cluster(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(tmp_path, RECURRENT)
    machine = small_machine_file(tmp_path, rows=5, columns=5, connections=1)
    first, (line,) = refused(capsys, program, "--machine", machine)
    assert "connections" in first
    assert re.search(r"cluster \d+ \(`hidden(.delayed)?`\) needs \d+ connections", line)
    assert "`tile.connections` allows 1: narrower layers around it, or a machine with more" in line


def test_a_wanted_period_below_the_guarantee_names_the_critical_cycle(
    tmp_path: Path, capsys: Captured
) -> None:
    program, machine = write_program(tmp_path, RECURRENT), machine_file(tmp_path)
    first, (line,) = refused(capsys, program, "--machine", machine, "--period", 17)
    assert re.fullmatch(r"fits            no: --period [\d.]+ of 17\n", first)
    assert "a time step (critical: cluster " in line
    assert line.endswith("[E0307]")
    period = mapped(RECURRENT, load_crossbar_machine()).guarantee.period
    assert command(program, "--machine", machine, "--period", int(np.ceil(float(period)))) == 0


def test_an_inference_too_long_to_execute_names_the_option(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, machine = write_program(tmp_path), machine_file(tmp_path)
    long = (program, "--machine", machine, "--steps", 2**20 + 1)
    first, (line,) = refused(capsys, *long)
    assert "--steps: at most 1,048,576 time steps are executed, not 1,048,577" in line
    assert first == ""
    assert command(*long, "--static") == 0
    monkeypatch.setattr("spikeloom.backend.validation.cells.MAX_POINTS", 5)
    assert command(program, "--machine", machine, "--steps", 9) == 1
    text = capsys.readouterr().err
    assert "--steps: an inference of 9 time steps: too large to validate" in text
    assert "help: a smaller --steps, or --static to execute nothing" in text


def test_clusters_that_share_tiles_without_memory_for_them_are_refused(
    tmp_path: Path, capsys: Captured
) -> None:
    program = write_program(tmp_path, RECURRENT)
    machine = small_machine_file(tmp_path, columns=1, crossbars=2, memory=330)
    first, (line,) = refused(capsys, program, "--machine", machine)
    assert first.startswith("fits            no: no binding was found: actor cluster_")
    assert "has memory left" in line
    assert line.endswith("[E0302]")


def test_a_strategy_that_is_not_installed_is_no_question_of_fitting(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mtkahypar", None)
    program = write_program(tmp_path, RECURRENT)
    machine = small_machine_file(tmp_path, broken=[0, 3, 5])
    first, (line,) = refused(capsys, program, "--machine", machine, "--strategy", "kahypar")
    assert first == ""
    assert line.endswith("needs mt-KaHyPar, which is not installed [E0405]")


def test_files_without_a_place_are_refused_before_anything_is_mapped(
    tmp_path: Path, capsys: Captured
) -> None:
    _, (line,) = refused(capsys, write_program(tmp_path), "--svg", tmp_path / "no" / "m.svg")
    assert "[E0402]" in line


# --- the picture -------------------------------------------------------------------------


def test_the_picture_shows_every_tile_and_every_link_whatever_their_names(tmp_path: Path) -> None:
    found = mapped(RECURRENT, small(tmp_path, rows=3, broken=[4]))
    found = replace(found, network='a < "b" & \x00')
    root = ElementTree.fromstring(tile_picture(found))
    texts = [each.text or "" for each in root.iter() if each.tag.endswith("text")]
    assert [text for text in texts if text.startswith("tile ")] == [
        f"tile {number}" + (" (broken)" if number == 4 else "") for number in range(9)
    ]
    assert texts[0].startswith('a < "b" & \N{REPLACEMENT CHARACTER} on ')
    assert sum(each.tag.endswith("polygon") for each in root.iter()) == len(found.links)
    bars = [each for each in root.iter() if each.tag.endswith("rect") and "fill" in each.attrib]
    assert all(0 <= float(bar.attrib["width"]) <= 112 for bar in bars)
