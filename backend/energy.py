"""Energy in integer femtojoules: the sum of count x constant, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend import quantities as q
from spikeloom.backend.machine import Machine
from spikeloom.dialects.instruction_set import MEMORIES, Engine

_ENGINES = tuple(Engine)


@dataclass(frozen=True)
class Energy:
    """Femtojoules: arithmetic per engine, traffic per memory, leakage.

    Attributes:
        dynamic: arithmetic and traffic together, per engine.
    """

    arithmetic: Mapping[Engine, int]
    access: Mapping[str, int]
    dynamic: Mapping[Engine, int]
    static: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.arithmetic.values()) + sum(self.access.values()) + self.static


def energy_weights(machine: Machine) -> NDArray[np.int64]:
    """Femtojoules per unit of each quantity; shape [quantities]."""
    weights = np.zeros(q.QUANTITIES, np.int64)
    weights[q.ADDITIONS_ISSUED] = machine.energies.addition.value
    weights[q.MULTIPLICATIONS] = machine.energies.multiplication.value
    for index, memory in enumerate(MEMORIES):
        read, write = machine.energies.per_byte(memory)
        weights[q.BYTES_READ + index], weights[q.BYTES_WRITTEN + index] = read, write
    return weights


def energy_of(counts: NDArray[np.int64], elapsed: int, machine: Machine) -> Energy:
    """Energy of what the engines counted: `counts` has shape [engines, quantities].

    Python integers throughout: a long training run exceeds 64 bits of femtojoules.
    """
    table: list[list[int]] = counts.tolist()
    weights: list[int] = energy_weights(machine).tolist()
    sums: list[int] = counts.sum(axis=0).tolist()

    def of(row: list[int], columns: tuple[int, ...]) -> int:
        return sum(row[column] * weights[column] for column in columns)

    arithmetic = (q.ADDITIONS_ISSUED, q.MULTIPLICATIONS)
    costly = tuple(column for column, weight in enumerate(weights) if weight)
    return Energy(
        {engine: of(row, arithmetic) for engine, row in zip(_ENGINES, table, strict=True)},
        {m: of(sums, (q.BYTES_READ + i, q.BYTES_WRITTEN + i)) for i, m in enumerate(MEMORIES)},
        {engine: of(row, costly) for engine, row in zip(_ENGINES, table, strict=True)},
        elapsed * machine.energies.leakage.value,
    )
