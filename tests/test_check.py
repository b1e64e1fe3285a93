"""`spikeloom check`: every limit of a machine of crossbars, before anything is clustered."""

from __future__ import annotations

from pathlib import Path

import pytest
from crossbar_machines import machine_file, small_machine_file
from programs import INFERENCE, write_program

from spikeloom.backend.machine.description import DEFAULT_MACHINE
from spikeloom.command_line import main

Captured = pytest.CaptureFixture[str]

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
HUGE = """network huge(x: spikes[16384]) -> spikes[10] {
    a = lif(linear(x, 16384))
    b = lif(linear(a, 16384))
    return lif(linear(b, 10))
}
"""


def check(*arguments: object) -> int:
    return main(["check", *map(str, arguments)])


def refused(capsys: Captured, *arguments: object) -> list[str]:
    """The headlines of a check that must fail."""
    assert check(*arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return [line for line in captured.err.splitlines() if ": error: " in f": {line}"]


def test_a_program_that_fits_has_a_margin_for_every_limit(capsys: Captured) -> None:
    assert check(EXAMPLES / "match.snn") == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split("  ")[0]: " ".join(line.split()) for line in lines}
    assert rows["crossbar.fan_in"].startswith("crossbar.fan_in 96 128 75.0% inputs a neuron of")
    assert "`hidden`" in rows["crossbar.fan_in"]
    assert "match.snn:3:14" in rows["crossbar.fan_in"]
    assert rows["mesh x tile.crossbars"].startswith("mesh x tile.crossbars at least 2 25 8.0%")
    for limit in ("crossbar.destinations", "tile.memory", "tile.connections"):
        assert limit in rows
    assert lines[-1].endswith("what says `at least` is settled by `spikeloom map`")


def test_every_violation_is_told_at_once_with_limit_value_bound_and_remedy(
    tmp_path: Path, capsys: Captured
) -> None:
    program, machine = write_program(tmp_path, HUGE), machine_file(tmp_path, fan_in=127)
    lines = refused(capsys, program, "--machine", machine, "--unroll", "none", "--period", 8)
    assert lines == [
        f"{program}:2:9: error: the program (`a` most) needs at least 33,547 crossbars, but "
        "`mesh x tile.crossbars` allows 25: fewer or narrower layers, or more tiles [E0306]",
        f"{program}:2:9: error: the program (`a` most) needs at least 4,293,918 outputs, but "
        "`crossbar.outputs x crossbars` allows 3,200: fewer or narrower layers, or more tiles "
        "[E0306]",
        f"{program}:2:9: error: the program (`a` most) needs at least 541,295,892 crosspoints, "
        "but `crossbar.crosspoints x crossbars` allows 409,600: fewer or narrower layers, or more "
        "tiles [E0306]",
        f"{program}:2:9: error: a neuron of `a` needs 16,384 inputs, but `crossbar.fan_in` allows "
        "127: let it be unrolled (--unroll auto) [E0306]",
        f"{program}:2:9: error: the program (`a` most) needs 537,034,752 synapses, but "
        "`limit of this tool` allows 268,435,456: a smaller network [E0306]",
        "error: a time step needs at least 21,472 cycles, but `--period` allows 8: a longer "
        "period, more tiles, or a larger slice of the wheel [E0307]",
    ]


def test_too_many_inputs_are_unrolled_unless_that_is_forbidden(
    tmp_path: Path, capsys: Captured
) -> None:
    machine = small_machine_file(tmp_path, inputs=4, fan_in=4)
    program = write_program(tmp_path, INFERENCE)
    assert check(program, "--machine", machine) == 0
    assert "unrolled into at least 2 elements" in capsys.readouterr().out
    (line,) = refused(capsys, program, "--machine", machine, "--unroll", "none")
    assert "a neuron of `hidden` needs 6 inputs, but `crossbar.fan_in` allows 4" in line


def test_a_crossbar_with_one_input_leaves_no_room_for_unrolling(
    tmp_path: Path, capsys: Captured
) -> None:
    machine = machine_file(tmp_path, fan_in=1)
    lines = refused(capsys, write_program(tmp_path, INFERENCE), "--machine", machine)
    assert any(line.endswith("whose `crossbar.fan_in` is at least 2 [E0306]") for line in lines)


def test_broken_tiles_are_named_where_tiles_are_missing(tmp_path: Path, capsys: Captured) -> None:
    machine = small_machine_file(tmp_path, broken=[0, 1, 2, 4, 5])
    lines = refused(
        capsys, write_program(tmp_path, INFERENCE.replace("x, 5", "x, 9")), "--machine", machine
    )
    assert "needs at least 2 crossbars, but `mesh x tile.crossbars` allows 1" in lines[0]
    assert "or more tiles, 5 of 6 tiles being broken [E0306]" in lines[0]


def test_memory_and_connections_of_a_tile_are_bounded_from_below(
    tmp_path: Path, capsys: Captured
) -> None:
    machine = machine_file(tmp_path, memory=127, connections=0)
    lines = refused(capsys, EXAMPLES / "match.snn", "--machine", machine)
    assert len(lines) == 2
    assert "`tile.memory` allows 127" in lines[0]
    assert "`tile.connections` allows 0" in lines[1]
    assert "needs at least 128 bits of input buffers" in lines[0]


def test_one_destination_is_too_few_for_a_wide_reader(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(
        tmp_path,
        """network wide(x: spikes[6]) -> spikes[200] {
            a = lif(linear(x, 4))
            return lif(linear(a, 200))
        }""",
    )
    (line,) = refused(capsys, program, "--machine", machine_file(tmp_path, destinations=1))
    assert "a neuron of `a` needs at least 2 crossbars that read it" in line
    assert check(program, "--machine", machine_file(tmp_path, destinations=2)) == 0


def test_a_throughput_out_of_reach_is_refused(tmp_path: Path, capsys: Captured) -> None:
    program = EXAMPLES / "match.snn"
    (line,) = refused(capsys, program, "--period", 15)
    assert "needs at least 16 cycles, but `--period` allows 15" in line
    (line,) = refused(capsys, program, "--throughput", 10_000_000)
    assert "needs at least 16 cycles, but `--throughput, in cycles` allows 10:" in line
    half = machine_file(tmp_path, slice=4)
    (line,) = refused(capsys, program, "--period", 31, "--machine", half)
    assert "needs at least 32 cycles" in line
    assert check(program, "--period", 16) == 0


def test_a_period_may_be_a_fraction(capsys: Captured) -> None:
    program = EXAMPLES / "match.snn"
    assert check(program, "--period", "33/2") == 0
    capsys.readouterr()
    (line,) = refused(capsys, program, "--period", "31/2")
    assert "needs at least 16 cycles, but `--period` allows 15.50:" in line
    for wrong in ("1/2", "0", "16.5", "16/0", "-16", str(2**48)):
        assert check(program, f"--period={wrong}") == 2
        words = "expected an integer or a fraction such as 247/2, from 1 to below 281474976710656"
        assert f"{words}, got '{wrong}'" in capsys.readouterr().err


def test_a_throughput_just_out_of_reach_is_told_exactly(capsys: Captured) -> None:
    """16 cycles are 6,250,000 steps a second; one more is refused, with all its decimals."""
    program = EXAMPLES / "match.snn"
    assert check(program, "--throughput", 6_250_000) == 0
    capsys.readouterr()
    (line,) = refused(capsys, program, "--throughput", 6_250_001)
    assert "allows 100000000/6250001 (15.99999744): a lower throughput, more tiles" in line


def test_both_ends_of_an_integers_range_are_named(capsys: Captured) -> None:
    for arguments, words in (
        (["map", "p.snn", "--steps", "999999999999"], "from 1 to 16777215, got '999999999999'"),
        (["admit", "t.jsonl", "--rows", "100000"], "from 1 to 1024, got '100000'"),
    ):
        assert main(arguments) == 2
        assert f"expected an integer {words}" in capsys.readouterr().err


def test_a_program_that_computes_nothing_has_nothing_to_check(
    tmp_path: Path, capsys: Captured
) -> None:
    program = write_program(tmp_path, "network n(x: spikes[3]) -> spikes[3] { return x }")
    (line,) = refused(capsys, program)
    assert "the network computes nothing" in line


def test_a_training_machine_is_refused_in_one_line(capsys: Captured) -> None:
    machine = EXAMPLES.parent / "backend" / "machines" / DEFAULT_MACHINE
    (line,) = refused(capsys, EXAMPLES / "match.snn", "--machine", machine)
    assert "describes a machine of kind `training`, not of kind `crossbars`" in line


@pytest.mark.parametrize("program", sorted(EXAMPLES.glob("*.snn")), ids=lambda path: path.stem)
def test_every_example_is_checked_without_its_synapses(
    program: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_synapses(*_: object) -> None:
        raise AssertionError("a check makes no synapse")

    monkeypatch.setattr("spikeloom.passes.clustering.synapses.of_lengths", no_synapses)
    monkeypatch.setattr("spikeloom.passes.clustering.synapses.fully_connected", no_synapses)
    assert check(program) in (0, 1)
    assert "internal error" not in capsys.readouterr().err
