"""The streams that IR below the level of the network holds, and the module of each.

A `bptt.step` fits any batch and any number of steps, because both are open in it; a program of the
machine runs for exactly the samples and steps that it was lowered for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from spikeloom.backend.host.plan import StreamKind, stream_name
from spikeloom.diagnostics import SourceLocation, error
from spikeloom.dialects.bptt import LossOp, OptimizeOp, StepOp, UpdateRunningOp
from spikeloom.dialects.engine import InstructionOp, MachineOp, ProgramOp
from spikeloom.dialects.instruction_set import Engine
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.number_text import count


@dataclass(frozen=True, eq=False)
class IrStream:
    """A step or program, whether it trains, and the steps and samples that it says."""

    op: StepOp | ProgramOp
    kind: StreamKind
    steps: int
    batch: int

    @property
    def name(self) -> str:
        """Its name as a stream: `train[64]`."""
        return stream_name(self.kind, self.batch)

    def resized(self, steps: int, batch: int) -> IrStream:
        """A copy of a step for another number of steps and samples.

        Raises:
            DiagnosticError: they are too few to normalize with (E0204).
        """
        copy = self.op.clone()
        assert isinstance(copy, StepOp)
        copy.steps, copy.batch = count(steps), count(batch)
        for op in copy.body.block.ops:
            if isinstance(op, UpdateRunningOp) and op.unbiased is not None:
                _require_variance(op, steps * batch * op.positions)
        return IrStream(copy, self.kind, steps, batch)


def streams_of(module: ModuleOp) -> tuple[IrStream, ...]:
    """The steps of the module, or else its programs, in their order."""
    steps = [op for op in module.ops if isinstance(op, StepOp)]
    if steps:
        return tuple(
            IrStream(op, _kind_of_step(op), op.steps.value.data, op.batch.value.data)
            for op in steps
        )
    return tuple(
        IrStream(op, _kind_of_program(op), op.steps.value.data, op.samples.value.data)
        for op in module.ops
        if isinstance(op, ProgramOp)
    )


@dataclass(frozen=True, eq=False)
class IrStreams:
    """Where the modules of streams come from; a `compiler.StreamModule`.

    Attributes:
        module: the module that holds the streams.
        path: its file.
    """

    module: ModuleOp
    path: str
    streams: tuple[IrStream, ...]

    def __call__(self, kind: StreamKind, *, steps: int, batch: int) -> ModuleOp:
        """The module of one stream: the machine, if there is one, and the step or the program.

        Raises:
            DiagnosticError: there is no such stream, and none that could be resized (E0209).
        """
        found = self._find(kind, steps, batch)
        machines = [op.clone() for op in self.module.ops if isinstance(op, MachineOp)]
        module = ModuleOp([*machines, found.op.clone()])
        module.location = self.module.location
        return module

    def _find(self, kind: StreamKind, steps: int, batch: int) -> IrStream:
        candidates = [each for each in self.streams if each.kind == kind]
        for each in candidates:
            if (each.steps, each.batch) == (steps, batch):
                return each
        if candidates and isinstance(candidates[0].op, StepOp):
            return candidates[0].resized(steps, batch)
        raise self._missing(kind, steps, batch)

    def _missing(self, kind: StreamKind, steps: int, batch: int) -> Exception:
        wanted = f"{stream_name(kind, batch)} of {steps} steps"
        message = f"the data need the stream {wanted}, but the IR holds {_listed(self.streams)}"
        help = (
            "a program fits one batch: `spikeloom compile PROGRAM -o FILE.mlir` writes all that are"
            " needed; bptt.step, before lower-to-engine, fits any"
        )
        return error("E0209", message, SourceLocation(self.path, 1, 1), help)


def _require_variance(op: UpdateRunningOp, numbers: int) -> None:
    """Refuses what `expand-bptt` refuses of a network."""
    if numbers < 2:
        message = "a batch of the data has a single number per channel here, which has no variance"
        help = "train with more steps, or with a batch that leaves no last one of a single sample"
        raise error("E0204", message, location_of(op), help)


def _listed(streams: Sequence[IrStream]) -> str:
    names = [f"{each.name} of {each.steps} steps" for each in streams]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _kind_of_step(step: StepOp) -> StreamKind:
    for op in step.body.block.ops:
        if isinstance(op, OptimizeOp | UpdateRunningOp):
            return "train"
        if isinstance(op, LossOp) and op.gradient is not None:
            return "train"
    return "test"


def _kind_of_program(program: ProgramOp) -> StreamKind:
    for op in program.walk():
        if isinstance(op, InstructionOp) and op.SPEC.engine is Engine.OPTIMIZER:
            return "train"
    return "test"
