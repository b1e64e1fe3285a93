"""`spikeloom ablate`: variants, measurements, table, JSON and chart."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from itertools import product
from pathlib import Path

import pytest
from programs import INFERENCE, LEARNING, write_program

from spikeloom.ablation.bar_chart import Bar, Group, bar_chart
from spikeloom.ablation.measurement import Experiment, Measurement, measure_all
from spikeloom.ablation.report import ablation_chart, ablation_json
from spikeloom.ablation.variants import (
    ACCUMULATIONS,
    CHOSEN,
    SCHEDULES,
    SPARSITIES,
    SWITCHES,
    Variant,
    all_variants,
)
from spikeloom.backend.host.session import RunOptions, load_dataset
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import load_machine
from spikeloom.command_line import main
from spikeloom.commands import ablate
from spikeloom.frontend.program import parse_program

SAME = (
    Variant(("plain", "none", "serial"), "analyze-sparsity"),
    Variant(("tables", "dual", "pipelined"), "cse,dce"),
)
"""Variants that do not differ in what they compile to."""


WIDE = """
network wide(image: spikes[784]) -> spikes[10] {
    a = lif(linear(image, 1024), decay = 0.25, threshold = 0.25)
    b = lif(linear(a, 1024), decay = 0.25, threshold = 0.25)
    return lif(linear(b, 10), decay = 0.25, threshold = 0.25)
}
train wide {
    data      = random(rate = 0.17, classes = 10, samples = 40)
    steps     = 6
    batch     = 32
    epochs    = 1
    loss      = cross_entropy
    optimizer = sgd(rate = 0.1)
    seed      = 1
}
"""


def experiment(threads: int = 1) -> Experiment:
    module = parse_program(LEARNING, "tiny.snn")
    task = describe(module, "tiny.snn")
    dataset = load_dataset(task, RunOptions())
    return Experiment.of(module, task, load_machine(), dataset, threads)


def test_every_combination_is_a_variant_once_and_all_are_off_first() -> None:
    names = [variant.name for variant in all_variants()]
    assert len(names) == len(set(names)) == 4 * 4 * 3
    assert names[0] == "plain, none, serial"
    assert names[-1] == "chosen, dual, grouped"
    assert all(len(variant.choices) == len(SWITCHES) for variant in all_variants())


def test_a_variant_says_its_whole_pipeline() -> None:
    text = all_variants()[-1].pipeline(training=True, steps=4, batch=8)
    assert text == (
        "infer-shapes,canonicalize,cse,dce,expand-bptt{training=true steps=4 batch=8},"
        "canonicalize,cse,dce,mask-gradients{skip=dual},fuse-luts,"
        "schedule-engines{mode=pipelined groups=auto},lower-to-engine"
    )


def test_equal_pipelines_take_the_same_on_any_number_of_threads() -> None:
    first, second = measure_all(experiment(), SAME)
    assert (first.cycles, first.energy_fj, first.loss) == (
        second.cycles,
        second.energy_fj,
        second.loss,
    )
    assert second.speedup_over(first) == second.saving_over(first) == 1
    assert measure_all(experiment(threads=2), SAME) == (first, second)


def test_json_and_chart_hold_every_variant() -> None:
    one = experiment()
    measurements = measure_all(one, SAME)
    rows = json.loads(ablation_json(measurements, one.task, one.machine))["variants"]
    assert [row["choices"]["backward sparsity"] for row in rows] == ["none", "dual"]
    assert all(row["cycles"] > 0 and row["energy_fj"] > 0 for row in rows)
    chart = ElementTree.fromstring(ablation_chart(measurements, one.task, one.machine))
    words = [element.text for element in chart.iter() if element.tag.endswith("text")]
    assert "tables, dual" in words
    assert words.count("1.00x") == 2


@pytest.fixture(scope="module")
def executed() -> dict[tuple[str, ...], Measurement]:
    """All variants of a network whose layers fill the machine's arrays, executed."""
    module = parse_program(WIDE, "wide.snn")
    task = describe(module, "wide.snn")
    dataset = load_dataset(task, RunOptions())
    wide = Experiment.of(module, task, load_machine(), dataset, 1)
    return {each.variant.choices: each for each in measure_all(wide, all_variants())}


Executed = dict[tuple[str, ...], Measurement]


def test_every_variant_computes_the_same_up_to_the_order_of_sums(executed: Executed) -> None:
    losses = [each.loss for each in executed.values()]
    assert losses == pytest.approx([losses[0]] * len(losses), rel=1e-5)


def test_skipping_more_never_takes_longer(executed: Executed) -> None:
    """With layers that fill the arrays: two kinds beat one, one beats none."""
    for accumulation, schedule in product(ACCUMULATIONS, SCHEDULES):
        none, first, second, dual = (
            executed[accumulation, sparsity, schedule].cycles
            for sparsity in ("none", "input", "output", "dual")
        )
        assert dual < min(first, second)
        assert max(first, second) < none


def test_engines_side_by_side_are_faster_and_save_leakage(executed: Executed) -> None:
    for accumulation, sparsity in product(ACCUMULATIONS, SPARSITIES):
        serial, pipelined, grouped = (
            executed[accumulation, sparsity, schedule] for schedule in SCHEDULES
        )
        assert grouped.cycles <= pipelined.cycles < serial.cycles
        assert grouped.energy_fj <= pipelined.energy_fj < serial.energy_fj


def test_the_cost_models_choice_beats_plain_sums_and_is_near_the_best_way(
    executed: Executed,
) -> None:
    """It knows no densities here and takes half of the inputs to spike, while a sixth does."""
    for sparsity, schedule in product(SPARSITIES, SCHEDULES):
        cycles = {way: executed[way, sparsity, schedule].cycles for way in ACCUMULATIONS}
        assert cycles[CHOSEN] < cycles["plain"]
        assert cycles[CHOSEN] <= 1.15 * min(cycles.values())


def test_a_chart_is_well_formed_whatever_its_words_are() -> None:
    text = bar_chart("a < b & c\x00", [Group("<g>", (Bar("&", 2.0, '"2"'), Bar("", 0.0, ">")))])
    chart = ElementTree.fromstring(text)
    bars = [element for element in chart if element.tag.endswith("rect")]
    assert [float(bar.attrib["width"]) for bar in bars] == [420.0, 0.0]


def test_a_chart_of_nothing_is_a_chart() -> None:
    assert ElementTree.fromstring(bar_chart("empty", [])).tag.endswith("svg")


def test_the_command_writes_table_json_and_chart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablate, "all_variants", lambda: SAME)
    program, data, chart = write_program(tmp_path), tmp_path / "a.json", tmp_path / "a.svg"
    assert main(["ablate", str(program), "--json", str(data), "--svg", str(chart)]) == 0
    output = capsys.readouterr().out
    assert "tables        dual               pipelined" in output
    assert "speedup and saving against plain, none, serial" in output
    assert len(json.loads(data.read_text())["variants"]) == 2
    assert chart.read_text().startswith("<svg")


def test_a_program_that_does_not_train_has_nothing_to_ablate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ablate", str(write_program(tmp_path, INFERENCE))]) == 1
    assert "has no training to ablate" in capsys.readouterr().err


def test_a_chart_without_a_place_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_program(tmp_path)
    assert main(["ablate", str(path), "--svg", str(tmp_path / "no" / "a.svg")]) == 1
    assert "[E0402]" in capsys.readouterr().err


def test_one_file_for_two_outputs_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, same = write_program(tmp_path), tmp_path / "same.out"
    again = tmp_path / "." / "same.out"
    assert main(["ablate", str(path), "--json", str(same), "--svg", str(again)]) == 1
    message = " ".join(capsys.readouterr().err.split())
    assert "twice: two outputs name it" in message
    assert "[E0402]" in message
    assert not same.exists()
