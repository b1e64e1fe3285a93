"""The interpreter of a machine of crossbars: the same execution and clock, other results."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts.crossbar_results import CrossbarResult, crossbar_result
from spikeloom.backend.execution.stream_executor import StreamExecutor
from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.backend.stream.stream import Stream
from spikeloom.backend.validation.buffer_rules import MAX_ON_CHIP_BYTES
from spikeloom.backend.validation.validator import ValidatedStream, validate
from spikeloom.dialects.instruction_set import CROSSBAR_ENGINES, ON_CHIP_MEMORIES

CROSSBAR_MEMORIES: Mapping[str, int] = dict.fromkeys(ON_CHIP_MEMORIES, MAX_ON_CHIP_BYTES)
"""The memories of all tiles together, which a stream does not tell apart: binding bounds them."""


def validate_for_crossbars(stream: Stream) -> ValidatedStream:
    """Checks a stream against every rule of a machine of crossbars.

    Raises:
        DiagnosticError: E0304 with up to ten violations.
    """
    return validate(stream, CROSSBAR_MEMORIES, CROSSBAR_ENGINES)


class CrossbarInterpreter(StreamExecutor):
    """Executes one stream of tiles and connections on memory of its own."""

    def __init__(self, validated: ValidatedStream, machine: CrossbarMachine, threads: int = 1):
        super().__init__(validated, machine, threads)
        self._machine, self._stream = machine, validated.stream
        self._executed = validated.dynamic_instructions

    def run(self) -> tuple[CrossbarResult, NDArray[np.int64]]:
        """Executes the stream once; returns when each executed instruction was over as well.

        Raises:
            IdentityError: a law is broken (an error of the interpreter).
        """
        finishes = np.zeros(self._executed, np.int64)
        course = self.course(finishes=finishes)
        return crossbar_result(self._stream, course, self._machine), finishes
