"""The machine file: every number with unit and source, all mistakes reported at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikeloom.backend.machine import description as module
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.diagnostics import Diagnostic, DiagnosticError
from spikeloom.dialects.instruction_set import (
    DMA_ENGINES,
    MEMORIES,
    ON_CHIP_MEMORIES,
    TABLE_MEMORIES,
    TRAINING_ENGINES,
)

DEFAULT = (Path(module.__file__).parents[1] / "machines" / module.DEFAULT_MACHINE).read_text()


def diagnostics(tmp_path: Path, text: str) -> tuple[Diagnostic, ...]:
    """What is wrong with `text` as a machine file."""
    path = tmp_path / "chip.toml"
    path.write_text(text)
    with pytest.raises(DiagnosticError) as caught:
        load_machine(path)
    assert {d.code for d in caught.value.diagnostics} == {"E0301"}
    return caught.value.diagnostics


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_default_machine_is_the_bundled_file(tmp_path):
    path = tmp_path / "same.toml"
    path.write_text(DEFAULT)
    assert load_machine() == load_machine(path) == load_machine(str(path))


def test_the_default_machine_describes_every_engine_and_memory():
    machine = load_machine()
    assert list(machine.memory_bytes) == [*ON_CHIP_MEMORIES, *TABLE_MEMORIES]
    assert machine.memory_bytes["weight_sram"] == 4 << 20
    assert all(hasattr(machine.engines, e.value) for e in TRAINING_ENGINES if e not in DMA_ENGINES)
    assert all(min(machine.energies.per_byte(memory)) > 0 for memory in MEMORIES)


def test_the_default_machine_has_two_energy_tables_of_which_one_is_in_use():
    machine = load_machine()
    assert list(machine.energy_tables) == ["aladdin", "horowitz"]
    assert machine.energy_table == "horowitz"
    assert machine.energies == machine.energy_tables["horowitz"]
    other = machine.with_energy_table("aladdin")
    assert other.energies == machine.energy_tables["aladdin"]
    assert other.with_energy_table("horowitz") == machine == machine.with_energy_table(None)
    with pytest.raises(DiagnosticError, match="no energy table `other`"):
        machine.with_energy_table("other")


def test_the_order_of_tables_in_the_file_does_not_matter(tmp_path):
    text = DEFAULT.replace("horowitz", "zzz").replace("aladdin", "horowitz")
    path = tmp_path / "chip.toml"
    path.write_text(
        text.replace("zzz", "aladdin").replace('energy_table = "a', 'energy_table = "a')
    )
    assert list(load_machine(path).energy_tables) == ["aladdin", "horowitz"]


def test_json_round_trips():
    machine = load_machine()
    assert Machine.from_json(machine.to_json()) == machine
    assert Machine.from_json(machine.to_json()).to_json() == machine.to_json()


def test_a_machine_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load_machine().name = "other"


def test_all_mistakes_are_reported_at_once_in_the_order_of_lines(tmp_path):
    text = DEFAULT.replace('"MHz"', '"GHz"').replace("input_lanes", "input_lans", 1)
    text = text.replace("value = 456", 'value = "much"').replace("name =", "nam =")
    found = diagnostics(tmp_path, text)
    messages = [d.message for d in found]
    assert "unknown key `nam`" in messages
    assert "`name` is missing" in messages
    assert "`clock.frequency`: the unit must be `MHz`, not `GHz`" in messages
    assert "unknown key `engines.fe.input_lans`" in messages
    assert "`engines.fe.input_lanes` is missing" in messages
    assert "`energy_tables.horowitz.addition.value`: must be an integer" in messages
    lines = [d.location.line for d in found if d.location]
    assert lines == sorted(lines)
    assert len(found) == 6


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value = 1000", "value = 0", "`clock.frequency`: the value must be at least 1"),
        ("value = 900", "value = 0", "`dram.bandwidth`: the value must be at least 1"),
        ("value = 4194304", "value = 4194304.0", "`memories.weight_sram.value`: must be an int"),
        ("value = 4194304", "value = true", "`memories.weight_sram.value`: must be an integer"),
        ("value = 4194304", "value = -1", "`memories.weight_sram.value`"),
        ('energy_table = "horowitz"', 'energy_table = "x"', "no energy table `x`; the file has"),
        ('energy_table = "horowitz"', "energy_table = 1", "`energy_table`: "),
        ('"nm2/bit"', '"um2/bit"', "`areas.sram`: the unit must be `nm2/bit`, not `um2/bit`"),
        ("value = 53,", "value = -53,", "`energy_tables.aladdin.leakage.adder.value`"),
        ('"28 nm: arithmetic', '"" #', "`energy_tables.horowitz.description`: must not be empty"),
        ("value = 4194304", "value = 4294967296", "the value must be at most 2147483648"),
        (
            "value = 366",
            "value = 9999999999999999999999",
            "`energy_tables.horowitz.read.weight_sram.value`",
        ),
        ('unit = "bytes"', 'unit = "MiB"', "the unit must be `bytes`, not `MiB`"),
        ('source = "assumed"', 'source = ""', "`clock.frequency.source`: must not be empty"),
        (', source = "assumed" }', " }", "`clock.frequency.source` is missing"),
        ('{ value = 1000, unit = "MHz", source = "assumed" }', "1000", "must be a table"),
    ],
)
def test_each_mistake_names_its_key(tmp_path, old, new, message):
    text = DEFAULT.replace(old, new, 1)
    found = diagnostics(tmp_path, text)
    assert len(found) == 1
    assert message in found[0].message
    assert found[0].location is not None
    assert found[0].location.line == line_of(DEFAULT, old)


@pytest.mark.parametrize(
    ("old", "new", "suggestion"),
    [
        ("bandwidth", "bandwith", "did you mean `bandwidth`?"),
        ("[dram]", "[drams]", "did you mean `dram`?"),
        ("value = 1000", "vale = 1000", "did you mean `value`?"),
        ("issue_rate", "zzz", "expected one of: frequency, issue_rate"),
        ("multiplication =", "multiplicatoin =", "did you mean `multiplication`?"),
        ("[areas]", "[area]", "did you mean `areas`?"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(tmp_path, old, new, suggestion):
    found = diagnostics(tmp_path, DEFAULT.replace(old, new, 1))
    assert suggestion in {d.help for d in found}


@pytest.mark.parametrize("name", ["Horowitz", "a b", "-", "a" * 33])
def test_a_table_name_is_a_plain_word(tmp_path, name):
    text = DEFAULT.replace("energy_tables.aladdin", f'energy_tables."{name}"')
    places = {d.message.partition(":")[0] for d in diagnostics(tmp_path, text)}
    assert places == {f"`energy_tables.{name}`"}


def test_a_machine_without_energy_tables_is_refused(tmp_path):
    text = DEFAULT[: DEFAULT.index("[energy_tables")]
    assert diagnostics(tmp_path, text)[0].message == "`energy_tables` is missing"
    assert diagnostics(tmp_path, text + "[energy_tables]\n")


@pytest.mark.parametrize(
    "text", ["", "x", "name = ", "[clock", 'name = "a"\nname = "b"', "a = 1\x00"]
)
def test_text_that_is_no_machine_is_a_diagnostic(tmp_path, text):
    for found in diagnostics(tmp_path, text):
        assert str(found.location).startswith(str(tmp_path / "chip.toml"))


def test_a_syntax_error_has_line_and_column(tmp_path):
    found = diagnostics(tmp_path, 'name = "chip"\n[clock]\nfrequency = { value = }\n')
    assert (found[0].location.line, found[0].location.column) == (3, 23)


@pytest.mark.parametrize("cut", range(0, len(DEFAULT), 97))
def test_a_truncated_file_is_a_diagnostic(tmp_path, cut):
    assert diagnostics(tmp_path, DEFAULT[:cut])


def test_deep_nesting_is_a_diagnostic(tmp_path):
    diagnostics(tmp_path, "a = " + "[" * 5000)


@pytest.mark.parametrize("name", ["absent.toml", "."])
def test_a_file_that_cannot_be_read_is_e0401(tmp_path, name):
    with pytest.raises(DiagnosticError, match="E0401"):
        load_machine(tmp_path / name)


def test_bytes_that_are_no_text_are_e0301(tmp_path):
    path = tmp_path / "chip.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DiagnosticError, match="E0301"):
        load_machine(path)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"name": 1}', "{" * 9999, "\ud800"])
def test_bad_json_is_e0301(text):
    with pytest.raises(DiagnosticError, match="E0301"):
        Machine.from_json(text)
