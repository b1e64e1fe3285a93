"""From a task to its dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spikeloom.backend.host.data_file import read_data_file
from spikeloom.backend.host.dataset import (
    Dataset,
    Images,
    Labels,
    RandomSpikes,
    Recordings,
    Source,
    split,
)
from spikeloom.backend.host.delayed_match import CLASSES as MATCH_CLASSES
from spikeloom.backend.host.delayed_match import PHASES, DelayedMatch
from spikeloom.backend.host.digits import CLASSES, PIXELS, read_digits
from spikeloom.backend.host.plan import (
    INFERENCE_BATCH,
    DelayedMatchData,
    DigitsData,
    FileData,
    RandomData,
    Task,
    TrainingPlan,
)
from spikeloom.backend.host.randomness import Purpose, generator
from spikeloom.diagnostics import error


def load_training_data(task: Task, training: TrainingPlan, seed: int) -> Dataset:
    """The data that a `train` block names, split by `seed`.

    A relative path of `file(...)` is looked up beside the program.

    Raises:
        DiagnosticError: E0401 or E0403 when the data cannot be read or do not fit.
    """
    match training.data:
        case DigitsData() as data:
            source, labels = _digits(task, data, training.steps)
        case FileData() as data:
            path = Path(task.program).parent / data.path
            source, labels = _recordings(task, path, training.steps)
        case RandomData() as data:
            source, labels = _random(task, data, training.steps, seed)
        case DelayedMatchData() as data:
            source, labels = _delayed_match(task, data, training.steps, seed)
    train, test = split(len(labels), training.data.test, seed)
    return Dataset(source, labels, train, test, training.steps, training.batch, seed)


def load_inference_data(task: Task, path: Path, seed: int) -> Dataset:
    """All samples of a data file, in its order, to test with.

    Raises:
        DiagnosticError: E0401 or E0403 when the file cannot be read or does not fit.
    """
    file = read_data_file(path, task, labels_required=False)
    nothing = np.arange(0, dtype=np.int64)
    everything = np.arange(len(file.values), dtype=np.int64)
    source = Recordings(file.values)
    return Dataset(source, file.labels, nothing, everything, file.steps, INFERENCE_BATCH, seed)


def _classes(task: Task) -> int:
    return int(np.prod(task.output_shape))


def _digits(task: Task, data: DigitsData, steps: int) -> tuple[Source, Labels]:
    if np.prod(task.input_shape) != PIXELS:
        message = f"the digits have {PIXELS} pixels, the input has {list(task.input_shape)}"
        raise error("E0403", message)
    if _classes(task) < CLASSES:
        message = f"the digits have {CLASSES} classes, the output has {_classes(task)} units"
        raise error("E0403", message)
    if (data.encode == "direct") != (task.input_element == "f32"):
        message = f"`encode = {data.encode}` does not fit the network's input"
        help = "currents take `direct`, spikes take `rate` or `latency`"
        raise error("E0403", message, help=help)
    values, labels = read_digits()
    return Images(values, data.encode, steps), labels


def _recordings(task: Task, path: Path, steps: int) -> tuple[Source, Labels]:
    file = read_data_file(path, task, labels_required=True)
    if file.steps != steps:
        message = f"data file `{path}`: it has {file.steps} steps, the program {steps}"
        raise error("E0403", message, help=f"write `steps = {file.steps}`")
    assert file.labels is not None
    return Recordings(file.values), file.labels


def _random(task: Task, data: RandomData, steps: int, seed: int) -> tuple[Source, Labels]:
    if data.classes > _classes(task):
        message = f"{data.classes} random classes for an output of {_classes(task)} units"
        raise error("E0403", message, help=f"write `classes = {_classes(task)}`")
    element = np.uint8 if task.input_element == "bit" else np.float32
    source = RandomSpikes(data.rate, steps, int(np.prod(task.input_shape)), seed, element)
    drawn = generator(seed, Purpose.RANDOM_LABELS).integers(0, data.classes, data.samples)
    return source, drawn.astype(np.int32)


def _delayed_match(
    task: Task, data: DelayedMatchData, steps: int, seed: int
) -> tuple[Source, Labels]:
    features = int(np.prod(task.input_shape))
    if features < data.symbols:
        message = f"{data.symbols} symbols need as many features, the input has {features}"
        raise error("E0403", message)
    if _classes(task) < MATCH_CLASSES:
        message = f"a match has {MATCH_CLASSES} classes, the output has {_classes(task)} units"
        raise error("E0403", message)
    if steps < PHASES:
        message = f"a delayed match takes at least {PHASES} steps, the program has {steps}"
        raise error("E0403", message, help=f"write `steps = {3 * PHASES}`")
    drawn = generator(seed, Purpose.RANDOM_LABELS).integers(0, MATCH_CLASSES, data.samples)
    labels = drawn.astype(np.int32)
    element = np.uint8 if task.input_element == "bit" else np.float32
    source = DelayedMatch(labels, data.symbols, data.noise, steps, features, seed, element)
    return source, labels
