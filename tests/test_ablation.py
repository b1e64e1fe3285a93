"""`spikeloom ablate`: variants, measurements, table, JSON and chart."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from programs import INFERENCE, LEARNING, write_program

from spikeloom.ablation.bar_chart import Bar, Group, bar_chart
from spikeloom.ablation.experiment import Counted, Executed, Experiment, Taken
from spikeloom.ablation.measurement import Measurement, measure_all
from spikeloom.ablation.report import ablation_chart, ablation_json
from spikeloom.ablation.variants import (
    ACCUMULATIONS,
    CHOSEN,
    SCHEDULES,
    SPARSITIES,
    SWITCHES,
    Variant,
    all_variants,
    variant_of,
)
from spikeloom.backend.counting.densities import parse_densities
from spikeloom.backend.host.counting import FromDensities
from spikeloom.backend.host.session import RunOptions, load_dataset
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import load_machine
from spikeloom.command_line import main
from spikeloom.commands import ablate
from spikeloom.default_pipeline import analysis_of
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


def experiment(text: str = LEARNING, threads: int = 1) -> Executed:
    """On the first batch of a program that lies in some folder."""
    module = parse_program(text, "folder/tiny.snn")
    task = describe(module, "folder/tiny.snn")
    dataset = load_dataset(task, RunOptions())
    return Executed.of(module, task, load_machine(), dataset, threads)


def counted(text: str, shares: str = "spikes=.17,mask=.36,gradients=.5") -> Counted:
    module = parse_program(text, "tiny.snn")
    source = FromDensities(parse_densities(shares), f"densities {shares}")
    return Counted(module, describe(module, "tiny.snn"), load_machine(), "", source)


def remarks(one: Experiment, *choices: tuple[str, str, str]) -> list[str]:
    """The remarks of these variants, one behind the other."""
    return [each.remark for each in measure_all(one, [variant_of(*each) for each in choices])]


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
    one = experiment()
    first, second = (one.take(one.compile(variant)) for variant in SAME)
    assert first == second
    assert measure_all(experiment(threads=2), SAME)[1].taken == first


def test_json_and_chart_hold_every_variant() -> None:
    one = experiment()
    measurements = measure_all(one, SAME)
    result = json.loads(ablation_json(measurements, one))
    rows = result["variants"]
    assert (result["program"], result["network"]) == ("tiny.snn", "tiny")
    assert [row["choices"]["backward sparsity"] for row in rows] == ["none", "dual"]
    assert all(row["cycles"] > 0 and row["energy_fj"] > 0 for row in rows)
    chart = ElementTree.fromstring(ablation_chart(measurements, one))
    words = [element.text or "" for element in chart.iter() if element.tag.endswith("text")]
    assert words[0].startswith("tiny.snn on h2learn")
    assert "speedup over plain, none, serial, x (ratio of cycles)" in words
    assert "tables, dual" in words
    assert words.count("1.00x") == 2


@pytest.fixture(scope="module")
def executed() -> dict[tuple[str, ...], Measurement]:
    """All variants of a network whose layers fill the machine's arrays, executed."""
    found = measure_all(experiment(WIDE), all_variants())
    return {each.variant.choices: each for each in found}


Rows = dict[tuple[str, ...], Measurement]


def test_every_variant_computes_the_same_up_to_the_order_of_sums(executed: Rows) -> None:
    losses = [each.taken.loss for each in executed.values()]
    assert losses == pytest.approx([losses[0]] * len(losses), rel=1e-5)


def test_skipping_more_never_takes_longer(executed: Rows) -> None:
    """With layers that fill the arrays: two kinds beat one, one beats none."""
    for accumulation, schedule in product(ACCUMULATIONS, SCHEDULES):
        none, first, second, dual = (
            executed[accumulation, sparsity, schedule].cycles
            for sparsity in ("none", "input", "output", "dual")
        )
        assert dual < min(first, second)
        assert max(first, second) < none


def with_tiles_cut(serial: Variant) -> Taken:
    """The same engines one after the other, with the tiles that a pipeline has."""
    passes = serial.passes.replace(" tiles=largest", "")
    assert passes != serial.passes
    one = experiment(WIDE)
    return one.take(one.compile(replace(serial, passes=passes)))


def test_engines_side_by_side_are_faster_and_save_leakage(executed: Rows) -> None:
    for accumulation, sparsity in product(ACCUMULATIONS, SPARSITIES):
        serial, pipelined, grouped = (
            executed[accumulation, sparsity, schedule] for schedule in SCHEDULES
        )
        assert grouped.cycles <= pipelined.cycles < serial.cycles
        assert grouped.energy_fj <= pipelined.energy_fj
        # Larger tiles save weight traffic, which outweighs leakage where every input is added.
        compared = with_tiles_cut(serial.variant) if accumulation == "plain" else serial
        assert pipelined.energy_fj < compared.energy_fj


def test_the_cost_models_choice_beats_plain_sums_and_is_near_the_best_way(
    executed: Rows,
) -> None:
    """It knows no densities here and takes half of the inputs to spike, while a sixth does.

    Nor does it know of engines that wait for each other.
    """
    for sparsity, schedule in product(SPARSITIES, SCHEDULES):
        cycles = {way: executed[way, sparsity, schedule].cycles for way in ACCUMULATIONS}
        assert cycles[CHOSEN] < cycles["plain"]
        assert cycles[CHOSEN] <= 1.15 * min(cycles.values())


def test_serial_engines_have_tiles_of_their_own(executed: Rows) -> None:
    """Those of the pipeline are cut so that loads overlap, which costs where nothing does."""
    own = executed["tables", "dual", "serial"]
    cut = with_tiles_cut(own.variant)
    assert own.cycles < cut.cycles


def test_where_groups_cannot_be_the_row_says_why() -> None:
    rows = [("plain", "none", schedule) for schedule in ("serial", "pipelined", "grouped")]
    normalized = LEARNING.replace("lif(linear(x, 5))", "lif(batchnorm(linear(x, 5)))")
    said = remarks(counted(normalized), *rows)
    assert said[:2] == ["", ""]
    assert said[2] == (
        "the same instructions as `pipelined`: no groups of samples with batchnorm: "
        "`bptt.moments` needs the mean of all samples"
    )
    recurrent = LEARNING.replace("linear(x, 5)", "linear(x, 5) + linear(previous(hidden), 5)")
    assert "no groups of samples with `previous`" in remarks(counted(recurrent), *rows)[2]
    assert remarks(counted(LEARNING), *rows) == ["", "", ""]


def test_what_has_no_masks_and_what_the_model_chooses_is_said() -> None:
    smooth = LEARNING.replace("lif(linear(x, 5))", "lif(linear(x, 5), surrogate = atan(2.0))")
    rows = [(way, skip, "serial") for way in ("events", CHOSEN) for skip in ("none", "output")]
    said = remarks(counted(smooth), *rows)
    assert said[0] == ""
    assert said[1].startswith("as `none`: no gradient has one reader alone")
    assert remarks(counted(LEARNING), *rows)[1] == ""
    alone = LEARNING.replace("hidden = lif(linear(x, 5))\n", "").replace("hidden", "x")
    said = remarks(counted(alone), ("plain", "none", "serial"), ("plain", "dual", "serial"))
    assert said[1] == "the same instructions as `none`: no layer needs the gradient of its input"
    analog = alone.replace("spikes[6]", "currents[6]")
    said = remarks(counted(analog), ("plain", "none", "serial"), ("tables", "none", "serial"))
    assert said[1] == "the same instructions as `plain`: spikes select no sum"


def test_counting_takes_what_executing_takes_where_nothing_depends_on_data() -> None:
    """Plain sums and no skipping: only that the densities are given tells the two apart."""
    row = variant_of("plain", "none", "serial")
    first, second = experiment(WIDE), counted(WIDE)
    executed_, counted_ = (one.take(one.compile(row)) for one in (first, second))
    assert counted_.cycles == executed_.cycles
    assert counted_.loss is None


def test_a_chart_is_well_formed_whatever_its_words_are() -> None:
    text = bar_chart(
        "a < b & c\x00", "<x>", [Group("<g>", (Bar("&", 2.0, '"2"'), Bar("", 0.0, ">")))]
    )
    chart = ElementTree.fromstring(text)
    bars = [element for element in chart if element.tag.endswith("rect")]
    assert [float(bar.attrib["width"]) for bar in bars] == [420.0, 0.0]


def test_a_chart_of_nothing_is_a_chart() -> None:
    assert ElementTree.fromstring(bar_chart("empty", "", [])).tag.endswith("svg")


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


def test_the_command_counts_with_densities_or_a_profile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [variant_of("plain", "none", "serial"), variant_of(CHOSEN, "dual", "grouped")]
    monkeypatch.setattr(ablate, "all_variants", lambda: rows)
    program, profile = write_program(tmp_path), tmp_path / "p.json"
    assert main(["run", str(program), "--epochs", "1", "--json", str(profile)]) == 0
    shares = "spikes=.17,mask=.36,gradients=.5"
    for source in (["--density", shares], ["--profile", str(profile)]):
        data = tmp_path / "a.json"
        arguments = ["ablate", str(program), "--count-only", *source, "--json", str(data)]
        assert main(arguments) == 0
        assert "counted and not executed" in capsys.readouterr().out
        assert [row["loss"] for row in json.loads(data.read_text())["variants"]] == [None, None]
        assert str(tmp_path) not in data.read_text()


def test_a_profile_is_compiled_for_whether_or_not_it_is_counted_with(tmp_path: Path) -> None:
    program, profile = write_program(tmp_path), tmp_path / "p.json"
    assert main(["run", str(program), "--epochs", "1", "--json", str(profile)]) == 0
    one = replace(experiment(), analysis=analysis_of(profile))
    text = variant_of(CHOSEN, "dual", "serial").pipeline(
        training=True, steps=4, batch=8, analysis=one.analysis
    )
    assert f'mask-gradients{{skip=dual}},analyze-sparsity{{profile="{profile}"}},fuse-luts' in text
    assert one.compile(variant_of(CHOSEN, "dual", "serial")).names == ("train[8]",)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--count-only"], "takes one source of counts, not nothing"),
        (["--count-only", "--density", "spikes=2,mask=1,gradients=1"], "`spikes` is 2, not a"),
    ],
)
def test_sources_of_counts_that_do_not_apply_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["ablate", str(write_program(tmp_path)), *arguments]) == 1
    found = " ".join(capsys.readouterr().err.split())
    assert words in found
    assert "[E0405]" in found
    assert "--statistics" not in found


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
