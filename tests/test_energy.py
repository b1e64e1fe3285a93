"""Energy and area: hand-computed, conserved however they are looked at, exported as actions."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_training import RandomTraining

from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.actions import LEAKAGE, action_counts, actions_csv
from spikeloom.backend.accounts.energy import Amount, energy_of, share_out
from spikeloom.backend.accounts.identities import IdentityError, check_identities
from spikeloom.backend.accounts.owner import Owner
from spikeloom.backend.accounts.results import RunResult
from spikeloom.backend.assembly import assemble
from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.host.totals import Totals, totals_of
from spikeloom.backend.machine.area import area_of
from spikeloom.backend.machine.components import components, leakage_per_cycle
from spikeloom.backend.machine.description import load_machine
from spikeloom.backend.validation.validator import validate
from spikeloom.dialects.instruction_set import MEMORIES, TRAINING_ENGINES, Engine

HOROWITZ = load_machine()
ALADDIN = HOROWITZ.with_energy_table("aladdin")
TABLES = pytest.mark.parametrize("machine", [HOROWITZ, ALADDIN], ids=["horowitz", "aladdin"])
LARGE = dict.fromkeys(HOROWITZ.memory_bytes, 1 << 28)

TINY = """\
buffer @input : bit[1, 1, 1, 4] in dram at 0x00000000 role input
buffer @weight : f32[1, 1, 4, 8] in dram at 0x00000040 role parameter "a.weight"
buffer @spikes : bit[1, 1, 1, 4] in spike_sram at 0x00000000
buffer @tile : f32[1, 1, 4, 8] in weight_sram at 0x00000000
buffer @current : f32[1, 1, 1, 8] in state_sram at 0x00000000

load @spikes[0, 0, 0, 0] = @input[0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 4
load @tile[0, 0, 0, 0] = @weight[0, 0, 0, 0] over planes 1, groups 1, rows 4, columns 8 \
loc "a.snn:2:9" layer "a"
clear @current[0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 8 loc "a.snn:2:9" layer "a"
accumulate @current[0, 0, 0, 0] += @spikes[0, 0, 0, 0], @tile[0, 0, 0, 0] over \
steps 1, samples 1, positions 1, input_positions 1, taps 1, inputs 4, outputs 8 \
with kernel_width 1, stride 1, input_width 1, output_width 1, top 0, left 0, dense 0 \
loc "a.snn:2:13" layer "a"
"""
"""Two of its four inputs spike: 2 rows of 8 weights are read and added."""


@cache
def tiny(table: str) -> RunResult:
    stream, machine = assemble(TINY, "tiny"), HOROWITZ.with_energy_table(table)
    interpreter = Interpreter(validate(stream, LARGE), machine)
    interpreter.write(0, np.array([[[[1, 0, 1, 0]]]], np.uint8))
    return interpreter.run()


@cache
def random_run(seed: int) -> RunResult:
    training = RandomTraining(seed)
    interpreter = Interpreter(validate(training.stream(), LARGE), HOROWITZ)
    for buffer, values in training.inputs.items():
        interpreter.write(buffer, values)
    return interpreter.run()


# --- by hand -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "addition", "read", "write"),
    [("horowitz", 456, 366, 454), ("aladdin", 16700, 836, 1075)],
)
def test_dynamic_energy_of_a_tiny_stream_by_hand(table: str, addition: int, read: int, write: int):
    energy = tiny(table).totals().energy()
    dynamic = {name: amount.dynamic for name, amount in energy.components.items() if amount.dynamic}
    assert dynamic == {
        "fe": 2 * 8 * addition,
        "dram": (1 + 4 * 8 * 4) * 31200,
        "spike_sram": 1 * write + 1 * read,
        "weight_sram": 4 * 8 * 4 * write + 2 * 8 * 4 * read,
        "state_sram": (32 + 32) * write + 32 * read,
    }
    forward = 2 * 8 * addition + 1 * read + 2 * 8 * 4 * read + 32 * read + 32 * write
    assert energy.engines[Engine.FORWARD].dynamic == forward
    assert energy.locations["a.snn:2:13"].dynamic == forward
    assert energy.layers[""].dynamic == 31200 + write


def test_static_energy_of_a_tiny_stream_by_hand():
    mebibytes = {"weight_sram": 4, "spike_sram": 1, "state_sram": 4, "gradient_sram": 3}
    mebibytes |= {"forward_tables": 0.5, "update_tables": 0.5}
    for table, sram, adder, multiplier in (
        ("horowitz", 26454, 0, 0),
        ("aladdin", 22366, 53, 120),
    ):
        result = tiny(table)
        units = {"fe": (4096, 4096), "be": (4096, 4096), "wue": (4096, 4096)}
        units |= {"nu": (3 * 256, 4 * 256), "loss": (3 * 16, 3 * 16), "opt": (4 * 64, 10 * 64)}
        leakage = {name: a * adder + m * multiplier for name, (a, m) in units.items()}
        leakage |= {name: size * sram for name, size in mebibytes.items()}
        leakage |= {"dma": 0, "dma_store": 0, "dma_wue": 0, "dma_wue_store": 0, "dram": 0}
        found = result.totals().energy().components
        assert {n: a.static for n, a in found.items()} == {
            name: result.elapsed * each for name, each in leakage.items()
        }


def test_area_of_the_default_machine_by_hand():
    um2, array = 10**6, 64 * 64 * (1576 + 2900)
    assert area_of(HOROWITZ) == {
        "dma": 0,
        "dma_store": 0,
        "dma_wue": 0,
        "dma_wue_store": 0,
        "fe": array * um2,
        "be": array * um2,
        "wue": array * um2,
        "nu": 256 * (3 * 1576 + 4 * 2900) * um2,
        "loss": 16 * (3 * 1576 + 3 * 2900) * um2,
        "opt": 64 * (4 * 1576 + 10 * 2900) * um2,
        "dram": 0,
        "weight_sram": 4 * 2**20 * 8 * 224953,
        "spike_sram": 1 * 2**20 * 8 * 224953,
        "state_sram": 4 * 2**20 * 8 * 224953,
        "gradient_sram": 3 * 2**20 * 8 * 224953,
        "forward_tables": 2 * 64 * 64 * 2000 * um2,
        "update_tables": 2 * 64 * 64 * 2000 * um2,
    }
    assert sum(area_of(HOROWITZ).values()) // 10**12 == 117


def test_area_does_not_depend_on_the_energy_table_and_every_component_has_a_name():
    assert area_of(HOROWITZ) == area_of(ALADDIN)
    names = [component.name for component in components(HOROWITZ)]
    assert names == [*(engine.value for engine in TRAINING_ENGINES), *MEMORIES]


# --- conservation ------------------------------------------------------------------------


@TABLES
@pytest.mark.parametrize("seed", range(5))
def test_every_view_adds_up_to_the_same_dynamic_and_static_energy(seed, machine):
    result = random_run(seed)
    ledger = result.totals().ledger()
    energy = energy_of(ledger, result.elapsed, machine)
    whole = Amount(energy.dynamic, energy.static)
    for view in (energy.components, energy.engines, energy.layers, energy.locations):
        assert Amount(*map(sum, zip(*view.values(), strict=True))) == whole
    assert whole.static == result.elapsed * sum(leakage_per_cycle(machine).values()) > 0
    assert all(type(part) is int for amount in energy.layers.values() for part in amount)


@TABLES
def test_exported_actions_add_up_to_the_energy_component_by_component(machine):
    result = random_run(3)
    ledger = result.totals().ledger()
    actions = action_counts(ledger, result.elapsed, machine)
    energy = energy_of(ledger, result.elapsed, machine)
    found = {name: [0, 0] for name in energy.components}
    for action in actions:
        assert action.energy == action.count * action.energy_per_action
        found[action.component][action.action == LEAKAGE] += action.energy
    assert {name: Amount(*parts) for name, parts in found.items()} == energy.components
    assert list(actions) == sorted(actions)


def test_another_table_applied_to_exported_counts_gives_its_energy():
    result = random_run(3)
    ledger, elapsed = result.totals().ledger(), result.elapsed
    of_aladdin = action_counts(ledger, elapsed, ALADDIN)
    price = {(a.component, a.action): a.energy_per_action for a in of_aladdin}
    counted = action_counts(ledger, elapsed, HOROWITZ)
    applied = sum(a.count * price[a.component, a.action] for a in counted)
    assert applied == energy_of(ledger, elapsed, ALADDIN).total
    assert [a.count for a in counted] == [a.count for a in of_aladdin]


def test_csv_text_is_quoted_where_a_name_needs_it():
    name = 'a,"b"'
    row = [0] * q.QUANTITIES
    row[q.ADDITIONS_ISSUED] = 2
    text = actions_csv(action_counts({Owner(Engine.NEURON, name, "x:1:1"): row}, 0, HOROWITZ))
    assert text.splitlines()[1] == 'nu,addition,"a,""b""",x:1:1,2,additions,456,912'


@pytest.mark.parametrize("quantity", [q.BYTES_READ, q.BYTES_WRITTEN, q.MULTIPLICATIONS])
def test_an_energy_that_nobody_owns_breaks_the_identity(quantity):
    result = random_run(0)
    check_identities(result)
    loops = np.setdiff1d(np.arange(len(result.counts)), result.owners.records)
    counts = result.counts.copy()
    counts[loops[0], quantity] += 1
    broken = RunResult(result.machine, result.owners, counts, result.idle, result.elapsed)
    with pytest.raises(IdentityError):
        check_identities(broken)


OWNERS = [Owner(engine, layer, "") for engine in TRAINING_ENGINES for layer in ("a", "b")]


@given(st.integers(0, 10**30), st.lists(st.integers(0, 10**9), min_size=1, max_size=len(OWNERS)))
def test_shares_are_proportional_and_lose_nothing(amount: int, weights: list[int]):
    owned = dict(zip(OWNERS, weights, strict=False))
    shares = share_out(amount, owned)
    whole = sum(weights)
    assert sum(shares.values()) == (amount if whole else 0)
    assert share_out(amount, dict(reversed(owned.items()))) == shares
    for owner, weight in owned.items():
        assert abs(shares[owner] * whole - amount * weight) <= whole


# --- totals over many runs ---------------------------------------------------------------


def test_totals_of_runs_keep_every_owner_and_agree_with_their_counters():
    first, second = totals_of(random_run(0)), totals_of(random_run(1))
    totals = first + second + first
    energy = energy_of(totals.ledger(), totals.cycles, HOROWITZ)
    assert energy.total == totals.energy_fj == 2 * first.energy_fj + second.energy_fj
    assert totals.agree()
    assert (second + first).owners == (first + second).owners
    assert Totals.model_validate_json(totals.model_dump_json()) == totals


@pytest.mark.parametrize("change", [{"additions_issued": 1}, {"nonsense": 1}])
def test_totals_whose_owners_contradict_the_counters_are_found_out(change: dict[str, int]):
    totals = totals_of(random_run(0))
    owner = totals.owners[0]
    changed = owner.model_copy(update={"counts": {**owner.counts, **change}})
    owners = (changed, *totals.owners[1:])
    assert not totals.model_copy(update={"owners": owners}).agree()
