"""The inference that is executed on a mapping: trained or initial parameters, one sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.host.parameters import initial_parameter
from spikeloom.backend.host.plan import Task
from spikeloom.backend.host.session import RunOptions, effective_seed, load_dataset
from spikeloom.dialects.snn import NetworkOp
from spikeloom.mapping.execution import Parameters
from spikeloom.tiles.mapping import load_parameters


@dataclass(frozen=True, eq=False)
class Inference:
    """What is executed.

    Attributes:
        signal: [steps, units].
        subject: parameters and sample in words.
    """

    parameters: Parameters
    signal: NDArray[np.generic]
    subject: str


def inference_of(
    task: Task, network: NetworkOp, steps: int, load: Path | None, data: Path | None
) -> Inference | None:
    """The first sample that the program is tested with, again and again if it is too short.

    Without `load`, parameters are the initial ones of the program's seed. None where a program
    names no data and none are given.

    Raises:
        DiagnosticError: a file cannot be read (E0401), or does not fit (E0403, E0404).
    """
    if task.training is None and data is None:
        return None
    options = RunOptions(data=data)
    dataset = load_dataset(task, options)
    tested = len(dataset.test) > 0
    batch = (dataset.testing() if tested else dataset.training(0))[0]
    sample = batch.signal[:, 0].reshape(len(batch.signal), -1)
    signal = np.resize(sample, (steps, sample.shape[1]))
    which = "first test sample" if tested else "first training sample"
    if load is not None:
        return Inference(load_parameters(load, network), signal, f"{load}, {which}")
    seed = effective_seed(task, options)
    parameters = {
        each.name: initial_parameter(each, index, seed)
        for index, each in enumerate(task.parameters)
    }
    return Inference(parameters, signal, f"untrained parameters of seed {seed}, {which}")
