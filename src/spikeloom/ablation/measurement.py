"""One training batch, compiled in every variant and executed on the same data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from xdsl.dialects.builtin import ModuleOp

from spikeloom.ablation.variants import Variant
from spikeloom.backend.host.dataset import Batch, Dataset
from spikeloom.backend.host.executor import Executor
from spikeloom.backend.host.plan import DataSizes, Task
from spikeloom.backend.machine.description import Machine
from spikeloom.compiler import compile_program


@dataclass(frozen=True)
class Measurement:
    """What a variant took: cycles, femtojoules, and the loss that it computed."""

    variant: Variant
    cycles: int
    energy_fj: int
    loss: float

    def speedup_over(self, other: Measurement) -> Fraction:
        """The other's cycles by this one's."""
        return Fraction(other.cycles, max(1, self.cycles))

    def saving_over(self, other: Measurement) -> Fraction:
        """The other's energy by this one's."""
        return Fraction(other.energy_fj, max(1, self.energy_fj))


@dataclass(frozen=True, eq=False)
class Experiment:
    """A program with a machine and its first training batch."""

    module: ModuleOp
    task: Task
    machine: Machine
    batch: Batch
    seed: int
    threads: int

    @classmethod
    def of(
        cls,
        module: ModuleOp,
        task: Task,
        machine: Machine,
        dataset: Dataset,
        threads: int,
    ) -> Experiment:
        """On the first batch of the first epoch, from the program's first parameters."""
        return cls(module, task, machine, dataset.training(0)[0], dataset.seed, threads)

    @property
    def sizes(self) -> DataSizes:
        """One batch to train on, nothing to test with."""
        return DataSizes(self.batch.samples, 0, len(self.batch.signal))

    def measure(self, variant: Variant) -> Measurement:
        """Compiles and executes one variant.

        Raises:
            DiagnosticError: a pass refuses the program, or the machine is too small for it.
        """
        image = compile_program(
            self.module, self.task, self.machine, sizes=self.sizes, pipeline=variant.pipeline
        )
        plan = self.task.with_sizes(self.sizes)
        executor = Executor(image, plan, self.machine, self.seed, self.threads)
        outcome = executor.run("train", self.batch)
        totals = outcome.totals
        loss = outcome.sums.loss / self.batch.samples
        return Measurement(variant, totals.cycles, totals.energy_fj, loss)


def measure_all(
    experiment: Experiment,
    variants: Sequence[Variant],
    report: Callable[[int, Variant], None] = lambda done, variant: None,
) -> tuple[Measurement, ...]:
    """All variants in order; `report` is told which one begins."""

    def measured() -> Iterator[Measurement]:
        for done, variant in enumerate(variants):
            report(done, variant)
            yield experiment.measure(variant)

    return tuple(measured())
