"""The training loop: what it reports, when it stops, and that resuming leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from programs import INFERENCE, LEARNING, SILENT
from pydantic import ValidationError

from spikeloom.backend.host.dataset import Dataset
from spikeloom.backend.host.executor import Executor
from spikeloom.backend.host.parameters import initial_parameter
from spikeloom.backend.host.plan import ParameterPlan, Plan
from spikeloom.backend.host.progress import EpochReport, EpochSums, Progress, Totals
from spikeloom.backend.host.session import RunOptions, Session, SessionResult, load_dataset
from spikeloom.backend.host.task import describe
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.backend.snx.image import Image
from spikeloom.compiler import compile_program
from spikeloom.diagnostics import Diagnostic, DiagnosticError
from spikeloom.frontend.program import parse_program


class Recorder:
    """A listener that notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.warnings: list[Diagnostic] = []

    def epoch_started(self, epoch: int, done: int, batches: int) -> None:
        self.heard.append(f"start {epoch} {done}/{batches}")

    def batch_done(self, done: int, loss: float) -> None:
        self.heard.append(f"batch {done}")

    def epoch_done(self, epoch: int, report: EpochReport) -> None:
        self.heard.append(f"end {epoch}")

    def warn(self, warning: Diagnostic) -> None:
        self.warnings.append(warning)


@cache
def compiled(text: str, data: Path | None = None) -> tuple[Image, Dataset]:
    module = parse_program(text, "tiny.snn")
    task = describe(module, "tiny.snn")
    dataset = load_dataset(task, RunOptions(data=data))
    return compile_program(module, task, load_machine(), sizes=dataset.sizes), dataset


def run(
    text: str, options: RunOptions, stop_after: int | None = None
) -> tuple[SessionResult, Recorder]:
    image, dataset = compiled(text, options.data)
    recorder = Recorder()

    def stop() -> bool:
        batches = sum(word.startswith("batch") for word in recorder.heard)
        return stop_after is not None and batches >= stop_after

    return Session(image, dataset, options, recorder, stop).run(), recorder


# --- what an epoch is --------------------------------------------------------------------


def test_every_epoch_runs_all_batches_and_is_tested() -> None:
    result, recorder = run(LEARNING, RunOptions())
    one = ["batch 1", "batch 2", "batch 3"]
    assert recorder.heard == [
        word for epoch in range(3) for word in [f"start {epoch} 0/3", *one, f"end {epoch}"]
    ]
    assert len(result.epochs) == 3
    assert result.test_accuracy == result.epochs[-1].test_accuracy


def test_the_loss_is_the_mean_over_samples_not_over_batches() -> None:
    sums = EpochSums(loss=8 * 1.0, correct=8, samples=8) + EpochSums(loss=2 * 6.0, samples=2)
    report = sums.report(None)
    assert report.loss == pytest.approx(2.0)
    assert report.train_accuracy == 0.8


def test_training_lowers_the_loss() -> None:
    result, _ = run(LEARNING, RunOptions(epochs=12))
    assert result.epochs[-1].loss < result.epochs[0].loss


def test_batches_stop_in_the_middle_of_an_epoch_which_is_reported_and_tested() -> None:
    result, recorder = run(LEARNING, RunOptions(batches=4))
    assert recorder.heard[-3:] == ["start 1 0/3", "batch 1", "end 1"]
    assert len(result.epochs) == 2
    assert result.epochs[1].test_accuracy is not None


def test_more_batches_than_the_epochs_hold_change_nothing() -> None:
    assert (
        run(LEARNING, RunOptions(batches=1000))[0].epochs == run(LEARNING, RunOptions())[0].epochs
    )


def test_without_test_samples_there_is_no_test_accuracy() -> None:
    text = LEARNING.replace("samples = 26", "samples = 1")
    assert run(text, RunOptions(epochs=1))[0].test_accuracy is None


def test_totals_add_up_over_training_and_test() -> None:
    result, _ = run(LEARNING, RunOptions(epochs=1))
    assert result.totals.cycles == result.totals.counters["machine__cycles_elapsed"]
    assert result.totals.energy_fj == result.totals.counters["machine__energy_total"]


# --- the machine computes, the host carries ----------------------------------------------


def test_parameters_start_uniform_within_one_over_the_root_of_fan_in() -> None:
    plan = ParameterPlan(name="w", shape=(300, 100), fan_in=100, location="")
    values = initial_parameter(plan, 0, 1)
    assert values.dtype == np.float32
    assert np.abs(values).max() <= 0.1
    assert np.abs(values).max() > 0.099
    assert abs(values.mean()) < 0.001
    assert not np.array_equal(values, initial_parameter(plan, 1, 1))
    assert not np.array_equal(values, initial_parameter(plan, 0, 2))


def test_parameters_of_convolutions_and_constants_start_as_their_plan_says() -> None:
    weight = ParameterPlan(name="w", shape=(8, 4, 3, 3), fan_in=36, location="")
    values = initial_parameter(weight, 0, 1)
    assert values.shape == (8, 4, 3, 3)
    assert 0.16 < np.abs(values).max() <= np.float32(1 / 6)
    variance = ParameterPlan(name="v", shape=(8,), constant=1.0, running=True, location="")
    assert np.array_equal(initial_parameter(variance, 1, 1), np.ones(8, np.float32))


@pytest.mark.parametrize("start", [{}, {"fan_in": 4, "constant": 1.0}])
def test_a_parameter_has_one_start(start: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="fan_in or as a constant"):
        ParameterPlan(name="w", shape=(4,), location="", **start)


def test_parameters_are_the_same_in_every_stream() -> None:
    image, dataset = compiled(LEARNING)
    plan, machine = Plan.from_json(image.metadata), Machine.from_json(image.machine)
    executor = Executor(image, plan, machine, 5, 1)
    batches = dataset.training(0)
    for index in range(3):
        before = executor.state
        executor.run("train", batches[index])
        assert not np.array_equal(
            executor.state["parameter/hidden.weight"], before["parameter/hidden.weight"]
        )
        assert executor.state["optimizer/count"].tolist() == [index + 1]
    learned = executor.state
    executor.run("test", dataset.testing()[0])
    held = executor.read("parameter", "hidden.weight")
    assert held is not None
    assert np.array_equal(held[0, 0].T, learned["parameter/hidden.weight"])


def test_the_dump_holds_the_batch_with_the_parameters_before_the_update(tmp_path: Path) -> None:
    run(LEARNING, RunOptions(batches=1, dump=tmp_path))
    with np.load(tmp_path / "tensors.npz") as dump:
        assert dump["input"].shape == (4, 8, 6)
        assert dump["label"].shape == (8,)
        assert dump["spikes/hidden"].shape == (4, 8, 5)
        assert dump["spikes/output"].shape == (4, 8, 3)
        assert dump["parameter/hidden.weight"].shape == (5, 6)
        assert dump["gradient/hidden.weight"].shape == (5, 6)
        assert dump["gradient/output.bias"].shape == (3,)
        assert dump["loss"].shape == ()
        start = ParameterPlan(name="hidden.weight", shape=(5, 6), fan_in=6, location="")
        assert np.array_equal(dump["parameter/hidden.weight"], initial_parameter(start, 0, 5))


# --- layers that cannot learn ------------------------------------------------------------


def test_a_silent_layer_is_warned_about_once_with_its_line_and_a_remedy() -> None:
    _, recorder = run(SILENT, RunOptions())
    silent, *others = [w for w in recorder.warnings if "`hidden`" in w.message]
    assert silent.code == "W0501"
    assert silent.location is not None
    assert silent.location.line == 2
    assert silent.help is not None
    assert "threshold" in silent.help
    assert [warning.code for warning in others] == ["W0502"]


def test_layers_that_learn_are_not_warned_about() -> None:
    assert run(LEARNING, RunOptions())[1].warnings == []


def test_a_part_of_an_epoch_gives_no_warning() -> None:
    assert run(SILENT, RunOptions(batches=2))[1].warnings == []


def test_a_diverging_loss_ends_the_run() -> None:
    text = (
        LEARNING.replace("adam(rate = 0.01)", "sgd(rate = 1e38)")
        .replace("return lif(", "return li(")
        .replace("-> spikes[3]", "-> currents[3]")
    )
    with pytest.raises(DiagnosticError) as caught:
        run(text, RunOptions(epochs=20))
    assert caught.value.diagnostics[0].code == "E0406"


# --- stopping and resuming ---------------------------------------------------------------


def outputs(folder: Path, batches: int, threads: int = 1, load: Path | None = None) -> RunOptions:
    folder.mkdir()
    return RunOptions(
        threads=threads,
        batches=batches,
        json=folder / "r.json",
        dump=folder,
        actions=folder / "a.csv",
        save=folder / "c.safetensors",
        load=load,
    )


def contents(folder: Path) -> Iterator[bytes]:
    for name in ("r.json", "tensors.npz", "c.safetensors", "a.csv"):
        yield (folder / name).read_bytes()


@pytest.mark.parametrize("stop", range(1, 7))
def test_resuming_after_any_batch_is_the_same_as_not_stopping(tmp_path: Path, stop: int) -> None:
    run(LEARNING, outputs(tmp_path / "whole", 7))
    run(LEARNING, outputs(tmp_path / "part", stop))
    checkpoint = tmp_path / "part" / "c.safetensors"
    run(LEARNING, outputs(tmp_path / "rest", 7, load=checkpoint))
    assert list(contents(tmp_path / "rest")) == list(contents(tmp_path / "whole"))


def test_the_number_of_threads_changes_no_byte(tmp_path: Path) -> None:
    run(LEARNING, outputs(tmp_path / "one", 5, threads=1))
    run(LEARNING, outputs(tmp_path / "two", 5, threads=2))
    assert list(contents(tmp_path / "one")) == list(contents(tmp_path / "two"))


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_an_interrupted_run_writes_a_checkpoint_to_resume_from_and_nothing_else(
    tmp_path: Path, stop: int
) -> None:
    run(LEARNING, outputs(tmp_path / "whole", 7))
    result, _ = run(LEARNING, outputs(tmp_path / "part", 7), stop_after=stop)
    assert result.interrupted
    assert [path.name for path in (tmp_path / "part").iterdir()] == ["c.safetensors"]
    checkpoint = tmp_path / "part" / "c.safetensors"
    run(LEARNING, outputs(tmp_path / "rest", 7, load=checkpoint))
    assert list(contents(tmp_path / "rest")) == list(contents(tmp_path / "whole"))


def test_going_back_behind_a_checkpoint_is_refused(tmp_path: Path) -> None:
    run(LEARNING, outputs(tmp_path / "a", 5))
    with pytest.raises(DiagnosticError, match="5 batches behind it"):
        run(LEARNING, outputs(tmp_path / "b", 4, load=tmp_path / "a" / "c.safetensors"))


def test_progress_counts_epochs_and_batches_apart() -> None:
    sums, totals = EpochSums(loss=2.0, correct=1, samples=2), Totals(cycles=3, energy_fj=5)
    progress = Progress().after_batch(sums, totals).after_batch(sums, totals)
    assert (progress.epoch, progress.batch, progress.totals.cycles) == (0, 2, 6)
    closed = progress.after_test(0.5, totals, ("silent a",))
    assert (closed.epoch, closed.batch, closed.running) == (1, 0, EpochSums())
    assert closed.history == (EpochReport(loss=1.0, train_accuracy=0.5, test_accuracy=0.5),)
    assert closed.warned == ("silent a",)
    assert Progress.model_validate_json(closed.model_dump_json()) == closed


# --- inference ---------------------------------------------------------------------------


def test_inference_scores_labels_with_loaded_parameters(tmp_path: Path) -> None:
    trained = outputs(tmp_path / "t", 9)
    learned, _ = run(LEARNING, trained)
    _, dataset = compiled(LEARNING)
    batch = dataset.testing()[0]
    data = tmp_path / "test.npz"
    np.savez(data, spikes=batch.signal.swapaxes(0, 1), labels=batch.labels)
    result, _ = run(INFERENCE, RunOptions(data=data, load=trained.save, dump=tmp_path))
    assert result.test_accuracy == learned.test_accuracy
    assert result.epochs == ()
    with np.load(tmp_path / "tensors.npz") as dump:
        assert dump["input"].shape == (4, 5, 6)
        assert dump["spikes/output"].shape == (4, 5, 3)


def test_inference_without_labels_has_no_accuracy(tmp_path: Path) -> None:
    data = tmp_path / "d.npz"
    np.savez(data, spikes=np.ones((70, 4, 6), np.uint8))
    result, _ = run(INFERENCE, RunOptions(data=data))
    assert result.test_accuracy is None
    assert result.totals.cycles > 0
