"""An image ready to run: one interpreter per stream, one set of parameters among them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from spikeloom.backend.accounts.results import RunResult
from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.host.active_layers import ActiveLayers
from spikeloom.backend.host.dataset import Batch
from spikeloom.backend.host.image_check import check_image
from spikeloom.backend.host.images import extract, fill
from spikeloom.backend.host.parameters import (
    STATE_KINDS,
    State,
    Tensor,
    from_buffer,
    initial_parameter,
    to_buffer,
)
from spikeloom.backend.host.plan import Plan, StreamKind, needed_streams, stream_name
from spikeloom.backend.host.progress import EpochSums
from spikeloom.backend.host.statistics import (
    Statistics,
    batch_identity,
    empty_counts,
    machine_digest,
)
from spikeloom.backend.host.totals import Totals, totals_of
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.snx.image import Image
from spikeloom.backend.stream.stream import Stream, per_dimension
from spikeloom.backend.validation.validator import ValidatedStream, validate
from spikeloom.diagnostics import error
from spikeloom.dialects.activity_profile import Share


@dataclass
class _Loaded:
    """A stream with its interpreter.

    Attributes:
        executed: instructions of one run.
        state: buffers of parameters and optimizer state by name.
        version: of the parameters that its buffers hold.
    """

    stream: Stream
    interpreter: Interpreter
    executed: int
    state: dict[str, int]
    layers: ActiveLayers
    version: int = -1


@dataclass(frozen=True)
class Outcome:
    """What one batch gave: its sums, and what the machine did for it."""

    sums: EpochSums
    totals: Totals


class Executor:
    """Runs batches on an image's streams and keeps parameters and optimizer state in step.

    `recorded` are the statistics of the last batch for which they were asked.

    Raises:
        DiagnosticError: E0303 or E0304 when the image does not fit its plan or its machine.
    """

    def __init__(self, image: Image, plan: Plan, machine: Machine, seed: int, threads: int):
        names = [stream_name(*needed) for needed in needed_streams(plan)]
        validated = {n: validate(image.stream(n), machine.memory_bytes) for n in names}
        streams = {name: each.stream for name, each in validated.items()}
        check_image(streams, plan)
        self._plan = plan
        self._loaded = {n: _load(each, machine, threads) for n, each in validated.items()}
        self._state = _initial_state(plan, streams.values(), seed)
        self._version = self._state_version = 0
        self._newest: _Loaded | None = None
        self._last: _Loaded | None = None
        self._machine = machine_digest(image)
        self.recorded: Statistics | None = None

    @property
    def state(self) -> State:
        """Parameters and optimizer state as they are now, in the language's shapes."""
        if self._newest is not None and self._state_version != self._version:
            for name, buffer in self._newest.state.items():
                cells = self._newest.interpreter.read(buffer)
                self._state[name] = from_buffer(cells, self._state[name].shape)
            self._state_version = self._version
        return dict(self._state)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Replaces parameters and optimizer state by those of the same names."""
        self._state = {**self.state, **state}
        self._version += 1
        self._state_version = self._version

    def run(self, kind: StreamKind, batch: Batch, *, record: bool = False) -> Outcome:
        """Runs one batch; a training batch updates the parameters. `record` keeps its statistics.

        Raises:
            DiagnosticError: E0406 when the loss is no number any more, E0405 when the batch is too
                long to be recorded.
        """
        loaded = self._loaded[stream_name(kind, batch.samples)]
        self._bring_state(loaded)
        self._write_batch(loaded, batch)
        counts = empty_counts(loaded.executed) if record else None
        result = loaded.interpreter.run(counts)
        if counts is not None:
            identity = batch_identity(self._plan, kind, batch.samples, self._machine, loaded.stream)
            self.recorded = Statistics(identity, _share(batch), counts)
        self._last = loaded
        if kind == "train":
            self._version += 1
            loaded.version = self._version
            self._newest = loaded
        return self._outcome(loaded, batch, result)

    def read(self, kind: str, subject: str = "") -> Tensor | None:
        """The buffer with this role after the last batch, in its own shape, or None."""
        assert self._last is not None, "nothing has run yet"
        index = self._last.stream.find(kind, subject)
        return None if index is None else self._last.interpreter.read(index)

    def _bring_state(self, loaded: _Loaded) -> None:
        if loaded.version == self._version:
            return
        state = self.state
        for name, buffer in loaded.state.items():
            loaded.interpreter.write(buffer, to_buffer(state[name]))
        loaded.version = self._version

    def _write_batch(self, loaded: _Loaded, batch: Batch) -> None:
        """Writes signal, with zeros around it where the buffer has room for them, and labels."""
        index = loaded.stream.find("input")
        assert index is not None, "the image was checked to have an input"
        shape = per_dimension(loaded.stream.buffers[index]["shape"].tolist())
        loaded.interpreter.write(index, fill(shape, batch.signal, self._plan.input_shape))
        if (index := loaded.stream.find("label")) is not None and batch.labels is not None:
            loaded.interpreter.write(index, batch.labels[None, :, None, None])

    def _outcome(self, loaded: _Loaded, batch: Batch, result: RunResult) -> Outcome:
        layers = loaded.layers
        activity = layers.activity(self._plan, batch.samples, _share(batch), result.totals())
        loss = self.read("loss")
        mean_loss = 0.0 if loss is None else float(loss.item())
        if not math.isfinite(mean_loss):
            help = "lower the optimizer's rate, or bound the input currents"
            raise error("E0406", f"the loss became {mean_loss}", help=help)
        sums = EpochSums(
            loss=mean_loss * batch.samples,
            correct=self._correct(batch),
            samples=batch.samples,
            spikes={n: activity.layers[n].spikes[0] for n in sorted(layers.firing)},
            gradients={n: activity.layers[n].gradients[0] for n in sorted(layers.learning)},
        )
        return Outcome(sums, totals_of(result, activity))

    def _correct(self, batch: Batch) -> int:
        """Right decisions; a program without training leaves the comparison to the host."""
        if (correct := self.read("correct")) is not None:
            return int(correct.item())
        readout = self.read("readout")
        if readout is None or batch.labels is None:
            return 0
        scores = extract(readout, 1, self._plan.output_shape).reshape(batch.samples, -1)
        return int((scores.argmax(axis=-1) == batch.labels).sum())


def _share(batch: Batch) -> Share:
    """How much of a batch's input is not zero."""
    return int(np.count_nonzero(batch.signal)), batch.signal.size


def _load(validated: ValidatedStream, machine: Machine, threads: int) -> _Loaded:
    stream = validated.stream
    state = {
        f"{kind}/{subject}": index
        for index, (kind, subject) in enumerate(stream.buffer_roles)
        if kind in STATE_KINDS
    }
    interpreter = Interpreter(validated, machine, threads)
    executed = validated.dynamic_instructions
    return _Loaded(stream, interpreter, executed, state, ActiveLayers.of(stream))


def _initial_state(plan: Plan, streams: Iterable[Stream], seed: int) -> dict[str, Tensor]:
    """Parameters from the seed, optimizer state zero, each in the language's shape."""
    state: dict[str, Tensor] = {
        f"parameter/{parameter.name}": initial_parameter(parameter, index, seed)
        for index, parameter in enumerate(plan.parameters)
    }
    shapes = {parameter.name: parameter.shape for parameter in plan.parameters}
    for kind, subject in sorted({role for stream in streams for role in stream.buffer_roles}):
        if kind == "optimizer":
            count = subject == "count"
            shape = (1,) if count else shapes[subject.rpartition(".")[0]]
            state[f"{kind}/{subject}"] = np.zeros(shape, np.int32 if count else np.float32)
    return state
