"""`spikeloom reproduce h2learn`: ratios, signs, and what every one of them rests on."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from spikeloom.ablation.variants import Variant
from spikeloom.backend.accounts.baseline import Comparison, Gpu, Work, load_gpu
from spikeloom.backend.host.totals import Totals
from spikeloom.backend.machine.description import load_machine
from spikeloom.command_line import main
from spikeloom.frontend.program import parse_program
from spikeloom.reproduction.dependence import DENSE, PARTLY_DENSE, dependence_of, note_of
from spikeloom.reproduction.figures import Figure, common_efficiencies, figures_of
from spikeloom.reproduction.published import CHOSEN, DENSITIES, EFFICIENCY
from spikeloom.reproduction.signs import against_events, signs_of

MILLISECOND = 10**12
"""Femtoseconds."""

CREDITED = load_gpu().with_efficiency(EFFICIENCY)
PLAIN = """
network plain(image: spikes[8]) -> currents[2] {
    return linear(lif(linear(image, 4), decay = 0.25, threshold = 0.25), 2)
}
"""


def comparison(speedup: int, saving: int, gpu: Gpu = CREDITED) -> Comparison:
    """A made-up measurement with these ratios; the area is the bundled machine's."""
    time = speedup * MILLISECOND
    energy = gpu.power.value * time // saving
    area = gpu.area.value * 10**12 // 7
    return Comparison(gpu, Work(1, 1), time, 1, MILLISECOND * Fraction(1), energy, area)


def figures(speedup: int, saving: int, table: str = "horowitz") -> dict[str, Figure]:
    machine = load_machine(None).with_energy_table(table)
    found = figures_of(comparison(speedup, saving), machine, "mask=0.36")
    return {figure.name: figure for figure in found}


def totals(cycles: int, backward: int = 10, arrays: int = 10) -> Totals:
    busy = {"fe": arrays, "be": backward, "wue": arrays}
    counters = {f"{engine}__cycles_active": cycles for engine, cycles in busy.items()}
    return Totals(cycles=cycles, energy_fj=cycles, counters=counters)


MEASURED = {
    "plain, dual, pipelined": totals(200, 10, 40),
    "tables, dual, serial": totals(300),
    "tables, none, pipelined": totals(150, 40),
    "tables, input, pipelined": totals(140, 30),
    "tables, output, pipelined": totals(120, 20),
    "events, dual, pipelined": totals(80),
}
BEST = totals(100)


def holding(**changed: Totals) -> list[bool]:
    """Whether each sign holds when some variants, named by their first words, were measured so."""

    def count(variant: Variant) -> Totals:
        return changed.get("_".join(variant.choices), MEASURED[variant.name])

    return [sign.holds for sign in signs_of(count, BEST)]


def test_a_ratio_inside_its_range_agrees_and_needs_no_reason() -> None:
    found = figures(speedup=8, saving=7)
    assert [figure.holds for figure in found.values()] == [True] * 4
    assert not any(figure.reason for figure in found.values())


@pytest.mark.parametrize("speedup", [5, 11])
def test_a_speedup_outside_its_range_is_reported_as_outside(speedup: int) -> None:
    figure = figures(speedup, saving=6)["V2"]
    assert not figure.holds
    assert "--efficiency" in figure.reason


def test_the_efficiency_is_said_to_be_chosen_where_a_ratio_rests_on_it() -> None:
    found = figures(speedup=8, saving=6)
    assert all(f"{EFFICIENCY} %" in found[name].assumptions for name in ("V2", "V3"))
    assert all(CHOSEN in found[name].assumptions for name in ("V2", "V3"))
    assert CHOSEN not in found["V1"].assumptions


def test_only_the_range_of_the_power_ratio_is_implied() -> None:
    origins = [figure.origin for figure in figures(8, 6).values()]
    assert origins == ["published", "published", "published", "implied"]


@pytest.mark.parametrize("name", ["V3", "V4"])
def test_an_energy_outside_its_range_names_what_explains_it(name: str) -> None:
    reason = figures(speedup=8, saving=100)[name].reason
    for words in ("full 300 W", f"{EFFICIENCY} %", "leakage of logic", "host", "clock tree"):
        assert words in reason
    with_leakage = figures(speedup=8, saving=100, table="aladdin")[name].reason
    assert "leakage" not in with_leakage
    assert "host" in with_leakage


def test_efficiencies_that_hold_for_all_are_those_that_hold_for_each() -> None:
    slow, fast = comparison(6, 6), comparison(10, 6)
    common = common_efficiencies([slow, fast])
    assert common is not None
    assert common.low == EFFICIENCY * 10 / Fraction("10.20")
    assert common.high == EFFICIENCY * 6 / Fraction("5.74")
    assert common_efficiencies([comparison(2, 6), fast]) is None


def test_signs_hold_when_every_switch_saves_cycles() -> None:
    assert holding() == [True] * 4


@pytest.mark.parametrize(
    ("place", "variant", "measured"),
    [
        (0, "plain_dual_pipelined", totals(200, 10, 9)),
        (1, "tables_input_pipelined", totals(140, 41)),
        (1, "tables_output_pipelined", totals(140, 40)),
        (2, "tables_output_pipelined", totals(120, 10)),
        (3, "tables_dual_serial", totals(100)),
    ],
)
def test_a_sign_that_does_not_hold_is_reported(place: int, variant: str, measured: Totals) -> None:
    assert holding(**{variant: measured}) == [number != place for number in range(4)]


def test_tables_that_lose_to_events_are_shown_to_lose() -> None:
    cycles, energy = against_events(lambda variant: MEASURED[variant.name], BEST)
    assert (cycles.without, cycles.with_it, cycles.holds) == (80, 100, False)
    assert energy.gain == Fraction(80, 100)


def shares_of(densities: str) -> dict[str, float]:
    parts = (part.partition("=") for part in densities.split(","))
    return {kind: float(share) for kind, _, share in parts}


@pytest.mark.parametrize("kinds", [(), ("spikes",), ("gradients",), ("spikes", "gradients")])
def test_only_densities_that_change_the_count_are_named(kinds: tuple[str, ...]) -> None:
    module = parse_program(PLAIN, "plain.snn")
    given = shares_of(DENSITIES)

    def count(densities: str) -> Totals:
        shares = shares_of(densities)
        changed = any(shares[kind] != given[kind] for kind in kinds)
        return BEST.model_copy(update={"cycles": 7}) if changed else BEST

    found = dependence_of(count, BEST, module, DENSITIES)
    assert found.kinds == ("mask", *kinds)
    assert found.densities.startswith("mask=0.36")
    assert found.note == ""


def test_the_note_on_padding_stands_only_beside_programs_with_batchnorm() -> None:
    assert note_of(batchnorm=False, gradients_matter=True) == ""
    assert note_of(batchnorm=True, gradients_matter=True) == PARTLY_DENSE
    assert note_of(batchnorm=True, gradients_matter=False) == DENSE


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command writes for the smallest workload."""
    file = Path(tmp_path_factory.mktemp("h2learn")) / "h2learn.json"
    assert main(["reproduce", "h2learn", "--workload", "cifar_bn", "--json", str(file)]) == 0
    return json.loads(file.read_text())


def test_cifar_bn_agrees_in_area_and_time(reproduced: dict[str, Any]) -> None:
    found = reproduced["workloads"]["cifar_bn"]["figures"]
    assert 0.75 * 7.38 <= found["V1"]["modelled"] <= 1.25 * 7.38
    assert 5.74 <= found["V2"]["modelled"] <= 10.20
    assert found["V1"]["holds"]
    assert found["V2"]["holds"]


def test_every_sign_of_cifar_bn_holds(reproduced: dict[str, Any]) -> None:
    signs = reproduced["workloads"]["cifar_bn"]["signs"]
    assert len(signs) == 4
    assert all(sign["holds"] and sign["with"] < sign["without"] for sign in signs)


def test_every_figure_is_written_with_what_it_rests_on(reproduced: dict[str, Any]) -> None:
    workload = reproduced["workloads"]["cifar_bn"]
    assert sorted(workload["figures"]) == ["V1", "V2", "V3", "V4"]
    assert all(figure["assumptions"] for figure in workload["figures"].values())
    assert all(figure["holds"] or figure["reason"] for figure in workload["figures"].values())
    assert CHOSEN in reproduced["efficiency"]
    assert "50 %" in reproduced["efficiency"]


def test_cifar_bn_rests_on_its_masks_and_its_padding_alone(reproduced: dict[str, Any]) -> None:
    workload = reproduced["workloads"]["cifar_bn"]
    assert (workload["rests_on"], workload["note"]) == (["mask"], DENSE)
    assert "gradients" not in workload["figures"]["V2"]["assumptions"]


def test_tables_stand_beside_events_in_cycles_and_energy(reproduced: dict[str, Any]) -> None:
    ours = reproduced["workloads"]["cifar_bn"]["ours"]
    assert [line["compared"] for line in ours] == ["cycles of a batch", "femtojoules of a batch"]
    assert all(line["holds"] == (line["with"] < line["without"]) for line in ours)
