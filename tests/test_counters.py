"""Counters: declared in one place, exact, conserved in every run, and energy is their sum."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from math import prod

import numpy as np
import pytest
from expected_work import expected_work
from random_images import RandomImages
from random_training import RandomTraining
from reference_machine import ReferenceMachine

from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.counters import (
    COMPONENTS,
    COUNTERS,
    ELAPSED,
    ENERGY_DYNAMIC,
    ENERGY_STATIC,
    ENERGY_TOTAL,
    QUANTITIES,
    counter_reference,
    dynamic_counter,
    static_counter,
)
from spikeloom.backend.accounts.energy import energy_weights
from spikeloom.backend.accounts.identities import IdentityError, check_identities
from spikeloom.backend.accounts.results import RunResult
from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.execution.work import WORK
from spikeloom.backend.machine.components import leakage_per_cycle
from spikeloom.backend.machine.description import load_machine
from spikeloom.backend.validation.validator import validate
from spikeloom.dialects.instruction_set import (
    DMA_ENGINES,
    INSTRUCTIONS,
    MEMORIES,
    SPECS,
    TRAINING_ENGINES,
    Element,
    Engine,
)

KINDS = ("dense", "issued", "skipped_input", "skipped_output", "skipped_both", "fused")
MACHINE = load_machine()
LARGE = dict.fromkeys(MACHINE.memory_bytes, 1 << 28)


def run(seed: int, kind: type = RandomTraining) -> tuple[RunResult, ReferenceMachine]:
    """One run on the interpreter and on the plain numpy machine."""
    training = kind(seed)
    stream = training.stream()
    interpreter, reference = Interpreter(validate(stream, LARGE), MACHINE), ReferenceMachine(stream)
    for buffer, values in training.inputs.items():
        interpreter.write(buffer, values)
        reference.memory[buffer][...] = values
    reference.run()
    return interpreter.run(), reference


def test_every_quantity_is_declared_once():
    assert sorted(QUANTITIES) == list(range(q.QUANTITIES))
    names = [quantity.name for quantity in QUANTITIES.values()]
    assert len(names) == len(set(names))


def test_names_are_unit_quantity_qualifier():
    units = {engine.value for engine in TRAINING_ENGINES} | set(MEMORIES) | {"machine"}
    for name, spec in COUNTERS.items():
        unit, _, quantity = name.partition("__")
        assert unit in units
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", quantity), name
        assert spec.unit
        assert spec.description


def test_a_run_reports_exactly_the_declared_counters_as_integers():
    counters = run(0)[0].counters()
    assert list(counters) == sorted(COUNTERS)
    assert {type(value) for value in counters.values()} == {int}


def test_the_reference_page_lists_every_counter():
    page = counter_reference()
    assert all(f"| `{name}` | {spec.unit} |" in page for name, spec in COUNTERS.items())


def test_every_instruction_has_a_cost_with_axes_of_its_own():
    assert set(WORK) == set(SPECS)
    for spec in INSTRUCTIONS:
        work = WORK[spec.name]
        assert {*work.inner, work.outer} - {""} <= set(spec.axes)
        assert work.per_event in {"", *(role.name for role in spec.roles)}


@pytest.mark.parametrize("seed", range(10))
def test_spikes_masks_and_events_are_what_the_buffers_hold(seed):
    result, reference = run(seed)
    counters = result.counters()
    named = dict(zip(reference.stream.buffer_names, reference.memory, strict=True))
    for counter, kind in (("nu__spikes_emitted", "spikes"), ("nu__mask_ones", "mask")):
        layers = [
            named[f"{layer}.{kind}"] for layer in ("hidden", "output") if f"{layer}.{kind}" in named
        ]
        assert counters[counter] == sum(int(cells.sum()) for cells in layers)
    for engine in (Engine.FORWARD, Engine.WEIGHT_UPDATE):
        events = [
            int(per_row.sum())
            for executed, per_row in zip(reference.executed, reference.events, strict=True)
            if executed.spec.engine is engine
        ]
        assert counters[f"{engine.value}__events_received"] == sum(events)


@pytest.mark.parametrize("kind", [RandomTraining, RandomImages])
@pytest.mark.parametrize("seed", range(10))
def test_additions_and_traffic_follow_from_boxes_and_events(seed, kind):
    result, reference = run(seed, kind)
    additions, products = Counter[str](), Counter[str]()
    moved = {(verb, memory): 0 for verb in ("read", "written") for memory in MEMORIES}
    for executed, events in zip(reference.executed, reference.events, strict=True):
        spec, work = executed.spec, WORK[executed.spec.name]
        expected = expected_work(executed, events)
        visits = int(executed.immediates.get("kernel", 1)) ** 2
        for part in KINDS:
            name = f"{spec.engine.value}__{{}}_{part}"
            additions[name.format("additions")] += getattr(expected, part) * work.additions
            done = getattr(expected, part) // visits * work.multiplications
            products[name.format("multiplications")] += done
        for role in spec.roles:
            if role.name not in executed.buffers:
                continue
            row = reference.stream.buffers[executed.buffers[role.name]]
            *outer, features = (executed.axes[a] for a in role.dims)
            rows = prod(outer)
            if role.name == work.per_event:
                rows = expected.moved_rows
            bits = features * (1 if row["element"] == list(Element).index(Element.BIT) else 32)
            memory = MEMORIES[row["memory"]]
            if role in spec.reads or role.updates:
                moved["read", memory] += rows * -(-bits // 8)
            if role in spec.writes:
                moved["written", memory] += rows * -(-bits // 8)
    counters = result.counters()
    for name, count in {**additions, **products}.items():
        assert counters.get(name, 0) == count, name
    for (verb, memory), expected in moved.items():
        ending = f"__bytes_{verb}_{memory}"
        assert sum(v for name, v in counters.items() if name.endswith(ending)) == expected


def test_totals_by_engine_layer_and_location_are_the_same():
    result = run(2)[0]
    totals = result.totals()
    expected = result.counts.sum(axis=0).tolist()
    assert totals.per_engine().sum(axis=0).tolist() == expected
    for groups in (totals.per_layer(), totals.per_location(), totals.per_owner()):
        assert sum(groups.values()).tolist() == expected
    assert set(totals.per_layer()) == {"", "hidden", "output"}


def test_totals_add_up_over_runs_of_several_streams():
    first, second = run(0)[0], run(1)[0]
    totals = first.totals()
    for result in (second, first):
        totals.add(result)
    parts = [first.counters(), second.counters(), first.counters()]
    assert totals.counters() == {name: sum(p[name] for p in parts) for name in COUNTERS}


def test_totals_do_not_change_the_result_they_were_made_from():
    first, second = run(0)[0], run(0)[0]
    before = first.counts.copy()
    first.totals().add(first)
    assert np.array_equal(first.counts, before)
    assert np.array_equal(first.counts, second.counts)


def test_energy_is_the_sum_of_count_times_constant():
    result = run(4)[0]
    counters, energies = result.counters(), MACHINE.energies
    for engine in TRAINING_ENGINES:
        if engine not in DMA_ENGINES:
            additions = counters[f"{engine.value}__additions_issued"]
            products = counters[f"{engine.value}__multiplications_issued"]
            expected = additions * energies.addition.value
            expected += products * energies.multiplication.value
            assert counters[dynamic_counter(engine.value)] == expected
    for memory in MEMORIES:
        read, write = energies.per_byte(memory)
        expected = sum(
            value * (read if f"__bytes_read_{memory}" in name else write)
            for name, value in counters.items()
            if name.endswith((f"__bytes_read_{memory}", f"__bytes_written_{memory}"))
        )
        assert counters[dynamic_counter(memory)] == expected
    for name, leakage in leakage_per_cycle(MACHINE).items():
        assert leakage == 0 or counters[static_counter(name)] == counters[ELAPSED] * leakage
    dynamic = sum(counters[dynamic_counter(name)] for name in COMPONENTS)
    static = sum(counters[static_counter(name)] for name in COMPONENTS)
    assert (counters[ENERGY_DYNAMIC], counters[ENERGY_STATIC]) == (dynamic, static)
    assert counters[ENERGY_TOTAL] == dynamic + static == result.totals().energy().total


def test_energy_of_a_long_training_run_does_not_overflow():
    result = run(0)[0]
    many = 2**40
    long = dataclasses.replace(
        result, counts=result.counts * many, idle=result.idle * many, elapsed=result.elapsed * many
    )
    assert long.counters()[ENERGY_TOTAL] == many * result.counters()[ENERGY_TOTAL] > 2**63


@pytest.mark.parametrize(
    ("quantity", "law"),
    [
        (q.CYCLES_ACTIVE, "states add up"),
        (q.CYCLES_STALLED_ON, "states add up"),
        (q.ADDITIONS_ISSUED, "issued \\+ skipped"),
        (q.ADDITIONS_SKIPPED_INPUT, "issued \\+ skipped"),
        (q.ADDITIONS_DENSE, "issued \\+ skipped"),
    ],
)
def test_a_broken_law_is_found_and_named(quantity, law):
    result = run(0)[0]
    check_identities(result)
    counts = result.counts.copy()
    counts[-1, quantity] += 1
    with pytest.raises(IdentityError, match=law):
        check_identities(dataclasses.replace(result, counts=counts))


def test_a_count_outside_the_owners_is_found():
    result = run(0)[0]
    loops = np.setdiff1d(np.arange(len(result.counts)), result.owners.records)
    counts = result.counts.copy()
    counts[loops[0], q.CELLS_PRODUCED] += 1
    with pytest.raises(IdentityError, match="totals per engine"):
        check_identities(dataclasses.replace(result, counts=counts))


def test_a_count_on_an_engine_that_cannot_count_it_is_found():
    result = run(0)[0]
    counts = result.counts.copy()
    loads = np.flatnonzero(counts[:, q.BYTES_READ] > 0)
    counts[loads[0], q.SPIKES_EMITTED] += 1
    with pytest.raises(IdentityError, match="dma spikes_emitted"):
        check_identities(dataclasses.replace(result, counts=counts))


def test_only_actions_of_the_machine_file_cost_energy():
    weights = energy_weights(MACHINE)
    costly = {QUANTITIES[int(i)].name for i in np.flatnonzero(weights)}
    moved = {f"bytes_{verb}_{memory}" for verb in ("read", "written") for memory in MEMORIES}
    assert costly == {"additions_issued", "multiplications_issued"} | moved
