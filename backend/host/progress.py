"""Where training stands: everything that a resumed run has to know beside the tensors."""

from __future__ import annotations

from pydantic import Field

from spikeloom.backend.accounts.counters import COUNTERS
from spikeloom.backend.host.plan import Plan
from spikeloom.backend.host.totals import Natural, Record, Totals, sum_by_name


class EpochReport(Record):
    """Loss and accuracies of one epoch; no test accuracy without test samples."""

    loss: float
    train_accuracy: float
    test_accuracy: float | None


class EpochSums(Record):
    """The epoch so far: `loss` is the sum over samples, the rest are counts.

    `spikes` and `gradients` count, per layer, spikes emitted and gradients that are not zero.
    """

    loss: float = 0.0
    correct: Natural = 0
    samples: Natural = 0
    spikes: dict[str, Natural] = Field(default_factory=dict)
    gradients: dict[str, Natural] = Field(default_factory=dict)

    def __add__(self, other: EpochSums) -> EpochSums:
        return EpochSums(
            loss=self.loss + other.loss,
            correct=self.correct + other.correct,
            samples=self.samples + other.samples,
            spikes=sum_by_name(self.spikes, other.spikes),
            gradients=sum_by_name(self.gradients, other.gradients),
        )

    def report(self, test_accuracy: float | None) -> EpochReport:
        """The averages over the samples seen."""
        return EpochReport(
            loss=self.loss / self.samples,
            train_accuracy=self.correct / self.samples,
            test_accuracy=test_accuracy,
        )


class Progress(Record):
    """`epoch` whole epochs and `batch` batches of the next are done.

    `warned` lists the warnings already given, so that none is given twice.
    """

    epoch: Natural = 0
    batch: Natural = 0
    running: EpochSums = EpochSums()
    history: tuple[EpochReport, ...] = ()
    totals: Totals = Totals()
    warned: tuple[str, ...] = ()

    def batches_done(self, plan: Plan) -> int:
        """Training batches since the beginning."""
        return self.epoch * plan.batches_per_epoch + self.batch

    def fits(self, plan: Plan) -> bool:
        """Whether a run of this plan can stand here, as far as the numbers tell."""
        return (
            len(self.history) == self.epoch
            and self.batch <= plan.batches_per_epoch
            and self.running.samples == min(self.batch * plan.batch, plan.sizes.train_samples)
            and self.totals.counters.keys() in (set[str](), COUNTERS.keys())
            and self.totals.agree()
        )

    def after_batch(self, sums: EpochSums, totals: Totals) -> Progress:
        """One batch further."""
        changes = {
            "batch": self.batch + 1,
            "running": self.running + sums,
            "totals": self.totals + totals,
        }
        return self.model_copy(update=changes)

    def after_test(
        self, test_accuracy: float | None, totals: Totals, warned: tuple[str, ...]
    ) -> Progress:
        """The running epoch closed with its test accuracy; `totals` is what testing cost."""
        return Progress(
            epoch=self.epoch + 1,
            history=(*self.history, self.running.report(test_accuracy)),
            totals=self.totals + totals,
            warned=(*self.warned, *warned),
        )
