"""`spikeloom admit`: what it prints and writes, and what it says of traces that are not valid."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from admission_traces import run, write_graphs, write_trace

from spikeloom.command_line import main

ARRIVAL = '{"time": 1, "arrive": "a", "program": "graph0.mlir", "period": 500'
NETWORK = """network deep(x: spikes[20]) -> spikes[4] {
    a = lif(linear(x, 300))
    return lif(linear(a, 4))
}
"""
DEADLOCK = """sdf.graph @stuck {
  sdf.actor @a time 1
  sdf.actor @b time 1
  sdf.channel @ab : @a[1] -> [1]@b tokens 0
  sdf.channel @ba : @b[1] -> [1]@a tokens 0
}
"""


def test_the_timeline_says_who_came_in_and_why_others_did_not(tmp_path: Path, capsys):
    write_graphs(tmp_path)
    trace = tmp_path / "trace.jsonl"
    trace.write_text(
        '{"time": 0, "arrive": "first", "program": "graph2.mlir", "throughput": "1/200"}\n'
        '{"time": 0.5, "arrive": "second", "program": "graph3.mlir", "period": "401/2"}\n'
        "\n"
        '{"time": 1, "arrive": "third", "program": "graph3.mlir", "period": 200}\n'
        '{"time": 2, "arrive": "fast", "program": "graph3.mlir", "period": 3}\n'
        '{"time": 3, "depart": "third"}\n'
        '{"time": "7/2", "depart": "first"}\n'
        '{"time": 4, "defragment": true}\n'
    )
    found = tmp_path / "answers.json"
    assert run(trace, "--broken", "tile_3,tile_7", "--json", str(found)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("time", "event", "program", "answer", "promised", "guaranteed", "free", "block", "tiles")
    ]
    assert lines[1].split()[:5] == ["0", "arrive", "first", "admitted", "200"]
    assert lines[2].split()[:5] == ["1/2", "arrive", "second", "admitted", "401/2"]
    assert lines[3].split()[:5] == ["1", "arrive", "third", "refused", "200"]
    assert lines[4].startswith("      third needs at least 12 tiles for 12 actors, and 7 of 28")
    assert "cannot have a period of 3: its actor" in lines[6]
    assert lines[7].split()[:4] == ["3", "depart", "third", "not"]
    assert lines[-1] == "2 admitted, 2 refused; 1 running on 12 of 30 tiles, 2 broken"

    answers = json.loads(found.read_text())
    assert answers["chip"]["broken"] == ["tile_3", "tile_7"]
    assert [each["outcome"] for each in answers["events"]] == [
        *("admitted", "admitted", "refused", "refused", "not running", "released"),
        answers["events"][-1]["outcome"],
    ]
    assert answers["events"][3]["limit"] == "period"
    (running,) = answers["running"]
    tiles = set(running["binding"].values())
    assert tiles == set(running["orders"])
    assert not tiles & {"tile_3", "tile_7", *answers["free"]}
    assert len(tiles) + len(answers["free"]) == 28
    ordered = [actor for order in running["orders"].values() for actor in order]
    assert sorted(running["binding"]) == sorted(ordered)


def test_the_same_trace_has_the_same_answers(tmp_path: Path, capsys):
    trace = write_trace(tmp_path, 30)
    texts: list[tuple[bytes, str]] = []
    for number in range(2):
        found = tmp_path / f"{number}.json"
        assert run(trace, "--json", str(found)) == 0
        texts.append((found.read_bytes(), capsys.readouterr().out))
    assert texts[0] == texts[1]


def test_programs_are_clustered_for_the_bundled_machine(tmp_path: Path, capsys):
    (tmp_path / "net.snn").write_text(NETWORK)
    trace = tmp_path / "trace.jsonl"
    trace.write_text('{"time": 0, "arrive": "net", "program": "net.snn", "period": "100"}\n')
    found = tmp_path / "answers.json"
    assert main(["admit", str(trace), "--json", str(found)]) == 0
    answers = json.loads(found.read_text())
    assert answers["chip"] == {"name": "dynapse", "tiles": 25, "broken": []}
    binding = answers["running"][0]["binding"]
    assert len(set(binding.values())) == len(binding) >= 4  # a crossbar per tile
    assert main(["admit", str(trace), "--machine", "dynapse.toml"]) == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "this is not JSON"),
        ("[1]", "a line is a JSON object"),
        ("NaN", "NaN is no number"),
        ('{"time": 1}', "one of `arrive`, `depart` and `defragment`, but none of them"),
        ('{"time": 1, "arrive": "a", "depart": "b"}', "but `arrive` and `depart`"),
        (f'{ARRIVAL}, "priority": 3}}', "there is no field `priority`"),
        ('{"time": 1, "arive": "a"}', "help: did you mean `arrive`?"),
        ('{"time": 1, "depart": "a", "period": 3}', "`period` is no field of `depart`"),
        (f'{ARRIVAL}, "throughput": 3}}', "`period` or `throughput`, but both of them"),
        (f'{ARRIVAL}, "period": 5}}', "`period` is given twice"),
        (f'{ARRIVAL}, "pipeline": 1}}', "`pipeline` is true or false, not 1"),
        ('{"time": 1, "arrive": "a", "program": "graph0.mlir"}', "but neither"),
        ('{"time": 1, "arrive": "a", "period": 5}', "`program` is missing"),
        ('{"arrive": "a", "program": "graph0.mlir", "period": 5}', "`time` is missing"),
        ('{"time": -1, "depart": "x"}', "`time` is not negative, but -1"),
        ('{"time": 1e9, "depart": "x"}', "`time` is no exact number: 1e9"),
        ('{"time": true, "depart": "x"}', "`time` is no exact number: true"),
        ('{"time": "1/0", "depart": "x"}', '`time` is no exact number: "1/0"'),
        (f'{{"time": 1{"0" * 5000}, "depart": "x"}}', "this is not JSON"),
        ('{"time": 1, "depart": ""}', "`depart` is a printable text of 1 to 100 characters"),
        ('{"time": 1, "depart": "a\\u0007"}', "`depart` is a printable text"),
        ('{"time": 1, "defragment": false}', "`defragment` is true, or a number of tiles"),
        ('{"time": 1, "defragment": 0}', "`defragment` is true, or a number of tiles"),
        (ARRIVAL.replace("500", "0") + "}", "`period` must be positive, got 0"),
        (ARRIVAL.replace("500", "-3") + "}", "`period` is not negative, but -3"),
        (ARRIVAL.replace("500", '"x"') + "}", '`period` is no exact number: "x"'),
        (ARRIVAL.replace("graph0", "nowhere") + "}", "`program`: cannot read"),
        (ARRIVAL.replace("graph0", "stuck") + "}", "too few initial tokens on the cycle"),
        (ARRIVAL.replace("graph0", "empty") + "}", "empty.mlir:1:1) [E0201]"),
        ('{"time": 1, "depart": "nobody"}', "`depart`: nobody has never arrived"),
        ('{"time": 1, "depart": "here"}\n{"time": 1, "depart": "here"}', "has departed before"),
        (ARRIVAL.replace('"a"', '"here"') + "}", "`arrive`: here has arrived before"),
        ('{"time": 0.5, "depart": "here"}', "`time` goes back from 1 to 1/2"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_applied(tmp_path: Path, capsys, line: str, words: str):
    write_graphs(tmp_path)
    (tmp_path / "stuck.mlir").write_text(DEADLOCK)
    (tmp_path / "empty.mlir").write_text("")
    trace, state = tmp_path / "trace.jsonl", tmp_path / "state"
    first = ARRIVAL.replace('"a"', '"here"') + "}\n"
    trace.write_text(f"{first}{line}\n")
    assert run(trace, "--state", str(state)) == 1
    captured = capsys.readouterr()
    assert words in captured.err
    place = 3 if "\n" in line else 2
    assert f"{trace}:{place}:1: error: " in captured.err
    assert "Traceback" not in captured.err
    trace.write_text(first)
    assert run(trace, "--state", str(state)) == 0
    assert "1 admitted" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [ARRIVAL.replace("graph0", "nowhere") + "}", '{"time": 1, "depart": "nobody"}', "{"],
)
def test_a_trace_that_is_refused_makes_no_state_and_changes_none(tmp_path: Path, line: str):
    write_graphs(tmp_path)
    trace, state = tmp_path / "trace.jsonl", tmp_path / "state"
    trace.write_text(f"{line}\n")
    before = set(tmp_path.iterdir())
    assert run(trace, "--state", str(state)) == 1
    assert set(tmp_path.iterdir()) == before
    # The name is tied to no chip: the state of another one can have it.
    trace.write_text(ARRIVAL + "}\n")
    assert main(["admit", str(trace), "--rows", "4", "--columns", "5", "--state", str(state)]) == 0
    kept = state.read_bytes()
    trace.write_text(f"{line}\n")
    main(["admit", str(trace), "--rows", "4", "--columns", "5", "--state", str(state)])
    assert state.read_bytes() == kept


def test_all_bad_lines_are_named_at_once(tmp_path: Path, capsys):
    trace = tmp_path / "trace.jsonl"
    trace.write_text('{"time": 1}\n{"time": 2}\n{"time": 3}\n')
    assert run(trace) == 1
    assert capsys.readouterr().err.count("[E0408]") == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--machine", "dynapse.toml", "--rows", "3"], "--rows does not go with --machine"),
        (["--rows", "1000", "--columns", "1000"], "a mesh has 1 to 1024 tiles, not 1000000"),
        (["--rows", "2", "--broken", "tile_9"], "--broken: there is no tile `tile_9`"),
        (["--state", ""], "--state names no file"),
        (["--machine", "nowhere.toml"], "cannot read the machine file `nowhere.toml`"),
        (["--rows", "2", "--json", "/nowhere/at/all.json"], "cannot write `/nowhere/at/all.json`"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, capsys, options, words: str):
    trace = tmp_path / "trace.jsonl"
    trace.write_text("")
    assert main(["admit", str(trace), *options]) == 1
    assert words in capsys.readouterr().err


SMALL_ROOM = """sdf.graph @small {
  sdf.actor @a time 1000
  sdf.actor @b time 1000
  sdf.channel @ab : @a[4] -> [4]@b tokens 0 capacity 3
}
"""


def test_a_buffer_smaller_than_what_a_firing_moves_is_named(tmp_path: Path, capsys):
    (tmp_path / "small.mlir").write_text(SMALL_ROOM)
    trace = tmp_path / "trace.jsonl"
    trace.write_text(ARRIVAL.replace("graph0", "small") + "}\n")
    assert run(trace) == 1
    assert "channel @ab has room for 3 tokens, but one firing moves 4" in capsys.readouterr().err


def test_a_guarantee_that_cannot_be_computed_is_an_error_at_its_line(tmp_path: Path, capsys):
    many = SMALL_ROOM.replace("tokens 0 capacity 3", "tokens 2000000000")
    (tmp_path / "many.mlir").write_text(many)
    trace = tmp_path / "trace.jsonl"
    trace.write_text(ARRIVAL.replace("graph0", "many").replace("500", "100000") + "}\n")
    mesh = ["--rows", "1", "--columns", "2", "--actors", "1", "--delay", "2000000000"]
    assert main(["admit", str(trace), *mesh]) == 1
    assert f"{trace}:1:1: error: the guarantee on this chip" in capsys.readouterr().err


def test_a_trace_that_cannot_be_read_is_an_error(tmp_path: Path, capsys):
    assert run(tmp_path / "nowhere") == 1
    assert "cannot read" in capsys.readouterr().err
    (tmp_path / "binary").write_bytes(b'{"time": 1}\n\xff\xfe\n')
    assert run(tmp_path / "binary") == 1
    assert f"{os.sep}binary:2:1: error: this is no UTF-8 text" in capsys.readouterr().err
