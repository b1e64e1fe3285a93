"""Energy and area per unit: what a machine file says that counts are multiplied by."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from spikeloom.backend.machine.numbers import (
    Femtojoule,
    FemtojoulePerByte,
    FemtojoulePerCycle,
    FemtojoulePerCyclePerMebibyte,
    Number,
    SquareMicrometre,
    SquareNanometrePerBit,
    Table,
)

NO_TABLES = Number(value=0, unit="fJ/byte", source="the machine has no such tables")


class MemoryEnergy(Table):
    """Energy per byte moved, for each memory; a machine without tables leaves out theirs."""

    dram: FemtojoulePerByte
    weight_sram: FemtojoulePerByte
    spike_sram: FemtojoulePerByte
    state_sram: FemtojoulePerByte
    gradient_sram: FemtojoulePerByte
    forward_tables: FemtojoulePerByte = NO_TABLES
    update_tables: FemtojoulePerByte = NO_TABLES


class Leakage(Table):
    """Energy per elapsed cycle: of one adder, of one multiplier, of SRAM, of the whole DRAM.

    Tables leak as SRAM does unless `tables` says otherwise.
    """

    adder: FemtojoulePerCycle
    multiplier: FemtojoulePerCycle
    sram: FemtojoulePerCyclePerMebibyte
    dram: FemtojoulePerCycle
    tables: FemtojoulePerCyclePerMebibyte | None = None


class Energies(Table):
    """One energy table: energy per action, and leakage per cycle."""

    description: Annotated[str, Field(min_length=1)]
    addition: Femtojoule
    multiplication: Femtojoule
    read: MemoryEnergy
    write: MemoryEnergy
    leakage: Leakage

    def per_byte(self, memory: str) -> tuple[int, int]:
        """Femtojoules for reading and for writing one byte of this memory."""
        read, write = getattr(self.read, memory), getattr(self.write, memory)
        return read.value, write.value


class Areas(Table):
    """Area of one adder, of one multiplier, of one bit of SRAM and of one bit of a table.

    A bit of a table is as large as one of SRAM unless `tables` says otherwise.
    """

    adder: SquareMicrometre
    multiplier: SquareMicrometre
    sram: SquareNanometrePerBit
    tables: SquareNanometrePerBit | None = None
