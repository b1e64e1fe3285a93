"""A chip's state outlives a kill at any moment, and what follows is as if there had been none."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from admission_traces import run, write_trace

from spikeloom.admission.answers import Answer
from spikeloom.admission.kept_text import application_text, chip_of
from spikeloom.admission.manager import Manager
from spikeloom.admission.programs import Crossbars, applications_of
from spikeloom.admission.state_file import StateFile
from spikeloom.admission.trace import read_trace
from spikeloom.passes.admission.chip import ChipState
from spikeloom.passes.clustering.limits import Limits

EVENTS = 80
MOMENTS = (
    *(f"opening:{number}" for number in (2, 6, 9, 12, 15, 18)),
    *(f"events:{number}" for number in (1, 5, 11, 17, 23, *range(30, 56))),
)
"""When a run is killed, in SQL statements; most events take 3 to 30 of them."""


def kept(state: Path) -> tuple[ChipState, list[str], list[Answer]]:
    """What a state file holds, checked: owners, limits, and every guarantee computed anew."""
    with StateFile(str(state)) as file:
        (text,) = file.connection.execute("SELECT description FROM chip").fetchone()
        found = file.open_chip(chip_of(text))
        found.check()
        return found, *file.history()


def summary(state: ChipState) -> list[tuple[object, ...]]:
    """Everything about the running programs, as plain data."""
    return [
        (
            each.name,
            each.binding,
            each.promised,
            each.guaranteed,
            application_text(each.application),
        )
        for each in state.running
    ]


def states_of(trace: Path, chip: ChipState) -> list[tuple[list[tuple[object, ...]], Answer | None]]:
    """The state before and after every event of a run that nobody kills; each is consistent."""
    events = read_trace(str(trace))
    applications = applications_of(events, str(trace.parent), Crossbars(Limits(), 16))
    with StateFile(None) as file:
        manager = Manager(file.open_chip(chip), applications, file)
        found: list[tuple[list[tuple[object, ...]], Answer | None]] = [([], None)]
        for each in events:
            answer = manager.apply(each.event)
            manager.state.check()
            found.append((summary(manager.state), answer))
    return found


def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not_been(tmp_path: Path):
    trace, whole, state = write_trace(tmp_path, EVENTS), tmp_path / "whole", tmp_path / "killed"
    assert run(trace, "--state", str(whole), "--json", str(tmp_path / "whole.json")) == 0
    final, events, answers = kept(whole)
    outcomes = {answer.outcome for answer in answers}
    assert outcomes >= {"admitted", "refused", "released", "not running", "moved"}
    expected = states_of(trace, ChipState(final.platform))
    assert [answer for _, answer in expected[1:]] == answers

    script = Path(__file__).parent / "killed_admission.py"
    command = [sys.executable, str(script), str(trace), str(state), *MOMENTS]
    applied: list[int] = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        killed = 0
        while True:
            code = int(process.stdout.readline())
            if code == 0:
                break
            assert code == -signal.SIGKILL
            killed += 1
            if chip_is_kept(state):
                found, history, so_far = kept(state)
                applied.append(len(history))
                assert history == events[: len(history)]
                assert so_far == answers[: len(history)]
                assert summary(found) == expected[len(history)][0]
            process.stdin.write("\n")
            process.stdin.flush()
        process.stdin.close()
    assert killed >= 20
    assert len(set(applied)) >= 20
    assert applied == sorted(applied)
    assert (*kept(state)[1:], summary(kept(state)[0])) == (events, answers, summary(final))

    again = tmp_path / "again.json"
    assert run(trace, "--state", str(state), "--json", str(again)) == 0
    assert json.loads(again.read_text()) == json.loads((tmp_path / "whole.json").read_text())
    assert kept(state)[1] == events


def chip_is_kept(state: Path) -> bool:
    """Whether the first transactions were over before the kill."""
    if not state.exists():
        return False
    with sqlite3.connect(state) as connection:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        rows = connection.execute("SELECT * FROM chip").fetchall() if tables else []
    connection.close()
    return bool(rows)


def test_a_trace_that_has_grown_goes_on_where_it_ended(tmp_path: Path):
    trace, state = write_trace(tmp_path, EVENTS), str(tmp_path / "state")
    lines = trace.read_text().splitlines(keepends=True)
    short = tmp_path / "short.jsonl"
    for count in (0, 7, 7, 25, EVENTS):
        short.write_text("".join(lines[:count]))
        assert run(short, "--state", state) == 0
        assert len(kept(Path(state))[1]) == count
    assert run(trace, "--state", str(tmp_path / "whole")) == 0
    assert kept(tmp_path / "whole")[1:] == kept(Path(state))[1:]


def test_another_trace_follows_after_everything(tmp_path: Path, capsys):
    first, state = write_trace(tmp_path, 10), str(tmp_path / "state")
    assert run(first, "--state", state) == 0
    running = [each.name for each in kept(Path(state))[0].running]
    second = tmp_path / "second.jsonl"
    second.write_text(
        '{"time": 90, "arrive": "late", "program": "graph0.mlir", "period": 500}\n'
        f'{{"time": 91, "depart": "{running[0]}"}}\n'
    )
    assert run(second, "--state", state) == 0
    assert [each.name for each in kept(Path(state))[0].running] == [*running[1:], "late"]
    second.write_text('{"time": 90, "arrive": "again", "program": "graph0.mlir", "period": 500}\n')
    assert run(second, "--state", state) == 1
    assert "`time` goes back from 91 to 90 [E0408]" in capsys.readouterr().err


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_a_file_that_is_no_state_is_refused_and_stays_as_it_is(tmp_path: Path, capsys):
    trace, state = write_trace(tmp_path, 12), tmp_path / "state"
    state.write_text("a letter to somebody, long enough to have a header of a hundred bytes" * 9)
    before = state.read_bytes()
    assert run(trace, "--state", str(state)) == 1
    assert "is no state of a chip: file is not a database [E0409]" in refusal(capsys)
    assert state.read_bytes() == before
    state.unlink()
    with sqlite3.connect(state) as connection:
        connection.execute("CREATE TABLE letters (text)")
    connection.close()
    before = state.read_bytes()
    assert run(trace, "--state", str(state)) == 1
    assert "is a database, but no state of a chip [E0409]" in refusal(capsys)
    assert state.read_bytes() == before
    assert run(trace, "--state", str(tmp_path)) == 1
    assert "unable to open database file [E0402]" in refusal(capsys)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE programs SET guaranteed = '1/0'", "is no consistent state of a chip"),
        ("UPDATE programs SET guaranteed = '1'", "is said to have 1, and has"),
        ("UPDATE programs SET application = '[]'", "is no consistent state of a chip"),
        ("UPDATE programs SET application = '{}'", "is no consistent state of a chip"),
        ("DELETE FROM bindings WHERE actor = 0", "not every one has its tile"),
        ("UPDATE bindings SET tile = 99", "runs on a tile that is not there"),
        ("INSERT INTO tiles SELECT 29, name FROM programs LIMIT 1", "that no actor runs on"),
        ("UPDATE events SET event = '{}'", "is no consistent state of a chip"),
        ("UPDATE events SET answer = '{}'", "is no consistent state of a chip"),
        ("UPDATE chip SET description = '{}'", "is no consistent state of a chip"),
        ("DROP TABLE events", "is no state of a chip: no such table: events"),
        ("PRAGMA user_version = 7", "has version 7 of the state, not 1"),
    ],
)
def test_a_state_that_was_tampered_with_is_refused(tmp_path: Path, capsys, damage: str, words: str):
    trace, state = write_trace(tmp_path, 1), tmp_path / "state"
    assert run(trace, "--state", str(state)) == 0
    assert kept(state)[0].running
    with sqlite3.connect(state) as connection:
        connection.execute(damage)
    connection.close()
    assert run(trace, "--state", str(state)) == 1
    error = refusal(capsys)
    assert words in error
    assert "[E0409]" in error


def test_a_tile_cannot_have_two_owners_in_the_file_either(tmp_path: Path):
    trace, state = write_trace(tmp_path, 1), tmp_path / "state"
    assert run(trace, "--state", str(state)) == 0
    connection = sqlite3.connect(state)
    tile, owner = connection.execute("SELECT number, program FROM tiles").fetchone()
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO tiles VALUES (?, ?)", (tile, owner))
    connection.close()


def test_two_runs_cannot_use_one_state(tmp_path: Path, capsys):
    trace, state = write_trace(tmp_path, 3), str(tmp_path / "state")
    with StateFile(state):
        assert run(trace, "--state", state) == 1
    assert "is in use by another run [E0409]" in refusal(capsys)
    assert run(trace, "--state", state) == 0


def test_the_state_of_another_chip_is_refused(tmp_path: Path, capsys):
    trace, state = write_trace(tmp_path, 3), str(tmp_path / "state")
    assert run(trace, "--state", state) == 0
    capsys.readouterr()
    assert run(trace, "--state", state, "--rows", "4") == 1
    assert "is the state of `mesh 2 x 15` with 30 tiles, not of `mesh 4 x 15`" in refusal(capsys)
    assert run(trace, "--state", state, "--memory", "5000") == 1
    assert "its limits or delays differ" in refusal(capsys)
    assert run(trace, "--state", state, "--broken", "tile_3") == 1
    assert "its limits or delays differ" in refusal(capsys)
