"""The crossbar machine's file: a kind of its own, with the same rules as the training machine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikeloom.backend.machine import crossbar_machine as module
from spikeloom.backend.machine.crossbar_machine import CrossbarMachine, load_crossbar_machine
from spikeloom.backend.machine.description import DEFAULT_MACHINE, load_machine
from spikeloom.diagnostics import Diagnostic, DiagnosticError
from spikeloom.tiles.limits import limits_of

MACHINES = Path(module.__file__).parents[1] / "machines"
DEFAULT = (MACHINES / module.DEFAULT_CROSSBAR_MACHINE).read_text()


def machine_with(tmp_path: Path, old: str, new: str) -> CrossbarMachine:
    """The default machine with one part of its text replaced."""
    assert old in DEFAULT
    path = tmp_path / "chip.toml"
    path.write_text(DEFAULT.replace(old, new))
    return load_crossbar_machine(path)


def problem(tmp_path: Path, old: str, new: str) -> Diagnostic:
    """The one mistake of the default machine's text after a replacement."""
    with pytest.raises(DiagnosticError) as caught:
        machine_with(tmp_path, old, new)
    (only,) = caught.value.diagnostics
    assert only.code == "E0301"
    return only


def test_the_default_is_the_bundled_file_by_its_name_or_none():
    machine = load_crossbar_machine()
    assert load_crossbar_machine("dynapse.toml") == machine
    assert load_crossbar_machine(MACHINES / "dynapse.toml") == machine


def test_every_number_has_a_source_or_is_assumed():
    lines = [line for line in DEFAULT.splitlines() if "value =" in line]
    assert len(lines) > 30
    assert all('source = "' in line for line in lines)


def test_the_limits_of_a_crossbar_are_those_of_the_file(tmp_path):
    limits = limits_of(machine_with(tmp_path, "fan_in = { value = 128", "fan_in = { value = 64"))
    assert (limits.inputs, limits.outputs, limits.fan_in, limits.destinations) == (128, 128, 64, 4)


def test_a_connection_takes_three_cycles_for_one_hop_and_four_for_two():
    machine = load_crossbar_machine()
    platform = machine.platform()
    assert platform.delays[0][1] == platform.delays[0][5] == 3
    assert platform.delays[0][2] == platform.delays[1][5] == 4
    assert machine.hops(0, 24) == 8


def test_broken_tiles_are_no_part_of_the_platform_and_others_keep_their_places(tmp_path):
    machine = machine_with(tmp_path, "value = [], ", "value = [1, 6], ")
    platform = machine.platform()
    assert len(platform.tiles) == 23
    assert [tile.name for tile in platform.tiles[:3]] == ["tile_0", "tile_2", "tile_3"]
    assert platform.delays[0][1] == machine.delay(0, 2) == 4


def test_a_tile_takes_as_many_actors_as_it_has_crossbars(tmp_path):
    machine = machine_with(tmp_path, "crossbars = { value = 1,", "crossbars = { value = 3,")
    assert {tile.actors for tile in machine.platform().tiles} == {3}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('unit = "MHz"', 'unit = "GHz"', "`clock.frequency`: the unit must be `MHz`, not `GHz`"),
        ("value = [], ", "value = [25], ", "`mesh.broken`: there is no tile 25: the mesh has 25"),
        ("value = [], ", f"value = {list(range(25))}, ", "all tiles of the mesh are broken"),
        ("rows = { value = 5", "rows = { value = 500", "at most 1024 tiles, not 2500"),
        ("slice = { value = 8", "slice = { value = 9", "a slice of 9 is no part of a wheel of 8"),
        ("fan_in = { value = 128", "fan_in = { value = 129", "128 inputs has no 129 for one"),
        ("pass = {", "passes = {", "unknown key `crossbar.passes`"),
        ('energy_table = "dynapse"', 'energy_table = "x"', "there is no energy table `x`"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, old, new, expected):
    path = tmp_path / "chip.toml"
    path.write_text(DEFAULT.replace(old, new, 1))
    with pytest.raises(DiagnosticError) as caught:
        load_crossbar_machine(path)
    messages = [found.message for found in caught.value.diagnostics]
    assert any(expected in message for message in messages), messages
    assert {found.code for found in caught.value.diagnostics} == {"E0301"}
    assert all(found.location is not None for found in caught.value.diagnostics)


def test_machines_of_one_kind_do_not_stand_for_the_other(tmp_path):
    with pytest.raises(DiagnosticError, match="of kind `crossbars`, not of kind `training`"):
        load_machine(MACHINES / "dynapse.toml")
    with pytest.raises(DiagnosticError, match="of kind `training`, not of kind `crossbars`"):
        load_crossbar_machine(MACHINES / DEFAULT_MACHINE)
    assert "`kind`" in problem(tmp_path, 'kind = "crossbars"', 'kind = "quantum"').message


def test_energy_tables_are_chosen_by_name():
    machine = load_crossbar_machine()
    assert machine.energies == machine.energy_tables["dynapse"]
    assert machine.with_energy_table("loihi").energies.hop.value == 3600
    with pytest.raises(DiagnosticError, match="no energy table `x`"):
        machine.with_energy_table("x")


def test_a_route_goes_along_the_row_first_and_has_as_many_links_as_hops():
    machine = load_crossbar_machine()
    assert machine.route(1, 13) == (1, 2, 3, 8, 13)
    assert machine.route(13, 1) == (13, 12, 11, 6, 1)
    assert machine.route(7, 7) == (7,)
    tiles = machine.working_tiles
    assert all(len(machine.route(a, b)) == machine.hops(a, b) + 1 for a in tiles for b in tiles)
