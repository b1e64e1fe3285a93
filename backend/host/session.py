"""One run of an image, from its data to its result files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from spikeloom.backend.accounts.actions import action_counts, write_actions
from spikeloom.backend.host.checkpoint import (
    Identity,
    check_identity,
    load_checkpoint,
    load_tensors,
    save_checkpoint,
)
from spikeloom.backend.host.dataset import Dataset
from spikeloom.backend.host.executor import Executor
from spikeloom.backend.host.load_data import load_inference_data, load_training_data
from spikeloom.backend.host.plan import Plan, Task, TrainingPlan
from spikeloom.backend.host.progress import EpochReport, Progress
from spikeloom.backend.host.run_result import result_json, write_result
from spikeloom.backend.host.statistics import write_statistics
from spikeloom.backend.host.tensor_dump import TensorDump, capture, write_tensors
from spikeloom.backend.host.totals import Totals
from spikeloom.backend.host.training import Goal, Listener, Trainer, test
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.snx.image import Image
from spikeloom.diagnostics import DiagnosticError, error


@dataclass(frozen=True)
class RunOptions:
    """What a user may ask of a run, as `spikeloom run --help` explains it."""

    threads: int = 1
    epochs: int | None = None
    batches: int | None = None
    seed: int | None = None
    data: Path | None = None
    json: Path | None = None
    dump: Path | None = None
    save: Path | None = None
    load: Path | None = None
    energy_table: str | None = None
    actions: Path | None = None
    save_statistics: Path | None = None


@dataclass(frozen=True, eq=False)
class SessionResult:
    """What a run ended with; `test_accuracy` is None where nothing could be compared."""

    machine: Machine
    epochs: tuple[EpochReport, ...]
    test_accuracy: float | None
    totals: Totals
    tensors: TensorDump | None
    interrupted: bool


def effective_seed(task: Task, options: RunOptions) -> int:
    """The seed from the command line, or else the program's."""
    if options.seed is not None:
        return options.seed
    return task.training.seed if task.training is not None else 0


def check_options(task: Task, options: RunOptions) -> None:
    """Refuses options that mean nothing for this program, and outputs that cannot be written.

    Raises:
        DiagnosticError: E0405 or E0402.
    """
    if task.training is not None and options.data is not None:
        raise _misplaced("--data", "the program names its own data in `train`")
    if task.training is None:
        if options.data is None:
            help = "--data FILE.npz, or a `train` block in the program"
            raise error("E0405", f"`{task.program}` has no data to run on", help=help)
        for name, value in (
            ("--epochs", options.epochs),
            ("--batches", options.batches),
            ("--save", options.save),
        ):
            if value is not None:
                raise _misplaced(name, "a program without `train` only runs inference")
    check_outputs((options.json, options.save, options.actions, options.save_statistics))
    if options.dump is not None and options.dump.exists() and not options.dump.is_dir():
        raise error("E0402", f"cannot write into `{options.dump}`: it is not a folder")


def check_outputs(paths: Iterable[Path | None]) -> None:
    """Refuses files that cannot be written, and one file for two outputs.

    Raises:
        DiagnosticError: E0402.
    """
    taken: set[Path] = set()
    for path in paths:
        if path is None:
            continue
        if not path.parent.is_dir():
            raise error("E0402", f"cannot write `{path}`: there is no folder `{path.parent}`")
        if path.is_dir():
            raise error("E0402", f"cannot write `{path}`: it is a folder")
        place = path.resolve()
        is_file = path.is_file() or not path.exists()  # /dev/null takes any number of outputs
        if is_file and place in taken:
            help = "name a file of its own for each output"
            raise error("E0402", f"cannot write `{path}` twice: two outputs name it", help=help)
        taken.add(place)


def load_dataset(task: Task, options: RunOptions) -> Dataset:
    """The data that a run with these options needs; nothing to test with where a plan has none.

    Raises:
        DiagnosticError: E0401 or E0403 when they cannot be read or do not fit the program.
    """
    seed = effective_seed(task, options)
    if task.training is not None:
        dataset = load_training_data(task, task.training, seed)
        untested = isinstance(task, Plan) and task.sizes.test_samples == 0
        return dataset.without_test() if untested else dataset
    assert options.data is not None
    return load_inference_data(task, options.data, seed)


def machine_in_use(image: Image, options: RunOptions) -> Machine:
    """The machine that the image was compiled for, with the energy table that the user chose.

    Raises:
        DiagnosticError: E0301 for a damaged description, E0405 for an unknown energy table.
    """
    machine = Machine.from_json(image.machine, "the image's machine")
    return machine.with_energy_table(options.energy_table)


@dataclass
class Session:
    """An image with its data, ready to run. `stop` is asked between batches."""

    image: Image
    dataset: Dataset
    options: RunOptions
    listener: Listener
    stop: Callable[[], bool]

    def run(self) -> SessionResult:
        """Trains or infers, and writes the files that the options ask for.

        An interrupted run writes only its checkpoint.

        Raises:
            DiagnosticError: the image, the data or a checkpoint do not fit, training diverges,
                or a file cannot be written.
        """
        plan = Plan.from_json(self.image.metadata)
        machine = machine_in_use(self.image, self.options)
        if self.dataset.sizes != plan.sizes:
            message = f"the data have {_sizes(self.dataset)}, but the program was compiled for "
            raise error("E0403", message + _sizes(plan), help="compile it again with these data")
        seed = effective_seed(plan, self.options)
        executor = Executor(self.image, plan, machine, seed, self.options.threads)
        if plan.training is None:
            result = self._infer(plan, machine, executor)
        else:
            result = self._train(plan, plan.training, machine, executor)
        if not result.interrupted:
            self._write(plan, result)
            self._write_statistics(executor)
        return result

    def _train(
        self, plan: Plan, training: TrainingPlan, machine: Machine, executor: Executor
    ) -> SessionResult:
        options, progress = self.options, Progress()
        identity = _identity(plan, training, machine, self.image, effective_seed(plan, options))
        if options.load is not None:
            state, header = load_checkpoint(options.load, executor.state)
            check_identity(options.load, header.identity, identity)
            if not header.progress.fits(plan):
                message = f"checkpoint `{options.load}`: its progress contradicts itself"
                raise error("E0404", message, help="was it changed, or written by another version?")
            executor.restore(state)
            progress = header.progress
        epochs = training.epochs if options.epochs is None else options.epochs
        goal = Goal(epochs, options.batches)
        if (done := progress.batches_done(plan)) > (target := goal.total_batches(plan)):
            message = f"the checkpoint has {done} batches behind it, more than the {target} asked"
            raise error("E0405", message, help="--epochs and --batches count from the beginning")
        wanted = options.dump is not None
        recorded = options.save_statistics is not None
        trainer = Trainer(executor, self.dataset, plan, self.listener, self.stop, wanted, recorded)
        result = trainer.train(progress, goal)
        if options.save is not None:
            save_checkpoint(options.save, executor.state, identity, result.progress)
        history = result.shown.history
        accuracy = history[-1].test_accuracy if history else None
        totals, tensors = result.shown.totals, result.tensors
        return SessionResult(machine, history, accuracy, totals, tensors, result.interrupted)

    def _infer(self, plan: Plan, machine: Machine, executor: Executor) -> SessionResult:
        state = executor.state
        if self.options.load is not None:
            state = {**state, **load_tensors(self.options.load, state)}
            executor.restore(state)
        batches = self.dataset.testing()
        record = self.options.save_statistics is not None
        result = test(executor, batches, self.stop, record=record)
        if result is None:
            return SessionResult(machine, (), None, Totals(), None, True)
        accuracy = result.accuracy if self.dataset.labels is not None else None
        tensors = None
        if self.options.dump is not None:
            tensors = capture(executor, plan, batches[len(batches) - 1], state)
        return SessionResult(machine, (), accuracy, result.totals, tensors, False)

    def _write_statistics(self, executor: Executor) -> None:
        if (path := self.options.save_statistics) is not None:
            if executor.recorded is None:
                raise _nothing_left("--save-statistics")
            write_statistics(path, executor.recorded)

    def _write(self, plan: Plan, result: SessionResult) -> None:
        options = self.options
        if options.dump is not None:
            if result.tensors is None:
                raise _nothing_left("--dump")
            write_tensors(options.dump, result.tensors)
        totals, machine = result.totals, result.machine
        if options.actions is not None:
            write_actions(options.actions, action_counts(totals.ledger(), totals.cycles, machine))
        if options.json is not None:
            seed = effective_seed(plan, options)
            text = result_json(plan, seed, machine, result.epochs, result.test_accuracy, totals)
            write_result(options.json, text)


def _misplaced(option: str, reason: str) -> DiagnosticError:
    return error("E0405", f"{option} does not apply: {reason}")


def _nothing_left(option: str) -> DiagnosticError:
    message = f"{option}: no batch was left to run"
    return error("E0405", message, help="ask for more --epochs or --batches")


def _sizes(holder: Dataset | Plan) -> str:
    sizes = holder.sizes
    parts = f"{sizes.train_samples} training and {sizes.test_samples} test samples"
    return f"{parts} of {sizes.steps} steps"


def _identity(
    plan: Plan, training: TrainingPlan, machine: Machine, image: Image, seed: int
) -> Identity:
    digest = hashlib.sha256()
    for name, stream in image.streams:
        instructions = stream.instructions.copy()
        instructions["location"] = 0
        digest.update(name.encode() + instructions.tobytes() + stream.buffers.tobytes())
    return Identity(
        network=plan.network,
        parameters=tuple(f"{p.name} {list(p.shape)}" for p in plan.parameters),
        data=training.data.model_dump_json(),
        samples=(plan.sizes.train_samples, plan.sizes.test_samples),
        steps=training.steps,
        batch=training.batch,
        loss=training.loss,
        optimizer=training.optimizer.model_dump_json(),
        seed=seed,
        machine=f"{machine.name} {hashlib.sha256(image.machine.encode()).hexdigest()[:16]}",
        energy_table=machine.energy_table,
        instructions=digest.hexdigest(),
    )
