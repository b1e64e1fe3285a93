"""The machine description: one validated model, read from a TOML file.

Every number is a table of value, unit and source; the unit is checked, the source is a
reference or the word "assumed". All mistakes of a file are reported at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, ValidationError

from spikeloom.backend.machine_errors import syntax_error, validation_error
from spikeloom.diagnostics import error
from spikeloom.dialects.instruction_set import MEMORIES

DEFAULT_MACHINE = "h2learn.toml"
_LARGEST = 2**40
"""No number may be larger: products of a few of them still fit 64 bits."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Number(_Table):
    """A value with its unit and the source it was taken from (or "assumed")."""

    value: Annotated[StrictInt, Field(ge=0, le=_LARGEST)]
    unit: str
    source: Annotated[str, Field(min_length=1)]


def _check(number: Number, unit: str, least: int, most: int = _LARGEST) -> Number:
    if number.unit != unit:
        raise ValueError(f"the unit must be `{unit}`, not `{number.unit}`")
    if number.value < least:
        raise ValueError(f"the value must be at least {least}")
    if number.value > most:
        raise ValueError(f"the value must be at most {most}")
    return number


Megahertz = Annotated[Number, AfterValidator(partial(_check, unit="MHz", least=1))]
Rate = Annotated[Number, AfterValidator(partial(_check, unit="instructions/cycle", least=1))]
# Kernels hold distances inside an on-chip memory in 32 bits.
Bytes = Annotated[Number, AfterValidator(partial(_check, unit="bytes", least=0, most=2**31))]
Bandwidth = Annotated[Number, AfterValidator(partial(_check, unit="bytes/cycle", least=1))]
# 200 million instructions of the longest latency still fit 64 bits of cycles.
Cycles = Annotated[Number, AfterValidator(partial(_check, unit="cycles", least=1, most=2**24))]
Lanes = Annotated[Number, AfterValidator(partial(_check, unit="lanes", least=1))]
Femtojoule = Annotated[Number, AfterValidator(partial(_check, unit="fJ", least=0))]
FemtojoulePerByte = Annotated[Number, AfterValidator(partial(_check, unit="fJ/byte", least=0))]
FemtojoulePerCycle = Annotated[Number, AfterValidator(partial(_check, unit="fJ/cycle", least=0))]


class Clock(_Table):
    """The one clock of all engines, and how many instructions are issued in a cycle."""

    frequency: Megahertz
    issue_rate: Rate


class OnChipMemories(_Table):
    """Capacities in bytes."""

    weight_sram: Bytes
    spike_sram: Bytes
    state_sram: Bytes
    gradient_sram: Bytes


class Dram(_Table):
    """The memory outside: bytes per cycle, and cycles before the first byte."""

    bandwidth: Bandwidth
    latency: Cycles


class ArrayEngine(_Table):
    """An array of `input_lanes` x `output_lanes`; `latency` cycles from first input to result."""

    input_lanes: Lanes
    output_lanes: Lanes
    latency: Cycles


class LaneEngine(_Table):
    """A row of lanes that work on one cell each per cycle."""

    lanes: Lanes
    latency: Cycles


class Engines(_Table):
    """The engines besides DMA, by the names of `dialects.instruction_set.Engine`."""

    fe: ArrayEngine
    be: ArrayEngine
    wue: ArrayEngine
    nu: LaneEngine
    loss: LaneEngine
    opt: LaneEngine


class MemoryEnergy(_Table):
    """Energy per byte moved, for each memory."""

    dram: FemtojoulePerByte
    weight_sram: FemtojoulePerByte
    spike_sram: FemtojoulePerByte
    state_sram: FemtojoulePerByte
    gradient_sram: FemtojoulePerByte


class Energies(_Table):
    """Energy per action; `leakage` per cycle of the whole machine."""

    addition: Femtojoule
    multiplication: Femtojoule
    leakage: FemtojoulePerCycle
    read: MemoryEnergy
    write: MemoryEnergy

    def per_byte(self, memory: str) -> tuple[int, int]:
        """Femtojoules for reading and for writing one byte of this memory."""
        read, write = getattr(self.read, memory), getattr(self.write, memory)
        return read.value, write.value


class Machine(_Table):
    """Everything that the compiler and the interpreter know about the hardware."""

    name: Annotated[str, Field(min_length=1)]
    clock: Clock
    memories: OnChipMemories
    dram: Dram
    engines: Engines
    energies: Energies

    @property
    def memory_bytes(self) -> Mapping[str, int]:
        """Capacity of every on-chip memory by name; DRAM is not bounded by the machine."""
        return {name: getattr(self.memories, name).value for name in MEMORIES if name != "dram"}

    def to_json(self) -> str:
        """The description as JSON text that `from_json` reads back; the same for equal machines."""
        return self.model_dump_json()

    @staticmethod
    def from_json(text: str, name: str = "machine") -> Machine:
        """The machine in `text`; `name` stands for it in messages.

        Raises:
            DiagnosticError: E0301 with every mistake of the text.
        """
        try:
            return Machine.model_validate_json(text)
        except ValidationError as problems:
            raise validation_error(problems, Machine, name, "") from None


def load_machine(path: str | Path | None = None) -> Machine:
    """The machine in the TOML file at `path`, or the bundled default.

    Raises:
        DiagnosticError: E0401 when the file cannot be read, E0301 with all its mistakes.
    """
    if path is None:
        bundled = resources.files("spikeloom.backend") / "machines" / DEFAULT_MACHINE
        return _parse(bundled.read_text(encoding="utf-8"), DEFAULT_MACHINE)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise error("E0401", f"cannot read the machine file `{path}`: {reason}") from None
    except (UnicodeDecodeError, ValueError):
        raise error("E0301", f"the machine file `{path}` is not UTF-8 text") from None
    return _parse(text, str(path))


def _parse(text: str, name: str) -> Machine:
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as problem:
        raise syntax_error(problem, name, text) from None
    try:
        return Machine.model_validate(tables)
    except ValidationError as problems:
        raise validation_error(problems, Machine, name, text) from None
