"""A GPU beside the machine: a model of the time and energy that the same work would take there.

    operations = 2 x multiply-accumulates of the arrays + other additions and multiplications
    bytes      = traffic of the machine's DRAM + every instruction's operands that are no weights
    time       = max(operations / (peak x efficiency), bytes / bandwidth)
    energy     = power x time

All counts are those of a dense engine and depend on no data: a GPU multiplies with a spike that is
zero, too. Each addition of a dense array is taken as one multiply-accumulate (bias gradients, which
only add, are counted so as well: less than 1 / inputs of the work). Spikes are held as 32-bit
floats, as the usual frameworks do. Caches, other tiles than the machine's and the launching of
kernels are left out: the first two favour the machine, the last the GPU. Counts, times and energies
are integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import Field

from spikeloom.backend.machine.area import SQUARE_NANOMETRES_PER_SQUARE_MILLIMETRE, area_of
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.machine.numbers import (
    GigabytePerSecond,
    GigaflopPerSecond,
    Nanometre,
    Percent,
    SquareMillimetre,
    Table,
    Watt,
)
from spikeloom.backend.machine.text import read_bundled_model
from spikeloom.dialects.instruction_set import DMA_ENGINES, Engine

_ARRAYS = (Engine.FORWARD, Engine.BACKWARD, Engine.WEIGHT_UPDATE)
_OTHERS = (Engine.NEURON, Engine.LOSS, Engine.OPTIMIZER)
_BITS_OF_A_SPIKE = 32
_FEMTOSECONDS_PER_MICROSECOND = 10**9


class Gpu(Table):
    """Published numbers of a GPU, and the share of its peak that it is credited with."""

    name: Annotated[str, Field(min_length=1)]
    area: SquareMillimetre
    node: Nanometre
    power: Watt
    compute: GigaflopPerSecond
    bandwidth: GigabytePerSecond
    efficiency: Percent

    def with_efficiency(self, percent: int) -> Gpu:
        """The same GPU with an efficiency declared by the user.

        Args:
            percent: from 1 to 100.
        """
        declared = self.efficiency.model_copy(
            update={"value": percent, "source": "assumed: declared on the command line"}
        )
        return self.model_copy(update={"efficiency": declared})


@dataclass(frozen=True)
class Work:
    """What a GPU has to do: floating point operations, and bytes to and from its memory."""

    operations: int
    bytes: int


@dataclass(frozen=True)
class Comparison:
    """A GPU's modelled run beside the machine's: femtoseconds, femtojoules, square nanometres.

    A ratio above 1 speaks for the machine; it is None where the machine's figure is 0.
    """

    gpu: Gpu
    work: Work
    compute_time: int
    memory_time: int
    machine_time: Fraction
    machine_energy: int
    machine_area: int

    @property
    def time(self) -> int:
        """Femtoseconds on the GPU."""
        return max(self.compute_time, self.memory_time)

    @property
    def energy(self) -> int:
        """Femtojoules on the GPU: a watt is a femtojoule per femtosecond."""
        return self.gpu.power.value * self.time

    @property
    def area(self) -> int:
        """Square nanometres of the GPU."""
        return self.gpu.area.value * SQUARE_NANOMETRES_PER_SQUARE_MILLIMETRE

    @property
    def speedup(self) -> Fraction | None:
        """The GPU's time by the machine's."""
        return _ratio(Fraction(self.time), self.machine_time)

    @property
    def energy_saving(self) -> Fraction | None:
        """The GPU's energy by the machine's."""
        return _ratio(Fraction(self.energy), Fraction(self.machine_energy))

    @property
    def area_saving(self) -> Fraction | None:
        """The GPU's area by the machine's, not scaled to one node."""
        return _ratio(Fraction(self.area), Fraction(self.machine_area))

    @property
    def power_ratio(self) -> Fraction | None:
        """The GPU's power by the machine's average power."""
        saving, speedup = self.energy_saving, self.speedup
        return None if saving is None or not speedup else saving / speedup


def load_gpu() -> Gpu:
    """The bundled GPU, NVIDIA's V100."""
    return read_bundled_model(Gpu, "v100.toml")


def work_of(counters: Mapping[str, int]) -> Work:
    """The work of a program on a dense machine, from the counters of its run."""

    def sums(engines: tuple[Engine, ...], *quantities: str) -> int:
        names = [f"{engine.value}__{quantity}" for engine in engines for quantity in quantities]
        return sum(counters.get(name, 0) for name in names)

    def traffic(engines: tuple[Engine, ...], memory: str) -> int:
        return sums(engines, f"bytes_read_{memory}", f"bytes_written_{memory}")

    operations = 2 * sums(_ARRAYS, "additions_dense")
    operations += sums(_OTHERS, "additions_dense", "multiplications_issued")
    # Weights and their gradients in the arrays follow the spikes; they are left to DRAM, where
    # they cross once per batch, and to the optimizer.
    moved = traffic(DMA_ENGINES, "dram") + traffic((*_ARRAYS, *_OTHERS), "state_sram")
    moved += _BITS_OF_A_SPIKE * traffic((*_ARRAYS, *_OTHERS), "spike_sram")
    moved += traffic(_OTHERS, "weight_sram") + traffic(_OTHERS, "gradient_sram")
    return Work(operations, moved)


def compare(
    counters: Mapping[str, int], cycles: int, energy_fj: int, machine: Machine, gpu: Gpu
) -> Comparison:
    """The GPU's model beside a run of the machine that took these cycles and this energy."""
    work = work_of(counters)
    # 1 GFLOP/s is 1e-6 operations per femtosecond, and the efficiency is in hundredths.
    compute_time = _ceiling(work.operations * 10**8, gpu.compute.value * gpu.efficiency.value)
    return Comparison(
        gpu,
        work,
        compute_time,
        _ceiling(work.bytes * 10**6, gpu.bandwidth.value),
        Fraction(cycles * _FEMTOSECONDS_PER_MICROSECOND, machine.clock.frequency.value),
        energy_fj,
        sum(area_of(machine).values()),
    )


def _ratio(ours: Fraction, theirs: Fraction) -> Fraction | None:
    return ours / theirs if theirs else None


def _ceiling(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
