"""The GPU beside the machine: hand-computed, exact, and always shown with what it assumes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from programs import write_program

from spikeloom.backend.accounts.baseline import Comparison, Work, compare, load_gpu, work_of
from spikeloom.backend.machine.area import area_of
from spikeloom.backend.machine.description import load_machine
from spikeloom.command_line import main
from spikeloom.diagnostics import DiagnosticError

V100, MACHINE = load_gpu(), load_machine()
Captured = pytest.CaptureFixture[str]

COUNTERS = {
    "fe__additions_dense": 1000,
    "fe__additions_issued": 10,
    "be__additions_dense": 200,
    "be__multiplications_issued": 200,
    "wue__additions_dense": 30,
    "nu__additions_dense": 4,
    "nu__multiplications_issued": 5,
    "opt__additions_dense": 6,
    "loss__multiplications_issued": 7,
    "dma__bytes_read_dram": 10000,
    "dma__bytes_written_dram": 2000,
    "dma__bytes_written_spike_sram": 999,
    "fe__bytes_read_spike_sram": 3,
    "fe__bytes_read_weight_sram": 999,
    "nu__bytes_written_state_sram": 40,
    "be__bytes_read_weight_sram": 999,
    "wue__bytes_written_gradient_sram": 999,
    "opt__bytes_read_gradient_sram": 500,
    "opt__bytes_written_weight_sram": 600,
}


def compared(
    operations: int, moved: int, percent: int = 50, cycles: int = 1000, energy: int = 10**12
) -> Comparison:
    counters = {"nu__additions_dense": operations, "dma__bytes_read_dram": moved}
    return compare(counters, cycles, energy, MACHINE, V100.with_efficiency(percent))


def test_the_v100_is_what_was_published_and_its_efficiency_is_assumed():
    numbers = (V100.area, V100.node, V100.power, V100.compute, V100.bandwidth)
    assert [number.value for number in numbers] == [815, 12, 300, 15700, 900]
    assert all("NVIDIA" in number.source for number in numbers)
    assert V100.efficiency.source == "assumed"


def test_work_is_dense_and_counts_spikes_as_floats_and_weights_once():
    operations = 2 * (1000 + 200 + 30) + 4 + 5 + 6 + 7
    moved = 10000 + 2000 + 32 * 3 + 40 + 500 + 600
    assert work_of(COUNTERS) == Work(operations, moved)


def test_time_by_compute_at_the_declared_efficiency():
    comparison = compared(operations=15_700_000, moved=1)
    # 15.7 million operations at half of 15.7 TFLOP/s take 2 microseconds.
    assert comparison.time == comparison.compute_time == 2 * 10**9
    # 2 us at 300 W are 600 uJ; the machine took 1000 cycles at 1 GHz and 1 mJ.
    assert comparison.energy == 600 * 10**9
    assert comparison.speedup == 2
    assert comparison.energy_saving == Fraction(6, 10)
    assert comparison.power_ratio == Fraction(3, 10)
    assert comparison.area_saving == Fraction(815 * 10**12, sum(area_of(MACHINE).values()))


def test_time_by_memory_does_not_depend_on_the_efficiency():
    for percent in (1, 50, 100):
        comparison = compared(operations=1, moved=900_000, percent=percent)
        assert comparison.time == comparison.memory_time == 10**9


def test_compute_time_is_inverse_to_the_efficiency_and_rounded_up():
    assert compared(157_000, 0, percent=100).time == 10**7
    assert compared(157_000, 0, percent=25).time == 4 * 10**7
    assert compared(1, 0, percent=100).time == 64


def test_a_machine_that_did_nothing_has_no_ratio():
    comparison = compared(operations=0, moved=0, cycles=0, energy=0)
    assert comparison.speedup is comparison.energy_saving is comparison.power_ratio is None


@pytest.mark.parametrize("percent", [0, 101])
def test_an_efficiency_outside_its_range_in_the_file_is_refused(tmp_path: Path, percent: int):
    from spikeloom.backend.accounts import baseline
    from spikeloom.backend.machine import text as machine_text

    text = (Path(baseline.__file__).parents[1] / "machines" / "v100.toml").read_text()
    path = tmp_path / "gpu.toml"
    path.write_text(text.replace("value = 50,", f"value = {percent},"))
    with pytest.raises(DiagnosticError, match="`efficiency`: the value must be at"):
        machine_text.read_model(baseline.Gpu, path)


# --- the command line --------------------------------------------------------------------


def spikeloom(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_every_ratio_is_printed_with_the_efficiency_it_rests_on(tmp_path: Path, capsys: Captured):
    program, image = write_program(tmp_path), tmp_path / "t.snx"
    assert spikeloom("compile", program, "-o", image) == 0
    for command, source in (("run", program), ("exec", image)):
        assert spikeloom(command, source, "--baseline") == 0
        out = capsys.readouterr().out
        assert "a model, not a measurement" in out
        ratios = [line for line in out.splitlines() if "x  V100 " in line]
        assert [line.split()[0] for line in ratios] == ["time", "energy", "average", "area"]
        assert all("V100 at 50 % of its peak, assumed" in line for line in ratios[:3])
        assert "V100 in 12 nm, not scaled" in ratios[3]


def test_another_efficiency_can_be_declared_and_is_said(tmp_path: Path, capsys: Captured):
    assert spikeloom("run", write_program(tmp_path), "--baseline-efficiency", 30) == 0
    assert "V100 at 30 % of its peak, assumed: declared on the" in capsys.readouterr().out


def test_without_being_asked_for_nothing_is_compared(tmp_path: Path, capsys: Captured):
    assert spikeloom("run", write_program(tmp_path)) == 0
    assert "V100" not in capsys.readouterr().out


@pytest.mark.parametrize("percent", ["0", "101", "x", "-5", "50.5"])
def test_an_efficiency_that_is_no_percentage_is_wrong_usage(capsys: Captured, percent: str):
    assert spikeloom("run", "x.snn", "--baseline-efficiency", percent) == 2
    assert "--baseline-efficiency" in capsys.readouterr().err
