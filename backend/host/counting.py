"""Counting mode for a whole program: one batch, counted instead of executed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spikeloom.backend.accounts.results import RunResult
from spikeloom.backend.counting.counter import Counter, UnfitStatistics
from spikeloom.backend.counting.densities import Densities
from spikeloom.backend.counting.density_trace import Span
from spikeloom.backend.host.active_layers import ActiveLayers
from spikeloom.backend.host.image_check import check_image
from spikeloom.backend.host.plan import DataSizes, Plan, StreamKind, Task, needed_streams
from spikeloom.backend.host.plan import stream_name as name_of
from spikeloom.backend.host.session import SessionResult
from spikeloom.backend.host.statistics import (
    Statistics,
    batch_identity,
    check_identity,
    machine_digest,
    unfit,
)
from spikeloom.backend.host.totals import totals_of
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.snx.image import Image
from spikeloom.backend.stream.stream import Stream
from spikeloom.backend.validation.validator import ValidatedStream, validate
from spikeloom.diagnostics import DiagnosticError, did_you_mean, error
from spikeloom.dialects.activity_profile import ActivityProfile, Share

ANOTHER = "was it written by a run of another program, or with other sizes?"


@dataclass(frozen=True, eq=False)
class FromStatistics:
    """Counts are those of a run; `path` is where they were read."""

    path: Path
    statistics: Statistics


@dataclass(frozen=True, eq=False)
class FromDensities:
    """Counts are expected; `words` say what from, as the user put it."""

    densities: Densities
    words: str


Source = FromStatistics | FromDensities


@dataclass(frozen=True, eq=False)
class CountedBatch:
    """The result of counting mode, in the form of a run's, and what it is of."""

    plan: Plan
    kind: StreamKind
    samples: int
    source: str
    result: SessionResult

    def describe(self) -> dict[str, object]:
        """What was counted, for the JSON result."""
        return {
            "batch": name_of(self.kind, self.samples),
            "source": self.source,
            "steps": self.plan.sizes.steps,
        }


def count_sizes(task: Task, source: Source) -> DataSizes:
    """Sizes of data that consist of the one batch to count.

    Raises:
        DiagnosticError: E0405, the program does not say how large a batch is.
    """
    if isinstance(source, FromStatistics):
        batch = source.statistics.identity
        counts = (batch.samples, 0) if batch.kind == "train" else (0, batch.samples)
        return DataSizes(*counts, batch.steps)
    if task.training is None:
        message = f"`{task.program}` has no `train` block, which says how large a batch is"
        help = "give it one, or count with --statistics of a run"
        raise error("E0405", f"--count-only: {message}", help=help)
    return DataSizes(task.training.batch, 0, task.training.steps)


def count_image(image: Image, machine: Machine, source: Source) -> CountedBatch:
    """Counts the one batch that the image was compiled for (with `count_sizes`).

    Raises:
        DiagnosticError: E0304 when the stream breaks a rule of the machine, E0303 when it does not
            fit the plan, E0407 when the statistics are not of this program, batch and machine.
    """
    plan = Plan.from_json(image.metadata)
    ((kind, samples),) = needed_streams(plan)
    validated = validate(image.stream(name_of(kind, samples)), machine.memory_bytes)
    stream = validated.stream
    check_image({name_of(kind, samples): stream}, plan)
    if isinstance(source, FromStatistics):
        digest = machine_digest(image)
        expected = batch_identity(plan, kind, samples, digest, stream)
        check_identity(source.path, source.statistics.identity, expected)
        counted = _with_statistics(validated, machine, source)
        signal, words = source.statistics.signal, f"statistics {source.path}"
    else:
        written = _host_written(plan, stream)
        counted = Counter(validated, machine).count_with_densities(source.densities, written)
        signal, words = _signal(plan, samples, source.densities.input), source.words
    layers = ActiveLayers.of(stream)
    activity = layers.activity(plan, samples, signal, counted.totals())
    totals = totals_of(counted, activity)
    result = SessionResult(machine, (), None, totals, None, False)
    return CountedBatch(plan, kind, samples, words, result)


def check_profile(profile: ActivityProfile, task: Task, path: str) -> None:
    """Refuses a profile that is not of this program.

    Raises:
        DiagnosticError: E0407.
    """
    if profile.network != task.network:
        words = f"it is of the network `{profile.network}`, not of `{task.network}`"
        raise _refused(path, words, ANOTHER)
    if task.training is not None and profile.steps != task.training.steps:
        steps = task.training.steps
        words = f"it is of {profile.steps} time steps, but `{task.program}` trains with {steps}"
        raise _refused(path, words, ANOTHER)
    units = {layer.name: math.prod(layer.shape) for layer in task.layers}
    for name, activity in profile.layers.items():
        if name not in units:
            help = did_you_mean(name, units) if units else ANOTHER
            raise _refused(path, f"`{task.network}` has no layer `{name}`", help)
        for kind in ("spikes", "mask", "gradients"):
            share: Share = getattr(activity, kind)
            cells = profile.steps * units[name]
            if share[1] % cells:
                words = f"the {kind} of `{name}` have {share[1]} cells, no multiple of {cells}"
                raise _refused(path, words, ANOTHER)
    for layer in task.layers:
        if layer.kind == "lif" and layer.name not in profile.layers:
            raise _refused(path, f"it says nothing of the layer `{layer.name}`", ANOTHER)


def _with_statistics(
    validated: ValidatedStream, machine: Machine, source: FromStatistics
) -> RunResult:
    try:
        return Counter(validated, machine).count_with_statistics(source.statistics.counts)
    except UnfitStatistics as reason:
        raise unfit(source.path, str(reason)) from None


def _signal(plan: Plan, samples: int, density: float) -> Share:
    cells = samples * plan.sizes.steps * math.prod(plan.input_shape)
    return round(cells * density), cells


def _host_written(plan: Plan, stream: Stream) -> Mapping[int, tuple[Span, ...]]:
    """The cells of the input buffer that hold the signal; the others are zeros around it.

    Rows of zeros above and below an image are taken to be as many.
    """
    index = stream.find("input")
    if index is None:
        return {}
    steps, groups, positions, features = stream.buffers["shape"][index].tolist()
    used = math.prod(plan.input_shape) // features
    above = max(0, positions - used) // 2
    places = (above, min(positions, above + used))
    return {index: ((steps - plan.sizes.steps, steps), (0, groups), places, (0, features))}


def _refused(path: str, words: str, help: str) -> DiagnosticError:
    return error("E0407", f"the profile `{path}` cannot be used: {words}", help=help)
