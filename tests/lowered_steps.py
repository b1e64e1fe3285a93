"""A training step written by hand, on its way to a stream and through a machine.

What a step reports is found again by its role, as the host finds it; reported as `spikes`, any
sequence may be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from engine_gradients import default_machine
from reference_machine import ReferenceMachine
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.host.images import extract, fill
from spikeloom.backend.host.parameters import from_buffer, to_buffer
from spikeloom.backend.stream.encode import encode_program
from spikeloom.backend.stream.stream import Stream, per_dimension
from spikeloom.backend.validation.validator import ValidatedStream, validate
from spikeloom.compiler import attach_machine, new_context
from spikeloom.dialects.engine import LoopOp, ProgramOp
from spikeloom.passes.lower_to_engine import LowerToEnginePass

Values = Mapping[str, np.ndarray]


def sizes(state: int = 2**22, **others: int) -> dict[str, int]:
    """Bytes of each on-chip memory: large ones, and `state_sram` and others as given."""
    names = ("weight_sram", "spike_sram", "state_sram", "gradient_sram")
    return dict.fromkeys(names, 2**22) | {"state_sram": state} | others


def lowered(text: str, memories: Mapping[str, int]) -> tuple[ModuleOp, Stream]:
    """The module after lowering, and its stream."""
    context = new_context()
    module = Parser(context, text).parse_module()
    machine = " ".join(f"{name} = {size} : i64," for name, size in memories.items()).rstrip(",")
    attach = Parser(context, f"engine.machine @small {{{machine}}}").parse_module()
    module.body.block.insert_op_before(attach.ops.first.clone(), module.body.block.first_op)
    attach_machine(module, default_machine())
    module.verify()
    LowerToEnginePass().apply(context, module)
    module.verify()
    (program,) = (op for op in module.ops if isinstance(op, ProgramOp))
    return module, encode_program(program)


class Lowered:
    """A step lowered for a machine with these memories, validated."""

    def __init__(self, text: str, memories: Mapping[str, int]):
        self.module, stream = lowered(text, memories)
        self.validated: ValidatedStream = validate(stream, dict(memories))
        self.stream = self.validated.stream

    def is_cut(self, loop: str) -> bool:
        """Whether a loop of that name has more than one turn."""
        return any(
            len(range(*op.bounds)) > 1
            for op in self.module.walk()
            if isinstance(op, LoopOp) and (op.body.block.args[0].name_hint or "").startswith(loop)
        )

    def shape(self, kind: str, subject: str = "") -> tuple[int, ...]:
        return per_dimension(self.stream.buffers[self.index(kind, subject)]["shape"].tolist())

    def on_reference(self, signal: np.ndarray, parameters: Values, labels: Any = None) -> Finished:
        """Runs it in numpy, in double precision; no cell holds a number before it is written."""
        machine = ReferenceMachine(self.stream)
        for cells in machine.memory:
            if cells.dtype == np.float64:
                cells[...] = np.nan
        for index, cells in self._written(signal, parameters, labels).items():
            machine.memory[index][...] = cells
        machine.run()
        return Finished(self, machine.memory.__getitem__)

    def on_engine(
        self, signal: np.ndarray, parameters: Values, labels: Any = None, threads: int = 1
    ) -> Finished:
        """Runs it on the interpreter."""
        interpreter = Interpreter(self.validated, default_machine(), threads)
        for index, cells in self._written(signal, parameters, labels).items():
            interpreter.write(index, cells)
        interpreter.run()
        return Finished(self, interpreter.read)

    def _written(self, signal: np.ndarray, parameters: Values, labels: Any) -> dict[int, Any]:
        flat = signal.reshape(*signal.shape[:2], -1)
        shape = per_dimension(self.stream.buffers[self.index("input")]["shape"].tolist())
        found = {self.index("input"): fill(shape, flat, signal.shape[2:])}
        for name, tensor in parameters.items():
            found[self.index("parameter", name)] = to_buffer(tensor)
        if labels is not None:
            found[self.index("label")] = labels[None, :, None, None]
        return found

    def index(self, kind: str, subject: str = "") -> int:
        index = self.stream.find(kind, subject)
        assert index is not None, f"the stream has no {kind} {subject}"
        return index


class Finished:
    """A stream that has run."""

    def __init__(self, lowered: Lowered, read: Any):
        self.stream, self._lowered, self._read = lowered.stream, lowered, read

    def cells(self, kind: str, subject: str = "") -> np.ndarray:
        """The buffer with this role."""
        return np.asarray(self._read(self._lowered.index(kind, subject)))

    def sequence(self, subject: str, steps: int, shape: tuple[int, ...]) -> np.ndarray:
        """A reported sequence: [steps, samples, ...shape]."""
        return extract(self.cells("spikes", subject), steps, shape)

    def gradient(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """A reported gradient of a parameter."""
        return from_buffer(self.cells("gradient", name), shape)

    def parameter(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """A parameter after the run."""
        return from_buffer(self.cells("parameter", name), shape)
