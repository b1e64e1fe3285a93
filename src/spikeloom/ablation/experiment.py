"""A program whose variants are compiled and measured: executed on data, or counted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial

from xdsl.dialects.builtin import ModuleOp

from spikeloom.ablation.variants import Variant
from spikeloom.backend.host.counting import FromDensities, count_image, count_sizes
from spikeloom.backend.host.dataset import Batch, Dataset
from spikeloom.backend.host.executor import Executor
from spikeloom.backend.host.plan import DataSizes, Task
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.snx.image import Image
from spikeloom.compiler import compile_program
from spikeloom.diagnostics import DiagnosticError


@dataclass(frozen=True)
class Taken:
    """What one batch took: cycles and femtojoules; and its loss, None where nothing is computed."""

    cycles: int
    energy_fj: int
    loss: float | None


@dataclass(frozen=True, eq=False)
class Experiment(ABC):
    """A program with a machine; `analysis` as in `Variant.pipeline`."""

    module: ModuleOp
    task: Task
    machine: Machine
    analysis: str

    @property
    @abstractmethod
    def sizes(self) -> DataSizes:
        """One batch to train on, nothing to test with."""

    @property
    @abstractmethod
    def batch_words(self) -> str:
        """What is measured, for a report: `one executed training batch`."""

    @abstractmethod
    def take(self, image: Image) -> Taken:
        """Measures a compiled variant.

        Raises:
            DiagnosticError: the machine is too small for it.
        """

    def compile(self, variant: Variant) -> Image:
        """Compiles one variant.

        Raises:
            DiagnosticError: a pass refuses the program, or the machine is too small for it.
        """
        pipeline = partial(variant.pipeline, analysis=self.analysis)
        return compile_program(
            self.module, self.task, self.machine, sizes=self.sizes, pipeline=pipeline
        )

    def why_no_groups(self, variant: Variant) -> str:
        """Why `schedule-engines` goes without groups of samples, in its own words."""
        try:
            self.compile(variant.with_single_groups())
        except DiagnosticError as problem:
            return problem.diagnostics[0].message
        return "`schedule-engines` estimates that groups of samples take longer"


@dataclass(frozen=True, eq=False)
class Executed(Experiment):
    """Executed on a batch of data, from the program's first parameters."""

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
        analysis: str = "",
    ) -> Executed:
        """On the first batch of the first epoch."""
        batch = dataset.training(0)[0]
        return cls(module, task, machine, analysis, batch, dataset.seed, threads)

    @property
    def sizes(self) -> DataSizes:
        return DataSizes(self.batch.samples, 0, len(self.batch.signal))

    @property
    def batch_words(self) -> str:
        return "one executed training batch"

    def take(self, image: Image) -> Taken:
        plan = self.task.with_sizes(self.sizes)
        executor = Executor(image, plan, self.machine, self.seed, self.threads)
        outcome = executor.run("train", self.batch)
        totals = outcome.totals
        return Taken(totals.cycles, totals.energy_fj, outcome.sums.loss / self.batch.samples)


@dataclass(frozen=True, eq=False)
class Counted(Experiment):
    """Counted from densities, without data and without memory for them."""

    source: FromDensities

    @property
    def sizes(self) -> DataSizes:
        return count_sizes(self.task, self.source)

    @property
    def batch_words(self) -> str:
        return f"one training batch, counted and not executed ({self.source.words}),"

    def take(self, image: Image) -> Taken:
        totals = count_image(image, self.machine, self.source).result.totals
        return Taken(totals.cycles, totals.energy_fj, None)
