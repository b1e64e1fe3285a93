"""The meaning of an `engine.program`: its stream, executed by the interpreter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.host.images import extract, fill
from spikeloom.backend.host.parameters import from_buffer, to_buffer
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.stream.encode import encode_program
from spikeloom.backend.stream.stream import ELEMENTS, per_dimension
from spikeloom.backend.validation.validator import validate
from spikeloom.dialects.bptt.objective import REPORT_KINDS
from spikeloom.dialects.engine import ProgramOp
from spikeloom.dialects.instruction_set import Element, Shape
from spikeloom.verification.arrays import Array
from spikeloom.verification.draws import Draw
from spikeloom.verification.meaning import Level, Meaning, ValueName

Shapes = Mapping[ValueName, tuple[int, ...]]
"""Shapes that reported values have on the level above."""


class Inputs(Protocol):
    """What a program is given to run on."""

    def buffer(self, kind: str, subject: str, shape: Shape, element: Element) -> Array | None:
        """The cells of the buffer with this role; None for one that starts as zeros."""


@dataclass(frozen=True)
class DrawnInputs:
    """A draw for the level above, in the machine's layout."""

    draw: Draw

    def buffer(self, kind: str, subject: str, shape: Shape, element: Element) -> Array | None:
        """See `Inputs`; what comes before the first step is zero."""
        match kind:
            case "parameter":
                return to_buffer(self.draw.parameters[subject])
            case "label":
                return self.draw.labels[None, :, None, None]
            case "input":
                signal = self.draw.signal
                cells = signal.reshape(*signal.shape[:2], -1)
                return fill(shape, cells, signal.shape[2:])
            case _:
                return None


@dataclass(frozen=True)
class RawInputs:
    """Random cells, for a program of which only the stream is known."""

    seed: int

    def buffer(self, kind: str, subject: str, shape: Shape, element: Element) -> Array | None:
        """See `Inputs`; labels are all 0, which is a class of any network."""
        if kind not in ("parameter", "input"):
            return None
        random = np.random.default_rng([self.seed, *f"{kind}/{subject}".encode()])
        if element is Element.BIT:
            return (random.random(shape) < 0.5).astype(np.float32)
        return np.asarray(np.rint(random.uniform(-256, 256, shape)) / 1024, np.float32)


def execute_program(
    program: ProgramOp, machine: Machine, inputs: Inputs, shapes: Shapes
) -> Meaning:
    """Runs the program once and reads everything that it reports.

    Args:
        shapes: how reported values are to be read; others are left in the machine's layout.

    Raises:
        DiagnosticError: the program breaks a rule of the machine (E0304).
    """
    validated = validate(encode_program(program), machine.memory_bytes)
    stream = validated.stream
    interpreter = Interpreter(validated, machine)
    for index, (kind, subject) in enumerate(stream.buffer_roles):
        buffer = stream.buffers[index]
        shape = per_dimension(int(extent) for extent in buffer["shape"])
        cells = inputs.buffer(kind, subject, shape, ELEMENTS[int(buffer["element"])])
        if cells is not None:
            interpreter.write(index, cells)
    interpreter.run()
    values: dict[ValueName, Array] = {}
    for index, (kind, subject) in enumerate(stream.buffer_roles):
        if kind in (*REPORT_KINDS, "parameter"):
            shape = shapes.get((kind, subject))
            values[kind, subject] = _in_shape(interpreter.read(index), kind, shape)
    return Meaning(Level.MACHINE, values)


def _in_shape(cells: Array, kind: str, shape: tuple[int, ...] | None) -> Array:
    """A buffer's cells as the level above has them."""
    if shape is None:
        return cells
    if kind in ("parameter", "gradient"):
        return from_buffer(cells, shape)
    if kind == "spikes":
        return extract(cells, shape[0], shape[2:]).reshape(shape)
    return cells.reshape(shape)
