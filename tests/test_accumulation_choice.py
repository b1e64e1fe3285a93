"""`fuse-luts` chooses no worse than the best way forced on all layers, counted and executed."""

from __future__ import annotations

import pytest
from engine_gradients import default_machine
from programs import example

from spikeloom.ablation.accumulation_choices import Compared, compare_counted, compare_executed
from spikeloom.ablation.experiment import Executed
from spikeloom.backend.host.session import RunOptions, load_dataset
from spikeloom.backend.host.task import describe
from spikeloom.frontend.program import parse_program
from spikeloom.reproduction.measurement import Workload
from spikeloom.reproduction.published import DENSITIES

TOLERANCE = 1.02
"""Nests overlap in ways that a choice of one layer after the other does not foresee."""


def check(found: Compared) -> None:
    best, forced = found.best_cycles
    assert found.cycles <= TOLERANCE * best, forced
    best, forced = found.best_energy
    assert found.energy_fj <= TOLERANCE * best, forced


@pytest.mark.parametrize("name", ["digits", "match", "conv_digits"])
def test_chosen_for_its_profile_an_executed_batch_beats_every_uniform_choice(name: str) -> None:
    module = parse_program(example(name), f"{name}.snn")
    task = describe(module, f"{name}.snn")
    dataset = load_dataset(task, RunOptions())
    check(compare_executed(Executed.of(module, task, default_machine(), dataset, threads=2)))


def test_chosen_for_declared_densities_a_counted_workload_beats_every_uniform_choice() -> None:
    forced = ("accumulate=events", "width=4")  # benchmarks/accumulation.py takes all of them
    workload = Workload.load("alexnet_bn")
    check(compare_counted(workload, DENSITIES, default_machine(), forced))
    found = compare_counted(workload, "spikes=.5,mask=.36,gradients=.5", default_machine(), forced)
    check(found)
    assert found.cycles < found.best_cycles[0]  # of several ways, better than any alone
