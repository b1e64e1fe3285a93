"""Energy on the command line: which table, where it went, and what can be taken away."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from programs import LEARNING, write_program

from spikeloom.backend.accounts.actions import HEADER
from spikeloom.command_line import main

Captured = pytest.CaptureFixture[str]


def spikeloom(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def exported(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("options", [(), ("--energy-table", "aladdin")])
def test_the_exported_csv_adds_up_to_the_reported_energy(tmp_path: Path, options: tuple[str, ...]):
    program, actions, result = write_program(tmp_path), tmp_path / "a.csv", tmp_path / "r.json"
    assert spikeloom("run", program, *options, "--actions", actions, "--json", result) == 0
    rows, report = exported(actions), json.loads(result.read_text())
    assert tuple(rows[0]) == HEADER
    assert sum(int(row["energy_fj"]) for row in rows) == report["energy_fj"]
    assert report["energy_table"] == (options[1] if options else "horowitz")
    by_layer: dict[str, int] = {}
    for row in rows:
        by_layer[row["layer"]] = by_layer.get(row["layer"], 0) + int(row["energy_fj"])
    layers = report["energy_fj_by_layer"]
    assert sum(sum(amounts.values()) for amounts in layers.values()) == report["energy_fj"]
    leakage = sum(amounts["static"] for amounts in layers.values())
    expected = {name: amounts["dynamic"] for name, amounts in layers.items()}
    assert by_layer == expected | {"": expected[""] + leakage}
    additions = [
        int(r["count"]) for r in rows if (r["component"], r["action"]) == ("nu", "addition")
    ]
    assert sum(additions) == report["counters"]["nu__additions_issued"]
    assert {row["layer"] for row in rows} == {"", "hidden", "output"}
    assert {row["location"].rpartition(":")[0] for row in rows} >= {f"{program}:2", f"{program}:3"}


def test_the_table_changes_energies_and_nothing_else(tmp_path: Path):
    program, reports = write_program(tmp_path), {}
    for table in ("horowitz", "aladdin"):
        path = tmp_path / f"{table}.json"
        assert spikeloom("run", program, "--energy-table", table, "--json", path) == 0
        reports[table] = json.loads(path.read_text())
    first, second = reports["horowitz"], reports["aladdin"]
    assert first["energy_fj"] < second["energy_fj"]
    for report in (first, second):
        report["counters"] = {n: v for n, v in report["counters"].items() if "__energy_" not in n}
        for name in ("energy_fj", "energy_fj_by_layer", "energy_table"):
            del report[name]
    assert first == second


def test_exec_takes_the_table_and_exports_what_run_exports(tmp_path: Path):
    program, image = write_program(tmp_path), tmp_path / "t.snx"
    assert spikeloom("compile", program, "-o", image) == 0
    for command, source in (("run", program), ("exec", image)):
        path = tmp_path / f"{command}.csv"
        assert spikeloom(command, source, "--energy-table", "aladdin", "--actions", path) == 0
    assert (tmp_path / "run.csv").read_bytes() == (tmp_path / "exec.csv").read_bytes()


def test_a_run_prints_where_the_energy_went_and_which_table_was_used(
    tmp_path: Path, capsys: Captured
):
    program = write_program(tmp_path)
    assert spikeloom("run", program, "--energy-table", "aladdin") == 0
    out = capsys.readouterr().out
    assert "energy table   aladdin (40 nm: " in out
    for name in ("component", "layer", "source line", "  weight_sram", "  hidden", f"{program}:2"):
        assert f"\n{name}" in out or f"  {name}" in out
    assert "100.0 %  117.07 mm2" in out


def test_an_unknown_table_is_one_clear_error_for_run_and_exec(tmp_path: Path, capsys: Captured):
    program, image = write_program(tmp_path), tmp_path / "t.snx"
    assert spikeloom("compile", program, "-o", image) == 0
    for command, source in (("run", program), ("exec", image)):
        assert spikeloom(command, source, "--energy-table", "horrowitz") == 1
        text = capsys.readouterr().err
        assert "machine `h2learn` has no energy table `horrowitz` [E0405]" in text
        assert "expected one of: aladdin, horowitz" in text


def test_actions_that_cannot_be_written_are_refused_before_the_run(
    tmp_path: Path, capsys: Captured
):
    assert spikeloom("run", write_program(tmp_path), "--actions", tmp_path / "no" / "a.csv") == 1
    captured = capsys.readouterr()
    assert "[E0402]" in captured.err
    assert captured.out == ""


def test_a_checkpoint_does_not_mix_energies_of_two_tables(tmp_path: Path, capsys: Captured):
    program, checkpoint = write_program(tmp_path), tmp_path / "c.safetensors"
    assert spikeloom("run", program, "--batches", 1, "--save", checkpoint) == 0
    arguments = ("run", program, "--energy-table", "aladdin", "--load", checkpoint)
    assert spikeloom(*arguments) == 1
    text = capsys.readouterr().err
    assert "its energy table is horowitz, but here is aladdin [E0404]" in text
    assert "run with --energy-table horowitz" in text


def test_a_program_prints_its_own_lines_and_not_more_than_ten(tmp_path: Path, capsys: Captured):
    lines = "\n".join(f"    h{i} = lif(linear({f'h{i - 1}' if i else 'x'}, 5))" for i in range(12))
    text = LEARNING.replace("    hidden = lif(linear(x, 5))", lines)
    text = text.replace("linear(hidden, 3)", "linear(h11, 3)").replace("epochs = 3", "epochs = 1")
    assert spikeloom("run", write_program(tmp_path, text)) == 0
    out = capsys.readouterr().out
    table = out[out.index("source line") : out.index("total")]
    assert table.count("tiny.snn:") == 10
    assert " more " in table
