"""The interpreter: executes a validated stream, learns for real, counts every cycle and joule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts.identities import check_identities
from spikeloom.backend.accounts.results import ENGINES, Owners, RunResult
from spikeloom.backend.execution.repeated_run import RepeatedRun
from spikeloom.backend.execution.stream_executor import Course, StreamExecutor, prepare_kernels
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.validation.validator import ValidatedStream


class Interpreter(StreamExecutor):
    """Executes one stream of a training machine, again and again, on memory of its own.

    Results, counts and cycles do not depend on `threads`.
    """

    def __init__(self, validated: ValidatedStream, machine: Machine, threads: int = 1):
        super().__init__(validated, machine, threads)
        self._machine = machine
        self._owners = Owners.of(validated.stream)

    def run(self, statistics: NDArray[np.int64] | None = None) -> RunResult:
        """Executes the stream once, from cycle 0, and checks every conservation law.

        `statistics` [executed instructions, COUNTS] are filled with what each of them counted.

        Raises:
            IdentityError: a law is broken (an error of the interpreter).
        """
        return self._checked(self.course(statistics=statistics))

    def run_repeatedly(
        self, passes: int, prepare: Callable[[int], None] | None = None
    ) -> RepeatedRun:
        """Executes the stream again and again on one clock: a pass need not wait for the last one.

        `prepare(number)` is called before each pass, to write its batch for instance.

        Raises:
            IdentityError: a law is broken (an error of the interpreter).
        """
        course = self.course(passes, prepare)
        return RepeatedRun(self._checked(course), course.finishes)

    def _checked(self, course: Course) -> RunResult:
        # The other engines are not there, and have done nothing.
        idle = course.elapsed - course.free[: len(ENGINES)]
        result = RunResult(self._machine, self._owners, course.counts, idle, course.elapsed)
        check_identities(result)
        return result


__all__ = ["Interpreter", "prepare_kernels"]
