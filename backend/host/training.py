"""The training loop: epochs of batches on the machine, with a test after each epoch.

The host makes the batches and averages what comes back; everything else happens in the streams.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from spikeloom.backend.host.activity import inactive_layers
from spikeloom.backend.host.dataset import Batches, Dataset
from spikeloom.backend.host.executor import Executor
from spikeloom.backend.host.plan import Plan
from spikeloom.backend.host.progress import EpochReport, Progress
from spikeloom.backend.host.tensor_dump import TensorDump, capture
from spikeloom.backend.host.totals import Totals
from spikeloom.diagnostics import Diagnostic


class Listener(Protocol):
    """Who is told how training goes."""

    def epoch_started(self, epoch: int, done: int, batches: int) -> None:
        """Epoch number `epoch`, from 0, begins or goes on with `done` of its `batches`."""
        ...

    def batch_done(self, done: int, loss: float) -> None:
        """`done` batches of the epoch are done; `loss` is the epoch's mean so far."""
        ...

    def epoch_done(self, epoch: int, report: EpochReport) -> None:
        """The epoch is over, or has been stopped and tested."""
        ...

    def warn(self, warning: Diagnostic) -> None:
        """Something the user should know."""
        ...


@dataclass(frozen=True)
class Goal:
    """When to stop: after `epochs` epochs, or after `batches` batches since the beginning."""

    epochs: int
    batches: int | None = None

    def total_batches(self, plan: Plan) -> int:
        """Training batches since the beginning."""
        everything = self.epochs * plan.batches_per_epoch
        return everything if self.batches is None else min(everything, self.batches)


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What training ended with.

    Attributes:
        progress: where to resume from.
        shown: the same, with an unfinished epoch reported over the batches done and tested.
        interrupted: it was stopped before its goal.
        tensors: of the last batch, if asked for and executed.
    """

    progress: Progress
    shown: Progress
    interrupted: bool
    tensors: TensorDump | None


@dataclass(frozen=True)
class TestResult:
    """`accuracy` over the test samples, None without any, and what testing cost."""

    accuracy: float | None
    totals: Totals


@dataclass
class Trainer:
    """Trains until a goal is met or `stop` says so, which is asked between batches."""

    executor: Executor
    dataset: Dataset
    plan: Plan
    listener: Listener
    stop: Callable[[], bool]
    wants_tensors: bool = False
    wants_statistics: bool = False

    def train(self, progress: Progress, goal: Goal) -> TrainingResult:
        """Trains from `progress` on.

        Raises:
            DiagnosticError: E0406 when the loss is no number any more.
        """
        target = goal.total_batches(self.plan)
        tensors: TensorDump | None = None
        batches: Batches | None = None
        while not self.stop():
            if progress.batch == self.plan.batches_per_epoch:
                if (finished := self._finish_epoch(progress)) is None:
                    break
                progress, batches = finished, None
            elif progress.batches_done(self.plan) >= target:
                shown = self._finish_epoch(progress) if progress.batch else progress
                if shown is None:
                    break
                return TrainingResult(progress, shown, False, tensors)
            else:
                batches = batches or self._start_epoch(progress)
                last = progress.batches_done(self.plan) + 1 == target
                progress, tensors = self._train_batch(progress, batches, last)
        return TrainingResult(progress, progress, True, None)

    def _start_epoch(self, progress: Progress) -> Batches:
        batches = self.dataset.training(progress.epoch)
        self.listener.epoch_started(progress.epoch, progress.batch, len(batches))
        return batches

    def _train_batch(
        self, progress: Progress, batches: Batches, last: bool
    ) -> tuple[Progress, TensorDump | None]:
        batch = batches[progress.batch]
        before = self.executor.state if last and self.wants_tensors else None
        record = last and self.wants_statistics
        outcome = self.executor.run("train", batch, record=record)
        tensors = None if before is None else capture(self.executor, self.plan, batch, before)
        progress = progress.after_batch(outcome.sums, outcome.totals)
        self.listener.batch_done(progress.batch, progress.running.loss / progress.running.samples)
        return progress, tensors

    def _finish_epoch(self, progress: Progress) -> Progress | None:
        """Tests and reports the running epoch, finished or not; None when interrupted."""
        result = test(self.executor, self.dataset.testing(), self.stop, record=False)
        if result is None:
            return None
        names: list[str] = []
        if progress.batch == self.plan.batches_per_epoch:
            for name, warning in inactive_layers(self.plan, progress):
                names.append(name)
                self.listener.warn(warning)
        finished = progress.after_test(result.accuracy, result.totals, tuple(names))
        self.listener.epoch_done(progress.epoch, finished.history[-1])
        return finished


def test(
    executor: Executor, batches: Batches, stop: Callable[[], bool], *, record: bool
) -> TestResult | None:
    """Runs all test batches; None when `stop` says so before they are through.

    `record` keeps the statistics of the last one.
    """
    totals, correct, samples = Totals(), 0, 0
    for index in range(len(batches)):
        if stop():
            return None
        last = index == len(batches) - 1
        outcome = executor.run("test", batches[index], record=record and last)
        totals += outcome.totals
        correct += outcome.sums.correct
        samples += outcome.sums.samples
    return TestResult(correct / samples if samples else None, totals)
