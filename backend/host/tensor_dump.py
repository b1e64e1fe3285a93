"""The tensors of one batch, for a look inside and for checks against other implementations.

`input` [T, B, ...], `label` [B], `parameter/NAME` before the update and `gradient/NAME` as the
language shapes them, `spikes/LAYER` [T, B, ...] (of a readout its potentials), `loss`.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.host.dataset import Batch
from spikeloom.backend.host.executor import Executor
from spikeloom.backend.host.images import extract
from spikeloom.backend.host.parameters import State, Tensor, from_buffer
from spikeloom.backend.host.plan import Plan
from spikeloom.diagnostics import error

TensorDump = Mapping[str, Tensor]
FILE_NAME = "tensors.npz"


def capture(executor: Executor, plan: Plan, batch: Batch, before: State) -> TensorDump:
    """The tensors of the batch that has just run; `before` is the state before it."""
    leading = batch.signal.shape[:2]
    tensors: dict[str, Tensor] = {"input": batch.signal.reshape(*leading, *plan.input_shape)}
    if batch.labels is not None:
        tensors["label"] = batch.labels
    for parameter in plan.parameters:
        tensors[f"parameter/{parameter.name}"] = before[f"parameter/{parameter.name}"]
        if (cells := executor.read("gradient", parameter.name)) is not None:
            tensors[f"gradient/{parameter.name}"] = from_buffer(cells, parameter.shape)
    for layer in plan.layers:
        if (cells := executor.read("spikes", layer.name)) is not None:
            tensors[f"spikes/{layer.name}"] = extract(cells, plan.sizes.steps, layer.shape)
    if (loss := executor.read("loss")) is not None:
        tensors["loss"] = loss.reshape(())
    return tensors


def write_tensors(directory: Path, tensors: TensorDump) -> None:
    """Writes `tensors.npz`; equal tensors give equal bytes, since the archive has no dates.

    Raises:
        DiagnosticError: E0402 when it cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise error("E0402", f"cannot create `{directory}`: {problem.strerror}") from None
    archive = BytesIO()
    np.savez(archive, allow_pickle=False, **{name: tensors[name] for name in sorted(tensors)})
    write_atomically(directory / FILE_NAME, archive.getvalue())
